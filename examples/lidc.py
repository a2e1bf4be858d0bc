"""Lung nodules of LIDC-IDRI: the largest slice of each, and a table.

    python examples/lidc.py DOWNLOADED nodules
    skiagram run nodules nodules.csv --positive malignant

reads `lidc_nodules.npz` and `lidc_nodules.csv` in the folder DOWNLOADED; writes the images into
the new folder `nodules`, and `nodules.csv` beside it. Patients are kept together by `patient_id`.

Licence: CC BY 3.0. Cite: Armato et al. 2011, The Lung Image Database Consortium (LIDC) and Image
Database Resource Initiative (IDRI), Medical Physics 38(2):915-931, doi:10.1118/1.3528204.

Known issues:

- The label is what up to four radiologists thought of the nodule, not pathology.
- The radiologists saw the nodule's size while they rated it, and its diameter alone ranks the
  classes with an AUC of about .92. Judge image models by what they add to the diameter.
- Nodules rated 3 (indeterminate, 1,192 of 2,680) are left out, which makes the task easier.
- The rescale intercept is known for the series of 1,919 of all 2,680 nodules. For the rest it is
  read from the sign of the darkest pixels, which is right for all known series up to the choice
  between -1024 and -1000 HU; their CT numbers may be 24 HU too low.
- Spiculation, margin, texture and the radiologists' other ratings are not used: they come from
  the same readers as the label.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

CLASSES = {1: "benign", 2: "benign", 4: "malignant", 5: "malignant"}  # rating → class
PADDING = (-2000, -2048)  # stored values outside the field of view
WINDOW = (-1000.0, 400.0)  # HU; air to soft tissue and a little calcium
SPACING, SIDE = 0.68, 48  # mm and pixels: with these the grid fits into the image of every scanner
OF_SCANNER = ["rescale_intercept", "rescale_slope", "slice_thickness", "manufacturer"]


def find_intercept(stored: NDArray[Any]) -> float:
    """Tell the rescale intercept in HU of one series by its darkest pixels.

    CT numbers start at -1024 HU. A scanner that stores them with an intercept writes no negative
    number; one that stores them as they are writes air and lung as negative numbers.
    """
    pixels = stored[~np.isin(stored, PADDING)]
    return 0.0 if pixels.size and np.percentile(pixels, 5) < 0 else -1024.0


def resample(image: NDArray[np.float64], spacing: float) -> NDArray[np.float64]:
    """Bring a square image to the common grid around its centre, by linear interpolation."""
    middle = (len(image) - 1) / 2
    at = middle + (np.arange(SIDE) - (SIDE - 1) / 2) * (SPACING / spacing)
    low = np.clip(np.floor(at).astype(int), 0, len(image) - 2)
    share = np.clip(at - low, 0, 1)
    rows = image[low] * (1 - share)[:, None] + image[low + 1] * share[:, None]
    resampled: NDArray[np.float64] = rows[:, low] * (1 - share) + rows[:, low + 1] * share
    return resampled


def write(downloaded: Path, target: Path) -> None:
    """Write the images into a new folder, and the table beside it."""
    with np.load(downloaded / "lidc_nodules.npz", allow_pickle=False) as archive:
        pixels, nodule_ids = archive["images"], archive["nodule_id"]
    rows = pd.read_csv(downloaded / "lidc_nodules.csv")
    if rows["nodule_id"].tolist() != nodule_ids.tolist():
        sys.exit(f"{downloaded}: the rows of lidc_nodules.csv are not the nodules of the .npz file")

    # what is known of a series' scanner holds for all its nodules
    rows[OF_SCANNER] = rows.groupby("series_uid", sort=False)[OF_SCANNER].transform("first")
    rated = rows["malignancy"].isin(list(CLASSES))
    for _, series in rows[rated & rows["rescale_intercept"].isna()].groupby("series_uid"):
        rows.loc[series.index, "rescale_intercept"] = find_intercept(pixels[series.index])

    target.mkdir(parents=True)
    written = []
    for at, row in rows[rated].iterrows():
        # CT numbers on the common grid; what lies outside the field of view is air
        slope = 1.0 if np.isnan(row["rescale_slope"]) else row["rescale_slope"]
        numbers = pixels[at] * slope + row["rescale_intercept"]
        numbers[np.isin(pixels[at], PADDING)] = WINDOW[0]
        numbers = np.clip(resample(numbers, row["pixel_spacing_mm"]), *WINDOW)
        name = f"{row['nodule_id']:04d}.png"
        Image.fromarray((numbers - WINDOW[0]).round().astype(np.uint16)).save(target / name)
        cells = {"file": name, "patient_id": row["patient_id"]}
        cells |= {"label": CLASSES[row["malignancy"]]}
        # the table's diameters are in pixels
        cells |= {"diameter_mm": row["equiv_diameter"] * row["pixel_spacing_mm"]}
        cells |= {"pixel_spacing_mm": row["pixel_spacing_mm"]}
        cells |= {"slice_thickness_mm": row["slice_thickness"]}
        written.append(cells | {"manufacturer": row["manufacturer"]})
    pd.DataFrame(written).to_csv(target.with_suffix(".csv"), index=False)
    print(f"{len(written)} images in {target}, the table is {target.with_suffix('.csv')}.")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Type: python examples/lidc.py DOWNLOADED TARGET")
    write(Path(sys.argv[1]), Path(sys.argv[2]))
