"""`skiagram plan`: how many patients a study takes, before it is made."""

import argparse
import json
import math
from dataclasses import asdict
from pathlib import Path

from jinja2 import Environment

from skiagram.errors import OptionError
from skiagram.evaluation.event_planning import concordances_of, spread_of_concordance
from skiagram.evaluation.planning import (
    DifferencePlan,
    WidthPlan,
    plan_difference,
    plan_width,
    spread_of_auc,
    spread_of_difference,
)

_TEMPLATE = Path(__file__).with_name("plan.txt")
_BELOW_0 = math.nextafter(0, -1)
_WORDS = {"above": "above {0:g}", "within": "between -{0:g} and {0:g}", "below": "below -{0:g}"}
_QUESTIONS = {
    "half_width": "half the length that the interval of the AUC, or of C, is to have",
    "margin": "smallest difference of two AUCs, or of two C indices, that counts",
}
_ASSUMPTIONS = {
    "prevalence": "share of patients with the condition; with --concordance, whose event is seen",
    "concordance": "C index of the model (Harrell's, under the planned follow-up), where the "
    "outcome is a time to an event, as --auc",
    "auc": "AUC of the model; with --margin that of the other model, not of the new one",
    "true_difference": "AUC, or C, of the new model minus that of the other (default: 0)",
    "correlation": "correlation of the two models' scores within a class, or with --concordance "
    "over all patients; low is the safe side",
}
_METAVARS = {"half_width": "W", "margin": "M", "true_difference": "D"}
# option; bounds that are not allowed themselves; words
_RANGES: tuple[tuple[str, float, float, str], ...] = (
    ("half_width", 0, 0.5, "between 0 and 0.5"),
    ("margin", 0, 0.5, "between 0 and 0.5"),
    ("prevalence", 0, 1, "between 0 and 1"),
    ("auc", 0.5, 1, "between 0.5 and 1"),
    ("concordance", 0.5, 1, "between 0.5 and 1"),
    ("true_difference", -0.5, 0.5, "between -0.5 and 0.5"),
    ("correlation", _BELOW_0, 1, "from 0 to below 1"),
)
_BELONGS_TO = {"true_difference": "margin", "correlation": "margin"}


def run(arguments: argparse.Namespace) -> int:
    """Print the plan; return 0."""
    _check(arguments)
    study = _Study(arguments)
    if arguments.json:
        print(json.dumps(study.record(), indent=2, sort_keys=True, allow_nan=False))
    else:
        print(study.text(), end="")
    return 0


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _check(arguments: argparse.Namespace) -> None:
    # Numbers in their ranges, and at least one question.
    options = {name: value for name, value in vars(arguments).items() if value is not None}
    for name, low, high, allowed in _RANGES:
        if name in options and not low < options[name] < high:
            raise OptionError(f"{options[name]:g} was given", where=_option(name), allowed=allowed)
    if not _QUESTIONS.keys() & options.keys():
        allowed = f"{' or '.join(map(_option, _QUESTIONS))}, or both"
        raise OptionError("no question was given", where="skiagram plan", allowed=allowed)
    # Options that mean something only beside another one.
    for name, other in _BELONGS_TO.items():
        if name in options and other not in options:
            fault, remedy = (
                f"is for {_option(other)} alone",
                f"add {_option(other)}",
            )
            raise OptionError(fault, where=_option(name), remedy=remedy)
    if {"concordance", "auc"} <= options.keys():
        raise OptionError("was given too", where="--auc", allowed="it alone, or --concordance")
    # What each question needs.
    auc = "concordance" if "concordance" in options else "auc"
    rules = {  # option → whether it is needed, and what it means
        "prevalence": (True, "the share of patients with the condition, for example 0.3"),
        auc: (True, "the AUC that you expect, for example 0.8"),
        "correlation": (
            "margin" in options,
            "how alike the two models score patients of one class: 0 is the safe side",
        ),
    }
    for name, (needed, meaning) in rules.items():
        if needed and name not in options:
            raise OptionError("is not given", where=_option(name), remedy=f"give {meaning}")
    # The new model must have a figure that there can be.
    if "margin" in options:
        new = options[auc] + options.get("true_difference", 0.0)
        if not 0.5 < new < 1:
            fault, allowed = f"the new model would have {new:g}", "between 0.5 and 1"
            raise OptionError(fault, where="--true-difference", allowed=allowed)


class _Study:
    """Assumptions and answers, made once and shown as text or as JSON."""

    def __init__(self, arguments: argparse.Namespace) -> None:

        self.arguments = arguments
        self.of_times: bool = arguments.concordance is not None
        self.value: float = arguments.concordance if self.of_times else arguments.auc
        self.prevalence: float = arguments.prevalence
        self.precision: WidthPlan | None = None
        self.difference: DifferencePlan | None = None
        true_difference = arguments.true_difference or 0.0
        # how the figure of one model varies, and its difference from that of another
        new, correlation = self.value + true_difference, arguments.correlation or 0.0
        if self.of_times:
            other, better = concordances_of((self.value, new), correlation, self.prevalence)
            model_spread = spread_of_concordance(other, self.prevalence)
            difference_spread = spread_of_concordance(better - other, self.prevalence)
        else:
            model_spread = spread_of_auc(self.value, self.prevalence)
            difference_spread = spread_of_difference(new, self.value, correlation, self.prevalence)
        # how many patients each question takes
        if arguments.half_width is not None:
            self.precision = plan_width(
                arguments.half_width, self.value, model_spread, self.prevalence
            )
        if arguments.margin is not None:
            self.difference = plan_difference(
                arguments.margin, true_difference, difference_spread, self.prevalence
            )

    def record(self) -> dict[str, object]:
        """Return all of it as plain values."""
        plans = {"precision": self.precision, "difference": self.difference}
        lines = self.text().splitlines()
        return {
            "assumptions": [line.removeprefix("  - ") for line in lines if line.startswith("  - ")],
            "patients": max(plan.patients for plan in plans.values() if plan is not None),
            **{name: None if plan is None else asdict(plan) for name, plan in plans.items()},
        }

    def text(self) -> str:
        """Return assumptions and answers in sentences."""
        environment = Environment(trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - plain text
        environment.filters["round_even"] = round
        template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
        margin = self.difference.margin if self.difference else 0.0
        return template.render(
            study=self,
            given=self.arguments,
            precision=self.precision,
            difference=self.difference,
            places={aim: words.format(margin) for aim, words in _WORDS.items()},
        )
