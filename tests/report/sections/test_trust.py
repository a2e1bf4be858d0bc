"""Sections beyond discrimination: stability, calibration, decisions, subgroups, sites, readers."""

import dataclasses

import pytest

from skiagram.evaluation.evaluation_record import PRIMARY
from skiagram.evaluation.results import STABILITY
from skiagram.evaluation.stability import FeatureSelection
from skiagram.report.section import make_sections
from skiagram.report.sections.answer import answer
from skiagram.report.sections.calibration import (
    draw_reliability,
    tabulate_calibration,
    tabulate_calibration_distance,
)
from skiagram.report.sections.decisions import (
    describe_net_benefit,
    draw_decision_curve,
    natural_frequencies,
    tabulate_net_benefit,
    tabulate_operating_points,
    tabulate_utility,
)
from skiagram.report.sections.provenance import describe_methods
from skiagram.report.sections.readers import describe_readers, tabulate_readers
from skiagram.report.sections.sites import describe_sites, tabulate_sites
from skiagram.report.sections.stability import (
    tabulate_chosen_features,
    tabulate_stability,
    tabulate_variance,
)
from skiagram.report.sections.subgroups import draw_subgroups, subgroups
from skiagram.report.sections.uncertainty import tabulate_prediction_sets, tabulate_referral
from skiagram.report.tables import Cell, Table
from skiagram.statistics.estimate import Estimate
from tests.evaluation.model_results import with_metrics
from tests.evaluation.situations import changed
from tests.report.examples_of_findings import full
from tests.report.examples_of_results import TITLES, binary, material, several_classes, texts

MACHINE, FOREST, NETWORK = (TITLES[name] for name in ("svm", "random_forest", "small_cnn"))
SPACE = "\N{NO-BREAK SPACE}"


def row(table: Table | None, title: str) -> list[str]:
    """Return what stands in the cells of a row."""
    return texts(table.row(title))


def cell(table: Table | None, title: str, column: int) -> Cell:
    found = table.row(title).cells[column]
    assert isinstance(found, Cell)
    return found


def test_the_variance_is_split_into_patients_and_seed() -> None:
    assert row(tabulate_variance(full()), MACHINE) == ["0.030", "0.010", "0.000", f"10{SPACE}%"]
    assert tabulate_variance(binary()) is None


def test_the_figure_that_chose_the_best_is_shown_under_both_designs() -> None:
    holdout, nested = tabulate_stability(binary()), tabulate_stability(several_classes())
    assert holdout.columns[0] == "Out-of-fold AUC, mean of folds (used to choose the best)"
    assert nested.columns[0] == "Inner AUC (used to choose the best)"
    assert len(nested.groups[0].rows[0].cells) == len(nested.columns)


def test_chosen_features_stand_with_their_agreement_and_most_often_chosen_first() -> None:
    plain = full()
    assert "Agreement of the selected features" not in tabulate_stability(plain).columns
    assert tabulate_chosen_features(plain, ()) is None
    first = plain.models[0]
    often = {"first_order_skewness": 1.0, "age": 0.4}
    found = FeatureSelection(Estimate(0.61, 0.4, 0.8, "Nogueira"), 5, 40, 2.4, often)
    figures = [
        (row.figure, row.group, row) for row in first.figures.select(analysis=STABILITY).rows
    ]
    choosing = first.with_figures(STABILITY, [*figures, *found.list_figures()])
    models = (choosing, *plain.models[1:])
    changed = dataclasses.replace(plain, models=models)
    table = tabulate_stability(changed)
    assert table.columns[-1] == "Agreement of the selected features"
    assert row(table, first.outcome.title)[-1] == "0.610"
    other = cell(table, plain.models[1].outcome.title, -1)
    assert other.reason == "the model selects no features"
    assert "Nogueira" in describe_methods(changed)["Agreement of the selected features"]
    chosen = tabulate_chosen_features(changed, ())
    title = f"{first.outcome.title}: 2.4 of 40 features per fit, 5 fits"
    assert [group.title for group in chosen.groups] == [title]
    assert [each.title for each in chosen.groups[0].rows] == ["first_order_skewness", "age"]
    assert row(chosen, "age") == [f"40{SPACE}%", "none", ""]


def test_calibration_names_the_ideal_value_of_each_column() -> None:
    table = tabulate_calibration(full())
    assert list(table.columns[:2]) == ["Intercept (ideal 0)", "Slope (ideal 1)"]
    assert row(table, MACHINE)[0] == "−0.200"
    assert "Reliability" not in tabulate_calibration(several_classes()).columns
    distances = row(tabulate_calibration_distance(full()), MACHINE)
    assert distances == ["0.041", "0.034", "0.030", "0.090"]
    assert tabulate_calibration_distance(binary()) is None


def test_predictive_values_stand_at_the_stated_prevalence() -> None:
    tables = tabulate_operating_points(full())
    first, second = tables.values()
    assert next(iter(tables)) == f"sensitivity of 90{SPACE}%"
    assert row(first, MACHINE)[first.columns.index("PPV at 1 %")] == "0.034"
    assert row(second, MACHINE)[0] == "–"
    assert tabulate_operating_points(several_classes()) == {}
    without = tabulate_operating_points(dataclasses.replace(full(), prevalence=None))
    assert not any("at" in column for column in next(iter(without.values())).columns[1:5])


def test_hits_and_false_alarms_are_counted_out_of_a_hundred() -> None:
    evaluation = binary()
    forest = next(one for one in evaluation.models if one.outcome.model == "random_forest")
    metrics = {"sensitivity": Estimate(0.914), "specificity": Estimate(0.706)}
    models = (with_metrics(forest, metrics),)
    (sentence,) = natural_frequencies(dataclasses.replace(evaluation, models=models))
    assert "of 100 abnormal cases it detects 91 and misses 9" in sentence
    assert "of 100 other cases, 29 are false alarms" in sentence
    assert natural_frequencies(several_classes()) == ()


def test_net_benefit_is_told_per_thousand_at_the_stated_prevalence() -> None:
    table = tabulate_net_benefit(full())
    assert table.groups[0].title == "Per 1,000 patients, 1 % of them positive"
    assert row(table, "10 %") == ["90 %", "−100.0", "1.1", "4.2", "+3.1"]
    assert cell(table, "10 %", -1).small == "(0.6–5.6)"
    sure, unsure = describe_net_benefit(full())
    assert "risk of 10 %, the network is worth more" in sure
    assert "+3.1 true positives per 1,000 patients (+0.6 to +5.6)" in sure
    assert "not shown which" in unsure
    assert tabulate_net_benefit(several_classes()) is None
    assert describe_net_benefit(binary()) == ()


def test_paired_differences_have_a_row_each_or_a_reason() -> None:
    table = tabulate_utility(full())
    assert row(table, "Brier score (lower is better)") == ["−0.012"]
    assert cell(table, "Specificity (higher is better)", 0).reason == "no threshold was fixed"
    reasons = tabulate_utility(binary()).notes
    assert list(reasons) == ["needs a network and a classical model that were trained"]


def test_sets_and_referral_are_told_in_shares() -> None:
    assert row(tabulate_prediction_sets(full()), MACHINE)[0] == "0.910"
    assert row(tabulate_referral(full()), MACHINE)[:4] == ["0.200", "0.120", "0.100", "0.050"]


@pytest.mark.slow
def test_only_the_best_of_each_arm_is_drawn_and_described_with_its_numbers() -> None:
    numbers = {
        draw_reliability: "0.900 (0.80–0.95) of 50 at 0.90",
        draw_decision_curve: "0.350 at 0.1",
    }
    for draw, words in numbers.items():
        figure = draw(full())
        assert words in figure.description
        assert NETWORK in figure.description
        assert FOREST in figure.description
        assert MACHINE not in figure.description
        assert draw(binary()) is None  # what is not known is not drawn


@pytest.mark.slow
def test_the_difference_stands_below_the_models_where_there_is_one() -> None:
    with_both = answer(full(), material())["forest"]
    assert "+0.021 (−0.030 to 0.046)" in with_both.description
    assert "Best network minus" in with_both.svg
    alone = changed(full(), lambda row: None if row.analysis == PRIMARY else row)
    alone = answer(alone, material())["forest"]
    assert "minus" not in alone.description + alone.svg.split("</metadata>")[-1].replace("−", "")


@pytest.mark.slow
def test_subgroups_carry_their_warning_and_hidden_ones_have_no_counts() -> None:
    found = subgroups(full(), material())
    assert list(found["tables"]) == list(found["differences"]) == [FOREST, NETWORK]
    table = found["tables"][FOREST]
    assert [group.title for group in table.groups] == ["view position", "film", "site"]
    assert table.row("MLO").caution.startswith("only 7 patients")
    assert table.row("CC").caution == ""
    assert {"no positive case", "more than 12 different values"} <= set(table.notes)
    assert set(row(table, "hidden: fewer than 5 patients, or fewer of a class")) == {"–"}
    differences = found["differences"][FOREST]
    assert cell(differences, "CC", 0)[:2] == ("−0.100", "(−0.190 to −0.010)")
    assert row(differences, "CC")[1] == "0.030 | 0.120"
    assert make_sections(binary(), material()).left_out["Subgroups"].startswith("no column divides")


def test_parts_of_the_cases_that_have_an_auc_are_drawn() -> None:
    figure = draw_subgroups(full())
    assert "view position: MLO" in figure.svg
    assert "40 values" not in figure.svg


@pytest.mark.slow
def test_each_site_has_a_row_and_the_next_one_a_range() -> None:
    table = tabulate_sites(full())
    assert [one.title for one in table.groups[0].rows] == ["Basel", "Leeds", "Porto"]
    assert row(table, "Leeds")[-1] == "+0.050"
    assert cell(table, "The next such site", -1).small == "(−0.080 to 0.180)"
    words = describe_sites(full())
    assert "network minus classical is +0.050 (−0.010 to 0.110)" in words
    assert "in (−0.080 to 0.180)" in words
    assert "2 with too few patients" in words
    assert tabulate_sites(binary()) is None
    task = dataclasses.replace(full().task, positive=None)
    several = tabulate_sites(dataclasses.replace(full(), task=task))
    assert "AUC, mean over classes, classical features" in several.columns


def test_readers_are_held_against_the_models_by_their_mean() -> None:
    table = tabulate_readers(full())
    assert row(table, "Mean reader")[0] == "0.830"
    assert row(table, NETWORK)[1] == "+0.090"
    words = describe_readers(full())
    assert "With two to five readers who truly differ, intervals" in words
    assert "2 readers" in words
    assert "Classical features: not shown to differ from the mean reader." in words
    assert "Deep networks: above the mean reader." in words
    assert tabulate_readers(binary()) is None
