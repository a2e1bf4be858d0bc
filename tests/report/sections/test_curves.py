import dataclasses
import re

import pytest

from skiagram.evaluation.results import Band
from skiagram.report.drawing import ARM_COLOUR, Drawing
from skiagram.report.sections.curves import draw_precision_recall, draw_roc
from tests.report.examples_of_results import binary, with_combination, with_reader


def test_a_reader_stands_in_the_panel_of_each_arm() -> None:
    drawing = draw_roc(with_reader())
    assert drawing is not None
    assert drawing.description.count("Dr Gray, AUC") == 2
    assert drawing.svg.count(ARM_COLOUR["reader"]) == 4  # a line and its key in each panel
    assert "Readers and devices" not in drawing.svg
    plain = draw_roc(binary(ideal=False))
    assert plain is not None
    assert "Dr Gray" not in plain.description


def test_a_combination_has_a_panel_of_its_own_below_the_two_arms() -> None:
    both, plain = draw_roc(with_combination()), draw_roc(binary(ideal=False))
    assert both is not None
    assert plain is not None
    assert "Combinations" in both.svg
    assert ARM_COLOUR["combined"] in both.svg
    assert height(both) == pytest.approx(2 * height(plain), rel=0.1)


def test_the_best_of_each_arm_alone_is_banded() -> None:
    evaluation = binary(ideal=False)
    band = Band((0.0, 0.5, 1.0), (0.1, 0.5, 0.9), (0.3, 0.8, 1.0))
    banded = [
        dataclasses.replace(one, roc_band=band, precision_recall_band=band)
        for one in evaluation.models
    ]
    for figure in (draw_roc, draw_precision_recall):
        plain, drawn = (
            figure(evaluation),
            figure(dataclasses.replace(evaluation, models=tuple(banded))),
        )
        assert plain is not None
        assert drawn is not None
        assert drawn.svg.count("opacity: 0.15") - plain.svg.count("opacity: 0.15") == 2


def test_no_two_curves_of_a_panel_look_alike() -> None:
    evaluation = binary(ideal=False)
    first = evaluation.models[0]
    many = [
        dataclasses.replace(first, outcome=dataclasses.replace(first.outcome, model=f"model_{k}"))
        for k in range(9)
    ]
    drawing = draw_roc(dataclasses.replace(evaluation, models=tuple(many), best={}))
    assert drawing is not None
    looks = re.findall(r'style="([^"]*stroke-width: 1.2[^"]*)"', drawing.svg)
    assert len(set(looks)) == 9
    assert len(looks) == 18  # each line and its key


def height(drawing: Drawing) -> float:
    """Return the height of a drawing, points."""
    found = re.search(r'height="([\d.]+)pt"|viewBox="0 0 [\d.]+ ([\d.]+)"', drawing.svg)
    assert found is not None
    return float(found[1] or found[2])


def test_a_reader_alone_has_a_panel() -> None:
    evaluation = with_reader()
    drawing = draw_roc(dataclasses.replace(evaluation, models=evaluation.models[-1:], best={}))
    assert drawing is not None
    assert "Readers and devices" in drawing.svg
