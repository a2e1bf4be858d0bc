"""ROC and precision–recall curves, one panel an arm."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes

from skiagram.evaluation.results import Curve, Evaluation, ModelResult
from skiagram.report.arms import TITLES, by_arm, is_best
from skiagram.report.drawing import ARM_COLOUR, DASHES, MUTED, OTHERS, Drawing, sheet
from skiagram.report.numbers import decimal

_LINE = 0.17  # inches a legend entry


def roc(evaluation: Evaluation) -> Drawing | None:
    """Draw the ROC curves; None where no model has one."""
    return _panels(
        evaluation, "roc", ("False positive rate", "Sensitivity"), lambda model: model.roc
    )


def precision_recall(evaluation: Evaluation) -> Drawing | None:
    """Draw the precision–recall curves; None where no model has one."""
    return _panels(
        evaluation,
        "precision_recall",
        ("Sensitivity (recall)", "Precision"),
        lambda model: model.precision_recall,
    )


def _panels(
    evaluation: Evaluation,
    name: str,
    labels: tuple[str, str],
    curve_of: Callable[[ModelResult], Curve | None],
) -> Drawing | None:
    groups = [
        (arm, [(model, curve) for model in models if (curve := curve_of(model)) is not None])
        for arm, models in by_arm(evaluation)
    ]
    groups = [(arm, drawn) for arm, drawn in groups if drawn]
    if not groups:
        return None
    longest = max(len(drawn) for _, drawn in groups)
    metric = "roc_auc" if name == "roc" else "average_precision"
    with sheet(2.75 + _LINE * longest) as page:
        axes = page.figure.subplots(1, max(2, len(groups)), sharey=True, squeeze=False)[0]
        for panel, (arm, drawn) in zip(axes, groups, strict=False):
            _curves(panel, evaluation, drawn, metric)
            panel.set_title(TITLES[arm])
            panel.set_xlabel(labels[0])
            if name == "roc":
                panel.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, zorder=0)
        axes[0].set_ylabel(labels[1])
        for empty in axes[len(groups) :]:
            empty.set_axis_off()
        return page.finish(name, _description(labels, metric, groups))


def _curves(
    axes: Axes, evaluation: Evaluation, drawn: Sequence[tuple[ModelResult, Curve]], metric: str
) -> None:
    others = 0
    for model, curve in drawn:
        best = is_best(evaluation, model)
        colour = ARM_COLOUR[model.outcome.arm] if best else OTHERS[others % len(OTHERS)]
        dashes = "-" if best else DASHES[(1 + others) % len(DASHES)]
        others += not best
        axes.plot(
            curve.x, curve.y, color=colour, linestyle=dashes, linewidth=2.0 if best else 1.2,
            label=f"{model.outcome.title} {_figure(model, metric)}", zorder=3 if best else 2,
        )  # fmt: skip
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_aspect("equal")
    axes.legend(
        loc="upper left", bbox_to_anchor=(-0.06, -0.26), borderaxespad=0, handlelength=1.9,
        labelspacing=0.3,
    )  # fmt: skip


def _figure(model: ModelResult, metric: str) -> str:
    estimate = model.metrics.get(metric)
    return decimal(estimate.value) if estimate else ""


def _description(
    labels: tuple[str, str],
    metric: str,
    groups: Sequence[tuple[str, Sequence[tuple[ModelResult, Curve]]]],
) -> str:
    measure = "AUC" if metric == "roc_auc" else "average precision"
    models = "; ".join(
        f"{model.outcome.title}, {measure} {_figure(model, metric)}"
        for _, drawn in groups
        for model, _ in drawn
    )
    return f"{labels[1]} against {labels[0].lower()}, a curve a model: {models}."
