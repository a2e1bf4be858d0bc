"""The Lightning module: softmax cross-entropy on views of the training images."""

import math
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, cast

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import LRSchedulerConfigType, OptimizerLRScheduler
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from skiagram.arrays import Texts
from skiagram.errors import ModelFailure, refusal
from skiagram.seeding import derived_seed, stream
from skiagram.statistics.discrimination import auc_of_classes
from skiagram.training.augmentation import augment
from skiagram.training.classifier import Classifier, RatedLayers, Staged
from skiagram.training.data import EpochOrder, ExampleBatch
from skiagram.training.options import Training, make_part
from skiagram.training.processes import raise_together

_NAMED_CASES = 16


class ClassifierTraining(pl.LightningModule):
    """Trains a classifier; all randomness is a function of seed, epoch and case.

    It logs `training_loss`, `validation_loss` and `validation_accuracy` once per epoch, and
    `validation_auc` where there is a logger.
    """

    has_classes: ClassVar[bool] = True
    class_weight: Tensor

    def __init__(
        self,
        classifier: Classifier,
        options: Training,
        class_weight: Tensor,
        seed: int,
        case_id: Texts,
        *,
        compiled: bool,
    ) -> None:
        # What the fit is of, and the cases to name where a loss is infinite.
        super().__init__()
        self.classifier = classifier
        self._options = options
        self._seed = seed
        self._case_id = case_id
        self._compiled = compiled
        # A method and no module: the compiled one would prefix the names of all weights.
        self._score: Callable[..., Tensor] = classifier.forward
        self.register_buffer("class_weight", class_weight, persistent=False)
        self._losses: list[Tensor] = []
        self._validated: list[tuple[Tensor, Tensor]] = []

    def forward(self, images: Tensor, table: Tensor) -> Tensor:
        """Score images.

        Args:
            images: (n, channels, [depth,] height, width).
            table: (n, columns); without a column for networks on images.

        Returns:
            (n, n_classes) logits.
        """
        return self._score(images, table) if table.shape[1] else self._score(images)

    def setup(self, stage: str) -> None:
        """Compile in the process that trains; what is compiled cannot be sent to another."""
        if self._compiled:
            self._score = torch.compile(self.classifier.forward)

    def transfer_batch_to_device(
        self, batch: ExampleBatch, device: torch.device, dataloader_idx: int
    ) -> ExampleBatch:
        """Move a batch, without the search for tensors that Lightning makes in unknown types."""
        return ExampleBatch(*(part.to(device, non_blocking=True) for part in batch))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Make the optimizer and the schedule of its learning rate.

        Raises:
            OptionError: The schedule is a class of PyTorch's that cannot be made of these
                arguments.
        """
        options, epochs = self._options.optimizer, self._options.epochs
        # Layers may learn at rates of their own; what learns beside the network has the whole one.
        parameters: Iterable[Any] = self.parameters()
        if isinstance(self.classifier.network, RatedLayers):
            (share, first), *below = self.classifier.network.rates()
            rates = [(share, [*first, *self.parameters(recurse=False)]), *below]
            parameters = [{"params": part, "lr": options.lr * share} for share, part in rates]
        lr, decay = options.lr, options.weight_decay
        optimizer: Optimizer
        # The optimiser by its name.
        if options.name == "sgd":
            optimizer = SGD(parameters, lr=lr, weight_decay=decay, momentum=0.9)
        elif options.name == "adamw":
            optimizer = AdamW(parameters, lr=lr, weight_decay=decay)
        else:
            optimizer = Adam(parameters, lr=lr, weight_decay=decay)
        # The learning rate follows the schedule, step by step or epoch by epoch.
        schedule: LRSchedulerConfigType
        if options.schedule == "constant":
            return {"optimizer": optimizer}
        if options.schedule == "one_cycle":
            steps = int(self.trainer.estimated_stepping_batches) // (self.trainer.max_epochs or 1)
            largest, total = [group["lr"] for group in optimizer.param_groups], steps * epochs
            cycle = OneCycleLR(optimizer, largest, total_steps=total, cycle_momentum=False)
            schedule = {"scheduler": cycle, "interval": "step"}
        elif options.schedule == "cosine":
            schedule = {"scheduler": CosineAnnealingLR(optimizer, epochs), "interval": "epoch"}
        else:
            where = "training.optimizer.schedule"
            scheduler = make_part(options.schedule, where, optimizer)
            schedule = {"scheduler": scheduler, "interval": "epoch", "monitor": "validation_loss"}
        return {"optimizer": optimizer, "lr_scheduler": schedule}

    def on_train_batch_start(self, batch: ExampleBatch, batch_idx: int) -> None:
        """At the start of an epoch, seed what it draws (dropout).

        The seed follows from that of the fit, the epoch and the process: a resumed epoch draws the
        same.
        """
        if batch_idx > 0:  # `on_train_epoch_start` is left out in a resumed fit's first epoch
            return
        seed = derived_seed(self._seed, "epoch", self.current_epoch, self.global_rank)
        # Seeding the devices that are not there takes longer than a step of a small network.
        (torch.default_generator if self.device.type == "cpu" else torch).manual_seed(seed)
        if isinstance(self.classifier.network, Staged):
            self.classifier.network.begin_epoch(self.current_epoch)
        self._losses = []

    def training_step(self, batch: ExampleBatch, batch_idx: int) -> Tensor:
        """Compute the loss of a batch.

        Args:
            batch: Images as they are read, with the random numbers of their views.
            batch_idx: Number of the batch in its epoch, from 0.

        Raises:
            ModelFailure: The loss is not finite; seen at once on a CPU, elsewhere after the epoch.
        """
        # Views are drawn on the device, then scored.
        images = self.viewed(batch)
        loss = self.loss(images, batch.table, batch.label, batch_idx)
        self._losses.append(loss.detach())
        # Off a single processor each look at the loss would wait for the device.
        if self.device.type == "cpu" and self.trainer.world_size == 1:
            raise_together(self._find_infinite(batch_idx, float(self._losses[-1])))
        self.log(
            "training_loss",
            loss.detach(),
            on_step=False,
            on_epoch=True,
            batch_size=len(images),
            sync_dist=self.trainer.world_size > 1,
        )
        return loss

    def viewed(self, batch: ExampleBatch) -> Tensor:
        """Make the views of a batch; without augmentation images are shown as they are."""
        views = self._options.views
        if views is None:
            return batch.images
        return augment(batch.images, batch.uniform, views, int(self._options.input.mask_channel))

    def on_validation_epoch_start(self) -> None:
        """Look at the losses of training first: weights that are lost spoil validation too."""
        self.on_train_epoch_end()

    def on_train_epoch_end(self) -> None:
        """Raise a failure that names the first batch of this epoch whose loss is not finite."""
        if not self._losses:  # looked at before the validation
            return
        losses, self._losses = enumerate(torch.stack(self._losses).tolist()), []
        found = (self._find_infinite(batch, loss) for batch, loss in losses)
        raise_together(next(filter(None, found), None))

    def validation_step(self, batch: ExampleBatch, batch_idx: int) -> None:
        """Keep a batch's logits until all are there: figures are of all cases at once."""
        self._validated.append((self(batch.images, batch.table).float(), batch.label))

    def on_validation_epoch_end(self) -> None:
        """Log the figures of all validation cases together.

        Raises:
            ModelFailure: The loss is not finite.
        """
        # Figures over all validation cases at once, as the loss is a mean of them.
        logits, label = (torch.cat(parts) for parts in zip(*self._validated, strict=True))
        self._validated = []
        loss = self._cross_entropy(logits, label)
        # An infinite loss ends the training in all processes.
        failure = None
        if not math.isfinite(loss):
            failure = refusal(
                "training.lost_validation",
                kind=ModelFailure,
                loss=float(loss),
                epoch=self.current_epoch,
            )
        raise_together(failure)
        figures = {"validation_loss": loss}
        if self.has_classes:
            figures["validation_accuracy"] = (logits.argmax(dim=1) == label).float().mean()
            if self.trainer.loggers:  # for who watches: nothing is decided by it
                scores, classes = logits.double().cpu().numpy(), label.cpu().numpy()
                auc = auc_of_classes(scores, classes, 1 if scores.shape[1] == 2 else None)
                figures["validation_auc"] = logits.new_tensor(auc)  # NaN without both classes
        self.log_dict(figures, sync_dist=self.trainer.world_size > 1)

    def _find_infinite(self, batch: int, loss: float) -> ModelFailure | None:
        """Name the cases of a batch whose loss is not finite; None where it is."""
        if math.isfinite(loss):
            return None
        # The batch's cases are named, as far as a line holds them.
        order: EpochOrder = cast(Any, self.trainer.train_dataloader).sampler
        names: list[str] = self._case_id[list(order)[batch]].tolist()
        more = f" and {len(names) - _NAMED_CASES} more" if len(names) > _NAMED_CASES else ""
        # Which epoch and which cases: a damaged image is found by its name.
        return refusal(
            "training.lost_training",
            f"batch {batch}",
            kind=ModelFailure,
            loss=loss,
            epoch=self.current_epoch,
            names=names[:_NAMED_CASES],
            more=more,
        )

    def loss(self, images: Tensor, table: Tensor, label: Tensor, batch_idx: int) -> Tensor:
        """Compute the mean loss of a batch, of mixed images where the options mix them.

        Args:
            images: (n, channels, [depth,] height, width), as viewed.
            table: (n, columns).
            label: (n,) classes, or what the outcome's loss reads.
            batch_idx: Number of the batch in its epoch, from which the share of mixing is drawn.
        """
        # Without mixup the plain loss.
        alpha = self._options.mixup
        if not alpha:
            return self._cross_entropy(self(images, table), label)
        # The share is drawn anew per batch, from a stream of its own.
        place = (self.current_epoch, batch_idx, self.global_rank)
        share = stream(self._seed, "mixup", *place).beta(alpha, alpha)
        # The order of a batch is random, so its neighbour is a random partner of each image.
        mixed = (share * part + (1 - share) * part.roll(1, dims=0) for part in (images, table))
        logits = self(*mixed)
        targets = (label, label.roll(1, dims=0))
        label_loss, partner_loss = (self._cross_entropy(logits, target) for target in targets)
        return share * label_loss + (1 - share) * partner_loss

    def _cross_entropy(self, logits: Tensor, label: Tensor) -> Tensor:
        """Compute the cross-entropy, weighted by class and smoothed as the options say.

        Weights are for the mean over a batch: it is divided by the sum of its cases' weights.
        """
        smoothing = self._options.label_smoothing
        weight = self.class_weight.to(logits.dtype)
        return cross_entropy(logits, label, weight=weight, label_smoothing=smoothing)
