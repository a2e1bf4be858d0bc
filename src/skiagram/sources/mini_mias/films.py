"""The films of mini-MIAS: what is on each, and where the breast is; all files are verified.

Films are at hand as PNG or PGM, or fetched as published. The manifest holds the SHA-256 of each
film's decoded pixels, so either file format verifies.

A row of the text file holds film, tissue, and either NORM or class, severity, x, y and radius of
one abnormality in pixels of 200 µm, y counted from the bottom (Suckling et al. 1994, Excerpta
Medica 1069:375). Films 2k - 1 and 2k are one patient. The letters on the films show that odd
numbers are left breasts; the file's own first note says the opposite.

Labels, tape and wedges beside the breast must not tell the class. To find the breast, the film is
averaged over blocks, thresholded by minimum cross-entropy (Li and Lee 1993, Pattern Recognition
26:617), holes are filled, everything narrower than the opening disc is dropped and the largest
connected part is kept. The pectoral muscle stays. The faint rim of skin is darker than the
threshold and is lost. A position relative to the breast means the same on breasts of different
size, so it can be carried over.
"""

import hashlib
import math
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pooch
from numpy.typing import NDArray
from PIL import Image as Pictures
from scipy import ndimage
from skimage.filters import threshold_li
from skimage.measure import label, regionprops
from skimage.morphology import isotropic_dilation, isotropic_erosion

from skiagram.errors import DataError

FILE = "Info.txt"
SIDE = 1024
SPACING = 0.2  # mm
MANIFEST = Path(__file__).with_name("mini_mias.sha256")
_TISSUE = {"F": "fatty", "G": "fatty-glandular", "D": "dense-glandular"}
_UNREADABLE = (OSError, SyntaxError, ValueError, Pictures.DecompressionBombError)


@dataclass(frozen=True)
class FilmLesion:
    """One abnormality.

    Attributes:
        place: Row and column of the centre in film pixels, row 0 at the top; None where the file
            gives none.
        radius: Of the circle around it in film pixels; None where the file gives none.
    """

    malignant: bool
    place: tuple[int, int] | None
    radius: int | None = None


@dataclass(frozen=True)
class Film:
    """One film.

    Attributes:
        name: Reference number, `mdb001` to `mdb322`.
        tissue: `fatty`, `fatty-glandular` or `dense-glandular`.
        lesions: Abnormalities in the file's order; empty on a normal film.
    """

    name: str
    tissue: str
    lesions: tuple[FilmLesion, ...]

    @property
    def patient(self) -> str:
        """The patient's number; films 2k - 1 and 2k belong to patient k."""
        return str((int(self.name[3:]) + 1) // 2)

    @property
    def left(self) -> bool:
        """Whether it shows the left breast, with the chest wall on the right of the film."""
        return int(self.name[3:]) % 2 == 1

    def wall_on_left(self, lesion: FilmLesion) -> tuple[int, int] | None:
        """Return row and column of a lesion where the chest wall is on the left of the film."""
        if lesion.place is None:
            return None
        row, column = lesion.place
        return row, SIDE - 1 - column if self.left else column


def read_truth(path: Path, digests: Mapping[str, str]) -> list[Film]:
    """Read and verify `Info.txt`; return the films by name.

    Its digest is over the film rows with single spaces, so line ends and headings may differ.
    """
    # The rows of films, verified by their checksum.
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as error:
        fault = f"cannot be read ({error.strerror})"
        raise DataError(fault, where=FILE, remedy="put it beside the films") from error
    rows = [row for line in lines if (row := " ".join(line.split())).startswith("mdb")]
    digest = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    if digest != digests[FILE]:
        fault, again = f"checksum {digest} of {len(rows)} film rows", "download the file again"
        raise DataError(fault, where=FILE, allowed=digests[FILE], remedy=again)
    films: dict[str, Film] = {}
    for row in rows:
        # a film of several abnormalities has several rows
        name, tissue, kind, *lesion = row.split()
        film = films.setdefault(name, Film(name, _TISSUE[tissue], ()))
        if kind == "NORM":
            continue
        severity, *numbers = lesion
        place: tuple[int, int] | None = None
        radius: int | None = None
        if len(numbers) >= 3 and numbers[0].isdigit():  # two films refer to a note instead
            column, from_bottom, radius = map(int, numbers)
            place = SIDE - 1 - from_bottom, column
        found = FilmLesion(severity == "M", place, radius)
        films[name] = replace(film, lesions=(*film.lesions, found))
    return [films[name] for name in sorted(films)]


def published_digests() -> dict[str, str]:
    """Return film name → SHA-256 of its pixels; `Info.txt` → SHA-256 of its film rows."""
    lines = MANIFEST.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def locate_folder(folder: str, url: str, root: Path | None, digests: Mapping[str, str]) -> Path:
    """Locate the folder with the films: at hand below `root`, else fetched and unpacked."""
    # At hand, or fetched and unpacked once.
    if root is not None and (root / folder).is_dir():
        return root / folder
    try:
        archive = Path(pooch.retrieve(url, None, fname=f"{folder}.tar.gz", progressbar=True))
        # the truth and the films, and nothing else, under their bare names
        unpacked = archive.with_name(folder)
        if unpacked.is_dir():
            return unpacked
        partial = unpacked.with_name(f"{unpacked.name}.partial")
        partial.mkdir(exist_ok=True)
        member_names = {FILE, *(f"{name}.pgm" for name in digests)}
        with tarfile.open(archive) as members:
            for member in members:
                name = Path(member.name).name
                content = members.extractfile(member) if name in member_names else None
                if content is not None:
                    (partial / name).write_bytes(content.read())
        return partial.rename(unpacked)
    except (OSError, ValueError, EOFError, tarfile.TarError) as error:
        remedy = f"put the films and {FILE} into a folder {folder} below SKIAGRAM_DATA"
        raise DataError(f"cannot be downloaded ({error})", where=folder, remedy=remedy) from error


def read_film(folder: Path, name: str, digests: Mapping[str, str]) -> NDArray[np.uint8]:
    """Read and verify one film, (1024, 1024) uint8."""
    # The film as PNG or PGM.
    paths = [folder / f"{name}{suffix}" for suffix in (".png", ".pgm")]
    path = next(filter(Path.is_file, paths), folder / name)
    again = "download the data set again"
    try:
        with Pictures.open(path) as picture:
            pixels = np.asarray(picture)
    except _UNREADABLE as error:
        raise DataError(
            f"cannot be read ({error})" if path.suffix else "film is missing",
            where=f"{folder.name}/{path.name}",
            allowed=f"a whole {name}.png or {name}.pgm",
            remedy=again,
        ) from error
    # Pixels other than the published ones are refused.
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    if pixels.shape != (SIDE, SIDE) or pixels.dtype != np.uint8 or digest != digests[name]:
        raise DataError(
            f"pixels of checksum {digest}, shape {pixels.shape} and type {pixels.dtype}",
            where=f"{folder.name}/{path.name}",
            allowed=f"{digests[name]}, {SIDE} × {SIDE} uint8",
            remedy=again,
        )
    return pixels


BLOCK = 4  # film pixels a side; outlines are no finer than this
_RADIUS = 8  # blocks; labels touch the breast by narrower bridges, the axilla is wider
_SHARE = (0.05, 0.9)  # of the film that a breast covers
_SOLIDITY = 0.85  # share of its convex hull; a bar or a label on the outline lowers it
_RIVAL = 0.5  # the next bright part, as a share of the breast


@dataclass(frozen=True)
class Breast:
    """The breast on one film.

    Attributes:
        blocks: (height / 4, width / 4) bool, True where the breast is.
        plausible: Whether area, outline and the lack of a rival speak for a breast.
    """

    blocks: NDArray[np.bool_]
    plausible: bool

    def mask(self) -> NDArray[np.bool_]:
        """Return the mask pixel by pixel, (height, width) bool."""
        return self.blocks.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1)


def block_means(image: NDArray[np.generic], block: int) -> NDArray[np.float32]:
    """Average an image over square blocks; sides are multiples of the block."""
    height, width = image.shape
    blocks = image.reshape(height // block, block, width // block, block)
    means: NDArray[np.float64] = blocks.mean(axis=(1, 3), dtype=np.float64)
    return means.astype(np.float32)


def find_breast(film: NDArray[np.uint8]) -> Breast:
    """Find the largest bright part of a film; without any the mask is empty and implausible.

    Args:
        film: (height, width) uint8, air dark, tissue bright; sides are multiples of 4.
    """
    # The film in blocks, bright against dark.
    brightness = block_means(film, BLOCK)
    nothing = Breast(np.zeros(brightness.shape, dtype=np.bool_), plausible=False)
    if brightness.min() == brightness.max():
        return nothing
    bright = ndimage.binary_fill_holes(brightness > threshold_li(brightness))
    # what no disc fits into is dropped; the surroundings of the film are dark
    margin = _RADIUS + 1
    eroded = isotropic_erosion(np.pad(bright, margin), _RADIUS)
    dilated = isotropic_dilation(eroded, _RADIUS) & eroded.any()  # of nothing it is something
    opened: NDArray[np.bool_] = dilated[margin:-margin, margin:-margin]
    # The largest part, which must look like a breast.
    parts = label(opened, connectivity=1)
    areas = np.bincount(parts.ravel())[1:]
    if not len(areas):
        return nothing
    blocks: NDArray[np.bool_] = parts == 1 + areas.argmax()
    rival = np.sort(areas)[-2] if len(areas) > 1 else 0
    plausible = (
        _SHARE[0] <= blocks.mean() <= _SHARE[1]
        and regionprops(blocks.astype(np.uint8))[0].solidity >= _SOLIDITY
        and rival < _RIVAL * areas.max()
    )
    return Breast(blocks, bool(plausible))


def wall_on_right(blocks: NDArray[np.bool_]) -> bool:
    """Tell whether the chest wall is on the right of a film whose breast is not empty.

    In the upper third of a breast most of it lies at the wall, towards the axilla.
    """
    rows = np.flatnonzero(blocks.any(axis=1))
    columns = np.flatnonzero(blocks.any(axis=0))
    upper = blocks[rows[0] : rows[0] + math.ceil(len(rows) / 3)]
    centre = float(np.nonzero(upper)[1].mean())
    return bool(centre > (columns[0] + columns[-1]) / 2)


class RelativePosition(NamedTuple):
    """A place relative to one breast.

    Attributes:
        height: From the top of the mask (0) to its bottom (1).
        depth: From the chest wall (0) to the far edge of the mask (1), in the place's row.
    """

    height: float
    depth: float


def to_relative_position(mask: NDArray[np.bool_], row: int, column: int) -> RelativePosition | None:
    """Express a pixel relative to the breast, chest wall on the left; None outside its mask."""
    if not mask[row, column]:
        return None
    top, bottom = _extent(np.flatnonzero(mask.any(axis=1)))
    wall, edge = _extent(np.flatnonzero(mask[row]))
    return RelativePosition(
        (row - top) / max(bottom - top, 1), (column - wall) / max(edge - wall, 1)
    )


def to_pixel(mask: NDArray[np.bool_], place: RelativePosition) -> tuple[int, int]:
    """Return row and column of a relative place on another breast."""
    top, bottom = _extent(np.flatnonzero(mask.any(axis=1)))
    row = round(top + place.height * (bottom - top))
    wall, edge = _extent(np.flatnonzero(mask[row]))
    return row, round(wall + place.depth * (edge - wall))


def _extent(filled: NDArray[np.intp]) -> tuple[int, int]:
    return int(filled[0]), int(filled[-1])
