"""What is explained: the fits of a model, the cases that each did not see, what is known of them.

Every development case is explained by fits that did not see it; sealed cases play no part. Scores
are those of the positive class minus those of the other one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.arrays import Flags, Floats, Whole
from skiagram.compute.context import NOTHING_KEPT, RunContext
from skiagram.explanation.importance import Ranking, auc_loss, estimate_loss
from skiagram.explanation.record import Loss
from skiagram.explanation.trust import Exchange, Mask, Method
from skiagram.fitting.contract import Labelled, ReadsData
from skiagram.fitting.cross_validation import Plan
from skiagram.fitting.fits import finite
from skiagram.preparation import PreparedData
from skiagram.records.feature_table import FeatureTable
from skiagram.seeding import stream
from skiagram.statistics.discrimination import roc_auc, score_difference
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.variation import corrected_mean
from skiagram.strict import STRICT, OneOrMore, ShareBetween, TwoOrMore, ZeroOrMore
from skiagram.tasks.task import Task

STREAM = "explanations"  # first name of the random streams


@options_class(**STRICT)
class ImportanceOptions:
    """How importance of features is measured.

    Attributes:
        orders: Permutations of each group.
        correlation: Mean |Spearman's ρ| from which features are one cluster.
        first: Features that are named and drawn; also the first few whose ranking is compared.
        bins: Bins of a local effect.
        resamples: Resamples of patients for the weights of linear models; 0 for none.
        shap_cases: Held-out cases of each fold with Shapley values; 0 for none.
        background: Training cases that stand for an absent feature.
    """

    orders: OneOrMore
    correlation: ShareBetween
    first: OneOrMore
    bins: TwoOrMore
    resamples: ZeroOrMore
    shap_cases: ZeroOrMore
    background: TwoOrMore


@options_class(**STRICT)
class MapOptions:
    """How maps are made.

    Attributes:
        methods: Kinds of maps.
        cases: Cases with maps, half of them with a known region where there are some.
        window: Side of the square that occlusion blanks, as a share of the image's side.
        steps: Steps of integrated gradients from the blank image.
        exchange: Tests that change images and networks.
        unchanged: Likeness from which on a map counts as unchanged by fresh weights.
    """

    methods: Annotated[tuple[Method, ...], Field(min_length=1)]
    cases: Annotated[int, Field(ge=4)]
    window: Annotated[float, Field(gt=0, le=0.5)]
    steps: Annotated[int, Field(ge=4)]
    exchange: Exchange
    unchanged: ShareBetween


@options_class(**STRICT)
class ExplanationOptions:
    """How a model is explained.

    Attributes:
        importance: How importance of features is measured.
        maps: How maps are made and tested.
        blanked: Whether models score images without the region and without all else.
    """

    importance: ImportanceOptions
    maps: MapOptions
    blanked: bool


@dataclass(frozen=True)
class FoldFit:
    """One fit, and the cases that it did not see.

    Attributes:
        number: Its place among the fits of all repeats.
        folder: Where the fitted model stands.
        model: What it was fitted by.
        training: Rows of the development cases that it learned from.
        held_out: (m,) rows of those that it did not see.
        ranking: (m,) its scores of them.
    """

    number: int
    folder: Path
    model: ReadsData[Any]
    training: Whole
    held_out: Whole
    ranking: Floats

    @cached_property
    def fitted(self) -> Any:
        return self.model.load(self.folder)

    def __getstate__(self) -> dict[str, Any]:
        """Leave what was loaded behind where another process takes over."""
        return {name: value for name, value in vars(self).items() if name != "fitted"}


@dataclass(frozen=True)
class KnownRegions:
    """Regions of some cases.

    Attributes:
        masks: Case → (height, width) or (depth, height, width), true inside.
        of_all: Whether images of every class have one, as masks of tumours do.
    """

    word: str
    masks: Mapping[str, Mask]
    of_all: bool


@dataclass
class ExplainedModel:
    """A model on the development cases of a data set.

    Attributes:
        final: Folder of the fit on all of them, as training left it.
        known: The cases, as the model sees them.
        fits: Of all repeats, one after the other.
        families: Name → `_target_` and options of each feature family, in column order.
        encoders: Name → `_target_` and options of each frozen encoder.
        encoding: Folder of the encoding that it reads; None without one.
        fused: Whether it reads features beside an encoding.
        regions: Where lesions or organs are, of some cases; None without any.
        positive: Label of the condition looked for.
        first: The fits of the first repeat, which hold every case out once.
    """

    name: str
    model: ReadsData[Any]
    final: Path
    known: Labelled[Any]
    task: Task
    prepared: PreparedData
    plan: Plan
    fits: tuple[FoldFit, ...]
    options: ExplanationOptions
    families: Mapping[str, Mapping[str, Any]]
    encoders: Mapping[str, Mapping[str, Any]]
    encoding: Path | None = None
    fused: bool = False
    regions: KnownRegions | None = None
    context: RunContext = NOTHING_KEPT

    def __post_init__(self) -> None:
        """Tell the fits of the first repeat from the others."""
        self.positive = int(self.task.predicted.positive or 0)
        self.first = self.fits[: len(self.fits) // self.plan.repeats]
        self._held_out_per_training_case = 1 / (len(self.first) - 1)

    def stream(self, fit: FoldFit, *name: str | int) -> np.random.Generator:
        return stream(self.plan.seed, STREAM, self.name, fit.number, *name)

    def is_positive(self, fit: FoldFit) -> Flags:
        """Return (m,) whether the held-out cases of a fit are of the positive class."""
        flags: Flags = self.known.label[fit.held_out] == self.positive
        return flags

    def table(self, fit: FoldFit, rows: Whole) -> FeatureTable:
        """Read the features that a fit reads of some cases."""
        table: FeatureTable = self.known.inputs.select(rows).columns(fit.fitted.features)
        return table

    def ranking_of(self, scores: Floats) -> Floats:
        """Return (n,) of (n, 2) scores."""
        return score_difference(scores, self.positive)

    def ranks(self, fitted: Any) -> Ranking:
        """Return how a trained model of features scores a table."""
        return lambda table: self.ranking_of(finite(fitted.scores(table)))

    def mask(self, case: str) -> Mask | None:
        return None if self.regions is None else self.regions.masks.get(case)

    def rows(self, cases: Sequence[str]) -> Whole:
        position = {case: row for row, case in enumerate(self.known.case_id.tolist())}
        return np.array([position[case] for case in cases], dtype=np.int64)

    def mean_auc(self) -> Estimate:
        """Estimate the mean AUC over fits."""
        values = [
            float(roc_auc(fit.ranking, self.is_positive(fit), np.ones((1, len(fit.ranking))))[0])
            for fit in self.fits
        ]
        return corrected_mean(np.array(values), self._held_out_per_training_case, 0.0)

    def measure_loss(self, changed: Sequence[Floats]) -> Loss:
        """Estimate the AUC lost by changes, which give each fit (changes, m) held-out scores."""
        losses = [
            auc_loss(
                fit.ranking, scores, self.is_positive(fit), self.known.patient_id[fit.held_out]
            )
            for fit, scores in zip(self.fits, changed, strict=True)
        ]
        return estimate_loss(losses, self.plan.repeats, self._held_out_per_training_case)


def draw_rows(generator: np.random.Generator, table: FeatureTable, most: int) -> Whole:
    """Draw so many rows of a table, ascending; all of a smaller one."""
    chosen = generator.permutation(len(table))[:most]
    return np.sort(chosen)
