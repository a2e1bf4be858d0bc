"""The Lightning module: softmax cross-entropy on views of the training images."""

import math
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from skiagram.errors import ModelFailure
from skiagram.seeding import derived_seed, stream
from skiagram.training.augmentation import augment
from skiagram.training.classifier import Classifier, Staged
from skiagram.training.data import Batch, EpochOrder
from skiagram.training.options import Optimizer, Training
from skiagram.training.schedule import learning_rate

_NAMED = 16


class ClassifierTraining(pl.LightningModule):
    """Trains a classifier; all randomness is a function of seed, epoch and case.

    Args:
        classifier: What is trained.
        options: Loss, optimizer and views.
        class_weight: (n_classes,) weight of each class in the loss.
        seed: Seed of the fit.
        case_id: (n,) str, the training cases.
        compiled: Whether `torch.compile` fuses operations.
    """

    class_weight: Tensor

    def __init__(
        self,
        classifier: Classifier,
        options: Training,
        class_weight: Tensor,
        seed: int,
        case_id: NDArray[np.str_],
        *,
        compiled: bool,
    ) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.classifier = classifier
        self._options = options
        self._seed = seed
        self._case_id = case_id
        self._compiled = compiled
        # A method and no module: the compiled one would prefix the names of all weights.
        self._score: Callable[..., Tensor] = classifier.forward
        self.register_buffer("class_weight", class_weight, persistent=False)
        self._losses: list[Tensor] = []
        self._sizes: list[int] = []

    def forward(self, images: Tensor, table: Tensor) -> Tensor:
        """Return (n, n_classes) logits; a table without a column is for networks on images."""
        return self._score(images, table) if table.shape[1] else self._score(images)

    def setup(self, stage: str) -> None:
        """Compile in the process that trains; what is compiled cannot be sent to another."""
        if self._compiled:
            self._score = torch.compile(self.classifier.forward)

    def transfer_batch_to_device(
        self, batch: Batch, device: torch.device, dataloader_idx: int
    ) -> Batch:
        """Move a batch, without the search for tensors that Lightning makes in unknown types."""
        return Batch(*(one.to(device, non_blocking=True) for one in batch))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the chosen optimizer."""
        return _optimizer(self._options.optimizer, self)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rate; at the start of an epoch, seed what it draws (dropout)."""
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self._learning_rate(batch_idx)
        if batch_idx > 0:  # `on_train_epoch_start` is left out in a resumed fit's first epoch
            return
        seed = derived_seed(self._seed, "epoch", self.current_epoch, self.global_rank)
        # Seeding the devices that are not there takes longer than a step of a small network.
        (torch.default_generator if self.device.type == "cpu" else torch).manual_seed(seed)
        if isinstance(self.classifier.network, Staged):
            self.classifier.network.begin_epoch(self.current_epoch)
        self._losses, self._sizes = [], []

    @property
    def learning_rate(self) -> float:
        """Return the learning rate of the current epoch's first step."""
        return self._learning_rate(0)

    def _learning_rate(self, batch_idx: int) -> float:
        steps = int(self.trainer.num_training_batches)
        step = self.current_epoch * steps + batch_idx
        return learning_rate(self._options.optimizer, step, steps, self._options.epochs)

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Take one step; done here, since Lightning's own way takes a fifth more of its time.

        Raises:
            ModelFailure: The loss is not finite; seen at once on a CPU, elsewhere after the epoch.
        """
        optimizer = cast(LightningOptimizer, self.optimizers())
        optimizer.zero_grad()
        images, views = batch.images, self._options.views
        if views is not None:
            images = augment(images, batch.uniform, views)
        loss = self._mixed_loss(images, batch.table, batch.label, batch_idx)
        self._losses.append(loss.detach())
        self._sizes.append(len(images))
        if self.device.type == "cpu" and self.trainer.world_size == 1:
            self._check_finite(batch_idx, float(self._losses[-1]))
        self.manual_backward(loss)
        optimizer.step()

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        """Clip the gradients where that is asked for."""
        if self._options.gradient_clip is not None:
            clip_grad_norm_(self.parameters(), self._options.gradient_clip)

    def _check_finite(self, batch: int, loss: float) -> None:
        if math.isfinite(loss):
            return
        names = self._cases_of(batch)
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        raise ModelFailure(
            f"training loss is {loss} in epoch {self.current_epoch}",
            where=f"batch {batch} of {', '.join(names[:_NAMED])}{more}",
            remedy="lower training.optimizer.lr, set training.gradient_clip, look at these images",
        )

    def _cases_of(self, batch: int) -> list[str]:
        order: EpochOrder = cast(Any, self.trainer.train_dataloader).sampler
        names: list[str] = self._case_id[list(order)[batch]].tolist()
        return names

    def _mixed_loss(self, images: Tensor, table: Tensor, label: Tensor, batch_idx: int) -> Tensor:
        alpha = self._options.mixup
        if not alpha:
            return self._cross_entropy(self(images, table), label)
        place = (self.current_epoch, batch_idx, self.global_rank)
        share = stream(self._seed, "mixup", *place).beta(alpha, alpha)
        # The order of a batch is random, so its neighbour is a random partner of each image.
        mixed = (share * one + (1 - share) * one.roll(1, dims=0) for one in (images, table))
        logits = self(*mixed)
        own, partner = (self._cross_entropy(logits, one) for one in (label, label.roll(1)))
        return share * own + (1 - share) * partner

    def training_loss(self) -> float:
        """Return the mean loss over the epoch's images.

        Raises:
            ModelFailure: That of a batch is not finite; names the cases of the first one.
        """
        losses = torch.stack(self._losses).tolist()
        for batch, loss in enumerate(losses):
            self._check_finite(batch, loss)
        return float(np.average(losses, weights=self._sizes))

    def validation(self) -> tuple[float, float]:
        """Return loss and accuracy on the validation images."""
        self.eval()
        with torch.no_grad(), self.trainer.precision_plugin.forward_context():
            scored = [(self(one.images, one.table).float(), one.label) for one in self._validated()]
        self.train()
        logits, label = (torch.cat(parts) for parts in zip(*scored, strict=True))
        loss = float(self._cross_entropy(logits, label))
        return loss, float((logits.argmax(dim=1) == label).float().mean())

    def _validated(self) -> Iterator[Batch]:
        """Yield the validation batches; Lightning's loop takes longer than a small set needs."""
        trainer = cast(Any, self.trainer)
        for batch in trainer.datamodule.validation_batches():
            converted = trainer.precision_plugin.convert_input(batch)
            yield self.transfer_batch_to_device(converted, self.device, 0)

    def _cross_entropy(self, logits: Tensor, label: Tensor) -> Tensor:
        smoothing = self._options.label_smoothing
        weight = self.class_weight.to(logits.dtype)
        return cross_entropy(logits, label, weight=weight, label_smoothing=smoothing)


def _optimizer(options: Optimizer, module: pl.LightningModule) -> torch.optim.Optimizer:
    parameters, lr, decay = module.parameters(), options.lr, options.weight_decay
    if options.name == "sgd":
        return torch.optim.SGD(parameters, lr=lr, weight_decay=decay, momentum=0.9)
    if options.name == "adamw":
        return torch.optim.AdamW(parameters, lr=lr, weight_decay=decay)
    return torch.optim.Adam(parameters, lr=lr, weight_decay=decay)
