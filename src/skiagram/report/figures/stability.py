"""Stability: AUC of every fold and seed, and how much a model gains on cases it has seen."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from skiagram.evaluation.results import Estimate, Evaluation, ModelResult, Stability
from skiagram.report.arms import finished
from skiagram.report.drawing import ARM_COLOUR, INK, Drawing, rule, sheet, wrapped
from skiagram.report.numbers import decimal, signed

_ROW = 0.36  # inches
_APART = 0.2  # rows between folds and seeds


def stability(evaluation: Evaluation) -> Drawing | None:
    """Draw fold and seed AUCs beside the training gap; None where no model was trained."""
    rows = [
        (model, model.stability) for model in finished(evaluation) if model.stability is not None
    ]
    if not rows:
        return None
    with sheet(0.95 + _ROW * len(rows)) as page:
        left, right = page.figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
        for row, (model, found) in enumerate(rows):
            _folds(left, row, model, found)
            _point(right, row, found.training_gap, ARM_COLOUR[model.outcome.arm])
        left.set_ylim(len(rows) - 0.4, -0.6)
        left.set_yticks(range(len(rows)), [wrapped(model.outcome.title) for model, _ in rows])
        left.set_xlabel("AUC")
        right.set_xlabel("training gap")
        rule(right, 0, "no gap", dashed=False)
        for axes in (left, right):
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
        left.locator_params(axis="x", nbins=4)
        right.locator_params(axis="x", nbins=3)
        return page.finish("stability", _description(rows))


def _folds(axes: Axes, row: int, model: ModelResult, found: Stability) -> None:
    colour = ARM_COLOUR[model.outcome.arm]
    above, below = row - _APART / 2, row + _APART
    axes.plot(
        found.fold_auc, [above] * len(found.fold_auc), marker="o", markersize=4.5,
        markerfacecolor="none", color=colour, linestyle="none", markeredgewidth=1,
    )  # fmt: skip
    axes.plot(
        found.seed_auc, [below] * len(found.seed_auc), marker="D", markersize=3.2, color=colour,
        linestyle="none",
    )  # fmt: skip
    _bar(axes, above, found.fold_mean)
    if found.fold_mean.value is not None:
        axes.plot(found.fold_mean.value, above, marker="|", markersize=10, color=INK)


def _point(axes: Axes, row: int, estimate: Estimate, colour: str) -> None:
    _bar(axes, row, estimate)
    if estimate.value is not None:
        axes.plot(estimate.value, row, marker="o", markersize=5, color=colour)


def _bar(axes: Axes, row: float, estimate: Estimate) -> None:
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [row, row], color=INK, linewidth=0.8, zorder=1)


def _description(rows: Sequence[tuple[ModelResult, Stability]]) -> str:
    models = "; ".join(
        f"{model.outcome.title}: folds {', '.join(decimal(auc) for auc in found.fold_auc)}, "
        f"training gap {signed(found.training_gap.value)}"
        for model, found in rows
    )
    return f"Out-of-fold AUC of each fold and training minus out-of-fold AUC. {models}."
