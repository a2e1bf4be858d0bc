"""A detector made of any classical model: it judges candidates by the features of their windows.

Each candidate is described as it is, relative to the other candidates of its image, and by its
difference from the same relative place of the patient's other image, as radiologists compare sides.
Further rounds learn from the normal places that the round before took for lesions.
"""

from collections.abc import Mapping
from contextlib import suppress as suppress_error
from dataclasses import dataclass as plain_dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from scipy.spatial import cKDTree
from sklearn.linear_model import LogisticRegression

from skiagram.arrays import Flags, Floats, Singles, Texts, Whole
from skiagram.errors import DataError, refusal
from skiagram.finding.inputs import CANDIDATES, FindingInputs
from skiagram.finding.marks import positions, suppress
from skiagram.fitting.contract import (
    FINDER,
    SEARCHED,
    Arm,
    FitContext,
    FitSummary,
    FittedFinder,
    Labelled,
    Requirements,
)
from skiagram.fitting.reading import Reading, read_places
from skiagram.models.classical.estimator import ClassicalModel, FittedClassical
from skiagram.options import build
from skiagram.preparation import PreparedData
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import read_record, write_record
from skiagram.records.places import coordinates, of_cases
from skiagram.seeding import stream
from skiagram.splits import Partition, grouped_folds
from skiagram.strict import STRICT, FromZero, OneOrMore, Share, ShareAboveZero, ZeroOrMore
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task

View = Literal["own", "relative", "contralateral", "place"]
PLACES = Classes(("elsewhere", "lesion"))
_LIMIT = 6.0  # deviations from an image's mean at which a relative feature is cut
SHARE = "other_share.json"
_WIDE = 1e6  # C without a penalty that counts
_CHUNK = 4096  # candidates that are judged at a time
Millimetres = FromZero


@dataclass(**STRICT)
class CandidateFinder:
    """A classical model that judges places, and how it learns from them.

    Attributes:
        classifier: `_target_` and options of a classical model; its `columns` choose among the
            features of all views (`relative.glcm`, `contralateral`).
        views: How a candidate is described: by its `own` features, `relative` to its image's other
            candidates, `contralateral`: minus the same place of the patient's other image, also
            relative; by its `place` in the image.
        lesion_share: Candidates within this share of a lesion's radius are taken for the lesion,
        lesion_least: or within so many mm; the nearest candidate is, up to its radius and `margin`.
        margin: Other places within the radius and so many mm teach nothing.
        normal_places: Drawn for each place on a lesion, from images without and with lesions.
        rounds: Times that the worst mistakes are added, and the model fitted again.
        hard_share: Mistakes that are added, as a share of the normal places drawn.
        apart: Marks nearer than so many mm to a higher one stand for the same.
        top: Marks whose mean is the image's score.
        other_share: Share of the score of the patient's other image, such as the other side, that
            is taken off an image's marks; 0 looks at each image alone. `learnt` estimates it by
            folds of each fit's training cases: three more fits.
        encoding: Encoder whose numbers of the windows it reads in place of features; null for
            features.
    """

    uses_validation: ClassVar[bool] = False
    finds_in: ClassVar[Literal["features"]] = "features"

    classifier: dict[str, Any]
    views: tuple[View, ...]
    lesion_share: ShareAboveZero
    lesion_least: Millimetres
    margin: Millimetres
    normal_places: OneOrMore
    rounds: ZeroOrMore
    hard_share: ShareAboveZero
    apart: Millimetres
    top: OneOrMore
    other_share: Share | Literal["learnt"]
    encoding: str | None = Field(default=None, kw_only=True)

    @property
    def arm(self) -> Arm:
        return "classical" if self.encoding is None else "encoder"

    @property
    def model(self) -> ClassicalModel:
        """Build the classical model.

        Raises:
            OptionError: It is no classical model, or does not tell classes apart.
        """
        model = build(self.classifier, "model.classifier")
        if not isinstance(model, ClassicalModel) or "class" not in model.tasks:
            raise refusal("models.no_judge", model=type(model).__name__)
        return model

    @property
    def title(self) -> str:
        return f"{self.model.titles['classification']} at candidates"

    def read(self, prepared: PreparedData, task: Task) -> Reading[FindingInputs]:
        """Open images, their candidates, and the candidates' features or encoding."""
        if self.encoding is None:
            features = prepared.candidates_features
            return read_places(prepared, self.title, features)
        from skiagram.encoders.encoder import RECORD, EncoderRecord

        folder = prepared.encoding(self.encoding)
        title = f"{self.title} on {read_record(EncoderRecord, folder / RECORD).title}"
        return read_places(prepared, title, folder / CANDIDATES, folder)

    def fit(
        self, training: Labelled[FindingInputs], context: FitContext
    ) -> "FittedCandidateFinder":
        """Fit the classical model to places on and off lesions, with its worst mistakes added.

        Args:
            training: Images with candidates, and lesions that are marked in them.
            context: Its seed draws the normal places.

        Raises:
            ModelFailure: No candidate is near a lesion, or none is off them, or there are not two
                classes.
        """
        if context.positive is None:
            raise refusal("models.finder_of_classes", self.title)
        # Candidates under all views, and which lie on lesions.
        table = describe_candidates(training.inputs, self.views)
        lesion, normal = self.split_candidates(training, training.label == context.positive)
        if not len(lesion) or not len(normal):
            near, off = f"{len(lesion)} candidates at", f"{len(normal)} off them"
            raise refusal(
                "models.far_from_lesions",
                self.title,
                found=near,
                n_lesions=len(training.inputs.lesions),
                distance=off,
            )
        # As many normal places as are asked for, drawn once.
        generator = stream(context.seed, "normal places")
        number = min(len(normal), self.normal_places * len(lesion))
        chosen = generator.choice(normal, number, replace=False)
        # Each round adds the normal places that look most like a lesion to the last one.
        for last in range(self.rounds + 1):
            rows = np.sort(np.concatenate([lesion, chosen]))
            label, case_id = np.isin(rows, lesion).astype(np.int64), table.case_id[rows]
            # The classical model takes no groups: a patient is not asked for.
            places = Labelled(table.select(rows), case_id, label, case_id, PLACES)
            fitted = self.model.fit(places, context)
            if last < self.rounds:
                hardest = np.argsort(-judge(fitted, table, normal), kind="stable")
                worst = normal[hardest[: max(1, int(self.hard_share * number))]]
                chosen = np.union1d(chosen, worst)
        # An image without a candidate scores as the least suspicious place.
        floor = float(judge(fitted, table, rows).min())
        share, images = None, len(training)
        if self.other_share == "learnt":
            # Images are scored by fits of folds, which saw neither them nor the other one.
            inputs, alone = training.inputs, replace(self, other_share=0.0)
            score: dict[str, float] = {}
            for fold in share_folds(training, context) if inputs.partner else []:
                of_fold = alone.fit(training.select(fold.training), context)
                held_out = inputs.select(fold.held_out)
                values = of_fold.scores(held_out)
                difference = values[:, 1] - values[:, 0]
                score |= dict(zip(held_out.case_id.tolist(), difference.tolist(), strict=True))
                images += len(fold.training)
            positive = training.case_id[training.label == context.positive]
            share = share_of_other(score, inputs.partner, positive)
        summary = FitSummary(
            parameters=fitted.summary.parameters,
            multiply_adds=None,
            images_seen=images,
            features=fitted.summary.features,
        )
        return FittedCandidateFinder(self, fitted, context.positive, floor, summary, share)

    def split_candidates(
        self, training: Labelled[FindingInputs], positive: Flags
    ) -> tuple[Whole, Whole]:
        """Find the candidates on lesions and those off them.

        Args:
            training: Images; lesions are marked in some of the abnormal ones.
            positive: (n,) which are abnormal.

        Returns:
            Rows, of the candidates case after case; those between, and all of abnormal images
            without a mark, are in neither.
        """
        inputs = training.inputs
        candidates = inputs.candidates.iloc[inputs.rows].reset_index(drop=True)
        lesions, lesion_rows = inputs.lesions, of_cases(inputs.lesions)
        # Places in mm, and which images are abnormal.
        place, true = positions(candidates, inputs.spacing), positions(lesions, inputs.spacing)
        radius = lesions["radius"].to_numpy(dtype=np.float64)
        abnormal = dict(zip(training.case_id.tolist(), positive.tolist(), strict=True))
        on, off = [], []
        for case, rows in of_cases(candidates).items():
            own_lesions = lesion_rows.get(case)
            if own_lesions is None:
                if not abnormal[case]:  # an abnormal image without a mark may show it anywhere
                    off.append(rows)
                continue
            distance = np.linalg.norm(place[rows][:, None] - true[own_lesions][None], axis=2)
            near = distance <= np.maximum(
                self.lesion_share * radius[own_lesions], self.lesion_least
            )
            # The nearest stands for its lesion, too, unless it is beyond the margin.
            reach = np.maximum(radius[own_lesions], self.lesion_least) + self.margin
            nearest = distance.argmin(axis=0), np.arange(len(own_lesions))
            near[nearest] |= distance[nearest] <= reach
            on.append(rows[near.any(axis=1)])
            off.append(rows[(distance > reach).all(axis=1)])
        nothing = np.empty(0, dtype=np.int64)
        return np.concatenate([nothing, *on]), np.concatenate([nothing, *off])

    def load(self, folder: Path) -> "FittedCandidateFinder":
        """Load a detector of these options that `FittedCandidateFinder.save` wrote.

        Raises:
            DataError: A file is missing, damaged or of another model.
        """
        fitted, record = self.model.load(folder), read_record(FinderRecord, folder / FINDER)
        learnt = None
        if self.other_share == "learnt":
            learnt = read_record(LearntShare, folder / SHARE).other_share
        return FittedCandidateFinder(
            self, fitted, record.positive, record.floor, fitted.summary, learnt
        )


@plain_dataclass(frozen=True)
class FinderRecord:
    """What a fitted detector knows besides its classical model.

    Attributes:
        positive: Label of images with a lesion.
        floor: Score of an image without any candidate.
    """

    positive: int
    floor: float


@plain_dataclass(frozen=True)
class LearntShare:
    """The share of the other image's score that was learnt; of detectors that learn it."""

    other_share: float


class FittedCandidateFinder(FittedFinder):
    """A fitted classical model that judges candidates.

    Args:
        learnt: Share of the other image's score that the fit learnt; None where it is an option.
    """

    options: CandidateFinder

    def __init__(
        self,
        options: CandidateFinder,
        fitted: FittedClassical,
        positive: int,
        nothing: float,
        summary: FitSummary,
        learnt: float | None,
    ) -> None:
        self.options, self.fitted, self.summary = options, fitted, summary
        self.positive, self.nothing, self.learnt = positive, nothing, learnt
        self.other_share = float(options.other_share) if learnt is None else learnt
        # The other image is read for its score, or for the same place in it.
        reads_other = bool(self.other_share) or "contralateral" in options.views
        self.requires = Requirements(reads_other=reads_other, batch=SEARCHED)

    def judge(self, inputs: FindingInputs) -> Floats:
        """Score each candidate, case after case: (candidates,), higher = rather a lesion."""
        table = describe_candidates(inputs, self.options.views)
        return judge(self.fitted, table, np.arange(len(table)))

    def mark(self, inputs: FindingInputs) -> pd.DataFrame:
        """Mark the candidates that no higher one is near to, each image looked at alone."""
        return mark_candidates(inputs, self.judge(inputs), self.options.apart)

    def save(self, folder: Path) -> None:
        self.fitted.save(folder)
        write_record(FinderRecord(self.positive, self.nothing), folder / FINDER)
        if self.learnt is not None:
            write_record(LearntShare(self.learnt), folder / SHARE)


def mark_candidates(inputs: FindingInputs, score: Floats, apart: float) -> pd.DataFrame:
    """Choose the candidates that no higher one is near to, with their scores.

    Args:
        inputs: Images with candidates.
        score: (candidates,) of them, case after case.
        apart: Least distance of two marks, mm.
    """
    candidates = inputs.candidates.iloc[inputs.rows].reset_index(drop=True)
    return suppress(candidates.assign(score=score), apart, inputs.spacing)


def share_folds(training: Labelled[FindingInputs], context: FitContext) -> list[Partition]:
    """Make folds by which a fit learns how scores are put together; none of too few patients.

    Args:
        training: Images, of which a patient's stay together.
        context: Its seed draws the folds.

    Returns:
        Three folds: each costs a fit.
    """
    with suppress_error(DataError):
        label, patient_id = training.label, training.patient_id
        return grouped_folds(label, patient_id, 3, context.seed, "other side")
    return []


def share_of_other(
    score: Mapping[str, float], partner: Mapping[str, str], positive: Texts
) -> float:
    """Estimate the share of the other image's score that is taken off an image's own, 0 to 1.

    A logistic regression tells images with a lesion by their own score and by that of the other
    image. Where no patient has another image, all have a lesion, or all score alike, it is 0.

    Args:
        score: Of images, each by a fit that saw neither it nor the other one.
        partner: Case → the other image of the same patient.
        positive: Cases with a lesion.
    """
    cases = [case for case in score if partner.get(case) in score]
    abnormal = np.isin(cases, positive)
    if not abnormal.any() or abnormal.all():
        return 0.0
    both = np.array([[score[case], score[partner[case]]] for case in cases])
    spread = float(both.std())
    if spread == 0:
        return 0.0
    model = LogisticRegression(C=_WIDE).fit(both / spread, abnormal)
    image_weight, other_weight = model.coef_[0].tolist()
    return float(np.clip(-other_weight / image_weight, 0.0, 1.0)) if image_weight > 0 else 0.0


def judge(fitted: FittedClassical, table: FeatureTable, rows: Whole) -> Floats:
    """Score some candidates, a few thousand at a time, so that memory stays bounded.

    Args:
        fitted: The classical model.
        table: Candidates as its views describe them.
        rows: Those to score.

    Returns:
        (rows,) float64, higher = rather a lesion.
    """
    parts = [
        fitted.scores(table.select(rows[start : start + _CHUNK]))
        for start in range(0, len(rows), _CHUNK)
    ]
    scores = np.concatenate(parts) if parts else np.empty((0, 2))
    return scores[:, 1] - scores[:, 0]


def describe_candidates(inputs: FindingInputs, views: tuple[View, ...]) -> FeatureTable:
    """Describe the candidates of some cases under the chosen views, case after case.

    Args:
        inputs: Images with candidates and their features.
        views: In the order of the columns.

    Returns:
        A row a candidate, float32; its names begin with the view, but for a candidate's own
        features.
    """
    # How many columns each view has.
    table = inputs.features
    if table is None:
        raise ValueError("the features of candidates were not read")
    names = table.names
    columns = {
        "own": names,
        "relative": tuple(f"relative.{name}" for name in names),
        "contralateral": tuple(f"contralateral.{name}" for name in names),
        "place": ("place_slice", "place_row", "place_column"),
    }
    ends = np.cumsum([0, *(len(columns[view]) for view in views)])
    described = np.empty((len(inputs.rows), ends[-1]), np.float32)
    # Candidates of a case stand together in the table.
    by_case, places = of_cases(inputs.candidates), coordinates(inputs.candidates)
    cases = [case for case in inputs.case_id.tolist() if case in by_case]
    starts = np.cumsum([0, *(len(by_case[case]) for case in cases)]).tolist()
    values = table.values  # noqa: PD011 - a table of features
    remaining = dict(zip(cases, starts, strict=False))
    while remaining:  # two sides at once: each is measured against the other
        case = next(iter(remaining))
        pair = [case, inputs.partner.get(case, "")]
        sides = {
            image: _Side.of(values[by_case[image]], places[by_case[image]])
            for image in pair
            if image in by_case
        }
        for image, other in (pair, pair[::-1]):
            if image in remaining:
                start, side = remaining.pop(image), sides[image]
                rows = slice(start, start + len(side.own))
                for number, view in enumerate(views):
                    block = described[rows, ends[number] : ends[number + 1]]
                    block[:] = (
                        side.beside(sides.get(other))
                        if view == "contralateral"
                        else getattr(side, view)
                    )
    return FeatureTable(
        table.case_id[inputs.rows], tuple(n for v in views for n in columns[v]), described
    )


class _Side(NamedTuple):
    """The candidates of one image: their features as they are and relative, and their places."""

    own: Singles
    relative: Singles
    place: Floats

    @classmethod
    def of(cls, own: Singles, places: Floats) -> "_Side":
        """Measure the candidates of one image against one another.

        Args:
            own: (candidates, features).
            places: (candidates, 3) slice, NaN in plane images, row and column.
        """
        # Deviations from the mean over the candidates of one image.
        units = own.astype(np.float64)
        least = 1e-9 * np.maximum(np.abs(units).max(axis=0), 1e-12)
        units -= units.mean(axis=0)
        spread = np.sqrt(np.square(units).mean(axis=0))
        units /= np.where(spread <= least, np.inf, spread)  # a constant one is 0
        relative = np.clip(units, -_LIMIT, _LIMIT).astype(np.float32)
        # Slice, row and column as shares of the extent of all candidates.
        place = np.nan_to_num(places)
        first = place.min(axis=0)
        share: Floats = (place - first) / np.maximum(np.ptp(place, axis=0), 1e-9)
        # Where a grid gives a row several columns: over the extent of the row alone, on a breast
        # from the chest wall to the skin, as the body ends elsewhere in each.
        line = np.unique(place[:, :2], axis=0, return_inverse=True)[1].ravel()
        last = np.zeros(line.max() + 1)
        np.maximum.at(last, line, place[:, 2])
        width = last[line] - first[2]
        counted = np.bincount(line)[line] > 1
        share[counted, 2] = ((place[:, 2] - first[2]) / np.maximum(width, 1e-9))[counted]
        return cls(own, relative, share)

    def beside(self, other: "_Side | None") -> NDArray[Any]:
        """Measure by how much features differ from the same place of the other image.

        Args:
            other: Candidates of the other image, whose places are shares of its own extent; None
                gives 0, as of two sides that are alike.

        Returns:
            (candidates, features) in deviations of each image.
        """
        if other is None:
            return np.zeros_like(self.relative)
        # the mean of three candidates of the other image stands for the same place
        nearest = range(1, min(3, len(other.place)) + 1)
        _, same = cKDTree(other.place).query(self.place, k=[*nearest])
        difference: NDArray[Any] = self.relative - other.relative[same].mean(axis=1)
        return difference
