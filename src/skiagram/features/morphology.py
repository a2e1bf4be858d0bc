"""Feature family `morphology`: size and form of a region in a volume (IBSI 3.1, HCUG)."""

from collections.abc import Callable
from dataclasses import dataclass as record
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.compute.compiled import compiled
from skiagram.errors import DataError
from skiagram.features import surface
from skiagram.features.batch import FeatureBatch, bounding_box
from skiagram.features.family import GroupFamily
from skiagram.features.feature import Column, Feature, Features, Quantity, ratio
from skiagram.features.hull import convex_hull, diameter, enclosing_ellipsoid, smallest_box
from skiagram.options import STRICT

Floats = NDArray[np.float64]


@record(frozen=True)
class Solid:
    """A body that a region is compared with, of n regions.

    Attributes:
        volume: (n,).
        area: (n,).
    """

    volume: Column
    area: Column


def _box(sides: Floats) -> Solid:
    z, y, x = sides.T
    return Solid(z * y * x, 2 * (z * y + z * x + y * x))


def _ellipsoid(half_axes: Floats) -> Solid:
    areas = np.array([surface.ellipsoid_area(axes) for axes in half_axes])
    return Solid(4 / 3 * np.pi * half_axes.prod(axis=1), areas)


def _axis_length(axis: int, side: str, ibsi: str) -> Feature:
    return Feature.of(
        lambda form: 2 * form._half_axes[:, axis],
        f"{side} of the ellipsoid whose voxels are spread alike ({ibsi}).",
        f"4 √λ{'₁₂₃'[axis]}",
        "mm",
        "from 0",
    )


def _density(
    sizes: Callable[["MorphologyFeatures"], tuple[Column, Column]],
    meaning: str,
    formula: str,
    limits: str = "greater than 0",
) -> Feature:
    """Return the ratio of a size of the region to that of a body around it."""
    return Feature.of(lambda form: ratio(*sizes(form)), meaning, formula, "1", limits)


@record(frozen=True)
class MorphologyFeatures(Features):
    """Size and form of n regions.

    In the formulas V and A are volume and area of the region's mesh (marching cubes at 0.5, closed
    where the image ends), λ₁ ≥ λ₂ ≥ λ₃ the variances of its voxels' places along their principal
    axes. Form is measured on the region as it was drawn, before re-segmentation; intensities on
    what re-segmentation left. Ratios are 0 where they would divide by 0, as for a region of one
    voxel. The unit of length is mm, or a voxel where `unit` is `voxel`.

    Attributes:
        regions: (n, depth, height, width), at least one voxel each.
        spacing: (n, 3) slice, row and column spacing.
        images: (n, depth, height, width) intensities.
        inside: Of the same shape, the voxels whose intensities count.
    """

    regions: NDArray[np.bool_]
    spacing: Floats
    images: Floats
    inside: NDArray[np.bool_]

    @Quantity
    def _extents(self) -> list[surface.Extent]:
        return [surface.extent(*region) for region in zip(self.regions, self.spacing, strict=True)]

    @Quantity
    def _intensity_sums(self) -> Floats:
        return intensity_sums(self.images, self.inside)

    @Quantity
    def _hulls(self) -> "_Hulls":
        return _Hulls.of(self.regions, self.spacing)

    @Quantity
    def _half_axes(self) -> Floats:
        """Half axes 2 √λ of the ellipsoid whose voxels are spread alike, (n, 3), longest first."""
        variances = np.array(
            [np.linalg.eigvalsh(extent.covariance)[::-1] for extent in self._extents]
        )
        return 2 * np.sqrt(np.where(variances > 1e-12, variances, 0))

    @Quantity
    def _aligned_box(self) -> Solid:
        boxes = np.array([bounding_box(region[None]) for region in self.regions])
        return _box((boxes[..., 1] - boxes[..., 0]) * self.spacing)

    @Quantity
    def _spread_ellipsoid(self) -> Solid:
        return _ellipsoid(self._half_axes)

    @Feature
    def volume_mesh(self) -> Column:
        """Volume within the mesh (RNU0).

        Formula: V
        Unit: mm³
        Range: greater than 0
        """
        return np.array([extent.volume for extent in self._extents])

    @Feature
    def volume_voxel_counting(self) -> Column:
        """Volume of the region's voxels (YEKZ).

        Formula: N · volume of a voxel
        Unit: mm³
        Range: greater than 0
        """
        return np.array([extent.voxels for extent in self._extents]) * self.spacing.prod(axis=1)

    @Feature
    def surface_area_mesh(self) -> Column:
        """Area of the mesh, that of cavities included (C0JK).

        Formula: A
        Unit: mm²
        Range: greater than 0
        """
        return np.array([extent.area for extent in self._extents])

    @Feature
    def surface_to_volume_ratio(self) -> Column:
        """How much surface stands around the volume (2PR5).

        Formula: A / V
        Unit: 1 / mm
        Range: greater than 0
        """
        return self.surface_area_mesh / self.volume_mesh

    @Feature
    def compactness_1(self) -> Column:
        """How compact the region is (SKGS).

        Formula: V / (√π A^(3/2))
        Unit: 1
        Range: (0, 1 / (6π))
        """
        return self.volume_mesh / (np.sqrt(np.pi) * self.surface_area_mesh**1.5)

    @Feature
    def compactness_2(self) -> Column:
        """How compact the region is, relative to a sphere (BQWJ).

        Formula: 36π V² / A³
        Unit: 1
        Range: (0, 1)
        """
        return 36 * np.pi * self.volume_mesh**2 / self.surface_area_mesh**3

    @Feature
    def spherical_disproportion(self) -> Column:
        """Surface relative to that of the sphere of equal volume (KRCK).

        Formula: A / (36π V²)^(1/3)
        Unit: 1
        Range: from 1
        """
        return 1 / self.sphericity

    @Feature
    def sphericity(self) -> Column:
        """Surface of the sphere of equal volume, relative to the region's (QCFX).

        Formula: (36π V²)^(1/3) / A
        Unit: 1
        Range: (0, 1)
        """
        return np.cbrt(36 * np.pi * self.volume_mesh**2) / self.surface_area_mesh

    @Feature
    def asphericity(self) -> Column:
        """How much larger the surface is than that of the sphere of equal volume (25C7).

        Formula: (A³ / (36π V²))^(1/3) − 1
        Unit: 1
        Range: from 0
        """
        return self.spherical_disproportion - 1

    @Feature
    def centre_of_mass_shift(self) -> Column:
        """Distance of the centre of the intensities from that of the region (KLMA).

        0 where the intensities add up to 0.

        Formula: |Σ p / N − Σ x p / Σ x| of the places p and intensities x
        Unit: mm
        Range: from 0
        """
        shifts = np.zeros(len(self.regions))
        for row, extent in enumerate(self._extents):
            total, *sums = self._intensity_sums[row, 1:]
            if total != 0:
                centre = np.array(sums) * self.spacing[row] / total
                shifts[row] = np.linalg.norm(centre - extent.centre)
        return shifts

    @Feature
    def maximum_3d_diameter(self) -> Column:
        """Largest distance between two points of the mesh (L0JK).

        Formula: max |p − q|
        Unit: mm
        Range: greater than 0
        """
        return self._hulls.diameter

    major_axis_length = _axis_length(0, "Length", "TDIC")
    minor_axis_length = _axis_length(1, "Width", "P9VJ")
    least_axis_length = _axis_length(2, "Thickness", "7J51")

    @Feature
    def elongation(self) -> Column:
        """Minor relative to major axis; 0 for a line (Q3CK).

        Formula: √(λ₂ / λ₁)
        Unit: 1
        Range: [0, 1]
        """
        return ratio(self._half_axes[:, 1], self._half_axes[:, 0])

    @Feature
    def flatness(self) -> Column:
        """Least relative to major axis; 0 for a region of one slice (N17B).

        Formula: √(λ₃ / λ₁)
        Unit: 1
        Range: [0, 1]
        """
        return ratio(self._half_axes[:, 2], self._half_axes[:, 0])

    volume_density_aligned_box = _density(
        lambda form: (form.volume_mesh, form._aligned_box.volume),
        "Share that the region has of the box around it along the image's axes (PBX1).",
        "V / V_box",
        "(0, 1]",
    )

    area_density_aligned_box = _density(
        lambda form: (form.surface_area_mesh, form._aligned_box.area),
        "Surface relative to that of the box around it along the image's axes (R59B).",
        "A / A_box",
    )

    @Feature
    def volume_density_smallest_box(self) -> Column:
        """Share that the region has of the smallest box in any direction (ZH1A).

        The box has a face along one of the 64 largest of the convex hull.

        Formula: V / V_box
        Unit: 1
        Range: (0, 1]
        """
        return self.volume_mesh / self._hulls.box.volume

    area_density_smallest_box = _density(
        lambda form: (form.surface_area_mesh, form._hulls.box.area),
        "Surface relative to that of the smallest box in any direction (IQYR).",
        "A / A_box",
    )

    volume_density_spread_ellipsoid = _density(
        lambda form: (form.volume_mesh, form._spread_ellipsoid.volume),
        "Volume relative to that of the ellipsoid whose voxels are spread alike (6BDE).",
        "V / V_ellipsoid",
        "from 0",
    )

    area_density_spread_ellipsoid = _density(
        lambda form: (form.surface_area_mesh, form._spread_ellipsoid.area),
        "Surface relative to that of the ellipsoid whose voxels are spread alike (RDD2).",
        "A / A_ellipsoid",
        limits="from 0",
    )

    volume_density_enclosing_ellipsoid = _density(
        lambda form: (form.volume_mesh, form._hulls.ellipsoid.volume),
        "Volume relative to that of the smallest ellipsoid around the mesh (SWZ1).",
        "V / V_ellipsoid",
        "(0, 1)",
    )

    area_density_enclosing_ellipsoid = _density(
        lambda form: (form.surface_area_mesh, form._hulls.ellipsoid.area),
        "Surface relative to that of the smallest ellipsoid around the mesh (BRI8).",
        "A / A_ellipsoid",
    )

    volume_density_convex_hull = _density(
        lambda form: (form.volume_mesh, form._hulls.hull.volume),
        "Share that the region has of its convex hull, also called solidity (R3ER).",
        "V / V_hull",
        "(0, 1]",
    )

    area_density_convex_hull = _density(
        lambda form: (form.surface_area_mesh, form._hulls.hull.area),
        "Surface relative to that of the convex hull (7T7F).",
        "A / A_hull",
    )

    @Feature
    def integrated_intensity(self) -> Column:
        """Volume times mean intensity; of a PET scan in SUV the total lesion glycolysis (99N0).

        Formula: V Σ x / N
        Unit: intensity · mm³
        Range: any
        """
        return self.volume_mesh * self._intensity_sums[:, 1] / self._intensity_sums[:, 0]


@compiled
def intensity_sums(images: Floats, inside: NDArray[np.bool_]) -> Floats:
    """Add up the voxels of n regions, their intensities and these times their places.

    Args:
        images: (n, depth, height, width).
        inside: Of the same shape, true in the region.

    Returns:
        (n, 5): N, Σ x, and Σ x p along slices, rows and columns.
    """
    n, depth, height, width = images.shape
    sums = np.zeros((n, 5))
    for image in range(n):
        for z in range(depth):
            for y in range(height):
                count, total, moment = 0, 0.0, 0.0
                for x in range(width):
                    if inside[image, z, y, x]:
                        count += 1
                        total += images[image, z, y, x]
                        moment += images[image, z, y, x] * x
                sums[image, 0] += count
                sums[image, 1] += total
                sums[image, 2] += total * z
                sums[image, 3] += total * y
                sums[image, 4] += moment
    return sums


@record(frozen=True)
class _Hulls:
    """Convex hulls of n regions and what is wrapped around them."""

    hull: Solid
    diameter: Column
    box: Solid
    ellipsoid: Solid

    @classmethod
    def of(cls, regions: NDArray[np.bool_], spacing: Floats) -> "_Hulls":
        hulls = [convex_hull(*region) for region in zip(regions, spacing, strict=True)]
        sides = [smallest_box(hull.corners, hull.normals, hull.edges, hull.sides) for hull in hulls]
        return cls(
            Solid(
                np.array([hull.volume for hull in hulls]), np.array([hull.area for hull in hulls])
            ),
            np.array([diameter(hull.corners) for hull in hulls]),
            _box(np.array(sides)),
            _ellipsoid(np.array([enclosing_ellipsoid(hull.corners) for hull in hulls])),
        )


@record(frozen=True)
class AutocorrelationFeatures(Features):
    """How alike intensities are that lie near each other in n regions.

    IBSI reference manual, sections 3.1.28 and 3.1.29. In the formulas w is 1 / the distance of two
    different voxels, sums go over all ordered pairs of the N voxels and μ is the mean intensity.
    Both are 0 for a constant region. All pairs are summed exactly, as a convolution.

    Attributes:
        images: (n, depth, height, width) intensities.
        inside: Of the same shape, the voxels whose intensities count, at least one each.
        spacing: (n, 3) slice, row and column spacing.
    """

    images: Floats
    inside: NDArray[np.bool_]
    spacing: Floats

    @Quantity
    def _sums(self) -> Floats:
        rows = zip(self.images, self.inside, self.spacing, strict=True)
        return np.array([pair_sums(*row) for row in rows])

    @Quantity
    def _voxels(self) -> Column:
        return self.inside.sum(axis=(1, 2, 3)).astype(np.float64)

    @Feature
    def moran_index(self) -> Column:
        """Moran's I, correlation of near intensities (N365).

        Formula: N Σ w (x_i − μ)(x_j − μ) / (Σ w Σ (x − μ)²)
        Unit: 1
        Range: about [−1, 1]
        """
        weights, products, _, squares = self._sums.T
        return ratio(self._voxels * products, weights * squares)

    @Feature
    def geary_measure(self) -> Column:
        """Geary's C, difference of near intensities: low where they are alike (NPT7).

        Formula: (N − 1) Σ w (x_i − x_j)² / (2 Σ w Σ (x − μ)²)
        Unit: 1
        Range: from 0
        """
        weights, _, differences, squares = self._sums.T
        return ratio((self._voxels - 1) * differences, 2 * weights * squares)


def pair_sums(
    image: Floats, inside: NDArray[np.bool_], spacing: Floats
) -> tuple[float, float, float, float]:
    """Sum over all ordered pairs of different voxels of a region, weighted by 1 / distance.

    Args:
        image: (depth, height, width).
        inside: Of the same shape, true in the region.
        spacing: (3,).

    Returns:
        Σ w, Σ w (x_i − μ)(x_j − μ), Σ w (x_i − x_j)², and Σ (x − μ)² over the voxels.
    """
    from scipy.fft import irfftn, next_fast_len, rfftn

    deviation = np.where(inside, image - image[inside].mean(), 0.0)
    if not deviation.any():
        return 1.0, 0.0, 0.0, 0.0
    sides = [next_fast_len(2 * side - 1, real=True) for side in image.shape]
    steps = [np.minimum(np.arange(n), n - np.arange(n)) for n in sides]
    z, y, x = (step * apart for step, apart in zip(steps, spacing, strict=True))
    distance = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
    distance[0, 0, 0] = np.inf
    weights = rfftn(1 / distance).real  # of an even function
    part = tuple(slice(side) for side in image.shape)
    around = irfftn(rfftn(inside.astype(np.float64), sides) * weights, sides)[part]
    near = irfftn(rfftn(deviation, sides) * weights, sides)[part]
    squares = deviation**2
    products = float(np.sum(deviation * near))
    differences = 2 * float(np.sum(squares * around)) - 2 * products
    return float(np.sum(around * inside)), products, differences, float(squares.sum())


@dataclass(**STRICT)
class Morphology(GroupFamily):
    """Size and form of a region in a volume, and how its intensities lie in it (IBSI HCUG).

    Attributes:
        unit: `mm`, or `voxel` for data sets whose spacing is unknown.
        autocorrelation: Whether Moran's I and Geary's C are among the features; they cost as much
            as all others together.
    """

    unit: Literal["voxel", "mm"]
    autocorrelation: bool

    prefix: ClassVar[str] = "morphology"

    @property
    def groups(self) -> tuple[type[Features], ...]:  # type: ignore[override]
        """The groups of features that are chosen."""
        every = (MorphologyFeatures, AutocorrelationFeatures)
        return every if self.autocorrelation else every[:1]

    def extract(self, batch: FeatureBatch) -> Floats:
        """Compute the features of the regions of n volumes, (n, 27) or (n, 29).

        Raises:
            DataError: The images are no volumes, or the unit is mm and a spacing is unknown.
        """
        if not batch.volumes:
            raise DataError(
                "`morphology` is not defined for plane images",
                where="features",
                allowed="volumes",
                remedy="choose `shape` for plane images",
            )
        part = batch.cropped()
        images = part.intensities("morphology")
        inside = part.region("whole", "morphology")
        regions = np.ascontiguousarray(inside if part.forms is None else part.forms)
        spacing = spacing_of(batch, "morphology") if self.unit == "mm" else np.ones((len(batch), 3))
        columns = [
            MorphologyFeatures(regions, spacing, images, np.ascontiguousarray(inside)).columns()
        ]
        if self.autocorrelation:
            columns.append(AutocorrelationFeatures(images, inside, spacing).columns())
        return np.hstack(columns)


def spacing_of(batch: FeatureBatch, family: str) -> Floats:
    """Return the spacing of n images in mm, one number an axis.

    Args:
        batch: n images or volumes.
        family: Name of the family, for the message.

    Raises:
        DataError: It is unknown.
    """
    axes = 3 if batch.volumes else 2
    spacing = batch.spacing
    if spacing is None or spacing.shape[1] < axes or not np.isfinite(spacing).all():
        raise DataError(
            f"`{family}` in mm needs the spacing, which is unknown",
            where="features",
            remedy=f"choose another `unit` in conf/features/{family}.yaml, if it has one, "
            f"or leave `{family}` out of `features`",
        )
    return spacing
