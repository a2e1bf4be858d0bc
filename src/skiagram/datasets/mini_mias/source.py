"""The mini-MIAS mammograms: whole films, or squares around lesions and at places like theirs.

Reference: Suckling et al. 1994, The Mammographic Image Analysis Society digital mammogram database,
Excerpta Medica, International Congress Series 1069:375-378.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field as Limits
from pydantic.dataclasses import dataclass

from skiagram.datasets.described import Described
from skiagram.datasets.drawn_split import DrawnSplit
from skiagram.datasets.mini_mias.files import locate_folder, published_digests
from skiagram.datasets.mini_mias.images import Films, OpenMiniMias
from skiagram.datasets.mini_mias.selection import select_cases
from skiagram.datasets.mini_mias.truth import FILE, SIDE, read_truth
from skiagram.errors import OptionError
from skiagram.options import STRICT


@dataclass(**STRICT)
class MiniMias(Described):
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

    task: Literal["normal_abnormal", "benign_malignant"]
    positive_class: str
    region: Annotated[int, Limits(ge=16, le=SIDE)] | None
    size: Annotated[int, Limits(ge=16, le=SIDE)]
    mask: bool
    orient: bool
    place_seed: Annotated[int, Limits(ge=0)]
    split: DrawnSplit | None
    folder: str
    url: str

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in label order."""
        return tuple(self.task.split("_"))

    def __post_init__(self) -> None:
        """Check what depends on several options.

        Raises:
            OptionError: The size does not divide the side, or a split does not fit the classes.
        """
        side = self.region or SIDE
        if side % self.size:
            raise OptionError(
                f"{self.size} was given",
                where="dataset.size",
                allowed=f"a divisor of the {side} film pixels that an image covers",
            )
        if self.split is not None:
            self.split.check_classes(self.classes)

    @property
    def origin(self) -> str:
        """Where the images are from, for the report."""
        return self.url

    def open(self, root: Path | None) -> OpenMiniMias:
        """Verify the films, find the breasts and list the cases.

        Raises:
            DataError: A film or the text file is missing, altered or unreadable.
        """
        digests = published_digests()
        folder = locate_folder(self.folder, self.url, root, digests)
        truth = read_truth(folder / FILE, digests)
        if self.task == "benign_malignant":
            truth = [film for film in truth if film.lesions]
        films = Films(folder, digests, truth)
        cases = select_cases(films, self.task, self.region is not None, self.place_seed)
        opened = OpenMiniMias(films, cases, self.region, self.size, self.mask, self.orient)
        return opened if self.split is None else opened.drawn(self.split, self.classes)
