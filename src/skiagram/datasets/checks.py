"""What ingest refuses, so that no later stage meets it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from skiagram.datasets.contract import Mark
from skiagram.errors import DataError, listed, refusal
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


def check_entries(entries: pd.DataFrame, task: Task, where: str) -> None:
    """Refuse a source whose labels or splits cannot carry an evaluation."""
    # labels are those of classes, or encrypted
    test = entries["split"] == "test"
    hidden = test & (entries["label"] == SEALED)
    if task.design == "cv" and hidden.any():
        raise refusal("datasets.encrypted_labels_under_cv", where)
    outside = sorted({*entries.loc[~hidden, "label"]} - {*range(len(task.predicted.classes))})
    if outside:
        raise refusal(
            "datasets.labels_out_of_range",
            where,
            labels=outside,
            last=len(task.predicted.classes) - 1,
        )
    # there is a test set, and no patient is in two splits
    if task.design == "holdout":
        if entries["split"].isna().any() or not test.any():
            remedy = "choose `design=cv` for this data set"
            raise DataError(NO_TEST_SPLIT, where=where, remedy=remedy)
        each_split = entries.dropna(subset="patient").drop_duplicates(["patient", "split"])
        crossing = each_split[each_split.duplicated("patient", keep=False)]
        if len(crossing):
            first = crossing[crossing["patient"] == crossing["patient"].iloc[0]]
            places = zip(first["name"], first["split"], strict=True)
            example = " and ".join(f"`{name}` in {split}" for name, split in places)
            raise refusal(
                "datasets.patients_in_several_splits",
                where,
                n_patients=crossing["patient"].nunique(),
                example=example,
            )
    # the development set has two classes
    open_labels = entries["label"][~test | (task.design == "cv")].unique().tolist()
    if len(open_labels) < 2:
        names = listed(task.predicted.classes[label] for label in open_labels) or "none"
        cases = "in the development set" if task.design == "holdout" else "among all cases"
        raise refusal("datasets.one_class", where, cases=cases, names=names)


def check_image(image: Image, where: str) -> None:
    """Refuse an image without usable pixels."""
    kind, sides = (
        ("slices", image.shape[1:3]) if is_volume(image) else ("an image", image.shape[:2])
    )
    if min(sides) < MIN_SIDE:
        raise refusal(
            "datasets.small_image",
            where,
            what=kind,
            sides=sides,
            least=MIN_SIDE,
        )
    if image.dtype.kind == "f" and np.isinf(image).any():
        raise refusal("datasets.infinite_pixels", where)
    if image.dtype.kind == "f" and np.isnan(image).all():
        raise refusal("datasets.no_pixel", where)


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
        raise refusal(
            "datasets.lesion_of_other_axes",
            where,
            n_coordinates=len(mark.centre),
            place=place,
            within=within,
        )
    inside = [-0.5 <= at <= side - 0.5 for at, side in zip(mark.centre, sides, strict=True)]
    if not all(inside):
        raise refusal("datasets.lesion_outside", where, place=place, within=within)
    if mark.radius < LEAST_RADIUS:
        raise refusal("datasets.tiny_lesion", where, radius=mark.radius, least=LEAST_RADIUS)
    most = 2 * max(sides)  # of a square cut out of a film a lesion may go far beyond the square
    if mark.radius > most:
        raise refusal("datasets.huge_lesion", where, radius=mark.radius, most=most)
