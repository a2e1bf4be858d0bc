"""A recurrent network that reads an image as a sequence of rows or patches, a volume of slices.

The cells are those of Hochreiter & Schmidhuber 1997 (`lstm`) or Cho et al. 2014 (`gru`). The mean
over all steps, not the last one alone, feeds one linear layer, so what stands early in the
sequence counts as much as what stands late.
"""

from typing import ClassVar, Literal, cast

from pydantic.dataclasses import dataclass
from torch import Tensor, nn

from skiagram.errors import refusal
from skiagram.models.deep.layers import check_patches
from skiagram.strict import STRICT, OneOrMore, ShareBelowOne
from skiagram.training.options import Training


@dataclass(**STRICT)
class Recurrent:
    """Options of the recurrent network.

    Attributes:
        cell: `lstm` or `gru`.
        patch_size: Side of the patches that are read row by row; it divides both sides of the
            images. null reads one row of pixels at each step. Volumes are read slice by slice,
            which needs null.
        hidden: Numbers that a direction remembers from step to step.
        layers: Recurrent layers, one above the other.
        bidirectional: Also read each sequence from its end.
        dropout: Share dropped while training, between layers and before the linear layer.
        training: How it is trained.
    """

    title: ClassVar[str] = "Recurrent network"

    cell: Literal["lstm", "gru"]
    patch_size: OneOrMore | None
    hidden: OneOrMore
    layers: OneOrMore
    bidirectional: bool
    dropout: ShareBelowOne
    training: Training

    def build(self, shape: tuple[int, ...], n_classes: int) -> nn.Module:
        """Build the network, to which a volume is as many steps as it has slices.

        Raises:
            ModelFailure: Patches do not divide the images.
            OptionError: Patches are asked for of volumes.
        """
        channels, *depth, height, width = shape
        if depth:
            if self.patch_size is not None:
                raise refusal("models.patches_of_volumes", patch_size=self.patch_size)
            return SliceNetwork(self._network(channels, (height, width), n_classes))
        # An image is read patch by patch, or row by row.
        patch = (1, width)
        if self.patch_size is not None:
            check_patches("recurrent", self.patch_size, height, width)
            patch = (self.patch_size, self.patch_size)
        return self._network(channels, patch, n_classes)

    def _network(self, channels: int, patch: tuple[int, int], n_classes: int) -> "PatchNetwork":
        """Build cells and head for patches of (height, width) and so many channels."""
        # Patches go through the cells one after another.
        cells = {"lstm": nn.LSTM, "gru": nn.GRU}[self.cell](
            channels * patch[0] * patch[1],
            self.hidden,
            self.layers,
            batch_first=True,
            dropout=self.dropout if self.layers > 1 else 0.0,
            bidirectional=self.bidirectional,
        )
        # Both directions end in one vector.
        directions = 2 if self.bidirectional else 1
        head = nn.Linear(directions * self.hidden, n_classes)
        return PatchNetwork(patch, cells, nn.Sequential(nn.Dropout(self.dropout), head))


class PatchNetwork(nn.Module):
    """Reads patches of (height, width) one after the other."""

    def __init__(self, patch: tuple[int, int], cells: nn.RNNBase, head: nn.Module) -> None:
        super().__init__()
        self._patch = patch
        self.cells = cells
        self.head = head

    def forward(self, images: Tensor) -> Tensor:
        """Score (n, channels, height, width): (n, n_classes) logits."""
        # (n, patches, channels × patch height × patch width), row after row of patches.
        n, channels, height, width = images.shape
        down, across = self._patch
        rows, columns = height // down, width // across
        cut = images.reshape(n, channels, rows, down, columns, across)
        patches = cut.permute(0, 2, 4, 1, 3, 5).reshape(n, rows * columns, -1)
        steps, _ = self.cells(patches)
        return cast(Tensor, self.head(steps.mean(dim=1)))


class SliceNetwork(nn.Module):
    """Reads the slices of a volume as patches that stand one below the other."""

    def __init__(self, network: PatchNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, volumes: Tensor) -> Tensor:
        """Score (n, channels, depth, height, width): (n, n_classes) logits.

        Slices are joined along the rows, and read one after the other.
        """
        return cast(Tensor, self.network(volumes.flatten(2, 3)))
