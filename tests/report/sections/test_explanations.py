"""What models rest on, in the report: rules make its words, a failed map is shown as failed."""

from dataclasses import replace

import pytest

from skiagram.explanation.record import Blanking, Explanation, Loss
from skiagram.report.section import make_section
from skiagram.statistics.estimate import Estimate
from tests.report.examples_of_results import binary, material
from tests.report.pages import section
from tests.yaml_rows import as_record, read_yaml

FOREST, NETWORK = (
    as_record(Explanation, each) for each in read_yaml(__file__, "explanations.yaml").values()
)
MAPS = NETWORK.maps


def a_map(title, *failed):
    """Return the first map under another title; some of its tests failed."""
    first = MAPS.methods[0]
    tests = [
        replace(one, state="failed" if one.name in failed else "passed") for one in first.tests
    ]
    return replace(first, title=title, tests=tuple(tests), trustworthy=not failed)


def loss(value):
    judged = Estimate(value, value - 0.01, value + 0.01)
    return Loss(judged, judged)


def with_maps(*maps):
    return replace(NETWORK, maps=replace(MAPS, methods=maps))


def words(*models):
    """Return what the section says of models."""
    return section("explanations", binary(), replace(material(), explanations=models)).text


def test_the_answer_names_what_passed_and_what_failed():
    said = words(FOREST, NETWORK)
    assert "rests most on glcm: permuting these 12 features costs 0.100" in said
    assert "Occlusion passed all tests" in said
    assert "Grad-CAM (deletion failed)" in said
    untrusted = words(with_maps(a_map("Grad-CAM", "insertion", "repeatability")))
    assert "none is to be trusted" in untrusted
    assert "no maps" in words(replace(NETWORK, maps=None))


@pytest.mark.parametrize(
    ("region", "rest", "fragment"),
    [
        (0.0, 0.3, "or a shortcut"),
        (0.2, 0.3, "uses both"),
        (0.2, 0.0, "rests on the nodule"),
        (0.0, 0.0, "Neither"),
    ],
)
def test_blanking_tells_a_shortcut(region, rest, fragment):
    blanking = Blanking(loss(region), loss(rest))
    assert fragment in words(replace(FOREST, blanking=blanking))


def test_figures_of_explained_models_are_written():
    shown_models = replace(material(), explanations=(FOREST, NETWORK))
    own = make_section("explanations", binary(), shown_models)
    assert {figure.name for figure in own.figures()} == {"families-forest", "effects-forest"}
