"""What is explained: fits on folds, the cases that they explain, and what blanking costs them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.errors import ModelFailure
from skiagram.explanation.importance import Loss, Ranking, auc_loss, estimate_loss
from skiagram.explanation.trust import Exchange, Mask, Method
from skiagram.features.table import FeatureTable
from skiagram.models.fits import finite
from skiagram.options import STRICT
from skiagram.preparation import PreparedData
from skiagram.records import Task
from skiagram.seeding import stream
from skiagram.splits import Partition
from skiagram.statistics.discrimination import roc_auc
from skiagram.statistics.estimate import Estimate
from skiagram.studies.candidates import Candidate
from skiagram.studies.cross_validation import CrossValidation
from skiagram.studies.explanations.regions import NAME, Floats, KnownRegions, resize_mask

Rows = NDArray[np.int64]


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

    orders: Annotated[int, Field(ge=1)]
    correlation: Annotated[float, Field(gt=0, lt=1)]
    first: Annotated[int, Field(ge=1)]
    bins: Annotated[int, Field(ge=2)]
    resamples: Annotated[int, Field(ge=0)]
    shap_cases: Annotated[int, Field(ge=0)]
    background: Annotated[int, Field(ge=2)]


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
    unchanged: Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True)
class FoldFit:
    """One model on one fold."""

    cv: CrossValidation
    candidate: Candidate
    number: int
    families: tuple[str, ...]
    importance: ImportanceOptions
    maps: MapOptions

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave what was read and loaded behind where another process takes over."""
        return FoldFit, tuple(getattr(self, field.name) for field in fields(self))

    @cached_property
    def fold(self) -> Partition:
        return self.cv.folds()[self.number]

    def stream(self, *name: str | int) -> np.random.Generator:
        return stream(self.cv.plan.seed, NAME, self.candidate.name, self.number, *name)

    @cached_property
    def read(self) -> Callable[[NDArray[np.str_]], Any]:
        """Return what turns case ids into inputs."""
        return self.candidate.read(self.cv.prepared).of

    def table(self, rows: NDArray[np.int64]) -> FeatureTable:
        """Return the features that the trained model reads of some cases."""
        table: FeatureTable = self.read(self.cv.case_id[rows]).columns(self.fitted.features)
        return table

    @cached_property
    def folder(self) -> Path:
        """Return the finished piece: `scores.npy` and `model`, or `failure.txt`."""
        inputs = self.cv.inputs(self.candidate) | {"fold": self.number}
        what = f"explained-{self.candidate.name}"
        return self.cv.workspace.make_once(what, inputs, self._train, type(self.candidate))

    def _train(self, folder: Path) -> None:
        cases = self.cv.case_id[self.fold.held_out]
        try:
            fitted = self.cv.fit(self.candidate, self.fold.training, NAME, str(self.number))
            scores = self.cv.scores(self.candidate, fitted, cases)
        except ModelFailure as error:
            (folder / "failure.txt").write_text(str(error), encoding="utf-8")
            return
        fitted.save(folder / "model")
        np.save(folder / "scores.npy", scores, allow_pickle=False)

    @property
    def failure(self) -> str:
        """Return why it could not be trained; empty otherwise."""
        path = self.folder / "failure.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @cached_property
    def fitted(self) -> Any:
        return self.candidate.load(self.folder / "model")

    @cached_property
    def ranking(self) -> Floats:
        """Return (m,) scores of the held-out cases, positive class minus the other one."""
        return self.cv.ranking(np.load(self.folder / "scores.npy"))

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Return (m,) whether held-out cases are of the positive class."""
        flags: NDArray[np.bool_] = self.cv.label[self.fold.held_out] == self.cv.positive
        return flags

    @property
    def patient(self) -> NDArray[np.str_]:
        return self.cv.patient_id[self.fold.held_out]

    def model_ranking(self, fitted: Any) -> Ranking:
        """Return how a trained model of features scores a table."""
        return lambda table: self.cv.ranking(finite(fitted.scores(table)))

    def blanked_ranking(self, prepared: PreparedData) -> Floats:
        """Return (m,) scores of the held-out cases in other images."""

        def make(folder: Path) -> None:
            inputs = self.candidate.read(prepared).of(self.cv.case_id[self.fold.held_out])
            with self.cv.workspace.compute.limit():
                scores = finite(self.fitted.scores(inputs))
            np.save(folder / "scores.npy", scores, allow_pickle=False)

        inputs = {"fit": self.folder.name, "images": self.candidate.inputs(prepared)}
        folder = self.cv.workspace.make_once("rescored", inputs, make, type(self.candidate))
        return self.cv.ranking(np.load(folder / "scores.npy"))


class Ground(NamedTuple):
    """What all models of the study are explained on."""

    cv: CrossValidation
    task: Task
    regions: KnownRegions | None
    without: tuple[PreparedData, PreparedData] | None
    sample: tuple[str, ...]

    def mask(self, case: str) -> Mask | None:
        return None if self.regions is None else self.regions.masks.get(case)

    def rows(self, cases: Sequence[str]) -> Rows:
        position = {case: row for row, case in enumerate(self.cv.case_id.tolist())}
        return np.array([position[case] for case in cases], dtype=np.int64)

    @property
    def marked(self) -> tuple[str, ...]:
        """Return the cases of the sample with a known region."""
        return tuple(case for case in self.sample if self.mask(case) is not None)


def fit_count(folds: Sequence[FoldFit]) -> int:
    """Return how many fits the first repeat has."""
    return folds[0].cv.plan.folds


def mean_auc(folds: Sequence[FoldFit]) -> Estimate:
    """Return the mean AUC over folds."""
    values = [
        float(roc_auc(fit.ranking, fit.positive, np.ones((1, len(fit.positive))))[0])
        for fit in folds
    ]
    return folds[0].cv.mean(np.array(values), 0.0, 1.0)


def measure_loss(folds: Sequence[FoldFit], changed: Sequence[Floats]) -> Loss:
    """Return the AUC lost by changes, which give each fit (changes, m) held-out scores."""
    plan = folds[0].cv.plan
    losses = [
        auc_loss(fit.ranking, scores, fit.positive, fit.patient)
        for fit, scores in zip(folds, changed, strict=True)
    ]
    return estimate_loss(losses, plan.repeats, 1 / (plan.folds - 1))


@dataclass(frozen=True)
class Blanking:
    """What is left of the AUC without a part of each image.

    Attributes:
        region: Loss where the region is blanked; in an image without one, that of another image.
    """

    region: Loss
    rest: Loss


def measure_blanking(ground: Ground, folds: Sequence[FoldFit]) -> Blanking | None:
    """Return what is left of the AUC without the region and without all else."""
    if ground.without is None or ground.regions is None:
        return None
    if ground.regions.of_all and folds[0].candidate.arm == "classical":
        return None
    region, rest = (
        measure_loss(folds, [fit.blanked_ranking(images)[None] for fit in folds])
        for images in ground.without
    )
    return Blanking(region, rest)


def draw_rows(generator: np.random.Generator, table: FeatureTable, most: int) -> Rows:
    """Return so many rows of a table, ascending; all of a smaller one."""
    chosen = generator.permutation(len(table))[:most]
    return np.sort(chosen)


class MappedCase(NamedTuple):
    """What one fit gave for one case."""

    folder: Path
    row: int
    spread: float

    def read(self, name: str) -> NDArray[Any]:
        """Return an array of the piece without its other cases; the case is the last axis."""
        values: NDArray[Any] = np.load(self.folder / f"{name}.npy", mmap_mode="r")
        return np.array(values[..., self.row])

    def picture(self, name: str) -> NDArray[Any]:
        """Return a map, or what the network saw; the case is the first axis."""
        values: NDArray[Any] = np.load(self.folder / f"{name}.npy", mmap_mode="r")
        return np.array(values[self.row])

    def region(self, known: Mask | None) -> Mask | None:
        """Return a known region on the network's grid."""
        if (self.folder / "region.npy").exists():
            mask: Mask = self.picture("region")
            return mask if mask.any() and not mask.all() else None
        if known is None:
            return None
        return resize_mask(known, self.picture("seen").shape)
