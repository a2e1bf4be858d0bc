"""A model of normals alone: abnormal cases change nothing, and far is abnormal."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from skiagram.errors import ModelFailure, OptionError
from skiagram.fitting.contract import FitContext
from tests.models.classical.families import cohort, model


@pytest.mark.parametrize("positive", [0, 1])
def test_the_distance_is_that_of_scipy_and_has_the_sign_of_the_class(positive):
    cases = cohort(2)
    few = replace(cases, inputs=cases.inputs.columns(("c", "d")))
    found = model("one_class", normalisation="none").fit(few, FitContext(1, positive=positive))
    values = few.inputs.values.astype(np.float64)
    shrunk = LedoitWolf().fit(values[cases.label != positive])
    expected = [mahalanobis(one, shrunk.location_, shrunk.precision_) for one in values]
    scores = found.scores(few.inputs)
    assert_allclose(scores[:, positive], expected, rtol=1e-9)
    assert_array_equal(scores[:, 1 - positive], -scores[:, positive])


def test_abnormal_cases_change_nothing_not_even_the_normalisation(tmp_path):
    cases = cohort(2)
    values = cases.inputs.values.copy()
    values[cases.label == 1] *= -50
    changed = replace(cases, inputs=replace(cases.inputs, values=values))
    for name, one in {"first": cases, "second": changed}.items():
        model("one_class", components=3).fit(one, FitContext(1, positive=1)).save(tmp_path / name)
    first, second = (tmp_path / name / "model.skops" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()


def test_several_classes_are_refused_by_name():
    with pytest.raises(ModelFailure, match="3 classes; this model needs one normal class"):
        model("one_class").fit(cohort(3), FitContext(1))


def test_a_selection_that_needs_both_classes_is_refused():
    with pytest.raises(OptionError, match="normals alone"):
        model("one_class", selection={"method": "auc", "keep": 2})
    kept = model("one_class", selection={"method": "variance", "keep": 2})
    assert kept.fit(cohort(2), FitContext(1, positive=1)).summary.parameters == 2 + 3
