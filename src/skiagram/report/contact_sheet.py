"""Searched images with their true lesions and marks: the best and the worst first."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from skiagram.evaluation.evaluation_record import Evaluation, FindingEvaluation
from skiagram.evaluation.finding import FindingTables
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.finding.marks import FALSE
from skiagram.image_store.pictures import (
    FALSE_COLOUR,
    HIT_COLOUR,
    OUTLINE_COLOUR,
    Circle,
    encode_circles,
)
from skiagram.image_store.store import ImageStore
from skiagram.records.places import of_cases
from skiagram.records.predictions import Part, Predictions

_PER_KIND = 4
_ALLOWED = 1.0  # false marks per image


class SheetImage(NamedTuple):
    """One image with circles; the picture is a `data:` address."""

    case_id: str
    words: str
    picture: str


class ContactSheet(NamedTuple):
    """Images of one kind, searched by one model."""

    title: str
    kind: str
    pictures: Sequence[SheetImage]


def make_contact_sheets(
    inputs: EvaluationInputs, evaluation: Evaluation, images: ImageStore
) -> list[ContactSheet]:
    """Make the sheets of the finder that stands for each arm, by its first training.

    Where folds chose different finders, it is the one that most of them chose.
    """
    finding, tables = evaluation.finding, inputs.finding
    if finding is None or tables is None:
        return []
    scores = {model.outcome.model: model for model in inputs.models}
    patient = pd.Series(inputs.cases.patient_id, index=inputs.cases.case_id)
    # Which images have the condition.
    labelled, sealed, positive = inputs.cases, inputs.sealed, inputs.task.predicted.positive
    abnormal = {*labelled.case_id[labelled.label == positive].tolist()}
    abnormal |= {*sealed["case_id"][sealed["label"] == positive]}
    sheets = []
    # What stands for each arm, and the first finder, each once.
    standing = [max(chosen, key=lambda name: chosen[name]) for chosen in finding.chosen.values()]
    for name in dict.fromkeys([*standing, *(finder.model for finder in finding.finders[:1])]):
        marks, lesions, normal = _judge(tables, finding, scores[name], evaluation.task.part)
        for kind, order in _order_images(marks, lesions, normal - abnormal).items():
            # The first of each patient.
            first = order.index[~patient.loc[order.index].duplicated()]
            pictures = []
            for case in first[:_PER_KIND].tolist():
                # Hits in one colour, false marks in another, lesions dotted.
                rows = of_cases(lesions).get(case, np.empty(0, dtype=np.int64))
                of_case = marks[marks["case_id"] == case]
                shown = of_case[(of_case["rate"] <= _ALLOWED) & (of_case["lesion"] >= FALSE)]
                hits = shown[shown["lesion"] >= 0]
                false = shown[shown["lesion"] == FALSE].sort_values("rate")
                circles = [*_circles(lesions.iloc[rows], OUTLINE_COLOUR, dotted=True)]
                circles += [*_circles(hits, HIT_COLOUR), *_circles(false, FALSE_COLOUR)]
                picture = encode_circles(images.image(case), tables.spacing[case], circles)
                found = f"{len(hits)} of {len(rows)} found, " if len(rows) else ""
                pictures.append(SheetImage(case, f"{found}{len(false)} false", picture))
            if pictures:
                sheets.append(ContactSheet(evaluation.titles[name], kind, pictures))
    return sheets


def _judge(
    tables: FindingTables, finding: FindingEvaluation, model: Predictions, part: Part
) -> tuple[pd.DataFrame, pd.DataFrame, set[str]]:
    """Return the marks of one training, the lesions, and the images without any.

    Marks have `lesion`, the row of the lesion that a mark hits, `FALSE` or less, and `rate`: false
    marks per image, in its fit, of marks with a score at least as high.
    """
    # One training is shown: a mark has a rate within it.
    predictions = model.part(part)
    first = predictions["repeat"].min()
    scored = predictions[predictions["repeat"] == first]
    lesions = tables.lesions[tables.lesions["case_id"].isin(scored["case_id"])]
    lesions = lesions.reset_index(drop=True)
    if model.marks is None:
        raise ValueError(f"{model.outcome.model} has no marks")
    in_first_repeat = (model.marks["part"] == part) & (model.marks["repeat"] == first)
    marks = model.marks[in_first_repeat].reset_index(drop=True)
    marks["lesion"] = finding.rule.match(marks, lesions, tables.spacing)
    # The false marks per image that a mark's score would allow, within its fold.
    images, rate = scored.groupby("fold").size(), np.empty(len(marks))
    for fold, rows in marks.groupby("fold").indices.items():
        of_fold = marks.iloc[rows]
        false = np.sort(of_fold.loc[of_fold["lesion"] == FALSE, "score"])
        above = len(false) - np.searchsorted(false, of_fold["score"], side="left")
        rate[rows] = above / images[fold]
    normal = {*scored["case_id"]} - {*lesions["case_id"]}
    return marks.assign(rate=rate), lesions, normal


def _order_images(
    marks: pd.DataFrame, lesions: pd.DataFrame, normal: set[str]
) -> dict[str, "pd.Series[float]"]:
    """Return each kind of sheet → case and its rate, in the order in which they are shown."""
    # The rate at which all lesions of an image are found; infinite where no mark hits one.
    hits = marks[marks["lesion"] >= 0].set_index("lesion")["rate"]
    found_at = hits.reindex(lesions.index, fill_value=np.inf)
    worst = found_at.groupby(lesions["case_id"]).max()
    # The rate of the worst false mark of an image without a lesion.
    alarming = marks[(marks["lesion"] == FALSE) & marks["case_id"].isin(normal)]
    alarms = alarming.groupby("case_id")["rate"].min()
    return {
        "lesions found first": worst[np.isfinite(worst)].sort_values(kind="stable"),
        "lesions found last or missed": worst.sort_values(ascending=False, kind="stable"),
        "images without a lesion, worst false marks": alarms.sort_values(kind="stable"),
    }


def _circles(
    places: pd.DataFrame, colour: tuple[int, int, int], *, dotted: bool = False
) -> list[Circle]:
    columns = places[["slice", "row", "column", "radius"]].itertuples(index=False)
    return [
        Circle((slice_, row, column), radius, colour, dotted)
        for slice_, row, column, radius in columns
    ]
