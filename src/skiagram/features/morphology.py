"""Feature family `morphology`: size and form of a region in a volume (IBSI 3.1, HCUG)."""

from typing import ClassVar, Literal

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats
from skiagram.errors import refusal
from skiagram.features import surface
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import DefinedFamily
from skiagram.features.feature import Column, ratio
from skiagram.features.first_order import ROUNDING
from skiagram.features.hull import Hull, convex_hull, diameter, enclosing_ellipsoid, smallest_box
from skiagram.images import ends_of
from skiagram.strict import STRICT


def morphology_features(
    regions: Flags, spacing: Floats, images: Floats, inside: Flags
) -> dict[str, Column]:
    """Measure size and form of n regions, by feature.

    Args:
        spacing: (n, 3) slice, row and column spacing.
        images: (n, depth, height, width) intensities.
        inside: Of the same shape, the voxels whose intensities count.
    """
    # Volume, area and spread of each region.
    extents = [surface.extent(*region) for region in zip(regions, spacing, strict=True)]
    volume = np.array([extent.volume for extent in extents])
    area = np.array([extent.area for extent in extents])
    voxels = np.array([extent.voxels for extent in extents])
    variances = np.array([np.linalg.eigvalsh(extent.covariance)[::-1] for extent in extents])
    half_axes = 2 * np.sqrt(np.where(variances > 1e-12, variances, 0))  # longest first
    major, minor, least = half_axes.T
    sphericity = np.cbrt(36 * np.pi * volume**2) / area
    # the sum of the intensities, and how far their centre lies from that of the region
    total, shift = np.zeros((2, len(extents)))
    for row, (image, counted) in enumerate(zip(images, inside, strict=True)):
        values = image[counted]
        if np.abs(values.sum()) > ROUNDING * np.abs(values).sum():  # else scaled to mean 0
            total[row] = values.sum()
            centre = (values @ np.argwhere(counted)) * spacing[row] / total[row]
            shift[row] = np.linalg.norm(centre - extents[row].centre)
    # Diameters need only the corners of the hull.
    hulls = [convex_hull(*region) for region in zip(regions, spacing, strict=True)]
    features = {
        "volume_mesh": volume,
        "volume_voxel_counting": voxels * spacing.prod(axis=1),
        "surface_area_mesh": area,
        "surface_to_volume_ratio": area / volume,
        "compactness_1": volume / (np.sqrt(np.pi) * area**1.5),
        "compactness_2": 36 * np.pi * volume**2 / area**3,
        "spherical_disproportion": 1 / sphericity,
        "sphericity": sphericity,
        "asphericity": 1 / sphericity - 1,
        "centre_of_mass_shift": shift,
        "maximum_3d_diameter": np.array([diameter(hull.corners) for hull in hulls]),
        "major_axis_length": 2 * major,
        "minor_axis_length": 2 * minor,
        "least_axis_length": 2 * least,
        "elongation": ratio(minor, major),
        "flatness": ratio(least, major),
        "integrated_intensity": volume * total / inside.sum(axis=(1, 2, 3)),
    }
    bodies = _bodies_around(regions, spacing, hulls, half_axes)
    for name, (body_volume, body_area) in bodies.items():
        features[f"volume_density_{name}"] = ratio(volume, body_volume)
        features[f"area_density_{name}"] = ratio(area, body_area)
    return features


def _bodies_around(
    regions: Flags, spacing: Floats, hulls: list[Hull], half_axes: Floats
) -> dict[str, tuple[Column, Column]]:
    """Measure the bodies that regions are compared with.

    Args:
        regions: (n, depth, height, width).
        spacing: (n, 3).
        hulls: Of each region.
        half_axes: (n, 3) of the ellipsoid that spreads as the region does, longest first.

    Returns:
        Name → (n,) volumes and (n,) areas.
    """
    volumes, areas = np.array([(hull.volume, hull.area) for hull in hulls]).T
    bodies = {"convex_hull": (volumes, areas)}
    # boxes, by their sides
    ends = np.array([ends_of(region) for region in regions])
    smallest = [smallest_box(hull.corners, hull.normals, hull.edges, hull.sides) for hull in hulls]
    boxes = {
        "aligned_box": (ends[..., 1] - ends[..., 0]) * spacing,
        "smallest_box": np.array(smallest),
    }
    for name, sides in boxes.items():
        z, y, x = sides.T
        bodies[name] = z * y * x, 2 * (z * y + z * x + y * x)
    # ellipsoids, by their half axes
    enclosing = [enclosing_ellipsoid(hull.corners) for hull in hulls]
    ellipsoids = {"spread_ellipsoid": half_axes, "enclosing_ellipsoid": np.array(enclosing)}
    for name, axes in ellipsoids.items():
        surfaces = np.array([surface.ellipsoid_area(row) for row in axes])
        bodies[name] = 4 / 3 * np.pi * axes.prod(axis=1), surfaces
    return bodies


def _pair_sums(image: Floats, inside: Flags, spacing: Floats) -> tuple[float, float, float, float]:
    """Sum over all ordered pairs of different voxels of a region, weighted by 1 / distance.

    Returns:
        Σ w, Σ w (x_i − μ)(x_j − μ), Σ w (x_i − x_j)², and Σ (x − μ)² over the voxels.
    """
    from scipy.fft import irfftn, next_fast_len, rfftn

    # In a region of one intensity nothing deviates from the mean.
    deviation = np.where(inside, image - image[inside].mean(), 0.0)
    if not deviation.any():
        return 1.0, 0.0, 0.0, 0.0
    # Sums over all pairs are convolutions with 1 / distance.
    sides = [next_fast_len(2 * side - 1, real=True) for side in image.shape]
    steps = [np.minimum(np.arange(n), n - np.arange(n)) for n in sides]
    z, y, x = (step * apart for step, apart in zip(steps, spacing, strict=True))
    distance = np.sqrt(z[:, None, None] ** 2 + y[:, None] ** 2 + x**2)
    distance[0, 0, 0] = np.inf
    weights = rfftn(1 / distance).real  # of an even function
    part = tuple(slice(side) for side in image.shape)
    around = irfftn(rfftn(inside.astype(np.float64), sides) * weights, sides)[part]
    near = irfftn(rfftn(deviation, sides) * weights, sides)[part]
    # Products of deviations for Moran's index, squared differences for Geary's.
    squares = deviation**2
    products = float(np.sum(deviation * near))
    differences = 2 * float(np.sum(squares * around)) - 2 * products
    return float(np.sum(around * inside)), products, differences, float(squares.sum())


@dataclass(**STRICT)
class Morphology(DefinedFamily):
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
    def sections(self) -> tuple[str, ...]:
        every = ("morphology", "morphology_autocorrelation")
        return every if self.autocorrelation else every[:1]

    def extract(self, batch: FeatureBatch) -> Floats:
        # Surfaces and volumes are those of bodies.
        if not batch.volumes:
            raise refusal("features.no_planes")
        part = batch.cropped()
        images = part.intensities("morphology")
        inside = part.region("whole", "morphology")
        # Form by the outline, intensities by what re-segmentation left.
        regions = np.ascontiguousarray(inside if part.forms is None else part.forms)
        spacing = (
            known_spacing(batch, "morphology") if self.unit == "mm" else np.ones((len(batch), 3))
        )
        columns = morphology_features(regions, spacing, images, np.ascontiguousarray(inside))
        # How alike intensities are that lie near each other.
        if self.autocorrelation:
            rows = [_pair_sums(*row) for row in zip(images, inside, spacing, strict=True)]
            weights, products, differences, squares = np.array(rows).T
            voxels = inside.sum(axis=(1, 2, 3)).astype(np.float64)
            columns["moran_index"] = ratio(voxels * products, weights * squares)
            columns["geary_measure"] = ratio((voxels - 1) * differences, 2 * weights * squares)
        return self.in_order(columns)


def known_spacing(batch: FeatureBatch, family: str) -> Floats:
    """Read the spacing of n images in mm, one number an axis.

    Args:
        batch: Images.
        family: That asks, to be named.

    Raises:
        DataError: It is unknown for some image.
    """
    # A family in mm has no sense without mm.
    axes = 3 if batch.volumes else 2
    spacing = batch.spacing
    if spacing is None or spacing.shape[1] < axes or not np.isfinite(spacing).all():
        raise refusal("features.unknown_spacing", family=family)
    return spacing
