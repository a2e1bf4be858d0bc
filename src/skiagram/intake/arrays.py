"""A file as MedMNIST's, arrays of images with their labels and splits, in place of a folder."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from skiagram.datasets.folder.option_file import described_as, of_another, read_present
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


def renewed_source(source: MedMNIST, options: FileOptions, option_file: Path) -> MedMNIST:
    """Return a file's data set with what its present config, or a published one, says for people.

    Args:
        source: As the file and the line have it.
        option_file: The config; nothing is taken over where there is none.

    Raises:
        OptionError: The config is of another data set.
    """
    if not option_file.exists():
        return source
    present = read_present(MedMNIST, option_file, str(option_file))
    if source.md5 != present.md5 and source.file != present.file:
        raise of_another(option_file, str(option_file))
    url = present.url if source.md5 == present.md5 else None
    renewed = dataclasses.replace(described_as(source, present, options.copies), url=url)
    if options.classes or len(present.classes) != len(source.classes):
        return renewed
    # classes keep their names; the positive one is that of the line
    place = None if source.positive_class is None else source.classes.index(source.positive_class)
    positive = None if place is None else present.classes[place]
    return dataclasses.replace(renewed, classes=present.classes, positive_class=positive)
