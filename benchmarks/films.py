"""Generated images with the texture of films: power-law tissue under noise."""

import numpy as np
from numpy.typing import NDArray

_EXPONENT = 3.0  # of mammograms' power spectra (Burgess et al., Med. Phys. 28(4), 2001)
_NOISE = 0.3  # of the tissue's standard deviation


def films(number: int, height: int, width: int) -> NDArray[np.float32]:
    """Return (number, height, width) images of 12 bits."""
    generator = np.random.default_rng(0)
    rows, columns = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = np.inf
    made = np.empty((number, height, width), np.float32)
    for image in made:
        white = np.fft.rfft2(generator.normal(size=(height, width)))
        tissue = np.fft.irfft2(white * frequency ** (-_EXPONENT / 2), s=(height, width))
        noisy = tissue / tissue.std() + _NOISE * generator.normal(size=(height, width))
        image[:] = np.clip(np.round(2048 + 300 * noisy), 0, 4095)
    return made
