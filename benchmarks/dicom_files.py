"""Which DICOM files are read, by transfer syntax, and whether their pixels are those of others.

    python benchmarks/dicom_files.py [FOLDER ...]

Looks at pydicom's own test files and at what lies below the folders (the package pydicom-data, for
example, has more). Compressed pixels are compared with those of every decoder that pydicom finds
installed: Pillow alone, or also pylibjpeg, GDCM and pyjpegls. Given is the least of the greatest
differences from one of them.
"""

import logging
import sys
import warnings
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pydicom
import pydicom.data
from pydicom.pixels import pixel_array

from skiagram.datasets.dicom import read_dicom
from skiagram.datasets.dicom_codecs import decode_pixels
from skiagram.errors import DataError

PLUGINS = ("pylibjpeg", "gdcm", "pillow", "pyjpegls", "pydicom")


@dataclass
class Count:
    """Files of one transfer syntax."""

    read: int = 0
    several_frames: int = 0
    refused: int = 0
    compared: int = 0
    difference: int = 0


def difference(header: pydicom.Dataset) -> int | None:
    """Return the least of the greatest differences from a decoder; None where there is none."""
    differences = []
    for plugin in PLUGINS:
        try:
            reference = pixel_array(header, decoding_plugin=plugin)
        except Exception:
            continue
        differences.append(int(np.abs(decode_pixels(header).astype(int) - reference).max()))
    return min(differences, default=None)


def count(path: Path, counts: dict[str, Count]) -> None:
    """Take in one file, if it is an image."""
    try:
        header = pydicom.dcmread(path, force=True)
    except Exception:
        return
    if "PixelData" not in header:
        return
    syntax = getattr(header, "file_meta", {}).get("TransferSyntaxUID")
    tally = counts[syntax.name if syntax is not None else "none"]
    try:
        read_dicom(path)
    except DataError as error:
        frames = error.found.endswith(" frames")
        tally.several_frames, tally.refused = (
            tally.several_frames + frames,
            tally.refused + (not frames),
        )
        return
    tally.read += 1
    apart = difference(header) if syntax is not None and syntax.is_encapsulated else None
    if apart is not None:
        tally.compared += 1
        tally.difference = max(tally.difference, apart)


def main() -> None:
    """Print the table."""
    logging.disable()
    warnings.simplefilter("ignore")
    counts: dict[str, Count] = defaultdict(Count)
    for folder in (Path(pydicom.data.__file__).parent, *map(Path, sys.argv[1:])):
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                count(path, counts)
    print("| transfer syntax | read | several frames | refused | compared | greatest difference |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, tally in sorted(counts.items()):
        cells = (tally.read, tally.several_frames, tally.refused, tally.compared, tally.difference)
        print(f"| {name} | {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
