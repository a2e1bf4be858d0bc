"""The texture family: its options, and what makes its features move."""

import numpy as np
import pytest

from skiagram.errors import OptionError
from skiagram.features.batch import Batch
from skiagram.features.discretisation import Discretisation
from skiagram.features.texture import Texture
from skiagram.options import check

LEVELS = Discretisation(bin_number=16, bin_width=None)


@pytest.mark.parametrize(
    ("option", "value"), [("distances", []), ("distances", [0]), ("radii", [1, 1]), ("radii", [99])]
)
def test_nonsense_is_refused_by_name(option: str, value: list[int]) -> None:
    levels = {"bin_number": 16, "bin_width": None}
    values = {"levels": levels, "distances": [1], "radii": [1], option: value}
    with pytest.raises(OptionError, match=rf"texture\.{option}"):
        check(Texture, values, "texture")


def test_fixed_bin_number_makes_texture_blind_to_unit_and_offset() -> None:
    images = np.random.default_rng(0).integers(0, 256, size=(2, 20, 20)).astype(np.float32)
    family = Texture(levels=LEVELS, distances=(1, 3), radii=(1, 2))
    np.testing.assert_allclose(
        family.extract(Batch(images * 4 - 1024)), family.extract(Batch(images))
    )


def test_columns_stand_under_their_names() -> None:
    stripes = np.tile(
        np.array([0, 1], dtype=np.float32), (1, 16, 8)
    )  # columns differ, two apart are equal
    family = Texture(levels=LEVELS, distances=(1, 2), radii=(1,))
    found = dict(zip(family.names(), family.extract(Batch(stripes))[0], strict=True))
    assert found["texture_glcm_distance_1_contrast"] == 15**2 * 3 / 4  # all but the vertical
    assert found["texture_glcm_distance_2_contrast"] == 0
    assert found["texture_lbp_radius_1_uniform_8"] == 0.5  # the dark columns
