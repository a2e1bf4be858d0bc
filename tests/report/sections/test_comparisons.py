import dataclasses

import pytest

from skiagram.evaluation.evaluation_record import PRIMARY, SECONDARY, ArmChoice, Evaluation
from skiagram.evaluation.figure_table import FigureTable, make_row
from skiagram.report.sections.comparisons import (
    comparisons,
    describe_scope,
    tabulate_differences,
    tabulate_pairs,
    tabulate_primary,
)
from skiagram.report.sections.trivial_rules import tabulate_trivial_rules
from skiagram.report.tables import Cell
from skiagram.statistics.estimate import Estimate
from tests.evaluation.situations import changed
from tests.report.examples_of_findings import full
from tests.report.examples_of_results import TITLES, binary, material, texts

NETWORK, FOREST, MACHINE = (TITLES[name] for name in ("small_cnn", "random_forest", "svm"))


def test_raw_and_corrected_p_stand_side_by_side_with_words() -> None:
    table = comparisons(full(), material())["secondary"]
    first, second, third = (
        dict(zip(table.columns, texts(row), strict=True)) for row in table.groups[0].rows
    )
    assert (first["p"], first["p, Holm"]) == ("0.410", "1.000")
    assert first["What it shows"] == "the first model is not inferior and may be better"
    assert first["Only first : only second correct"] == "12 : 9, p 0.510"
    assert (second["Difference in AUC"], second["p"]) == ("+0.050 (0.030–0.070)", "< 0.001")
    assert third["Difference in AUC"] == "one class only"


def square(row: str, column: str, evaluation: Evaluation | None = None) -> Cell | str:
    """Return a cell of the matrix."""
    table = tabulate_differences(evaluation or full())
    return table.row(row).cells[table.columns.index(column)]


@pytest.mark.slow
def test_the_matrix_is_antisymmetric_and_shades_what_holm_leaves() -> None:
    assert square(NETWORK, MACHINE) == Cell(
        "+0.050", "<\N{NO-BREAK SPACE}0.001 | 0.012", tone="ahead"
    )
    assert square(MACHINE, NETWORK) == Cell(
        "−0.050", "<\N{NO-BREAK SPACE}0.001 | 0.012", tone="behind"
    )
    assert square(FOREST, MACHINE) == Cell("+0.011", "0.410 | 1.000")
    assert square(NETWORK, NETWORK) == ""
    assert square(NETWORK, FOREST) == Cell("+0.021", "0.310")  # the primary one, not corrected
    alone = changed(full(), lambda row: None if row.analysis == SECONDARY else row)
    assert tabulate_differences(alone) is None


def procedures() -> Evaluation:
    """The example under `cv`, its classical arm chosen anew in each fold."""
    evaluation = full()
    network, forest = evaluation.best["deep"], evaluation.best["classical"]
    arms = {
        "deep": ArmChoice(network, {network: 9}, 9),
        "classical": ArmChoice(forest, {forest: 5, "svm": 4}, 9),
    }
    trained = make_row(Estimate(3), PRIMARY, "trainings", model="deep", versus="classical")
    figures = FigureTable((*evaluation.figures.rows, trained))
    task = dataclasses.replace(evaluation.task, design="cv")
    return dataclasses.replace(evaluation, arms=arms, figures=figures, task=task)


def test_a_choice_within_folds_names_every_model_chosen() -> None:
    table = tabulate_primary(procedures())
    (row,) = table.groups[0].rows
    assert row.title == NETWORK
    assert texts(row)[0].startswith("Best classical model of each fold (")
    assert texts(row)[0].endswith("in 5, Support vector machine in 4 of 9 folds)")
    assert square(NETWORK, FOREST, procedures()) == "–"  # it is none of two models


@pytest.mark.slow
def test_the_page_says_whether_the_seed_is_in_the_interval() -> None:
    assert "these fits alone" in describe_scope(full())
    assert "the mean of 3 trainings" in describe_scope(procedures())
    assert "share training cases" in describe_scope(procedures())
    holdout = dataclasses.replace(procedures(), task=full().task)
    assert "other patients and other seeds" in describe_scope(holdout)


def test_a_rule_that_is_not_beaten_is_said_not_to_be() -> None:
    table = tabulate_trivial_rules(full())
    rows = next(group.rows for group in table.groups if group.title == NETWORK)
    found = {row.title: texts(row)[1] for row in rows}
    assert found == {"The prevalence (AUC 0.5)": "yes", "Decision tree": "not shown"}
    assert tabulate_trivial_rules(binary()) is None


@pytest.mark.parametrize(("p_holm", "words"), [(0.216, "not told apart"), (0.03, "is better")])
def test_words_beside_a_corrected_p_say_no_more_than_it_allows(p_holm: float, words: str) -> None:
    pair = dataclasses.replace(
        next(row for row in full().pairs(SECONDARY) if row.value == 0.05), p_holm=p_holm
    )
    table = tabulate_pairs(
        dataclasses.replace(full(), figures=FigureTable((pair,))), SECONDARY, str
    )
    assert table is not None
    (row,) = table.groups[0].rows
    assert words in dict(zip(table.columns, texts(row), strict=True))["What it shows"]
