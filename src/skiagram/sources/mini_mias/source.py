"""The mini-MIAS mammograms: whole films, or squares around lesions and at places like theirs.

A lesion's place is chosen by its label. Squares on normal films would be told apart by their place
alone if that were uniform; they take the places of the lesions, relative to the breast.

New films must be digitised as the published ones were: 8 bits, pixels of 200 µm, 1024 × 1024 of
them. On which side the chest wall is follows from the breast, as no name tells it.

Reference: Suckling et al. 1994, The Mammographic Image Analysis Society digital mammogram database,
Excerpta Medica, International Congress Series 1069:375-378.
"""

import dataclasses
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, MutableMapping, Sequence
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.compute.progress import Progress
from skiagram.datasets.contract import Entry, Mark, OpenSource, RealDataSet
from skiagram.errors import DataError, OptionError
from skiagram.readers.files import unlike
from skiagram.readers.spaced_image import SpacedImage
from skiagram.seeding import stream
from skiagram.sources.mini_mias.films import (
    FILE,
    SIDE,
    SPACING,
    Breast,
    Film,
    FilmLesion,
    RelativePosition,
    block_means,
    find_breast,
    locate_folder,
    published_digests,
    read_film,
    read_truth,
    to_pixel,
    to_relative_position,
    wall_on_right,
)
from skiagram.strict import STRICT
from skiagram.tasks.cases import Split

Side = Annotated[int, Field(ge=16, le=SIDE)]
TaskName = Literal["normal_abnormal", "benign_malignant"]


@dataclass(**STRICT)
class WholeFilm:
    """A whole film, masked, turned and averaged.

    Attributes:
        size: Side of an image after averaging over square blocks.
        mask: Whether all outside the breast is set to 0.
        orient: Whether a film with the chest wall on the right is mirrored.
    """

    size: Side
    mask: bool
    orient: bool

    def acquire(self, film: SpacedImage) -> SpacedImage:
        """Turn a film of 1024 × 1024 uint8 into (size, size) float32, 0 to 255."""
        remedy = "digitise the film like the training films"
        pixels = _require_digitised(film, SIDE, "whole films", remedy)
        breast = find_breast(pixels)
        if not breast.blocks.any():
            raise DataError("no breast is found", allowed="films of a breast on a dark background")
        if self.mask:
            pixels = np.where(breast.mask(), pixels, np.uint8(0))
        if self.orient and wall_on_right(breast.blocks):
            pixels = pixels[:, ::-1]
        return average_blocks(pixels, self.size)


@dataclass(**STRICT)
class FilmPatch:
    """A square that was cut out around a place; which place, no film tells.

    Attributes:
        region: Side of the square in film pixels.
        size: Side of an image after averaging over square blocks.
        mask: Whether all outside the breast was set to 0 before.
        orient: Whether the chest wall was turned to the left before.
    """

    region: Side
    size: Side
    mask: bool
    orient: bool

    def acquire(self, film: SpacedImage) -> SpacedImage:
        """Turn a square of (region, region) uint8 into (size, size) float32, 0 to 255."""
        kind = "squares cut out around a place to judge"
        kind += ", chest wall on the left" * self.orient + ", black off the breast" * self.mask
        remedy = "cut the square out; the model classifies a lesion and does not find it"
        return average_blocks(_require_digitised(film, self.region, kind, remedy), self.size)


def average_blocks(pixels: NDArray[np.uint8], size: int) -> SpacedImage:
    """Average a square image over square blocks: (size, size) float32, its pixels further apart."""
    block = len(pixels) // size
    return SpacedImage(block_means(pixels, block), (block * SPACING, block * SPACING))


def _require_digitised(film: SpacedImage, side: int, kind: str, remedy: str) -> NDArray[np.uint8]:
    pixels, spacing = film.pixels, film.spacing
    stated = spacing or (SPACING, SPACING)
    if (
        pixels.dtype == np.uint8
        and pixels.shape == (side, side)
        and all(math.isclose(distance, SPACING, rel_tol=0.01) for distance in stated)
    ):
        return pixels
    shape = " × ".join(map(str, pixels.shape))
    distance = f" of {stated[0]:g} × {stated[1]:g} mm" if spacing else ""
    raise DataError(
        f"{shape} pixels of type {pixels.dtype}{distance}",
        allowed=f"{kind}: {side} × {side} pixels of {SPACING} mm, uint8",
        remedy=remedy,
    )


@dataclass(**STRICT)
class DrawnSplit:
    """How many images of each class are drawn; all others are left out.

    Attributes:
        seed: Seed of the draw.
        train: Class name → images for training.
        test: Class name → images for testing.
    """

    seed: Annotated[int, Field(ge=0)]
    train: dict[str, Annotated[int, Field(ge=1)]]
    test: dict[str, Annotated[int, Field(ge=1)]]

    def draw(self, entries: Sequence[Entry], classes: Sequence[str]) -> dict[int, Split]:
        """Draw whole patients, test before training; a patient's surplus images are left out.

        Returns:
            Position of each drawn entry → its split.
        """
        # The patients, in a random order.
        images: dict[str, list[int]] = defaultdict(list)
        for position, entry in enumerate(entries):
            images[str(entry.patient)].append(position)
        names = sorted(images)
        order = stream(self.seed, "drawn split").permutation(len(names))
        remaining_counts: dict[Split, Counter[int]] = {
            "test": Counter({classes.index(name): count for name, count in self.test.items()}),
            "train": Counter({classes.index(name): count for name, count in self.train.items()}),
        }
        drawn: dict[int, Split] = {}
        for patient in order:
            labels = {position: entries[position].label for position in images[names[patient]]}
            # the first split that can use any of the patient's images takes these
            for split, counts in remaining_counts.items():
                taken: dict[int, Split] = {}
                for position, label in labels.items():
                    if counts[label] > 0:
                        counts[label] -= 1
                        taken[position] = split
                if taken:
                    drawn |= taken
                    break
        # All images that were asked for must have been drawn.
        for split, counts in remaining_counts.items():
            short = {classes[label]: count for label, count in counts.items() if count}
            if short:
                fault = f"too few patients, {short} images short of the {split} split"
                raise DataError(fault, where="drawn split", remedy="lower the counts")
        return drawn


@dataclass(**STRICT)
class MiniMias(RealDataSet):
    """Options of mini-MIAS.

    Attributes:
        task: What is told apart; `benign_malignant` leaves normal films out.
        positive_class: Class looked for.
        region: Side of the squares in film pixels of 200 µm; None takes whole films.
        size: Side of an image after averaging over square blocks; divides the side before.
        mask: Whether all outside the breast is set to 0.
        orient: Whether films of the left breast are mirrored, so that the chest wall is always on
            the left.
        place_seed: Seed of the places of normal squares.
        split: Exact counts of a split to draw; None leaves the set without one.
        folder: Folder of films and text file below `SKIAGRAM_DATA`.
        url: Where the published archive can be fetched.
    """

    task: TaskName
    positive_class: str
    region: Side | None
    size: Side
    mask: bool
    orient: bool
    place_seed: Annotated[int, Field(ge=0)]
    split: DrawnSplit | None
    folder: str
    url: str

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.task.split("_"))

    def __post_init__(self) -> None:
        side = self.region or SIDE
        if side % self.size:
            allowed = f"a divisor of the {side} film pixels that an image covers"
            raise OptionError(f"{self.size} was given", where="dataset.size", allowed=allowed)
        counts = {} if self.split is None else {"train": self.split.train, "test": self.split.test}
        for split, by_class in counts.items():
            if set(by_class) != set(self.classes):
                fault, where = f"counts for {', '.join(by_class)}", f"dataset.split.{split}"
                allowed = f"one count for each of {', '.join(self.classes)}"
                raise OptionError(fault, where=where, allowed=allowed)

    @property
    def origin(self) -> str:
        return self.url

    def changed_files(
        self, root: Path | None, earlier_checksums: MutableMapping[str, str]
    ) -> dict[str, str]:
        folder, changed = (root or Path()) / self.folder, {}
        digests = published_digests()
        for path in sorted(folder.glob("*")) if root is not None else ():
            if path.stem not in digests and path.name != FILE:
                continue
            status = path.stat()
            state = repr((str(path), status.st_size, status.st_mtime_ns, status.st_ctime_ns))
            if (
                state not in earlier_checksums
            ):  # pixels are verified, which takes longer than to look
                try:
                    if path.name == FILE:
                        read_truth(path, digests)
                    else:
                        read_film(folder, path.stem, digests)
                    earlier_checksums[state] = ""
                except DataError:
                    earlier_checksums[state] = unlike(path, None, {})
            if earlier_checksums[state]:
                changed[path.name] = earlier_checksums[state]
        return changed

    def open(self, root: Path | None) -> "OpenMiniMias":
        # The films and what is known of them, verified.
        digests = published_digests()
        folder = locate_folder(self.folder, self.url, root, digests)
        truth = read_truth(folder / FILE, digests)
        if self.task == "benign_malignant":
            truth = [film for film in truth if film.lesions]
        films = FilmReader(folder, digests, truth)
        cases = select_cases(films, self.task, self.region is not None, self.place_seed)
        # A part of the cases, where a split is drawn.
        if self.split is not None:
            chosen = self.split.draw([case.entry for case in cases], self.classes)
            cases = [
                case._replace(entry=dataclasses.replace(case.entry, split=chosen[position]))
                for position, case in enumerate(cases)
                if position in chosen
            ]
        return OpenMiniMias(films, cases, self)


class MiniMiasCase(NamedTuple):
    """One case before its film is read.

    Attributes:
        centre: Row and column of the square's centre, chest wall on the left; None takes the
            whole film.
        lesions: The lesions that it is about: all on a whole film, one in a square.
    """

    film: Film
    entry: Entry
    centre: tuple[int, int] | None
    lesions: tuple[FilmLesion, ...] = ()


class FilmReader:
    """The films with the chest wall on the left, and the breast found on each."""

    def __init__(self, folder: Path, digests: Mapping[str, str], truth: Sequence[Film]) -> None:
        self._folder = folder
        self._digests = digests
        self.truth = truth
        self.breasts: dict[str, Breast] = {}
        with Progress("Verify films and find breasts", len(truth)) as bar:
            for film in truth:
                self.breasts[film.name] = find_breast(self.pixels(film))
                bar.advance()

    def pixels(self, film: Film) -> NDArray[np.uint8]:
        """Read one film, (1024, 1024) uint8, chest wall on the left."""
        pixels = read_film(self._folder, film.name, self._digests)
        return pixels[:, ::-1] if film.left else pixels


@dataclasses.dataclass(frozen=True)
class OpenMiniMias(OpenSource):
    """The cases of one task."""

    films: FilmReader
    cases: Sequence[MiniMiasCase]
    options: MiniMias

    def entries(self) -> list[Entry]:
        return [case.entry for case in self.cases]

    @property
    def acquisition(self) -> WholeFilm | FilmPatch:
        options = self.options
        if options.region is None:
            return WholeFilm(size=options.size, mask=options.mask, orient=options.orient)
        return FilmPatch(
            region=options.region, size=options.size, mask=options.mask, orient=options.orient
        )

    def image(self, position: int) -> SpacedImage:
        """Return one image, (size, size) float32, 0 to 255."""
        case, options = self.cases[position], self.options
        pixels = self.films.pixels(case.film)
        if options.mask:
            pixels = np.where(self.films.breasts[case.film.name].mask(), pixels, np.uint8(0))
        if options.region and case.centre:
            pixels = cut_patch(pixels, case.centre, options.region)
        mirrored = case.film.left and not options.orient
        return average_blocks(pixels[:, ::-1] if mirrored else pixels, options.size)

    def marks(self, position: int) -> tuple[Mark, ...]:
        """Return the lesions of one case that have a place on the breast and a radius."""
        case, options = self.cases[position], self.options
        side = options.region if options.region and case.centre else SIDE
        breast = self.films.breasts[case.film.name].mask()
        block, marks = side // options.size, []
        for lesion in case.lesions:
            place = case.film.wall_on_left(lesion)
            if place is None or not lesion.radius or not breast[place]:
                continue
            centre = [*place]
            if side < SIDE and case.centre is not None:
                pairs = zip(centre, case.centre, strict=True)
                centre = [place - middle + side // 2 for place, middle in pairs]
            if case.film.left and not options.orient:
                centre[1] = side - 1 - centre[1]
            # The centre of a film pixel in pixels of averaged blocks.
            placed = tuple((coordinate + 0.5) / block - 0.5 for coordinate in centre)
            marks.append(Mark(placed, max(lesion.radius / block, 0.5)))
        return tuple(marks)


def cut_patch(pixels: NDArray[np.uint8], centre: tuple[int, int], side: int) -> NDArray[np.uint8]:
    """Cut a square out; what lies beyond the film is 0.

    Args:
        pixels: (height, width) uint8.
        centre: Row and column that become row and column side // 2.
    """
    half = side // 2
    row, column = centre
    return np.pad(pixels, (half, side - half))[row : row + side, column : column + side]


def select_cases(films: FilmReader, task: TaskName, regions: bool, seed: int) -> list[MiniMiasCase]:
    """List the cases of a task.

    Args:
        regions: Whether cases are squares: one for each lesion whose place is known and on the
            breast, one for each normal film. Otherwise each film is one case, malignant if any of
            its lesions is.

    Returns:
        Cases by film name; squares of normal films after all lesions.
    """
    case = partial(_make_case, films, task)
    if not regions:
        return [case(film, film.name, film.lesions) for film in films.truth]
    cases, places = [], []
    for film in films.truth:
        mask = films.breasts[film.name].mask()
        for number, lesion in enumerate(film.lesions):
            centre = film.wall_on_left(lesion)
            place = None if centre is None else to_relative_position(mask, *centre)
            if place is not None:
                places.append(place)
                cases.append(case(film, f"{film.name} lesion {number}", (lesion,), place))
    normal = [film for film in films.truth if not film.lesions]
    # all places in random order, again and again, so that none is much more frequent
    orders = (stream(seed, "normal places", turn).permutation(len(places)) for turn in count())
    turns = zip(
        normal, (places[position] for position in chain.from_iterable(orders)), strict=False
    )
    return cases + [case(film, film.name, (), place) for film, place in turns]


def _make_case(
    films: FilmReader,
    task: TaskName,
    film: Film,
    name: str,
    lesions: tuple[FilmLesion, ...],
    place: RelativePosition | None = None,
) -> MiniMiasCase:
    breast = films.breasts[film.name]
    abnormal = task == "normal_abnormal"
    label = int(bool(lesions) if abnormal else any(lesion.malignant for lesion in lesions))
    covariates = {
        "tissue": film.tissue,
        "side": "left" if film.left else "right",
        "mask_plausible": "yes" if breast.plausible else "no",
    }
    entry = Entry(name, film.patient, label, None, covariates)
    centre = None if place is None else to_pixel(breast.mask(), place)
    return MiniMiasCase(film, entry, centre, lesions)
