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
    # Whose image each case is, and which ones have the condition.
    scores = {model.outcome.model: model for model in inputs.models}
    ids, patients = inputs.cases.case_id.tolist(), inputs.cases.patient_id.tolist()
    patient = dict(zip(ids, patients, strict=True))
    known_label = inputs.cases.label == inputs.task.positive
    positive = {*inputs.cases.case_id[known_label].tolist()}
    positive |= {*inputs.sealed["case_id"][inputs.sealed["label"] == inputs.task.positive]}
    sheets = []
    # What stands for each arm, and the first finder, each once.
    standing = [max(chosen, key=lambda name: chosen[name]) for chosen in finding.chosen.values()]
    for name in dict.fromkeys([*standing, *(finder.model for finder in finding.finders[:1])]):
        marks, lesions, chosen = _judge(
            tables, finding, scores[name], evaluation.task.part, positive, patient
        )
        for kind, cases in chosen.items():
            pictures = []
            for case in cases:
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
            sheets.append(ContactSheet(evaluation.titles[name], kind, pictures))
    return sheets


def _judge(
    tables: FindingTables,
    finding: FindingEvaluation,
    model: Predictions,
    part: Part,
    positive: set[str],
    patient: dict[str, str],
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, list[str]]]:
    """Return the marks of one training, the lesions, and the images that are shown.

    Marks have `lesion`, the row of the lesion that a mark hits, `FALSE` or less, and `rate`: false
    marks per image, in its fit, of marks with a score at least as high. Images are kind → ids in
    their order, at most one a patient.
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
    hit = finding.rule.match(marks, lesions, tables.spacing)
    # The false marks per image that a mark's score would allow, within its fold.
    images = scored.groupby("fold").size()
    rate = np.empty(len(marks))
    for fold, rows in marks.groupby("fold").indices.items():
        score = marks["score"].to_numpy()[rows]
        false = np.sort(score[hit[rows] == FALSE])
        above = len(false) - np.searchsorted(false, score, side="left")
        rate[rows] = above / images[fold]
    marks = marks.assign(lesion=hit, rate=rate)
    # The rate at which all lesions of an image are found; infinite where no mark hits one.
    found_at = np.full(len(lesions), np.inf)
    found_at[hit[hit >= 0]] = rate[hit >= 0]
    worst = lesions.assign(at=found_at).groupby("case_id")["at"].max()
    # The rate of the worst false mark of an image without a lesion.
    normal = {*scored["case_id"]} - {*lesions["case_id"]} - positive
    alarming = marks[(marks["lesion"] == FALSE) & marks["case_id"].isin(normal)]
    alarms = alarming.groupby("case_id")["rate"].min()
    orders = {
        "lesions found first": worst[np.isfinite(worst)].sort_values(kind="stable"),
        "lesions found last or missed": worst.sort_values(ascending=False, kind="stable"),
        "images without a lesion, worst false marks": alarms.sort_values(kind="stable"),
    }
    chosen = {}
    # One image a patient, the first in each order.
    for kind, order in orders.items():
        one_a_patient = {patient[case]: case for case in reversed(order.index.tolist())}
        cases = [case for case in order.index.tolist() if one_a_patient[patient[case]] == case]
        if cases:
            chosen[kind] = cases[:_PER_KIND]
    return marks, lesions, chosen


def _circles(
    places: pd.DataFrame, colour: tuple[int, int, int], *, dotted: bool = False
) -> list[Circle]:
    columns = places[["slice", "row", "column", "radius"]].itertuples(index=False)
    return [
        Circle((slice_, row, column), radius, colour, dotted)
        for slice_, row, column, radius in columns
    ]
