"""Test against out-of-fold AUC: silent where only chance differs, loud where the cases do."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import roc_auc_score

from skiagram.evaluation.criteria import has_shifted
from skiagram.evaluation.evaluation_record import (
    DOMAIN,
    FEATURES,
    NUMBERS,
    SHARES,
    SHIFTS,
)
from skiagram.evaluation.evaluation_set import CaseTraits
from skiagram.evaluation.results import SELECTION
from tests.evaluation.scenario import FOLDS, evaluated, finished, scenario


def run(known, *, lost, seed, traits=None, **asked):
    """Evaluate two models whose scores hold `lost` less of the label on test cases."""
    rng = np.random.default_rng(seed)
    test = known.cases.split == "test"
    strength = np.where(test, 2.0 - lost, 2.0)
    models = []
    for name, arm in (("forest", "classical"), ("net", "deep")):
        signal = strength * known.label + rng.normal(size=len(known.label))
        models.append(finished(known, name, arm=arm, signal=signal))
    return evaluated(known, models, traits=traits, **asked)


@pytest.mark.slow
def test_a_loss_on_the_test_cases_is_found_and_said_first():
    found = run(scenario(600, 300, images=1), lost=1.5, seed=0)
    shifts = found.differences_of_sides(SHIFTS)
    assert [has_shifted(one) for one in shifts] == [True, True]
    assert found.answer.openings[0].startswith("The test cases are unlike the development set")
    tested, out_of_fold = found.values_of_sides(shifts[0])
    assert shifts[0].value == pytest.approx(tested - out_of_fold)


def test_the_figures_are_the_aucs_of_the_two_sides():
    known = scenario(120, 80, images=1)
    model = finished(known, "forest", strength=1.0)
    found = evaluated(known, [model])
    table = model.part("out_of_fold")
    rows = table["case_id"].str[5:].astype(int)
    odds, fold = table["score_1"] - table["score_0"], table["fold"]
    by_fold = [roc_auc_score(known.label[rows[fold == k]], odds[fold == k]) for k in range(FOLDS)]
    (shift,) = found.differences_of_sides(SHIFTS)
    tested, out_of_fold = found.values_of_sides(shift)
    assert out_of_fold == pytest.approx(np.mean(by_fold))
    assert out_of_fold == found.models[0].find("selection_auc", SELECTION).value
    assert tested == found.models[0].find("roc_auc").value


def traits(known, *, brighter, seed):
    """Return features of which one is higher on test cases, a brightness and a site."""
    rng = np.random.default_rng(seed)
    test = (known.cases.split == "test").astype(float)
    columns = {f"texture_{k}": rng.normal(size=len(test)) for k in range(20)}
    columns["texture_3"] += brighter * test
    columns["texture_3"][0] = np.nan  # a gap costs no feature
    columns["site_York"] = test  # known of a case, and no feature of it
    ids = {"case_id": known.cases.case_id}
    site = np.where(rng.random(len(test)) < 0.5 + 0.3 * np.sign(brighter) * test, "York", "Leeds")
    site[:3] = "Ward of one nurse"  # which three patients share, so that it is never named
    spread = {"brightness": rng.normal(size=len(test)) + brighter * test, "site": site}
    return CaseTraits(pd.DataFrame(ids | columns), pd.DataFrame(ids | spread))


def told(known, *, brighter, lost, seed):
    own = traits(known, brighter=brighter, seed=seed)
    return run(known, lost=lost, seed=seed, traits=own)


@pytest.mark.slow
def test_what_differs_is_named_where_the_figures_disagree():
    found = told(scenario(600, 300, images=1), brighter=1.0, lost=1.5, seed=0)
    auc = found.figures.find(analysis=DOMAIN, figure="roc_auc")
    assert auc.low > 0.6
    assert [one.figure for one in found.differences_of_sides(FEATURES)] == ["texture_3"]
    traits = found.differences_of_sides(SHARES, NUMBERS)
    assert {one.figure for one in traits if has_shifted(one)} == {
        "brightness",
        "share of site York",
        "share of site Leeds",
    }
    assert "most by texture_3" in " ".join(found.answer.openings)


@pytest.mark.slow
@pytest.mark.parametrize(("least", "named"), [(3, True), (4, False)])
def test_a_text_is_named_where_as_many_patients_share_it_as_was_asked_for(least, named):
    known = scenario(200, 120, images=1)
    own = traits(known, brighter=0.2, seed=1)
    found = run(known, lost=0.0, seed=1, traits=own, least_patients=least)
    compared = [each.figure for each in found.differences_of_sides(SHARES)]
    assert any("Ward" in figure for figure in compared) is named


@pytest.mark.slow
def test_cases_that_are_told_apart_are_a_warning_even_where_figures_agree():
    found = told(scenario(600, 300, images=1), brighter=2.0, lost=0.0, seed=0)
    assert not any(has_shifted(one) for one in found.differences_of_sides(SHIFTS))
    assert any("tells the test set from the development set" in one for one in found.warnings)
    quiet = told(scenario(600, 300, images=1), brighter=0.0, lost=0.0, seed=0)
    assert not any("tells the test set from the development set" in one for one in quiet.warnings)


@pytest.mark.slow
def test_a_number_is_compared_as_scipy_does():
    known = scenario(200, 120, images=1)
    own = traits(known, brighter=0.2, seed=1)
    found = run(known, lost=0.0, seed=1, traits=own)
    test = (known.cases.split == "test").astype(bool)
    brightness = own.known["brightness"].to_numpy()
    expected = mannwhitneyu(brightness[test], brightness[~test])
    (trait,) = found.differences_of_sides(NUMBERS)
    assert trait.figure == "brightness"
    assert trait.value == pytest.approx(expected.statistic / test.sum() / (~test).sum())
    assert norm.isf(trait.p / 2) == pytest.approx(norm.isf(expected.pvalue / 2), rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_site_of_one_side_alone_is_found(value):
    known = scenario(100, 60, images=1)
    ids = {"case_id": known.cases.case_id}
    site = np.where(known.cases.split == "test", "York", "Leeds" if value else "York")
    own = CaseTraits(pd.DataFrame(ids), pd.DataFrame(ids | {"site": site}))
    found = run(known, lost=0.0, seed=1, traits=own)
    traits = found.differences_of_sides(SHARES, NUMBERS)
    differs = [one.figure for one in traits if has_shifted(one)]
    assert differs == (["share of site Leeds"] if value else [])
