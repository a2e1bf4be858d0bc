"""Forest plot: the AUC of every model with its interval."""

from matplotlib.axes import Axes

from skiagram.evaluation.results import Estimate, Evaluation, ModelResult
from skiagram.report.arms import by_arm, is_best
from skiagram.report.drawing import ARM_COLOUR, INK, MUTED, Drawing, rule, sheet, wrapped
from skiagram.report.numbers import with_interval

_ROW = 0.27  # inches
_MORE = 0.12  # inches, where a name takes more than a line


def forest(evaluation: Evaluation) -> Drawing:
    """Draw one row a model; the best of each arm is filled, the ideal observer a dashed line."""
    models = [model for _, group in by_arm(evaluation) for model in group]
    titles = [wrapped(model.outcome.title) for model in models]
    row_height = _ROW + _MORE * max(title.count("\n") for title in titles)
    with sheet(0.75 + row_height * len(models)) as page:
        axes = page.figure.add_subplot()
        for row, model in enumerate(models):
            _row(axes, row, model, best=is_best(evaluation, model))
        lowest = _lowest(models)
        axes.set_xlim(lowest, 1.005)
        axes.set_ylim(len(models) - 0.4, -0.6)
        axes.set_yticks(range(len(models)), titles)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("AUC with 95 % interval")
        if evaluation.task.positive is not None and lowest < 0.5:
            rule(axes, 0.5, "chance", dashed=False)
        if evaluation.ideal and evaluation.ideal.value is not None:
            rule(axes, evaluation.ideal.value, "ideal", dashed=True)
        return page.finish("auc", _description(evaluation, models))


def _row(axes: Axes, row: int, model: ModelResult, *, best: bool) -> None:
    estimate = _auc(model)
    colour = ARM_COLOUR[model.outcome.arm]
    failed = model.outcome.status == "failed"
    words = "failed" if failed else with_interval(estimate)
    axes.annotate(
        words, (1.02, row), xycoords=("axes fraction", "data"), va="center", annotation_clip=False,
        color=INK if best else MUTED, fontsize=8,
    )  # fmt: skip
    if failed or estimate.value is None:
        return
    if estimate.low is not None and estimate.high is not None:
        axes.plot([estimate.low, estimate.high], [row, row], color=colour, linewidth=1.6)
    axes.plot(
        estimate.value, row, marker="s", markersize=6, color=colour, linestyle="none",
        markerfacecolor=colour if best else "none", markeredgewidth=1.3,
    )  # fmt: skip


def _auc(model: ModelResult) -> Estimate:
    return model.metrics.get("roc_auc", Estimate(None))


def _lowest(models: list[ModelResult]) -> float:
    bounds = [
        bound
        for model in models
        for bound in (_auc(model).value, _auc(model).low)
        if bound is not None
    ]
    return max(0.0, min([0.48, *(bound - 0.02 for bound in bounds)]))


def _description(evaluation: Evaluation, models: list[ModelResult]) -> str:
    parts = [
        f"{model.outcome.title} "
        + ("failed" if model.outcome.status == "failed" else with_interval(_auc(model)))
        for model in models
    ]
    if evaluation.ideal:
        parts.append(f"ideal observer {with_interval(evaluation.ideal)}")
    return f"AUC of each model with its 95 % interval: {'; '.join(parts)}."
