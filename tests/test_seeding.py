"""Streams are published: a later version must draw the same numbers."""

import numpy as np
import pytest

from skiagram.seeding import derived_seed, stream


def test_draws_of_a_seed_and_name_never_change():
    assert stream(0, "folds", 1).integers(0, 1000, 5).tolist() == [928, 696, 938, 377, 762]
    assert [derived_seed(seed, "fit") for seed in (0, 1)] == [1353008596, 1342070638]


@pytest.mark.parametrize(("seed", "name"), [(0, ("a",)), (1, ("a", "b")), (0, ("a", "b", 0))])
def test_other_names_and_seeds_draw_independently(seed, name):
    draws = stream(0, "a", "b").normal(size=4000)
    other = stream(seed, *name).normal(size=4000)
    assert abs(np.corrcoef(draws, other)[0, 1]) < 0.06
