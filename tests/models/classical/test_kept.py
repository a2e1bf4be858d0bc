"""A fit names the features it kept, whatever step chose them."""

from dataclasses import replace

import numpy as np
import pytest

from skiagram.features.covariates import PREFIX
from skiagram.features.table import FeatureTable
from skiagram.models.contract import FitContext, Labelled
from tests.models.classical.families import cohort, model
from tests.models.examples import labelled

CONTEXT = FitContext(0)
SELECTION = {"method": "auc", "keep": 2}


def kept(cases: Labelled[FeatureTable], name: str, **options: object) -> set[str]:
    """Return the features that a fit kept; all of them must be named."""
    found = model(name, **options).fit(cases, None, CONTEXT).summary.features
    assert tuple(found) == cases.inputs.names
    return {feature for feature, chosen in found.items() if chosen}


@pytest.mark.parametrize("components", [None, 1])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_selection_names_what_it_chose(n_classes: int, components: int | None) -> None:
    cases = labelled(patients=60, n_classes=n_classes)
    chosen = kept(cases, "logistic_regression", selection=SELECTION, components=components)
    assert "a" in chosen
    assert len(chosen) == 2


def test_an_l1_penalty_keeps_the_features_without_which_the_scores_change() -> None:
    """A kept feature moves the scores when it is shuffled; another does not."""
    cases = cohort(3)
    options = {"l1_ratio": 1.0, "inverse_regularisation": 0.1}
    chosen = kept(cases, "elastic_net", **options)
    assert 0 < len(chosen) < len(cases.inputs.names)
    fitted = model("elastic_net", **options).fit(cases, None, CONTEXT)
    before = fitted.scores(cases.inputs)
    for at, name in enumerate(cases.inputs.names):
        values = cases.inputs.values.copy()
        values[:, at] = values[::-1, at] + 1
        moved = fitted.scores(replace(cases.inputs, values=values))
        assert (np.abs(moved - before).max() > 0) == (name in chosen), name


def test_a_penalty_chooses_among_what_a_selection_left() -> None:
    cases = labelled(patients=60)
    first = kept(cases, "logistic_regression", selection=SELECTION)
    both = kept(
        cases, "elastic_net", selection=SELECTION, l1_ratio=1.0, inverse_regularisation=0.02
    )
    assert both < first


def test_an_indicator_of_missing_values_counts_for_its_feature() -> None:
    """Nine of ten positives have no age, so that being missing tells the class."""
    cases = labelled(patients=60)
    generator = np.random.default_rng(0)
    known = generator.normal(size=(len(cases), 1)).astype(np.float32)
    known[(cases.label == 1) & (generator.random(len(cases)) < 0.9)] = np.nan
    names = (f"{PREFIX}age", *cases.inputs.names)
    values = np.hstack([known, cases.inputs.values])
    told = replace(cases, inputs=FeatureTable(cases.case_id, names, values))
    found = kept(told, "logistic_regression", selection={"method": "auc", "keep": 1})
    assert found == {f"{PREFIX}age"}


@pytest.mark.parametrize("name", ["random_forest", "logistic_regression"])
def test_a_model_that_uses_all_features_names_none(name: str) -> None:
    fitted = model(name).fit(cohort(2), None, CONTEXT)
    assert fitted.summary.features == {}


def test_coefficients_of_principal_components_choose_no_feature() -> None:
    fitted = model("elastic_net", components=2).fit(cohort(2), None, CONTEXT)
    assert fitted.summary.features == {}
