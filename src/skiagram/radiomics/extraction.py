"""The features of one image and its region: prepared, filtered, described, named."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skiagram.arrays import Flags, Floats
from skiagram.errors import refusal
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import FeatureFamily
from skiagram.features.feature import AXIS_LENGTHS, KURTOSIS
from skiagram.features.first_order import FirstOrder
from skiagram.features.glcm import Glcm
from skiagram.images import box_around, complete_beyond, ends_of
from skiagram.interpolation import REACH, Interpolation, interpolate, new_places
from skiagram.radiomics.image_types import images_of_type
from skiagram.radiomics.settings import INTERPOLATORS, ExtractionPlan, Settings

_ORIGINAL = "original"
_MCC = "glcm_MCC"
# Places that differ by less are the same but for rounding.
_LAST_DIGITS = 1e-9


@dataclass(frozen=True)
class Case:
    """One image and its region.

    Attributes:
        image: (depth, height, width) float64.
        inside: Of the same shape, where intensities and texture are measured.
        spacing: Of slices, rows and columns, mm; those of a plane image's slices mean nothing.
        plane: Whether it is a plane image, of depth 1.
        outline: The region before re-segmentation; None where nothing was left out.
        whole: Least and greatest value of the whole numbers that intensities are stored as; None
            where they are stored as fractions.
    """

    image: Floats
    inside: Flags
    spacing: tuple[float, float, float]
    plane: bool = False
    outline: Flags | None = None
    whole: tuple[int, int] | None = None

    @property
    def drawn(self) -> Flags:
        """The region as it was drawn."""
        return self.inside if self.outline is None else self.outline

    def batch(self, image: Floats) -> FeatureBatch:
        """Return an image on the same voxels, cut to the region, for the feature families."""
        box = box_around(self.drawn, (0, 0, 0))
        sides = (1, *image[box].shape[self.plane :])
        left_out = self.outline is not None
        return FeatureBatch(
            image[box].reshape(sides if self.plane else (*sides, 1)),
            self.inside[box].reshape(sides),
            np.array([self.spacing[self.plane :]]),
            self.drawn[box].reshape(sides) if left_out else None,
        )


def describe(case: Case, plan: ExtractionPlan) -> dict[str, float]:
    """Return the features by name, in the order of the families.

    Raises:
        DataError: The region is too small or empty, or a filter or family is not defined for it.
    """
    prepared = prepare(case, plan)
    # a bin that is wider than all intensities leaves no texture
    width, bins_by_width = plan.settings.binWidth, plan.settings.binCount is None
    binned = plan.families.keys() - {"morphology", "first_order"}
    if bins_by_width and binned and float(np.ptp(prepared.image[prepared.inside])) < width:
        warnings.warn(
            f"A bin of {width:g} is wider than the range of a region's intensities: its textures "
            "are constant. Choose a width for these intensities, or a number of bins.",
            stacklevel=1,
        )
    # The features of each family, on each type of image.
    features: dict[str, float] = {}
    if not prepared.plane and "morphology" in plan.families:
        # size and form of a region in a volume are the same in all types of images
        form, whole = plan.build(plan.settings)["morphology"], prepared.batch(prepared.image)
        features = _measure(plan, "morphology", form, _ORIGINAL, whole)
        voxels = int(prepared.drawn.sum())
        for length in AXIS_LENGTHS:
            if f"{_ORIGINAL}_{length}" in features:
                features[f"{_ORIGINAL}_{length}"] *= float(np.sqrt((voxels - 1) / voxels))
    for kind, settings in plan.image_types:
        families = plan.build(settings)
        families.pop("morphology", None)
        for name, image in images_of_type(kind, prepared.image, prepared.spacing, settings):
            batch = prepared.batch(image)
            for family_name, family in families.items():
                features |= _measure(plan, family_name, family, name, batch)
                if plan.names != "pyradiomics":
                    continue
                if isinstance(family, FirstOrder):
                    features |= _derived(plan, name, batch, settings)
                if isinstance(family, Glcm) and plan.chooses(family_name, _MCC):
                    features[f"{name}_{_MCC}"] = float(family.maximal_correlation(batch)[0])
    if plan.names != "pyradiomics":
        return features
    # image by image and class by class, each in the order of the alphabet
    groups: dict[str, list[tuple[str, float]]] = {}
    for name, value in features.items():
        groups.setdefault(name.rpartition("_")[0], []).append((name, value))
    return dict(pair for group in groups.values() for pair in sorted(group))


def _measure(
    plan: ExtractionPlan, family_name: str, family: FeatureFamily, image: str, batch: FeatureBatch
) -> dict[str, float]:
    """Compute the chosen features of a family, under the names of the plan.

    Args:
        plan: Names and chosen features.
        family_name: In the plan.
        family: Measures the image.
        image: Name of the image, such as `original`.
        batch: That one image.
    """
    values = family.extract(batch)[0]
    named = {}
    for definition, value in zip(family.definitions(), values.tolist(), strict=True):
        theirs = definition.pyradiomics
        if not plan.chooses(family_name, theirs):
            continue
        # PyRadiomics' kurtosis of a normal distribution is 3, the IBSI's 0.
        if plan.names == "pyradiomics":
            raised = value + 3 if theirs == KURTOSIS else value
            named[f"{image}_{theirs}"] = raised
        else:
            prefix = "" if image == _ORIGINAL else f"{image}."
            named[f"{prefix}{definition.name}"] = value
    return named


def _derived(
    plan: ExtractionPlan,
    image: str,
    batch: FeatureBatch,
    settings: Settings,
) -> dict[str, float]:
    """Compute what PyRadiomics alone has, and energies of shifted intensities."""
    # PyRadiomics counts energies of intensities that are shifted first.
    inside = batch.region("whole", "first_order")
    values = batch.grey("first_order")[inside].astype(np.float64) + settings.voxelArrayShift
    energy = float(values @ values)
    sides = batch.spacing[0] if batch.spacing is not None else np.ones(3)
    derived = {
        "firstorder_Energy": energy,
        "firstorder_RootMeanSquared": float(np.sqrt(energy / len(values))),
        "firstorder_TotalEnergy": energy * float(np.prod(sides)),
        "firstorder_StandardDeviation": float(values.std()),
    }
    return {
        f"{image}_{name}": value
        for name, value in derived.items()
        if plan.chooses("first_order", name)
    }


def prepare(case: Case, plan: ExtractionPlan) -> Case:
    """Normalise, resample and re-segment an image, in this order; refuse what has no features."""
    settings = plan.settings
    # Normalised, and missing voxels filled, before anything is resampled.
    case = _without_missing(case, plan)
    if settings.resampledPixelSpacing is not None:
        case = _resampled(case, plan)
    elif settings.preCrop:
        case = _cropped(case, settings)
    _check_region(case, plan)
    # Intensities outside the range leave the region; its outline may stay for morphology.
    if settings.resegmentRange is not None:
        bounds = sorted(settings.resegmentRange)
        values = case.image[case.inside]
        if settings.resegmentMode == "relative":
            bounds = [values.max() * share for share in bounds]
        elif settings.resegmentMode == "sigma":
            bounds = [values.mean() + values.std() * share for share in bounds]
        inside = case.inside & (case.image >= bounds[0])
        if len(bounds) == 2:
            inside &= case.image <= bounds[1]
        outline = None if settings.resegmentShape else case.inside
        case = replace(case, inside=inside, outline=outline)
        _check_region(case, plan)
    return case


def _without_missing(case: Case, plan: ExtractionPlan) -> Case:
    """Normalise an image by its known voxels, and give those missing far from the region a value.

    The region's voxels count, and where a filter or a resampling looks beyond it, its box with
    `padDistance` voxels around it.
    """
    settings, image = plan.settings, case.image
    # The scale is that of all known voxels, not of the region alone.
    if settings.normalize:
        known_voxels = image[np.isfinite(image)]
        deviation = known_voxels.std(ddof=1) if len(known_voxels) > 1 else 0.0
        if not deviation > 0:
            raise refusal("radiomics.constant_image")
        normal: Floats = (image - known_voxels.mean()) / deviation
        if settings.removeOutliers is not None:
            normal = normal.clip(-settings.removeOutliers, settings.removeOutliers)
        case = replace(case, image=normal * settings.normalizeScale, whole=None)
    if np.isfinite(image).all():
        return case
    # The voxels that features or filters look at, and those that they count.
    _sides(case.inside)
    new_spacing = (settings.resampledPixelSpacing or (0.0,) * 3)[::-1]
    steps = zip(new_spacing, case.spacing, strict=False)
    margin = [settings.padDistance * max(1, math.ceil(new / old)) for new, old in steps]
    looked_at = tuple(slice(None) for _ in image.shape)
    if not any(new_spacing) and all(kind == "Original" for kind, _ in plan.image_types):
        margin, looked_at = [], box_around(case.inside, (0, 0, 0))
    elif any(new_spacing) or settings.preCrop:
        looked_at = box_around(case.inside, [each + REACH + 2 for each in margin])
    return replace(case, image=complete_beyond(case.image, case.inside, margin, looked_at))


def _sides(inside: Flags) -> Sequence[tuple[int, int]]:
    """Find the first voxel of a region and the one after its last, of each axis."""
    if not inside.any():
        raise refusal("radiomics.empty_region")
    return ends_of(inside)


def _resampled(case: Case, plan: ExtractionPlan) -> Case:
    """Bring an image and its region to another spacing.

    By PyRadiomics' rules the corners of the old and the new grid agree and the region is that of
    the nearest voxel, and whole numbers stay whole, cut off towards 0, as ITK keeps the type of
    pixels; by the IBSI's rules their centres agree, and a voxel is in the region from half of it
    on.
    """
    # The distances of the new grid; 0 leaves an axis as it is.
    settings = plan.settings
    new_spacing = (settings.resampledPixelSpacing or ())[::-1]
    sides = _sides(case.inside)
    slices, rows, columns = (
        present if new == 0 or last - first == 1 else float(new)
        for new, present, (first, last) in zip(new_spacing, case.spacing, sides, strict=True)
    )
    spacing = slices, rows, columns
    # An image of this spacing is cut, not resampled.
    if np.allclose(spacing, case.spacing):
        return _cropped(case, settings)
    # The points of the new grid near the region, in voxels of the image.
    by_corners, axes = plan.names == "pyradiomics", []
    of_axes = zip(case.inside.shape, case.spacing, spacing, sides, strict=True)
    for size, present, wanted, (begin, end) in of_axes:
        if wanted == present:
            every = np.arange(float(size))
        elif by_corners:
            count = int(np.ceil(size * present / wanted - 1e-9))
            every = (np.arange(count) + 0.5) * (wanted / present) - 0.5
        else:
            every = new_places(size, present, wanted)
        ratio = present / wanted
        first = max(0, int(np.floor((begin - 0.5) * ratio)) - settings.padDistance)
        last = min(len(every) - 1, int(np.ceil((end - 0.5) * ratio)) + settings.padDistance)
        axes.append(every[first : last + 1])
    # As PyRadiomics does it, by ITK, or by IBSI's rules.
    order = INTERPOLATORS[settings.interpolator]
    if by_corners:
        image = _as_itk(case.image, axes, order)
        if case.whole is not None:
            nearest = np.rint(image)  # noise of the last digits would cut off a whole number
            exact = np.abs(image - nearest) < _LAST_DIGITS
            image = np.where(exact, nearest, np.trunc(image)).clip(*case.whole)
        inside = _as_itk(case.inside, axes, "nearest") > 0.5
    else:
        image = interpolate(case.image, axes, order)
        inside = interpolate(case.inside, axes, "linear") >= 0.5 - 1e-9
    return replace(case, image=image, inside=inside, spacing=spacing)


def _cropped(case: Case, settings: Settings) -> Case:
    """Cut an image to the box around its region, with `padDistance` voxels around it."""
    box = box_around(case.inside, (settings.padDistance,) * 3)
    return replace(case, image=case.image[box], inside=case.inside[box])


def _as_itk(image: Any, axes: list[Floats], order: Interpolation) -> Floats:
    """Interpolate as ITK does at the edges: a spline goes on as in a mirror, 0 stands outside."""
    around = [
        REACH if order == "cubic" and not np.array_equal(places, np.rint(places)) else 0
        for places in axes
    ]
    mirrored = np.pad(image, [(reach, reach) for reach in around], mode="reflect")
    moved = [places + reach for places, reach in zip(axes, around, strict=True)]
    values = interpolate(mirrored, moved, order)
    for axis, (places, size) in enumerate(zip(axes, image.shape, strict=True)):
        outside = (places < -0.5) | (places >= size - 0.5 - _LAST_DIGITS)
        np.moveaxis(values, axis, 0)[outside] = 0
    return values


def _check_region(case: Case, plan: ExtractionPlan) -> None:
    """Refuse a region without a voxel and, as PyRadiomics does, one that is too small."""
    lengths = [last - first for first, last in _sides(case.inside)]
    if plan.names != "pyradiomics":
        return
    settings, voxels = plan.settings, int(case.inside.sum())
    several = sum(length > 1 for length in lengths)
    if several < settings.minimumROIDimensions:
        raise refusal(
            "radiomics.too_few_axes",
            lengths=lengths,
            least=settings.minimumROIDimensions,
        )
    if settings.minimumROISize is not None and voxels <= settings.minimumROISize:
        raise refusal("radiomics.too_few_voxels", voxels=voxels, least=settings.minimumROISize)
