"""A file as MedMNIST's, arrays of images with their labels and splits, in place of a folder."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np

from skiagram.datasets.folder.option_file import of_another, read_present
from skiagram.errors import listed, refusal
from skiagram.intake.file_options import FileOptions
from skiagram.intake.labels import require_positive, settle_positive
from skiagram.sources.medmnist import MedMNIST, read_arrays


def array_source(options: FileOptions) -> MedMNIST:
    """Return the data set of a file.

    Raises:
        OptionError: Some of the names of classes are stored labels, and not all.
    """
    path = options.folder
    if not path.is_file():
        raise refusal("intake.no_file", str(path))
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, "md5").hexdigest()
    arrays = read_arrays(path, ("train_labels",))
    # the name of each stored label, in their order: names that are stored labels stand for these,
    # in whatever order; others are names in order, and labels that training cases lack may be named
    stored = tuple(map(str, np.unique(arrays["train_labels"]).tolist()))
    named, classes = sorted(options.classes), tuple(options.classes)
    numbers = tuple(map(str, range(len(named))))
    if not named or named == sorted(stored):
        classes = stored
    elif named == sorted(numbers):
        classes = numbers
    elif both := [name for name in classes if name in stored]:
        raise refusal(
            "intake.some_classes_named",
            classes=listed(both, "`"),
            number=len(named),
            stored=listed(stored),
        )
    require_positive(options.positive, classes)
    positive = settle_positive(options.positive, classes)
    return MedMNIST(
        name=options.short_name,
        title=options.title,
        modality="not stated",
        licence="not stated",
        citation="none",
        file=str(path.resolve()),
        md5=md5,
        classes=classes,
        positive_class=positive,
        copies=options.copies or "refuse",
    )


def renewed_source(source: MedMNIST, options: FileOptions, option_file: Path) -> MedMNIST:
    """Return a file's data set with what its present config says for people.

    Args:
        source: As the file and the line have it.
        option_file: The config; nothing is taken over where there is none.

    Raises:
        OptionError: The config is of another data set.
    """
    if not option_file.exists():
        return source
    present, renewed = read_present(source, option_file, str(option_file), options.copies)
    if source.md5 != present.md5 and source.file != present.file:
        raise of_another(option_file, str(option_file))
    if options.classes or len(present.classes) != len(source.classes):
        return renewed
    # classes keep their names; the positive one is that of the line
    named = source.positive_class
    positive = None if named is None else present.classes[source.classes.index(named)]
    return dataclasses.replace(renewed, classes=present.classes, positive_class=positive)
