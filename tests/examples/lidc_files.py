"""Small files in the form of the LIDC nodules: three scanners that store the same lung."""

import numpy as np
import pandas as pd

SIDE = 31


def lung():
    """Return CT numbers in HU: air, lung, a nodule."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE // 2
    numbers = np.random.default_rng(8).normal(-860, 30, (SIDE, SIDE)).round()
    numbers[np.hypot(y, x) < 5] = 40
    return numbers


def table():
    """Return eight nodules of four series; the intercept of the third and fourth is unknown."""
    series = np.repeat(["s1", "s2", "s3", "s4"], 2)
    return pd.DataFrame(
        {
            "nodule_id": np.arange(1, 9),
            "patient_id": np.repeat(["Doe^John", "B", "C", "D"], 2),
            "series_uid": series,
            "malignancy": [1, 5, 3, 2, 4, 2, 5, 1],
            "pixel_spacing_mm": [0.5, 0.5, 0.7, 0.7, 0.6, 0.6, 0.8, 0.8],
            "equiv_diameter": [10.0, 20, 10, 10, 10, 10, 10, 10],
            "spiculation": 3,
            "rescale_intercept": [-1000.0, np.nan, np.nan, 0, *[np.nan] * 4],
            "rescale_slope": [1.0, np.nan, np.nan, 1, *[np.nan] * 4],
            "slice_thickness": [2.5, np.nan, np.nan, np.nan, *[np.nan] * 4],
            "manufacturer": [np.nan, "GE", "SIEMENS", "SIEMENS", *[np.nan] * 4],
        }
    )


def stored():
    """Return the stored pixels: intercepts −1000, 0, 0 and −1024; padding in the corners."""
    pixels = np.stack([lung()] * 8)
    pixels[:2] += 1000
    pixels[6:] += 1024
    pixels[:2, 0, 0] = -2000
    pixels[4:6, 0, 0] = -2048
    return pixels.astype(np.int16)


def write(folder, rows):
    """Write both files."""
    np.savez(folder / "lidc_nodules.npz", images=stored(), nodule_id=np.arange(1, 9))
    rows.to_csv(folder / "lidc_nodules.csv", index=False)
