"""Images or volumes of a MedMNIST file, and a table with the official split.

    python examples/medmnist.py breastmnist.npz breastmnist
    skiagram run breastmnist breastmnist.csv --positive 0

writes the images into the new folder `breastmnist`, and `breastmnist.csv` beside it: `file`,
`label` and `split`, in the order of the file. Names of the classes may follow, in the order of the
labels: `... breastmnist malignant benign`.

Licence: CC BY 4.0, of DermaMNIST CC BY-NC 4.0. Cite: Yang et al. 2023, MedMNIST v2, Scientific Data
10:41, doi:10.1038/s41597-022-01721-8, and the data set that the file was made of.

Known issues:

- No patient is named, and some splits leak: `--copies drop` leaves copies of test images out.
- No file says how large a voxel is: volumes need `--unstated-spacing 1 1 1`, or what is known.
"""

import struct
import sys
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

SPLITS = {"train": "train", "val": "validation", "test": "test"}  # part of the file → split
COLOURS, LEAST_SIDE = 3, 8
UNREADABLE = (  # all that a damaged or foreign file is known to raise
    *(OSError, ValueError, EOFError, TypeError, RuntimeError, KeyError),
    *(zipfile.BadZipFile, zlib.error, tokenize.TokenError),
)


def read(file: Path) -> dict[str, NDArray[Any]]:
    """Read `{train,val,test}_{images,labels}`; what is no MedMNIST file ends the script.

    Nothing in the file is unpickled: an array of objects cannot be read.
    """
    keys = [f"{part}_{kind}" for part in SPLITS for kind in ("images", "labels")]
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in keys}
    except UNREADABLE as error:
        sys.exit(f"{file}: no MedMNIST file with plain arrays {', '.join(keys)} ({error})")
    # images of one kind, colours last; four channels, or channels first, are no volume
    shape = arrays["train_images"].shape[1:]
    sides = shape[:2] if shape[2:] == (COLOURS,) else shape
    is_known = len(shape) in (2, 3) and min(sides) >= LEAST_SIDE
    for part in SPLITS:
        images, labels = arrays[f"{part}_images"], arrays[f"{part}_labels"]
        if not is_known or images.dtype != np.uint8 or images.shape[1:] != shape:
            sys.exit(
                f"{file}: {part}_images of shape {images.shape}, {images.dtype}. Allowed, the same "
                "in all parts: (n, height, width), (n, height, width, 3) or (n, depth, height, "
                f"width), of {LEAST_SIDE} or more, uint8"
            )
        if labels.size != len(images) or not np.issubdtype(labels.dtype, np.integer):
            sys.exit(
                f"{file}: {part}_labels of shape {labels.shape}, {labels.dtype}, for {len(images)} "
                "images. Allowed: a whole number for each image"
            )
    return arrays


def nifti(volume: NDArray[np.uint8]) -> bytes:
    """Return a volume (depth, height, width) as NIfTI-1, which states no distances of voxels."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)  # length of the header
    struct.pack_into("<8h", header, 40, 3, *volume.shape[::-1], 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 2, 8)  # unsigned, 8 bits
    struct.pack_into("<9f", header, 76, *[1.0] * 8, 352.0)  # distances; where voxels begin
    header[344:348] = b"n+1\0"
    return bytes(header) + volume.tobytes()


def write(file: Path, target: Path, classes: Sequence[str] = ()) -> None:
    """Write the images into a new folder, and the table beside it."""
    arrays = read(file)
    labels = {part: arrays[f"{part}_labels"].reshape(-1).tolist() for part in SPLITS}
    unnamed = {*labels["train"], *labels["val"], *labels["test"]} - {*range(len(classes))}
    if classes and unnamed:
        sys.exit(f"{file}: no class is named for the labels {sorted(unnamed)}")

    target.mkdir(parents=True)
    rows = []
    for part, split in SPLITS.items():
        images = arrays[f"{part}_images"]
        for at, (image, label) in enumerate(zip(images, labels[part], strict=True)):
            is_volume = image.ndim == 3 and image.shape[2] != COLOURS
            name = f"{part}-{at:05d}.{'nii' if is_volume else 'png'}"
            if is_volume:
                (target / name).write_bytes(nifti(image))
            else:
                Image.fromarray(image).save(target / name)
            called = classes[label] if classes else label
            rows.append({"file": name, "label": called, "split": split})
    pd.DataFrame(rows).to_csv(target.with_suffix(".csv"), index=False)
    print(f"{len(rows)} images in {target}, the table is {target.with_suffix('.csv')}.")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("Type: python examples/medmnist.py FILE.npz TARGET [CLASS ...]")
    write(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
