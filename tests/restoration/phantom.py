"""Power-law tissue, as in mammograms, with planted faults; and the committed restorations."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skiagram.options import build
from tests.yaml_rows import load_yaml

OPTION_FILES = Path(__file__).parents[2] / "conf" / "restoration"

Plane = NDArray[np.float32]


def restoration(name):
    return build(load_yaml(OPTION_FILES / f"{name}.yaml"), name)


def restored(steps, image, training_mean=None):
    (alone,), (treatment,) = steps.restore(image[None], training_mean)
    return alone, treatment


def tissue(seed, size=64):
    """Return a texture of unit variance with power spectrum f^-3."""
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size))
    frequency[0, 0] = np.inf
    gain = frequency**-1.5
    white = np.random.default_rng(seed).normal(size=(size, size))
    texture = np.fft.ifft2(np.fft.fft2(white) * gain).real / np.sqrt(np.mean(gain**2))
    return texture.astype(np.float32)


@dataclass(frozen=True)
class Film:
    """One film before and after planted faults, all (64, 64)."""

    clean: Plane
    noisy: Plane
    faulty: Plane
    missing: NDArray[np.bool_]
    hot: NDArray[np.bool_]


def film(seed):
    """Add white noise of .3, then 12 hot pixels, two dead rows and 80 missing pixels."""
    rng = np.random.default_rng(1000 + seed)
    clean = tissue(seed)
    noisy = clean + 0.3 * rng.normal(size=clean.shape).astype(np.float32)
    faulty = noisy.copy()
    scattered = rng.permutation(clean.size)
    missing, hot = np.zeros(clean.shape, np.bool_), np.zeros(clean.shape, np.bool_)
    hot.flat[scattered[:12]] = True
    missing.flat[scattered[12:92]] = True
    faulty[hot] += 6
    faulty[20], faulty[41] = 0, faulty.min()
    faulty[missing] = np.nan
    return Film(clean, noisy, faulty, missing, hot)


def psnr(image, clean):
    """Return the peak signal-to-noise ratio in decibel; the peak is the clean image's range."""
    return float(10 * np.log10(np.ptp(clean) ** 2 / np.mean((image - clean) ** 2)))
