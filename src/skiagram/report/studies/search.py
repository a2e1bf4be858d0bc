"""The page of the study that searches options, and the option files that it leaves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skiagram.evaluation.results import Estimate
from skiagram.report.drawing import Drawing
from skiagram.report.environment import render_template
from skiagram.report.figures.changes import ChangeRow, changes
from skiagram.report.figures.search_progress import search_progress
from skiagram.report.numbers import decimal, difference
from skiagram.studies.search.results import SearchedModel, SearchResult

_CHOSEN, _NESTED = "folds that chose", "patients never seen"


def render(result: SearchResult) -> str:
    """Return the page; equal results give equal text."""
    return render_template(
        "study_search.html.j2",
        result=result,
        lead=lead(result),
        answers=[(one, answer(one)) for one in result.models],
        progress=search_progress(result),
        gains=_gains(result),
        spent=[(one, _spent(one, result)) for one in result.models],
        changed=[(one, list(_changed(one))) for one in result.models],
        fits=sum(_fits(one) for one in result.models),
        seconds=sum(map(sum, result.processor_seconds.values())),
    )


def write_option_files(result: SearchResult, folder: Path) -> None:
    """Write one option file a model, ready for conf/model."""
    folder.mkdir(parents=True)
    for one in result.models:
        (folder / f"{one.model}_tuned.yaml").write_text(one.option_file, encoding="utf-8")


def lead(result: SearchResult) -> str:
    """Say which model is ahead before and after, and what the figures after are not."""
    known = [one for one in result.models if one.tuned.value is not None]
    if not known:
        return "No model finished a trial."
    before = max(known, key=lambda one: one.default.value or 0.0)
    after = max(known, key=lambda one: one.tuned.value or 0.0)
    return (
        f"With the option files’ own values {before.title} is ahead (AUC "
        f"{decimal(before.default.value)}), with those of the best of {result.budget} trials "
        f"{after.title} ({decimal(after.tuned.value)}). The second figure is the best of "
        f"{result.budget} on the folds that chose it, so it flatters."
    )


def answer(one: SearchedModel) -> str:
    """Say by fixed rules what the search bought: an interval that leaves out 0 is a gain."""
    if one.gain.value is None:
        return f"no figure: {one.gain.reason}"
    if one.best == 0:
        words = "no trial beat the option file’s own values."
    else:
        sure = "is a gain" if (one.gain.low or 0.0) > 0 else "may be chance"
        words = (
            f"{difference(one.gain)} in AUC on the folds that chose it, which {sure} even there."
        )
    return words if one.nested is None else f"{words} {_nested(one.nested.gain)}"


def _nested(gain: Estimate) -> str:
    if gain.value is None:
        return f"No nested figure: {gain.reason}"
    low, high = gain.low or 0.0, gain.high or 0.0
    kind = "the search pays" if low > 0 else "it harms" if high < 0 else "whether it pays is open"
    return f"On patients the search never saw: {difference(gain)}, {kind}."


def _gains(result: SearchResult) -> Drawing:
    rows = [ChangeRow(_CHOSEN, one.title, one.arm, one.gain) for one in result.models]
    rows += [
        ChangeRow(_NESTED, one.title, one.arm, one.nested.gain)
        for one in result.models
        if one.nested is not None
    ]
    return changes("search-gain", rows, "change in AUC with 95 % interval")


def _spent(one: SearchedModel, result: SearchResult) -> dict[str, float]:
    ends = [trial.end for trial in one.trials]
    counts: dict[str, float] = {end: ends.count(end) for end in ("finished", "pruned", "failed")}
    nested = 0 if one.nested is None else one.nested.fits
    seconds = sum(result.processor_seconds.get(one.model, ()))
    return counts | {"fits": _fits(one), "nested": nested, "seconds": seconds}


def _fits(one: SearchedModel) -> int:
    return sum(len(trial.fold_auc) for trial in one.trials)


def _changed(one: SearchedModel) -> Iterator[tuple[str, Any, Any]]:
    """Yield (option, own value, best trial's value) where they differ."""
    if one.best is None:
        return
    own, best = one.trials[0].values, one.trials[one.best].values
    yield from ((name, own[name], best[name]) for name in own if own[name] != best[name])
