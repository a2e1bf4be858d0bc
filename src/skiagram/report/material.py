"""What the report shows besides the evaluation: the card, pictures, versions and hashes."""

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from skiagram.audit.findings import AuditReport
from skiagram.case_features.extraction import feature_definitions
from skiagram.compute.files import sha256_of
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.scores import make_scores_table, mean_over_repeats
from skiagram.explanation.record import EXPLANATION, RELIANCE, Explanation, Reliance
from skiagram.features.feature import Definition
from skiagram.image_store.pictures import (
    describe_place,
    encode_case,
    encode_change,
    name_slice,
)
from skiagram.image_store.store import ImageStore
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.files import read_record, read_table
from skiagram.records.predictions import folder_of
from skiagram.report.contact_sheet import ContactSheet, make_contact_sheets
from skiagram.sealing.ledger import Opening
from skiagram.tasks.cases import Cases, DataCard
from skiagram.tasks.task import Task

_EXAMPLES_PER_CLASS = 3
_ERRORS_PER_CLASS = 4
_PACKAGES = (
    "skiagram",
    "numpy",
    "pandas",
    "pyarrow",
    "pydicom",
    "pytorch-lightning",
    "PyWavelets",
    "scikit-image",
    "scikit-learn",
    "scipy",
    "torch",
)


class Example(NamedTuple):
    """One development case before and after restoration.

    Attributes:
        removed: `data:` address of before − after. Empty for regions, which restoration may bring
            to other pixels.
    """

    case_id: str
    label: str
    before: str
    after: str
    removed: str = ""
    shown: str = ""
    of_region: bool = False


class Mistake(NamedTuple):
    """A case that a model put into the class `named`, with that class's probability.

    Its picture is empty where cases have no images.
    """

    case_id: str
    named: str
    probability: float
    picture: str
    shown: str = ""


class Gallery(NamedTuple):
    """The worst errors of one model on one class."""

    model: str
    label: str
    wrong: int
    cases: int
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class Material:
    """Everything on the page that is not a result.

    Attributes:
        treatment: Columns `case_id, missing, outliers, dead_lines, noise`, one row a restored
            image; empty where there are no images.
        versions: Library → version.
        sha256: What was read → its digest.
        params: Choices of the run, and the options of its models.
        sensitivity: Sensitivity at which thresholds were set, on held-out cases, in (0, 1].
        opening: Entry in the seal's ledger; None where nothing is sealed.
        sheets: Searched images with their lesions and marks.
        explanations: What stage explain says of the models that it explained.
        reliance: Which features the best classical model rests on; None where it reads none.
    """

    card: DataCard
    audit: AuditReport
    treatment: pd.DataFrame
    examples: Sequence[Example]
    versions: Mapping[str, str]
    sha256: Mapping[str, str]
    params: Mapping[str, Any]
    galleries: Sequence[Gallery] = ()
    definitions: Sequence[Definition] = ()
    sensitivity: float = 0.9
    opening: Opening | None = None
    sheets: Sequence[ContactSheet] = ()
    explanations: Sequence[Explanation] = ()
    reliance: Reliance | None = None


def read_material(
    root: Path, artefacts: EvaluationInputs, choices: Mapping[str, Any], evaluation: Evaluation
) -> Material:
    """Read what the page shows besides results."""
    # The files of each model, and their hashes.
    before, after = ImageStore(root / "data/images"), ImageStore(root / "data/restored")
    outcomes = [model.outcome for model in artefacts.models]
    folders = {outcome.model: folder_of("scores", root, outcome) for outcome in outcomes}
    files = {"case table": root / "data/cases/cases.parquet"}
    files |= {f"scores of {name}": path / "predictions.parquet" for name, path in folders.items()}
    hashes = {"images": before.sha256, "restored images": after.sha256}
    hashes = hashes if before.has_images else {"rows": before.sha256}
    hashes |= {name: sha256_of(path) for name, path in files.items()}
    # Galleries sort images by their labels: none where these are encrypted.
    galleries: list[Gallery] = []
    if not artefacts.encrypted and artefacts.task.defines("galleries"):
        scores = mean_over_repeats(
            make_scores_table(artefacts.models, artefacts.cases, artefacts.task, artefacts.sealed)
        )
        for model in (name for name in evaluation.best.values() if name in folders):
            galleries += make_galleries(scores, artefacts.task, model, after)
    from skiagram.restoration.restore import TREATMENT  # with what `skiagram show` needs not

    # What the stages before left: preparation, explanations and reliance.
    preparation = read_record(Preparation, root / "data/preparation" / PREPARATION)
    paths = (root / "reports/explanations" / model / EXPLANATION for model in folders)
    explanations = [read_record(Explanation, path) for path in paths if path.exists()]
    # Where folds chose different classical models, the one that most of them chose.
    reliance, classical = None, evaluation.arms.get("classical")
    if classical is not None and not evaluation.is_external:
        path = folders[next(iter(classical.chosen))] / RELIANCE
        reliance = read_record(Reliance, path) if path.exists() else None
    return Material(
        card=artefacts.card,
        audit=read_record(AuditReport, root / "data/audit/findings.json"),
        treatment=read_table(after.folder / TREATMENT) if after.has_images else pd.DataFrame(),
        examples=[
            load_example(case_id, label, before, after)
            for case_id, label in choose_examples(artefacts.cases, artefacts.task)
            if before.has_images
        ],
        versions={name: importlib.metadata.version(name) for name in _PACKAGES},
        sha256=hashes,
        params={**choices, **{f"model {each.model}": each.options for each in outcomes}},
        galleries=galleries,
        definitions=feature_definitions(preparation),
        sensitivity=choices["sensitivity"],
        opening=artefacts.opening,
        sheets=[] if artefacts.encrypted else make_contact_sheets(artefacts, evaluation, after),
        explanations=explanations,
        reliance=reliance,
    )


def choose_examples(
    cases: Cases, task: Task, per_class: int = _EXAMPLES_PER_CLASS
) -> list[tuple[str, str]]:
    """Choose (case id, class name) of the first development patients of each class.

    Ids are opaque and given after a shuffle, so the first ones are a random draw that no score
    has touched. No two images of a class are of one patient.
    """
    chosen: list[tuple[str, str]] = []
    for label, name in enumerate(task.predicted.label_words):
        development = cases.development()
        of_class = development.select(development.label == label)
        _, first = np.unique(of_class.patient_id, return_index=True)
        ids = sorted(of_class.case_id[first].tolist())
        chosen += [(case_id, name) for case_id in ids[:per_class]]
    return chosen


def load_example(case_id: str, label: str, before: ImageStore, after: ImageStore) -> Example:
    """Load a case as pictures, as ingested and restored."""
    if after.region(case_id) is None:
        image = before.image(case_id)
        return Example(
            case_id, label, *encode_change(image, after.image(case_id)), name_slice(image)
        )
    region = before.region(case_id)
    place = describe_place(before.image(case_id), region) if region else ""
    before_png, after_png = (encode_case(store, case_id) for store in (before, after))
    return Example(case_id, label, before_png, after_png, shown=place, of_region=True)


def make_galleries(
    scores: pd.DataFrame,
    task: Task,
    model: str,
    images: ImageStore,
    per_class: int = _ERRORS_PER_CLASS,
) -> list[Gallery]:
    """Make one gallery per class."""
    # The probability of each class, in the order of the classes.
    if task.predicted.positive is None:
        columns = [f"{model}: {label}" for label in task.predicted.classes]
        probability = scores[columns].to_numpy(dtype=np.float64)
    else:
        positive = scores[model].to_numpy(dtype=np.float64)
        both = (
            (1 - positive, positive) if task.predicted.positive == 1 else (positive, 1 - positive)
        )
        probability = np.stack(both, axis=1)
    predicted = probability.argmax(axis=1)
    galleries = []
    # The surest mistakes of each class, one a patient.
    for k, label in enumerate(task.predicted.classes):
        in_class = (scores["label"] == label).to_numpy(dtype=bool)
        wrong = np.flatnonzero(in_class & (predicted != k))
        surest = wrong[np.argsort(-probability[wrong].max(axis=1), kind="stable")]
        _, first = np.unique(scores["patient_id"].to_numpy()[surest], return_index=True)
        mistakes = []
        for row in surest[np.sort(first)][:per_class]:
            case_id, named = str(scores["case_id"].iloc[row]), predicted[row]
            shown = ("", "")
            if images.has_images:
                shown = encode_case(images, case_id), name_slice(images.image(case_id))
            sure = float(probability[row, named])
            mistakes.append(Mistake(case_id, task.predicted.classes[named], sure, *shown))
        galleries.append(Gallery(model, label, len(wrong), int(in_class.sum()), tuple(mistakes)))
    return galleries
