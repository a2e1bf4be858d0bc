"""The page of the study of robustness; fixed rules make its words."""

from collections.abc import Callable, Iterable, Sequence
from itertools import count

from markupsafe import Markup
from matplotlib.axes import Axes

from skiagram.report.drawing import ARM_COLOUR, DASHES, MUTED, Drawing, open_sheet, wrap_title
from skiagram.report.formatting import format_difference
from skiagram.report.rendering import Summary
from skiagram.report.section import Context
from skiagram.report.tables import (
    Cell,
    Cells,
    Group,
    Table,
    TableRow,
    fill_cell,
    fill_difference,
    list_rows,
)
from skiagram.statistics.estimate import Estimate, format_decimal, format_estimate
from skiagram.studies.robustness.severity import (
    CorruptedModel,
    CorruptionKind,
    Figures,
    SeverityCurve,
)
from skiagram.studies.robustness.study import (
    CorruptedDataSet,
    RobustnessResult,
    ShiftedModel,
    SourceResult,
)

_COLUMNS = 2
_ROW = 1.55  # inches
_MARKERS = "osD^v"


def summarise(result: RobustnessResult) -> Summary:
    """Return the title, the ranking on each data set and what each unseen source costs."""
    shifts = [
        f"{shift.title}, {source.source} unseen in training: {sentence}"
        for shift in result.shifts
        for source in shift.sources
        for sentence in describe_shifts(source.models, result.margin)
    ]
    answers = [f"{dataset.title}: {describe_ranking(dataset)}" for dataset in result.datasets]
    title = "What do worse images and other sources do to models?"
    return Summary(title, (*answers, *shifts))


def fill(result: RobustnessResult) -> Context:
    """Return words, figures and tables of each data set, and of each unseen source."""
    return {
        "found": [
            (
                dataset,
                describe_ranking(dataset),
                [(model.title, describe_endurance(model, result)) for model in dataset.models],
                [(model.title, describe_threshold(model, result)) for model in dataset.models],
                draw_severity_curves(dataset, result.corruptions),
                tabulate_changes(dataset, result.corruptions),
                tabulate_decisions(dataset, result.corruptions),
            )
            for dataset in result.datasets
        ],
        "sources": [
            (shift, source, describe_shifts(source.models, result.margin), tabulate_source(source))
            for shift in result.shifts
            for source in shift.sources
        ],
    }


def tabulate_changes(dataset: CorruptedDataSet, kinds: Sequence[CorruptionKind]) -> Table:
    """Return the change in AUC of each model by amount of each corruption, and on average."""

    def cells(_: Figures, curve: SeverityCurve) -> Cells:
        changes = (curve.mean_change, *(one.change for one in curve.figures))
        return [fill_difference(change) for change in changes]

    return _by_amount(dataset, kinds, "mean", cells)


def tabulate_decisions(dataset: CorruptedDataSet, kinds: Sequence[CorruptionKind]) -> Table:
    """Return sensitivity, specificity and expected to observed at the thresholds, by amount."""

    def cells(clean: Figures, curve: SeverityCurve) -> Cells:
        return [
            Markup("<br>").join(
                map(format_estimate, (one.sensitivity, one.specificity, one.expected_to_observed))
            )
            for one in (clean, *curve.figures)
        ]

    return _by_amount(dataset, kinds, "unchanged", cells)


def _by_amount(
    dataset: CorruptedDataSet,
    kinds: Sequence[CorruptionKind],
    first: str,
    cells: Callable[[Figures, SeverityCurve], Cells],
) -> Table:
    groups = []
    for place, kind in enumerate(kinds):
        rows = [
            TableRow(model.title, cells(model.clean, model.curves[place]))
            for model in dataset.models
            if model.clean
        ]
        columns = (first, *(f"{amount:g}" for amount in kind.amounts))
        groups.append(Group(f"{kind.title}, {kind.unit}", rows, columns))
    return Table((), groups)


def tabulate_source(source: SourceResult) -> Table:
    """Return each model on the cases of one source, trained with and without cases of it."""
    columns = ["AUC, source seen", "AUC, unseen", "change"]
    columns += [f"{name}, seen → unseen" for name in ("sensitivity", "specificity")]
    rows = []
    for model in source.models:
        own, foreign = model.own, model.foreign
        if own is None or foreign is None:
            rows.append(TableRow(model.title, (), failure=model.reason))
            continue
        pairs = ((own.sensitivity, foreign.sensitivity), (own.specificity, foreign.specificity))
        cells: list[Cell | str] = [
            fill_cell(own.auc),
            fill_cell(foreign.auc),
            fill_difference(foreign.change),
            *(" → ".join(format_decimal(each.value) for each in pair) for pair in pairs),
        ]
        rows.append(TableRow(model.title, cells))
    return Table(columns, list_rows(rows))


def describe_ranking(dataset: CorruptedDataSet) -> str:
    """Say which model loses least over all corruptions, and which is best all the same.

    A model with less to lose can lose least, so the highest mean AUC is told beside it.
    """
    trained = [model for model in dataset.models if model.clean]
    least = next((model for model in trained if model.behind is None), None)
    if least is None or least.clean is None:
        return "No model could be trained."
    words = (
        f"{least.title} loses least: over all corruptions and amounts its AUC of "
        f"{format_decimal(least.clean.auc.value)} changes by "
        f"{format_difference(least.mean_change)} on average."
    )
    for model in trained:
        if model.behind is not None:
            words += (
                f" {model.title} changes by {format_difference(model.mean_change)}; "
                f"the difference of {format_difference(model.behind)} is "
                f"{'clear' if (model.behind.high or 0.0) < 0 else 'not clear'}."
            )
    best = max(trained, key=_mean)
    return f"{words} The highest mean AUC is {format_decimal(_mean(best))}, that of {best.title}."


def _mean(model: CorruptedModel) -> float:
    return 0.0 if model.clean is None else _value(model.clean.auc) + _value(model.mean_change)


def describe_endurance(model: CorruptedModel, result: RobustnessResult) -> str:
    """Say under which corruptions a model clearly loses more than the margin, and from where on.

    A model breaks at the least amount whose whole interval lies beyond the margin, and holds under
    a corruption where at no amount the interval reaches it; everything else is open.
    """
    if model.clean is None:
        return f"could not be trained: {model.reason}"
    breaks, holds, unsure = [], [], []
    for kind, curve in zip(result.corruptions, model.curves, strict=True):
        title = _lower_title(kind)
        if curve.breaks_at is not None:
            breaks.append(f"{title} from {curve.breaks_at:g} on")
        elif curve.holds_to == kind.amounts[-1]:
            holds.append(title)
        else:
            unsure.append(title)
    parts = (("breaks under", breaks), ("holds under", holds), ("open under", unsure))
    return "; ".join(f"{what} {_join_names(names)}" for what, names in parts if names) + "."


def _join_names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def describe_threshold(model: CorruptedModel, result: RobustnessResult) -> str:
    """Say where the decisions of a model move most while its ranking may still hold.

    Looked at are the amounts whose loss of AUC is not surely beyond the margin: there a look at the
    AUC alone would miss it.
    """
    if model.clean is None:
        return f"could not be trained: {model.reason}"
    moves = [
        (abs(_value(now) - _value(before)), name, kind, amount, before, now, figures.change)
        for kind, curve in zip(result.corruptions, model.curves, strict=True)
        for amount, figures in zip(kind.amounts, curve.figures, strict=True)
        if (figures.change.high or 0.0) >= -result.margin
        for name, before, now in (
            ("sensitivity", model.clean.sensitivity, figures.sensitivity),
            ("specificity", model.clean.specificity, figures.specificity),
        )
    ]
    if not moves:
        return "loses more than the margin at every amount."
    _, name, kind, amount, before, now, change = max(moves, key=lambda move: move[0])
    return (
        f"{name} goes from {format_decimal(before.value)} to {format_decimal(now.value)} under "
        f"{_lower_title(kind)} of {amount:g}, where the AUC changes by {format_difference(change)}."
    )


def _lower_title(kind: CorruptionKind) -> str:
    return kind.title if kind.title.isupper() else kind.title.lower()


def _value(estimate: Estimate) -> float:
    return 0.0 if estimate.value is None else estimate.value


def describe_shifts(models: Iterable[ShiftedModel], margin: float) -> list[str]:
    """Say what training without a source costs each model on the source's cases."""
    return [f"{model.title} {_cost(model, margin)}" for model in models]


def _cost(model: ShiftedModel, margin: float) -> str:
    if model.foreign is None:
        return f"could not be trained: {model.reason}"
    change = model.foreign.change
    low, high = change.low or 0.0, change.high or 0.0
    if high < -margin:
        verdict = "clearly loses more than the margin"
    elif low > -margin:
        verdict = "clearly loses less than the margin"
    elif high < 0:
        verdict = "clearly loses, perhaps less than the margin"
    else:
        verdict = "may or may not lose more than the margin"
    return f"{verdict}: {format_difference(change)}."


def draw_severity_curves(dataset: CorruptedDataSet, kinds: Sequence[CorruptionKind]) -> Drawing:
    """Draw every model's AUC with its interval; the first point is the image as it is."""
    rows = -(-len(kinds) // _COLUMNS)
    models = [model for model in dataset.models if model.clean]
    with open_sheet(0.35 + 0.16 * len(models) + _ROW * rows) as page:
        grid = page.figure.subplots(rows, _COLUMNS, sharey=True, squeeze=False)
        panels = list(grid.flat)
        for place, kind in enumerate(kinds):
            _panel(panels[place], kind, place, models)
        for empty in panels[len(kinds) :]:
            empty.set_visible(False)
        for row in grid:
            row[0].set_ylabel("AUC")
        handles = panels[0].get_legend_handles_labels()
        page.figure.legend(*handles, loc="outside lower left")
        return page.finish(
            f"severity-{dataset.dataset}", "AUC by amount of each corruption, as in the table."
        )


def _panel(
    axes: Axes, kind: CorruptionKind, kind_number: int, models: Sequence[CorruptedModel]
) -> None:
    places = range(len(kind.amounts) + 1)
    styles: dict[str, count[int]] = {}
    for model in models:
        number = next(styles.setdefault(model.arm, count()))
        figures = [each for each in (model.clean, *model.curves[kind_number].figures) if each]
        colour = ARM_COLOUR[model.arm]
        values = [figure.auc.value or 0.0 for figure in figures]
        axes.plot(
            places, values, DASHES[number % len(DASHES)], color=colour,
            marker=_MARKERS[number % len(_MARKERS)], markersize=3,
            label=wrap_title(model.title, 60),
        )  # fmt: skip
        low, high = ([getattr(figure.auc, end) for figure in figures] for end in ("low", "high"))
        axes.fill_between(places, low, high, color=colour, alpha=0.1, linewidth=0)
    axes.axhline(0.5, color=MUTED, linewidth=0.6, linestyle=":")
    axes.set_title(kind.title)
    axes.set_xticks(places, ["0", *(_short(amount) for amount in kind.amounts)], fontsize=7)
    axes.set_xlabel(wrap_title(kind.unit, 34), fontsize=7)


def _short(amount: float) -> str:
    text = f"{amount:g}"
    return text.removeprefix("0") if 0 < amount < 1 else text
