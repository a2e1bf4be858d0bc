"""What options of a phantom must agree on, whether it makes images or volumes."""

from skiagram.datasets.phantom.tissue import Nodule
from skiagram.errors import OptionError


def check_reach(nodule: Nodule, size: int) -> None:
    """Refuse a nodule that leaves the image at some of its places.

    Args:
        nodule: Its radius and places.
        size: Side of the image in pixels.

    Raises:
        OptionError: It reaches beyond half a side from the centre.
    """
    reach = nodule.spacing * (nodule.places // 2) + nodule.radius
    if reach > size // 2:
        raise OptionError(
            f"the nodule reaches {reach:g} pixels from the centre",
            where="dataset.nodule",
            allowed=f"spacing * places / 2 + radius of at most {size // 2}",
        )


def check_positive(positive: str, classes: tuple[str, ...]) -> None:
    """Refuse a positive class that is not the one with the nodule, which is the second.

    Raises:
        OptionError: It is another one.
    """
    if positive != classes[1]:
        raise OptionError(
            f"{positive!r} was given",
            where="dataset.positive_class",
            allowed=f"{classes[1]!r}, the class with the nodule",
        )
