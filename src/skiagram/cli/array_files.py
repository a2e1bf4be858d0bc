"""A file as MedMNIST's, arrays of images with their labels and splits, in place of a folder."""

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from skiagram.cli.folder_arguments import name_of, title_of
from skiagram.errors import DataError, OptionError

if TYPE_CHECKING:
    from skiagram.datasets.medmnist import MedMNIST

ENDING = ".npz"


def array_source(arguments: argparse.Namespace) -> "tuple[MedMNIST, tuple[int, ...]]":
    """Return the data set of a file, and the shape of its images for training."""
    import hashlib

    import numpy as np

    from skiagram.datasets.medmnist import MedMNIST

    path: Path = arguments.folder
    if not path.is_file():
        raise DataError("no such file", where=str(path))
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, "md5").hexdigest()
    with np.load(path, allow_pickle=False) as arrays:
        if not {"train_labels", "train_images"} <= set(arrays):
            allowed = "`train_images`, `train_labels`, and the same of `val` and `test`"
            raise DataError(
                "the file lacks `train_images` or `train_labels`", where=path.name, allowed=allowed
            )
        labels, shape = np.unique(arrays["train_labels"]), arrays["train_images"].shape
    classes = tuple(arguments.classes or map(str, labels.tolist()))
    positive = arguments.positive
    if len(classes) == 2 and positive not in classes:
        fault = "is not given" if positive is None else f"`{positive}` was given"
        raise OptionError(fault, where="--positive", allowed=" or ".join(classes))
    source = MedMNIST(
        name=name_of(arguments),
        title=title_of(arguments),
        modality="not stated",
        licence="not stated",
        citation="none",
        file=str(path.resolve()),
        md5=md5,
        url=None,
        classes=classes,
        positive_class=positive,
        copies=arguments.copies or "refuse",
    )
    return source, shape


def describe_arrays(arguments: argparse.Namespace) -> str:
    """Return counts of classes and splits, and the size of the images."""
    from skiagram.cli.check_report import text_table

    source, shape = array_source(arguments)
    entries = source.open(None).entries()
    splits = ["train", "validation", "test"]
    counts = Counter((entry.label, str(entry.split)) for entry in entries)
    rows = [
        [name, *(counts[label, split] for split in splits)]
        for label, name in enumerate(source.classes)
    ]
    size = " × ".join(map(str, shape[1:]))
    table = text_table(["class", *splits], rows)
    return f"{table}\n\nImages of {size}. Patients are unknown: each image counts as one."
