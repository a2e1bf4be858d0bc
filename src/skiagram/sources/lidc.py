"""Lung nodules of LIDC-IDRI (Armato et al. 2011): the largest slice of each.

The label is the radiologists' rating of malignancy, 1 to 5, not pathology. Their other ratings
(spiculation, margin, …) come from the same readers at the same sitting and are not used.

The rescale intercept is known for some series only. CT numbers start at −1024 HU. A scanner that
stores them with an intercept of −1024 or −1000 HU writes no negative number; one that stores them
as they are writes air and lung as negative numbers. So the sign of a series' darkest pixels tells
the two apart, without a look at any label. The rule cannot tell −1000 from −1024; it takes −1024
and may then be 24 HU too low.

CT numbers are clipped to a window and brought to a common pixel spacing, as scanners differ in
theirs, and so are those of a new nodule.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass
from scipy.ndimage import map_coordinates

from skiagram.datasets.contract import Entry, OpenSource, RealDataSet
from skiagram.errors import DataError, OptionError
from skiagram.readers.files import locate
from skiagram.readers.spaced_image import SpacedImage
from skiagram.strict import STRICT


@dataclass(**STRICT)
class SliceGrid:
    """The pixels that an image is resampled to, around its centre.

    Attributes:
        spacing_mm: Distance of neighbouring pixels.
        size: Side in pixels.
    """

    spacing_mm: Annotated[float, Field(gt=0, le=10)]
    size: Annotated[int, Field(ge=8, le=1024)]

    def resample(self, image: NDArray[np.float32], spacing_mm: float) -> NDArray[np.float32]:
        """Return (size, size) float32 by linear interpolation; NaN where nothing is known."""
        offset = (np.arange(self.size) - (self.size - 1) / 2) * (self.spacing_mm / spacing_mm)
        centre = [(side - 1) / 2 for side in image.shape]
        places = np.meshgrid(*(middle + offset for middle in centre), indexing="ij")
        resampled: NDArray[np.float32] = map_coordinates(
            image, places, output=np.float32, order=1, mode="constant", cval=np.nan
        )
        return resampled


def _require_rising(window: tuple[float, float]) -> tuple[float, float]:
    if window[0] >= window[1]:
        raise ValueError("the lower bound first")
    return window


Window = Annotated[tuple[float, float], AfterValidator(_require_rising)]


@dataclass(**STRICT)
class NodulePatch:
    """A square around a nodule, clipped and brought to a common grid.

    Attributes:
        side: Side of the square in the scanner's own pixels.
        window: Lowest and highest CT number kept, in HU, the rest clipped to them; None keeps all.
        grid: Common pixel grid; None keeps each scanner's own.
    """

    side: Annotated[int, Field(ge=8)]
    window: Window | None
    grid: SliceGrid | None

    def acquire(self, image: SpacedImage) -> SpacedImage:
        """Turn CT numbers in HU, NaN outside the field of view, into what models see, float32."""
        pixels = image.pixels
        if pixels.dtype not in (np.float32, np.int16):
            allowed = "CT numbers in HU, as DICOM files of CT hold them"
            fault, remedy = f"pixels of type {pixels.dtype}", "export the slice as DICOM"
            raise DataError(fault, allowed=allowed, remedy=remedy)
        if pixels.shape != (self.side, self.side):
            raise DataError(
                f"{' × '.join(map(str, pixels.shape))} pixels",
                allowed=f"squares of {self.side} × {self.side} pixels, the nodule in the middle",
                remedy="cut the square out; the model classifies a nodule and does not find it",
            )
        if self.grid is not None and not (image.spacing and math.isclose(*image.spacing)):
            fault = "pixels that are not square" if image.spacing else "an unknown pixel spacing"
            raise DataError(fault, allowed="DICOM files with one Pixel Spacing")
        numbers = image.pixels.astype(np.float32)
        if self.window is not None:
            numbers = np.clip(numbers, *self.window)
        if self.grid is None or image.spacing is None:
            return SpacedImage(numbers, image.spacing)
        common = self.grid.spacing_mm
        return SpacedImage(self.grid.resample(numbers, image.spacing[0]), (common, common))


INTERCEPT = -1024.0
_DARK_PERCENTILE = 5
Rating = Annotated[int, Field(ge=1, le=5)]


@dataclass(**STRICT)
class LIDC(RealDataSet):
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
    grid: SliceGrid | None

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.ratings)

    @property
    def origin(self) -> str:
        return f"{Path(self.images).name}, {Path(self.table).name}"

    @property
    def file_checksums(self) -> Mapping[str, str | None]:
        return {self.images: self.images_md5, self.table: self.table_md5}

    def open(self, root: Path | None) -> "LidcNodules":
        label: dict[int, int] = {}
        for k, ratings in enumerate(self.ratings.values()):
            for rating in ratings:
                if label.setdefault(rating, k) != k:
                    raise OptionError(f"{rating} twice", where="dataset.ratings")
        images = locate(self.images, self.images_md5, None, root)
        table = locate(self.table, self.table_md5, None, root)
        # images (n, height, width) int16, and a row of the table each, in the same order
        with np.load(images, allow_pickle=False) as archive:
            pixels, nodule = archive["images"], archive["nodule_id"]
        rows = pd.read_csv(table)
        if rows["nodule_id"].tolist() != nodule.tolist():
            fault = f"{len(rows)} rows that are not the {len(nodule)} nodules of {images.name}"
            allowed = "one row per nodule, in the order of the images"
            raise DataError(fault, where=table.name, allowed=allowed)
        # what is known of a series' scanner holds for all its nodules
        scanner = ["rescale_intercept", "rescale_slope", "slice_thickness", "manufacturer"]
        rows[scanner] = rows.groupby("series_uid", sort=False)[scanner].transform("first")
        return LidcNodules(pixels, rows, label, self)


class LidcNodules(OpenSource):
    """The opened files."""

    def __init__(
        self, pixels: NDArray[np.int16], rows: pd.DataFrame, label: Mapping[int, int], options: LIDC
    ) -> None:
        rated = rows["malignancy"].isin(label).to_numpy()
        self._pixels, self._rows = pixels[rated], rows[rated].reset_index(drop=True)
        self._label, self._options = label, options
        self._intercept = self._rows["rescale_intercept"].to_numpy(dtype=np.float64).copy()
        unknown = self._rows[np.isnan(self._intercept)]
        for _, series in unknown.groupby("series_uid"):
            rows_of_series = series.index.to_numpy()
            self._intercept[rows_of_series] = infer_intercept(
                self._pixels[rows_of_series], options.padding
            )

    def entries(self) -> list[Entry]:
        entries = []
        for row in self._rows.to_dict("records"):
            # what a reader could know; the table's diameters are in pixels
            spacing, thickness = float(row["pixel_spacing_mm"]), float(row["slice_thickness"])
            covariates = {
                "diameter_mm": float(row["equiv_diameter"]) * spacing,
                "pixel_spacing_mm": spacing,
                "slice_thickness_mm": None if np.isnan(thickness) else thickness,
                "manufacturer": None if pd.isna(row["manufacturer"]) else str(row["manufacturer"]),
            }
            name, label = f"nodule {row['nodule_id']}", self._label[row["malignancy"]]
            entries.append(Entry(name, row["patient_id"], label, None, covariates))
        return entries

    def image(self, position: int) -> SpacedImage:
        """Return one image, float32 in HU, NaN outside the field of view."""
        row = self._rows.iloc[position]
        slope = 1.0 if np.isnan(row["rescale_slope"]) else float(row["rescale_slope"])
        numbers = to_ct_numbers(
            self._pixels[position], slope, self._intercept[position], self._options.padding
        )
        spacing = float(row["pixel_spacing_mm"])
        return self.acquisition.acquire(SpacedImage(numbers, (spacing, spacing)))

    @property
    def acquisition(self) -> NodulePatch:
        side, options = self._pixels.shape[1], self._options
        return NodulePatch(side=side, window=options.window, grid=options.grid)


def infer_intercept(stored: NDArray[np.integer], padding: Sequence[int]) -> float:
    """Return the rescale intercept in HU that the stored pixels of one series speak for.

    It is 0 where the 5th percentile is negative, else −1024.
    """
    pixels = stored[~np.isin(stored, padding)]
    if pixels.size and np.percentile(pixels, _DARK_PERCENTILE) < 0:
        return 0.0
    return INTERCEPT


def to_ct_numbers(
    stored: NDArray[np.integer], slope: float, intercept: float, padding: Sequence[int]
) -> NDArray[np.float32]:
    """Return CT numbers in HU; pixels outside the field of view are NaN."""
    numbers = stored.astype(np.float32) * np.float32(slope) + np.float32(intercept)
    numbers[np.isin(stored, padding)] = np.nan
    return numbers
