"""The table of models as plain text, for the end of a run in a terminal."""

from collections.abc import Sequence

from skiagram.evaluation.results import Estimate, Evaluation, ModelResult

_COLUMNS = ("model", "arm", "AUC (95 %)", "out-of-fold", "sensitivity", "specificity", "Brier")
_METRICS = ("sensitivity", "specificity", "brier")


def _number(estimate: Estimate | None) -> str:
    if estimate is None or estimate.value is None:
        return "–"
    return f"{estimate.value:.3f}".replace("-", "−")


def _interval(estimate: Estimate | None) -> str:
    if estimate is None or estimate.low is None or estimate.high is None:
        return _number(estimate)
    return f"{_number(estimate)} ({estimate.low:.2f}–{estimate.high:.2f})"


def _row(result: ModelResult, best: dict[str, str], generated: bool) -> list[str]:
    outcome = result.outcome
    if outcome.status == "failed":
        return [outcome.title, outcome.arm, f"failed: {outcome.reason}"]
    mark = " *" if best.get(outcome.arm) == outcome.model else ""
    cells = [outcome.title + mark, outcome.arm, _interval(result.metrics.get("roc_auc"))]
    cells.append(_number(result.selection_auc))
    cells += [_number(result.metrics.get(name)) for name in _METRICS]
    if generated:
        cells.append(_number(result.efficiency))
    return cells


def table(evaluation: Evaluation) -> str:
    """Return a table of all models, the best of each arm (chosen out-of-fold) marked `*`."""
    generated = evaluation.ideal is not None
    head = [*_COLUMNS, *(["efficiency"] if generated else [])]
    rows = [head, *(_row(result, evaluation.best, generated) for result in evaluation.models)]
    if evaluation.ideal is not None:
        rows.append(["Ideal observer", "", _interval(evaluation.ideal)])
    return "\n".join(_aligned(rows))


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    whole = [row for row in rows if len(row) == len(rows[0])]
    widths = [max(len(row[column]) for row in whole) for column in range(len(rows[0]))]
    padded = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]
    return [padded[0], "─" * max(map(len, padded[:1])), *padded[1:]]
