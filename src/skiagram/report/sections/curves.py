"""ROC and precision–recall curves, one panel per arm; readers stand in every panel."""

from collections.abc import Sequence

from matplotlib.axes import Axes

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.evaluation.results import METRICS, Curve, ModelResult
from skiagram.report.drawing import (
    ARM_COLOUR,
    DASHES,
    MUTED,
    OTHERS,
    PAPER,
    WIDTH,
    Drawing,
    Style,
    open_sheet,
    wrap_title,
)
from skiagram.report.formatting import ARM_TITLES, group_by_arm, is_best
from skiagram.report.material import Material
from skiagram.report.section import NOT_TRAINED, Context, section
from skiagram.statistics.estimate import format_decimal

# Inches; fixed, so that a long name cannot squeeze the panels.
_LEFT, _GAP, _RIGHT = 0.54, 0.28, 0.08
_TITLE, _LABELS, _LINE = 0.27, 0.48, 0.18
_SIDE = (WIDTH - _LEFT - _GAP - _RIGHT) / 2
_AXES = {
    "roc": ("False positive rate", "Sensitivity"),
    "precision_recall": ("Sensitivity (recall)", "Precision"),
}
_AREA = {"roc": "roc_auc", "precision_recall": "average_precision"}

_Drawn = Sequence[tuple[ModelResult, Curve]]


@section(
    "ROC and precision–recall curves",
    place=40,
    select=lambda evaluation, _: any(
        model.roc or model.precision_recall for model in evaluation.models
    ),
    otherwise=NOT_TRAINED,
    of_more_classes="no single curve with more than two classes",
    classes_only=True,
)
def curves(evaluation: Evaluation, material: Material) -> Context:
    """Return both figures."""
    return {name: draw_curves(evaluation, name) for name in _AXES}


def draw_curves(evaluation: Evaluation, name: str) -> Drawing | None:
    """Draw the curves `roc` or `precision_recall`; None where no model has one."""
    groups = [
        (arm, [(model, curve) for model in models if (curve := getattr(model, name)) is not None])
        for arm, models in group_by_arm(evaluation)
    ]
    # Readers stand beside the models that they are compared with, alone where there are none.
    groups = [(arm, drawn) for arm, drawn in groups if drawn]
    readers = [curve for arm, drawn in groups if arm == "reader" for curve in drawn]
    trained = [(arm, [*drawn, *readers]) for arm, drawn in groups if arm != "reader"]
    groups = trained or groups
    if not groups:
        return None
    longest = max(
        sum(1 + _label(model, name).count("\n") for model, _ in drawn) for _, drawn in groups
    )
    row = _TITLE + _SIDE + _LABELS + _LINE * longest + 0.08
    height = row * ((len(groups) + 1) // 2)
    with open_sheet(height, arranged=False) as page:
        for place, (arm, drawn) in enumerate(groups):
            left = _LEFT + place % 2 * (_SIDE + _GAP)
            bottom = height - place // 2 * row - _TITLE - _SIDE
            panel = page.figure.add_axes(
                (left / WIDTH, bottom / height, _SIDE / WIDTH, _SIDE / height)
            )
            _draw_panel(panel, evaluation, drawn, name)
            panel.set_title(ARM_TITLES[arm])
            panel.set_xlabel(_AXES[name][0])
            if name == "roc":
                panel.plot([0, 1], [0, 1], color=MUTED, linewidth=0.7, zorder=0)
                for model, _ in drawn:
                    sensitivity, specificity = (
                        model.find(name).value for name in ("sensitivity", "specificity")
                    )
                    if (
                        is_best(evaluation, model)
                        and sensitivity is not None
                        and specificity is not None
                    ):
                        colour = ARM_COLOUR[model.outcome.arm]
                        mark: Style = {
                            "color": PAPER,
                            "markeredgecolor": colour,
                            "markeredgewidth": 1.6,
                        }
                        panel.plot(
                            1 - specificity, sensitivity, "o", markersize=6, zorder=4, **mark
                        )
            panel.set_ylabel(_AXES[name][1] if place % 2 == 0 else "")
            panel.tick_params(labelleft=place % 2 == 0)
        below, beside = _AXES[name]
        return page.finish(name, f"{beside} against {below.lower()}, one curve per model.")


def _draw_panel(axes: Axes, evaluation: Evaluation, drawn: _Drawn, name: str) -> None:
    others = readers = 0
    for model, curve in drawn:
        best, reader = is_best(evaluation, model), model.outcome.arm == "reader"
        colour = ARM_COLOUR[model.outcome.arm]
        turn = readers if reader else 1 + others + others // len(OTHERS)  # no two lines alike
        style: Style = {
            "color": colour if best or reader else OTHERS[others % len(OTHERS)],
            "linestyle": "-" if best else DASHES[turn % len(DASHES)],
            "linewidth": 2.0 if best else 1.2,
            "zorder": 3 if best else 2,
        }
        others += not best and not reader
        readers += reader
        band = getattr(model, f"{name}_band") if best else None
        if band is not None:
            axes.fill_between(band.x, band.low, band.high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(curve.x, curve.y, label=_label(model, name), **style)
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    spaces: Style = {"borderaxespad": 0, "borderpad": 0, "labelspacing": 0.3}
    handles: Style = {"handlelength": 1.9, "handletextpad": 0.5}
    below = (-0.06, -_LABELS / _SIDE)
    axes.legend(loc="upper left", bbox_to_anchor=below, **spaces, **handles)


def _label(model: ModelResult, name: str) -> str:
    estimate = model.figures.get(analysis=METRICS, figure=_AREA[name])
    area = format_decimal(estimate.value) if estimate else ""
    return wrap_title(f"{area} {model.outcome.title}", width=28)
