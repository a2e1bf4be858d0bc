"""Early fusion: one network on the image, or volume, and on what else is known of the case.

A backbone without its last layer makes numbers of the image, one layer of rectified units numbers
of the table (diameter, density, age, side, view); both together enter the last layer and are
trained as one (joint fusion in Huang et al. 2020, npj Digital Medicine 3:136).
"""

from typing import cast

import torch
from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from skiagram.models.deep.backbone import OnBackbone
from skiagram.models.deep.layers import cut_last_layer
from skiagram.strict import STRICT, OneOrMore, ShareBelowOne
from skiagram.training.classifier import RatedLayers, Staged


@dataclass(**STRICT)
class ImageAndTable(OnBackbone):
    """Options of a network on images and covariates.

    Attributes:
        columns: Covariates to read, in this order; null takes every numeric one.
        hidden: Rectified units that read the table.
        dropout: Share of these units dropped while training.
    """

    columns: tuple[str, ...] | None
    hidden: OneOrMore
    dropout: ShareBelowOne

    @property
    def title(self) -> str:
        columns = "covariates" if self.columns is None else ", ".join(self.columns)
        return f"{self.network().title} with {columns}"

    def build(self, shape: tuple[int, ...], n_classes: int, columns: int) -> nn.Module:
        """Build the backbone and the layer on the table under one last layer.

        Args:
            shape: (channels, height, width), or with a depth before the height.
            n_classes: Logits.
            columns: Numbers of the table.

        Raises:
            ModelFailure: The backbone is not defined for such images.
        """
        # Of the backbone's logits of the image what enters its last layer is taken.
        backbone = self.network().build(shape, n_classes)
        numbers = cut_last_layer(backbone)
        table = nn.Sequential(nn.Linear(columns, self.hidden), nn.ReLU(), nn.Dropout(self.dropout))
        return Fusion(backbone, table, nn.Linear(numbers + self.hidden, n_classes))

    def load_weights(self, network: nn.Module) -> None:
        """Give the backbone the weights that it starts from; what reads the table is drawn."""
        super().load_weights(cast(Fusion, network).backbone)


class Fusion(nn.Module):
    """Joins what one part makes of an image with what another makes of a table."""

    def __init__(self, backbone: nn.Module, table: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.table = table
        self.head = head

    @property
    def frozen_epochs(self) -> int | None:
        """Count the epochs in which the backbone does not learn; None where it never does."""
        return self.backbone.frozen_epochs if isinstance(self.backbone, Staged) else 0

    def begin_epoch(self, epoch: int) -> None:
        """Tell the backbone the epoch, from which on it may learn."""
        if isinstance(self.backbone, Staged):
            self.backbone.begin_epoch(epoch)

    def rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """List the layers of its own, with the whole learning rate, and those of the backbone.

        The backbone's own head was cut off, so its first entry may be empty.
        """
        if not isinstance(self.backbone, RatedLayers):
            return [(1.0, list(self.parameters()))]
        own = (1.0, [*self.head.parameters(), *self.table.parameters()])
        return [own, *(rated for rated in self.backbone.rates() if rated[1])]

    def forward(self, images: Tensor, table: Tensor) -> Tensor:
        """Score images with their (n, columns) of the table: (n, n_classes) logits."""
        return cast(Tensor, self.head(torch.cat([self.backbone(images), self.table(table)], dim=1)))
