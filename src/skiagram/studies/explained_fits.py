"""What explanations are made from: fits on folds, known regions, and images without them.

A phantom knows its nodules, mini-MIAS marks its lesions, a data set with masks has a region in each
image. Marks tell the label, so they are asked for development cases alone.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class
from scipy.ndimage import distance_transform_edt

from skiagram.datasets.contract import Mark, MarksLesions
from skiagram.datasets.ingest import shuffle_cases
from skiagram.datasets.phantom.image_model import ExposureGenerator, IdealObserver
from skiagram.datasets.phantom.source import PhantomDataSet
from skiagram.errors import DataError, ModelFailure
from skiagram.explanation.importance import (
    Ranking,
    cluster_features,
    group_by_family,
    has_shapley_values,
    permuted_rankings,
    shapley_values,
)
from skiagram.explanation.trust import Exchange, Mask, Method
from skiagram.features.table import FeatureTable
from skiagram.image_store.shards import Image, ShardWriter, is_volume
from skiagram.image_store.store import ImageStore
from skiagram.models.resampling import finite
from skiagram.options import STRICT, build
from skiagram.records import read_table, write_table
from skiagram.seeding import derived_seed, stream
from skiagram.splits import Partition
from skiagram.studies.cross_validation import CrossValidation
from skiagram.studies.pipeline_steps import Arm, Options, PreparedData, extract_features
from skiagram.studies.workspace import Workspace

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
NAME = "explanations"
_MARKS = "marks.parquet"
_RING = 3  # pixels around a region whose mean stands for it
_BACKGROUND = 0.1  # share of a borrowed region that may lie on the image's lowest value


@dataclass(frozen=True)
class KnownRegions:
    """Regions of some cases.

    Attributes:
        word: What they are called: nodule, marked lesion, region.
        masks: Case → (height, width) or (depth, height, width), true inside.
        of_all: Whether images of every class have one, as masks of tumours do.
    """

    word: str
    masks: dict[str, Mask]
    of_all: bool


def find_regions(
    workspace: Workspace, prepared: PreparedData, dataset: Options, case_id: Sequence[str]
) -> KnownRegions | None:
    """Return the regions of development cases; None where the data set knows none.

    Args:
        workspace: Where to work.
        prepared: Restored images.
        dataset: `_target_` and options of the data set.
        case_id: Development cases; no other case's mark is asked for.

    Raises:
        DataError: Restoration changed the grid of pixels that marks are on.
    """
    store = prepared.images
    if store.region(case_id[0]) is not None:
        masks = {case: region.inside for case in case_id if (region := store.region(case))}
        return KnownRegions("region", masks, of_all=True)
    source = build(dict(dataset), "dataset")

    def make(folder: Path) -> None:
        opened = source.open(workspace.data)
        rows: list[dict[str, object]] = []
        if isinstance(opened, MarksLesions):
            order, names = shuffle_cases(len(opened.entries()))
            position = dict(zip(names.tolist(), order.tolist(), strict=True))
            rows = [
                {"case_id": case, "radius": mark.radius}
                | {f"axis_{axis}": place for axis, place in enumerate(mark.centre)}
                for case in case_id
                for mark in opened.marks(position[case])
            ]
        write_table(pd.DataFrame(rows, columns=None if rows else ["case_id"]), folder / _MARKS)

    inputs = {"data": prepared.data.folder.name, "dataset": dataset, "cases": list(case_id)}
    table = read_table(workspace.make_once("marks", inputs, make, type(source)) / _MARKS)
    if len(table) == 0:
        return None
    axes = [name for name in table.columns if name.startswith("axis_")]
    regions: dict[str, Mask] = {}
    for row in table.to_dict("records"):
        case = str(row["case_id"])
        shape = places(store.image(case))
        if shape != places(prepared.data.images.image(case)):
            raise DataError(
                f"restored to {shape} pixels, and marks are on another grid",
                where=case,
                remedy="choose a restoration that keeps the size of images",
            )
        mask = draw_mark(
            Mark(tuple(float(row[axis]) for axis in axes), float(row["radius"])), shape
        )
        regions[case] = regions.get(case, np.zeros(shape, dtype=np.bool_)) | mask
    # A lesion that fills its square leaves nothing outside to point at.
    regions = {case: mask for case, mask in regions.items() if not mask.all()}
    if not regions:
        return None
    word = "nodule" if isinstance(source, PhantomDataSet) else "marked lesion"
    return KnownRegions(word, regions, of_all=False)


def places(image: Image) -> tuple[int, ...]:
    """Return ([depth,] height, width) of an image of the store."""
    return image.shape[:3] if is_volume(image) else image.shape[:2]


def draw_mark(mark: Mark, shape: Sequence[int]) -> Mask:
    """Return the pixels of a mark, at least the one at its centre."""
    offsets = [
        (np.arange(side) - centre) ** 2 for side, centre in zip(shape, mark.centre, strict=True)
    ]
    apart = np.zeros(tuple(shape))
    for offset in np.meshgrid(*offsets, indexing="ij", sparse=True):
        apart = apart + offset
    inside: Mask = apart <= mark.radius**2
    inside[np.unravel_index(apart.argmin(), apart.shape)] = True
    return inside


def resize_mask(mask: Mask, shape: Sequence[int]) -> Mask:
    """Return a mask on another grid of the same field of view, at least one pixel of it."""
    axes = [
        np.minimum((np.arange(side) + 0.5) * own / side, own - 1).astype(np.int64)
        for side, own in zip(shape, mask.shape, strict=True)
    ]
    resized: Mask = mask[np.ix_(*axes)]
    if not resized.any():
        centre = np.mean(np.nonzero(mask), axis=1)
        place = tuple(
            int(c * side / own) for c, side, own in zip(centre, shape, mask.shape, strict=True)
        )
        resized[place] = True
    return resized


def make_observer(dataset: Options) -> IdealObserver | None:
    """Return the ideal observer of a phantom; None for other data sets."""
    source: Any = build(dict(dataset), "dataset")
    if not isinstance(source, PhantomDataSet):
        return None
    opened: Any = source
    axes = len(opened.open(None).exposure(0).place)
    return ExposureGenerator(
        source.size, source.tissue, source.nodule, source.noise, source.seed, axes
    ).observer()


def borrow_regions(
    store: ImageStore, regions: KnownRegions, case_id: Sequence[str], seed: int
) -> dict[str, Mask]:
    """Return a region for every case; a case without one borrows that of another case.

    What is blanked then tells no label. A borrowed region lies on tissue: at most a tenth of it on
    the image's lowest value, or as little as any region of the same size of image has there.

    Args:
        store: Images.
        regions: Known regions.
        case_id: All cases.
        seed: The study's seed.
    """
    owners = sorted(regions.masks)
    lent: dict[str, Mask] = {}
    for case in case_id:
        if case in regions.masks:
            lent[case] = regions.masks[case]
            continue
        image = store.image(case)
        flat = image.reshape(*places(image), -1).min(axis=-1)
        background = flat <= flat.min()
        order = stream(seed, "borrowed region", case).permutation(len(owners))
        fitting = [
            regions.masks[owners[k]]
            for k in order
            if regions.masks[owners[k]].shape == background.shape
        ]
        if not fitting:
            raise DataError(
                f"no region of {background.shape} pixels to borrow",
                where=case,
                remedy="choose images of one size, or set study.blanked to false",
            )
        good = (mask for mask in fitting if background[mask].mean() <= _BACKGROUND)
        lent[case] = next(
            good,
            min(fitting, key=lambda mask: float(background[mask].mean())),
        )
    return lent


def blank_image(image: Image, region: Mask, *, outside: bool) -> Image:
    """Replace a region, or all else, by the mean of the pixels just around the region.

    Args:
        image: (height, width[, channels]) or (depth, height, width, 1) without missing pixels.
        region: Its region.
        outside: Whether all but the region is replaced.
    """
    ring = ~region & (distance_transform_edt(~region) <= _RING)
    values = image.reshape(*region.shape, -1).astype(np.float64)
    near = next(part for part in (ring, ~region, region) if part.any())
    mean = values[near].mean(axis=0)
    values[~region if outside else region] = mean
    if np.issubdtype(image.dtype, np.integer):
        values = np.rint(values)
    return values.astype(image.dtype).reshape(image.shape)


def blanked_data(
    workspace: Workspace,
    prepared: PreparedData,
    regions: KnownRegions,
    case_id: Sequence[str],
    families: Mapping[str, Options] | None,
    seed: int,
    *,
    outside: bool,
) -> PreparedData:
    """Return the restored images with the region, or all else, blanked.

    Args:
        workspace: Where to work.
        prepared: Restored images.
        regions: Known regions.
        case_id: Cases to blank.
        families: Name → `_target_` and options of the features to extract again; None for none.
        seed: The study's seed.
        outside: Whether all but the region is blanked.
    """

    def make(folder: Path) -> None:
        store = prepared.images
        masks = borrow_regions(store, regions, case_id, seed)
        with ShardWriter(folder / "images") as writer:
            for case in case_id:
                image = blank_image(store.image(case), masks[case], outside=outside)
                writer.add(case, image, store.spacing(case), store.region(case))

    inputs = {
        "restored": prepared.restored.name,
        "cases": list(case_id),
        "seed": seed,
        "outside": outside,
    }
    restored = workspace.make_once("blanked", inputs, make)
    if families is None:
        return PreparedData(prepared.data, restored, prepared.features)
    return extract_features(workspace, prepared.data, restored, families)


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
    """One model on one fold.

    Attributes:
        cv: Development cases.
        arm: The model's arm.
        name: Its option file.
        options: Its options.
        number: Number of the fold, repeat after repeat.
        families: Families of the features.
        importance: How importance of features is measured.
        maps: How maps are made and tested.
    """

    cv: CrossValidation
    arm: Arm
    name: str
    options: Mapping[str, Any]
    number: int
    families: tuple[str, ...]
    importance: ImportanceOptions
    maps: MapOptions

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave what was read and loaded behind where another process takes over."""
        return FoldFit, tuple(getattr(self, field.name) for field in fields(self))

    @cached_property
    def fold(self) -> Partition:
        """Return the fold."""
        return self.cv.folds()[self.number]

    def inputs(self) -> dict[str, object]:
        """Return all that the fit depends on."""
        return self.cv.inputs(self.arm) | {"model": self.options, "fold": self.number}

    def stream(self, *name: str | int) -> np.random.Generator:
        """Return a stream of random numbers of this model and fold."""
        return stream(self.cv.plan.seed, NAME, self.name, self.number, *name)

    @cached_property
    def read(self) -> Callable[[NDArray[np.str_]], Any]:
        """Return what turns case ids into inputs."""
        return self.arm.reader(self.cv.prepared, self.options)

    @cached_property
    def folder(self) -> Path:
        """Return the finished piece: `scores.npy` and `model`, or `failure.txt`."""
        return self.cv.workspace.make_once(
            f"explained-{self.name}", self.inputs(), self._train, type(self.arm)
        )

    def _train(self, folder: Path) -> None:
        cases = self.cv.case_id[self.fold.held_out]
        try:
            fitted = self.cv.fit(self.arm, self.options, self.fold.training, NAME, str(self.number))
            with self.cv.workspace.compute.limit():
                scores = finite(fitted.scores(self.read(cases)))
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
        """Return the trained model."""
        return self.arm.load(self.options, self.folder / "model")

    @cached_property
    def ranking(self) -> Floats:
        """Return (m,) scores of the held-out cases, positive class minus the other one."""
        return rank_scores(np.load(self.folder / "scores.npy"), self.cv)

    @property
    def positive(self) -> NDArray[np.bool_]:
        """Return (m,) whether held-out cases are of the positive class."""
        flags: NDArray[np.bool_] = self.cv.label[self.fold.held_out] == self.cv.positive
        return flags

    @property
    def patient(self) -> NDArray[np.str_]:
        """Return (m,) the patients of the held-out cases."""
        return self.cv.patient_id[self.fold.held_out]

    def model_ranking(self, fitted: Any) -> Ranking:
        """Return how a trained model of features scores a table."""

        def rank(table: FeatureTable) -> Floats:
            return rank_scores(finite(fitted.scores(table)), self.cv)

        return rank

    def blanked_ranking(self, prepared: PreparedData) -> Floats:
        """Return (m,) scores of the held-out cases in other images."""

        def make(folder: Path) -> None:
            read = self.arm.reader(prepared, self.options)
            inputs = read(self.cv.case_id[self.fold.held_out])
            with self.cv.workspace.compute.limit():
                scores = finite(self.fitted.scores(inputs))
            np.save(folder / "scores.npy", scores, allow_pickle=False)

        inputs = {"fit": self.folder.name, "images": self.arm.inputs(prepared)}
        folder = self.cv.workspace.make_once("rescored", inputs, make, type(self.arm))
        return rank_scores(np.load(folder / "scores.npy"), self.cv)


def rank_scores(scores: Floats, cv: CrossValidation) -> Floats:
    """Return (m,) score of the positive class minus that of the other one."""
    positive = int(cv.positive or 0)
    ranking: Floats = scores[:, positive] - scores[:, 1 - positive]
    return ranking


def train_fold(fit: FoldFit) -> str:
    """Train one model on one fold, or find that it is done; return why it failed, or nothing."""
    return fit.failure


def examine_features(fit: FoldFit) -> Path:
    """Return the piece with the permuted scores and Shapley values of one fold."""
    options = fit.importance

    def make(folder: Path) -> None:
        fitted = fit.fitted
        training, held_out = (
            fit.read(fit.cv.case_id[rows]).columns(fitted.features)
            for rows in (fit.fold.training, fit.fold.held_out)
        )
        groups = {
            "families": group_by_family(fitted.features, fit.families),
            "clusters": cluster_features(training, options.correlation),
        }
        orders = np.stack(
            [fit.stream("order", n).permutation(len(held_out)) for n in range(options.orders)]
        )
        with fit.cv.workspace.compute.limit():
            for name, members in groups.items():
                changed = permuted_rankings(fit.model_ranking(fitted), held_out, members, orders)
                np.save(folder / f"{name}.npy", changed, allow_pickle=False)
            if options.shap_cases and has_shapley_values(fitted):
                background = draw_rows(fit.stream("background"), training, options.background)
                explained = draw_rows(fit.stream("shapley"), held_out, options.shap_cases)
                shares = shapley_values(
                    fitted,
                    training.select(background),
                    held_out.select(explained),
                    int(fit.cv.positive or 0),
                )
                values: Floats = shares.values  # noqa: PD011 - no table of pandas
                np.save(folder / "shapley.npy", values, allow_pickle=False)
        (folder / "groups.json").write_text(json.dumps(groups), encoding="utf-8")

    inputs = {
        "fit": fit.folder.name,
        "families": list(fit.families),
        "options": asdict(options),
    }
    return fit.cv.workspace.make_once("importance", inputs, make, type(fit.arm), type(fit.fitted))


def draw_rows(generator: np.random.Generator, table: FeatureTable, most: int) -> Rows:
    """Return so many rows of a table, ascending; all of a smaller one."""
    chosen = generator.permutation(len(table))[:most]
    return np.sort(chosen)


@dataclass(frozen=True)
class MapTask:
    """Maps of some held-out cases of one fold.

    Attributes:
        fit: The network on the fold.
        case_id: Held-out cases.
    """

    fit: FoldFit
    case_id: tuple[str, ...]

    def examine(self) -> Path:
        """Return the piece: maps, what their tests gave, and what the network saw."""
        options = self.fit.maps
        inputs = {
            "fit": self.fit.folder.name,
            "cases": list(self.case_id),
            "options": asdict(options),
        }
        return self.fit.cv.workspace.make_once("maps", inputs, self._make, type(self.fit.arm))

    def _make(self, folder: Path) -> None:
        from skiagram.explanation.saliency import (
            ExplainedNetwork,
            Grain,
            examine,
            use_threads,
            why_undefined,
        )
        from skiagram.models.deep.fitted import load_classifier
        from skiagram.models.deep.inputs import encode_table

        fit, options = self.fit, self.fit.maps
        classifier, architecture = load_classifier(fit.folder / "model")
        network = ExplainedNetwork(classifier.eval(), architecture, int(fit.cv.positive or 0))
        training = architecture.options().training
        cases = fit.read(np.array(self.case_id))
        rows = np.arange(len(cases))
        images = cases.read(rows, training.image_size, training.input)
        reasons = {method: why_undefined(method, network) for method in options.methods}
        asked = [method for method in options.methods if not reasons[method]]
        with fit.cv.workspace.compute.limit(), use_threads(fit.cv.workspace.compute.threads):
            maps = examine(
                network, images, encode_table(fit.fitted.encoder, cases), asked,
                Grain(options.window, options.steps), options.exchange,
                derived_seed(fit.cv.plan.seed, NAME, fit.name, fit.number), self.case_id,
            )  # fmt: skip
        arrays = {
            **{f"map_{name}": values.astype(np.float32) for name, values in maps.maps.items()},
            **{f"similarity_{name}": values for name, values in maps.similarity.items()},
            **{f"areas_{name}": values for name, values in maps.areas.items()},
            "seen": images[:, 0].numpy(),
        }
        if cases.store.region(self.case_id[0]) is not None:
            with_mask = replace(training.input, mask_channel=True)
            mask = cases.read(rows, training.image_size, with_mask)[:, -1] > 0.5
            arrays["region"] = mask.numpy()
        for name, values in arrays.items():
            np.save(folder / f"{name}.npy", values, allow_pickle=False)
        (folder / "reasons.json").write_text(json.dumps(reasons), encoding="utf-8")


def examine_maps(task: MapTask) -> Path:
    """Return the finished piece of a task."""
    return task.examine()


@dataclass(frozen=True)
class MappedCase:
    """What one fit gave for one case.

    Attributes:
        folder: Piece of the fit.
        row: Row of the case in it.
        spread: Standard deviation of the fit's scores.
    """

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


def resample_patients(cv: CrossValidation, count: int) -> Iterator[Rows]:
    """Yield rows of patients drawn with replacement, within those of each class."""
    patients, number = np.unique(cv.patient_id, return_inverse=True)
    label = np.zeros(len(patients), dtype=np.int64)
    np.maximum.at(label, number, (cv.label == cv.positive).astype(np.int64))
    rows_of = [np.flatnonzero(number == patient) for patient in range(len(patients))]
    for replicate in range(count):
        generator = stream(cv.plan.seed, NAME, "resample", replicate)
        drawn = np.concatenate(
            [
                generator.choice(own, len(own))
                for k in (0, 1)
                if len(own := np.flatnonzero(label == k))
            ]
        )
        yield np.sort(np.concatenate([rows_of[patient] for patient in drawn]))
