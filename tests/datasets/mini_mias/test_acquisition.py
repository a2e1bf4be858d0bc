"""A new film goes through what the published ones went through, or is refused by name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skiagram.datasets.contract import SpacedImage
from skiagram.errors import DataError
from tests.datasets.mini_mias.test_source import options
from tests.datasets.mini_mias_folder import film


@pytest.mark.thorough
@pytest.mark.parametrize("changes", [{}, {"orient": False}, {"mask": False}], ids=str)
def test_a_film_becomes_what_ingest_stores_whichever_breast_it_shows(
    changes: dict[str, Any], root: Path
) -> None:
    opened = options(size=128, **changes).open(root)
    for number in (1, 2, 3, 10):
        found = opened.acquisition.acquire(SpacedImage(film(number)))
        np.testing.assert_array_equal(found.pixels, opened.image(number - 1).pixels)
        assert found.spacing == opened.image(number - 1).spacing


def test_a_square_is_averaged_and_a_whole_film_refused(root: Path) -> None:
    opened = options("regions", region=64, size=16).open(root)
    square = film(2)[400:464, 300:364]
    found = opened.acquisition.acquire(SpacedImage(square))
    np.testing.assert_allclose(found.pixels, square.reshape(16, 4, 16, 4).mean((1, 3)), rtol=1e-6)
    assert found.spacing == (0.8, 0.8)
    with pytest.raises(DataError) as refused:
        opened.acquisition.acquire(SpacedImage(film(2)))
    assert "1024 × 1024 pixels of type uint8" in refused.value.found
    assert "chest wall on the left, black off the breast: 64 × 64 pixels" in refused.value.allowed
    assert "classifies a lesion and does not find it" in refused.value.remedy


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"pixels": film(2)[:512]}, "512 × 1024 pixels of type uint8"),
        ({"pixels": film(2).astype(np.uint16)}, "1024 × 1024 pixels of type uint16"),
        ({"spacing": (0.1, 0.1)}, "uint8 of 0.1 × 0.1 mm"),
        ({"pixels": np.zeros((1024, 1024), np.uint8)}, "no breast is found"),
    ],
    ids=["cut", "deep", "finer", "blank"],
)
def test_a_film_of_another_kind_is_refused(
    changed: dict[str, object], found: str, root: Path
) -> None:
    sound = SpacedImage(film(2), (0.2, 0.2))
    acquisition = options(size=128).open(root).acquisition
    assert acquisition.acquire(sound).pixels.shape == (128, 128)
    with pytest.raises(DataError, match=found):
        acquisition.acquire(replace(sound, **changed))  # type: ignore[arg-type]
