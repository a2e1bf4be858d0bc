"""What stage evaluate reads: scores, cases, the opened seal, lesions, and traits of the images.

The seal is opened here alone, and the opening is noted before. `evaluation` reads no file.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass as options_class

from skiagram.composition import Composition
from skiagram.compute.checkout import home
from skiagram.compute.workers import Compute
from skiagram.evaluation.evaluation_set import CaseTraits, OpenedCases
from skiagram.evaluation.finding import FindingTables
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.options import EvaluationOptions
from skiagram.finding.candidates import Ceiling
from skiagram.finding.marks import read_spacing
from skiagram.image_store.store import ImageStore
from skiagram.images import is_volume
from skiagram.near_duplicates.pairs import pixel_digest
from skiagram.options import check
from skiagram.records.files import read_record, read_table
from skiagram.records.places import IDEAL_MARKS, MARKS
from skiagram.records.predictions import COMBINED, PREDICTIONS, Predictions
from skiagram.sealing.labels import are_encrypted, open_labels
from skiagram.sealing.ledger import Comparison, Opening, note_opening
from skiagram.steps.choices import RunChoices
from skiagram.strict import STRICT
from skiagram.tasks.cases import Cases, DataCard, read_cases
from skiagram.tasks.task import Task

TRUTH = "sealed/truth.parquet"  # what is known of generated data alone, in the ingested folder
_MAX_SIDE = 4_000  # cases


@options_class(**STRICT)
class EvaluateOptions(EvaluationOptions):
    """Options of stage evaluate.

    Attributes:
        choices: What params.yaml chose.
        compute: How much of the machine it may use.
    """

    choices: RunChoices
    compute: Compute


def read_evaluation_options(options: Composition) -> EvaluationOptions:
    """Read how a project evaluates, without what it chose besides.

    Raises:
        OptionError: An option cannot be used.
    """
    values = options.compose_stage("evaluate")
    del values["choices"], values["compute"]
    return check(EvaluationOptions, values, "evaluate")


def read_run(root: Path, options: EvaluateOptions) -> EvaluationInputs:
    """Read what a project's models are evaluated on: those that params.yaml names, no others.

    The seal is opened, which is noted in the ledger before all else.
    """
    choices = options.choices
    score_folders = [root / "scores" / name for name in choices.trained]
    score_folders += [root / COMBINED / "scores" / name for name in choices.combinations]
    figures_depend_on = {**asdict(options), "choices": choices.seed}
    del figures_depend_on["compute"], figures_depend_on["left_out_networks"]
    # what tells this comparison from others: options, and the files of each model's scores
    scores = {}
    for folder in score_folders:
        files = (folder / PREDICTIONS, folder / MARKS)
        content = b"".join(file.read_bytes() for file in files if file.exists())
        scores[folder.name] = hashlib.sha256(content).hexdigest()
    # The opening is noted before scores and labels meet.
    data, request = root / "data", [scores, figures_depend_on]
    opened, comparison, opening = open_seal(root, data, "evaluate", [*scores], request)
    beside = {
        "duplicates": read_table(data / "audit/near_duplicates.parquet"),
        "covariates": read_table(data / "cases/covariates.parquet"),
        "traits": read_case_traits(root, opened.cases),
    }
    models = tuple(Predictions.read(folder) for folder in score_folders)
    has_marks = any(model.marks is not None for model in models)
    return EvaluationInputs(
        **{**vars(opened), **beside},
        models=models,
        encrypted=are_encrypted(data / "sealed"),
        card=read_record(DataCard, data / "cases/card.json"),
        comparison=comparison,
        opening=opening,
        finding=read_finding(data, data / "candidates", opened.task) if has_marks else None,
    )


def open_seal(
    project: Path | None, ingested: Path, opened_by: str, models: Sequence[str], request: object
) -> tuple[OpenedCases, Comparison, Opening | None]:
    """Open the seal of a data set after its models have scored, and note it in the ledger.

    Args:
        project: Where the ledger lies; None notes nothing.
        ingested: Folder that step ingest wrote.
        opened_by: What opens it, for people.
        models: Whose scores it is opened for.
        request: All that decides the figures, as JSON.

    Returns:
        The cases with their labels, what the seal was opened for, and its entry in the ledger; None
        where no label is sealed.
    """
    # Labels that cannot be read are no opening.
    cases, task = read_cases(ingested / "cases")
    sealed, truth = open_labels(ingested / "sealed", task.predicted.classes), ingested / TRUTH
    name = read_record(DataCard, ingested / "cases/card.json").name
    # Sealed are test cases: none under `cv`, and none of generated images.
    is_sealed = task.design == "holdout" and not truth.exists()
    images, test = (
        ImageStore(ingested / "images"),
        cases.test().case_id.tolist() if is_sealed else [],
    )
    # What it is opened for is noted before scores and labels meet.
    comparison = describe_comparison(name, images, test, opened_by, models, request)
    opening = None
    if project is not None and comparison.seal:
        opening = note_opening(home(project), comparison, project)
    known = read_table(truth) if truth.exists() else None
    return OpenedCases(cases, task, sealed, known), comparison, opening


def describe_comparison(
    data: str,
    images: ImageStore,
    sealed_cases: Sequence[str],
    opened_by: str,
    models: Sequence[str],
    request: object,
) -> Comparison:
    """Describe what the seal is to be opened for, before it is opened.

    Two comparisons are the same if their requests are equal, whoever made them.

    Args:
        data: Name of the data set.
        sealed_cases: Their images or values, without names or labels, tell this seal from any
            other.
        opened_by: What opens it, for people.
        models: Whose scores it is opened for.
        request: All that decides the figures, as JSON.
    """
    if images.has_images:
        digests = sorted(pixel_digest(image) for image in map(images.image, sealed_cases))
    else:
        digest_of = dict(zip(images.case_ids, images.digests(), strict=True))
        digests = sorted(digest_of[case] for case in sealed_cases)
    return Comparison(
        data=data,
        seal=hashlib.sha256(b"".join(digests)).hexdigest() if digests else "",
        opened_by=opened_by,
        models=tuple(models),
        digest=hashlib.sha256(
            json.dumps(request, sort_keys=True, allow_nan=False).encode()
        ).hexdigest(),
    )


def read_finding(ingested: Path, candidates: Path, task: Task) -> FindingTables:
    """Read where the lesions are, for models that left marks.

    Args:
        ingested: Folder that step ingest wrote.
        candidates: Folder of the proposed places.
    """
    sealed = ingested / "sealed"
    ceiling = read_record(Ceiling, candidates / "proposal.json")
    development_lesions = read_table(ingested / "cases" / MARKS)
    ideal = sealed / IDEAL_MARKS
    return FindingTables(
        lesions=read_table(sealed / MARKS) if task.design == "holdout" else development_lesions,
        known=development_lesions,
        spacing=read_spacing(ImageStore(ingested / "images")),
        ceiling=ceiling.reached / ceiling.lesions if ceiling.places and ceiling.lesions else None,
        ideal=read_table(ideal) if ideal.exists() else None,
    )


def read_case_traits(root: Path, cases: Cases) -> CaseTraits | None:
    """Read features and covariates, and measure the images as ingested.

    Of more than 4,000 cases of a side a part that is evenly spread over their order is read.

    Returns:
        None under `cv`, where no case is sealed.
    """
    tested = cases.split == "test"
    if not tested.any():
        return None
    case_id: list[str] = []
    for side in (cases.case_id[tested], cases.case_id[~tested]):
        places = np.arange(len(side))
        if len(side) > _MAX_SIDE:
            places = np.linspace(0, len(side) - 1, _MAX_SIDE).astype(np.int64)
        case_id += side[places].tolist()
    return read_traits_of(root, case_id)


def read_traits_of(root: Path, case_id: Sequence[str]) -> CaseTraits:
    """Read features and covariates of some cases of a project, and measure their images."""
    store, features = ImageStore(root / "data/images"), root / "data/features.parquet"
    images = measure_images(store, case_id)
    traits = images.merge(read_table(root / "data/cases/covariates.parquet"), "left", "case_id")
    if not features.exists():
        return CaseTraits(images[["case_id"]], traits)
    table = read_table(features)
    return CaseTraits(table[table["case_id"].isin(case_id)], traits)


def measure_images(images: ImageStore, case_id: Sequence[str]) -> pd.DataFrame:
    """Measure `case_id`, `brightness`, `height` and `width` of some images as ingested.

    Of cases without images it is `case_id` alone.
    """
    if not images.has_images:
        return pd.DataFrame({"case_id": [*case_id]})
    lines: list[dict[str, str | float]] = []
    for case in case_id:
        # an image is (height, width, …), a volume (depth, height, width, 1)
        image = images.image(case)
        height, width = image.shape[1:3] if is_volume(image) else image.shape[:2]
        values = image[np.isfinite(image)]
        brightness = float(values.mean(dtype=np.float64)) if values.size else np.nan
        size = {"height": float(height), "width": float(width)}
        lines.append({"case_id": case, "brightness": brightness, **size})
    return pd.DataFrame(lines)
