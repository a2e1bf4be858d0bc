"""The one kind of table of all pages."""

from dataclasses import replace

from skiagram.evaluation.evaluation_record import SECONDARY
from skiagram.evaluation.figure_table import make_row
from skiagram.evaluation.results import LIMIT
from skiagram.report.rendering import _environment
from skiagram.report.tables import (
    Cell,
    Group,
    Table,
    TableRow,
    fill_cell,
    fill_difference,
    list_rows,
    tabulate_declared,
    tabulate_models,
)
from skiagram.statistics.estimate import Estimate
from tests.evaluation.model_results import with_outcome, with_rows
from tests.report.examples_of_results import TITLES, binary, find_row, texts, with_failure
from tests.report.pages import Page


def written(table):
    return Page(_environment().from_string("{{ table(of, '') }}").render(of=table))


def test_a_figure_stands_with_its_interval_or_its_reason():
    assert fill_cell(Estimate(0.8, 0.7, 0.9)) == Cell("0.800", "(0.70 to 0.90)")
    assert fill_difference(Estimate(0.02, -0.01, 0.05)) == Cell("+0.020", "(−0.010 to +0.050)")
    assert fill_cell(Estimate(None, reason="one class")) == Cell("–", reason="one class")
    assert fill_cell(None).reason == "not computed for this task"


def test_equal_reasons_share_one_note_in_the_order_met():
    first, second = (Cell("–", reason=reason) for reason in ("one class", "no threshold"))
    rows = [TableRow("a", [first, second]), TableRow("b", [second, first])]
    assert Table(("x", "y"), list_rows(rows)).notes == {"one class": 1, "no threshold": 2}


def test_models_stand_arm_by_arm_in_the_order_of_the_choices_and_the_best_stand_out():
    table = tabulate_models(binary(), ("Name",), lambda model: [model.outcome.model])
    assert [group.title for group in table.groups] == ["Classical features", "Deep networks"]
    rows = [row for group in table.groups for row in group.rows]
    assert [texts(row) for row in rows] == [[name] for name in TITLES]
    best = [row.title for row in rows if row.best]
    assert best == ["Random forest", "Small network with batch norm"]


def test_a_failed_model_keeps_its_row_and_reason_and_one_above_the_ideal_is_marked():
    evaluation = with_failure("out of memory")
    above = [("above_ideal", "", Estimate(0.04, 0.01, 0.07))]
    first = evaluation.models[0].with_figures(LIMIT, above)
    changed = replace(evaluation, models=(first, *evaluation.models[1:]))
    table = tabulate_models(changed, ("a", "b"), lambda model: None)
    assert find_row(table, "Small network with batch norm").failure == "out of memory"
    assert find_row(table, "Linear regression").caution == "above the ideal"
    assert texts(find_row(table, "Linear regression")) == ["–", "–"]


def test_models_that_are_called_as_an_arm_or_as_chance_keep_their_titles():
    first, second, *others = binary().models
    models = (with_outcome(first, model="deep"), with_outcome(second, model="prevalence"))
    pair = make_row(Estimate(0.1), SECONDARY, "roc_auc", model="deep", versus="prevalence")
    evaluation = with_rows(replace(binary(), models=(*models, *others)), pair)
    row = find_row(tabulate_declared(evaluation, "secondary"), first.outcome.title)
    assert row.cells[0] == second.outcome.title


def test_every_part_of_a_table_is_written_and_hostile_text_stays_text():
    hostile = "<script>alert(1)</script>"
    rows = [
        TableRow(
            hostile, [Cell("0.8", "(0.7 to 0.9)", tone="right", mark=hostile, bad=True), hostile]
        ),
        TableRow("b", [Cell("–", reason=hostile), "words"], best=True, mark="m", caution=hostile),
        TableRow("c", [], failure=hostile),
    ]
    groups = [Group(hostile, rows), Group("own", rows[:1], columns=("p", hostile))]
    page = written(Table(("x", hostile), groups, words=(hostile,), first=hostile))
    assert not page.all("script")
    assert page.text.count("<script>") == 13
    assert "failed: <script>" in page.text
    assert "b best of arm m" in page.text
    cells = page.all("td")
    assert [one.get("class") for one in cells[:2]] == ["right", "text"]
    assert {one["scope"] for one in page.all("th")} == {"col", "row", "rowgroup"}
