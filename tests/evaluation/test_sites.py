"""Sites that models did not see: figures of each, the summary, and what is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from skiagram.errors import DataError
from skiagram.evaluation.evaluation_record import NUMBERS, SHARES
from skiagram.evaluation.evaluation_set import CaseTraits
from skiagram.evaluation.results import patients_of
from skiagram.evaluation.sites import SITES, summarise_sites
from skiagram.statistics.agreement import absolute_error, quadratic_kappa
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.random_effects import summarise_random_effects
from tests.evaluation.scenario import CARD, evaluated, finished, scenario

SITE_NAMES = np.array(["Basel", "Leeds", "Porto"])


def known_folds(cases=360):
    """A cross-validation whose folds are the sites, as `scenario` numbers them."""
    known = scenario(cases, 0, design="cv")
    return known, SITE_NAMES[np.arange(cases) // 2 // 2 % 3]


def pair(known):
    return [finished(known, "svm"), finished(known, "small_cnn", arm="deep", seed=1)]


def run(known, site, models=None):
    """Return the column of the sites and their rows."""
    table = pd.DataFrame({"case_id": known.cases.case_id, "site": site})
    found = evaluated(known, models or pair(known), covariates=table, fold_column="site")
    return found.site_column, found.figures.select(analysis=SITES)


@pytest.mark.slow
def test_each_site_has_the_auc_of_its_own_cases_and_the_summary_is_theirs_on_the_logit():
    known, site = known_folds()
    column, found = run(known, site)
    assert found.list_distinct("group") == tuple(SITE_NAMES.tolist())
    assert (column, found.find(figure="left_out").value) == ("site", 0)
    rows = finished(known, "svm").part("out_of_fold").set_index("case_id")
    score = rows["probability_1"].loc[known.cases.case_id.tolist()].to_numpy()
    for name in SITE_NAMES.tolist():
        own, figures = site == name, found.select(group=name)
        single = figures.select(versus="").by_model("roc_auc")
        expected = roc_auc_score(known.label[own], score[own])
        assert single["classical"].value == pytest.approx(expected)
        assert [
            figures.find(figure=patients_of(of)).value for of in known.task.predicted.classes
        ] == [30, 30]
        difference = single["deep"].value - expected
        assert figures.find(versus="classical").value == pytest.approx(difference)
    assert "3 sites" in found.find(versus="classical", figure="mean").method


@pytest.mark.slow
@pytest.mark.parametrize("stored", [str, float])
def test_held_out_sites_that_are_numbers_are_summarised(stored):
    """Sites are stored as texts; an earlier version stored those that are numbers as numbers."""
    known = scenario(120, 360)
    tested = known.cases.split == "test"
    site = np.where(tested, 3 + np.arange(480) // 4 % 3, 1)
    table = pd.DataFrame({"case_id": known.cases.case_id, "site": site.astype(stored)})
    traits = CaseTraits(table[["case_id"]], table)
    card = replace(CARD, test_sites=("3", "4", "5"), site_column="site")
    found = evaluated(known, pair(known), covariates=table, card=card, traits=traits)
    figures = found.figures.select(analysis=SITES)
    assert figures.list_distinct("group") == ("3", "4", "5")
    assert figures.find(model="classical", figure="next_site").low is not None
    said = " ".join(found.answer.reasons)
    assert "are of 3, 4 and 5, sites that training never saw. Over 3 values of “site”" in said
    # That the sites of the two sides differ was chosen.
    differences = found.differences_of_sides(SHARES, NUMBERS)
    assert not any("site" in each.figure for each in differences)


@pytest.mark.slow
def test_a_site_of_few_patients_is_left_out():
    known, site = known_folds()
    of_two = site.copy()
    of_two[(site == "Porto") & (np.arange(len(site)) > 40)] = "Basel"
    models = [finished(known, "svm")]
    table = models[0].table
    moved = table["case_id"].isin(known.cases.case_id[of_two != site])
    table.loc[moved & (table["part"] == "out_of_fold"), "fold"] = 0
    _, found = run(known, of_two, models)
    assert found.list_distinct("group") == ("Basel", "Leeds")
    assert found.find(figure="left_out").value == 1
    assert found.find(model="classical", figure="next_site").value is None


@pytest.mark.slow
def test_scores_of_folds_that_are_no_sites_are_refused():
    known, site = known_folds()
    with pytest.raises(DataError, match="several folds hold cases of Basel"):
        run(known, np.roll(site, 1))


def auc(predicted, truth, patient):
    return auc_of_scores(predicted[None], truth > 1, patient)


@pytest.mark.parametrize(
    ("measure", "there", "back", "limits", "scale"),
    [
        (auc, logit, expit, (0.0, 1.0), "on the logit"),
        (quadratic_kappa, np.arctanh, np.tanh, (-1.0, 1.0), "on Fisher's z"),
        (absolute_error, np.log, np.exp, (0.0, np.inf), "on the logarithm"),
    ],
)
def test_figures_are_summarised_on_the_scale_of_their_intervals(
    measure, there, back, limits, scale
):
    generator, figures = np.random.default_rng(3), []
    for spread in (0.3, 0.5, 1.0):
        truth = generator.integers(0, 4, 60).astype(np.float64)
        predicted = np.clip(np.round(truth + generator.normal(0, 0.4 + spread, 60)), 0, 3)
        figures.append(measure(predicted, truth, np.arange(60)))
    found = summarise_sites(figures, limits)
    estimates = [figure.estimate() for figure in figures]
    lows, highs = (there([getattr(each, end) for each in estimates]) for end in ("low", "high"))
    quantiles = t.ppf(0.975, [figure.degrees for figure in figures])
    variances = ((highs - lows) / 2 / quantiles) ** 2
    expected = summarise_random_effects((lows + highs) / 2, variances)
    for figure, low, high in (
        ("mean", expected.low, expected.high),
        ("next_site", expected.next_low, expected.next_high),
    ):
        assert found[figure].low == pytest.approx(back(low))
        assert found[figure].high == pytest.approx(back(high))
        assert limits[0] < found[figure].low < found[figure].high < limits[1]
    assert found["spread"].method == scale


def test_a_site_without_an_error_is_summarised_too():
    truth = np.arange(40) % 4.0
    wrong = np.where(np.arange(40) < 6, truth // 2, truth)
    figures = [quadratic_kappa(each, truth, np.arange(40)) for each in (truth, wrong, wrong)]
    found = summarise_sites(figures, (-1.0, 1.0))
    assert found["mean"].low < found["mean"].value < found["mean"].high < 1
