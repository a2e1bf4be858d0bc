"""The page of the study of restoration."""

from collections import Counter

from skiagram.report.drawing import ChangeRow, Drawing, draw_changes
from skiagram.report.rendering import Summary
from skiagram.report.section import Context
from skiagram.report.tables import Table, TableRow, fill_cell, list_rows
from skiagram.statistics.estimate import Estimate
from skiagram.studies.ablation import AblatedDataSet, AblationResult, VariantResult

_BETTER, _WORSE, _OPEN, _SAME = _KINDS = ("better for", "worse for", "open for", "no change for")


def summarise(result: AblationResult) -> Summary:
    """Return the title, and what each variant did on each data set."""
    several = len(result.datasets) > 1
    answers = [
        f"{f'{dataset.title}, ' if several else ''}{variant}: {words}"
        for dataset in result.datasets
        for variant, words in _describe(dataset).items()
    ]
    return Summary("What does each variant change in images and in the models?", tuple(answers))


def fill(result: AblationResult) -> Context:
    """Return what each variant did on each data set: words, figure, table."""
    return {
        "reference": next(iter(result.variants)),
        "found": [
            (dataset, _describe(dataset), draw_dataset(dataset), tabulate_variants(dataset))
            for dataset in result.datasets
        ],
    }


def _describe(dataset: AblatedDataSet) -> dict[str, str]:
    reference, *others = dataset.variants
    return {variant.variant: describe_variant(variant, reference) for variant in others}


def tabulate_variants(dataset: AblatedDataSet) -> Table:
    """Return the AUC of each model by variant, and how near its images are to clean ones."""
    rows, columns = [], list[str]()
    for variant in dataset.variants:
        figures = [("PSNR, dB", variant.psnr), ("SSIM", variant.ssim)]
        for change in variant.changes:
            figures += [(change.title, change.auc), ("Efficiency", change.efficiency)]
        known = [(title, figure) for title, figure in figures if figure]
        columns = columns or [title for title, _ in known]
        rows.append(TableRow(variant.variant, [fill_cell(figure) for _, figure in known]))
    return Table(columns, list_rows(rows), first="Variant")


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
    psnr, before = (each.psnr.value or 0.0 if each.psnr else 0.0 for each in (variant, reference))
    nearer = psnr > before
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


def draw_dataset(dataset: AblatedDataSet) -> Drawing:
    """Draw the change in AUC of every model under every variant."""
    rows = [
        ChangeRow(change.title, variant.variant, change.arm, change.difference)
        for place, change in enumerate(dataset.variants[0].changes)
        for variant in dataset.variants[1:]
        for change in [variant.changes[place]]
    ]
    return draw_changes(f"ablation-{dataset.dataset}", rows, "change in AUC with 95 % interval")
