import re
from dataclasses import replace

import pytest

from skiagram.evaluation.evaluation_record import SIMPLE_BASELINES
from skiagram.evaluation.figure_table import FigureTable, make_row
from skiagram.evaluation.results import Band
from skiagram.report.drawing import ARM_COLOUR
from skiagram.report.sections.curves import draw_curves
from skiagram.statistics.estimate import Estimate
from tests.evaluation.model_results import with_models, with_outcome
from tests.report.examples_of_findings import full
from tests.report.examples_of_results import binary, with_combination, with_reader

BEST = ("Random forest", "Small network with batch norm")


def drawn(evaluation, name="roc"):
    return draw_curves(evaluation, name)


@pytest.mark.slow
def test_the_best_of_each_arm_the_baselines_and_readers_stand_in_one_plot():
    described = drawn(with_reader()).description
    assert all(title in described for title in (*BEST, "Dr Gray"))
    described = drawn(full()).description
    assert all(title in described for title in (*BEST, "Decision tree"))  # a simple baseline there
    assert "Logistic regression" not in described
    assert ARM_COLOUR["combined"] in drawn(with_combination()).svg
    alone = replace(with_reader(), models=with_reader().models[-1:], arms={})
    assert drawn(alone).description.endswith("Dr Gray.")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["roc", "precision_recall"])
def test_the_best_of_each_arm_alone_is_banded(name):
    evaluation = binary(ideal=False)
    band = Band((0.0, 0.5, 1.0), (0.1, 0.5, 0.9), (0.3, 0.8, 1.0))
    banded = with_models(evaluation, lambda one: replace(one, **{f"{name}_band": band}))
    assert drawn(banded, name).svg.count("opacity: 0.15") == 2
    assert "opacity: 0.15" not in drawn(evaluation, name).svg


def test_no_two_simple_baselines_look_alike():
    evaluation = binary(ideal=False)
    first = evaluation.models[0]
    names = [f"baseline_{k}" for k in range(9)]
    baselines = [with_outcome(first, model=name) for name in names]
    rows = [
        make_row(Estimate(0.1), SIMPLE_BASELINES, "roc_auc", model="deep", versus=name)
        for name in names
    ]
    figures = FigureTable((*evaluation.figures.rows, *rows))
    drawing = drawn(replace(evaluation, models=tuple(baselines), figures=figures))
    looks = re.findall(r'style="([^"]*stroke-width: 1.2[^"]*)"', drawing.svg)
    assert len(set(looks)) == 9
    assert len(looks) == 18  # each line and its key
