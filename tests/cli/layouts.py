"""Folders as public data sets come, written from the rows of `public_layouts.yaml`."""

import gzip
import re

import nibabel as nib
import numpy as np
from PIL import Image

from tests.datasets.own_folders import SIDE, dicom, encoded
from tests.readers.examples import series_files
from tests.yaml_rows import read_yaml

LAYOUTS = read_yaml(__file__, "public_layouts.yaml")
HEADER = (
    "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
    "TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = -10 -20 5\nElementSpacing = .7 .7 2.5\n"
    "DimSize = 18 16 10\nElementType = MET_SHORT\nElementDataFile = {}.raw\n"
)


def disc(seed, radius, part=""):
    """Return a disc on an image whose sides are drawn, or a `left`, `upper right` ... part."""
    sides = np.random.default_rng(seed).integers(48, 72, 2)
    rows, columns = np.indices(sides)
    half_row, half_column = sides // 2
    inside = np.hypot(rows - half_row, columns - half_column) < radius
    for word, half in {
        "left": columns < half_column,
        "right": columns >= half_column,
        "upper": rows < half_row,
        "lower": rows >= half_row,
    }.items():
        if word in part:
            inside &= half
    return inside


def speckle(seed, radius):
    """Return ultrasound with a dark disc."""
    inside = disc(seed, radius)
    pixels = np.random.default_rng(seed).normal(110, 25, inside.shape) - 40 * inside
    return pixels.clip(0, 255).astype(np.uint8)


def picture(kind, seed, size):
    """Return a picture of a kind: what it shows, then how gray is stored."""
    generator = np.random.default_rng(seed)
    if "disc" in kind or kind.startswith(("left:", "right:", "upper", "lower")):
        drawn = disc(seed, size, kind)
        scaled = drawn.repeat(2, 0).repeat(2, 1) if "large" in kind else drawn
        image = Image.fromarray(scaled)
    elif "box" in kind:
        image = Image.new("L", (SIDE, SIDE))
        image.paste(255, (3, 5, 10, 20) if "left" in kind else (14, 5, 21, 20))
    elif "speckle" in kind:
        image = Image.fromarray(speckle(seed, size)).convert("RGB")
    else:
        sides = generator.integers(60, 140, 2) if kind.startswith(("scan", "arrow")) else [SIDE] * 2
        noise = generator.normal(90, 20, sides) if "film" not in kind else None
        pixels = generator.integers(0, 240, sides) if noise is None else noise.clip(0, 240)
        image = Image.fromarray(pixels.astype(np.uint8))
    if kind == "colour":
        return Image.fromarray(generator.integers(0, 256, (SIDE, SIDE, 3), np.uint8))
    if kind.endswith(("rgb", "warm", "arrow")) or kind.startswith(("rgb", "coloured")):
        image = image.convert("RGB")
    if kind == "arrow" or kind.startswith("coloured"):
        image.paste((250, 30, 30), (5, 5, 25, 15))  # what a device or a person drew
    if kind.endswith("warm"):  # a little off gray
        image = Image.fromarray(np.asarray(image) + np.array([2, 0, 1], np.uint8))
    if kind.endswith(("opaque", "clear")):
        image.putalpha(255)
    if kind.endswith("clear"):
        alpha = Image.new("L", image.size, 255)
        alpha.paste(145, (0, 0, 1, image.height))
        image.putalpha(alpha)
    return image


def volume(kind, seed, labels):
    """Return a NIfTI volume, or a mask with a slab of each label."""
    values = np.random.default_rng([seed, len(kind)]).normal(100, 20, (12, 14, 10))
    if labels:
        values *= 0
        for at, label in enumerate(labels.split(";")):
            values[3 + at, 4:9, 3:7] = int(label)
    stored = values.astype(np.uint8 if labels else np.float32)
    return bytes(nib.Nifti1Image(stored, np.diag([1.0, 1.0, 2.0, 1.0])).to_bytes())


def content(path, kind, seed):
    """Return the bytes of a file."""
    name, _, size = kind.partition(":")
    scan = np.random.default_rng(seed).normal(-600, 50, (10, 16, 18))
    if name in ("volume", "other_volume", "labels"):
        plain = volume(name, seed, size)
        return gzip.compress(plain) if path.suffix == ".gz" else plain
    plain = {
        "metaimage": lambda: HEADER.format(path.stem).encode(),
        "voxels": lambda: scan.astype("<i2").tobytes(),
        "dicom": lambda: dicom(seed),
        "text": lambda: b"<?xml?>",
    }
    if name in plain:
        return plain[name]()
    suffix = path.suffix.lower()
    how = {"quality": 95} if suffix in (".jpg", ".jpeg") else {}
    return encoded(picture(kind, seed, float(size or 0)), "JPEG" if how else "PNG", **how)


def words_of(names, at):
    """Return what stands for the words in braces, for a case."""
    words = {"at": at, "half": at // 2, "quarter": at // 4, "end": "\n"}
    for word in names.split():
        name, _, turns = word.partition("=")
        together = re.search(r"/(\d+)$", turns)
        choices = turns.removesuffix(together[0] if together else "").split(",")
        chosen = choices[at // int(together[1] if together else 1) % len(choices)]
        words[name] = chosen.format(**words)
    return words


def cases_of(line):
    """Return the range of cases that a row begins with, and its rest."""
    first, _, rest = line.partition(" ")
    bounds = [*map(int, first.split(":"))]
    return (range(*bounds) if ":" in first else range(bounds[0], bounds[0] + 1)), rest


def write_layout(name, place):
    """Write the folder and the table of a layout; return its documented line."""
    layout = LAYOUTS[name]
    names = layout.get("names", "")
    for line in layout["files"].splitlines():
        cases, rest = cases_of(line)
        pattern, _, kinds = rest.rpartition(" ")
        turns = kinds.split(",")
        for at in cases:
            path = place / pattern.format(**words_of(names, at))
            kind, _, seed = turns[at % len(turns)].partition("@")
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "series":
                path.mkdir()
                values = np.random.default_rng(at).normal(-600, 50, (6, 16, 18))
                for file, slices in series_files(values, series=f"1.2.{at}"):
                    (path / file).write_bytes(slices)
            else:
                path.write_bytes(content(path, kind, int(seed or at)))
    if "table" in layout:
        header, *rows = layout["rows"].splitlines()
        written = [header]
        for line in rows:
            cases, cells = cases_of(line)
            written += [cells.format(**words_of(names, at)) for at in cases]
        (place / layout["table"]).write_text("\n".join(written))
    return str(layout["line"])
