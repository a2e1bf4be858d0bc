"""What a network sees: images of the store, perhaps a table, in batches of labelled examples.

Small sets are held in memory, others are streamed from the store.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset, Sampler

from skiagram.arrays import Texts, Whole
from skiagram.errors import named, refusal
from skiagram.image_store.store import ImageStore
from skiagram.images import Image
from skiagram.records.feature_table import FeatureTable
from skiagram.seeding import stream
from skiagram.training.augmentation import draws
from skiagram.training.network_input import StoredImage, seen_part, seen_sides
from skiagram.training.options import WHOLE_IMAGE, ImageSize, NetworkInput

VOLUME_AXES = 4  # channels, depth, height, width
HELD_BYTES = 512 * 1024**2
_MOMENTS_BATCH = 256


@dataclass(frozen=True)
class ImageSet:
    """Images of some cases, each in the store; nothing is held in memory.

    Attributes:
        table: What else is known of the n cases, a row each; None for nothing.
        modalities: Of cases that have several images, modality → images, `store` the first; they
            become channels in this order.
    """

    store: ImageStore
    case_id: Texts
    table: FeatureTable | None = None
    modalities: Mapping[str, ImageStore] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.case_id)

    def select(self, rows: Whole) -> "ImageSet":
        """Take some cases, in the given order, with their rows of the table."""
        table = None if self.table is None else self.table.select(rows)
        return ImageSet(self.store, self.case_id[rows], table, self.modalities)

    def shape(
        self, image_size: ImageSize, network_input: NetworkInput = WHOLE_IMAGE
    ) -> tuple[int, ...]:
        """Find the shape of what a network sees of every case.

        Args:
            image_size: Sides that images are brought to; None keeps their own.
            network_input: Which part of them is seen, and whether with the mask.

        Returns:
            (channels, [depth,] height, width).

        Raises:
            ModelFailure: Cases, or modalities of one case, differ in it; both cases are named.
        """
        # The first case of each shape that occurs.
        shapes: dict[tuple[int, ...], str] = {}
        for row, case_id in enumerate(self.case_id.tolist()):
            with named(case_id):
                images = self._images(row, network_input)
                sides = [seen_sides(image, image_size, network_input) for image in images]
            # Modalities become channels of one image, so they need equal sides.
            if len(set(sides)) > 1:
                pairs = zip(self.modalities, sides, strict=True)
                sizes = (f"{name} of {' × '.join(map(str, sides))}" for name, sides in pairs)
                raise refusal(
                    "training.sizes_of_one_case",
                    sizes=sizes,
                    case_id=case_id,
                )
            channels = sum(image.channels for image in images) + network_input.mask_channel
            shapes.setdefault((channels, *sides[0]), case_id)
        # A batch needs cases of one shape.
        if len(shapes) > 1:
            (first, first_case), (second, other) = list(shapes.items())[:2]
            raise refusal(
                "training.images_of_two_shapes",
                first=described(first),
                other=second,
                first_case=first_case,
                other_case=other,
            )
        return next(iter(shapes))

    def read(
        self,
        rows: Whole,
        image_size: ImageSize,
        network_input: NetworkInput = WHOLE_IMAGE,
    ) -> Tensor:
        """Read cases of equal shape.

        Args:
            rows: (n,) of them.
            image_size: Sides that images are brought to; None keeps their own.
            network_input: Which part of them is seen, and whether with the mask.

        Returns:
            (n, channels, [depth,] height, width) float32; the mask is the last channel, behind
            those of all modalities.

        Raises:
            DataError: A pixel is missing, of the case that is named.
        """
        cases = []
        for row in rows.tolist():
            # The first modality brings the mask, others their channels alone.
            with named(str(self.case_id[row])):
                first, *others = self._images(row, network_input)
                whole = seen_part(
                    first, image_size, network_input, with_mask=network_input.mask_channel
                )
                further = [
                    seen_part(image, image_size, network_input, with_mask=False) for image in others
                ]
            # The mask is the last channel, behind those of all modalities.
            parts = (whole[: first.channels], *further, whole[first.channels :])
            cases.append(torch.cat(parts) if others else whole)
        images = torch.stack(cases)
        # A missing pixel would make the loss infinite: its case is named.
        finite = torch.isfinite(images).flatten(1).all(dim=1)
        if not bool(finite.all()):
            faulty = str(self.case_id[rows[int(finite.logical_not().nonzero()[0])]])
            raise refusal("training.missing_pixels", faulty)
        return images

    def _images(self, row: int, network_input: NetworkInput) -> list[StoredImage]:
        """Take a case's image of each modality, with its region where the network reads it."""
        if not network_input.reads_regions:
            return [StoredImage(views[row]) for _, views in self._views]
        case_id = str(self.case_id[row])
        return [
            StoredImage(views[row], store.spacing(case_id), store.region(case_id))
            for store, views in self._views
        ]

    @cached_property
    def _views(self) -> list[tuple[ImageStore, list[Image]]]:
        """Find every image once, each modality's beside its store; a view holds no pixels."""
        stores = tuple(self.modalities.values()) or (self.store,)
        names = self.case_id.tolist()
        return [(store, [store.image(case_id) for case_id in names]) for store in stores]

    def __reduce__(self) -> tuple[type["ImageSet"], tuple[Any, ...]]:
        """Leave the views out for another process: pickled, they would hold their pixels."""
        return ImageSet, (self.store, self.case_id, self.table, dict(self.modalities))


class ExampleBatch(NamedTuple):
    """Some labelled images.

    Attributes:
        images: (n, channels, [depth,] height, width) float32.
        label: (n,) int64; or (n, n_classes) float32 probabilities to learn in its place, or (n, 2)
            times and events.
        uniform: (n, 12) random numbers of the views; (n, 0) where images are shown as they are.
        table: (n, columns) float32 of what the network reads beside an image; (n, 0) for nothing.
    """

    images: Tensor
    label: Tensor
    uniform: Tensor
    table: Tensor


class Examples(Dataset[ExampleBatch], ABC):
    """What a network learns from, read a batch at a time.

    Args:
        case_id: (n,) names of the examples; the random numbers of their views follow from them.
        label: (n,) classes, or (n, 2) times and events.
        shape: (channels, [depth,] height, width) of each.

    Attributes:
        reads_store: Whether batches are read from the store; else all images are held in memory.
    """

    reads_store: bool

    def __init__(self, case_id: Texts, label: NDArray[Any], shape: tuple[int, ...]) -> None:
        self.case_id, self.shape = case_id, shape
        kind = np.float32 if label.ndim == 2 else np.int64
        self.label = torch.from_numpy(label.astype(kind))

    def __len__(self) -> int:
        return len(self.case_id)

    @abstractmethod
    def __getitem__(self, rows: Whole) -> ExampleBatch:
        """Read some rows, shown as they are: (n,) places in [0, len)."""

    def view(self, rows: Whole, uniform: Tensor) -> ExampleBatch:
        """Read some rows with the (n, 12) random numbers by which the module makes views."""
        return self[rows]._replace(uniform=uniform)

    def begin(self, classifier: nn.Module) -> None:
        """Take note of the network that is going to learn from them."""

    def order(self, batch_size: int, seed: int | None, rank: int, world: int) -> "EpochOrder":
        """Divide the images of an epoch into batches, in the order in which they are shown.

        Args:
            batch_size: Images of a step on one device.
            seed: Of the order; None keeps it as it is.
            rank: Number of this process among those that share the training, from 0.
            world: How many share it.
        """
        return EpochOrder(len(self), batch_size, seed, rank, world)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Compute each channel's mean and standard deviation over all pixels.

        Returns:
            (channels,) float32 each. A constant channel has a deviation of 1, so that dividing by
            it is safe.
        """
        # In batches and double precision: sums of many pixels lose digits.
        count, total, squares = 0, torch.zeros(1), torch.zeros(1)
        for start in range(0, len(self), _MOMENTS_BATCH):
            rows = np.arange(start, min(start + _MOMENTS_BATCH, len(self)))
            pixels = self[rows].images.double()
            count += pixels[:, 0].numel()
            all_but_channels = (0, *range(2, pixels.ndim))
            total = total + pixels.sum(dim=all_but_channels)
            squares = squares + pixels.square().sum(dim=all_but_channels)
        mean = total / count
        deviation = (squares / count - mean.square()).clamp(min=0).sqrt()
        # A constant channel is only centred, since its deviation is that of rounding.
        deviation[deviation < 1e-6 * mean.abs().clamp(min=1e-6)] = 1.0
        return mean.float(), deviation.float()


class LabelledImages(Examples):
    """Labelled images, each whole.

    Args:
        held_bytes: Sets up to this size are read once and held in memory.
        table: (n, columns) float32, what the network reads beside an image; None for nothing.
    """

    def __init__(
        self,
        images: ImageSet,
        label: NDArray[Any],
        image_size: ImageSize,
        held_bytes: int = HELD_BYTES,
        table: Tensor | None = None,
        network_input: NetworkInput = WHOLE_IMAGE,
    ) -> None:
        """Find the shape of all images, and read them where they fit into memory.

        Args:
            images: The cases.
            label: (n,) classes, (n, n_classes) probabilities, or (n, 2) times and events.
            image_size: Sides that images are brought to; None keeps their own.
            held_bytes: Sets up to this size are read once and held in memory.
            table: (n, columns) float32, what the network reads beside an image; None for nothing.
            network_input: Which part of an image is seen, and whether with the mask.
        """
        super().__init__(images.case_id, label, images.shape(image_size, network_input))
        self.images = images
        self.table = torch.empty(len(images), 0) if table is None else table
        self.image_size, self.seen = image_size, network_input
        # Four bytes a value.
        small = 4 * len(images) * math.prod(self.shape) <= held_bytes
        rows = np.arange(len(images))
        self.held = images.read(rows, image_size, network_input) if small else None
        self.reads_store = self.held is None

    def __getitem__(self, rows: Whole) -> ExampleBatch:
        """Read some rows, (n,) of them, from memory where they are held, else from the store."""
        chosen = torch.from_numpy(rows)
        if self.held is not None:
            pixels = self.held.index_select(0, chosen)
        else:
            pixels = self.images.read(rows, self.image_size, self.seen)
        uniform = torch.empty(len(rows), 0)
        return ExampleBatch(pixels, self.label[chosen], uniform, self.table[chosen])


class Views(Dataset[ExampleBatch]):
    """Training examples together with the random numbers of their views in the current epoch."""

    def __init__(self, examples: Examples, seed: int, order: "EpochOrder") -> None:
        self._examples, self._seed, self._order = examples, seed, order

    def __getitem__(self, rows: Whole) -> ExampleBatch:
        """Read some rows with the random numbers of their views in the current epoch."""
        case_ids = self._examples.case_id[rows].tolist()
        uniform = draws(self._seed, self._order.epoch, case_ids)
        return self._examples.view(rows, uniform)


class EpochOrder(Sampler[Whole]):
    """Batches of rows in an order that depends on seed and epoch alone; without a seed, as given.

    Batches differ by one row at most: a last one of a single case would leave batch normalisation
    without a variance.
    """

    def __init__(
        self, n: int, batch_size: int, seed: int | None, rank: int = 0, world: int = 1
    ) -> None:
        """Share n rows out among processes.

        Args:
            n: Rows.
            batch_size: Rows of a batch at most.
            seed: Of the order; None keeps it as it is.
            rank: Number of this process, from 0.
            world: How many processes share the rows; the first rows fill up what is missing to
                equal shares.
        """
        self._n, self._batch_size, self._seed = n, batch_size, seed
        self._rank, self._world = rank, world
        self._share = -(-n // world)  # rows of one process
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Take the epoch, counted from 0; Lightning calls it, also where a fit is resumed."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self._share // self._batch_size)

    def __iter__(self) -> Iterator[Whole]:
        """Yield the rows of each batch of this process; all processes together see every row."""
        rows = np.arange(self._n)
        if self._seed is not None:
            rows = stream(self._seed, "order", self.epoch).permutation(self._n)
        rows_of_rank = np.resize(rows, self._share * self._world)[self._rank :: self._world]
        yield from np.array_split(rows_of_rank, len(self))


def described(shape: tuple[int, ...]) -> str:
    """Say (channels, [depth,] height, width) in words."""
    if len(shape) == VOLUME_AXES:
        return f"volumes of channels, depth, height, width {shape}"
    return f"images of channels, height, width {shape}"
