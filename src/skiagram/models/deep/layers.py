"""Layers, first weights and checks of image sizes that several networks share."""

from torch import Tensor, nn

from skiagram.errors import ModelFailure


def check_patches(network: str, patch_size: int, height: int, width: int) -> tuple[int, int]:
    """Return how many patches an image has down and across.

    Args:
        network: Name of the network that reads patches, for messages.
        patch_size: Side of a patch in pixels.
        height: Of the images, in pixels.
        width: Of the images, in pixels.

    Raises:
        ModelFailure: The patches do not tile the images.
    """
    if height % patch_size or width % patch_size:
        raise ModelFailure(
            f"images of {height} × {width} pixels",
            where=network,
            allowed=f"sides that are multiples of the patch size {patch_size}, at least one each",
            remedy="set training.image_size or patch_size",
        )
    return height // patch_size, width // patch_size


def check_smallest_side(
    network: str, height: int, width: int, smallest: int, needed_for: str = "", remedy: str = ""
) -> None:
    """Refuse images of which a network leaves nothing to classify.

    Args:
        network: Name of the network, for messages.
        height: Of the images, in pixels.
        width: Of the images, in pixels.
        smallest: Shortest side that the network takes.
        needed_for: What makes it so, for messages.
        remedy: What may be done besides another size of the images.

    Raises:
        ModelFailure: A side is shorter.
    """
    if min(height, width) < smallest:
        raise ModelFailure(
            f"images of {height} × {width} pixels",
            where=network,
            allowed=f"at least {smallest} × {smallest} pixels{needed_for}",
            remedy=f"set training.image_size{remedy}",
        )


def patch_sequence(images: Tensor, patch_height: int, patch_width: int) -> Tensor:
    """Cut images into patches.

    Args:
        images: (n, channels, height, width); the patches tile them.
        patch_height: Of a patch, in pixels.
        patch_width: Of a patch, in pixels.

    Returns:
        (n, patches, channels × patch height × patch width), row after row of patches.
    """
    n, channels, height, width = images.shape
    rows, columns = height // patch_height, width // patch_width
    cut = images.reshape(n, channels, rows, patch_height, columns, patch_width)
    return cut.permute(0, 2, 4, 1, 3, 5).reshape(n, rows * columns, -1)


class GlobalAveragePool(nn.Module):
    """Mean over all places; unlike adaptive pooling its gradient is deterministic on a GPU."""

    def forward(self, maps: Tensor) -> Tensor:
        """Turn (n, channels, [depth,] height, width) into (n, channels)."""
        return maps.mean(dim=tuple(range(2, maps.ndim)))


def glorot_uniform(layer: nn.Module) -> None:
    """Draw a layer's weights as Keras does: uniform after Glorot & Bengio 2010, biases 0."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
