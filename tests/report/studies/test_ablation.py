"""The page of the study of restoration: rules make its words."""

import pytest

from skiagram.report.index import render_study
from skiagram.report.studies.ablation import describe_variant
from skiagram.statistics.estimate import Estimate
from skiagram.studies.ablation import AblatedDataSet, AblationResult, Change, VariantResult


def variant(name: str, psnr: float | None, *differences: Estimate) -> VariantResult:
    changes = tuple(
        Change(f"m{at}", f"Model {at}", "classical", Estimate(0.8, 0.7, 0.9), one, None)
        for at, one in enumerate(differences)
    )
    return VariantResult(name, Estimate(psnr) if psnr else None, None, changes)


WORSE, BETTER = Estimate(-0.1, -0.15, -0.05), Estimate(0.1, 0.05, 0.15)
OPEN, SAME, NONE = Estimate(0.01, -0.1, 0.1), Estimate(0, 0, 0), Estimate(None, reason="failed")
REFERENCE = variant("none", 20.0, SAME, SAME)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (variant("a", None, BETTER, WORSE), "better for 1, worse for 1 of 2 models."),
        (variant("a", None, OPEN, SAME), "open for 1, no change for 1 of 2 models."),
        (variant("a", None, BETTER, NONE), "better for 1 of 1 models."),
        (variant("a", None, NONE), "no result."),
    ],
)
def test_an_interval_that_leaves_out_0_is_a_change(found: VariantResult, words: str) -> None:
    assert describe_variant(found, REFERENCE) == words


def test_nearer_images_and_worse_models_are_said_together() -> None:
    found = (
        variant("a", 25.0, WORSE, OPEN),
        variant("a", 15.0, WORSE, OPEN),
        variant("a", 25.0, WORSE, BETTER),
    )
    said = ["contains information" in describe_variant(one, REFERENCE) for one in found]
    assert said == [True, False, False]


@pytest.mark.slow
def test_the_page_shows_every_variant_and_escapes_names() -> None:
    variants = (variant("none", None, SAME), variant("<b>mean</b>", None, WORSE))
    found = AblatedDataSet("films", "Films", 20, 10, "test", variants)
    result = AblationResult({"none": {}, "<b>mean</b>": {"radius": 1}}, (found,))
    page = render_study(result)
    assert "&lt;b&gt;mean&lt;/b&gt;" in page
    assert "<b>mean</b>" not in page
    assert "(−0.150 to −0.050)" in page
    assert "worse for 1 of 1 models." in page
