"""Which cases a task has: films, or squares around lesions and at places like theirs.

A lesion's place is chosen by its label. Squares on normal films would be told apart by their place
alone if that were uniform; they take the places of the lesions, relative to the breast.
"""

from collections.abc import Iterator
from itertools import chain, count, islice
from typing import Literal

from skiagram.datasets.contract import Entry
from skiagram.datasets.mini_mias.breast_place import BreastPlace, pixel_at, relative_place
from skiagram.datasets.mini_mias.images import Films, MiniMiasCase
from skiagram.datasets.mini_mias.truth import SIDE, Film, Lesion
from skiagram.seeding import stream

TaskName = Literal["normal_abnormal", "benign_malignant"]


def select_cases(films: Films, task: TaskName, regions: bool, seed: int) -> list[MiniMiasCase]:
    """List the cases of a task.

    Args:
        films: The films, without normal ones where benign is told from malignant.
        task: What is told apart.
        regions: Whether cases are squares: one for each lesion whose place is known and on the
            breast, one for each normal film. Otherwise each film is one case, malignant if any of
            its lesions is.
        seed: Seed of the places of normal squares.

    Returns:
        Cases by film name; squares of normal films after all lesions.
    """
    if not regions:
        return [_case(films, film, film.name, _label(task, film.lesions)) for film in films.truth]
    lesions = [found for film in films.truth for found in _lesions_on_breast(films, film)]
    normal = [film for film in films.truth if not film.lesions]
    places = islice(_shuffled([place for _, _, place in lesions], seed), len(normal))
    return [
        *(
            _case(films, film, f"{film.name} lesion {at}", _label(task, (film.lesions[at],)), place)
            for film, at, place in lesions
        ),
        *(
            _case(films, film, film.name, 0, place)
            for film, place in zip(normal, places, strict=True)
        ),
    ]


def _label(task: TaskName, lesions: tuple[Lesion, ...]) -> int:
    if task == "normal_abnormal":
        return int(bool(lesions))
    return int(any(lesion.malignant for lesion in lesions))


def _lesions_on_breast(films: Films, film: Film) -> Iterator[tuple[Film, int, BreastPlace]]:
    mask = films.breast(film).mask()
    for at, lesion in enumerate(film.lesions):
        if lesion.place is None:
            continue
        row, column = lesion.place
        place = relative_place(mask, row, SIDE - 1 - column if film.left else column)
        if place is not None:
            yield film, at, place


def _shuffled(places: list[BreastPlace], seed: int) -> Iterator[BreastPlace]:
    """Yield all places in random order, again and again, so that none is much more frequent."""
    orders = (stream(seed, "normal places", turn).permutation(len(places)) for turn in count())
    return (places[at] for at in chain.from_iterable(orders))


def _case(
    films: Films, film: Film, name: str, label: int, place: BreastPlace | None = None
) -> MiniMiasCase:
    breast = films.breast(film)
    covariates = {
        "tissue": film.tissue,
        "side": "left" if film.left else "right",
        "mask_plausible": "yes" if breast.plausible else "no",
    }
    entry = Entry(name, film.patient, label, None, covariates)
    return MiniMiasCase(film, entry, None if place is None else pixel_at(breast.mask(), place))
