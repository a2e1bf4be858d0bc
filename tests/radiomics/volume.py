"""A volume and its region from whole numbers alone, the same everywhere."""

import numpy as np
import SimpleITK

SPACING = (3.0, 1.5, 1.25)


def make_volume():
    """Return an image of (17, 24, 26) and a mask with the labels 1 and 2."""
    z, y, x = np.indices((17, 24, 26))
    noise = (z * 7919 + y * 104729 + x * 1299709) ** 2 % 211
    image = noise // 2 + 10 * ((x // 3 + y // 4 + z // 2) % 9) + 2 * x - y
    far = (2 * (z - 8)) ** 2 + (y - 12) ** 2 + (x - 12) ** 2
    mask = (far < 100).astype(np.uint8)
    mask[:2, :2, :2] = 2
    return image.astype(np.int16), mask


def write_volume(folder, image, mask, direction=None):
    """Write the volume and its mask to files, and return their paths."""
    paths = folder / image, folder / mask
    for values, path in zip(make_volume(), paths, strict=True):
        written = SimpleITK.GetImageFromArray(values)
        written.SetSpacing(SPACING[::-1])
        if direction is not None:
            written.SetDirection(direction.ravel().tolist())
        SimpleITK.WriteImage(written, str(path))
    return paths
