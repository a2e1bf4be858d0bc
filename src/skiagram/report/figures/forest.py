"""The picture of the first page: every model's AUC, and the difference that the verdict is on."""

from matplotlib.axes import Axes

from skiagram.evaluation.results import Estimate, Evaluation, ModelResult
from skiagram.report.arms import by_arm, is_best
from skiagram.report.drawing import ARM_COLOUR, INK, MUTED, Drawing, rule, sheet, wrapped
from skiagram.report.figures.difference import difference_panel, has_difference
from skiagram.report.numbers import difference, with_interval

_ROW = 0.27  # inches
_MORE = 0.12  # inches, where a name takes more than a line
_DIFFERENCE = 1.0  # inches


def forest(evaluation: Evaluation) -> Drawing:
    """Draw one row a model; the best of each arm is filled, the ideal observer a dashed line.

    Below stands the best network minus the best classical model against the margin.
    """
    models = [model for _, group in by_arm(evaluation) for model in group]
    titles = [wrapped(model.outcome.title) for model in models]
    row_height = _ROW + _MORE * max(title.count("\n") for title in titles)
    upper = 0.75 + row_height * len(models)
    both = has_difference(evaluation)
    with sheet(upper + (_DIFFERENCE if both else 0)) as page:
        ratios = (upper, _DIFFERENCE) if both else (1,)
        panels = page.figure.subplots(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0]
        _models(panels[0], evaluation, models, titles)
        if both:
            difference_panel(panels[1], evaluation)
        return page.finish("auc", _description(evaluation, models))


def _models(
    axes: Axes, evaluation: Evaluation, models: list[ModelResult], titles: list[str]
) -> None:
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
    if evaluation.difference and has_difference(evaluation):
        parts.append(f"best network minus best classical model {difference(evaluation.difference)}")
    return f"AUC of each model with its 95 % interval: {'; '.join(parts)}."
