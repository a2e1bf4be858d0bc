"""Tables of stability, calibration, decisions, subgroups, doubt and trivial rules."""

import dataclasses

from skiagram.evaluation.results import Estimate, FeatureSelection
from skiagram.report.formatting import Row, Table
from skiagram.report.sections.answer import draw_forest
from skiagram.report.sections.calibration import (
    draw_reliability,
    tabulate_calibration,
    tabulate_calibration_distance,
)
from skiagram.report.sections.comparisons import tabulate_reference_baselines
from skiagram.report.sections.decisions import (
    describe_net_benefit,
    draw_decision_curve,
    tabulate_net_benefit,
    tabulate_operating_points,
    tabulate_utility,
)
from skiagram.report.sections.provenance import describe_methods
from skiagram.report.sections.readers import describe_readers, tabulate_readers
from skiagram.report.sections.sites import describe_sites, tabulate_sites
from skiagram.report.sections.stability import tabulate_ranks, tabulate_stability, tabulate_variance
from skiagram.report.sections.subgroups import (
    draw_subgroups,
    tabulate_subgroup_differences,
    tabulate_subgroups,
)
from skiagram.report.sections.uncertainty import (
    draw_risk_coverage,
    format_promised_coverage,
    tabulate_prediction_sets,
    tabulate_referral,
)
from tests.report.examples_of_findings import full
from tests.report.examples_of_results import TITLES, binary, several_classes


def row(table: Table, title: str) -> Row:
    return next(one for _, rows in table.groups for one in rows if one.title == title)


def test_the_variance_is_split_into_patients_and_seed() -> None:
    table = tabulate_variance(full())
    assert table is not None
    cells = row(table, TITLES["svm"]).cells
    assert [cell.value for cell in cells] == ["0.030", "0.010", "0.000", "10\N{NO-BREAK SPACE}%"]
    assert tabulate_variance(binary()) is None


def test_flips_stand_beside_the_spread_and_their_absence_has_a_reason() -> None:
    assert row(tabulate_stability(full()), TITLES["svm"]).cells[-1].value == "0.070"
    table = tabulate_stability(binary())
    assert "repeats ≥ 2" in table.notes[row(table, TITLES["svm"]).cells[-1].note]


def test_the_agreement_of_chosen_features_has_a_column_where_a_model_chooses() -> None:
    plain = full()
    assert "Agreement of the selected features" not in tabulate_stability(plain).columns
    first = plain.models[0]
    assert first.stability is not None
    found = FeatureSelection(Estimate(0.61, 0.4, 0.8, "Nogueira"), 3, 40, 2.0, ())
    spread = dataclasses.replace(first.stability, selection=found)
    models = (dataclasses.replace(first, stability=spread), *plain.models[1:])
    changed = dataclasses.replace(plain, models=models)
    table = tabulate_stability(changed)
    assert table.columns[-1] == "Agreement of the selected features"
    assert row(table, first.outcome.title).cells[-1].value == "0.610"
    other = row(table, plain.models[1].outcome.title)
    assert table.notes[other.cells[-1].note] == "the model selects no features"
    assert "Nogueira" in describe_methods(changed)["Agreement of the selected features"]


def test_ranks_tell_how_often_a_model_comes_first() -> None:
    table = tabulate_ranks(full())
    assert table is not None
    assert [cell.value for cell in row(table, TITLES["svm"]).cells] == [
        "2.5",
        "50\N{NO-BREAK SPACE}%",
    ]
    assert tabulate_ranks(binary()) is None


def test_calibration_names_the_ideal_value_of_each_column() -> None:
    table = tabulate_calibration(full())
    assert table.columns[:2] == ("Intercept (ideal 0)", "Slope (ideal 1)")
    assert row(table, TITLES["svm"]).cells[0].value == "−0.200"
    assert "Reliability" not in tabulate_calibration(several_classes()).columns


def test_predictive_values_stand_at_the_stated_prevalence() -> None:
    first, second = tabulate_operating_points(full())
    assert first.aim == "sensitivity of 90\N{NO-BREAK SPACE}%"
    at = first.table.columns.index("PPV at 1 %")
    assert row(first.table, TITLES["svm"]).cells[at].value == "0.034"
    assert row(second.table, TITLES["svm"]).cells[0].value == "–"
    assert tabulate_operating_points(several_classes()) == ()
    without = dataclasses.replace(full(), prevalence=None)
    assert not any(
        "at" in column for column in tabulate_operating_points(without)[0].table.columns[1:5]
    )


def test_the_distance_of_probabilities_stands_beside_what_chance_reaches() -> None:
    table = tabulate_calibration_distance(full())
    assert table is not None
    values = [cell.value for cell in row(table, TITLES["svm"]).cells]
    assert values == ["0.041", "0.034", "0.030", "0.090"]
    assert tabulate_calibration_distance(binary()) is None


def test_net_benefit_is_told_per_thousand_at_the_stated_prevalence() -> None:
    table = tabulate_net_benefit(full())
    assert table is not None
    assert table.groups[0][0] == "Per 1,000 patients, 1 % of them positive"
    values = [cell.value for cell in row(table, "10 %").cells]
    assert values == ["90 %", "−100.0", "1.1", "4.2", "+3.1"]
    assert row(table, "10 %").cells[-1].interval == "(0.6–5.6)"
    sure, open_ = describe_net_benefit(full())
    assert "risk of 10 %, the network is worth more" in sure
    assert "+3.1 true positives per 1,000 patients (+0.6 to +5.6)" in sure
    assert "not shown which" in open_
    assert tabulate_net_benefit(several_classes()) is None
    assert describe_net_benefit(binary()) == ()


def test_paired_differences_have_a_row_each_or_a_reason() -> None:
    table = tabulate_utility(full())
    assert row(table, "Brier score (lower is better)").cells[0].value == "−0.012"
    missing = row(table, "Specificity (higher is better)").cells[0]
    assert table.notes[missing.note] == "no threshold was fixed"
    alone = tabulate_utility(binary())
    assert list(alone.notes.values()) == ["needs a network and a classical model that were trained"]


def test_small_subgroups_carry_their_warning() -> None:
    (forest, network) = tabulate_subgroups(full())
    assert (forest.title, network.title) == (TITLES["random_forest"], TITLES["small_cnn"])
    assert [column for column, _ in forest.table.groups] == ["view position", "film", "site"]
    assert row(forest.table, "MLO").caution.startswith("only 7 patients")
    assert row(forest.table, "CC").caution == ""
    assert "no positive case" in forest.table.notes.values()
    assert "more than 12 different values" in forest.table.notes.values()


def test_sets_and_referral_are_told_in_shares() -> None:
    evaluation = full()
    assert format_promised_coverage(evaluation) == "90\N{NO-BREAK SPACE}%"
    assert row(tabulate_prediction_sets(evaluation), TITLES["svm"]).cells[0].value == "0.910"
    cells = row(tabulate_referral(evaluation), TITLES["svm"]).cells
    assert [cell.value for cell in cells[:4]] == ["0.200", "0.120", "0.100", "0.050"]
    assert format_promised_coverage(several_classes()) == ""


def test_a_rule_that_is_not_beaten_is_said_not_to_be() -> None:
    table = tabulate_reference_baselines(full())
    assert table is not None
    groups = dict(table.groups)
    found = {one.title: one.cells[1].value for one in groups[TITLES["small_cnn"]]}
    assert found == {"The prevalence (AUC 0.5)": "yes", "Decision tree": "not shown"}
    assert tabulate_reference_baselines(binary()) is None


def test_only_the_best_of_each_arm_is_drawn() -> None:
    for draw in (draw_reliability, draw_decision_curve, draw_risk_coverage):
        figure = draw(full())
        assert figure is not None
        assert TITLES["small_cnn"] in figure.description
        assert TITLES["random_forest"] in figure.description
        assert TITLES["svm"] not in figure.description


def test_words_of_a_figure_hold_its_numbers() -> None:
    curve, bins, risk = (
        draw_decision_curve(full()),
        draw_reliability(full()),
        draw_risk_coverage(full()),
    )
    assert curve
    assert bins
    assert risk
    assert "0.350 at 0.1" in curve.description
    assert "0.900 (0.80–0.95) of 50 at 0.90" in bins.description
    assert "0.200 with all cases kept, area 0.080" in risk.description


def test_what_is_not_known_is_not_drawn() -> None:
    assert (
        draw_reliability(binary()),
        draw_decision_curve(binary()),
        draw_risk_coverage(binary()),
    ) == (None,) * 3


def test_the_difference_stands_below_the_models_where_there_is_one() -> None:
    with_both = draw_forest(full())
    assert "+0.021 (−0.030 to 0.046)" in with_both.description
    alone = draw_forest(dataclasses.replace(full(), difference=None))
    assert "minus" not in alone.description
    assert "Best network minus" in with_both.svg
    assert "Best network minus" not in alone.svg


def test_parts_of_the_cases_that_have_an_auc_are_drawn() -> None:
    figure = draw_subgroups(full())
    assert figure is not None
    assert "view_position CC 0.830 (0.73–0.88)" in figure.description
    assert "view position: MLO" in figure.svg
    assert "40 values" not in figure.svg
    assert draw_subgroups(binary()) is None


def test_a_subgroup_is_held_against_all_other_cases() -> None:
    found = tabulate_subgroup_differences(full())
    assert [one.title for one in found] == [TITLES["random_forest"], TITLES["small_cnn"]]
    cells = row(found[0].table, "CC").cells
    assert (cells[0].value, cells[0].interval) == ("−0.100", "(−0.190 to −0.010)")
    assert cells[1].value == "0.030 | 0.120"
    assert tabulate_subgroup_differences(binary()) == ()


def test_a_hidden_subgroup_has_no_counts() -> None:
    table = tabulate_subgroups(full())[0].table
    cells = row(table, "hidden: fewer than 5 patients, or fewer of a class").cells
    assert {cell.value for cell in cells} == {"–"}


def test_each_site_has_a_row_and_the_next_one_a_range() -> None:
    table = tabulate_sites(full())
    assert table is not None
    assert [one.title for one in table.groups[0][1]] == ["Basel", "Leeds", "Porto"]
    assert row(table, "Leeds").cells[-1].value == "+0.050"
    assert row(table, "The next such site").cells[-1].interval == "(−0.080 to 0.180)"
    words = describe_sites(full())
    assert "network minus classical is +0.050 (−0.010 to 0.110)" in words
    assert "in (−0.080 to 0.180)" in words
    assert "2 with too few patients" in words
    assert tabulate_sites(binary()) is None
    task = dataclasses.replace(full().task, positive=None)
    several = tabulate_sites(dataclasses.replace(full(), task=task))
    assert several is not None
    assert "AUC, mean over classes, classical features" in several.columns


def test_one_site_says_nothing_of_the_next() -> None:
    whole = full().sites
    assert whole is not None
    one = dataclasses.replace(whole, sites=whole.sites[:1], left_out=0)
    words = describe_sites(dataclasses.replace(full(), sites=one))
    assert words == "One site says nothing about the next."


def test_readers_are_held_against_the_models_by_their_mean() -> None:
    table = tabulate_readers(full())
    assert table is not None
    assert row(table, "Mean reader").cells[0].value == "0.830"
    assert row(table, TITLES["small_cnn"]).cells[1].value == "+0.090"
    words = describe_readers(full())
    assert "2 readers" in words
    assert "Classical features: not shown to differ from the mean reader." in words
    assert "Deep networks: above the mean reader." in words
    assert tabulate_readers(binary()) is None
