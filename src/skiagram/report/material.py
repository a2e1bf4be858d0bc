"""What the report shows besides the evaluation."""

import hashlib
import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from skiagram.audit.run import AuditReport
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.scores import make_scores_table
from skiagram.features.feature import Definition
from skiagram.image_store.store import ImageStore
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records import DataCard, read_record, read_table, scores_folder
from skiagram.report.sections.data import Example, choose_examples, load_examples
from skiagram.report.sections.errors import Gallery, make_galleries
from skiagram.report.sections.stability import feature_definitions
from skiagram.report.sections.text_in_pixels import TextInPixels, look_for_text
from skiagram.sealing.ledger import Opening

_EXAMPLES_PER_CLASS = 3
_ERRORS_PER_CLASS = 4
_PACKAGES = (
    "skiagram", "numpy", "pandas", "pyarrow", "pydicom", "pytorch-lightning", "PyWavelets",
    "scikit-image", "scikit-learn", "scipy", "torch",
)  # fmt: skip


@dataclass(frozen=True)
class Provenance:
    """What a reader needs to make the same report again.

    Attributes:
        versions: Package → version.
        sha256: Input or artefact → SHA-256 of its content.
        params: The choices and values of the run.
    """

    versions: Mapping[str, str]
    sha256: Mapping[str, str]
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Material:
    """Everything on the page that is not a result.

    Attributes:
        card: The data set's card.
        audit: What the audit looked for and found.
        treatment: Columns `case_id, missing, outliers, dead_lines, noise`, one row a restored case.
        examples: Images before and after restoration.
        text: Marks in the images that look like text.
        curves: Model name → training curves (`fit, epoch, training_loss, validation_loss, …`).
        provenance: Versions, hashes and options.
        galleries: The worst errors of the best model of each arm.
        definitions: What the features of images mean.
        sensitivity: Sensitivity at which thresholds were set, on held-out cases, in (0, 1].
        opening: Entry in the seal's ledger; None where nothing is sealed.
    """

    card: DataCard
    audit: AuditReport
    treatment: pd.DataFrame
    examples: Sequence[Example]
    text: TextInPixels
    curves: Mapping[str, pd.DataFrame]
    provenance: Provenance
    galleries: Sequence[Gallery] = ()
    definitions: Sequence[Definition] = ()
    sensitivity: float = 0.9
    opening: Opening | None = None


def read_material(
    root: Path, artefacts: EvaluationInputs, choices: Mapping[str, Any], best: Mapping[str, str]
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
    chosen = choose_examples(artefacts.cases, artefacts.task, _EXAMPLES_PER_CLASS)
    folders = {
        model.outcome.model: scores_folder(root, model.outcome) for model in artefacts.models
    }
    scores = make_scores_table(artefacts.models, artefacts.cases, artefacts.task, artefacts.sealed)
    worst = make_galleries(scores, artefacts.task, tuple(best.values()), after, _ERRORS_PER_CLASS)
    curves = {name: read_table(path / "curves.parquet") for name, path in folders.items()}
    return Material(
        card=artefacts.card,
        audit=read_record(AuditReport, root / "data/audit/findings.json"),
        treatment=read_table(root / "data/treatment.parquet"),
        examples=load_examples(chosen, before, after),
        text=look_for_text(artefacts.cases, before),
        curves={name: table for name, table in curves.items() if len(table)},
        provenance=_provenance(root, artefacts, choices, before, after),
        galleries=() if artefacts.encrypted else worst,
        definitions=feature_definitions(
            read_record(Preparation, root / "data/preparation" / PREPARATION)
        ),
        sensitivity=choices["sensitivity"],
        opening=artefacts.opening,
    )


def _provenance(
    root: Path,
    artefacts: EvaluationInputs,
    choices: Mapping[str, Any],
    before: ImageStore,
    after: ImageStore,
) -> Provenance:
    files = {"case table": root / "data/cases/cases.parquet"}
    for model in artefacts.models:
        path = scores_folder(root, model.outcome) / "predictions.parquet"
        files[f"scores of {model.outcome.model}"] = path
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    options = {f"model {model.outcome.model}": model.outcome.options for model in artefacts.models}
    return Provenance(
        versions={name: importlib.metadata.version(name) for name in _PACKAGES},
        sha256={"images": before.sha256, "restored images": after.sha256, **hashes},
        params={**choices, **options},
    )
