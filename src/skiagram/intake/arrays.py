"""A file as MedMNIST's, arrays of images with their labels and splits, in place of a folder."""

import hashlib

import numpy as np

from skiagram.errors import DataError
from skiagram.intake.file_options import FileOptions
from skiagram.intake.labels import require_positive, settle_positive
from skiagram.sources.medmnist import MedMNIST, read_arrays


def array_source(options: FileOptions) -> tuple[MedMNIST, tuple[int, ...]]:
    """Return the data set of a file, and the shape of its images for training."""
    path = options.folder
    if not path.is_file():
        raise DataError("no such file", where=str(path))
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, "md5").hexdigest()
    arrays = read_arrays(path, ("train_images", "train_labels"))
    labels, shape = np.unique(arrays["train_labels"]), arrays["train_images"].shape
    classes = tuple(options.classes or map(str, labels.tolist()))
    require_positive(options.positive, classes)
    positive = settle_positive(options.positive, classes)
    source = MedMNIST(
        name=options.short_name,
        title=options.title,
        modality="not stated",
        licence="not stated",
        citation="none",
        file=str(path.resolve()),
        md5=md5,
        url=None,
        classes=classes,
        positive_class=positive,
        copies=options.copies or "refuse",
    )
    return source, shape
