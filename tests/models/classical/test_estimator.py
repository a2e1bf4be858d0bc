"""What all classical families promise: finite scores, equal bytes, a round trip, named errors."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.errors import DataError, ModelFailure, OptionError
from skiagram.features.covariates import PREFIX
from skiagram.features.table import FeatureTable
from skiagram.models.classical.estimator import choose_columns
from skiagram.models.contract import FitContext, Labelled
from tests.models.classical.families import (
    NAMES,
    OPTION_FILES,
    cohort,
    has_option,
    model,
    separable,
)
from tests.models.examples import labelled
from tests.outcomes import cohort as times
from tests.outcomes import test_grade, test_number

CONTEXT = FitContext(seed=2**32 - 1)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_classes", [2, 7])
def test_scores_are_finite_one_column_a_class_and_highest_for_the_own_class(
    name: str, n_classes: int
) -> None:
    cases = separable(n_classes)
    scores = model(name).fit(cases, CONTEXT).scores(cases.inputs)
    assert scores.shape == (len(cases), n_classes)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    own = [roc_auc_score(cases.label == k, scores[:, k]) for k in range(n_classes)]
    assert np.mean(own) > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_saved_model_scores_as_before_and_saves_to_the_same_bytes(
    name: str, tmp_path: Path
) -> None:
    cases = cohort(3)
    fitted = model(name).fit(cases, CONTEXT)
    fitted.save(tmp_path / "first")
    loaded = model(name).load(tmp_path / "first")
    assert loaded.scores(cases.inputs).tobytes() == fitted.scores(cases.inputs).tobytes()
    assert loaded.features == fitted.features
    assert loaded.summary.parameters == fitted.summary.parameters
    loaded.save(tmp_path / "second")
    for file in ("model.skops", "model.json"):
        first, second = (tmp_path / folder / file for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


SCRIPT = """
import sys
from pathlib import Path
from skiagram.models import arm
from skiagram.models.contract import FitContext
from tests.models.classical.families import NAMES, cohort, model

for name in NAMES:
    model(name).fit(cohort(3), FitContext(5)).save(Path(sys.argv[1]) / name)
    model(name).load(Path(sys.argv[1]) / name)
heavy = {"torch", "mlflow", "hydra", "pytorch_lightning"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.thorough
def test_fits_in_two_processes_are_equal_bytes_and_import_nothing_heavy(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    root = OPTION_FILES.parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for name in NAMES:
        model(name).fit(cohort(3), FitContext(5)).save(tmp_path / "here" / name)
        for file in ("model.skops", "model.json"):
            there, here = tmp_path / name / file, tmp_path / "here" / name / file
            assert there.read_bytes() == here.read_bytes(), name


def test_a_class_without_training_cases_is_a_named_failure() -> None:
    cases = cohort(3)
    some = cases.select(np.flatnonzero(cases.label != 1))
    with pytest.raises(ModelFailure, match="class 1 has no training case"):
        model("svm").fit(some, CONTEXT)


def test_features_that_the_library_refuses_are_a_failure_in_its_words() -> None:
    cases = cohort(2)
    values = cases.inputs.values.copy()
    values[3, 2] = np.inf
    spoilt = replace(cases, inputs=replace(cases.inputs, values=values))
    with pytest.raises(ModelFailure, match=r"machine: .*ValueError.*infinity") as caught:
        model("svm").fit(spoilt, CONTEXT)
    assert "\n" not in str(caught.value)


def test_a_fit_that_does_not_converge_is_a_failure_with_its_remedy() -> None:
    with pytest.raises(ModelFailure, match="raise `max_iterations`"):
        model("logistic_regression", max_iterations=1).fit(cohort(2), CONTEXT)


def test_features_are_found_by_name_and_a_missing_one_is_refused() -> None:
    cases = cohort(2)
    fitted = model("svm").fit(cases, CONTEXT)
    turned = cases.inputs.columns(cases.inputs.names[::-1])
    assert fitted.scores(turned).tobytes() == fitted.scores(cases.inputs).tobytes()
    other = replace(cases.inputs, names=("other", *cases.inputs.names[1:]))
    with pytest.raises(DataError, match=r"no feature `a`.*extract the feature families"):
        fitted.scores(other)


@pytest.mark.parametrize("name", NAMES)
def test_a_model_on_some_columns_is_that_on_a_table_without_the_rest(name: str) -> None:
    cases = cohort(3)
    few = replace(cases, inputs=cases.inputs.columns(("a", "b")))
    chosen = model(name, columns=["b", "a"])
    assert chosen.title == f"{model(name).title} on b, a"
    fitted = chosen.fit(cases, CONTEXT)
    assert fitted.features == ("a", "b")
    alone = model(name).fit(few, CONTEXT)
    assert fitted.scores(cases.inputs).tobytes() == alone.scores(few.inputs).tobytes()


def test_traits_of_the_file_are_used_where_they_are_named_alone() -> None:
    cases = cohort(2)
    names = ("a", "b", "c", "acquisition_width", "constant", "zero")
    table = replace(cases, inputs=replace(cases.inputs, names=names))
    assert "acquisition_width" not in model("svm").fit(table, CONTEXT).features
    alone = model("svm", columns=["acquisition"]).fit(table, CONTEXT)
    assert alone.features == ("acquisition_width",)


@pytest.mark.parametrize(
    ("columns", "message"),
    [(["a", "texture"], "no feature of the family `texture`"), ([], "no feature is chosen")],
)
def test_columns_that_choose_nothing_are_a_wrong_option(columns: list[str], message: str) -> None:
    with pytest.raises(OptionError, match=rf"^model\.columns: {message}\. Allowed: .*zero"):
        model("svm", columns=columns).fit(cohort(2), CONTEXT)


def test_a_family_is_told_from_one_whose_name_begins_alike() -> None:
    names = ("glcm_contrast", "glcm2_contrast", "gl", "first_order_mean", "first_order_variance")
    assert choose_columns(names, ["glcm"]) == ("glcm_contrast",)
    assert choose_columns(names, ["first_order", "gl"]) == names[2:]
    assert choose_columns(names, ["first_order_mean"]) == ("first_order_mean",)
    assert choose_columns(("acquisition_width", "acquisitions"), None) == ("acquisitions",)


def test_all_features_beside_an_encoding_are_those_that_a_model_without_one_reads() -> None:
    names = ("encoding_000", "PET.encoding_000", "acquisition_width", "site_a", "glcm_contrast")
    assert choose_columns(names, ["features"]) == ("glcm_contrast",)
    assert choose_columns(names, ["encoding", "features"]) == (*names[:2], "glcm_contrast")
    assert choose_columns(names, ["features", "acquisition"]) == names[2::2]
    with pytest.raises(OptionError, match="no feature of the family `features`"):
        choose_columns(names[:4], ["encoding", "features"])


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_missing_covariates_take_the_training_median_and_are_told_apart(
    name: str, tmp_path: Path
) -> None:
    cases = cohort(2)
    values = cases.inputs.values.copy()
    values[cases.label == 1, 2] = np.nan  # who lacks it is of class 1
    values[:, 3] = np.nan
    names = ("a", "b", "covariates_age", "covariates_empty", "constant", "zero")
    table = replace(cases.inputs, names=names, values=values)
    fitted = model(name).fit(replace(cases, inputs=table), CONTEXT)
    scores = fitted.scores(table)
    assert roc_auc_score(cases.label, scores[:, 1] - scores[:, 0]) > 0.99
    median = np.nanmedian(values[:, 2].astype(np.float64))
    assert fitted.pipeline["imputation"].statistics_[2] == median
    fitted.save(tmp_path)
    assert model(name).load(tmp_path).scores(table).tobytes() == scores.tobytes()
    whole = replace(table, values=np.nan_to_num(values))
    assert np.isfinite(fitted.scores(whole)).all()


OF_OUTCOMES = {
    times: ("cox", "cox_elastic_net", "cox_boosted"),
    test_number: ("number_ridge", "number_elastic_net", "number_forest"),
    test_grade: ("grade_logistic", "grade_elastic_net", "grade_forest"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [*NAMES, *(name for of in OF_OUTCOMES.values() for name in of)])
def test_every_model_takes_features_with_empty_cells_and_new_cases_that_have_more(
    name: str,
) -> None:
    cases = cohort(2)
    for module, names in OF_OUTCOMES.items():
        if name in names:
            known, task = module.make_cases()
            ids = (known.case_id, known.label, known.patient_id)
            number = len(task.classes)
            cases = Labelled(times.make_features(), *ids, number, None, task.outcome, known.value)
    values = cases.inputs.values.copy()
    values[::7, 0] = np.nan
    values[:, 1] = np.nan
    gappy = replace(cases.inputs, values=values)
    fitted = model(name).fit(replace(cases, inputs=gappy), CONTEXT)
    assert np.isfinite(fitted.scores(gappy)).all()
    values = cases.inputs.values.copy()
    values[::2] = np.nan
    assert np.isfinite(fitted.scores(replace(cases.inputs, values=values))).all()


@pytest.mark.parametrize("name", [name for name in NAMES if has_option(name, "class_weight")])
def test_balanced_classes_raise_the_rare_class(name: str) -> None:
    cases = cohort(2)
    rows = np.concatenate([np.flatnonzero(cases.label == 0), np.flatnonzero(cases.label == 1)[:8]])
    rare = cases.select(rows)
    plain, balanced = (
        np.diff(model(name, class_weight=weight).fit(rare, CONTEXT).scores(rare.inputs))
        for weight in (None, "balanced")
    )
    assert balanced.mean() > plain.mean()


SELECTION = {"method": "auc", "keep": 2}


def kept(cases: Labelled[FeatureTable], name: str, **options: object) -> set[str]:
    """Return the features that a fit kept; all of them must be named."""
    found = model(name, **options).fit(cases, CONTEXT).summary.features
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
    fitted = model("elastic_net", **options).fit(cases, CONTEXT)
    before = fitted.scores(cases.inputs)
    for at, name in enumerate(cases.inputs.names):
        values = cases.inputs.values.copy()
        values[:, at] = values[::-1, at] + 1
        moved = fitted.scores(replace(cases.inputs, values=values))
        assert (np.abs(moved - before).max() > 0) == (name in chosen), name


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


def test_features_that_do_not_last_are_left_out_in_each_fit() -> None:
    cases = labelled(patients=60)
    noise = np.random.default_rng(0).normal(size=(3, len(cases), 4)) * [0.05, 3, 0.05, 3]
    copies = [cases.inputs.values + one for one in noise]
    names = [f"perturbed_{copy + 1}.{name}" for copy in range(3) for name in cases.inputs.names]
    with_copies = replace(
        cases,
        inputs=FeatureTable(
            cases.case_id,
            (*cases.inputs.names, *names),
            np.hstack([cases.inputs.values, *copies]).astype(np.float32),
        ),
    )
    plain = model("logistic_regression").fit(with_copies, CONTEXT)
    assert plain.features == cases.inputs.names
    chosen = model("logistic_regression", lasting={"least": 0.75})
    fitted = chosen.fit(with_copies, CONTEXT)
    assert fitted.features == ("a", "c")
    assert fitted.summary.features == {"a": True, "b": False, "c": True, "d": False}
    assert "repeatable features" in chosen.title
    other = replace(with_copies, label=1 - with_copies.label)
    assert chosen.fit(other, CONTEXT).features == fitted.features
    fitted.scores(cases.inputs)  # a new case needs no copies
    with pytest.raises(OptionError, match="add `perturbed` to `features`"):
        chosen.fit(cases, CONTEXT)
    with pytest.raises(ModelFailure, match=r"no feature has .* surely above 0\.999"):
        model("logistic_regression", lasting={"least": 0.999}).fit(with_copies, CONTEXT)
