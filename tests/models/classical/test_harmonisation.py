"""ComBat: the authors' values, training cases alone, no label, and sites that training never saw.

`combat_reference.csv` holds 21 cases of 3 sites and what `neuroCombat` 0.2.12 (Fortin et al., the
authors' own program; MIT) makes of them, without covariates and with `age` preserved:
`neuroCombat(dat=raw.T, covars=table, batch_col="site", continuous_cols=["age"])["data"].T`.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import roc_auc_score

from skiagram.errors import ModelFailure, OptionError
from skiagram.fitting.contract import FitContext
from skiagram.models.classical.harmonisation import Harmonisation, SiteHarmoniser
from skiagram.records.feature_table import FeatureTable
from tests.models.classical.families import model
from tests.models.examples import labelled

TABLE = pd.read_csv(Path(__file__).with_name("combat_reference.csv"))
FEATURES = range(6)
SITES = np.stack([TABLE["site"] == site for site in "ABC"], axis=1).astype(np.float64)
CONTEXT = FitContext(seed=1, positive=1)


def values(block):
    return TABLE[[f"{block}_{feature}" for feature in FEATURES]].to_numpy()


@pytest.mark.parametrize(("block", "preserved"), [("combat", []), ("combat_age", [6])])
def test_features_are_those_of_the_authors_program(block, preserved):
    given = np.hstack([values("raw"), TABLE[["age"]].to_numpy(), SITES])
    step = SiteHarmoniser([7, 8, 9], preserved, list(FEATURES), len(FEATURES), "refuse")
    assert_allclose(step.fit(given).transform(given), values(block), rtol=2e-4)


def cohort():
    """Return cases of two classes whose sites shift every feature by more than the classes do."""
    cases = labelled(patients=90, images=1)
    site = np.arange(90) // 2 % 3
    features = cases.inputs.values * (1 + site[:, None]) + 6 * site[:, None]  # noqa: PD011
    member = site[:, None] == np.arange(3)
    names = (*(f"glcm_{one}" for one in "abcd"), *(f"site_site_{one}" for one in range(3)))
    table = FeatureTable(cases.case_id, names, np.hstack([features, member]).astype(np.float32))
    return replace(cases, inputs=table)


def harmonised(**options):
    return model("logistic_regression", harmonisation=options)


def test_features_with_gaps_are_harmonised_and_keep_them_for_the_median():
    cases = cohort()
    values = cases.inputs.values.copy()  # noqa: PD011
    values[::9, 1] = np.nan
    gappy = replace(cases.inputs, values=values)
    fitted = harmonised().fit(replace(cases, inputs=gappy), CONTEXT)
    assert np.isfinite(fitted.scores(gappy)).all()


def own_site(cases, site):
    column = cases.inputs.names.index(f"site_site_{site}")
    return np.flatnonzero(cases.inputs.values[:, column])  # noqa: PD011


def test_sites_no_longer_hide_the_classes():
    cases = cohort()
    with_sites, without = (
        one.fit(cases, CONTEXT).scores(cases.inputs)[:, 1]
        for one in (harmonised(), model("logistic_regression"))
    )
    by_site = [with_sites[own_site(cases, site)].mean() for site in range(3)]
    assert np.ptp(by_site) < 0.2 * with_sites.std()
    assert roc_auc_score(cases.label, with_sites) > roc_auc_score(cases.label, without) + 0.02


def test_no_label_moves_a_harmonised_feature():
    cases = cohort()
    other = replace(cases, label=1 - cases.label)
    first, second = (
        harmonised().fit(one, CONTEXT).pipeline["harmonisation"] for one in (cases, other)
    )
    given = cases.inputs.values.astype(np.float64)  # noqa: PD011
    assert first.transform(given).tobytes() == second.transform(given).tobytes()


def test_a_site_unseen_in_training_is_refused_unless_asked():
    cases = cohort()
    unseen = own_site(cases, 2)
    seen = np.setdiff1d(np.arange(len(cases)), unseen)
    with pytest.raises(ModelFailure, match=r"30 cases of an unknown site.*`unseen: uncorrected`"):
        harmonised().fit(cases.select(seen), CONTEXT).scores(cases.inputs)
    asked = harmonised(unseen="uncorrected").fit(cases.select(seen), CONTEXT)
    step = asked.pipeline["harmonisation"]
    given = cases.inputs.values.astype(np.float64)  # noqa: PD011
    assert_array_equal(step.transform(given)[unseen], given[unseen, :4])
    assert not np.allclose(step.transform(given)[seen], given[seen, :4])


def test_a_site_of_one_training_case_counts_as_unseen():
    cases = cohort()
    few = np.setdiff1d(np.arange(len(cases)), own_site(cases, 2)[1:])
    with pytest.raises(ModelFailure, match="1 cases of an unknown site, or one of less than 2"):
        harmonised().fit(cases.select(few), CONTEXT)
    fitted = harmonised(unseen="uncorrected").fit(cases.select(few), CONTEXT)
    assert np.isfinite(fitted.scores(cases.inputs)).all()


def test_a_constant_and_an_only_feature_stay_finite():
    cases = cohort()
    inputs = cases.inputs.values.copy()  # noqa: PD011
    inputs[:, 1] = 7
    constant = replace(cases, inputs=replace(cases.inputs, values=inputs))
    step = harmonised().fit(constant, CONTEXT).pipeline["harmonisation"]
    assert_array_equal(step.transform(inputs.astype(np.float64))[:, 1], 7)
    only = model("logistic_regression", columns=["glcm_a"], harmonisation={})
    assert np.isfinite(only.fit(cases, CONTEXT).scores(cases.inputs)).all()


def test_missing_site_and_missing_covariate_are_named():
    cases = cohort()
    bare = replace(cases, inputs=cases.inputs.columns([f"glcm_{one}" for one in "abcd"]))
    with pytest.raises(OptionError, match="add `site` to `features`"):
        harmonised().fit(bare, CONTEXT)
    with pytest.raises(OptionError, match="no covariate `age`"):
        harmonised(preserve=["age"]).fit(cases, CONTEXT)
    assert Harmonisation(preserve=("age",)).unseen == "refuse"


@pytest.mark.parametrize(
    ("names", "preserved"),
    [
        (["covariates_age", "covariates_age_of_scanner"], ["covariates_age"]),
        (["covariates_age_old", "covariates_age_young"],) * 2,
    ],
)
def test_a_covariate_is_preserved_without_those_whose_names_begin_alike(names, preserved):
    columns = Harmonisation(preserve=("age",)).columns_read(
        ("glcm_a", *names, "site_a"), ["glcm_a"]
    )
    assert columns == ("glcm_a", *preserved, "site_a")
