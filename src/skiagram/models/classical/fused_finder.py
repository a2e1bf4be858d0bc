"""Two detectors at the same candidates: one on features, one on a frozen encoder's numbers.

Each learns by itself. A candidate's score is the weighted sum of theirs. How much each counts, and
the share of the patient's other image that is taken off, are learnt by folds of the fit's training
cases: so neither is chosen by hand on the images that are reported.
"""

from dataclasses import dataclass as plain_dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass
from sklearn.linear_model import LogisticRegression

from skiagram.arrays import Floats
from skiagram.errors import refusal
from skiagram.finding.inputs import CANDIDATES, FindingInputs
from skiagram.finding.marks import case_scores
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
from skiagram.models.classical.finder import (
    CandidateFinder,
    FittedCandidateFinder,
    mark_candidates,
    share_folds,
    share_of_other,
)
from skiagram.options import build
from skiagram.preparation import PreparedData
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import read_record, write_record
from skiagram.strict import STRICT, FromZero, OneOrMore
from skiagram.tasks.task import Task

MEMBERS = ("by_encoding", "by_features")  # folders of a fitted one, in this order everywhere
_ENCODING = "encoding_"  # with what the names of an encoder's numbers begin
_WIDE = 1e6  # C without a penalty that counts


@dataclass(**STRICT)
class FusedFinder:
    """Detectors on features and on an encoding, whose scores are put together.

    Attributes:
        by_encoding: `_target_` and options of the detector on the encoding; its own `other_share`
            plays no part.
        by_features: Those of the detector on features.
        encoding: Encoder whose numbers of places the first one reads.
        apart: Marks nearer than so many mm to a higher one stand for the same.
        top: Marks whose mean is the image's score.
    """

    uses_validation: ClassVar[bool] = False
    finds_in: ClassVar[Literal["features"]] = "features"
    arm: ClassVar[Arm] = "encoder"

    by_encoding: dict[str, Any]
    by_features: dict[str, Any]
    encoding: str
    apart: FromZero
    top: OneOrMore

    @property
    def members(self) -> tuple[CandidateFinder, CandidateFinder]:
        """Build both detectors, without a share of the other image: it is learnt of their sum.

        Raises:
            OptionError: One is no detector on candidates.
        """
        first, second = (build(getattr(self, name), f"model.{name}") for name in MEMBERS)
        for name, member in zip(MEMBERS, (first, second), strict=True):
            if not isinstance(member, CandidateFinder):
                raise refusal(
                    "models.no_detector",
                    f"model.{name}",
                    name=type(member).__name__,
                )
        return replace(first, other_share=0.0), replace(second, other_share=0.0)

    @property
    def title(self) -> str:
        return f"{self.members[0].title}, fused"

    def read(self, prepared: PreparedData, task: Task) -> Reading[FindingInputs]:
        """Open images and candidates, with the encoder's columns beside the features."""
        from skiagram.encoders.encoder import RECORD, EncoderRecord

        folder = prepared.encoding(self.encoding)
        encoder = read_record(EncoderRecord, folder / RECORD).title
        title = f"{self.members[0].title} on {encoder} and on features"
        reading = read_places(prepared, title, folder / CANDIDATES, folder)
        # Both detectors read one table, the encoder's columns first.
        features = FeatureTable.read(prepared.candidates_features)
        table = FeatureTable.read(folder / CANDIDATES).beside(features)
        # New cases are prepared for both: features, and the encoding beside them.
        return replace(
            reading,
            of=lambda case_id: replace(reading.of(case_id), features=table),
            sources=(*reading.sources, prepared.candidates_features),
            preparation=prepared.preparation,
        )

    def fit(self, training: Labelled[FindingInputs], context: FitContext) -> "FittedFusedFinder":
        """Fit both detectors, and learn by folds of the training cases how their scores are summed.

        Args:
            training: Images with candidates, and lesions that are marked in them.
            context: Its seed draws folds and normal places.

        Raises:
            ModelFailure: A detector cannot be fitted.
        """
        # Both members on all cases, and on folds that give unseen scores to weigh them by.
        fitted = self._fit_members(training, context)
        folds, scores = share_folds(training, context), []
        for fold in folds:
            fold_members = self._fit_members(training.select(fold.training), context)
            held_out = training.select(fold.held_out)
            scores.append((held_out, judge_both(fold_members, held_out.inputs)))
        # The weights ≥ 0 by which candidates on lesions are told from those off them.
        weights = (0.5, 0.5)
        if folds:
            rows, label = [], []
            for held_out, both in scores:
                is_positive = held_out.label == context.positive
                on_lesions, off_lesions = self.members[0].split_candidates(held_out, is_positive)
                rows += [both[off_lesions], both[on_lesions]]
                label += [np.full(len(off_lesions), 0), np.full(len(on_lesions), 1)]
            places, lesion = np.concatenate(rows), np.concatenate(label)
            unit = np.maximum(places.std(axis=0), 1e-12)
            model = LogisticRegression(C=_WIDE, class_weight="balanced").fit(places / unit, lesion)
            learnt = np.maximum(model.coef_[0], 0.0)
            first, second = ((learnt if learnt.any() else np.ones(2)) / unit).tolist()
            weights = first, second
        # Scores of whole images, by which the share of the other image is learnt.
        image_scores: dict[str, float] = {}
        for held_out, both in scores:
            score = both @ np.array(weights)
            marks = mark_candidates(held_out.inputs, score, self.apart)
            case_id: list[str] = held_out.case_id.tolist()
            nothing = float(score.min(initial=0.0))
            high = case_scores(marks, case_id, self.top, nothing)
            image_scores |= dict(zip(case_id, high.tolist(), strict=True))
        positive = training.case_id[training.label == context.positive]
        share = share_of_other(image_scores, training.inputs.partner, positive)
        # What an image without a candidate scores, and what the fit cost.
        nothing = float(np.array([member.nothing for member in fitted]) @ np.array(weights))
        summary = FitSummary(
            parameters=sum(member.summary.parameters for member in fitted) + len(weights) + 1,
            multiply_adds=None,
            images_seen=len(training) + sum(len(fold.training) for fold in folds),
            features={
                name: is_kept
                for member in fitted
                for name, is_kept in member.summary.features.items()
            },
        )
        record = FusedRecord(fitted[0].positive, nothing, weights, share)
        return FittedFusedFinder(self, fitted, record, summary)

    def _fit_members(
        self, training: Labelled[FindingInputs], context: FitContext
    ) -> tuple[FittedCandidateFinder, FittedCandidateFinder]:
        """Fit both detectors to the same cases, each to its own columns."""
        first, second = (
            member.fit(replace(training, inputs=inputs), context)
            for member, inputs in zip(self.members, split_inputs(training.inputs), strict=True)
        )
        return first, second

    def load(self, folder: Path) -> "FittedFusedFinder":
        """Load a detector of these options that `FittedFusedFinder.save` wrote."""
        first, second = (
            member.load(folder / name) for member, name in zip(self.members, MEMBERS, strict=True)
        )
        record = read_record(FusedRecord, folder / FINDER)
        return FittedFusedFinder(self, (first, second), record, first.summary)


@plain_dataclass(frozen=True)
class FusedRecord:
    """What a fused detector knows besides its members.

    Attributes:
        positive: Label of images with a lesion.
        nothing: Score of an image without any candidate.
        weights: Of the members' scores.
        other_share: Of the score of the patient's other image that is taken off.
    """

    positive: int
    nothing: float
    weights: tuple[float, float]
    other_share: float


class FittedFusedFinder(FittedFinder):
    """Fitted detectors on features and on an encoding, with what their scores count."""

    def __init__(
        self,
        options: FusedFinder,
        fitted: tuple[FittedCandidateFinder, FittedCandidateFinder],
        record: FusedRecord,
        summary: FitSummary,
    ) -> None:
        self.options, self.fitted, self.record, self.summary = options, fitted, record, summary
        self.positive, self.nothing = record.positive, record.nothing
        # The share was learnt of both members' scores together, so theirs play no part.
        self.other_share = record.other_share
        in_member = any(member.requires.reads_other for member in fitted)
        reads_other = bool(record.other_share) or in_member
        self.requires = Requirements(reads_other=reads_other, batch=SEARCHED)

    def mark(self, inputs: FindingInputs) -> pd.DataFrame:
        """Mark the candidates that no higher one is near to, by the weighted sum of both scores."""
        score = judge_both(self.fitted, inputs) @ np.array(self.record.weights)
        return mark_candidates(inputs, score, self.options.apart)

    def save(self, folder: Path) -> None:
        for member, name in zip(self.fitted, MEMBERS, strict=True):
            member.save(folder / name)
        write_record(self.record, folder / FINDER)


def split_inputs(inputs: FindingInputs) -> tuple[FindingInputs, FindingInputs]:
    """Cut what both detectors read out of the one table: the encoding's, and the features'."""
    # The table is cut where the encoder's columns end.
    table = inputs.features
    if table is None:
        raise ValueError("the features of candidates were not read")
    first = sum(_ENCODING in name for name in table.names)  # they stand first
    parts = (slice(first), slice(first, None))
    values = table.values  # noqa: PD011 - a table of features
    encoding, features = (
        replace(inputs, features=FeatureTable(table.case_id, table.names[part], values[:, part]))
        for part in parts
    )
    return encoding, features


def judge_both(
    fitted: tuple[FittedCandidateFinder, FittedCandidateFinder], inputs: FindingInputs
) -> Floats:
    """Score each candidate by both detectors.

    Args:
        fitted: In the order of `MEMBERS`.
        inputs: Images with candidates and the columns of both.

    Returns:
        (candidates, 2) float64, case after case.
    """
    return np.stack(
        [member.judge(part) for member, part in zip(fitted, split_inputs(inputs), strict=True)],
        axis=1,
    )
