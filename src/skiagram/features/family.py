"""What every feature family offers, and bases for families of one kind.

A new family is one file here, with a section of `definitions.toml` and one config.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.errors import refusal
from skiagram.features.batch import FeatureBatch, Region
from skiagram.features.discretisation import Discretisation, GreyLevels
from skiagram.features.feature import Column, Definition, read_definitions
from skiagram.features.neighbours import PLANE_WAYS, VOLUME_WAYS
from skiagram.strict import STRICT

T = TypeVar("T")
N = TypeVar("N", np.int64, np.float64)


@runtime_checkable
class FeatureFamily(Protocol):
    """The options dataclass of a feature family that describes a single image."""

    def names(self) -> tuple[str, ...]:
        """List the feature names in column order, for example `first_order_skewness`."""

    def definitions(self) -> Sequence[Definition]:
        """Return what the features mean: each name fits one definition, each definition a name."""

    def extract(self, batch: FeatureBatch) -> Floats:
        """Compute the features of n finite, equally sized images: (n, n_features), finite."""


def reach_of(families: Sequence[Any], spacing: Floats) -> Floats:
    """Compute how far beyond a region families look at single voxels.

    A family that looks beyond says so by `reach`, which takes and returns the same; others have no
    such method.

    Args:
        families: At least one.
        spacing: Of each axis, mm.

    Returns:
        Voxels of each axis, infinite for the whole image.
    """
    reaches = [family.reach(spacing) for family in families if hasattr(family, "reach")]
    return np.max([0 * spacing, *reaches], axis=0)


def families_of_images(families: Sequence[object]) -> list[FeatureFamily]:
    """Take the families that describe a single image: no covariates, no earlier images."""
    return [family for family in families if isinstance(family, FeatureFamily)]


class DefinedFamily:
    """Base of a feature family whose columns are those of its sections of `definitions.toml`."""

    prefix: ClassVar[str]

    @property
    def sections(self) -> tuple[str, ...]:
        return (self.prefix,)

    def definitions(self) -> tuple[Definition, ...]:
        return read_definitions(self.sections, self.prefix)

    def names(self) -> tuple[str, ...]:
        return tuple(definition.name for definition in self.definitions())

    def in_order(self, columns: Mapping[str, Column]) -> Floats:
        """Put columns in the order of the names.

        Args:
            columns: Feature name without prefix → (n,).

        Returns:
            (n, n_features).
        """
        start = len(self.prefix) + 1
        return np.array([columns[name[start:]] for name in self.names()]).T


@dataclass(**STRICT)
class RegionFamily(DefinedFamily):
    """Base of a family of the intensities of a region.

    Attributes:
        region: `whole`: the region of interest, or all of the image where there is none; `bright`:
            what Otsu's threshold calls bright in it.
    """

    region: Region


@dataclass(**STRICT)
class LevelFamily(RegionFamily, ABC):
    """Base of a family of the grey levels of a region.

    Attributes:
        levels: How intensities become grey levels.
    """

    levels: Discretisation

    def extract(self, batch: FeatureBatch) -> Floats:
        return self.describe(batch.levels(self.levels, self.region, self.prefix))

    @abstractmethod
    def describe(self, grey: GreyLevels) -> Floats:
        """Compute the features of n images from their grey levels.

        Returns:
            (n, n_features) float64, finite.
        """


Dimension = Literal["2D", "2.5D", "3D"]


@dataclass(**STRICT)
class TextureFamily(LevelFamily, ABC):
    """Base of a family that looks at neighbours, in volumes within slices or across them.

    Attributes:
        dimension: How a volume is described; of plane images all are the same. `3D`: neighbours
            in all directions. `2.5D`: neighbours within slices, whose matrices are added up. `2D`:
            each slice that the region touches for itself, and the features averaged.
    """

    dimension: Dimension = "3D"

    def ways(self, grey: GreyLevels) -> int:
        """Count the `DIRECTIONS` of neighbours: 4 in a plane, 13 in a volume."""
        return PLANE_WAYS if grey.depth == 1 or self.dimension != "3D" else VOLUME_WAYS

    def parts(self, grey: GreyLevels) -> GreyLevels:
        """Select the grey levels with neighbours of their own: volumes, or their slices."""
        return grey if self.dimension == "3D" else grey.planes

    def extract(self, batch: FeatureBatch) -> Floats:
        """Describe volumes as the dimension says: whole, by slices together, or slice by slice."""
        # Levels of a volume as a whole, or of a single slice.
        grey = batch.levels(self.levels, self.region, self.prefix)
        if self.dimension == "3D":
            parts = [(chosen, self.describe(part)) for chosen, part in grey.by_thin_axis()]
            described = np.empty((len(grey.levels), parts[0][1].shape[1]))
            for chosen, features in parts:
                described[chosen] = features
            return described
        if self.dimension == "2.5D" or grey.depth == 1:
            return self.describe(grey)
        # the mean over the slices that the region touches
        planes = grey.planes
        touched = np.asarray(planes.levels.reshape(len(planes.levels), -1).any(axis=1))
        features = self.describe(planes.of(touched))
        count = touched.reshape(len(grey.levels), -1).sum(axis=1)
        first = np.concatenate([[0], np.cumsum(count)[:-1]])
        return np.add.reduceat(features, first, axis=0) / count[:, None]


def add_parts(counts: NDArray[N], grey: GreyLevels) -> NDArray[N]:
    """Add up what was counted in the parts of each image.

    Args:
        counts: (parts, …), those of an image one after the other.
        grey: Levels of the images whose parts they are.

    Returns:
        (n, …).
    """
    images = len(grey.levels)
    return counts if len(counts) == images else counts.reshape(images, -1, *counts.shape[1:]).sum(1)


class WholeImageFamily(DefinedFamily, ABC):
    """Base of a family of whole plane images: volumes and regions of interest are refused."""

    def extract(self, batch: FeatureBatch) -> Floats:
        """Describe whole plane images.

        Raises:
            DataError: There is a region of interest, or images are volumes.
        """
        # These families need all pixels of a rectangle.
        if batch.masks is not None:
            raise refusal("features.no_regions", family=self.prefix)
        batch.check_planes(self.prefix)
        return self.describe(batch.grey(self.prefix))

    @abstractmethod
    def describe(self, images: NDArray[Any]) -> Floats:
        """Compute the features of n images, (n, n_features).

        Args:
            images: (n, height, width) of any depth, finite; not to be changed.
        """


def _check_ascending(numbers: tuple[int, ...]) -> tuple[int, ...]:
    if list(numbers) != sorted(set(numbers)):
        raise ValueError("numbers in ascending order, each once")
    return numbers


Ascending = AfterValidator(_check_ascending)


def _check_distinct(values: tuple[T, ...]) -> tuple[T, ...]:
    if len(set(values)) != len(values):
        raise ValueError("each value once")
    return values


Distinct = AfterValidator(_check_distinct)
