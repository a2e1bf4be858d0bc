"""Batches of labelled images: held in memory when small, else streamed from the store."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from skiagram.seeding import stream
from skiagram.training.augmentation import draws
from skiagram.training.images import ImageSet

HELD_BYTES = 512 * 1024**2
_MOMENTS_BATCH = 256

Rows = NDArray[np.int64]


class Batch(NamedTuple):
    """Some labelled images.

    Attributes:
        images: (n, channels, [depth,] height, width) float32.
        label: (n,) int64.
        uniform: (n, 7) random numbers of the views; (n, 0) where images are shown as they are.
        table: (n, columns) float32 of what the network reads beside an image; (n, 0) for nothing.
    """

    images: Tensor
    label: Tensor
    uniform: Tensor
    table: Tensor


class Examples(Dataset[Batch]):
    """Labelled images that are read a batch at a time.

    Args:
        images: n cases.
        label: (n,) int64.
        image_size: Side to resize to, or None.
        held_bytes: Sets up to this size are read once and held in memory.
        table: (n, columns) float32, what the network reads beside an image; None for nothing.
    """

    def __init__(
        self,
        images: ImageSet,
        label: NDArray[np.int64],
        image_size: int | None,
        held_bytes: int = HELD_BYTES,
        table: Tensor | None = None,
    ) -> None:
        self.images = images
        self.label = torch.from_numpy(label.astype(np.int64))
        self.table = torch.empty(len(images), 0) if table is None else table
        self.image_size = image_size
        self.shape = images.shape(image_size)
        small = 4 * len(images) * math.prod(self.shape) <= held_bytes
        self.held = images.read(np.arange(len(images)), image_size) if small else None

    def __len__(self) -> int:
        """Return the number of cases."""
        return len(self.images)

    def __getitem__(self, rows: Rows) -> Batch:
        """Return some cases as they are."""
        chosen = torch.from_numpy(rows)
        if self.held is not None:
            pixels = self.held.index_select(0, chosen)
        else:
            pixels = self.images.read(rows, self.image_size)
        uniform = torch.empty(len(rows), 0)
        return Batch(pixels, self.label[chosen], uniform, self.table[chosen])

    def moments(self) -> tuple[Tensor, Tensor]:
        """Return each channel's mean and standard deviation over all pixels, float32.

        A constant channel has a deviation of 1, so that dividing by it is safe.
        """
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
        deviation[deviation < 1e-6 * mean.abs().clamp(min=1e-6)] = 1.0
        return mean.float(), deviation.float()


class Views(Dataset[Batch]):
    """Training examples together with the random numbers of their views in the current epoch.

    Args:
        examples: Training examples.
        seed: Seed of the fit.
        order: Sampler that knows the epoch.
    """

    def __init__(self, examples: Examples, seed: int, order: "EpochOrder") -> None:
        self._examples = examples
        self._seed = seed
        self._order = order

    def __getitem__(self, rows: Rows) -> Batch:
        """Return some cases with their random numbers."""
        case_ids = self._examples.images.case_id[rows].tolist()
        uniform = draws(self._seed, self._order.epoch, case_ids)
        return self._examples[rows]._replace(uniform=uniform)


class EpochOrder(Sampler[Rows]):
    """Batches of rows in an order that depends on seed and epoch alone.

    Batches differ by one row at most: a last one of a single case would leave batch normalisation
    without a variance.

    Args:
        n: Number of cases.
        batch_size: Rows a batch at most.
        seed: Seed of the fit; None keeps the given order.
        rank: This process among those that share the training.
        world: Number of such processes; all get equally many rows.
    """

    def __init__(
        self, n: int, batch_size: int, seed: int | None, rank: int = 0, world: int = 1
    ) -> None:
        self._n = n
        self._batch_size = batch_size
        self._seed = seed
        self._rank = rank
        self._world = world
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order comes next; Lightning calls this."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-self._share() // self._batch_size)

    def _share(self) -> int:
        return -(-self._n // self._world)

    def __iter__(self) -> Iterator[Rows]:
        """Yield the batches of the epoch."""
        rows = np.arange(self._n)
        if self._seed is not None:
            rows = stream(self._seed, "order", self.epoch).permutation(self._n)
        own = np.resize(rows, self._share() * self._world)[self._rank :: self._world]
        yield from np.array_split(own, len(self))


class ImageData(pl.LightningDataModule):
    """Training and validation batches of one fit.

    Args:
        training: Training examples.
        validation: Examples that decide when to stop.
        batch_size: Images a batch.
        seed: Seed of the fit.
        augmented: Whether training images are shown as random views.
    """

    def __init__(
        self, training: Examples, validation: Examples, batch_size: int, seed: int, augmented: bool
    ) -> None:
        super().__init__()
        self._training = training
        self._validation = validation
        self._batch_size = batch_size
        self._seed = seed
        self._augmented = augmented

    def train_dataloader(self) -> DataLoader[Batch]:
        """Return shuffled batches; each process gets its share."""
        rank, world = (
            (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        )
        order = EpochOrder(len(self._training), self._batch_size, self._seed, rank, world)
        examples = Views(self._training, self._seed, order) if self._augmented else self._training
        return DataLoader(examples, sampler=order, batch_size=None)

    def validation_batches(self) -> DataLoader[Batch]:
        """Return all validation batches; every process sees them all and so agrees on stopping."""
        order = EpochOrder(len(self._validation), self._batch_size, None)
        return DataLoader(self._validation, sampler=order, batch_size=None)
