"""What models rest on, in the report: rules make its words, a failed map is shown as failed."""

from dataclasses import replace

import pytest

from skiagram.explanation.record import (
    Agreement,
    Blanking,
    Contribution,
    Explanation,
    FeatureImportance,
    Features,
    GroupImportance,
    LocalEffect,
    Loss,
    MapExplanation,
    Maps,
    ModelCoefficient,
)
from skiagram.explanation.trust import Location, MapTest, Pointing
from skiagram.report.section import make_section
from skiagram.report.sections.explanations import describe, describe_outside
from skiagram.statistics.estimate import Estimate
from tests.report.examples_of_results import binary, material

NAMES = ("randomisation", "deletion", "insertion", "repeatability")


def known(value, half=0.01):
    return Estimate(value, value - half, value + half)


def loss(value, half=0.01):
    return Loss(known(value, half), known(value, half / 2))


POINTING = Pointing(known(0.4), known(0.38), known(0.2))
LOCATION = Location(
    30, 0, 0.02, POINTING, POINTING, POINTING, known(0.6),
    {
        "just around it": (known(0.3), 0.06),
        "at the border of the image": (known(0.1), 0.36),
        "elsewhere": (known(0.2), 0.56),
    },
)  # fmt: skip


def a_map(title, *failed):
    tests = tuple(
        MapTest(name, "failed" if name in failed else "passed", known(0.1), 0.5, "words")
        for name in NAMES
    )
    return MapExplanation("occlusion", title, "", tests, not failed, ((1.0, known(0.1)),), LOCATION)


DATA = {"positive": "abnormal", "word": "nodule", "cases": 600, "patients": 300}
DATA |= {"repeats": 2, "fits": 6, "difference": 0.0}
FOREST = Explanation(
    model="forest", title="Forest <1>", **DATA, auc=known(0.9),
    blanking=Blanking(loss(0.2), loss(0.1)), maps=None,
    features=Features(
        (GroupImportance("glcm", 12, loss(0.1)), GroupImportance("lbp", 3, loss(0.0))),
        (FeatureImportance(
            "glcm_energy", ("glcm_b", "glcm_c", "glcm_d", "glcm_e"), loss(0.08),
            (LocalEffect("glcm_energy", (0.0, 1.0), (-0.5, 0.5)),),
        ),),
        (ModelCoefficient("glcm_energy", known(0.3), 0.97),), 200,
        (Contribution("glcm_energy", 0.5),), "",
        Agreement(0.8, 0.7, 0.5, 0.6, 0.3, 5, 0.05), None,
    ),
)  # fmt: skip
MAPS = Maps(
    (a_map("Occlusion"), replace(a_map("Grad-CAM", "deletion"), method="grad_cam"),
     MapExplanation("integrated_gradients", "Integrated gradients", "no gradient")),
    60, 0.5, LOCATION, LOCATION,
)  # fmt: skip
NETWORK = Explanation(
    model="cnn", title="Small network", **DATA, auc=known(0.8),
    blanking=Blanking(loss(0.0), loss(0.3)),
    features=None, maps=MAPS,
)  # fmt: skip


def with_maps(*maps):
    return replace(NETWORK, maps=replace(MAPS, methods=maps))


def answers(*models):
    return [describe(model) for model in models]


def test_the_answer_names_what_passed_and_what_failed():
    forest, network = answers(FOREST, NETWORK)
    assert "rests most on glcm: permuting these 12 features costs 0.100" in forest
    assert "Occlusion passed all tests" in network
    assert "Grad-CAM (deletion failed)" in network
    (untrusted,) = answers(with_maps(a_map("Grad-CAM", "insertion", "repeatability")))
    assert "none is to be trusted" in untrusted
    assert "no maps" in answers(replace(NETWORK, maps=None))[0]


def test_what_lies_outside_is_told_by_trustworthy_maps_alone():
    words = describe_outside(NETWORK).replace("\N{NO-BREAK SPACE}", " ")
    assert "By Occlusion, 60 % of what Small network looks at lies outside" in words
    assert "Grad-CAM" not in words
    assert "no map tells" in describe_outside(with_maps(a_map("Occlusion", "deletion")))


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
    assert fragment in describe_outside(replace(FOREST, blanking=blanking))


def test_figures_of_explained_models_are_written():
    shown_models = replace(material(), explanations=(FOREST, NETWORK))
    own = make_section("explanations", binary(), shown_models)
    assert {figure.name for figure in own.figures()} == {"families-forest", "effects-forest"}
