"""Square patches that tile an image, in reading order."""

from torch import Tensor

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
