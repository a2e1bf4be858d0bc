"""Feature families that were learned from images, which must not be the images they describe."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

from skiagram.features.contract import FeatureFamily
from skiagram.features.covariates import Covariates
from skiagram.options import build
from skiagram.preparation import LEARNED, PREPARATION, Preparation
from skiagram.records import read_record


@runtime_checkable
class LearnedElsewhere(Protocol):
    """A feature family whose meaning comes from the labels of other images."""

    def check_unseen(self, preparation: Preparation) -> None:
        """Refuse images that the family was learned from.

        Raises:
            DataError: It was learned from them, or does not say.
        """

    def keep(self, folder: Path) -> None:
        """Write to a new folder all that is needed to describe further images."""

    def kept(self, folder: Path) -> Self:
        """Return the same family as it was kept in a folder."""


def build_unseen(
    families: Mapping[str, Mapping[str, object]], images: Path
) -> list[FeatureFamily | Covariates]:
    """Return feature families by their options; none may describe what it was learned from.

    Args:
        families: Name → `_target_` and options of each family, in column order.
        images: Folder of the images to describe, with their `preparation.json`.

    Raises:
        DataError: A family was learned from these images, or that is recorded nowhere.
        OptionError: Options do not fit; names the family.
    """
    chosen = [build(dict(options), f"features.{name}") for name, options in families.items()]
    for family in chosen:
        if isinstance(family, LearnedElsewhere):
            family.check_unseen(read_record(Preparation, images / PREPARATION))
    return chosen


def keep(families: Iterable[object], preparation: Path) -> None:
    """Put what families learned beside the preparation of images, so that models can be moved.

    Args:
        families: Feature families of any kind.
        preparation: Folder with `preparation.json`.
    """
    for family in families:
        if isinstance(family, LearnedElsewhere):
            family.keep(preparation / LEARNED)
