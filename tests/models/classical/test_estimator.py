"""What the class of all classical models does: columns, selection, named failures."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.svm import SVC

from skiagram.case_features.covariates import PREFIX
from skiagram.encoders import encoder
from skiagram.errors import DataError, ModelFailure, OptionError
from skiagram.fitting.contract import FitContext
from skiagram.models.classical.estimator import choose_columns
from skiagram.preparation import PreparedData
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import write_record
from tests.models.classical.families import (
    cohort,
    model,
)
from tests.models.examples import TASK, labelled
from tests.yaml_rows import of_rows, read_yaml

CONTEXT = FitContext(seed=2**32 - 1)


def test_a_class_without_training_cases_is_a_named_failure():
    cases = cohort(3)
    some = cases.select(np.flatnonzero(cases.label != 1))
    with pytest.raises(ModelFailure, match="class 1 has no training case"):
        model("svm").fit(some, CONTEXT)


def test_features_that_the_library_refuses_are_a_failure_in_its_words():
    cases = cohort(2)
    values = cases.inputs.values.copy()
    values[3, 2] = np.inf
    spoilt = replace(cases, inputs=replace(cases.inputs, values=values))
    with pytest.raises(ModelFailure, match=r"machine: .*ValueError.*infinity") as caught:
        model("svm").fit(spoilt, CONTEXT)
    assert "\n" not in str(caught.value)


def test_a_fit_that_does_not_converge_is_a_failure_with_its_remedy():
    with pytest.raises(ModelFailure, match="raise `max_iter`"):
        model("logistic_regression", max_iter=1).fit(cohort(2), CONTEXT)


def test_an_estimator_that_gives_up_is_a_failed_model(monkeypatch):
    """Libraries of users raise a RuntimeError; the other models must go on."""

    def give_up(*_):
        raise RuntimeError("no solution was found")

    monkeypatch.setattr(SVC, "fit", give_up)
    with pytest.raises(ModelFailure, match=r"ended in a RuntimeError \(no solution was found\)"):
        model("svm").fit(cohort(2), CONTEXT)


def test_features_are_found_by_name_and_a_missing_one_is_refused():
    cases = cohort(2)
    fitted = model("svm").fit(cases, CONTEXT)
    turned = cases.inputs.columns(cases.inputs.names[::-1])
    assert fitted.scores(turned).tobytes() == fitted.scores(cases.inputs).tobytes()
    other = replace(cases.inputs, names=("other", *cases.inputs.names[1:]))
    with pytest.raises(DataError, match=r"no feature `a`.*extract the feature families"):
        fitted.scores(other)


def test_traits_of_the_file_are_used_where_they_are_named_alone():
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
def test_columns_that_choose_nothing_are_a_wrong_option(columns, message):
    with pytest.raises(OptionError, match=rf"^model\.columns: {message}\. Allowed: .*zero"):
        model("svm", columns=columns).fit(cohort(2), CONTEXT)


TABLE = read_yaml(__file__, "chosen_columns.yaml")["table"]


@of_rows(__file__, "rows", "chosen_columns.yaml")
def test_families_choose_their_columns_and_none_leaves_shortcuts_and_controls_out(
    families, columns
):
    assert [*choose_columns(TABLE, families)] == columns


SELECTION = {"method": "auc", "keep": 2}


def kept(cases, name, **options):
    """Return the features that a fit kept; all of them must be named."""
    found = model(name, **options).fit(cases, CONTEXT).summary.features
    assert tuple(found) == cases.inputs.names
    return {feature for feature, chosen in found.items() if chosen}


@pytest.mark.parametrize("components", [None, 1])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_selection_names_what_it_chose(n_classes, components):
    cases = labelled(patients=60, n_classes=n_classes)
    chosen = kept(cases, "logistic_regression", selection=SELECTION, components=components)
    assert "a" in chosen
    assert len(chosen) == 2


def test_an_l1_penalty_keeps_the_features_without_which_the_scores_change():
    """A kept feature moves the scores when it is shuffled; another does not."""
    cases = cohort(3)
    options = {"l1_ratio": 1.0, "C": 0.1}
    chosen = kept(cases, "elastic_net", **options)
    assert 0 < len(chosen) < len(cases.inputs.names)
    fitted = model("elastic_net", **options).fit(cases, CONTEXT)
    before = fitted.scores(cases.inputs)
    for at, name in enumerate(cases.inputs.names):
        values = cases.inputs.values.copy()
        values[:, at] = values[::-1, at] + 1
        moved = fitted.scores(replace(cases.inputs, values=values))
        assert (np.abs(moved - before).max() > 0) == (name in chosen), name


def test_an_indicator_of_missing_values_counts_for_its_feature():
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


def test_features_that_do_not_last_are_left_out_in_each_fit():
    cases = labelled(patients=60)
    noise = np.random.default_rng(0).normal(size=(3, len(cases), 4)) * [0.05, 3, 0.05, 3]
    copies = [cases.inputs.values + one for one in noise]
    names = [f"perturbed_{copy + 1}.{name}" for copy in range(3) for name in cases.inputs.names]
    values = np.hstack([cases.inputs.values, *copies]).astype(np.float32)
    table = FeatureTable(cases.case_id, (*cases.inputs.names, *names), values)
    with_copies = replace(cases, inputs=table)
    plain = model("logistic_regression").fit(with_copies, CONTEXT)
    assert plain.features == cases.inputs.names
    chosen = model("logistic_regression", lasting={"least": 0.75})
    fitted = chosen.fit(with_copies, CONTEXT)
    assert fitted.features == ("a", "c")
    assert "repeatable features" in chosen.title
    fitted.scores(cases.inputs)  # a new case needs no copies
    with pytest.raises(OptionError, match="add `perturbed` to `features`"):
        chosen.fit(cases, CONTEXT)
    with pytest.raises(ModelFailure, match=r"no feature has .* surely above 0\.999"):
        model("logistic_regression", lasting={"least": 0.999}).fit(with_copies, CONTEXT)


@pytest.mark.parametrize(
    ("family", "named"), [("covariates", "covariates"), ("first_order", "features")]
)
def test_a_title_says_what_is_read_beside_an_encoding(family, named, tmp_path):
    case_id = np.array(["case-000000", "case-000001"])
    folder = tmp_path / "encodings" / "tiny"
    folder.mkdir(parents=True)
    FeatureTable(case_id, ("encoding_0",), np.zeros((2, 1))).write(folder / encoder.TABLE)
    record = encoder.EncoderRecord({"title": "Tiny network"}, "0" * 64, 1, 1)
    write_record(record, folder / encoder.RECORD)
    name = f"{family}_age"
    FeatureTable(case_id, (name,), np.ones((2, 1))).write(tmp_path / "features.parquet")
    fused = model("logistic_regression", encoding="tiny", columns=["encoding", family])
    reading = fused.read(PreparedData.under(tmp_path), TASK)
    assert reading.title == f"Logistic regression on Tiny network and {named}"
    assert fused.arm == "encoder"
    assert reading.of(case_id).names == ("encoding_0", name)
