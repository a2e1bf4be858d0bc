"""The page of explanations: rules make its words, and a failed map is shown as failed."""

import base64
from dataclasses import replace

import pytest

from skiagram.explanation.importance import Agreement, LocalEffect, Loss
from skiagram.explanation.trust import Location, MapTest, Pointing, TestName
from skiagram.report.index import render_study
from skiagram.report.studies.explanations import describe_outside, summarise
from skiagram.statistics.estimate import Estimate
from skiagram.studies.candidates import FailedModel
from skiagram.studies.explanations.fits import Blanking
from skiagram.studies.explanations.galleries import Contribution, Picture, ShownCase
from skiagram.studies.explanations.importance import (
    ClassicalExplanation,
    Coefficient,
    FeatureImportance,
    GroupImportance,
)
from skiagram.studies.explanations.maps import MapExplanation, NetworkExplanation
from skiagram.studies.explanations.study import ExplanationsResult

NAMES: tuple[TestName, ...] = ("randomisation", "deletion", "insertion", "repeatability")


def known(value: float, half: float = 0.01) -> Estimate:
    return Estimate(value, value - half, value + half)


def loss(value: float, half: float = 0.01) -> Loss:
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
PICTURE = Picture(4, 4, base64.b64encode(bytes(range(0, 256, 16))).decode())


def shown(**maps: Picture) -> ShownCase:
    reasons = () if maps else (Contribution("glcm_energy", 0.5),)
    return ShownCase("wrong", "abnormal", "normal", -1.25, PICTURE, PICTURE, maps, reasons)


def a_map(title: str, *failed: str) -> MapExplanation:
    tests = tuple(
        MapTest(name, "failed" if name in failed else "passed", known(0.1), 0.5, "words")
        for name in NAMES
    )
    return MapExplanation("occlusion", title, "", tests, not failed, ((1.0, known(0.1)),), LOCATION)


CLASSICAL = ClassicalExplanation(
    "forest", "Forest <1>", "classical", known(0.9),
    (GroupImportance("glcm", 12, loss(0.1)), GroupImportance("lbp", 3, loss(0.0))),
    (FeatureImportance(
        "glcm_energy", ("glcm_b", "glcm_c", "glcm_d", "glcm_e"), loss(0.08),
        (LocalEffect("glcm_energy", (0.0, 1.0), (-0.5, 0.5)),),
    ),),
    (Coefficient("glcm_energy", known(0.3), 0.97),), 200,
    (Contribution("glcm_energy", 0.5),), "",
    Agreement(0.8, 0.7, 0.5, 0.6, 0.3, 5, 0.05), None,
    Blanking(loss(0.2), loss(0.1)), (shown(),),
)  # fmt: skip
NETWORK = NetworkExplanation(
    "cnn", "Small network", "deep", known(0.8),
    (a_map("Occlusion"), replace(a_map("Grad-CAM", "deletion"), method="grad_cam"),
     MapExplanation("attention_rollout", "Attention roll-out", "no attention")),
    Blanking(loss(0.0), loss(0.3)), (shown(occlusion=PICTURE, grad_cam=PICTURE),), LOCATION,
)  # fmt: skip
RESULT = ExplanationsResult(
    "phantom", "Phantom", 600, 300, 6, "abnormal", "nodule", 30, 60, 2, 0.5, (CLASSICAL,),
    (NETWORK,), (FailedModel("svm", "Machine", "classical", "out of memory."),), LOCATION,
)  # fmt: skip


def test_the_answer_names_what_passed_and_what_failed() -> None:
    forest, network = summarise(RESULT).answers
    assert "rests most on glcm: permuting these 12 features costs 0.100" in forest
    assert "Occlusion passed all tests" in network
    assert "Grad-CAM (deletion failed)" in network
    none = replace(NETWORK, maps=(a_map("Grad-CAM", "insertion", "repeatability"),))
    (words,) = summarise(replace(RESULT, classical=(), networks=(none,))).answers
    assert "none is to be trusted" in words


def test_what_lies_outside_is_told_by_trustworthy_maps_alone() -> None:
    words = describe_outside(NETWORK, "nodule")
    assert "By Occlusion, 60 % of what Small network looks at lies outside" in words.replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "Grad-CAM" not in words
    untrusted = replace(NETWORK, maps=(a_map("Occlusion", "deletion"),))
    assert "no map tells" in describe_outside(untrusted, "nodule")


@pytest.mark.parametrize(
    ("region", "rest", "fragment"),
    [
        (0.0, 0.3, "or a shortcut"),
        (0.2, 0.3, "uses both"),
        (0.2, 0.0, "rests on the nodule"),
        (0.0, 0.0, "Neither"),
    ],
)
def test_blanking_tells_a_shortcut(region: float, rest: float, fragment: str) -> None:
    blanking = Blanking(loss(region), loss(rest))
    assert fragment in describe_outside(replace(CLASSICAL, blanking=blanking), "nodule")


@pytest.mark.slow
def test_the_page_is_whole_and_the_same_each_time() -> None:
    page = render_study(RESULT)
    assert "Forest &lt;1&gt;" in page
    assert page.count('<b class="mark bad">failed</b>') == 1  # Grad-CAM in the gallery
    assert "not defined: no attention" in page
    assert "out of memory" in page
    assert page.count("data:image/png") == 4
    assert "glcm_b, glcm_c, glcm_d and 1 more" in page
    assert "Always the centre" in page
