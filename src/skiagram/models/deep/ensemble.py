"""Networks that were trained alike from other seeds, as one (Lakshminarayanan et al. 2017)."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from skiagram.training.classifier import Classifier


class Ensemble(nn.Module):
    """Averages the probabilities of its members.

    Args:
        members: Classifiers of the same classes.
    """

    def __init__(self, members: Sequence[Classifier]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: Tensor, *table: Tensor) -> Tensor:
        """Return (n, n_classes) logarithms of the mean probabilities."""
        each = torch.stack([member(images, *table).log_softmax(dim=1) for member in self.members])
        return each.logsumexp(dim=0) - math.log(len(self.members))


def together(members: Sequence[Classifier]) -> nn.Module:
    """Return the only member itself, or all of them as an ensemble."""
    return members[0] if len(members) == 1 else Ensemble(members)
