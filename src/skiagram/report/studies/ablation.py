"""The page of the study of restoration."""

from collections import Counter

from skiagram.report.drawing import ChangeRow, Drawing, draw_changes
from skiagram.report.rendering import Summary, render_template
from skiagram.statistics.estimate import Estimate
from skiagram.studies.ablation import AblatedDataSet, AblationResult, VariantResult

_BETTER, _WORSE, _OPEN, _SAME = _KINDS = ("better for", "worse for", "open for", "no change for")


def summarise(result: AblationResult) -> Summary:
    """Return the title, and what each variant did on each data set."""
    several = len(result.datasets) > 1
    answers = [
        f"{f'{dataset.title}, ' if several else ''}{variant.variant}: "
        f"{describe_variant(variant, dataset.variants[0])}"
        for dataset in result.datasets
        for variant in dataset.variants[1:]
    ]
    return Summary("What does each variant change in images and in the models?", tuple(answers))


def render(result: AblationResult) -> str:
    """Return the page; equal results give equal text."""
    return render_template(
        "studies/ablation.html.j2",
        result=result,
        title=summarise(result).title,
        reference=next(iter(result.variants)),
        answers=[
            (
                dataset,
                [
                    (each.variant, describe_variant(each, dataset.variants[0]))
                    for each in dataset.variants[1:]
                ],
            )
            for dataset in result.datasets
        ],
        figures={dataset.dataset: draw_dataset(dataset) for dataset in result.datasets},
    )


def describe_variant(variant: VariantResult, reference: VariantResult) -> str:
    """Say by fixed rules what a variant did: an interval that leaves out 0 is a change."""
    differences = [
        change.difference for change in variant.changes if change.difference.value is not None
    ]
    counts = Counter(_kind(change) for change in differences)
    if not counts:
        return "no result."
    parts = [f"{kind} {counts[kind]}" for kind in _KINDS if counts[kind]]
    words = f"{', '.join(parts)} of {len(differences)} models."
    nearer = variant.psnr and reference.psnr and _is_higher(variant.psnr, reference.psnr)
    if nearer and counts[_WORSE] and not counts[_BETTER]:
        words += (
            " Images become more similar to the clean ones, but models become worse: what is "
            "removed contains information."
        )
    return words


def _kind(difference: Estimate) -> str:
    low, high = difference.low or 0.0, difference.high or 0.0
    if low == high == 0:
        return _SAME
    return _BETTER if low > 0 else _WORSE if high < 0 else _OPEN


def _is_higher(first: Estimate, second: Estimate) -> bool:
    return (first.value or 0.0) > (second.value or 0.0)


def draw_dataset(dataset: AblatedDataSet) -> Drawing:
    """Draw the change in AUC of every model under every variant."""
    rows = [
        ChangeRow(change.title, variant.variant, change.arm, change.difference)
        for place, change in enumerate(dataset.variants[0].changes)
        for variant in dataset.variants[1:]
        for change in [variant.changes[place]]
    ]
    return draw_changes(f"ablation-{dataset.dataset}", rows, "change in AUC with 95 % interval")
