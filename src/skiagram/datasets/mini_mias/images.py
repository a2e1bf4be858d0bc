"""From verified films to the images of cases: oriented, masked, cut out and averaged."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skiagram.datasets.contract import Entry, SpacedImage, Truth
from skiagram.datasets.drawn_split import DrawnSplit
from skiagram.datasets.mini_mias.acquisition import Square, WholeFilm, averaged
from skiagram.datasets.mini_mias.breast_mask import Breast, find_breast
from skiagram.datasets.mini_mias.files import read_film
from skiagram.datasets.mini_mias.truth import Film
from skiagram.progress import Progress


@dataclasses.dataclass(frozen=True)
class MiniMiasCase:
    """One case before its film is read.

    Attributes:
        film: Its film.
        entry: What ingest is told.
        centre: Row and column of the square's centre, chest wall on the left; None takes the
            whole film.
    """

    film: Film
    entry: Entry
    centre: tuple[int, int] | None


class Films:
    """The films with the chest wall on the left, and the breast found on each.

    Args:
        folder: Folder with the films.
        digests: Published digests of the films.
        truth: The films to use.
    """

    def __init__(self, folder: Path, digests: Mapping[str, str], truth: Sequence[Film]) -> None:
        self._folder = folder
        self._digests = digests
        self.truth = truth
        self._breasts: dict[str, Breast] = {}
        with Progress("Verify films and find breasts", len(truth)) as bar:
            for film in truth:
                self._breasts[film.name] = find_breast(self.pixels(film))
                bar.advance()

    def pixels(self, film: Film) -> NDArray[np.uint8]:
        """Read one film, (1024, 1024) uint8, chest wall on the left."""
        pixels = read_film(self._folder, film.name, self._digests)
        return pixels[:, ::-1] if film.left else pixels

    def breast(self, film: Film) -> Breast:
        """Return the breast on a film, chest wall on the left."""
        return self._breasts[film.name]


@dataclasses.dataclass(frozen=True)
class OpenMiniMias:
    """The cases of one task.

    Attributes:
        films: The films.
        cases: The cases in source order.
        region: Side of the squares in film pixels; None takes whole films.
        size: Side of an image after averaging.
        mask: Whether all outside the breast is set to 0.
        orient: Whether the chest wall stays on the left.
    """

    films: Films
    cases: Sequence[MiniMiasCase]
    region: int | None
    size: int
    mask: bool
    orient: bool

    def entries(self) -> list[Entry]:
        """List every image."""
        return [case.entry for case in self.cases]

    @property
    def acquisition(self) -> WholeFilm | Square:
        """What becomes of a new film, whose breast and chest wall are found on it."""
        if self.region is None:
            return WholeFilm(size=self.size, mask=self.mask, orient=self.orient)
        return Square(region=self.region, size=self.size, mask=self.mask, orient=self.orient)

    def image(self, position: int) -> SpacedImage:
        """Return one image, (size, size) float32, 0 to 255."""
        case = self.cases[position]
        pixels = self.films.pixels(case.film)
        if self.mask:
            pixels = np.where(self.films.breast(case.film).mask(), pixels, np.uint8(0))
        if self.region and case.centre:
            pixels = cut_out(pixels, case.centre, self.region)
        mirrored = case.film.left and not self.orient
        return averaged(pixels[:, ::-1] if mirrored else pixels, self.size)

    def truth(self, position: int) -> Truth | None:
        """Return None: these are real images."""
        return None

    def drawn(self, split: DrawnSplit, classes: Sequence[str]) -> "OpenMiniMias":
        """Return the cases of a drawn split alone.

        Raises:
            DataError: There are too few patients of a class.
        """
        chosen = split.draw(self.entries(), classes)
        cases = [
            dataclasses.replace(case, entry=dataclasses.replace(case.entry, split=chosen[at]))
            for at, case in enumerate(self.cases)
            if at in chosen
        ]
        return dataclasses.replace(self, cases=cases)


def cut_out(pixels: NDArray[np.uint8], centre: tuple[int, int], side: int) -> NDArray[np.uint8]:
    """Cut a square out; what lies beyond the film is 0.

    Args:
        pixels: (height, width) uint8.
        centre: Row and column that become row and column side // 2.
        side: Side of the square.
    """
    half = side // 2
    row, column = centre
    return np.pad(pixels, (half, side - half))[row : row + side, column : column + side]
