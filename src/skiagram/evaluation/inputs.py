"""What evaluation reads: scores, cases, the seal and what is known of the cases."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from skiagram.compute.checkout import home
from skiagram.evaluation.finding import FindingTables, read_finding
from skiagram.evaluation.shift import CaseTraits, read_case_traits
from skiagram.image_store.store import ImageStore
from skiagram.near_duplicates.pairs import content_digest
from skiagram.records import (
    MARKS,
    PREDICTIONS,
    Cases,
    DataCard,
    Predictions,
    Task,
    read_cases,
    read_record,
    read_table,
)
from skiagram.sealing.labels import are_encrypted, open_labels
from skiagram.sealing.ledger import Comparison, Opening, note_opening


def _no_pairs() -> pd.DataFrame:
    return pd.DataFrame({"first": [], "second": []})


@dataclass(frozen=True)
class EvaluationInputs:
    """What evaluation needs.

    Attributes:
        models: Of every model named in params.yaml, in the order of the report.
        sealed: Columns `case_id`, `label` of the test cases; empty under `cv`.
        opening: Its entry in the seal's ledger; None where nothing is sealed.
        encrypted: Whether sealed labels are kept encrypted; then no output names a case's label.
        truth: Columns `case_id`, `ideal_score` of generated data, else None.
        duplicates: Columns `first`, `second`: case ids of near duplicates and transformed copies.
        covariates: `case_id` and columns whose values define subgroups; None asks for none.
        traits: What may tell test from development cases; None does not ask.
        finding: Where the lesions are; None where no model leaves marks.
    """

    models: tuple[Predictions, ...]
    cases: Cases
    task: Task
    sealed: pd.DataFrame
    card: DataCard
    comparison: Comparison
    opening: Opening | None = None
    encrypted: bool = False
    truth: pd.DataFrame | None = None
    duplicates: pd.DataFrame = field(default_factory=_no_pairs)
    covariates: pd.DataFrame | None = None
    traits: CaseTraits | None = None
    finding: FindingTables | None = None


def read_inputs(
    root: Path, score_folders: Sequence[Path], options: Mapping[str, Any]
) -> EvaluationInputs:
    """Read scores and cases; open the seal, and note it in the ledger before all else."""
    truth = root / "data/sealed/truth.parquet"
    cases, task = read_cases(root / "data/cases")
    sealed = open_labels(root / "data/sealed", task)
    comparison = describe_comparison(root, score_folders, options)
    opening = note_opening(home(root), comparison, root) if comparison.seal else None
    models = tuple(Predictions.read(folder) for folder in score_folders)
    has_marks = any(model.marks is not None for model in models)
    return EvaluationInputs(
        models=models,
        cases=cases,
        task=task,
        sealed=sealed,
        encrypted=are_encrypted(root / "data/sealed"),
        truth=read_table(truth) if truth.exists() else None,
        duplicates=read_table(root / "data/audit/near_duplicates.parquet"),
        covariates=read_table(root / "data/cases/covariates.parquet"),
        card=read_record(DataCard, root / "data/cases/card.json"),
        comparison=comparison,
        opening=opening,
        traits=read_case_traits(root, cases),
        finding=read_finding(root, task) if has_marks else None,
    )


def seal_of(images: ImageStore, test: Iterable[str]) -> str:
    """Return what tells a sealed test set from any other: its images, without names or labels."""
    digests = sorted(content_digest(image) for image in images.images(list(test)))
    return hashlib.sha256(b"".join(digests)).hexdigest()


def describe_comparison(
    root: Path, score_folders: Sequence[Path], options: Mapping[str, Any]
) -> Comparison:
    """Return what the seal is to be opened for, before it is opened.

    Two comparisons are the same if all scores and options are equal, whoever made them.
    """
    cases, task = read_cases(root / "data/cases")
    generated = (root / "data/sealed/truth.parquet").exists()
    sealed = task.design == "holdout" and not generated
    files = (PREDICTIONS, MARKS)
    scores = {
        folder.name: hashlib.sha256(
            b"".join((folder / name).read_bytes() for name in files if (folder / name).exists())
        ).hexdigest()
        for folder in score_folders
    }
    text = json.dumps([scores, options], sort_keys=True, allow_nan=False)
    return Comparison(
        data=read_record(DataCard, root / "data/cases/card.json").name,
        seal=seal_of(ImageStore(root / "data/images"), cases.test().case_id) if sealed else "",
        opened_by="evaluate",
        models=tuple(scores),
        digest=hashlib.sha256(text.encode()).hexdigest(),
    )
