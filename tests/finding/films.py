"""Films and volumes with a ball at a random place, as files, for tests that search them."""

import numpy as np
from PIL import Image

from skiagram.readers.grid import VoxelGrid
from skiagram.records.places import tabulate_places
from tests.readers.examples import nifti_bytes

PATIENTS = 18
_SIDE = 48
_AXES = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (-1.0, 0.0, 0.0))  # columns to the right
ORIGIN = (10.0, 20.0, 30.0)
LAST_COLUMN = 23  # of volumes


def write_films(folder, depth, *, whole=True):
    """Write two images a patient; the first one has a bright ball at a random place.

    Images are of whole numbers, or TIFF of floating point. Columns of volumes count to the right,
    of their places to the left, as ingest stores them.
    """
    draw, rows, names = np.random.default_rng(1), [], []
    side = LAST_COLUMN + 1 if depth else _SIDE
    shape = (depth, side, side) if depth else (side, side)
    axes = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    folder.mkdir()
    for patient in range(PATIENTS):
        for half in range(2):
            name = f"{patient:02d}-{half}.{'nii' if depth else 'png' if whole else 'tif'}"
            voxels = draw.normal(100, 10, shape)
            if half == 0:
                centre = [int(draw.integers(length // 4, length * 3 // 4)) for length in shape]
                voxels[np.linalg.norm(axes - centre, axis=-1) <= 3] += 40
                if depth:
                    centre[2] = LAST_COLUMN - centre[2]
                rows.append((name, tuple(map(float, centre)), 3.0))
            if depth:
                grid = VoxelGrid((depth, side, side), (1.0, 1.5, 1.5), ORIGIN, _AXES)
                (folder / name).write_bytes(nifti_bytes(voxels.astype(np.int16), grid))
            else:
                pixels = voxels.clip(0, 255).astype(np.uint8) if whole else voxels.astype("float32")
                Image.fromarray(pixels).save(folder / name)
            names.append(name)
    return names, tabulate_places(rows)
