"""Nearest neighbours: the training cases themselves decide."""

import numpy as np

from skiagram.fitting.contract import FitContext
from tests.models.classical.families import cohort, model


def test_one_neighbour_of_a_training_case_is_the_case_itself():
    cases = cohort(3)
    fitted = model("nearest_neighbours", n_neighbors=1).fit(cases, FitContext(0))
    np.testing.assert_array_equal(fitted.scores(cases.inputs).argmax(axis=1), cases.label)
