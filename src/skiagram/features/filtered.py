"""Features of filtered images: any family on the response of a filter (IBSI manual, chapter 2)."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Self

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats
from skiagram.errors import refusal
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import LevelFamily, reach_of
from skiagram.features.feature import Definition
from skiagram.features.filters.filter import Filter
from skiagram.features.first_order import FirstOrder
from skiagram.features.morphology import known_spacing
from skiagram.options import build
from skiagram.strict import STRICT


def build_member(value: Any) -> Any:
    """Build options as the dataclass that their `_target_` names."""
    return build(value, "filter or family") if isinstance(value, Mapping) else value


def _check_families(families: tuple[Any, ...]) -> tuple[Any, ...]:
    others = [type(family).__name__ for family in families if not hasattr(family, "extract")]
    if others:
        raise ValueError(f"`{others[0]}` is no feature family")
    return families


Families = Annotated[
    tuple[Annotated[Any, BeforeValidator(build_member)], ...],
    Field(min_length=1),
    AfterValidator(_check_families),
]


@dataclass(**STRICT)
class DerivedImageFamily(ABC):
    """Base of families of features on images made of the given ones.

    Attributes:
        families: `_target_` and options of each family; those of intensity and texture tell most.
    """

    families: Families

    @property
    @abstractmethod
    def prefixes(self) -> tuple[str, ...]:
        """What stands before the columns of each image that is made of one."""

    def names(self) -> tuple[str, ...]:
        """List the feature names in column order, for example `log_3mm.glcm_contrast`."""
        plain = [name for family in self.families for name in family.names()]
        return tuple(f"{prefix}.{name}" for prefix in self.prefixes for name in plain)

    def definitions(self) -> tuple[Definition, ...]:
        plain = [each for family in self.families for each in family.definitions()]
        return tuple(
            replace(definition, name=f"{prefix}.{definition.name}")
            for prefix in self.prefixes
            for definition in plain
        )

    def reach(self, spacing: Floats) -> Floats:
        """Compute how far beyond a region the families look, as `reach_of`."""
        return reach_of(self.families, spacing)

    def _describe(self, batch: FeatureBatch) -> Floats:
        """Describe the images by all families, side by side: (n, n_features)."""
        return np.hstack([family.extract(batch) for family in self.families])


@dataclass(**STRICT)
class Filtered(DerivedImageFamily):
    """Families of features on the response of a filter.

    The region is that of the image. Columns are `<name>.<column of the family>`.

    Attributes:
        name: Of the filter, before the point in the columns' names.
        filter: A `_target_` of `skiagram.features.filters` with its options.
    """

    name: Annotated[str, Field(pattern="^[a-z][a-z0-9_]*$")]
    filter: Annotated[Any, BeforeValidator(build_member)]

    @model_validator(mode="after")
    def _a_filter(self) -> Self:
        if not isinstance(self.filter, Filter):
            raise ValueError("`filter`: a class of `skiagram.features.filters`")  # noqa: TRY004
        return self

    @property
    def prefixes(self) -> tuple[str, ...]:
        return (self.name,)

    def reach(self, spacing: Floats) -> Floats:
        """Add how far the filter looks to how far the families look at its response."""
        of_filter = self.filter.reach([1.0, *spacing.tolist()][-3:])
        return super().reach(spacing) + of_filter[-len(spacing) :]

    def extract(self, batch: FeatureBatch) -> Floats:
        """Compute the features of the responses of n images: (n, n_features)."""
        return self._describe(self.respond(batch))

    def respond(self, batch: FeatureBatch) -> FeatureBatch:
        """Compute the responses of n images, with their regions.

        Args:
            batch: Images, with what a restoration kept around their regions.

        Raises:
            DataError: The filter needs a depth or a spacing that images lack, or looks farther than
                what was kept around the regions.
        """
        # A filter in 3D has no meaning in a plane.
        if self.filter.dimension == "3D" and not batch.volumes:
            raise refusal("features.filter_in_3d", name=self.name)
        # Filters and margins in mm need the spacing of each image.
        spacing, axes = np.ones((len(batch), 3)), 3 if batch.volumes else 2
        if self.filter.in_mm or batch.margin is not None:
            spacing[:, -axes:] = known_spacing(batch, self.name)
        # No filter looks farther than what the restoration kept.
        part, margin, nearest = batch, batch.margin, spacing.min(axis=0)[-axes:]
        reach = self.reach(nearest)
        if margin is not None and (reach > np.ceil(margin / nearest - 1e-9)).any():
            needed = float(np.max(reach * nearest))
            looks, enough = f"{needed:g} mm around the region", f"{np.ceil(needed):g}, or to null"
            if np.isinf(needed):
                looks, enough = "at the whole image", "null"
            raise refusal(
                "features.margin_too_small",
                name=self.name,
                looks=looks,
                margin=margin,
                enough=enough,
            )
        # Where nobody looks at the response around the regions, it is not computed.
        within = all(isinstance(family, (FirstOrder, LevelFamily)) for family in self.families)
        if within and np.isfinite(reach).all():
            part = batch.cropped(reach.astype(np.int64).tolist())
        # The responses of each image stand where its intensities stood.
        images = part.intensities(self.name)
        responses = np.empty(images.shape, dtype=np.float32)
        for row, (image, steps) in enumerate(zip(images, spacing, strict=True)):
            slices = image.reshape(-1, *image.shape[-2:])
            responses[row] = self.filter.respond(slices, steps.tolist())
        return replace(part, images=responses[..., None] if part.volumes else responses)
