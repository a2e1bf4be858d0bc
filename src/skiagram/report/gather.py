"""Reads what the stages left behind, for evaluation and for the page."""

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from skiagram.audit.report import AuditReport
from skiagram.evaluation.reported import ModelScores
from skiagram.evaluation.scores_table import scores_table
from skiagram.models.combined.folders import COMBINED, scores_folder
from skiagram.predictions import Predictions
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records import Cases, DataCard, Outcome, Task, read_record, read_table
from skiagram.report.definitions import definitions
from skiagram.report.examples import choose, load
from skiagram.report.gallery import galleries
from skiagram.report.material import Material, Provenance
from skiagram.store import ImageStore

_EXAMPLES_PER_CLASS = 3
_ERRORS_PER_CLASS = 4
_PACKAGES = (
    "skiagram", "numpy", "pandas", "pyarrow", "pydicom", "pytorch-lightning", "PyWavelets",
    "scikit-image", "scikit-learn", "scipy", "torch",
)  # fmt: skip


@dataclass(frozen=True)
class Artefacts:
    """What evaluation needs.

    Attributes:
        models: Scores of every model named in params.yaml; others on disk are ignored.
        cases: The case table.
        task: What is told apart.
        sealed: Labels of test cases.
        truth: What only a generator knows; None for real images.
        duplicates: Near duplicates and shifted copies that the audit met.
        covariates: `case_id` and what else is known of each case.
        card: What a reader must know of the data set.
    """

    models: tuple[ModelScores, ...]
    cases: Cases
    task: Task
    sealed: pd.DataFrame
    truth: pd.DataFrame | None
    duplicates: pd.DataFrame
    covariates: pd.DataFrame
    card: DataCard


def read_artefacts(root: Path, names: Sequence[str], combined: Sequence[str] = ()) -> Artefacts:
    """Read scores, cases and the seal.

    Args:
        root: Project folder.
        names: Models named in params.yaml.
        combined: Combinations named there.

    Raises:
        DataError: Something is missing or damaged.
    """
    truth = root / "data/sealed/truth.parquet"
    return Artefacts(
        models=(
            *(_scores(root / "scores" / name) for name in names),
            *(_scores(root / COMBINED / "scores" / name) for name in combined),
        ),
        cases=Cases.read(root / "data/cases/cases.parquet"),
        task=read_record(Task, root / "data/cases/task.json"),
        sealed=read_table(root / "data/sealed/labels.parquet"),
        truth=read_table(truth) if truth.exists() else None,
        duplicates=read_table(root / "data/audit/twins.parquet"),
        covariates=read_table(root / "data/cases/covariates.parquet"),
        card=read_record(DataCard, root / "data/cases/card.json"),
    )


def _scores(folder: Path) -> ModelScores:
    outcome = read_record(Outcome, folder / "outcome.json")
    predictions = Predictions.read(folder / "predictions.parquet")
    return ModelScores(outcome, predictions, read_table(folder / "selection.parquet"))


def read_material(
    root: Path, artefacts: Artefacts, choices: Mapping[str, Any], best: Mapping[str, str]
) -> Material:
    """Read what the page shows besides results.

    Args:
        root: Project folder.
        artefacts: What `read_artefacts` returned.
        choices: The run's choices, for the provenance.
        best: Arm → its best model, whose worst errors are shown.

    Raises:
        DataError: Something is missing or damaged.
    """
    before, after = ImageStore(root / "data/images"), ImageStore(root / "data/restored")
    chosen = choose(artefacts.cases, artefacts.task, _EXAMPLES_PER_CLASS)
    folders = {one.outcome.model: scores_folder(root, one.outcome) for one in artefacts.models}
    scores = scores_table(artefacts.models, artefacts.cases, artefacts.task, artefacts.sealed)
    worst = galleries(scores, artefacts.task, tuple(best.values()), after, _ERRORS_PER_CLASS)
    curves = {name: read_table(path / "curves.parquet") for name, path in folders.items()}
    return Material(
        card=artefacts.card,
        audit=read_record(AuditReport, root / "data/audit/findings.json"),
        treatment=read_table(root / "data/treatment.parquet"),
        examples=load(chosen, before, after),
        curves={name: table for name, table in curves.items() if len(table)},
        provenance=_provenance(root, artefacts, choices, before, after),
        galleries=worst,
        definitions=definitions(read_record(Preparation, root / "data/preparation" / PREPARATION)),
    )


def _provenance(
    root: Path,
    artefacts: Artefacts,
    choices: Mapping[str, Any],
    before: ImageStore,
    after: ImageStore,
) -> Provenance:
    files = {"case table": root / "data/cases/cases.parquet"}
    for model in artefacts.models:
        path = scores_folder(root, model.outcome) / "predictions.parquet"
        files[f"scores of {model.outcome.model}"] = path
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    options = {f"model {one.outcome.model}": one.outcome.options for one in artefacts.models}
    return Provenance(
        versions={name: importlib.metadata.version(name) for name in _PACKAGES},
        sha256={"images": before.sha256, "restored images": after.sha256, **hashes},
        params={**choices, **options},
    )
