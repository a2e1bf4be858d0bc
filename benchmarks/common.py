"""Shared by several benchmarks: generated images, feature families as in MIRP, the machine."""

import logging
import os
import platform
import warnings
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from skiagram.features.batch import FeatureBatch
from skiagram.features.family import FeatureFamily
from skiagram.options import build
from skiagram.sweeps.time import describe_processor

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


OPTIONS = Path(__file__).resolve().parents[1] / "conf" / "features"
GREY_LEVELS = 32
MIRP_NAME = {
    "first_order": "statistics",
    "glcm": "glcm",
    "glrlm": "glrlm",
    "glszm": "glszm",
    "ngtdm": "ngtdm",
    "ngldm": "ngldm",
}


def families() -> dict[str, FeatureFamily]:
    """Return each family by name: 32 levels, neighbours at distance 1, directions averaged."""
    shared: dict[str, Any] = {
        "levels": {"bin_number": GREY_LEVELS, "bin_width": None},
        "aggregation": "averaged",
        "distances": [1],
        "region": "whole",
    }
    by_name = {}
    for name in MIRP_NAME:
        values = yaml.safe_load((OPTIONS / f"{name}.yaml").read_text(encoding="utf-8"))
        values |= {option: value for option, value in shared.items() if option in values}
        by_name[name] = build(values, name)
    return by_name


def describe(chosen: Iterable[FeatureFamily], batch: FeatureBatch) -> None:
    """Compute features as the stage extract does."""
    for family in chosen:
        family.extract(batch)


def of_region(image: NDArray[np.float32], mask: NDArray[np.bool_]) -> FeatureBatch:
    """Return a volume with its region, as the stage extract has it."""
    return FeatureBatch(image[None, ..., None], mask[None], np.ones((1, 3)))


def describe_with_mirp(names: Iterable[str], image: Any, mask: Any, **methods: object) -> None:
    """Compute features with MIRP, whose words for families are other ones."""
    from mirp import extract_features

    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(action="ignore"):
            extract_features(
                image=image,
                mask=mask,
                base_feature_families=[MIRP_NAME.get(name, name) for name in names],
                base_discretisation_method="fixed_bin_number",
                base_discretisation_n_bins=GREY_LEVELS,
                **methods,
            )
    finally:
        logging.disable(logging.NOTSET)


_PACKAGES = ("numpy", "scipy", "numba", "pywavelets", "pandas", "pyarrow", "joblib", "ray")


def machine() -> str:
    """Return processor, cores, load and versions in one paragraph."""
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{describe_processor()}, {platform.system()}, mean load over the minute before "
        f"{os.getloadavg()[0]:.1f}; skiagram {version('skiagram')}, Python "
        f"{platform.python_version()}, {versions}."
    )


def peak_memory() -> int:
    """Return bytes that this process held at most; `ru_maxrss` would count what its parent held."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def held_memory() -> int:
    """Return bytes that this process holds now beside what it has mapped of files."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("RssAnon:")[1].split()[0]) * 1024
