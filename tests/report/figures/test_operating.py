import dataclasses

from skiagram.report.drawing import ARM_COLOUR
from skiagram.report.figures.operating import roc
from tests.report.examples_of_results import binary, with_reader


def test_a_reader_stands_in_the_panel_of_each_arm() -> None:
    drawing = roc(with_reader())
    assert drawing is not None
    assert drawing.description.count("Dr Gray, AUC") == 2
    assert drawing.svg.count(ARM_COLOUR["reader"]) == 4  # a line and its key in each panel
    assert "Readers and devices" not in drawing.svg
    plain = roc(binary(ideal=False))
    assert plain is not None
    assert "Dr Gray" not in plain.description


def test_a_reader_alone_has_a_panel() -> None:
    evaluation = with_reader()
    drawing = roc(dataclasses.replace(evaluation, models=evaluation.models[-1:], best={}))
    assert drawing is not None
    assert "Readers and devices" in drawing.svg
