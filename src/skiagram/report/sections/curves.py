"""ROC and precision–recall curves, one panel per arm; readers stand in every panel."""

from collections.abc import Callable, Sequence

from matplotlib.axes import Axes

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.metrics import METRIC
from skiagram.evaluation.results import Band, Curve, ModelResult
from skiagram.report.drawing import (
    ARM_COLOUR,
    DASHES,
    MUTED,
    OTHERS,
    PAPER,
    WIDTH,
    Drawing,
    open_sheet,
    wrap_title,
)
from skiagram.report.formatting import ARM_TITLES, format_decimal, group_by_arm, is_best

# Inches; fixed, so that a long name cannot squeeze the panels.
_LEFT, _GAP, _RIGHT = 0.54, 0.28, 0.08
_TITLE, _LABELS, _LINE = 0.27, 0.48, 0.18
_SIDE = (WIDTH - _LEFT - _GAP - _RIGHT) / 2

_Group = tuple[str, list[tuple[ModelResult, Curve]]]


def draw_roc(evaluation: Evaluation) -> Drawing | None:
    """Draw the ROC curves; None where no model has one."""
    return _panels(
        evaluation, "roc", ("False positive rate", "Sensitivity"), lambda model: model.roc
    )


def draw_precision_recall(evaluation: Evaluation) -> Drawing | None:
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
        for arm, models in group_by_arm(evaluation)
    ]
    groups = _with_readers([(arm, drawn) for arm, drawn in groups if drawn])
    if not groups:
        return None
    metric = "roc_auc" if name == "roc" else "average_precision"
    longest = max(
        sum(1 + _label(model, metric).count("\n") for model, _ in drawn) for _, drawn in groups
    )
    row = _TITLE + _SIDE + _LABELS + _LINE * longest + 0.08
    height = row * ((len(groups) + 1) // 2)
    with open_sheet(height) as page:
        page.figure.set_layout_engine("none")
        for place, (arm, drawn) in enumerate(groups):
            left = _LEFT + place % 2 * (_SIDE + _GAP)
            bottom = height - place // 2 * row - _TITLE - _SIDE
            panel = page.figure.add_axes(
                (left / WIDTH, bottom / height, _SIDE / WIDTH, _SIDE / height)
            )
            _curves(panel, evaluation, drawn, metric)
            panel.set_title(ARM_TITLES[arm])
            panel.set_xlabel(labels[0])
            if name == "roc":
                panel.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, zorder=0)
                _operating_point(panel, evaluation, drawn)
            panel.set_ylabel(labels[1] if place % 2 == 0 else "")
            panel.tick_params(labelleft=place % 2 == 0)
        return page.finish(name, _description(labels, metric, groups))


def _with_readers(groups: list[_Group]) -> list[_Group]:
    """Draw readers beside the models that they are compared with, alone where there are none."""
    trained = [group for group in groups if group[0] != "reader"]
    readers = [curve for arm, drawn in groups if arm == "reader" for curve in drawn]
    return [(arm, [*drawn, *readers]) for arm, drawn in trained] or groups


def _curves(
    axes: Axes, evaluation: Evaluation, drawn: Sequence[tuple[ModelResult, Curve]], metric: str
) -> None:
    others = readers = 0
    for model, curve in drawn:
        best, reader = is_best(evaluation, model), model.outcome.arm == "reader"
        own = ARM_COLOUR[model.outcome.arm]
        colour = own if best or reader else OTHERS[others % len(OTHERS)]
        turn = readers if reader else 1 + others + others // len(OTHERS)  # no two lines alike
        dashes = "-" if best else DASHES[turn % len(DASHES)]
        others += not best and not reader
        readers += reader
        band = _band(model, metric) if best else None
        if band is not None:
            axes.fill_between(band.x, band.low, band.high, color=own, alpha=0.15, linewidth=0)
        axes.plot(
            curve.x, curve.y, color=colour, linestyle=dashes, linewidth=2.0 if best else 1.2,
            label=_label(model, metric), zorder=3 if best else 2,
        )  # fmt: skip
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.legend(
        loc="upper left", bbox_to_anchor=(-0.06, -_LABELS / _SIDE), borderaxespad=0,
        borderpad=0, handlelength=1.9, handletextpad=0.5, labelspacing=0.3,
    )  # fmt: skip


def _operating_point(
    axes: Axes, evaluation: Evaluation, drawn: Sequence[tuple[ModelResult, Curve]]
) -> None:
    """Mark sensitivity and specificity at the chosen threshold of the best model."""
    for model, _ in drawn:
        sensitivity, specificity = (
            model.metrics.get(name) for name in ("sensitivity", "specificity")
        )
        if not is_best(evaluation, model) or sensitivity is None or specificity is None:
            continue
        if sensitivity.value is not None and specificity.value is not None:
            axes.plot(
                1 - specificity.value, sensitivity.value, marker="o", markersize=6, color=PAPER,
                markeredgecolor=ARM_COLOUR[model.outcome.arm], markeredgewidth=1.6, zorder=4,
            )  # fmt: skip


def _band(model: ModelResult, metric: str) -> Band | None:
    return model.roc_band if metric == "roc_auc" else model.precision_recall_band


def _label(model: ModelResult, metric: str) -> str:
    return wrap_title(f"{_figure(model, metric)} {model.outcome.title}", width=28)


def _figure(model: ModelResult, metric: str) -> str:
    estimate = model.metrics.get(metric)
    return format_decimal(estimate.value) if estimate else ""


def _description(
    labels: tuple[str, str],
    metric: str,
    groups: Sequence[tuple[str, Sequence[tuple[ModelResult, Curve]]]],
) -> str:
    measure = METRIC[metric].title
    models = "; ".join(
        f"{model.outcome.title}, {measure} {_figure(model, metric)}"
        for _, drawn in groups
        for model, _ in drawn
    )
    return f"{labels[1]} against {labels[0].lower()}, one curve per model: {models}."
