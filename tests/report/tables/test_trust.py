"""Tables of stability, calibration, decisions, subgroups, doubt and trivial rules."""

import dataclasses

from skiagram.evaluation.records.stability import FeatureSelection
from skiagram.evaluation.results import Estimate
from skiagram.report.methods import methods
from skiagram.report.tables.calibration import calibration
from skiagram.report.tables.cells import Row, Table
from skiagram.report.tables.decisions import operating_tables
from skiagram.report.tables.doubt import prediction_sets, promised, referral
from skiagram.report.tables.stability import ranks, stability, variance
from skiagram.report.tables.subgroups import subgroup_tables
from skiagram.report.tables.trivial import trivial
from tests.report.examples_of_findings import full
from tests.report.examples_of_results import TITLES, binary, several_classes


def row(table: Table, title: str) -> Row:
    return next(one for _, rows in table.groups for one in rows if one.title == title)


def test_the_variance_is_split_into_patients_and_seed() -> None:
    table = variance(full())
    assert table is not None
    cells = row(table, TITLES["svm"]).cells
    assert [cell.value for cell in cells] == ["0.030", "0.010", "0.000", "10\N{NO-BREAK SPACE}%"]
    assert variance(binary()) is None


def test_flips_stand_beside_the_spread_and_their_absence_has_a_reason() -> None:
    assert row(stability(full()), TITLES["svm"]).cells[-1].value == "0.070"
    table = stability(binary())
    assert "repeats ≥ 2" in table.notes[row(table, TITLES["svm"]).cells[-1].note]


def test_the_agreement_of_chosen_features_has_a_column_where_a_model_chooses() -> None:
    plain = full()
    assert "Agreement of the chosen features" not in stability(plain).columns
    first = plain.models[0]
    assert first.stability is not None
    found = FeatureSelection(Estimate(0.61, 0.4, 0.8, "Nogueira"), 3, 40, 2.0, ())
    spread = dataclasses.replace(first.stability, selection=found)
    models = (dataclasses.replace(first, stability=spread), *plain.models[1:])
    changed = dataclasses.replace(plain, models=models)
    table = stability(changed)
    assert table.columns[-1] == "Agreement of the chosen features"
    assert row(table, first.outcome.title).cells[-1].value == "0.610"
    other = row(table, plain.models[1].outcome.title)
    assert table.notes[other.cells[-1].note] == "it chooses no features"
    assert "Nogueira" in methods(changed)["agreement of the chosen features"]


def test_ranks_tell_how_often_a_model_comes_first() -> None:
    table = ranks(full())
    assert table is not None
    assert [cell.value for cell in row(table, TITLES["svm"]).cells] == [
        "2.5",
        "50\N{NO-BREAK SPACE}%",
    ]
    assert ranks(binary()) is None


def test_calibration_names_the_ideal_value_of_each_column() -> None:
    table = calibration(full())
    assert table.columns[:2] == ("Intercept (0)", "Slope (1)")
    assert row(table, TITLES["svm"]).cells[0].value == "−0.200"
    assert "Reliability" not in calibration(several_classes()).columns


def test_predictive_values_stand_at_the_stated_prevalence() -> None:
    first, second = operating_tables(full())
    assert first.aim == "sensitivity of 90\N{NO-BREAK SPACE}%"
    at = first.table.columns.index("PPV at 1 %")
    assert row(first.table, TITLES["svm"]).cells[at].value == "0.034"
    assert row(second.table, TITLES["svm"]).cells[0].value == "–"
    assert operating_tables(several_classes()) == ()
    without = dataclasses.replace(full(), prevalence=None)
    assert not any("at" in column for column in operating_tables(without)[0].table.columns[1:5])


def test_small_subgroups_carry_their_warning() -> None:
    (forest, network) = subgroup_tables(full())
    assert (forest.title, network.title) == (TITLES["random_forest"], TITLES["small_cnn"])
    assert [column for column, _ in forest.table.groups] == ["view position", "site"]
    assert row(forest.table, "MLO").caution.startswith("only 7 patients")
    assert row(forest.table, "CC").caution == ""
    assert "no positive case" in forest.table.notes.values()
    assert "more than 12 different values" in forest.table.notes.values()


def test_sets_and_referral_are_told_in_shares() -> None:
    evaluation = full()
    assert promised(evaluation) == "90\N{NO-BREAK SPACE}%"
    assert row(prediction_sets(evaluation), TITLES["svm"]).cells[0].value == "0.910"
    cells = row(referral(evaluation), TITLES["svm"]).cells
    assert [cell.value for cell in cells[:4]] == ["0.200", "0.120", "0.100", "0.050"]
    assert promised(several_classes()) == ""


def test_a_rule_that_is_not_beaten_is_said_not_to_be() -> None:
    table = trivial(full())
    assert table is not None
    groups = dict(table.groups)
    found = {one.title: one.cells[1].value for one in groups[TITLES["small_cnn"]]}
    assert found == {"The prevalence (an AUC of ½)": "yes", "Decision tree": "not shown"}
    assert trivial(binary()) is None
