"""Networks that say where: how they learn from crops of images, and how they mark images.

An image is averaged to pixels of a given size, and its intensities take mean 0 and deviation 1 over
its body part: so a network sees the same tissue alike on light and dark images, and a lesion in the
same size whatever the scanner. It learns from crops at lesions and elsewhere in a fixed proportion:
few pixels show a lesion, and a network that met them as often as they occur would learn to say no.
After a part of the epochs, crops elsewhere are drawn in proportion to the score that the network
gives them (hard negatives).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass as plain_dataclass
from dataclasses import replace
from functools import partial
from itertools import chain, combinations
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import torch
from pydantic.dataclasses import dataclass
from torch import Tensor, nn
from torch.nn.functional import (
    avg_pool2d,
    avg_pool3d,
    logsigmoid,
    max_pool2d,
    max_pool3d,
    pad,
)

from skiagram.arrays import Floats, Whole
from skiagram.errors import refusal
from skiagram.finding.candidates import Body
from skiagram.finding.inputs import FindingInputs, FindsIn
from skiagram.finding.marks import suppress
from skiagram.fitting.contract import (
    FINDER,
    SEARCHED,
    FitContext,
    FitSummary,
    FittedFinder,
    Labelled,
    ReadsData,
    Requirements,
)
from skiagram.fitting.reading import Reading, read_places
from skiagram.models.deep.fitted import (
    Architecture,
    FittedNetwork,
    Sizes,
    load_network,
)
from skiagram.models.deep.network_model import NetworkModel, mean_curves
from skiagram.models.deep.searched_images import (
    Lesions,
    Places,
    SearchedImage,
    SearchedImages,
    searched,
)
from skiagram.preparation import PreparedData
from skiagram.records.files import read_record, write_record
from skiagram.records.places import tabulate_places
from skiagram.seeding import stream
from skiagram.strict import (
    STRICT,
    AboveZero,
    FromZero,
    OneOrMore,
    Share,
    ShareBelowOne,
    ShareBetween,
)
from skiagram.tasks.task import Task
from skiagram.training.augmentation import augment
from skiagram.training.classifier import parameter_count
from skiagram.training.data import EpochOrder, ExampleBatch, Examples
from skiagram.training.devices import device
from skiagram.training.module import ClassifierTraining
from skiagram.training.options import Trainer, Training
from skiagram.training.processes import memory_failures

Marks = list[tuple[str, tuple[float, ...], float]]  # case, [slice,] row and column, radius
STRIDE = 4  # pixels of an image for one cell of its heat map
MASKS = 2  # channels beside a crop: centres of lesions, and all that may be a lesion
LOWEST = -20.0  # log-odds; the score of a case without a mark
MOST = 30  # marks of a case before those are left out that stand for others


@dataclass(**STRICT)
class FindingNetwork(ABC):
    """Options of every network that says where; distances are pixels where the spacing is unknown.

    Attributes:
        pixel: Distance of the pixels, or voxels, that the network sees.
        body: Part of an image whose intensities take mean 0 and deviation 1, and that is searched:
            `all`, what is `not_darkest` (a masked background is), or `bright` (Li's threshold).
        lesion_share: Share of each step's crops that are at lesions.
        steps: Steps of an epoch.
        hard_from: Share of the epochs after which crops elsewhere are drawn in proportion to their
            score; 1 for never.
        hard_pool: How many of these crops are scored for it at the start of an epoch.
        apart: Least distance of two marks.
        top: How many of its highest marks a case's score is the mean of.
        other_share: Share of the score of the patient's other image, such as the other side, that
            is taken off a case's marks; 0 looks at each image alone.
        training: How it is trained. `image_size` is the side of a crop in the pixels it sees,
            `shift` moves a crop's centre.
        dropout: Share of the last maps that is dropped while training.
        centre: Largest radius of a lesion's centre, whose cells are taught to say yes.
        focus: Exponent of the focal loss; 0 is cross-entropy.
    """

    pixel: AboveZero
    body: Body
    lesion_share: ShareBetween
    steps: OneOrMore
    hard_from: Share
    hard_pool: OneOrMore
    apart: FromZero
    top: OneOrMore
    other_share: Share
    training: Training
    dropout: ShareBelowOne
    centre: AboveZero
    focus: FromZero

    finds_in: ClassVar[Literal["images"]] = "images"
    title: ClassVar[str]

    @property
    @abstractmethod
    def coarsest(self) -> int:
        """Count how many pixels a cell of the coarsest maps stands for."""

    @abstractmethod
    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Build a freshly initialised network for images or volumes.

        Args:
            shape: (1, *sides) of a crop.
            n_classes: 2, no lesion and a lesion, for each cell.
        """

    def places(self, cases: FindingInputs, images: SearchedImages, lesions: Lesions) -> Places:
        """List lesions' centres, and a grid over the body part at half a crop's side.

        Args:
            cases: Those that are learned from.
            images: As the network sees them.
            lesions: In pixels of these.

        Returns:
            Case after case; `lesion` is −1 on the grid, of which some crops show lesions all the
            same.
        """
        parts = []
        # Places with a lesion.
        for case in cases.case_id.tolist():
            lesion_rows = lesions.rows(case)
            parts.append((case, lesions.centre[lesion_rows], lesion_rows))
            # A grid at half a crop's side covers what lies between.
            inside = images[case].inside
            steps = [max(1, side // 2) for side in self.sides(inside.ndim)]
            axes = [
                np.arange((length - 1) % step // 2, length, step)
                for length, step in zip(inside.shape, steps, strict=True)
            ]
            grid = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1)
            grid = grid[inside[tuple(grid.T)]].astype(np.float64)
            parts.append((case, grid, np.full(len(grid), -1)))
        return Places.stack(parts)

    def marks(
        self, score: Callable[[Tensor], Tensor], image: SearchedImage
    ) -> tuple[Floats, Floats]:
        """Find the cells of the body part that no neighbour exceeds.

        The place is the mean of a cell and its neighbours, weighted by their probabilities.

        Args:
            score: Gives log-odds of each cell, (1, *cells), for (1, 1, *sides).
            image: As the network sees it.

        Returns:
            (n, axes) places in pixels of the image, and (n,) log-odds.
        """
        # Sides must be multiples of the coarsest map; the rest is as dark as the darkest pixel.
        around = [(0, -side % self.coarsest) for side in image.pixels.shape[:0:-1]]
        beyond = float(image.pixels.min())
        padded = pad(image.pixels[None], [size for pair in around for size in pair], value=beyond)
        # Peaks are cells that no neighbour exceeds.
        odds = score(padded)
        pool = max_pool2d if odds.ndim == 3 else max_pool3d
        peaks = np.argwhere((pool(odds, 3, 1, 1) == odds)[0].numpy())
        # Centres of mass of peaks with the cells around them.
        probability = odds[0].sigmoid().numpy()
        axes = probability.ndim
        steps = np.meshgrid(*[[-1, 0, 1]] * axes, indexing="ij")
        neighbours = np.stack(steps, axis=-1).reshape(-1, axes)
        at = peaks[:, None] + 1 + neighbours
        mass = np.pad(probability, 1)[tuple(np.moveaxis(at, -1, 0))][..., None].astype(np.float64)
        weight = np.maximum(mass.sum(axis=1), np.finfo(np.float64).tiny)  # 0 where all are 0
        centres: Floats = peaks + (neighbours * mass).sum(axis=1) / weight
        # From cells back to pixels; those off the body part, or beyond the image, are no marks.
        places = (centres + 0.5) * STRIDE - 0.5
        nearest = np.round(places).astype(np.int64)
        nearest = np.minimum(nearest, np.array(image.inside.shape) - 1)
        begins = (peaks * STRIDE < image.inside.shape).all(axis=1)
        held = image.inside[tuple(nearest.T)] & begins
        return places[held], odds[0].double().numpy()[tuple(peaks[held].T)]

    def learner(self, trainer: Trainer, threads: int) -> ReadsData[Any]:
        """Join the detector with where it is trained."""
        return FinderModel(self, trainer, threads)

    def sides(self, axes: int) -> tuple[int, ...]:
        """Say the sides of a crop in pixels, of as many axes as images have.

        Raises:
            ModelFailure: `training.image_size` is null, or has other axes.
        """
        size = self.training.image_size
        if size is None or (not isinstance(size, int) and len(size) != axes):
            raise refusal("models.size_of_crop", size=size)
        return (size,) * axes if isinstance(size, int) else size

    def margins(self, axes: int) -> tuple[int, ...]:
        """Compute how much is cut beyond each side of a crop, so that turned views are whole.

        A square that is turned by 45° reaches √2 as far, and one that is made smaller shows more.
        """
        views = self.training.views
        if views is None:
            return (0,) * axes
        factor = (1 + views.zoom) * (2**0.5 if views.rotation else 1)
        return tuple(int(np.ceil(side * (factor - 1) / 2)) for side in self.sides(axes))


class Crops(Examples):
    """Crops of images at places; every lesion is met as often as any other."""

    classifier: nn.Module  # that learns from them

    def __init__(
        self,
        images: SearchedImages,
        places: Places,
        lesions: Lesions,
        finder: FindingNetwork,
    ) -> None:
        """List the crops of an epoch: each lesion as often as it takes, and all other places once.

        Args:
            images: As the network sees them.
            places: Where crops may be taken.
            lesions: Which masks show.
            finder: Options.

        Raises:
            ModelFailure: All crops of a step would be at lesions.
        """
        options, self._finder = finder.training, finder
        # Of each step so many crops are at lesions; every lesion comes as often as it takes.
        each = max(1, round(finder.lesion_share * options.batch_size))
        if each == options.batch_size:
            raise refusal("models.only_lesions", number=each)
        self.at_lesions = each
        # Crops elsewhere fill the rest of each step.
        turns = -(-finder.steps * each // len(np.unique(places.lesion[places.lesion >= 0])))
        self.places = places.repeated(turns)
        # Sizes of crops, and of the margins from which they are moved about.
        self._searched, self._lesions = images, lesions
        self.reads_store = not images.all_held
        axes = places.centre.shape[1]
        self.sides, self._margins = finder.sides(axes), finder.margins(axes)
        # Each crop is a case of its own to the training.
        names = [f"{case}/{row}" for row, case in enumerate(self.places.case_id.tolist())]
        label = (self.places.lesion >= 0).astype(np.int64)
        super().__init__(np.array(names), label, (1, *self.sides))

    def begin(self, classifier: nn.Module) -> None:
        self.classifier = classifier

    @torch.inference_mode()
    def hardness(self, rows: Whole) -> Floats:
        """Score crops elsewhere by the network as it is by now.

        Args:
            rows: (n,) crops.

        Returns:
            (n,) highest probability of a cell that is outside every lesion, a little above 0, so
            that any crop may be drawn.
        """
        # Scored as they are, without dropout, then back to training.
        classifier, finder = self.classifier, self._finder
        where, training = next(classifier.parameters()).device, classifier.training
        classifier.eval()
        # The highest probability outside all lesions is what would be a false mark.
        hardness = []
        for part in np.array_split(rows, -(-len(rows) // finder.training.batch_size)):
            images = self[part].images.to(where)
            logits = classifier(images[:, :-MASKS])
            odds = (logits[:, 1] - logits[:, 0]).float()
            outside = _cells(images[:, -1:], whole=True)[:, 0] == 0
            highest = (odds.sigmoid() * outside).flatten(1).amax(dim=1)
            hardness.append(highest.cpu().double().numpy())
        classifier.train(training)
        return np.concatenate(hardness) + 1e-6

    def __getitem__(self, rows: Whole) -> ExampleBatch:
        """Cut crops around places as they are listed, without margins: (n, 1 + masks, *sides)."""
        return self._cut(rows, np.zeros((len(rows), len(self.sides))), (0,) * len(self.sides))

    def view(self, rows: Whole, uniform: Tensor) -> ExampleBatch:
        """Cut crops around moved centres, with the margins that turned views need.

        Args:
            rows: (n,) crops.
            uniform: (n, 12) in [0, 1); the columns of shifts move the centre, others are for later.
        """
        views = self._finder.training.views
        # Of images columns 2 and 3 move across and down, of volumes 3 to 5; see `augment`.
        first, axes = (2, 2) if len(self.sides) == 2 else (3, 3)
        moved = (2 * uniform[:, first : first + axes].double().numpy() - 1)[:, ::-1]
        offset = moved * (views.shift if views else 0.0) * np.array(self.sides)
        return self._cut(rows, offset, self._margins)._replace(uniform=uniform)

    def order(self, batch_size: int, seed: int | None, rank: int, world: int) -> EpochOrder:
        """Divide an epoch into steps with the same share of lesions in each.

        Raises:
            OptionError: Several processes share the training: each would draw its own hard crops.
        """
        if world > 1:
            raise refusal("models.several_devices", number=world)
        return BalancedOrder(self, batch_size, seed or 0, self._finder)

    def _cut(self, rows: Whole, offset: Floats, margins: Sequence[int]) -> ExampleBatch:
        """Cut crops and their masks.

        Args:
            rows: (n,) crops.
            offset: (n, axes) by which their centres are moved, pixels.
            margins: Cut beyond each side, pixels.

        Returns:
            Images (n, 1 + masks, *sides with margins), the masks 0 and 1.
        """
        # Crops with their margins, so that a turned view has pixels to its corners.
        sides = [side + 2 * margin for side, margin in zip(self.sides, margins, strict=True)]
        crops = []
        for row, moved in zip(rows.tolist(), offset, strict=True):
            case, centre = str(self.places.case_id[row]), self.places.centre[row] + moved
            crop = self._searched[case].cut(centre, sides)
            # Masks say where lesions of the case lie in the crop, each mask with its own radii.
            discs = torch.zeros(MASKS, *sides)
            first = np.round(centre - (np.array(sides) - 1) / 2)
            for number in self._lesions.rows(case).tolist():
                squared = torch.zeros(1)
                for axis, side in enumerate(sides):
                    middle = float(self._lesions.centre[number, axis] - first[axis])
                    along = (torch.arange(side) - middle).square()
                    squared = squared + along.view(-1, *[1] * (len(sides) - 1 - axis))
                radius = self._lesions.radius[number]
                inner = max(min(radius, self._finder.centre / self._finder.pixel), STRIDE)
                for disc, reach in zip(discs, (inner, max(radius, inner)), strict=True):
                    disc[squared <= reach**2] = 1
            crops.append(torch.cat([crop, discs]))
        nothing = torch.empty(len(rows), 0)
        return ExampleBatch(torch.stack(crops), self.label[rows], nothing, nothing)


class BalancedOrder(EpochOrder):
    """Batches with the same number of crops at lesions, drawn from seed and epoch."""

    def __init__(self, crops: Crops, batch_size: int, seed: int, finder: FindingNetwork) -> None:
        super().__init__(len(crops), batch_size, seed)
        self._crops, self._finder, self._size = crops, finder, batch_size
        self._stream = partial(stream, seed, "order")

    def __len__(self) -> int:
        return self._finder.steps

    def __iter__(self) -> Iterator[Whole]:
        """Yield the rows of each step, those at lesions before the others.

        Raises:
            ModelFailure: The network scores crops by no number.
        """
        generator, lesion = self._stream(self.epoch), self._crops.places.lesion
        # Crops at lesions in a new order.
        at_lesions = generator.permutation(np.flatnonzero(lesion >= 0))
        others = np.flatnonzero(lesion < 0)
        # Crops elsewhere: the hard ones once the network knows something, else all in turn.
        elsewhere = len(self) * (self._size - self._crops.at_lesions)
        hard = self.epoch >= self._finder.hard_from * self._finder.training.epochs
        if hard:
            others = generator.permutation(others)[: self._finder.hard_pool]
            weight = self._crops.hardness(others)
            check_finite(weight, f"crops score {{}} at the start of epoch {self.epoch}", "training")
            chosen = generator.choice(others, elsewhere, p=weight / weight.sum())
        else:
            turns = -(-elsewhere // len(others))
            chosen = np.concatenate([generator.permutation(others) for _ in range(turns)])
        # Each batch has its share of both.
        yield from np.hstack(
            [
                part[: len(self) * size].reshape(len(self), size)
                for part, size in (
                    (at_lesions, self._crops.at_lesions),
                    (chosen, self._size - self._crops.at_lesions),
                )
            ]
        )


def check_finite(scores: Floats, fault: str, where: str) -> None:
    """Refuse a network whose weights are lost, by what it says.

    Args:
        scores: Any shape.
        fault: What is wrong, in words; `{}` stands for the score.
        where: Of the failure.

    Raises:
        ModelFailure: A score is not finite.
    """
    lost = scores[~np.isfinite(scores)]
    if len(lost):
        raise refusal("models.lost_training", where, found=fault.format(lost[0]))


class CropTraining(ClassifierTraining):
    """Trains by the focal loss on cells in and outside lesions.

    Crops were cut with a margin, which goes once they are turned.
    """

    def __init__(self, *arguments: object, finder: FindingNetwork, **more: object) -> None:
        super().__init__(*arguments, **more)  # type: ignore[arg-type]
        self.finder = finder

    def viewed(self, batch: ExampleBatch) -> Tensor:
        """Turn crops with their masks, and cut off the margins: (n, 1 + masks, *sides).

        They were shifted where they were cut, from the whole image.
        """
        images, views = batch.images, self.finder.training.views
        if views is None:
            return images
        images = augment(images, batch.uniform, replace(views, shift=0.0), MASKS)
        margins = self.finder.margins(images.ndim - 2)
        inner = [slice(margin, images.shape[2 + k] - margin) for k, margin in enumerate(margins)]
        return images[(slice(None), slice(None), *inner)]

    def loss(self, images: Tensor, table: Tensor, label: Tensor, batch_idx: int) -> Tensor:
        """Compute the focal loss of all cells for each cell at a lesion's centre.

        The loss is −Σ (1 − p)^γ ln p at centres and −Σ p^γ ln (1 − p) outside all lesions (Lin et
        al. 2017, ICCV, equation 4, without α), over the number of centres.

        Args:
            images: (n, 1 + masks, *sides).
            table: (n, 0), as there is none.
            label: Without effect: masks say more.
            batch_idx: Without effect.
        """
        # Confident cells count less, so that the few at lesions are not lost among the others.
        focus = self.finder.focus
        logits = self(images[:, :-MASKS], table).float()
        odds = logits[:, 1] - logits[:, 0]
        # The first mask holds centres, the second all cells that may be a lesion's.
        centre = _cells(images[:, -2:-1])[:, 0]
        outside = 1 - _cells(images[:, -1:], whole=True)[:, 0]
        yes = (1 - odds.sigmoid()).pow(focus) * logsigmoid(odds) * centre
        no = odds.sigmoid().pow(focus) * logsigmoid(-odds) * outside
        total: Tensor = -(yes + no).sum()
        return total / centre.sum().clamp(min=1)


def _cells(mask: Tensor, *, whole: bool = False) -> Tensor:
    """Tell which cells a mask covers.

    Args:
        mask: (n, 1, *sides) of 0 and 1.
        whole: Whether a touch is enough, as of what may be a lesion; else it is half of the cell.

    Returns:
        (n, 1, *cells) of 0 and 1.
    """
    if whole:
        return (max_pool2d if mask.ndim == 4 else max_pool3d)(mask, STRIDE)
    return ((avg_pool2d if mask.ndim == 4 else avg_pool3d)(mask, STRIDE) >= 0.5).to(mask.dtype)


@plain_dataclass(frozen=True)
class Learned:
    """What a detector knows besides weights: the label looked for, lesions' median radius, mm."""

    positive: int
    radius: float


class FinderModel(NetworkModel):
    """A network that says where, how it is trained and on what."""

    uses_validation: ClassVar[bool] = False
    finds_in: ClassVar[FindsIn | None] = "images"

    network: FindingNetwork

    def read(self, prepared: PreparedData, task: Task) -> Reading[FindingInputs]:
        return read_places(prepared, self.title)

    def fit(  # type: ignore[override]
        self, training: Labelled[FindingInputs], context: FitContext
    ) -> "FittedFindingNetwork":
        """Train on crops at lesions and elsewhere, for all epochs.

        Args:
            training: Images with marked lesions; those said to have a lesion that is not marked
                teach nothing.
            context: Seed, folder, and the label of images with a lesion.

        Raises:
            ModelFailure: There are not two classes, no lesion is marked, or no place is without
                one.
        """
        # Lesions are marked in one class of two.
        if context.positive is None:
            raise refusal(
                "models.detector_of_classes",
                self.title,
                number=training.n_classes,
            )
        table = training.inputs.lesions
        if not len(table):
            raise refusal("models.no_known_lesion", self.title)
        # Images as the network sees them, and lesions in their pixels.
        images = searched(training.inputs.images, self.network.pixel, self.network.body)
        lesions = Lesions.of(table, images, self.network.pixel)
        # An image that is said to show a lesion, one knows not where, teaches no place.
        unplaced = (training.label == context.positive) & ~np.isin(
            training.case_id, lesions.case_id
        )
        cases = training.inputs.select(np.flatnonzero(~unplaced))
        # Where crops are taken.
        places = self.network.places(cases, images, lesions)
        if not (places.lesion < 0).any() or not (places.lesion >= 0).any():
            raise refusal("models.one_kind_of_place", self.title)
        crops = Crops(images, places, lesions, self.network)
        # Each image has mean 0 and deviation 1 already: the network scales nothing.
        architecture = Architecture(self.network, Sizes(crops.shape, 2))
        unscaled = torch.zeros(1), torch.ones(1)
        module = partial(CropTraining, finder=self.network)
        whole, curves = self._train(architecture, unscaled, crops, None, context, module)
        summary = FitSummary(
            parameters=parameter_count(whole),
            multiply_adds=None,
            images_seen=sum(map(len, curves))
            * self.network.steps
            * self.network.training.batch_size,
            curves=mean_curves(curves),
        )
        fitted = FittedNetwork(whole, architecture, summary, device(self.trainer))
        learned = Learned(context.positive, float(table["radius"].median()))
        return FittedFindingNetwork(fitted, learned)

    def load(self, folder: Path) -> "FittedFindingNetwork":  # type: ignore[override]
        """Load what `FittedFindingNetwork.save` wrote, onto the CPU.

        Raises:
            DataError: A file is missing, damaged or of other options.
        """
        fitted = load_network(folder, self.network)
        return FittedFindingNetwork(fitted, read_record(Learned, folder / FINDER))


class FittedFindingNetwork(FittedFinder):
    """A trained network that marks images."""

    options: FindingNetwork

    def __init__(self, fitted: FittedNetwork, learned: Learned) -> None:
        self.fitted, self.learned, self.summary = fitted, learned, fitted.summary
        if not isinstance(fitted.network, FindingNetwork):
            raise refusal("models.no_places")
        self.options, self.positive, self.nothing = fitted.network, learned.positive, LOWEST
        self.other_share = self.options.other_share
        self.requires = Requirements(
            reads_other=bool(self.other_share), batch=SEARCHED, whole_machine=True
        )

    def mark(self, inputs: FindingInputs) -> pd.DataFrame:
        """Mark the peaks of each image's heat map, looked at alone.

        A score is the mean log-odds over all mirrors that training showed, −20 at least; radii are
        the median of training lesions.
        """
        # Images as the network saw them in training.
        images = searched(inputs.images, self.options.pixel, self.options.body)
        rows: Marks = []
        scores: list[float] = []
        with torch.inference_mode(), memory_failures("scoring", self.options.training.batch_size):
            for case in inputs.case_id.tolist():
                # Marks in pixels of the network, then back in stored ones; the highest are kept.
                image = images[case]
                places, odds = self.options.marks(self._score, image)
                best = np.argsort(-odds, kind="stable")[:MOST]
                for place in image.to_stored(places[best]).tolist():
                    rows.append((case, tuple(place), self.learned.radius))
                scores += np.maximum(odds[best], LOWEST).tolist()
        # Of marks that lie close together the highest stays.
        marks = tabulate_places(rows).assign(score=np.array(scores, dtype=np.float64))
        return suppress(marks, self.options.apart, inputs.spacing)

    def _score(self, images: Tensor) -> Tensor:
        """Compute log-odds, (n, ...) of (n, 1, ...): the mean over mirrors that training showed.

        Raises:
            ModelFailure: A place scores no number.
        """
        # The mirrors that training showed.
        views, axes = self.options.training.views, []
        if views is not None:
            flips = getattr(views, "depth_flip", False), views.vertical_flip, views.horizontal_flip
            last_three = range(images.ndim - 3, images.ndim)
            axes = [axis for axis, flip in zip(last_three, flips, strict=True) if flip]
        subsets = list(chain.from_iterable(combinations(axes, k) for k in range(len(axes) + 1)))
        # Each look is mirrored back before the mean.
        total = torch.zeros(1)
        for flipped in subsets:
            logits = self.fitted.logits(images.flip(flipped))
            odds = logits[:, 1] - logits[:, 0]
            total = total + odds.flip([axis - 1 for axis in flipped])
        check_finite(total.numpy(), "places score {} after the training", self.options.title)
        return total / len(subsets)

    def save(self, folder: Path) -> None:
        self.fitted.save(folder)
        write_record(self.learned, folder / FINDER)
