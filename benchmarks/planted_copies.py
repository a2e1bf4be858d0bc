"""Whether planted copies are found, and nothing else: each kind in sets of several kinds.

    python -m benchmarks.planted_copies [IMAGES [COPIES [SET ...]]]

Thresholds of the search were chosen on tissue of 64 × 64 and 28 × 28 pixels and on discs with
tissue inside, of seed 5; these sets have other seeds, and five of them another making. A set is
searched as it is, where every pair found is a false one, and with copies of every kind.
"""

import io
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from benchmarks.ratio import Table, show
from numpy.typing import NDArray
from PIL import Image as PillowImage
from scipy import fft
from scipy.ndimage import gaussian_filter, rotate, shift
from skimage.transform import resize

from skiagram.near_duplicates.descriptors import small_picture
from skiagram.near_duplicates.pairs import content_digest, pairs_among, thumbnail
from skiagram.near_duplicates.search import transformed_among

IMAGES = 1000
COPIES = 20  # of each kind in each set
_DEGREES = (2.0, 10.0)
_CROPPED = (0.05, 0.2)  # of a side
_SHIFT = 10  # pixels

Picture = NDArray[np.float32]
Draws = np.random.Generator


def tissue(size: int, exponent: float, noise: float) -> Callable[[int, Draws], Picture]:
    """Return what draws tissue with a power-law spectrum and quantum noise."""

    def draw(number: int, draws: Draws) -> Picture:
        frequency = np.hypot(fft.fftfreq(size)[:, None], fft.rfftfreq(size))
        frequency[0, 0] = np.inf
        white = fft.rfft2(draws.normal(size=(number, size, size)))
        images = fft.irfft2(white * frequency ** (-exponent / 2), s=(size, size))
        noisy: Picture = (images / images.std() + noise * draws.normal(size=images.shape)).astype(
            np.float32
        )
        return noisy

    return draw


def discs(number: int, draws: Draws) -> Picture:
    """Draw discs of like size with tissue inside, on black ground: they share an outline."""
    inside = tissue(64, 3, 0.1)(number, draws)
    down, across = np.mgrid[-1:1:64j, -1:1:64j]
    images = []
    for one in inside:
        height, width = draws.uniform(0.75, 0.9, 2)
        disc = (down / height) ** 2 + (across / width) ** 2 < 1
        images.append(gaussian_filter(disc.astype(float), 1.5) * (3 + one))
    return np.array(images, dtype=np.float32)


def spots(number: int, draws: Draws) -> Picture:
    """Draw smooth spots at random places."""
    points = (draws.uniform(size=(number, 64, 64)) < 0.006) * draws.uniform(
        0.5, 2, (number, 64, 64)
    )
    images = gaussian_filter(points, (0, 1.6, 1.6)) * 50
    noisy: Picture = (images + 0.05 * draws.normal(size=images.shape)).astype(np.float32)
    return noisy


def fibres(number: int, draws: Draws) -> Picture:
    """Draw tissue that runs in one direction, another in each image."""
    frequency_y, frequency_x = fft.fftfreq(64)[:, None], fft.rfftfreq(64)
    images = []
    for angle in draws.uniform(0, np.pi, number):
        along = frequency_y * np.sin(angle) + frequency_x * np.cos(angle)
        across = frequency_x * np.sin(angle) - frequency_y * np.cos(angle)
        power = 1 / (1e-3 + (3 * along) ** 2 + (across / 2) ** 2)
        image = fft.irfft2(fft.rfft2(draws.normal(size=(64, 64))) * power, s=(64, 64))
        images.append(image / image.std() + 0.1 * draws.normal(size=(64, 64)))
    return np.array(images, dtype=np.float32)


def cells(number: int, draws: Draws) -> Picture:
    """Draw plates with sharp borders, each pixel the shade of the nearest of 30 centres."""
    places = np.moveaxis(np.mgrid[:64, :64], 0, -1)
    images = []
    for _ in range(number):
        centres, shades = draws.uniform(0, 64, (30, 2)), draws.uniform(size=30)
        distance = ((places[:, :, None] - centres) ** 2).sum(axis=-1)
        shade = shades[distance.argmin(axis=-1)]
        images.append(gaussian_filter(shade, 0.7) + 0.03 * draws.normal(size=(64, 64)))
    return np.array(images, dtype=np.float32)


def bordered(number: int, draws: Draws) -> Picture:
    """Draw tissue cut off along a line; a third of it so smooth that a few blobs are left."""
    images = tissue(64, 3.0, 0.02)(number, draws)
    smooth = draws.uniform(size=number) < 1 / 3
    images[smooth] = gaussian_filter(images[smooth], (0, 10, 10))
    images /= images.std(axis=(1, 2), keepdims=True)
    down, across = np.mgrid[-1:1:64j, -1:1:64j]
    angle, distance = draws.uniform(0, 2 * np.pi, number), draws.uniform(0.2, 0.8, number)
    along = np.sin(angle)[:, None, None] * down + np.cos(angle)[:, None, None] * across
    bright = images - images.min(axis=(1, 2), keepdims=True) + 1
    cut: Picture = np.where(along < distance[:, None, None], bright, 0).astype(np.float32)
    return cut


SETS: Mapping[str, Callable[[int, Draws], Picture]] = {
    "tissue 64²": tissue(64, 3.0, 0.3),
    "tissue 28²": tissue(28, 3.0, 0.3),
    "finer tissue 64²": tissue(64, 2.0, 0.1),
    "coarser tissue 64²": tissue(64, 3.5, 0.1),
    "finer tissue 28²": tissue(28, 2.0, 0.1),
    "tissue 128²": tissue(128, 3.0, 0.3),
    "discs": discs,
    "spots": spots,
    "fibres": fibres,
    "cells": cells,
    "smooth, one border": bordered,
}


def compressed(image: Picture) -> Picture:
    """Return the image after JPEG at quality 10."""
    low, high = np.quantile(image, (0.001, 0.999))
    stored = io.BytesIO()
    gray = np.clip((image - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    PillowImage.fromarray(gray).save(stored, "JPEG", quality=10)
    return np.asarray(PillowImage.open(stored)).astype(np.float32)


def turned(image: Picture, draws: Draws) -> Picture:
    """Return the image turned by 2 to 10 degrees to either side."""
    degrees = draws.choice((-1, 1)) * draws.uniform(*_DEGREES)
    return np.asarray(rotate(image, degrees, reshape=False, order=1, mode="nearest"))


def cropped(image: Picture, draws: Draws) -> Picture:
    """Return a part of the image, 5 to 20 % of each side cut off, wherever."""
    side = round(len(image) * (1 - draws.uniform(*_CROPPED)))
    top, left = draws.integers(0, len(image) - side + 1, 2)
    return image[top : top + side, left : left + side]


def enlarged(image: Picture, draws: Draws) -> Picture:
    """Return a cropped image of the old size."""
    return np.asarray(resize(cropped(image, draws), image.shape, order=1)).astype(np.float32)


def moved(image: Picture, draws: Draws) -> Picture:
    """Return the image moved by 10 pixels along one or both sides, its edge repeated."""
    offset = draws.choice((-_SHIFT, _SHIFT), 2) * [(1, 0), (0, 1), (1, 1)][draws.integers(3)]
    return np.asarray(shift(image, offset, order=0, mode="nearest"))


def resized(image: Picture, draws: Draws) -> Picture:
    """Return the image at 60 to 180 % of its size."""
    side = int(len(image) * draws.choice((0.6, 0.75, 1.4, 1.8)))
    return np.asarray(resize(image, (side, side), anti_aliasing=True)).astype(np.float32)


KINDS: Mapping[str, Callable[[Picture, Draws], Picture]] = {
    "mirrored": lambda image, draws: np.flip(image, axis=int(draws.integers(2))),
    "turned by 90, 180, 270°": lambda image, draws: np.rot90(image, int(draws.integers(1, 4))),
    "mirrored and turned by 90°": lambda image, draws: np.rot90(image[:, ::-1]),
    "turned by 2–10°": turned,
    "cropped by 5–20 %": cropped,
    "cropped, old size": enlarged,
    "inverted": lambda image, draws: image.max() - image,
    "JPEG, quality 10": lambda image, draws: compressed(image),
    "shifted by 10 pixels": moved,
    "resized": resized,
    "mirrored, inverted, JPEG": lambda image, draws: compressed(-image[:, ::-1]),
    "mirrored and cropped": lambda image, draws: enlarged(image[:, ::-1], draws),
    "turned by 90° and 2–10°": lambda image, draws: turned(np.rot90(image), draws),
}


def pairs_of(images: list[Picture]) -> set[tuple[int, int]]:
    """Return all copies that an audit finds, near duplicates and transformed ones."""
    shapes = [image.shape for image in images]
    near = pairs_among(
        np.stack([thumbnail(image) for image in images]),
        [content_digest(np.ascontiguousarray(image)) for image in images],
        shapes,
        lambda at: images[at],
    )
    small = np.stack([small_picture(image) for image in images])
    transformed = transformed_among(small, shapes, near, lambda at: images[at])
    pairs = set(zip(near.first.tolist(), near.second.tolist(), strict=True))
    return pairs | set(zip(transformed.first.tolist(), transformed.second.tolist(), strict=True))


def measure(name: str, seed: int, number: int, copies: int) -> tuple[int, int, dict[str, int]]:
    """Return false pairs in a clean set and among copies, and the copies found of each kind."""
    draws = np.random.default_rng(seed)
    images = list(SETS[name](number, draws))
    false = len(pairs_of(images))
    source, kind_of = list(range(number)), [""] * number
    for kind, change in KINDS.items():
        for at in draws.integers(0, number, copies).tolist():
            images.append(np.ascontiguousarray(change(images[at], draws)))
            source.append(at)
            kind_of.append(kind)
    pairs = pairs_of(images)
    hits = dict.fromkeys(KINDS, 0)
    for at in range(number, len(images)):
        hits[kind_of[at]] += (source[at], at) in pairs
    unrelated = sum(source[one] != source[other] for one, other in pairs)
    return false, unrelated, hits


def tables(
    number: int = IMAGES, copies: int = COPIES, names: Sequence[str] = ()
) -> Iterator[Table]:
    """Search every set, or those named, as it is and with copies."""
    rows = []
    for seed, name in enumerate(SETS, start=100):
        if names and name not in names:
            continue
        started = time.process_time()
        false, unrelated, found = measure(name, seed, number, copies)
        seconds = f"{time.process_time() - started:.0f} s"
        row = (name, str(false), str(unrelated), *map(str, found.values()), seconds)
        sys.stderr.write(f"{row}\n")
        rows.append(row)
    yield Table(
        f"{number:,} images a set, {copies} copies of each kind",
        ("set", "false, clean", "false, among copies", *KINDS, "processor time"),
        tuple(rows),
    )


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:3]]
    numbers = [*given, *(IMAGES, COPIES)[len(given) :]]
    show((), tables(numbers[0], numbers[1], sys.argv[3:]))
