"""The sections of finding: tables, the first page's sentence, and pictures with marks."""

from dataclasses import replace

import numpy as np
import pytest

from make_reference.metrics_page import MetricsFile
from skiagram.evaluation.evaluation_record import FINDING_BASELINES, MERIT, SIMPLE_BASELINES
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.verdict import state_verdict
from skiagram.report.contact_sheet import make_contact_sheets
from skiagram.report.sections.answer import draw_answer, state_answer, tabulate_answer
from skiagram.report.sections.finding import (
    draw_froc,
    tabulate_merits,
    tabulate_sensitivities,
)
from skiagram.report.tables import Cell
from skiagram.report.write import headline_figures
from tests.evaluation.scenario import CARD, COMPARISON
from tests.evaluation.situations import changed
from tests.evaluation.test_finding import searched
from tests.image_store.test_pictures import opened
from tests.report.examples_of_results import find_row, material, texts
from tests.report.pages import section
from tests.report.test_material import stored


@pytest.fixture(scope="module")
def run():
    return searched(unplaced=10)


@pytest.fixture(scope="module")
def images(run, tmp_path_factory):
    ids = run.known.cases.case_id.tolist()
    grey = {case: np.zeros((64, 48), np.float32) for case in ids}
    return stored(tmp_path_factory.mktemp("restored"), grey)


def test_tables_hold_the_figures_of_every_finder_and_the_difference(run):
    merits = tabulate_merits(run.evaluation, run.found)
    one = run.found.finders[1]
    assert texts(find_row(merits, "Window Network"))[0] == f"{one.find(MERIT).value:.3f}"
    assert texts(find_row(merits, "Window Network"))[3] == "1.0"
    chosen_by = one.find("selection_sensitivity").value
    assert texts(find_row(merits, "Window Network"))[4] == f"{chosen_by:.3f}"
    assert texts(find_row(merits, "Best network minus best classical model"))[0].startswith("+0.")
    sensitivities = tabulate_sensitivities(run.evaluation, run.found)
    assert texts(find_row(sensitivities, "Window Network"))[3] == "1.000"
    assert sensitivities.groups[-1].title.endswith("normal image instead")
    drawing = draw_froc(run.evaluation, run.found)
    assert "at one false mark per image" in drawing.description


def test_the_first_page_shows_the_figure_that_decides(run):
    gain = "Best network minus best classical model"
    row, merits = (
        find_row(table, gain)
        for table in (tabulate_answer(run.evaluation), tabulate_merits(run.evaluation, run.found))
    )
    assert row.cells[0] == merits.cells[0]
    drawn = draw_answer(run.evaluation).description
    assert drawn.startswith("Figure of merit with 95 % interval: ")
    assert f"best network minus best classical model {texts(row)[0]} " in drawn


def test_rates_that_allow_a_fit_fewer_than_two_false_marks_are_shown_with_the_reason(run):
    number = {"fewest_images": 7.0, "fewest_normal": 3.0}
    few = tuple(
        changed(one, lambda row: replace(row, value=number.get(row.figure, row.value)))
        for one in run.found.finders
    )
    shown = tabulate_sensitivities(run.evaluation, replace(run.found, finders=few))
    cells = find_row(shown, "Window Network").cells
    reasons = [cell.reason for cell in cells if isinstance(cell, Cell)]
    assert [bool(reason) for reason in reasons] == [True, False, False, False, False, False]
    assert "fewer than two false marks on its 7 images" in reasons[0]
    assert texts(find_row(shown, "Window Network"))[0] != "–"


def test_the_first_page_says_what_is_found_and_by_how_much(run):
    first, second, third, *_ = state_answer(run.evaluation)
    assert first.startswith("Yes, to find lesions: a network does better than classical")
    assert second.startswith("In finding, by the figure of merit, the network is better, by more")
    assert "In finding the 50 lesions in 110 images, the best network (Window Network)" in third


def test_metrics_name_the_figure_of_merit_and_its_difference(run):
    figures = headline_figures(run.evaluation)
    assert figures["window_network"]["figure_of_merit"] > 0.9
    gain = figures["finding_best_network_minus_baseline"]
    assert gain["low"] < gain["figure_of_merit"] < gain["high"]
    assert gain["mean_sensitivity_low"] < gain["mean_sensitivity"] < gain["mean_sensitivity_high"]
    assert 0.8 < figures["window_network"]["selection_sensitivity"] < 1
    MetricsFile.model_validate(figures)


def inputs_of(run):
    known = run.known
    given = {"models": run.models, "card": CARD, "comparison": COMPARISON, "finding": run.tables}
    return EvaluationInputs(known.cases, known.task, known.sealed, **given)


def test_finders_at_chance_are_not_told_by_what_they_find(run):
    def lower(row):
        if row.figure == MERIT and not row.versus:
            return replace(row, value=0.5, low=0.4, high=0.6)
        is_of_baselines = row.analysis in {SIMPLE_BASELINES, FINDING_BASELINES}
        return replace(row, value=0.0, low=-0.1, high=0.1, p_holm=0.9) if is_of_baselines else row

    def poor(finder):
        return changed(finder, lower)

    arms = {arm: poor(finder) for arm, finder in run.found.arms.items()}
    found = replace(run.found, finders=tuple(map(poor, run.found.finders)), arms=arms)
    evaluation = replace(changed(run.evaluation, lower), finding=found)
    evaluation = replace(evaluation, answer=state_verdict(evaluation))
    assert state_answer(evaluation)[0].startswith("No model is shown to work on these data")
    assert "false mark" not in evaluation.verdict + " ".join(state_answer(evaluation))
    of_places = replace(evaluation, finding=run.found)  # finds, but cannot tell whole images apart
    assert state_verdict(of_places).headline.startswith(
        "Of whole images, no model is shown to work"
    )


def test_an_arm_whose_folds_chose_several_finders_shows_the_one_chosen_most_often(run, images):
    mixed = replace(run.found.arms["classical"], model="best_classical_model_of_each_fold")
    chosen = {"candidate_forest": 1, "window_network": 2}
    found = replace(
        run.found,
        arms=run.found.arms | {"classical": mixed},
        chosen=run.found.chosen | {"classical": chosen},
    )
    evaluation = replace(run.evaluation, finding=replace(found, finders=found.finders[1:]))
    sheets = make_contact_sheets(inputs_of(run), evaluation, images)
    assert {sheet.title for sheet in sheets} == {"Window Network"}


def test_sheets_show_lesions_hits_and_false_marks_where_they_are(run, images):
    sheets = make_contact_sheets(inputs_of(run), run.evaluation, images)
    assert [sheet.kind for sheet in sheets[:3]] == [
        "lesions found first",
        "lesions found last or missed",
        "images without a lesion, worst false marks",
    ]
    lesioned = set(run.tables.lesions["case_id"])
    assert {one.case_id for one in sheets[0].pictures} <= lesioned
    normal = set(run.known.cases.case_id[run.known.label == 0])
    assert {one.case_id for one in sheets[2].pictures} <= normal
    best = sheets[0].pictures[0]
    assert best.words.startswith("1 of 1 found")
    picture = opened(best.picture).astype(int)  # four times the size of the image
    red, green = (picture[..., k] - picture[..., (k + 1) % 3] > 60 for k in (0, 1))
    rows, columns = np.nonzero(green & ~red)
    assert (rows.mean(), columns.mean()) == pytest.approx((42, 46), abs=3)


@pytest.mark.slow
def test_the_section_is_shown_where_models_search_alone(run):
    shown = section("finding", run.evaluation, material())
    assert "FROC curves" in shown.text
