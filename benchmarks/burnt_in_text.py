"""How often text in the borders of images is found, and how often there is none where it is said.

    SKIAGRAM_DATA=FOLDER python benchmarks/burnt_in_text.py

Into mini-MIAS films without labels a line of text is written in a corner, in Pillow's own font, and
counts as found where a found box overlaps it. Images of sets that have no text count what is found
wrongly. Films of mini-MIAS with marks are named, since some have labels of lead.
"""

import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from skiagram.datasets.burnt_in_text import find_text

TEXTS = ("MUSTER ANNA 12.03.1956", "Smith, J. 4711", "DOB 1956-03-12")
SIZES = (8, 10, 12, 16, 24, 32, 48, 64)
MARGIN = 5
LEAST_CONTRAST = 60  # of 255: fainter text counts as none


def plant(
    image: NDArray[np.uint8], text: str, size: int, level: int, corner: int
) -> tuple[NDArray[np.uint8], tuple[int, int, int, int]]:
    """Write text into a corner; return the image and the text's (top, left, bottom, right)."""
    drawn, font = Pillow.fromarray(image), ImageFont.load_default(size)
    pen = ImageDraw.Draw(drawn)
    left, top, right, bottom = (int(side) for side in pen.textbbox((0, 0), text, font=font))
    row = MARGIN if corner % 2 else image.shape[0] - bottom - MARGIN
    column = MARGIN if corner // 2 % 2 else image.shape[1] - right - MARGIN
    pen.text((column, row), text, fill=level, font=font)
    return np.asarray(drawn), (row + top, column + left, row + bottom, column + right)


def hits(films: list[NDArray[np.uint8]], size: int, level: int) -> tuple[int, int]:
    """Return how many planted lines were found, and how many there were."""
    hit = planted = 0
    for at, film in enumerate(films):
        image, (top, left, bottom, right) = plant(film, TEXTS[at % 3], size, level, at)
        ground = film[top:bottom, left:right].astype(int)
        if not ground.size or np.abs(ground - level).min() < LEAST_CONTRAST:
            continue
        planted += 1
        hit += any(
            box.top < bottom and top < box.bottom and box.left < right and left < box.right
            for box in find_text(image)
        )
    return hit, planted


def main() -> None:
    """Print the rates."""
    root = Path(os.environ["SKIAGRAM_DATA"])
    paths = sorted((root / "mini-mias").glob("*.png"))
    films = [np.asarray(Pillow.open(path).convert("L")) for path in paths]
    started = time.process_time()
    marked = [bool(find_text(film)) for film in films]
    each = (time.process_time() - started) / len(films)
    print(f"mini-MIAS: marks in {sum(marked)} of {len(films)} films, {1000 * each:.0f} ms a film")
    print(" ".join(path.stem for path, mark in zip(paths, marked, strict=True) if mark))
    nodules = np.load(root / "lidc_nodules.npz")
    slices = next(nodules[name] for name in nodules.files if nodules[name].ndim >= 3)
    planes = [one if one.ndim == 2 else one[len(one) // 2] for one in slices]
    wrong = sum(bool(find_text(plane)) for plane in planes)
    print(f"LIDC nodules, {planes[0].shape}: marks in {wrong} of {len(planes)}")
    clean = [film for film, mark in zip(films, marked, strict=True) if not mark][:40]
    for size in SIZES:
        rates = " ".join(
            "{}: {} of {}".format(level, *hits(clean, size, level)) for level in (255, 128)
        )
        print(f"text of {size} pixels, brightness {rates}", flush=True)


if __name__ == "__main__":
    main()
