"""The text file that says what is on each film of mini-MIAS.

A row holds film, tissue, and either NORM or class, severity, x, y and radius of one abnormality in
pixels of 200 µm, y counted from the bottom (Suckling et al. 1994, Excerpta Medica 1069:375). Films
2k - 1 and 2k are one patient. The letters on the films show that odd numbers are left breasts; the
file's own first note says the opposite.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skiagram.errors import DataError

FILE = "Info.txt"
SIDE = 1024
SPACING = 0.2  # mm
_ROW = re.compile(
    r"(mdb\d{3}) ([FGD]) (?:NORM|(?:CALC|CIRC|SPIC|MISC|ARCH|ASYM) ([BM])"
    r"(?: (\d{1,4}) (\d{1,4}) \d{1,3}| \*NOTE 3\*)?)"
)
_TISSUE = {"F": "fatty", "G": "fatty-glandular", "D": "dense-glandular"}


@dataclass(frozen=True)
class Lesion:
    """One abnormality.

    Attributes:
        malignant: Its severity; otherwise it is benign.
        place: Row and column of the centre in film pixels, row 0 at the top; None where the file
            gives none.
    """

    malignant: bool
    place: tuple[int, int] | None


@dataclass(frozen=True)
class Film:
    """One film.

    Attributes:
        name: Reference number, `mdb001` to `mdb322`.
        tissue: `fatty`, `fatty-glandular` or `dense-glandular`.
        lesions: Abnormalities in the file's order; empty on a normal film.
    """

    name: str
    tissue: str
    lesions: tuple[Lesion, ...]

    @property
    def patient(self) -> str:
        """The patient's number; films 2k - 1 and 2k belong to patient k."""
        return str((int(self.name[3:]) + 1) // 2)

    @property
    def left(self) -> bool:
        """Whether it shows the left breast, with the chest wall on the right of the film."""
        return int(self.name[3:]) % 2 == 1

    @property
    def malignant(self) -> bool:
        """Whether any abnormality is malignant."""
        return any(lesion.malignant for lesion in self.lesions)


def read_truth(path: Path, digests: Mapping[str, str]) -> list[Film]:
    """Read and verify the file.

    Args:
        path: Path of `Info.txt`.
        digests: Published digests; that of this file is over its film rows with single spaces, so
            line ends and headings may differ.

    Returns:
        Films by name.

    Raises:
        DataError: The file is missing, a row cannot be read, or the rows are not the published.
    """
    try:
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError as error:
        raise DataError(
            f"cannot be read ({error.strerror})", where=FILE, remedy="put it beside the films"
        ) from error
    numbered = [(at, " ".join(line.split())) for at, line in enumerate(lines, start=1)]
    rows = [(at, row) for at, row in numbered if row.startswith("mdb")]
    films: dict[str, Film] = {}
    for at, row in rows:
        film = _parsed(row, at)
        known = films.get(film.name)
        films[film.name] = _joined(known, film, at) if known else film
    found = hashlib.sha256("\n".join(row for _, row in rows).encode()).hexdigest()
    if found != digests[FILE]:
        raise DataError(
            f"checksum {found} of {len(rows)} film rows",
            where=FILE,
            allowed=digests[FILE],
            remedy="fetch the file again",
        )
    return [films[name] for name in sorted(films)]


def _parsed(row: str, at: int) -> Film:
    match = _ROW.fullmatch(row)
    if match is None:
        raise _refused(row, at)
    name, tissue, severity, x, y = match.groups()
    if severity is None:
        return Film(name, _TISSUE[tissue], ())
    if x is None:
        return Film(name, _TISSUE[tissue], (Lesion(severity == "M", None),))
    if max(int(x), int(y)) >= SIDE:
        raise _refused(row, at)
    place = (SIDE - 1 - int(y), int(x))
    return Film(name, _TISSUE[tissue], (Lesion(severity == "M", place),))


def _joined(known: Film, film: Film, at: int) -> Film:
    if known.tissue != film.tissue or not (known.lesions and film.lesions):
        raise DataError(
            f"line {at} contradicts an earlier row of {film.name}",
            where=FILE,
            allowed="one tissue a film, several rows for abnormalities alone",
        )
    return Film(film.name, film.tissue, known.lesions + film.lesions)


def _refused(row: str, at: int) -> DataError:
    return DataError(
        f"line {at} cannot be read: {row!r}",
        where=FILE,
        allowed=f"film, F, G or D, NORM or class, B or M, x, y (below {SIDE}) and radius",
        remedy="fetch the file again",
    )
