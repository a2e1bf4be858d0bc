import dataclasses
import re

import pytest

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import Band
from skiagram.report.drawing import ARM_COLOUR, Drawing
from skiagram.report.sections.curves import draw_curves
from tests.report.examples_of_results import binary, with_combination, with_reader


def drawn(evaluation: Evaluation, name: str = "roc") -> Drawing:
    return draw_curves(evaluation, name)


def height(drawing: Drawing) -> float:
    found = re.search(r'viewBox="0 0 [\d.]+ ([\d.]+)"', drawing.svg)
    return float(found[1])


@pytest.mark.slow
def test_a_reader_stands_in_the_panel_of_each_arm_and_alone_in_its_own() -> None:
    drawing = drawn(with_reader())
    assert drawing.svg.count("Dr Gray") == 2
    assert drawing.svg.count(ARM_COLOUR["reader"]) == 4  # a line and its key in each panel
    assert "Readers and devices" not in drawing.svg
    alone = dataclasses.replace(with_reader(), models=with_reader().models[-1:], arms={})
    assert "Readers and devices" in drawn(alone).svg


@pytest.mark.slow
def test_a_combination_has_a_panel_of_its_own_below_the_two_arms() -> None:
    both = drawn(with_combination())
    assert "Combinations" in both.svg
    assert ARM_COLOUR["combined"] in both.svg
    assert height(both) == pytest.approx(2 * height(drawn(binary(ideal=False))), rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["roc", "precision_recall"])
def test_the_best_of_each_arm_alone_is_banded(name: str) -> None:
    evaluation = binary(ideal=False)
    band = Band((0.0, 0.5, 1.0), (0.1, 0.5, 0.9), (0.3, 0.8, 1.0))
    models = [dataclasses.replace(one, **{f"{name}_band": band}) for one in evaluation.models]  # type: ignore[arg-type]
    banded = dataclasses.replace(evaluation, models=tuple(models))
    assert drawn(banded, name).svg.count("opacity: 0.15") == 2
    assert "opacity: 0.15" not in drawn(evaluation, name).svg


def test_no_two_curves_of_a_panel_look_alike() -> None:
    evaluation = binary(ideal=False)
    first = evaluation.models[0]
    many = [
        dataclasses.replace(first, outcome=dataclasses.replace(first.outcome, model=f"model_{k}"))
        for k in range(9)
    ]
    drawing = drawn(dataclasses.replace(evaluation, models=tuple(many), arms={}))
    looks = re.findall(r'style="([^"]*stroke-width: 1.2[^"]*)"', drawing.svg)
    assert len(set(looks)) == 9
    assert len(looks) == 18  # each line and its key
