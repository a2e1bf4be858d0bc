"""Sites that models did not see: figures of each, the summary, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t
from sklearn.metrics import roc_auc_score

from skiagram.errors import DataError
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.records import Predictions
from skiagram.statistics.random_effects import summarise_random_effects
from tests.evaluation.scenario import Scenario, evaluated, finished, scenario

SITES = np.array(["Basel", "Leeds", "Porto"])


def known_folds(cases: int = 360) -> tuple[Scenario, NDArray[np.str_]]:
    """A cross-validation whose folds are the sites, as `scenario` numbers them."""
    known = scenario(cases, 0, design="cv")
    return known, SITES[np.arange(cases) // 2 // 2 % 3]


def run(
    known: Scenario,
    site: NDArray[np.str_],
    models: list[Predictions] | None = None,
    fold_column: str = "site",
    test_sites: tuple[str, ...] = (),
) -> Evaluation:
    table = pd.DataFrame({"case_id": known.cases.case_id, "site": site})
    default = [finished(known, "svm"), finished(known, "small_cnn", arm="deep", seed=1)]
    return evaluated(
        known, models or default, covariates=table, fold_column=fold_column, test_sites=test_sites
    )


@pytest.mark.slow
def test_each_site_has_the_auc_of_its_own_cases() -> None:
    known, site = known_folds()
    found = run(known, site).sites
    assert found is not None
    assert [one.name for one in found.sites] == SITES.tolist()
    assert (found.column, found.left_out) == ("site", 0)
    rows = finished(known, "svm").part("out_of_fold").set_index("case_id")
    score = rows["probability_1"].loc[known.cases.case_id.tolist()].to_numpy()
    for one in found.sites:
        own = site == one.name
        assert one.auc["classical"].value == pytest.approx(
            roc_auc_score(known.label[own], score[own])
        )
        assert one.patients == {"normal": 30, "abnormal": 30}
        assert one.difference is not None
        assert one.difference.value == pytest.approx(
            one.auc["deep"].value - one.auc["classical"].value  # type: ignore[operator]
        )


@pytest.mark.slow
def test_the_summary_is_that_of_the_sites_on_the_logit() -> None:
    known, site = known_folds()
    found = run(known, site).sites
    assert found is not None
    values, variances = [], []
    for one in found.sites:
        auc = one.auc["classical"]
        assert auc.low is not None
        assert auc.high is not None
        low, high = logit(auc.low), logit(auc.high)
        values.append((low + high) / 2)
        variances.append(((high - low) / 2) ** 2)
    degrees = 29  # of a variance over 30 patients of each class, two images each
    expected = summarise_random_effects(
        np.array(values), np.array(variances) / t.ppf(0.975, degrees) ** 2
    )
    summary = found.auc["classical"]
    assert summary.mean.value == pytest.approx(expit(expected.mean))
    assert summary.mean.low == pytest.approx(expit(expected.low))
    assert summary.next_site.high == pytest.approx(expit(expected.next_high))
    assert found.difference is not None
    assert found.difference.scale == "difference"
    assert "3 sites" in found.difference.mean.method


@pytest.mark.thorough
def test_sites_that_differ_widen_the_summary_and_what_the_next_may_give() -> None:
    known, site = known_folds()
    strength = np.select([site == "Basel", site == "Leeds"], [0.3, 1.5], 5.0)
    noise = np.random.default_rng(3).normal(size=len(site))
    signal = strength * (known.label - 0.5) + noise
    alike = run(known, site).sites
    apart = run(known, site, [finished(known, "svm", signal=signal)]).sites
    assert alike is not None
    assert apart is not None
    assert apart.difference is None
    one, other = alike.auc["classical"], apart.auc["classical"]
    assert other.between > 0.5 > one.between  # type: ignore[operator]
    assert other.next_site.low < one.next_site.low / 2  # type: ignore[operator]
    assert one.next_site.low < one.mean.low  # type: ignore[operator]


@pytest.mark.slow
def test_a_site_of_few_patients_is_left_out() -> None:
    known, site = known_folds()
    of_two = site.copy()
    of_two[(site == "Porto") & (np.arange(len(site)) > 40)] = "Basel"
    models = [finished(known, "svm")]
    table = models[0].table
    moved = table["case_id"].isin(known.cases.case_id[of_two != site])
    table.loc[moved & (table["part"] == "out_of_fold"), "fold"] = 0
    found = run(known, of_two, models).sites
    assert found is not None
    assert [one.name for one in found.sites] == ["Basel", "Leeds"]
    assert found.left_out == 1
    assert found.auc["classical"].next_site.value is None


@pytest.mark.slow
def test_scores_of_folds_that_are_no_sites_are_refused() -> None:
    known, site = known_folds()
    with pytest.raises(DataError, match="several folds hold cases of Basel"):
        run(known, np.roll(site, 1))


@pytest.mark.thorough
def test_test_sites_are_summarised_without_folds_by_site() -> None:
    known = scenario(120, 240)
    site = np.where(np.arange(360) < 120, "Basel", SITES[1:][np.arange(360) // 4 % 2])
    named = run(known, site, fold_column="", test_sites=("Leeds", "Porto")).sites
    assert named is not None
    assert [one.name for one in named.sites] == ["Leeds", "Porto"]
    assert run(known, site, fold_column="").sites is None
