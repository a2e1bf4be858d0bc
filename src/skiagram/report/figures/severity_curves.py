"""AUC against the amount of each corruption, a panel each."""

from collections.abc import Sequence
from itertools import count

from matplotlib.axes import Axes

from skiagram.report.drawing import ARM_COLOUR, DASHES, MUTED, Drawing, sheet, wrapped
from skiagram.report.numbers import with_interval
from skiagram.studies.robustness.results import CorruptionKind, DataSetResult, Figures, ModelResult

_COLUMNS = 2
_ROW = 1.55  # inches
_MARKERS = "osD^v"


def severity_curves(found: DataSetResult, kinds: Sequence[CorruptionKind]) -> Drawing:
    """Draw every model's AUC with its interval; the first point is the image as it is."""
    rows = -(-len(kinds) // _COLUMNS)
    models = [one for one in found.models if one.clean]
    with sheet(0.35 + 0.16 * len(models) + _ROW * rows) as page:
        grid = page.figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False)
        panels = list(grid.flat)
        for at, kind in enumerate(kinds):
            _panel(panels[at], kind, at, models)
        for empty in panels[len(kinds) :]:
            empty.set_visible(False)
        for row in grid:
            row[0].set_ylabel("AUC")
        handles = panels[0].get_legend_handles_labels()
        page.figure.legend(*handles, loc="outside lower left")
        return page.finish(f"severity-{found.dataset}", _description(models, kinds))


def _panel(axes: Axes, kind: CorruptionKind, at: int, models: Sequence[ModelResult]) -> None:
    places = range(len(kind.amounts) + 1)
    styles: dict[str, count[int]] = {}
    for model in models:
        number = next(styles.setdefault(model.arm, count()))
        figures = _figures(model, at)
        colour = ARM_COLOUR[model.arm]
        values = [one.auc.value or 0.0 for one in figures]
        axes.plot(
            places, values, DASHES[number % len(DASHES)], color=colour,
            marker=_MARKERS[number % len(_MARKERS)], markersize=3, label=wrapped(model.title, 60),
        )  # fmt: skip
        low, high = ([getattr(one.auc, end) for one in figures] for end in ("low", "high"))
        axes.fill_between(places, low, high, color=colour, alpha=0.1, linewidth=0)
    axes.axhline(0.5, color=MUTED, linewidth=0.6, linestyle=":")
    axes.set_title(kind.title)
    axes.set_xticks(places, ["0", *(_short(amount) for amount in kind.amounts)], fontsize=7)
    axes.set_xlabel(wrapped(kind.unit, 34), fontsize=7)


def _short(amount: float) -> str:
    text = f"{amount:g}"
    return text.removeprefix("0") if 0 < amount < 1 else text


def _figures(model: ModelResult, at: int) -> list[Figures]:
    clean = [model.clean] if model.clean else []
    return [*clean, *model.curves[at].figures]


def _description(models: Sequence[ModelResult], kinds: Sequence[CorruptionKind]) -> str:
    parts = []
    for at, kind in enumerate(kinds):
        for model in models:
            steps = zip((0.0, *kind.amounts), _figures(model, at), strict=True)
            points = ", ".join(f"{with_interval(one.auc)} at {amount:g}" for amount, one in steps)
            parts.append(f"{kind.title}, {model.title}: {points}")
    return f"AUC by amount of each corruption. {'; '.join(parts) or 'No model was trained'}."
