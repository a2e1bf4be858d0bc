"""Methods, versions and hashes: how each interval was computed and from what."""

from collections.abc import Iterator
from functools import cache

from skiagram.declared import read_declared
from skiagram.evaluation.clinical_utility import CLASSICAL, NET_BENEFIT, UTILITY
from skiagram.evaluation.evaluation_record import PRIMARY, Evaluation
from skiagram.evaluation.figure_table import FigureRow
from skiagram.evaluation.results import LIMIT, METRICS, OPERATING_POINTS
from skiagram.evaluation.sentences import say
from skiagram.sealing.ledger import LEDGER, Opening
from skiagram.tasks.classes import CLASS_FIGURE


def list_methods(evaluation: Evaluation) -> dict[str, str]:
    """List the name of an estimate → how its interval was computed, each once, in order."""
    methods: dict[str, list[str]] = {}
    for name, estimate in _list_titled(evaluation):
        title_methods = methods.setdefault(name, [])
        if estimate.method and estimate.method not in title_methods:
            title_methods.append(estimate.method)
    return {name: "; ".join(each) for name, each in methods.items() if each}


def describe_opening(opening: Opening | None) -> str:
    """Say which opening of the seal this is; empty where nothing is sealed."""
    if opening is None:
        return ""
    kind = "opening.first" if opening.number == 1 else "opening.again"
    return say(kind, number=opening.number, ledger=LEDGER)


@cache
def _read_titles() -> dict[str, str]:
    """Return `analysis.figure` → title of the figures of single models but their metrics."""
    said = read_declared("skiagram.report", "methods.yaml")
    figures = {name: figure.title for name, figure in CLASS_FIGURE.items()}
    return {name: figures.get(title, title) for name, title in said.items()}


def _list_titled(evaluation: Evaluation) -> Iterator[tuple[str, FigureRow]]:
    """Yield (title, figure) of all that have an interval or a reason, in the order of the page."""
    table, reported = evaluation.table, {model.outcome.model for model in evaluation.models}
    # The figures of single models.
    for row in table.rows:
        title = _read_titles().get(f"{row.analysis}.{row.figure}", "")
        if row.analysis in (METRICS, OPERATING_POINTS, LIMIT):
            title = evaluation.task.predicted.title_figure(row.figure)
        if row.model in reported and title:
            yield title, row
    # Comparisons of clinical use.
    paired = evaluation.figures.select(analysis=UTILITY, versus=CLASSICAL)
    for gain in paired.select(figure=NET_BENEFIT).rows:
        yield CLASS_FIGURE["utility.net_benefit"].title, gain
    for difference in paired.select(group="").rows:
        yield CLASS_FIGURE["utility.differences"].title, difference
    # What the answer itself rests on.
    for title, figure in (
        (CLASS_FIGURE["detectable"].title, table.get(analysis=PRIMARY, figure="detectable")),
        (CLASS_FIGURE["difference"].title, evaluation.difference),
        (
            f"{evaluation.task.predicted.title_figure(evaluation.primary)} of the ideal observer",
            evaluation.ideal,
        ),
    ):
        if figure:
            yield title, figure
