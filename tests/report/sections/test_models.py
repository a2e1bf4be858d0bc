import dataclasses

from skiagram.evaluation.results import Estimate
from skiagram.report.sections.models import tabulate_performance
from skiagram.report.sections.stability import tabulate_stability
from skiagram.report.sections.training import tabulate_cost
from tests.report.examples_of_results import (
    TITLES,
    binary,
    several_classes,
    with_failure,
    with_reader,
)


def test_models_stand_arm_by_arm_in_the_order_of_the_choices() -> None:
    table = tabulate_performance(binary(ideal=False))
    assert [title for title, _ in table.groups] == ["Classical features", "Deep networks"]
    assert [row.title for _, rows in table.groups for row in rows] == list(TITLES.values())


def test_readers_are_a_group_of_their_own_that_cost_nothing() -> None:
    evaluation = with_reader()
    assert tabulate_performance(evaluation).groups[2][0] == "Readers and devices"
    (row,) = tabulate_performance(evaluation).groups[2][1]
    assert (row.title, row.best) == ("Dr Gray", False)
    assert row.cells[0].value != "–"
    assert [title for title, _ in tabulate_cost(evaluation).groups] == [
        "Classical features",
        "Deep networks",
    ]


def test_one_model_of_each_arm_is_marked() -> None:
    table = tabulate_performance(binary(ideal=False))
    assert [[row.title for row in rows if row.best] for _, rows in table.groups] == [
        ["Random forest"],
        ["Small network with batch norm"],
    ]


def test_the_ideal_observer_is_the_last_row_and_fully_efficient() -> None:
    table = tabulate_performance(binary())
    (row,) = table.groups[-1][1]
    assert row.title == "Ideal observer"
    assert row.cells[table.columns.index("AUC")].value == "0.955"
    assert row.cells[table.columns.index("Efficiency")].value == "1.000"
    assert len(row.cells) == len(table.columns)


def test_off_twins_has_a_column_only_where_there_are_twins() -> None:
    assert "AUC without near duplicates" in tabulate_performance(binary(near_duplicates=52)).columns
    assert "AUC without near duplicates" not in tabulate_performance(binary()).columns


def test_a_failed_model_keeps_its_row_and_reason_in_every_table() -> None:
    evaluation = with_failure("out of memory")
    for make in (tabulate_performance, tabulate_stability, tabulate_cost):
        rows = {row.title: row for _, group in make(evaluation).groups for row in group}
        assert rows["Small network with batch norm"].failure == "out of memory"


def test_a_missing_figure_points_to_its_reason() -> None:
    table = tabulate_performance(several_classes())
    (row,) = table.groups[0][1]
    cell = row.cells[table.columns.index("Sensitivity")]
    assert cell.value == "–"
    assert table.notes[cell.note] == "defined for two classes only"


def test_equal_reasons_share_one_note() -> None:
    table = tabulate_stability(binary())
    notes = {cell.note for _, rows in table.groups for row in rows for cell in row.cells}
    assert notes == {"", "1"}
    assert list(table.notes) == ["1"]


def test_auc_over_several_classes_says_that_it_is_a_mean() -> None:
    assert tabulate_performance(several_classes()).columns[0] == "AUC, mean over classes"


def test_a_model_above_the_ideal_is_marked() -> None:
    evaluation = binary()
    first = dataclasses.replace(evaluation.models[0], leaked=True)
    changed = dataclasses.replace(evaluation, models=(first, *evaluation.models[1:]))
    rows = tabulate_performance(changed).groups[0][1]
    assert [row.leaked for row in rows] == [True, False, False, False, False]


def test_a_model_without_stability_still_has_its_row() -> None:
    evaluation = binary()
    bare = dataclasses.replace(evaluation.models[0], stability=None)
    changed = dataclasses.replace(evaluation, models=(bare,))
    (row,) = tabulate_stability(changed).groups[0][1]
    assert {cell.value for cell in row.cells} == {"–"}


def test_an_auc_that_cannot_be_computed_leaves_the_column() -> None:
    evaluation = binary(ideal=False)
    bare = dataclasses.replace(
        evaluation.models[0], metrics={"roc_auc": Estimate(None, reason="one class only")}
    )
    table = tabulate_performance(dataclasses.replace(evaluation, models=(bare,)))
    assert table.columns == ("AUC",)
    assert table.notes == {"1": "one class only"}


def test_the_figure_that_chose_the_best_is_shown_under_both_designs() -> None:
    holdout, nested = tabulate_stability(binary()), tabulate_stability(several_classes())
    assert holdout.columns[0] == "Out-of-fold AUC, mean of folds (used to choose the best)"
    assert nested.columns[0] == "Inner AUC (used to choose the best)"
    assert len(nested.groups[0][1][0].cells) == len(nested.columns)
