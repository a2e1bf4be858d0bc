"""A file as MedMNIST's, arrays of images with their labels and splits, in place of a folder."""

import dataclasses
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.datasets.folder.option_file import described_as, of_another, read_present
from skiagram.errors import listed, refusal
from skiagram.intake.file_options import FileOptions
from skiagram.intake.labels import require_positive, settle_positive
from skiagram.sources.medmnist import MedMNIST, read_arrays


def array_source(options: FileOptions) -> MedMNIST:
    """Return the data set of a file."""
    path = options.folder
    if not path.is_file():
        raise refusal("intake.no_file", str(path))
    with path.open("rb") as file:
        md5 = hashlib.file_digest(file, "md5").hexdigest()
    arrays = read_arrays(path, ("train_labels",))
    labels = np.unique(arrays["train_labels"])
    classes = _name_classes(options.classes, labels)
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


def _name_classes(names: Sequence[str], labels: NDArray[Any]) -> tuple[str, ...]:
    """Return the name of each stored label, in their order.

    Names that are stored labels stand for these, in whatever order; others are names in order.

    Args:
        names: Those of the line; none where it names no class.
        labels: The stored ones, each once.

    Raises:
        OptionError: Some of the names are stored labels, and not all.
    """
    stored = tuple(map(str, labels.tolist()))
    if not names or sorted(names) == sorted(stored):
        return stored
    # labels that training cases lack may be named too
    numbers = [str(number) for number in range(len(names))]
    if sorted(names) == sorted(numbers):
        return tuple(numbers)
    both = [name for name in names if name in stored]
    if both:
        raise refusal(
            "intake.some_classes_named",
            classes=listed(both, "`"),
            number=len(names),
            stored=listed(stored),
        )
    return tuple(names)


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
    present = read_present(MedMNIST, option_file, str(option_file))
    if source.md5 != present.md5 and source.file != present.file:
        raise of_another(option_file, str(option_file))
    renewed = described_as(source, present, options.copies)
    if options.classes or len(present.classes) != len(source.classes):
        return renewed
    # classes keep their names; the positive one is that of the line
    place = None if source.positive_class is None else source.classes.index(source.positive_class)
    positive = None if place is None else present.classes[place]
    return dataclasses.replace(renewed, classes=present.classes, positive_class=positive)
