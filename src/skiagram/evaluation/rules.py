"""The rules of the verdict as two tables: rows of conditions, tried in order; the first that holds.

`STANDINGS` says what the interval of a difference shows, `RULES` what follows from all comparisons.
They are the same for every outcome, for whole images and for lesions that are searched for, for a
run, another cohort, columns of scores and each row of a sweep. `criteria` finds the conditions;
the words are in `sentences.yaml`, from which the page of rules is built too.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from skiagram.evaluation.evaluation_record import Decision

Conditions = Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """A row.

    Attributes:
        decision: On whether to use the contender.
        because: What that rests on; of a standing its name.
        when: Condition → the values with which the row holds, the last the widest; other conditions
            do not matter.
    """

    decision: Decision
    because: str
    when: Mapping[str, tuple[str, ...]]

    def holds(self, conditions: Conditions) -> bool:
        """Tell whether each condition has a value with which the row holds."""
        return all(conditions[name] in values for name, values in self.when.items())


# Where the bounds of an interval lie; one on ± margin itself does not count as beyond it.
BOUNDS: Mapping[str, tuple[str, ...]] = {
    "low": ("none", "below −margin", "below 0", "above 0", "above margin"),
    "high": ("none", "below −margin", "below 0", "below margin", "above margin"),
}
_UNDER, _OVER = ("below −margin", "below 0", "below margin"), ("above margin", "above 0")
# Relations to a margin after Piaggio et al. 2012, JAMA 308:2594; `better` and `worse` alone leave
# open whether by the margin.
STANDINGS: tuple[Rule, ...] = (
    Rule("open", "unknown", {"low": ("none",)}),
    Rule("open", "unknown", {"high": ("none",)}),
    Rule("yes", "better, enough", {"low": ("above margin",)}),
    Rule("no", "better, too little", {"low": _OVER, "high": _UNDER}),
    Rule("open", "better", {"low": _OVER}),
    Rule("no", "worse, by the margin", {"high": ("below −margin",)}),
    Rule("no", "worse", {"high": ("below 0",)}),
    Rule("no", "equivalent", {"low": ("below 0",), "high": _UNDER}),
    Rule("no", "not superior", {"high": _UNDER}),
    Rule("open", "not inferior", {"low": ("below 0",)}),
    Rule("open", "undecided", {}),
)

# Of the difference from the classical model: `yes`, `no` and `open` are what its standing says;
# `nearly` is a *no* by its own interval and not by one that is longer by Bonferroni for all
# comparisons; `contradicted` is a figure of merit against which the share of lesions found speaks.
# `room` is what a baseline or the classical model leaves up to a perfect figure: less than the
# margin by its interval (`no`), or by its value alone (`few`).
# Of chance and the simple baselines: `beaten`, or what the difference from those not beaten says.
CONDITIONS: Mapping[str, tuple[str, ...]] = {
    "compared": ("yes", "no"),
    "leaked": ("no", "yes"),
    "copies": ("no", "yes"),
    "room": ("yes", "few", "no"),
    "difference": ("yes", "no", "nearly", "open", "contradicted"),
    "chance": ("beaten", "no", "nearly", "open"),
    "baseline": ("beaten", "no", "nearly", "open"),
}
_NO, _BEATEN, _NOT_BEATEN = ("no",), ("beaten",), ("no", "nearly", "open")
RULES: tuple[Rule, ...] = (
    Rule("none", "nothing", {"compared": ("no",)}),
    Rule("none", "leak", {"leaked": ("yes",)}),
    Rule("no", "difference", {"difference": _NO}),
    Rule("no", "chance", {"chance": _NO}),
    Rule("no", "baseline", {"baseline": _NO}),
    Rule("open", "copies", {"copies": ("yes",)}),
    Rule("open", "contradiction", {"difference": ("contradicted",)}),
    Rule("yes", "difference", {"difference": ("yes",), "chance": _BEATEN, "baseline": _BEATEN}),
    Rule("open", "ceiling", {"room": ("no",)}),
    Rule("open", "few", {"room": ("few",)}),
    Rule("open", "chance", {"difference": ("yes",), "chance": _NOT_BEATEN}),
    Rule("open", "baseline", {"difference": ("yes",)}),
    Rule("open", "several", {"difference": ("nearly",)}),
    Rule("open", "several", {"chance": ("nearly",)}),
    Rule("open", "several", {"baseline": ("nearly",)}),
    Rule("open", "difference", {}),
)


def find_rule(rules: Sequence[Rule], conditions: Conditions) -> Rule:
    """Find the first row that holds."""
    return next(rule for rule in rules if rule.holds(conditions))


def combine(values: Mapping[str, Sequence[str]]) -> Iterator[Conditions]:
    """Yield every combination of conditions."""
    for each in product(*values.values()):
        yield dict(zip(values, each, strict=True))
