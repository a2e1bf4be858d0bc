"""Training for outcomes that are no classes, by the loss that the outcome says."""

from typing import Any

import torch
from torch import Tensor

from skiagram.errors import refusal
from skiagram.tasks.predicted import Predicted
from skiagram.training.module import ClassifierTraining
from skiagram.training.options import Training


class OutcomeTraining(ClassifierTraining):
    """Trains the outputs of a network by the loss of an outcome; it logs no accuracy."""

    has_classes = False

    def __init__(self, *arguments: Any, outcome: Predicted, **options: Any) -> None:
        """Add what is learned beside the network, such as the cut-offs between grades."""
        super().__init__(*arguments, **options)
        self.outcome = outcome
        learned = torch.tensor(outcome.learned_with_loss(), dtype=torch.float32)
        self.learned = torch.nn.Parameter(learned) if len(learned) else learned

    def _cross_entropy(self, logits: Tensor, label: Tensor) -> Tensor:
        """Compute the loss that the outcome says of (n, scores), or (n,) single scores."""
        loss: Tensor = self.outcome.loss(logits.squeeze(1), label, self.learned)
        return loss


def check_training(options: Training, title: str, scores: int) -> None:
    """Refuse options that only the training on classes has.

    Args:
        options: Of the training.
        title: Of the network, for people.
        scores: Of a case; several are those of findings.

    Raises:
        ModelFailure: Labels are to be mixed, smoothed or weighted, or networks of several findings
            to be averaged.
    """
    # Members are averaged as probabilities, or as one number.
    if scores > 1 and options.members > 1:
        raise refusal("training.mean_of_outcome", title)
    # Options that mean nothing without classes must stay at their defaults.
    class_options = {
        "mixup": bool(options.mixup),
        "label_smoothing": bool(options.label_smoothing),
        "class_weights": options.class_weights is not None,
    }
    for name, chosen in class_options.items():
        if chosen:
            raise refusal("training.option_of_classes", title, name=name)
