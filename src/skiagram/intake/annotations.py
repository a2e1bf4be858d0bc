"""Lesions from the files of other programs, each counted once, of the classes that are meant.

Classes are never mixed, and what several readers drew is never counted twice: both are refused
until somebody says what is meant.
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np

from skiagram.datasets.folder.lesions import Lesion, check_each_once
from skiagram.errors import DataError, named
from skiagram.intake.annotation_formats import MarkUnit, read_annotations
from skiagram.intake.file_names import FileNames

SimilarMarks = Literal["join", "apart"]
_ALIKE = 0.5  # share of their common area from which two lesions may be one
_PIXEL = math.sqrt(1 / math.pi)  # radius of the circle of a pixel
_NO_LESION = re.compile(
    r"(?i)\W*(no[ _-]?(finding|lesion|tumou?r|mass|nodule)s?|normal|healthy|none"
    r"|background)\W*"
)


@dataclass(frozen=True)
class Images:
    """The images whose lesions a file names.

    Attributes:
        files: Their names, relative to the folder.
        shape: Returns height and width of one, with what else its shape has.
    """

    files: Sequence[str]
    shape: Callable[[str], tuple[int, ...]]

    def find(self, name: str) -> str:
        """Return the file that a name means.

        Args:
            name: With all folders of the file, some or none, maybe further ones before; with its
                ending or without, maybe in another case. Folders are separated by slashes, or as
                Windows does.

        Raises:
            DataError: It means none, or several.
        """
        meant = self._names.meant(name) or self._names.alike(name)
        if len(meant) == 1:
            return meant[0]
        fault, allowed = "is no file here", "names of the images, as the patterns find them"
        if meant:
            fault = f"names several files: {', '.join(meant[:3])}"
        elif elsewhere := self._names.elsewhere(name):
            fault = f"is in another folder here: {', '.join(elsewhere[:3])}"
            allowed = "names with the folders that they have here, or without any"
        raise DataError(
            f"lesions of `{name}`, which {fault}",
            allowed=allowed,
            remedy="correct the name, or remove its lesions",
        )

    def check_sides(self, file: str, name: str, sides: tuple[int, int]) -> None:
        """Refuse lesions of an image that had other sides, (height, width), when they were drawn.

        Args:
            sides: 0 where the file does not say them.
        """
        if all(sides) and self.shape(file)[:2] != sides:
            raise DataError(
                f"a lesion of `{name}` with {_sides(sides)} pixels, which has "
                f"{_sides(self.shape(file)[:2])} here",
                allowed="lesions in the pixels of the image as it is",
                remedy="scale the lesions as the image was scaled",
            )

    @cached_property
    def _names(self) -> FileNames:
        return FileNames(self.files)


def _sides(sides: Iterable[int]) -> str:
    return " × ".join(map(str, sides))


@dataclass(frozen=True)
class MarkChoice:
    """What is meant where a file of lesions allows several readings.

    Attributes:
        classes: Those that count; empty where the file has one.
        similar: Whether lesions of an image that nearly coincide are one; None refuses them.
        unit: Whether the coordinates of a CSV are pixels, or shares of an image's sides.
        radius: Of lesions that are given as points, mm in volumes, else pixels; None refuses them.
    """

    classes: tuple[str, ...] = ()
    similar: SimilarMarks | None = None
    unit: MarkUnit = "pixels"
    radius: float | None = None


def read_lesions(
    path: Path, images: Images, choice: MarkChoice | None = None
) -> dict[str, list[Lesion]]:
    """Return image → its lesions.

    Args:
        path: A file of one of the programs, or a folder of such files.

    Raises:
        DataError: It cannot be read, a lesion is of an image that is not there, or there twice; it
            has several classes, or lesions that nearly coincide, and no choice says what is meant.
            The message names file and line.
    """
    choice = choice or MarkChoice()
    annotations = [
        annotation
        for annotation in read_annotations(path, choice.unit, choice.radius)
        if not _NO_LESION.fullmatch(annotation.kind)
    ]
    # the classes that are meant, where there are several
    where = str(path)
    counts = Counter(annotation.kind for annotation in annotations)
    listed = ", ".join(f"`{kind}` ({number})" for kind, number in counts.most_common(20))
    unknown = [kind for kind in choice.classes if kind not in counts]
    if unknown:
        fault = f"no lesion of the class `{unknown[0]}`"
        raise DataError(fault, where=where, allowed=listed, remedy="correct `--mark-class`")
    if not choice.classes and len(counts) > 1:
        raise DataError(
            f"lesions of {len(counts)} classes: {listed}",
            where=where,
            allowed="one class, or a choice of classes",
            remedy=f"name those that are looked for, for example `--mark-class "
            f"'{counts.most_common(1)[0][0]}'`",
        )
    if choice.classes:
        annotations = [each for each in annotations if each.kind in choice.classes]
    lesions: dict[str, list[Lesion]] = {}
    for annotation in annotations:
        with named(annotation.where):
            file = images.find(annotation.image)
            images.check_sides(file, annotation.image, annotation.sides)
            lesion = annotation.lesion(partial(images.shape, file))
            if not lesion.world and lesion.radius <= _PIXEL * (1 + 1e-9):
                raise DataError(
                    f"a lesion at `{lesion.text()}`, no larger than a pixel",
                    allowed="lesions of several pixels",
                    remedy="where the numbers are shares of the image's sides add `--mark-unit "
                    "shares`; a box that stands for no finding has no row, or a class of its own "
                    "such as `No finding`",
                )
            lesions.setdefault(file, []).append(lesion)
    for file, image_lesions in lesions.items():
        with named(f"{path}, lesions of `{file}`"):
            lesions[file] = _each_once(image_lesions, choice.similar)
    return lesions


def _each_once(lesions: list[Lesion], similar: SimilarMarks | None) -> list[Lesion]:
    """Return lesions of an image of which none nearly coincide; refuse such without a choice."""
    # pairs whose common part, as of squares or cubes, is half of both or more
    pairs = []
    for later, lesion in enumerate(lesions if similar != "apart" else ()):
        for earlier, other in enumerate(lesions[:later]):
            if lesion.world != other.world or len(lesion.centre) != len(other.centre):
                continue
            centres = np.array([lesion.centre, other.centre])
            radii = np.array([lesion.radius, other.radius])
            high = (centres + radii[:, None]).min(axis=0)
            low = (centres - radii[:, None]).max(axis=0)
            common = float(np.prod(np.clip(high - low, 0, None)))
            sizes = float(((2 * radii) ** centres.shape[1]).sum())
            if common / (sizes - common) >= _ALIKE:
                pairs.append((later, earlier))
    # such as several readers drew are joined where somebody said so
    exact = len(set(lesions)) < len(lesions)
    if pairs and similar is None and not exact:
        later, earlier = pairs[0]
        raise DataError(
            f"the lesions `{lesions[earlier].text()}` and `{lesions[later].text()}` share half of "
            "their area or more, as of several readers",
            allowed="each lesion once",
            remedy="count them as one lesion with `--similar-marks join`, or as different "
            "lesions with `--similar-marks apart`",
        )
    if similar != "join":
        check_each_once(lesions)
        return lesions
    group = list(range(len(lesions)))
    for later, earlier in pairs:
        group = [group[earlier] if place == group[later] else place for place in group]
    joined = []
    for place in dict.fromkeys(group):
        members = [each for each, at in zip(lesions, group, strict=True) if at == place]
        numbers = np.mean([[*member.centre, member.radius] for member in members], axis=0).tolist()
        joined.append(Lesion(tuple(numbers[:-1]), numbers[-1], members[0].world))
    return joined
