"""Comparisons between models: the primary one, pairs of arms, and every model with every other."""

from collections.abc import Callable

from skiagram.evaluation.criteria import (
    find_side,
    is_told_apart,
)
from skiagram.evaluation.evaluation_record import ARM_WORDS, PRIMARY, Evaluation
from skiagram.evaluation.figure_table import FigureRow
from skiagram.evaluation.verdict import count_choices, relate
from skiagram.report.formatting import format_p_value
from skiagram.report.tables import Table, TableRow, list_rows
from skiagram.statistics.estimate import format_difference


def tabulate_pairs(
    evaluation: Evaluation, analysis: str, name_side: Callable[[str], str] | None = None
) -> Table | None:
    """Make a row a pair of an analysis, in the order of the record; None where there are none.

    The primary comparison is not corrected: it has no column of corrected p values.

    Args:
        name_side: Says what an arm is called, for people; None for models, which have titles.
    """
    name = name_side or evaluation.titles.__getitem__
    rows = evaluation.figures.select(analysis=analysis, group="", figure=evaluation.primary).rows
    pairs = [row for row in rows if row.versus]
    columns: dict[str, Callable[[FigureRow], str]] = {
        "minus": lambda pair: name(pair.versus),
        f"Difference in {evaluation.figure_words}": lambda pair: (
            pair.reason if pair.value is None else format_difference(pair)
        ),
        "p": lambda pair: format_p_value(pair.p),
        "p, Holm": lambda pair: format_p_value(pair.p_holm),
        "What it shows": lambda pair: _relate(evaluation, evaluation.direct(pair)),
    }
    # A single comparison is not corrected.
    if analysis == PRIMARY:
        del columns["p, Holm"]
    if not pairs:
        return None
    filled = [
        TableRow(name(pair.model), [fill(pair) for fill in columns.values()]) for pair in pairs
    ]
    words = ("minus", "What it shows")
    return Table(tuple(columns), list_rows(filled), words=words, kind="pairs")


def _relate(evaluation: Evaluation, pair: FigureRow) -> str:
    """Say what a pair shows; where p was corrected over a family, no more than that p allows."""
    if find_side(pair) != "open" and pair.p_holm is not None and not is_told_apart(pair):
        return "not told apart once p is corrected for the number of pairs"
    return relate(evaluation, pair, "the first model", "the second model")


def tabulate_arms(evaluation: Evaluation, analysis: str) -> Table | None:
    """Tabulate the primary comparison, or all pairs of arms but it, each side then with its kind.

    Where folds chose different models, it is said which in how many.
    """
    titles = evaluation.titles

    def name(arm: str) -> str:
        kind, choice = ARM_WORDS[arm], evaluation.arms[arm]
        if arm == evaluation.contender and analysis == PRIMARY:
            kind = evaluation.contender_words
        elif arm == "deep":
            kind = "trained network"
        if len(choice.chosen) > 1:
            return f"Best {kind} of each fold ({count_choices(evaluation, choice.chosen)})"
        return titles[choice.model] if analysis == PRIMARY else f"{titles[choice.model]}, {kind}"

    return tabulate_pairs(evaluation, analysis, name)
