"""The page of the study that searches options, and the option files that it leaves."""

import json
from itertools import cycle

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from skiagram.report.drawing import (
    ARM_COLOUR,
    DASHES,
    OTHERS,
    ChangeRow,
    Drawing,
    draw_changes,
    open_sheet,
    wrap_title,
)
from skiagram.report.formatting import format_count, format_difference
from skiagram.report.rendering import Summary
from skiagram.report.section import Context
from skiagram.report.tables import (
    Cell,
    Group,
    Table,
    TableRow,
    fill_cell,
    fill_difference,
    list_rows,
)
from skiagram.statistics.estimate import Estimate, format_decimal
from skiagram.studies.search.study import SearchedModel, SearchResult


def summarise(result: SearchResult) -> Summary:
    """Return the title, the leaders, and what the search gained for each model."""
    gains = [f"{model.title}: {describe_gain(model)}" for model in result.models]
    title = f"{result.title}: what does a search of options gain, and what does it cost?"
    return Summary(title, (describe_leaders(result), *gains))


def fill(result: SearchResult) -> Context:
    """Return what the search gained, what it cost, and what it changed."""
    return {
        "gained": {model.title: describe_gain(model) for model in result.models},
        "progress": draw_search_progress(result),
        "gains": _draw_gains(result),
        "fits": sum(_count_fits(model) for model in result.models),
        "tables": (tabulate_gains(result), tabulate_effort(result), tabulate_changed(result)),
    }


def tabulate_gains(result: SearchResult) -> Table:
    """Return each model with its own values and with those of the best trial."""
    columns, nested = ["Own values", "Best trial", "Gain"], []
    if result.outer:
        nested = [f"Nested: {name}" for name in ("own values", "searched", "gain")]
    rows = []
    for model in result.models:
        cells: list[Cell] = []
        for each in (model, model.nested):
            if each is not None:
                cells += [fill_cell(each.default), fill_cell(each.tuned)]
                cells.append(fill_difference(each.gain))
        rows.append(TableRow(model.title, cells))
    return Table([*columns, *nested], list_rows(rows))


def tabulate_effort(result: SearchResult) -> Table:
    """Return how the trials of each model ended, fits and processor seconds."""
    ends = ("finished", "pruned", "failed")
    rows = []
    for model in result.models:
        made = [str(trial.end) for trial in model.trials]
        counts = [*(made.count(end) for end in ends), _count_fits(model)]
        if result.outer:
            counts.append(0 if model.nested is None else model.nested.fits)
        seconds = sum(result.processor_seconds.get(model.model, ()))
        cells = [*map(format_count, counts), format_decimal(seconds, 1)]
        rows.append(TableRow(model.title, cells))
    nested = ["Fits of the nested estimate"] if result.outer else []
    columns = [*map(str.capitalize, ends), "Fits", *nested, "Processor seconds, measured"]
    return Table(columns, list_rows(rows))


def tabulate_changed(result: SearchResult) -> Table:
    """Return the options of which the best trial has another value than the option file."""
    groups = []
    for model in result.models:
        own = model.trials[0].values if model.trials else {}
        best = own if model.best is None else model.trials[model.best].values
        rows = [
            TableRow(name, [Cell(json.dumps(each[name]), tone="code") for each in (own, best)])
            for name in own
            if own[name] != best[name]
        ]
        groups.append(Group(model.title, rows or [TableRow("none", ["", ""])]))
    return Table(("Own", "Best trial"), groups, "Option")


def list_files(result: SearchResult) -> dict[str, str]:
    """Return the option files that stand beside the page, ready for conf/model."""
    return {f"tuned/{model.model}_tuned.yaml": model.option_file for model in result.models}


def describe_leaders(result: SearchResult) -> str:
    """Say which model is ahead before and after, and what the figures after are not."""
    tuned = [model for model in result.models if model.tuned.value is not None]
    if not tuned:
        return "No model finished a trial."
    before = max(tuned, key=lambda model: model.default.value or 0.0)
    after = max(tuned, key=lambda model: model.tuned.value or 0.0)
    first, second = format_decimal(before.default.value), format_decimal(after.tuned.value)
    return (
        f"With the option files’ own values {before.title} is ahead (AUC {first}), with those of "
        f"the best of {result.budget} trials {after.title} ({second}). The second value is the "
        f"best of {result.budget} on the folds that chose it, so it is optimistic."
    )


def describe_gain(model: SearchedModel) -> str:
    """Say by fixed rules what the search bought: an interval that leaves out 0 is a gain."""
    if model.gain.value is None:
        return f"no result: {model.gain.reason}"
    words = "no trial was better than the option file’s own values."
    if model.best != 0:
        sure = "is a gain" if (model.gain.low or 0.0) > 0 else "may be chance"
        gained = f"{format_difference(model.gain)} in AUC on the folds that chose it"
        words = f"{gained}, which {sure} even there."
    return words if model.nested is None else f"{words} {_describe_nested(model.nested.gain)}"


def _describe_nested(gain: Estimate) -> str:
    if gain.value is None:
        return f"No nested result: {gain.reason}"
    low, high = gain.low or 0.0, gain.high or 0.0
    kind = "the search helps" if low > 0 else "it harms" if high < 0 else "whether it helps is open"
    return f"On patients the search never saw: {format_difference(gain)}, {kind}."


def _draw_gains(result: SearchResult) -> Drawing:
    rows = [
        ChangeRow(group, model.title, model.arm, each.gain)
        for group, nested in (("folds that chose", False), ("patients never seen", True))
        for model in result.models
        for each in [model.nested if nested else model]
        if each is not None
    ]
    return draw_changes("search-gain", rows, "change in AUC with 95 % interval")


def _count_fits(model: SearchedModel) -> int:
    return sum(len(trial.fold_auc) for trial in model.trials)


def draw_search_progress(result: SearchResult) -> Drawing:
    """Draw the highest mean AUC of any finished trial so far; the square is the option file's."""
    with open_sheet(3.3) as page:
        axes = page.figure.add_subplot()
        others, dashes = cycle(OTHERS), cycle(DASHES)
        words = []
        for model in result.models:
            contender = model.arm != "classical"
            colour = ARM_COLOUR[model.arm] if contender else next(others)
            style = next(dashes) if contender else "-"
            best = _best_so_far(model)
            number = np.arange(1, len(best) + 1)
            axes.plot(
                number, best, style, color=colour, drawstyle="steps-post",
                label=wrap_title(model.title, 34),
            )  # fmt: skip
            axes.plot(number[:1], best[:1], "s", color=colour, markersize=4)
            words.append(
                f"{model.title} from {format_decimal(best[0])} to {format_decimal(best[-1])}"
            )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("trials made")
        axes.set_ylabel("highest mean AUC so far")
        axes.legend(loc="lower right")
        text = f"Highest mean AUC of any trial so far: {'; '.join(words)}."
        return page.finish("search-progress", text)


def _best_so_far(model: SearchedModel) -> NDArray[np.float64]:
    means = [
        float(np.mean(trial.fold_auc)) if trial.end == "finished" else np.nan
        for trial in model.trials
    ]
    return np.fmax.accumulate(np.array(means))
