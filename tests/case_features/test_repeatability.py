"""The intraclass correlation of what is measured on changed copies, and the choice by it."""

import numpy as np
import pytest

from skiagram.case_features.repeatability import (
    Repeatable,
    correlate_copies,
    intraclass_correlation,
)
from skiagram.records.feature_table import FeatureTable

JUDGES = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


@pytest.mark.parametrize(
    ("form", "value", "interval"),
    [("ICC(1,1)", 0.16574177, (-0.13, 0.72)), ("ICC(3,1)", 0.71484071, (0.34, 0.95))],
)
def test_the_judges_of_shrout_and_fleiss_agree_as_published(form, value, interval):
    """Their table 2 gives .17 and .71; further digits and intervals are pingouin 0.7's."""
    found = intraclass_correlation(JUDGES, form)
    assert found.value == pytest.approx(value, abs=5e-9)
    assert (round(found.low, 2), round(found.high, 2)) == interval


def test_a_constant_and_an_unchanging_feature_have_a_correlation():
    assert intraclass_correlation(np.full((5, 3), 0.1)).value == 0
    unchanging = np.repeat(np.random.default_rng(0).normal(size=(5, 1)), 3, axis=1)
    assert intraclass_correlation(unchanging).low == 1


def table(lasts):
    generator = np.random.default_rng(5)
    truth = generator.normal(size=(60, 2))
    noise = np.array([0.1, lasts])
    copies = [truth + noise * generator.normal(size=truth.shape) for _ in range(3)]
    names = ["PET.glcm_a", "PET.glcm_b", "covariates_age"]
    names += [f"PET.perturbed_{copy}.glcm_{one}" for copy in (1, 2, 3) for one in "ab"]
    values = np.hstack([truth, np.ones((60, 1)), *copies]).astype(np.float32)
    return FeatureTable(np.array([f"c{case}" for case in range(60)]), tuple(names), values)


def test_features_that_change_are_left_out_and_others_kept():
    patient = np.repeat([f"p{patient}" for patient in range(30)], 2)
    found = correlate_copies(table(lasts=2.0), patient)
    assert set(found) == {"PET.glcm_a", "PET.glcm_b"}
    assert found["PET.glcm_a"].value > 0.95 > 0.5 > found["PET.glcm_b"].value
    names = ("PET.glcm_b", "PET.glcm_a", "covariates_age")
    chosen = Repeatable(least=0.75).choose(table(lasts=2.0), patient, names)
    assert chosen == ("PET.glcm_a", "covariates_age")
    assert Repeatable(least=0.75).choose(table(lasts=0.1), patient, names) == names
