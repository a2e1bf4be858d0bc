"""Lung nodules of LIDC-IDRI (Armato et al. 2011): the largest slice of each, a CSV row a nodule.

The label is the radiologists' rating of malignancy, 1 to 5, not pathology. Their other ratings
(spiculation, margin, …) come from the same readers at the same sitting and are not used.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import Entry, SpacedImage, Truth
from skiagram.datasets.described import Described
from skiagram.datasets.files import locate
from skiagram.datasets.lidc.acquisition import NoduleSquare, Window
from skiagram.datasets.lidc.grid import Grid
from skiagram.datasets.lidc.intensities import ct_numbers, inferred_intercept
from skiagram.datasets.lidc.table import read_nodules
from skiagram.errors import OptionError
from skiagram.options import STRICT

Rating = Annotated[int, Field(ge=1, le=5)]


@dataclass(**STRICT)
class LIDC(Described):
    """Benign against malignant nodules, split by patient.

    Attributes:
        images: File name of the images.
        images_md5: Checksum of the images.
        table: File name of the table.
        table_md5: Checksum of the table.
        ratings: Class → ratings of malignancy that make it; nodules of other ratings are left out.
        positive_class: Class looked for.
        padding: Stored values that mark pixels outside the field of view.
        window: Lowest and highest CT number kept, in HU; null keeps all.
        grid: Common pixel grid; null keeps each scanner's own.
    """

    images: str
    images_md5: str
    table: str
    table_md5: str
    ratings: dict[str, tuple[Rating, ...]]
    positive_class: str
    padding: tuple[int, ...]
    window: Window | None
    grid: Grid | None

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the class names in label order."""
        return tuple(self.ratings)

    @property
    def origin(self) -> str:
        """Where the images are from, for the report."""
        return f"{self.images}, {self.table}"

    def open(self, root: Path | None) -> "Nodules":
        """Verify and read the files.

        Raises:
            DataError: A file is not at hand, altered or damaged.
            OptionError: A rating stands in two classes.
        """
        label: dict[int, int] = {}
        for k, ratings in enumerate(self.ratings.values()):
            for rating in ratings:
                if label.setdefault(rating, k) != k:
                    raise OptionError(f"{rating} twice", where="dataset.ratings")
        images = locate(self.images, self.images_md5, None, root)
        table = locate(self.table, self.table_md5, None, root)
        return Nodules(*read_nodules(images, table), label, self)


class Nodules:
    """The opened files.

    Args:
        pixels: (n, height, width) stored pixels.
        rows: A row a nodule, as `read_nodules` returns it.
        label: Rating of malignancy → label.
        options: How pixels become images.
    """

    def __init__(
        self, pixels: NDArray[np.int16], rows: pd.DataFrame, label: Mapping[int, int], options: LIDC
    ) -> None:
        kept = rows["malignancy"].isin(label).to_numpy()
        self._pixels, self._rows = pixels[kept], rows[kept].reset_index(drop=True)
        self._label, self._options = label, options
        self._intercept = self._rows["rescale_intercept"].to_numpy(dtype=np.float64).copy()
        unknown = self._rows[np.isnan(self._intercept)]
        for _, series in unknown.groupby("series_uid"):
            at = series.index.to_numpy()
            self._intercept[at] = inferred_intercept(self._pixels[at], options.padding)

    def entries(self) -> list[Entry]:
        """List every nodule of a rating that is used."""
        return [
            Entry(
                name=f"nodule {row['nodule_id']}",
                patient=row["patient_id"],
                label=self._label[row["malignancy"]],
                split=None,
                covariates=_covariates(row),
            )
            for row in self._rows.to_dict("records")
        ]

    def image(self, position: int) -> SpacedImage:
        """Return one image, float32 in HU, NaN outside the field of view."""
        row = self._rows.iloc[position]
        slope = 1.0 if np.isnan(row["rescale_slope"]) else float(row["rescale_slope"])
        numbers = ct_numbers(
            self._pixels[position], slope, self._intercept[position], self._options.padding
        )
        spacing = float(row["pixel_spacing_mm"])
        return self.acquisition.acquire(SpacedImage(numbers, (spacing, spacing)))

    @property
    def acquisition(self) -> NoduleSquare:
        """What becomes of CT numbers."""
        side, options = self._pixels.shape[1], self._options
        return NoduleSquare(side=side, window=options.window, grid=options.grid)

    def truth(self, position: int) -> Truth | None:
        """Return None: these are real images."""
        return None


def _covariates(row: Mapping[Any, Any]) -> dict[str, float | str | None]:
    """Return what a reader could know; the table's diameters are in pixels."""
    spacing, thickness = float(row["pixel_spacing_mm"]), float(row["slice_thickness"])
    return {
        "diameter_mm": float(row["equiv_diameter"]) * spacing,
        "pixel_spacing_mm": spacing,
        "slice_thickness_mm": None if np.isnan(thickness) else thickness,
        "manufacturer": None if pd.isna(row["manufacturer"]) else str(row["manufacturer"]),
    }
