"""Two models side by side on the same cases."""

from dataclasses import dataclass
from typing import Literal

from skiagram.evaluation.records.estimate import Estimate

Relation = Literal[
    "better", "worse", "equivalent", "not inferior", "not superior", "undecided", "unknown"
]


@dataclass(frozen=True)
class McNemar:
    """Cases that only one of two models names rightly, by the most probable class.

    Attributes:
        only_model: Cases that only the one names rightly.
        only_other: Cases that only the other does.
        p: Two-sided p value of no difference; None where it cannot be computed.
        method: Which form of the test.
    """

    only_model: int
    only_other: int
    p: float | None
    method: str


@dataclass(frozen=True)
class Comparison:
    """Two models on the same reported cases.

    Attributes:
        model: Name of the one.
        other: Name of the other.
        difference: AUC of the one minus that of the other, paired.
        p: Two-sided p value of no difference in AUC; None where it cannot be computed.
        p_holm: The same, corrected over all secondary comparisons; None for the primary one.
        relation: Where the interval of the difference lies with regard to 0 and to ± margin.
        mcnemar: Test of the two models' decisions.
    """

    model: str
    other: str
    difference: Estimate
    p: float | None = None
    p_holm: float | None = None
    relation: Relation = "unknown"
    mcnemar: McNemar | None = None


@dataclass(frozen=True)
class AgainstTrivial:
    """A model against a trivial rule: the prevalence, one feature, the table or file traits alone.

    Attributes:
        model: Name of the model.
        rule: Name of the trivial model, or `prevalence`.
        difference: AUC of the model minus the rule's.
        beaten: Whether the model is surely better: the lower bound is above 0.
    """

    model: str
    rule: str
    difference: Estimate
    beaten: bool
