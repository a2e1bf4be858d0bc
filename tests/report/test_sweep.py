"""Pages of sweeps: rules make the words, figures and tables of every analysis."""

from dataclasses import replace
from functools import partial

import pytest

from skiagram.report import severity
from skiagram.report.sweep import (
    OUTPUTS,
    draw_model,
    list_models,
    render_sweep,
    tabulate_rows,
    write_outputs,
)
from skiagram.statistics.estimate import Estimate
from skiagram.sweeps.figures import DIFFERENCE
from skiagram.sweeps.learning_curves import LearningCurves
from skiagram.sweeps.rows import SELECTION, Row
from skiagram.sweeps.runs import RowResult
from skiagram.sweeps.table import SweepResult
from skiagram.sweeps.time import Clock
from tests.report.pages import Page
from tests.sweeps.made_figures import make_figures
from tests.yaml_rows import as_record, read_yaml

pytestmark = pytest.mark.slow

C = "conf.model.svm.C"
SVM = ("svm", "Support vector machine", "classical")
FOUND = read_yaml(__file__, "sweep_examples.yaml")
CURVES = as_record(LearningCurves, FOUND["curves"])
CURVE, CROSSING = CURVES.curves[0], CURVES.crossings[0]


def row(number, place, chosen_by, auc):
    figures = {
        SELECTION: Estimate(chosen_by, chosen_by - 0.1, chosen_by + 0.1),
        "roc_auc": Estimate(auc, auc - 0.05, auc + 0.05),
    }
    if number > 1:
        figures[DIFFERENCE] = Estimate(auc - 0.8, auc - 0.9, auc - 0.7)
    return RowResult(Row(number, place, place, 1), make_figures({SVM: figures}))


def sweep(*rows):
    return SweepResult("strength", "How strong <should> it be?", "svm", rows)


LINE = sweep(row(1, {C: 0.1}, 0.7, 0.8), row(2, {C: 1.0}, 0.9, 0.6), row(3, {C: 10}, 0.8, 0.95))


def test_a_sweep_leaves_what_it_says_it_leaves(tmp_path):
    write_outputs(LINE, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(OUTPUTS)


USELESS = sweep(row(1, {C: 0.1}, 0.7, 0.54), row(2, {C: 1.0}, 0.9, 0.5))


def values(places):
    return sweep(*(row(k, place, 0.7 + k / 100, 0.8) for k, place in enumerate(places, start=1)))


def measured(row, models, **values):
    """Return a row with figures: title → its arm, and name → estimate."""
    figures = {}
    for title, found in models.items():
        named = {name: figure for name, figure in found.items() if name != "arm"}
        figures[title, title, found["arm"]] = as_record(dict[str, Estimate], named)
    return RowResult(row, make_figures(figures, 20, 10, **values))


def of_errors():
    """Return rows whose primary figure is an error, the second the lowest."""
    primary = {"primary": "absolute_error", "primary_is_error": True}
    rows = [
        measured(Row(number, {C: number}, {C: number}, 1), models, **primary)
        for number, models in enumerate(FOUND["errors"], start=1)
    ]
    return SweepResult("strength", "How strong?", "Ridge", tuple(rows))


def of_costs(models=FOUND["costs"], margin=0.02):
    found = sweep(measured(Row(1, {}, {}, 1), models, margin=margin))
    machine = "Processor X, 2 cores, 1 thread"
    return replace(found, analysis="cost", clock=Clock(time="wall"), machine=machine)


def of_worse_images():
    rows = []
    for number, (images, models) in enumerate(FOUND["severity"].items(), start=1):
        corruption, _, amount = images.partition(" ")
        scored = {"scored": {"corruption": corruption, "amount": float(amount)}} if amount else {}
        place = {"data": "films", "images": images}
        rows.append(measured(Row(number, place, scored, 1), models, margin=0.02))
    return replace(sweep(*rows), analysis="severity")


def of_curves(others=(), difference=None, **crossing):
    """Return learning curves, perhaps of other networks too, whose crossing differs."""
    if difference is not None:
        crossing["difference"] = replace(CROSSING.difference, **difference)
    curves = (CURVE, *(replace(CURVE, **other) for other in others))
    found = replace(CURVES, curves=curves, crossings=(replace(CROSSING, **crossing),))
    return replace(sweep(), analysis="learning_curves", curves=found)


FAILED = RowResult(Row(4, {C: 0}, {C: 0}, 1), reason="must be above 0")
SAME = sweep(row(1, {C: 0.1}, 0.9, 0.8), row(2, {C: 1.0}, 0.9, 0.6), row(3, {C: 9}, 0.8, 0.7))

EXAMPLES = {
    "rows": lambda: LINE,
    "rows at chance": lambda: USELESS,
    "one row above chance": lambda: sweep(*USELESS.rows, row(3, {C: 2}, 0.8, 0.66)),
    "above chance as a row alone": lambda: sweep(*USELESS.rows, row(3, {C: 2}, 0.8, 0.54)),
    "a failed row": lambda: sweep(*LINE.rows, FAILED),
    "rows of the same figure": lambda: SAME,
    "rows of errors": of_errors,
    "severity": of_worse_images,
}
EXAMPLES |= {name: partial(of_costs, **changed) for name, changed in FOUND["of costs"].items()}
EXAMPLES |= {name: partial(of_curves, **changed) for name, changed in FOUND["of curves"].items()}
WORDS = read_yaml(__file__, "sweep_words.yaml")


@pytest.mark.parametrize("example", WORDS)
def test_the_page_says_what_was_found_and_escapes_names(example):
    result = EXAMPLES[example]()
    Page(render_sweep(result)).check(WORDS[example])


def test_a_page_is_made_anew_byte_for_byte():
    result = EXAMPLES["severity"]()
    assert render_sweep(result) == render_sweep(result)


def test_decisions_have_a_part_of_their_own_where_they_were_asked_for():
    (films,) = severity.list_data(of_worse_images())
    assert "0.20" in str(films["decisions"].groups[1].rows[0].cells[1])


def test_the_row_of_the_highest_selection_auc_is_marked():
    table = tabulate_rows(LINE, "svm")
    assert [each.best for each in table.groups[0].rows] == [False, True, False]


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([{C: 0.1}, {C: 1.0}], ["against svm.C"]),
        ([{"restoration": "none"}, {"restoration": "repair"}], ["change in AUC"]),
        (
            [{C: c, "seed": seed} for c in (0.1, 1) for seed in (0, 1)],
            ["svm.C 1, seed 0", "svm.C 1, seed 1"],
        ),
    ],
)
def test_one_axis_of_numbers_is_a_line_and_all_else_a_list_of_differences(places, words):
    drawn = draw_model(values(places), "svm").description
    assert [each for each in words if each not in drawn] == []


def test_numbers_of_a_logarithmic_axis_are_written_out():
    """Powers came as formulas, which the page's pictures do not set."""
    drawing = draw_model(values([{C: 0.01}, {C: 1.0}, {C: 100.0}]), "svm")
    assert "mathdefault" not in drawing.svg
    assert all(f">{number}<" in drawing.svg for number in ("0.01", "1", "100"))


def test_the_best_of_an_arm_stands_apart_only_where_it_is_another_model():
    assert list_models(LINE) == ["svm"]
    best = ("best_classical", "Random forest", "classical")
    both = make_figures({model: {SELECTION: Estimate(0.9)} for model in (SVM, best)})
    rows = (replace(LINE.rows[0], figures=both), *LINE.rows[1:])
    assert list_models(replace(LINE, rows=rows)) == ["svm", "best_classical"]
