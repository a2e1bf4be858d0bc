"""Mammograms of mini-MIAS: whole films, or squares around lesions, and a table.

    python examples/mini_mias.py mini-mias films 256
    skiagram init films-256 films-256.csv --positive abnormal --unstated-spacing 0.8 0.8

    python examples/mini_mias.py mini-mias squares
    skiagram init squares squares.csv --positive abnormal --unstated-spacing 0.4 0.4

reads the 322 films (PNG or PGM) and `Info.txt` in the folder `mini-mias`, as
http://peipa.essex.ac.uk/pix/mias/all-mias.tar.gz holds them; writes images of 32 bits into a new
folder, and a table beside it. The last word is the side of the images: a divisor of 1024, with
256 each pixel is the mean of 4 x 4 pixels of the film. Squares of 25.6 mm have 64 pixels a side.
Of whole films there is a second table, `films-256-article.csv`, with the sizes of an introductory
article: 100 films to train on and 20 to test on.

The columns: `label` (normal, abnormal), `severity` (benign, malignant, or empty), `marks` (the
lesions whose place is known), `tissue`, `side`, and `mask_plausible` (whether the breast's outline
is to be trusted). Every film is turned so that the chest wall is on the left, and all outside the
breast is black, as labels, tape and wedges there could tell the class.

Licence: research only; the agreement comes with the films. Cite: Suckling et al. 1994, The
Mammographic Image Analysis Society digital mammogram database, Excerpta Medica, International
Congress Series 1069:375-378.

Known issues:

- No split is published, so no published figure can stand beside these.
- A film is abnormal when any abnormality is on it; the other breast of the same patient is usually
  among the normal films.
- Four of 123 abnormalities have no recorded place and two lie off the breast: they have no mark,
  and no square.
- Squares are given a place: those of lesions are centred on the readers' marks, normal ones lie at
  the lesions' own places relative to the breast. They say how well tissue at a place is judged,
  not how well lesions are found.
- A square has one size whatever the lesion's, so the largest lesions exceed it.
- The faint rim of skin is lost with the background, and wide bright tape over the breast stays.
- The films are from before 1994, digitised and reduced to 0.2 mm; nothing says how they were
  chosen.
"""

import sys
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from skimage.filters import threshold_li
from skimage.measure import label, regionprops
from skimage.morphology import isotropic_dilation, isotropic_erosion

from skiagram.seeding import stream

SIDE = 1024  # pixels of a film, 0.2 mm each
SQUARE, SQUARE_SIZE = 128, 64  # side of a square on the film, and of its image
BLOCK = 4  # film pixels a side; outlines of breasts are no finer
DISC = 8  # radius in blocks; labels touch the breast by narrower bridges, the axilla is wider
TISSUE = {"F": "fatty", "G": "fatty-glandular", "D": "dense-glandular"}
ARTICLE = {  # films of each class, drawn by patient; all others are left out
    "test": {"normal": 10, "abnormal": 10},
    "train": {"normal": 80, "abnormal": 20},
}

Mask = NDArray[np.bool_]


class Lesion(NamedTuple):
    """One abnormality; row, column and radius in film pixels are None where the file has none."""

    malignant: bool
    place: tuple[int, int] | None
    radius: int | None


class Film(NamedTuple):
    """One film with its chest wall on the left, the breast on it, and what the table says of it."""

    pixels: NDArray[np.uint8]
    breast: Mask
    lesions: list[Lesion]
    cells: dict[str, str]


def average(pixels: NDArray[Any], block: int) -> NDArray[np.float32]:
    """Average a square image over square blocks."""
    size = len(pixels) // block
    means: NDArray[np.float64] = pixels.reshape(size, block, size, block).mean(axis=(1, 3))
    return means.astype(np.float32)


def find_breast(pixels: NDArray[np.uint8]) -> tuple[Mask, bool]:
    """Find the largest bright part of a film; return its mask, and whether it looks like a breast.

    The film is thresholded by minimum cross-entropy (Li and Lee 1993, Pattern Recognition 26:617).
    The pectoral muscle stays.
    """
    brightness = average(pixels, BLOCK)
    bright = ndimage.binary_fill_holes(brightness > threshold_li(brightness))
    # what no disc fits into is dropped; the surroundings of the film are dark
    margin = DISC + 1
    eroded = isotropic_erosion(np.pad(bright, margin), DISC)
    opened = isotropic_dilation(eroded, DISC)[margin:-margin, margin:-margin]
    parts = label(opened, connectivity=1)
    areas = np.bincount(parts.ravel())[1:]
    largest = parts == 1 + areas.argmax()
    # bars and labels on the outline lower its share of the convex hull; a rival is as large
    rival = np.sort(areas)[-2] if len(areas) > 1 else 0
    plausible = (
        0.05 <= largest.mean() <= 0.9
        and regionprops(largest.astype(np.uint8))[0].solidity >= 0.85
        and rival < 0.5 * areas.max()
    )
    return largest.repeat(BLOCK, axis=0).repeat(BLOCK, axis=1), bool(plausible)


def read_films(folder: Path) -> dict[str, Film]:
    """Read the films that `Info.txt` lists, by name.

    A row holds film, tissue, and either NORM or class, severity, x, y and radius of one
    abnormality, y counted from the bottom; a film of several has several rows. Films 2k - 1 and
    2k are one patient. The letters on the films show that odd numbers are left breasts; the file's
    own first note says the opposite.
    """
    text = (folder / "Info.txt").read_text(encoding="ascii", errors="replace")
    films: dict[str, Film] = {}
    for row in (line.split() for line in text.splitlines() if line.startswith("mdb")):
        name, tissue, kind, *lesion = row
        number = int(name[3:])
        is_left = number % 2 == 1
        if name not in films:
            path = folder / f"{name}.png"
            with Image.open(path if path.exists() else path.with_suffix(".pgm")) as image:
                pixels = np.asarray(image)
            if pixels.shape != (SIDE, SIDE) or pixels.dtype != np.uint8:
                sys.exit(f"{path}: not the published film of {SIDE} × {SIDE} pixels of 8 bits")
            pixels = pixels[:, ::-1] if is_left else pixels
            breast, plausible = find_breast(pixels)
            cells = {"patient_id": str((number + 1) // 2), "tissue": TISSUE[tissue]}
            cells |= {"side": "left" if is_left else "right"}
            cells |= {"mask_plausible": "yes" if plausible else "no"}
            films[name] = Film(pixels, breast, [], cells)
        if kind != "NORM":
            severity, *numbers = lesion
            place = radius = None
            if len(numbers) >= 3 and numbers[0].isdigit():  # two films refer to a note instead
                column, from_bottom, radius = map(int, numbers)
                place = SIDE - 1 - from_bottom, SIDE - 1 - column if is_left else column
            films[name].lesions.append(Lesion(severity == "M", place, radius))
    return films


def labels(lesions: list[Lesion]) -> dict[str, str]:
    """Return the cells of both labels: malignant if any lesion is."""
    if not lesions:
        return {"label": "normal", "severity": ""}
    malignant = any(lesion.malignant for lesion in lesions)
    return {"label": "abnormal", "severity": "malignant" if malignant else "benign"}


def mark(
    film: Film, lesions: list[Lesion], block: int, corner: tuple[int, int] = (0, 0)
) -> dict[str, str]:
    """Return the cell of lesions on the breast, in pixels of the image.

    Args:
        block: Film pixels a side that an image pixel is the mean of.
        corner: Row and column of the image's first film pixel.
    """
    marks = []
    for lesion in lesions:
        if lesion.place is not None and lesion.radius and film.breast[lesion.place]:
            # the centre of a film pixel in pixels of averaged blocks
            y = (lesion.place[0] - corner[0] + 0.5) / block - 0.5
            x = (lesion.place[1] - corner[1] + 0.5) / block - 0.5
            marks.append(f"{x} {y} {max(lesion.radius / block, 0.5)}")
    return {"marks": ";".join(marks)}


def place_normal_squares(films: dict[str, Film]) -> dict[str, tuple[int, int]]:
    """Return where on each normal film a square is centred: at a lesion's place on another film.

    Squares on normal films would be told apart by their place alone if that were uniform.
    """
    # the lesions' share of the way down the breast, and from the chest wall to the edge in that row
    shares = []
    for film in films.values():
        rows = np.flatnonzero(film.breast.any(axis=1))
        for lesion in film.lesions:
            if lesion.place is not None and film.breast[lesion.place]:
                row, column = lesion.place
                columns = np.flatnonzero(film.breast[row])
                height = (row - rows[0]) / max(rows[-1] - rows[0], 1)
                shares.append((height, (column - columns[0]) / max(columns[-1] - columns[0], 1)))
    # all in random order, again and again, so that none is much more frequent
    orders = (stream(1994, "normal places", turn).permutation(len(shares)) for turn in count())
    turns = chain.from_iterable(orders)
    centres = {}
    for name, film in films.items():
        if not film.lesions:
            height, depth = shares[next(turns)]
            rows = np.flatnonzero(film.breast.any(axis=1))
            row = round(rows[0] + height * (rows[-1] - rows[0]))
            columns = np.flatnonzero(film.breast[row])
            centres[name] = row, round(columns[0] + depth * (columns[-1] - columns[0]))
    return centres


def write_films(films: dict[str, Film], target: Path, size: int) -> pd.DataFrame:
    """Write whole films; return their table."""
    block, rows = SIDE // size, []
    for name, film in films.items():
        image = average(np.where(film.breast, film.pixels, 0), block)
        Image.fromarray(image).save(target / f"{name}.tif", compression="tiff_adobe_deflate")
        marks = mark(film, film.lesions, block)
        rows.append({"file": f"{name}.tif"} | labels(film.lesions) | marks | film.cells)
    return pd.DataFrame(rows)


def write_squares(films: dict[str, Film], target: Path, size: int) -> pd.DataFrame:
    """Write a square for each placed lesion and for each normal film; return their table."""
    squares: list[tuple[str, Film, list[Lesion], tuple[int, int]]] = []
    for name, film in films.items():
        for number, lesion in enumerate(film.lesions):
            if lesion.place is not None and film.breast[lesion.place]:
                squares.append((f"{name}-{number}.tif", film, [lesion], lesion.place))
    for name, centre in place_normal_squares(films).items():
        squares.append((f"{name}.tif", films[name], [], centre))
    half, rows = SQUARE // 2, []
    for file, film, lesions, (row, column) in squares:
        # what lies beyond the film is black
        padded = np.pad(np.where(film.breast, film.pixels, 0), half)
        image = average(padded[row : row + SQUARE, column : column + SQUARE], SQUARE // size)
        Image.fromarray(image).save(target / file, compression="tiff_adobe_deflate")
        marks = mark(film, lesions, SQUARE // size, (row - half, column - half))
        rows.append({"file": file} | labels(lesions) | marks | film.cells)
    return pd.DataFrame(rows)


def draw_article(table: pd.DataFrame) -> pd.DataFrame:
    """Draw whole patients, test before training; return their rows with a column `split`."""
    patients = sorted(set(table["patient_id"]))
    still = {part: dict(counts) for part, counts in ARTICLE.items()}
    split: dict[int, str] = {}
    for at in stream(0, "drawn split").permutation(len(patients)):
        # the first part that can use any of the patient's films takes these
        of_patient = table.loc[table["patient_id"] == patients[at], "label"]
        for part, counts in still.items():
            taken = []
            for row, kind in of_patient.items():
                if counts[kind]:
                    counts[kind] -= 1
                    taken.append(row)
            split |= dict.fromkeys(taken, part)
            if taken:
                break
    return table.assign(split=pd.Series(split)).dropna(subset="split")


def main(folder: Path, kind: str, size: int) -> None:
    """Write the images into a new folder, and the table beside it."""
    target = Path(f"films-{size}" if kind == "films" else kind)
    target.mkdir()
    films = read_films(folder)
    table = (write_films if kind == "films" else write_squares)(films, target, size)
    table.to_csv(f"{target}.csv", index=False)
    if kind == "films":
        draw_article(table).to_csv(f"{target}-article.csv", index=False)
    print(f"{len(table)} images in {target}, the table is {target}.csv.")


if __name__ == "__main__":
    words = sys.argv[1:]
    if len(words) == 3 and words[1] == "films" and words[2] in ("64", "128", "256", "512", "1024"):
        main(Path(words[0]), "films", int(words[2]))
    elif len(words) == 2 and words[1] == "squares":
        main(Path(words[0]), "squares", SQUARE_SIZE)
    else:
        sys.exit("Type: python examples/mini_mias.py FOLDER films 256, or FOLDER squares")
