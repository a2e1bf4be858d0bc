"""All pairs of models: what the difference is, how surely, and in which words."""

from collections.abc import Mapping
from dataclasses import dataclass

from skiagram.evaluation.records.comparison import Comparison, McNemar
from skiagram.evaluation.results import Evaluation
from skiagram.report.numbers import MISSING, difference, p_value, signed

ALPHA = 0.05
_WORDS = {
    "better": "the first is better",
    "worse": "the second is better",
    "equivalent": "equivalent: any difference is below the margin",
    "not inferior": "the first is not inferior, perhaps better",
    "not superior": "the first is not better by the margin, perhaps worse",
    "undecided": "undecided: the interval holds differences that count, both ways",
    "unknown": "nothing can be said",
}


@dataclass(frozen=True)
class Pair:
    """One comparison as text.

    Attributes:
        model: Title of the one.
        other: Title of the other.
        difference: AUC of the one minus that of the other, with its interval or the reason for
            having none.
        p: Raw p value.
        corrected: Holm's p value; a dash for the primary comparison.
        words: What it shows against 0 and the margin.
        decisions: Cases that only one of the two names rightly, and McNemar's p value.
    """

    model: str
    other: str
    difference: str
    p: str
    corrected: str
    words: str
    decisions: str


@dataclass(frozen=True)
class Square:
    """One cell of the matrix: the model of the row against that of the column.

    Attributes:
        difference: AUC of the row's model minus that of the column's; empty on the diagonal.
        p: Raw p value.
        corrected: Holm's p value; for the primary comparison the raw one stands alone.
        tone: `ahead` or `behind` where the corrected p value is below 5 %, else empty.
    """

    difference: str = ""
    p: str = ""
    corrected: str = ""
    tone: str = ""


def pairs(found: tuple[Comparison, ...], titles: Mapping[str, str]) -> tuple[Pair, ...]:
    """Return comparisons as text, in the order given."""
    return tuple(
        Pair(
            titles[one.model],
            titles[one.other],
            one.difference.reason if one.difference.value is None else difference(one.difference),
            p_value(one.p),
            p_value(one.p_holm),
            _WORDS[one.relation],
            _decisions(one.mcnemar),
        )
        for one in found
    )


def matrix(evaluation: Evaluation) -> tuple[tuple[str, tuple[Square, ...]], ...]:
    """Return (title, cells) for every model that was compared, in the order of the report.

    Empty with fewer than three models, where a matrix says no more than one line.
    """
    known = {(one.model, one.other): one for one in evaluation.secondary}
    if evaluation.primary:
        known[evaluation.primary.model, evaluation.primary.other] = evaluation.primary
    compared = {name for pair in known for name in pair}
    models = [one.outcome for one in evaluation.models if one.outcome.model in compared]
    if len(models) < 3:
        return ()
    return tuple(
        (row.title, tuple(_square(known, row.model, column.model) for column in models))
        for row in models
    )


def _square(known: Mapping[tuple[str, str], Comparison], row: str, column: str) -> Square:
    one, turned = known.get((row, column)), False
    if one is None:
        one, turned = known.get((column, row)), True
    if one is None or one.difference.value is None:
        return Square() if row == column else Square(MISSING)
    value = -one.difference.value if turned else one.difference.value
    deciding = one.p if one.p_holm is None else one.p_holm
    sure = deciding is not None and deciding < ALPHA
    return Square(
        signed(value),
        p_value(one.p),
        "" if one.p_holm is None else p_value(one.p_holm),
        ("ahead" if value > 0 else "behind") if sure else "",
    )


def _decisions(found: McNemar | None) -> str:
    if found is None:
        return MISSING
    return f"{found.only_model} : {found.only_other}, p {p_value(found.p)}"
