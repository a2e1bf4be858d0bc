"""Finders in a row: figures of a run, the choice by lesions that are found, paired differences."""

from dataclasses import replace

import pytest

from skiagram.evaluation.evaluation_record import MEAN_SENSITIVITY, MERIT
from skiagram.evaluation.options import DEFAULTS
from skiagram.sweeps.figures import (
    MERIT_DIFFERENCE,
    SELECTION_SENSITIVITY,
    SENSITIVITY_DIFFERENCE,
    measure_row,
    resolve,
)
from tests.evaluation.model_results import interval, with_outcome
from tests.evaluation.test_finding import HIT, searched

pytestmark = pytest.mark.slow
OPTIONS = replace(DEFAULTS, hit=HIT, replicates=100)


@pytest.fixture(scope="module")
def run():
    return searched("holdout")


def measure(run, *models):
    """Measure a row of some of the models, all under the first one's name."""
    known = run.known
    cases = known.opened()
    chosen = [run.models[number] for number in models]
    return measure_row(chosen, cases, OPTIONS, finding=run.tables)


def test_a_row_has_the_figures_of_a_run_to_the_last_digit(run):
    row = measure(run, 0, 1).figures(None)
    for of_run in run.found.finders:
        assert interval(row.get(model=of_run.model, figure=MERIT)) == interval(of_run.find(MERIT))
        assert interval(row.get(model=of_run.model, figure=MEAN_SENSITIVITY)) == interval(
            of_run.find(MEAN_SENSITIVITY)
        )
        assert row.selection(of_run.model) == of_run.find("selection_sensitivity").value
        assert row.chosen_by(of_run.model) == SELECTION_SENSITIVITY
    for arm, of_arm in run.found.arms.items():
        assert interval(row.get(model=f"best_{arm}_finder", figure=MERIT)) == interval(
            of_arm.find(MERIT)
        )


def test_a_row_is_chosen_by_the_lesions_that_its_finder_finds(run):
    figures = measure(run, 0, 1).figures(None)
    assert resolve(figures, "deep") == "deep"  # no model of this name: nothing stands in for it
    assert resolve(figures, "best_deep") == "best_deep_finder"
    assert resolve(figures, "") == "best_classical_finder"
    assert resolve(figures, "", "window_network") == "window_network"
    assert figures.worth("best_deep_finder") == figures.worth("window_network")


def test_differences_from_the_reference_are_those_of_the_compared_arms(run):
    strong = run.models[1]
    named = with_outcome(strong, model="candidate_forest")
    row = measure(run._replace(models=(named,)), 0).figures(measure(run, 0))
    for figure, name in ((MERIT, MERIT_DIFFERENCE), (MEAN_SENSITIVITY, SENSITIVITY_DIFFERENCE)):
        wanted = run.evaluation.gain_in_finding(figure)
        assert wanted is not None
        assert interval(row.get(model="candidate_forest", figure=name)) == interval(wanted)
    assert row.judged_by("candidate_forest") == (MEAN_SENSITIVITY, SENSITIVITY_DIFFERENCE)
