"""What ingest refuses, so that no later stage meets it."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from skiagram.datasets.contract import Entry, Mark
from skiagram.errors import DataError, listed
from skiagram.images import Image, is_volume
from skiagram.tasks.cases import SEALED
from skiagram.tasks.task import Task

NO_TEST_SPLIT = "no published test split"
LEAST_RADIUS = 0.25  # pixels of a lesion: one voxel of thin slices is as a ball of .3
MIN_SIDE = 8  # a wavelet level or a texture needs neighbours


@dataclass
class Problems:
    """What becomes of faults of a data set: the first one stops, or all of them are collected.

    Attributes:
        collects: Whether work goes on past a fault.
        found: Each fault as it is said → the fault.
        images: Name of an image that cannot be used → why.
    """

    collects: bool = False
    found: dict[str, DataError] = field(default_factory=dict)
    images: dict[str, DataError] = field(default_factory=dict)

    def add(self, problem: DataError, image: str = "") -> None:
        """Collect a fault, or raise it.

        Args:
            image: Name of the image that cannot be used for it; empty for none.
        """
        if not self.collects:
            raise problem
        self.found.setdefault(str(problem), problem)
        if image:
            self.images[image] = problem

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Collect a fault that is raised within, where faults are collected."""
        try:
            yield
        except DataError as error:
            self.add(error)


def check_entries(entries: list[Entry], task: Task, where: str) -> None:
    """Refuse a source whose labels or splits cannot carry an evaluation."""
    hidden = [entry.label == SEALED and entry.split == "test" for entry in entries]
    if task.design == "cv" and any(hidden):
        raise DataError(
            "labels of test cases are encrypted",
            where=where,
            allowed="`design=holdout`, which leaves them to the end",
        )
    labels = {entry.label for entry, sealed in zip(entries, hidden, strict=True) if not sealed}
    outside = sorted(labels - set(range(len(task.classes))))
    if outside:
        raise DataError(
            f"labels {outside}", where=where, allowed=f"0 to {len(task.classes) - 1}, one per class"
        )
    if task.design == "holdout":
        splits = {entry.split for entry in entries}
        if None in splits or "test" not in splits:
            remedy = "choose `design=cv` for this data set"
            raise DataError(NO_TEST_SPLIT, where=where, remedy=remedy)
        images: dict[str, dict[str, str]] = defaultdict(dict)
        for entry in entries:
            if entry.patient is not None:
                images[entry.patient][str(entry.split)] = entry.name
        crossing = [names_by_split for names_by_split in images.values() if len(names_by_split) > 1]
        if crossing:
            example = " and ".join(f"`{name}` in {split}" for split, name in crossing[0].items())
            raise DataError(
                f"{len(crossing)} patients have images in several splits, for example {example}",
                where=where,
                allowed="one split per patient",
                remedy="put all images of a patient into the same split, or, in a project, choose "
                "`design=cv`",
            )
    open_labels = {entry.label for entry in entries if task.design == "cv" or entry.split != "test"}
    if len(open_labels) < 2:
        names = listed(task.classes[label] for label in open_labels) or "none"
        cases = "in the development set" if task.design == "holdout" else "among all cases"
        raise DataError(
            f"only one class {cases}: {names}",
            where=where,
            allowed="at least two classes",
            remedy="add cases of another class, or check the labels; where all images have "
            "lesions, name another column as the label, such as an outcome",
        )


def check_image(image: Image, where: str) -> None:
    """Refuse an image without usable pixels."""
    kind, sides = (
        ("slices", image.shape[1:3]) if is_volume(image) else ("an image", image.shape[:2])
    )
    remedy = "remove the image from the source"
    if min(sides) < MIN_SIDE:
        fault = f"{kind} of {' × '.join(map(str, sides))} pixels"
        allowed = f"at least {MIN_SIDE} pixels per side"
        raise DataError(fault, where=where, allowed=allowed, remedy=remedy)
    if image.dtype.kind == "f" and np.isinf(image).any():
        raise DataError(
            "infinite pixel values",
            where=where,
            allowed="finite values, or NaN for a missing pixel",
            remedy="mark these pixels as missing",
        )
    if image.dtype.kind == "f" and np.isnan(image).all():
        raise DataError("every pixel is missing", where=where, remedy=remedy)


def check_mark(mark: Mark, shape: tuple[int, ...], where: str) -> None:
    """Refuse a lesion off its image, larger than it, or with another number of axes.

    Args:
        shape: Of the image as it is stored.
    """
    sides = shape[:3] if len(shape) == 4 else shape[:2]
    names = "slice, row and column" if len(sides) == 3 else "row and column"
    within = f"{names} within {' × '.join(map(str, sides))}"
    place = ", ".join(f"{coordinate:.1f}" for coordinate in mark.centre)
    if len(mark.centre) != len(sides):
        raise DataError(
            f"a lesion with {len(mark.centre)} coordinates ({place})",
            where=where,
            allowed=within,
            remedy="give `x y radius` in plane images, `x y z radius` in volumes",
        )
    inside = [-0.5 <= at <= side - 0.5 for at, side in zip(mark.centre, sides, strict=True)]
    if not all(inside):
        raise DataError(
            f"a lesion at {place}, outside the image",
            where=where,
            allowed=within,
            remedy="correct its place, the order of its coordinates (x y, not row column), or the "
            "signs of mm (x grows to the left, y to the back)",
        )
    if mark.radius < LEAST_RADIUS:
        raise DataError(
            f"a lesion with a radius of {mark.radius:.3g} pixels",
            where=where,
            allowed=f"at least {LEAST_RADIUS} pixels",
            remedy="give pixels, not shares of the image's sides",
        )
    most = 2 * max(sides)  # of a square cut out of a film a lesion may go far beyond the square
    if mark.radius > most:
        raise DataError(
            f"a lesion with a radius of {mark.radius:.6g} pixels, larger than the image",
            where=where,
            allowed=f"at most {most} pixels, twice its longer side",
            remedy="correct the radius, or its unit",
        )
