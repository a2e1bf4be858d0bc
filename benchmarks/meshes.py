"""Volume, surface and convex hull of regions compared with scikit-image and SciPy.

    python -m benchmarks.meshes

Regions are round bodies with rough borders. The peers mesh a region and measure the mesh, and wrap
all corners of the mesh; their values are the same (tests/features/test_surface.py, test_hull.py).
"""

from collections.abc import Iterator
from functools import partial
from importlib.metadata import version

import numpy as np
from benchmarks.ratio import Ratio, Side, compare, show
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from scipy.spatial import ConvexHull
from skimage.measure import marching_cubes, mesh_surface_area

from skiagram.features.hull import convex_hull
from skiagram.features.surface import extent

SPACING = np.array([3.0, 1.0, 1.0])  # mm
SIDES = (16, 48, 96)
MESH = f"scikit-image {version('scikit-image')}, marching_cubes"
HULL = f"SciPy {version('scipy')}, ConvexHull"


def rough_ball(side: int) -> NDArray[np.bool_]:
    """Return a body that fills two thirds of each side, within an empty border."""
    places = np.indices((side,) * 3) - (side - 1) / 2
    noise = gaussian_filter(np.random.default_rng(0).normal(size=(side,) * 3), 1.5)
    rough = np.sqrt((places**2).sum(axis=0)) + side / 60 * noise / noise.std()
    region: NDArray[np.bool_] = rough < side / 3
    return region


def measure_mesh(region: NDArray[np.bool_]) -> tuple[float, float]:
    """Return area and volume of scikit-image's mesh."""
    vertices, faces, _, _ = marching_cubes(
        region.astype(np.float32), 0.5, spacing=tuple(SPACING), method="lorensen"
    )
    corners = vertices[faces].astype(np.float64)
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    return float(mesh_surface_area(vertices, faces)), abs(float(volume))


def wrap_corners(region: NDArray[np.bool_]) -> float:
    """Return the volume of the hull that SciPy wraps around the mesh's corners."""
    arms = np.vstack([np.eye(3), -np.eye(3)]) / 2
    corners = (np.argwhere(region)[:, None] + arms).reshape(-1, 3) * SPACING
    return float(ConvexHull(corners).volume)


def ratios() -> Iterator[Ratio]:
    """Compare mesh and hull at each size."""
    for side in SIDES:
        region = rough_ball(side)
        size = f"{region.sum():,} voxels"
        yield compare(
            f"volume and surface of {size}",
            Side("skiagram", partial(extent, region, SPACING)),
            Side(MESH, partial(measure_mesh, region)),
        )
        yield compare(
            f"convex hull of {size}",
            Side("skiagram", partial(convex_hull, region, SPACING)),
            Side(HULL, partial(wrap_corners, region)),
        )


if __name__ == "__main__":
    show(ratios())
