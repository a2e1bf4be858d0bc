"""The Lightning module: softmax cross-entropy on views of the training images."""

import math

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from skiagram.seeding import derived_seed
from skiagram.training.augmentation import augment
from skiagram.training.classifier import Classifier, Staged
from skiagram.training.data import Batch
from skiagram.training.options import Optimizer, Training


class ClassifierTraining(pl.LightningModule):
    """Trains a classifier; all randomness is a function of seed, epoch and case.

    Args:
        classifier: What is trained.
        options: Loss, optimizer and views.
        class_weight: (n_classes,) weight of each class in the loss.
        seed: Seed of the fit.
    """

    class_weight: Tensor

    def __init__(
        self, classifier: Classifier, options: Training, class_weight: Tensor, seed: int
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self._options = options
        self._seed = seed
        self.register_buffer("class_weight", class_weight, persistent=False)
        self._loss = torch.zeros(2)
        self._validated: list[tuple[Tensor, Tensor]] = []

    def forward(self, images: Tensor) -> Tensor:
        """Return (n, n_classes) logits."""
        logits: Tensor = self.classifier(images)
        return logits

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the chosen optimizer."""
        return _optimizer(self._options.optimizer, self)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Begin an epoch: seed what it draws (dropout) and set its learning rate."""
        if batch_idx > 0:  # `on_train_epoch_start` is left out in a resumed fit's first epoch
            return
        torch.manual_seed(derived_seed(self._seed, "epoch", self.current_epoch, self.global_rank))
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.learning_rate
        if isinstance(self.classifier.network, Staged):
            self.classifier.network.begin_epoch(self.current_epoch)
        self._loss = torch.zeros(2, device=self.device)

    @property
    def learning_rate(self) -> float:
        """Return the learning rate of the current epoch."""
        optimizer = self._options.optimizer
        if optimizer.schedule == "constant":
            return optimizer.lr
        return (
            optimizer.lr * (1 + math.cos(math.pi * self.current_epoch / self._options.epochs)) / 2
        )

    def training_step(self, batch: Batch) -> Tensor:
        """Return the loss of one batch."""
        images, views = batch.images, self._options.augmentation
        if views is not None:
            images = augment(images, batch.uniform, views)
        loss = self._cross_entropy(self(images), batch.label)
        self._loss += torch.stack([loss.detach() * len(images), loss.new_tensor(len(images))])
        return loss

    def training_loss(self) -> float:
        """Return the mean loss over the epoch so far."""
        return float(self._loss[0] / self._loss[1])

    def validation_step(self, batch: Batch) -> None:
        """Keep the scores of one batch."""
        self._validated.append((self(batch.images).float(), batch.label))

    def validation(self) -> tuple[float, float]:
        """Return loss and accuracy on the validation images seen last, and forget their scores."""
        logits, label = (torch.cat(parts) for parts in zip(*self._validated, strict=True))
        self._validated = []
        loss = float(self._cross_entropy(logits, label))
        return loss, float((logits.argmax(dim=1) == label).float().mean())

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
