"""The page of the study of restoration."""

from collections import Counter

from skiagram.evaluation.results import Estimate
from skiagram.report.drawing import Drawing
from skiagram.report.environment import render_template
from skiagram.report.figures.changes import ChangeRow, changes
from skiagram.studies.ablation.results import AblationResult, DataSetResult, VariantResult

_BETTER, _WORSE, _OPEN, _SAME = _KINDS = ("better for", "worse for", "open for", "no change for")


def render(result: AblationResult) -> str:
    """Return the page; equal results give equal text."""
    return render_template(
        "study_ablation.html.j2",
        result=result,
        reference=next(iter(result.variants)),
        answers=[
            (one, [(each.variant, answer(each, one.variants[0])) for each in one.variants[1:]])
            for one in result.datasets
        ],
        figures={one.dataset: figure(one) for one in result.datasets},
    )


def answer(variant: VariantResult, reference: VariantResult) -> str:
    """Say by fixed rules what a variant did: an interval that leaves out 0 is a change."""
    differences = [one.difference for one in variant.changes if one.difference.value is not None]
    counts = Counter(_kind(one) for one in differences)
    if not counts:
        return "no figure."
    parts = [f"{kind} {counts[kind]}" for kind in _KINDS if counts[kind]]
    words = f"{', '.join(parts)} of {len(differences)} models."
    nearer = variant.psnr and reference.psnr and _above(variant.psnr, reference.psnr)
    if nearer and counts[_WORSE] and not counts[_BETTER]:
        words += (
            " It brings images nearer to the clean ones and models further from the answer: "
            "what it takes out holds information."
        )
    return words


def _kind(difference: Estimate) -> str:
    low, high = difference.low or 0.0, difference.high or 0.0
    if low == high == 0:
        return _SAME
    return _BETTER if low > 0 else _WORSE if high < 0 else _OPEN


def _above(one: Estimate, other: Estimate) -> bool:
    return (one.value or 0.0) > (other.value or 0.0)


def figure(found: DataSetResult) -> Drawing:
    """Draw the change in AUC of every model under every variant."""
    rows = [
        ChangeRow(change.title, variant.variant, change.arm, change.difference)
        for at, change in enumerate(found.variants[0].changes)
        for variant in found.variants[1:]
        for change in [variant.changes[at]]
    ]
    return changes(f"ablation-{found.dataset}", rows, "change in AUC with 95 % interval")
