"""The table of models as plain text, for the end of a run in a terminal."""

from collections.abc import Sequence

from skiagram.evaluation.results import Estimate, Evaluation, ModelResult
from skiagram.report.numbers import decimal, difference, with_interval

_COLUMNS = ("model", "arm", "AUC (95 %)", "out-of-fold", "sensitivity", "specificity", "Brier")
_METRICS = ("sensitivity", "specificity", "brier")


_ABSENT = Estimate(None)


def _row(result: ModelResult, best: dict[str, str], generated: bool) -> list[str]:
    outcome = result.outcome
    if outcome.status == "failed":
        return [outcome.title, outcome.arm, f"failed: {outcome.reason}"]
    mark = " *" if best.get(outcome.arm) == outcome.model else ""
    cells = [
        outcome.title + mark,
        outcome.arm,
        with_interval(result.metrics.get("roc_auc", _ABSENT)),
    ]
    cells.append(decimal(result.selection_auc.value))
    cells += [decimal(result.metrics.get(name, _ABSENT).value) for name in _METRICS]
    if generated:
        cells.append(decimal((result.efficiency or _ABSENT).value))
    return cells


def table(evaluation: Evaluation) -> str:
    """Return a table of all models, the best of each arm (chosen out-of-fold) marked `*`."""
    generated = evaluation.ideal is not None
    head = [*_COLUMNS, *(["efficiency"] if generated else [])]
    rows = [head, *(_row(result, evaluation.best, generated) for result in evaluation.models)]
    if evaluation.ideal is not None:
        rows.append(["Ideal observer", "", with_interval(evaluation.ideal)])
    lines = _aligned(rows)
    titles = {one.outcome.model: one.outcome.title for one in evaluation.models}
    for pair in evaluation.comparisons:
        value = pair.difference.reason or difference(pair.difference)
        lines.append(f"{titles[pair.model]} minus {titles[pair.other]}: {value}")
    return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    whole = [row for row in rows if len(row) == len(rows[0])]
    widths = [max(len(row[column]) for row in whole) for column in range(len(rows[0]))]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]
    return [padded[0], "─" * max(map(len, padded[:1])), *padded[1:]]
