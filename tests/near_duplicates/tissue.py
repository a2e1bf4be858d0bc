"""Generated tissue, from which images and their copies are cut, and stores of them."""

import numpy as np
from scipy.ndimage import gaussian_filter

from tests.numbered_store import write_images


def store_of(folder, images):
    return write_images(folder, {f"case-{at:06d}": image for at, image in enumerate(images)})


def wide_tissue(count, seed=0):
    """Return (count, 80, 80) smooth tissue with a little noise, to cut 64 × 64 images from."""
    draws = np.random.default_rng(seed)
    smooth = gaussian_filter(draws.normal(size=(count, 80, 80)), (0, 2, 2))
    noise = draws.normal(size=smooth.shape) * 0.05
    return np.asarray(smooth / smooth.std() + noise, dtype=np.float32)
