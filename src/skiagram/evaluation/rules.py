"""The rules of the verdict as two tables: rows of conditions, tried in order; the first that holds.

`STANDINGS` says what the interval of a difference shows, `RULES` what follows from all comparisons;
both are rows of `rules.yaml`. They are the same for every outcome, for whole images and for lesions
that are searched for, for a run, another cohort, columns of scores and each row of a sweep.
`criteria` finds the conditions; the words are in `sentences.yaml`, from which the page of rules is
built too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from skiagram.declared import read_declared
from skiagram.evaluation.evaluation_record import Decision

Conditions = Mapping[str, str]


@dataclass(frozen=True)
class Rule:
    """A row.

    Attributes:
        decision: On whether to use the contender.
        because: What that rests on; of a standing its name.
        when: Condition → the values with which the row holds.
    """

    decision: Decision
    because: str
    when: Mapping[str, Sequence[str]]

    def holds(self, conditions: Conditions) -> bool:
        """Tell whether each condition has a value with which the row holds."""
        return all(conditions[name] in values for name, values in self.when.items())


_SAID = read_declared("skiagram.evaluation", "rules.yaml")
BOUNDS: Mapping[str, Sequence[str]] = _SAID["bounds"]
CONDITIONS: Mapping[str, Sequence[str]] = _SAID["conditions"]
STANDINGS, RULES = ([Rule(**row) for row in _SAID[name]] for name in ("standings", "rules"))


def decide(known: Conditions) -> Rule:
    """Find the row of `RULES` that holds.

    Args:
        known: Condition → value; those that are not named have their usual value, the first.
    """
    return find_rule(RULES, {name: values[0] for name, values in CONDITIONS.items()} | {**known})


def find_rule(rules: Sequence[Rule], conditions: Conditions) -> Rule:
    """Find the first row that holds."""
    return next(rule for rule in rules if rule.holds(conditions))
