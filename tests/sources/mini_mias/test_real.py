"""The 322 real films of mini-MIAS."""

from collections import Counter

import numpy as np
import pytest

from skiagram.readers.spaced_image import SpacedImage
from skiagram.sources.mini_mias.films import published_digests, read_film
from skiagram.sources.mini_mias.source import select_cases
from tests.sources.mini_mias.test_source import options

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def squares(real_data):
    return options("regions", mask=False, size=128).open(real_data)


def test_films_have_the_published_counts(squares):
    cases = select_cases(squares.films, "normal_abnormal", regions=False, seed=0)
    assert Counter(case.entry.label for case in cases) == {0: 207, 1: 115}
    assert len({case.entry.patient for case in cases}) == 161
    assert Counter(case.entry.covariates["tissue"] for case in cases) == {
        "fatty": 106,
        "fatty-glandular": 104,
        "dense-glandular": 112,
    }
    drawn = (case.film.lesions for case in cases if case.film.lesions)
    severity = Counter(any(lesion.malignant for lesion in lesions) for lesions in drawn)
    assert severity == {False: 63, True: 52}


def test_breasts_hold_their_lesions(squares):
    lost, placed = set(), 0
    for film in squares.films.truth:
        mask = squares.films.breasts[film.name].mask()
        mask = mask[:, ::-1] if film.left else mask
        places = [lesion.place for lesion in film.lesions if lesion.place]
        placed += len(places)
        lost |= {film.name for place in places if not mask[place]}
    assert placed == 119
    assert lost == {"mdb212", "mdb214"}  # their recorded places lie on empty film


def test_chest_wall_is_on_the_left(squares):
    """A breast is taller at the chest wall than at the nipple, unless it fills the film."""
    undecided = set()
    for film in squares.films.truth:
        height = squares.films.breasts[film.name].blocks.sum(axis=0)
        filled = np.flatnonzero(height)
        if height[filled[0] + 5] <= height[filled[-1] - 5]:
            undecided.add(film.name)
    assert undecided <= {"mdb151", "mdb152"}


def test_squares_are_centred_on_their_lesions(squares):
    right, upside_down = [], []
    for at, case in enumerate(squares.cases):
        if not case.film.lesions or case.centre is None:
            continue
        row, column = case.centre
        pixels = squares.films.pixels(case.film)
        assert np.asarray(squares.image(at).pixels)[64, 64] == pixels[row, column]
        right.append(pixels[row, column])
        upside_down.append(pixels[1023 - row, column])
    assert len(right) == 117
    assert np.mean(right) > np.mean(upside_down) + 20
    assert min(right) > 60 > min(upside_down)


def test_preset_of_the_article_has_its_counts(squares):
    article = options("article")
    cases = select_cases(squares.films, article.task, regions=False, seed=0)
    entries = [case.entry for case in cases]
    drawn = article.split.draw(entries, article.classes)
    assert Counter((split, entries[at].label) for at, split in drawn.items()) == {
        ("train", 0): 80,
        ("train", 1): 20,
        ("test", 0): 10,
        ("test", 1): 10,
    }
    train, test = (
        {entries[at].patient for at, split in drawn.items() if split == side}
        for side in ("train", "test")
    )
    assert not train & test


def test_published_films_become_what_ingest_stores(real_data):
    opened, digests = options("films").open(real_data), published_digests()
    for at, case in list(enumerate(opened.cases))[::20]:
        pixels = read_film(real_data / "mini-mias", case.film.name, digests)
        found = opened.acquisition.acquire(SpacedImage(pixels))
        np.testing.assert_array_equal(found.pixels, opened.image(at).pixels, case.film.name)
