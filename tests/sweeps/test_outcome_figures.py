"""Rows of outcomes that are no class have the figures of a run, and are chosen by inner folds."""

from dataclasses import replace

import pytest

from skiagram.errors import OptionError
from skiagram.evaluation.evaluate import evaluate
from skiagram.evaluation.evaluation_record import SECONDARY
from skiagram.evaluation.options import DEFAULTS
from skiagram.evaluation.results import METRICS, SELECTION
from skiagram.sweeps.figures import DIFFERENCE, measure_row
from tests.evaluation.model_results import interval, with_outcome
from tests.tasks.cohort import sealed_half, train_models

pytestmark = pytest.mark.slow
OPTIONS = replace(DEFAULTS, replicates=100)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    columns = {"cox": None, "noise": ("noise",)}
    folder = tmp_path_factory.mktemp("trained")
    return train_models(folder, **columns)


def measure(inputs, *wanted):
    setting = inputs.assemble(0, OPTIONS.replicates)
    return measure_row(inputs.models, setting, OPTIONS, wanted)


@pytest.mark.parametrize("design", ["cv", "holdout"])
def test_a_row_has_the_figures_of_a_run_to_the_last_digit(inputs, design):
    inputs = sealed_half(inputs) if design == "holdout" else inputs
    evaluation = evaluate(inputs, OPTIONS, seed=0)
    run = evaluation.table.select(analysis=METRICS)
    row = measure(inputs, "brier").figures(None)
    for model in ("cox", "noise", "best_classical"):
        standing = evaluation.best["classical"] if model == "best_classical" else model
        assert interval(row.get(model=model, figure="concordance")) == interval(
            run.find(model=standing, figure="concordance")
        )
        brier = {each.group: each for each in run.select(model=standing, figure="brier").rows}
        assert brier
        chosen_by = evaluation.table.find(
            model=standing, analysis=SELECTION, figure=row.chosen_by(model)
        )
        assert row.selection(model) == pytest.approx(chosen_by.value)
        for group, each in brier.items():
            assert interval(row.get(model=model, figure="brier", group=group)) == interval(each)
    assert (row.primary, row.primary_is_error, row.cases) == ("concordance", False, 90)


def test_a_difference_from_the_reference_is_that_of_a_compared_pair(inputs):
    """The reference row's model of the same name is another training: here the useless one."""
    cox, noise = inputs.models
    other = with_outcome(noise, model="cox")
    row = measure(replace(inputs, models=(cox,)))
    figures = row.figures(measure(replace(inputs, models=(other,))))
    found = figures.find(model="cox", figure=DIFFERENCE)
    pair = evaluate(inputs, OPTIONS, seed=0).figures
    wanted = pair.find(analysis=SECONDARY, model="cox", versus="noise")
    assert interval(found) == interval(wanted)


def test_a_model_that_failed_has_its_reason(inputs):
    cox = inputs.models[0]
    failed = with_outcome(cox, status="failed", reason="no events")
    row = measure(replace(inputs, models=(failed, inputs.models[1]))).figures(None)
    assert row.selection("cox") is None
    missing = row.get(model="cox", figure="concordance")
    assert missing.reason == "no events"


def test_a_figure_of_classes_is_refused_by_name(inputs):
    with pytest.raises(OptionError, match=r"`roc_auc` is no figure of a time.*concordance"):
        measure(inputs, "roc_auc")
