"""What the columns of the feature table mean."""

from collections.abc import Sequence

from skiagram.features.covariates import Covariates
from skiagram.features.definition import Definition
from skiagram.options import build
from skiagram.preparation import Preparation

_FAMILIES = "skiagram.features."  # a network's features have no meaning of their own


def definitions(preparation: Preparation) -> tuple[Definition, ...]:
    """Return the definitions of all features that were extracted from images.

    Args:
        preparation: What was done to the images that the models learned from.
    """
    families = [
        build(options, "preparation")
        for options in preparation.features
        if str(options.get("_target_")).startswith(_FAMILIES)
    ]
    of_images = [one for one in families if not isinstance(one, Covariates)]
    return tuple(definition for family in of_images for definition in family.definitions())


def definition_of(column: str, known: Sequence[Definition]) -> Definition | None:
    """Return a column's definition; None for covariates and what a network computes."""
    return next((one for one in known if one.fits(column)), None)
