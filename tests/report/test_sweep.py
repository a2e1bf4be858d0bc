"""The page of a sweep: rules make its words, figures and table."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from skiagram.report.index import render_sweep
from skiagram.report.sweep import (
    describe_choice,
    draw_model,
    list_models,
    summarise,
    tabulate_rows,
)
from skiagram.statistics.estimate import Estimate
from skiagram.sweeps.figures import DIFFERENCE, Figure, RowFigures
from skiagram.sweeps.rows import SELECTION, Row
from skiagram.sweeps.runs import RowResult
from skiagram.sweeps.table import SweepResult

C = "conf.model.svm.inverse_regularisation"


def row(number: int, place: dict[str, Any], chosen_by: float, auc: float) -> RowResult:
    figures = [
        Figure("svm", "Support vector machine", "classical", name, estimate)
        for name, estimate in {
            SELECTION: Estimate(chosen_by, chosen_by - 0.1, chosen_by + 0.1),
            "roc_auc": Estimate(auc, auc - 0.05, auc + 0.05),
            DIFFERENCE: Estimate(auc - 0.8, auc - 0.9, auc - 0.7),
        }.items()
        if number > 1 or name != DIFFERENCE
    ]
    return RowResult(Row(number, place, place, 1), RowFigures(tuple(figures), 40, 30))


def sweep(*rows: RowResult) -> SweepResult:
    return SweepResult("strength", "How strong <should> it be?", "svm", rows)


LINE = sweep(row(1, {C: 0.1}, 0.7, 0.8), row(2, {C: 1.0}, 0.9, 0.6), row(3, {C: 10}, 0.8, 0.95))


def test_the_answer_names_the_row_of_the_highest_selection_auc_not_of_the_best_test_auc() -> None:
    words = " ".join(describe_choice(LINE))
    assert "Row 2 (svm.inverse_regularisation 1)" in words
    assert "0.900" in words
    assert "0.600" in words
    assert "0.950" not in words


def test_where_no_row_is_shown_to_beat_chance_the_first_sentence_says_so() -> None:
    useless = sweep(row(1, {C: 0.1}, 0.7, 0.54), row(2, {C: 1.0}, 0.9, 0.5))
    assert summarise(useless).answers[0].startswith("No model works on these data")
    assert "No model works on these data" in render_sweep(useless)
    assert "No model works" not in render_sweep(sweep(*useless.rows, row(3, {C: 2}, 0.8, 0.56)))


def test_the_table_marks_the_chosen_row_and_dashes_the_reference() -> None:
    table = tabulate_rows(LINE, "svm")
    assert [each.best for each in table.groups[0].rows] == [False, True, False]
    assert "the reference" in table.notes


def test_a_failed_row_stands_with_its_reason() -> None:
    failed = RowResult(Row(4, {C: 0}, {C: 0}, 1), reason="must be above 0")
    page = render_sweep(sweep(*LINE.rows, failed))
    assert "must be above 0" in page
    assert "1 of 4 rows failed" in page


def values(places: Sequence[dict[str, Any]]) -> SweepResult:
    return sweep(*(row(k, place, 0.7 + k / 100, 0.8) for k, place in enumerate(places, start=1)))


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([{C: 0.1}, {C: 1.0}], "against svm.inverse_regularisation"),
        ([{C: c, "seed": s} for c in (0.1, 1) for s in (0, 1)], "Selection AUC"),
        ([{"restoration": "none"}, {"restoration": "repair"}], "change in AUC"),
    ],
)
def test_one_axis_of_numbers_is_a_line_two_axes_are_a_map_names_are_differences(
    places: Sequence[dict[str, Any]], words: str
) -> None:
    drawing = draw_model(values(places), "svm")
    assert words in drawing.description


def test_numbers_of_a_logarithmic_axis_are_written_out() -> None:
    """Powers came as formulas, which the page's pictures do not set."""
    drawing = draw_model(values([{C: 0.01}, {C: 1.0}, {C: 100.0}]), "svm")
    assert "mathdefault" not in drawing.svg
    assert all(f">{number}<" in drawing.svg for number in ("0.01", "1", "100"))


def test_the_best_of_an_arm_stands_apart_only_where_it_is_another_model() -> None:
    assert list_models(LINE) == ["svm"]
    best = Figure("best_classical", "Random forest", "classical", SELECTION, Estimate(0.9))
    other = replace(LINE.rows[0].figures, figures=(*LINE.rows[0].figures.figures, best))
    rows = (replace(LINE.rows[0], figures=other), *LINE.rows[1:])
    assert list_models(replace(LINE, rows=rows)) == ["svm", "best_classical"]


def test_rows_that_share_the_best_figure_are_counted() -> None:
    same = sweep(row(1, {C: 0.1}, 0.9, 0.8), row(2, {C: 1.0}, 0.9, 0.6), row(3, {C: 9}, 0.8, 0.7))
    assert "2 rows have this figure; it is the first of them." in describe_choice(same)


def test_of_an_error_the_lowest_is_chosen_and_said_to_be() -> None:
    figures = [
        RowFigures(
            tuple(
                Figure("ridge", "Ridge", "classical", name, Estimate(value, value / 2, value * 2))
                for name in ("selection_absolute_error", "absolute_error")
            ),
            primary="absolute_error",
            primary_is_error=True,
        )
        for value in (0.6, 0.4, 0.5)
    ]
    rows = [RowResult(Row(k, {C: k}, {C: k}, 1), of) for k, of in enumerate(figures, start=1)]
    result = SweepResult("strength", "How strong?", "ridge", tuple(rows))
    words = " ".join(describe_choice(result))
    assert "Row 2 (svm.inverse_regularisation 2) has the lowest selection_absolute_error" in words
    drawing = draw_model(result, "ridge")
    assert drawing.description.startswith("absolute error of Ridge")


def test_options_that_named_settings_change_are_columns_of_the_table() -> None:
    steps: dict[str, dict[str, Any]] = {
        "plain": {"restoration": "none"},
        "clean": {"restoration": "repair", "folds": 3},
    }
    rows = [
        RowResult(Row(k, {"steps": name}, of, 1), reason="-")
        for k, (name, of) in enumerate(steps.items(), 1)
    ]
    table = SweepResult("steps", "What?", "", tuple(rows)).table()
    assert table[["steps", "restoration", "folds"]].to_numpy().tolist() == [
        ["plain", "none", ""],
        ["clean", "repair", "3"],
    ]
