"""`skiagram plan`: how many patients a study takes, before it is made."""

import argparse
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skiagram.errors import OptionError

if TYPE_CHECKING:
    from skiagram.evaluation.pilot import Pilot
    from skiagram.evaluation.planning import (
        DifferencePlan,
        ModelPlan,
        PrecisionPlan,
        Spread,
    )

NAME = "plan"
SUMMARY = "say how many patients a study takes, before it is made"
EXAMPLES = """\
  skiagram plan --prevalence 0.3 --auc 0.85 --half-width 0.05
      patients to score, so that the 95 % interval of the AUC reaches 0.05 to each side
  skiagram plan --prevalence 0.3 --auc 0.8 --parameters 20
      patients for developing a regression model with 20 candidate parameters
  skiagram plan --prevalence 0.3 --auc 0.85 --margin 0.02 --correlation 0.6
      patients to score, so that two equal models are shown to differ by less than 0.02
  skiagram plan --prevalence 0.3 --auc 0.85 --margin 0.02 --correlation 0.6 --true-difference 0.05
      the same where one is better by 0.05: the interval is to lie above 0.02
  skiagram plan --pilot . --margin 0.02 --half-width 0.04
      both, from the scores of a run in this folder
  skiagram plan --prevalence 0.4 --concordance 0.65 --margin 0.02 --true-difference 0.06 \\
      --correlation 0.6
      events, and patients, that a difference of two C indices of a time to an event takes
  skiagram plan --prevalence 0.2 --auc 0.8 --half-width 0.05 --images 1 1 2 8 \\
      --patient-correlation 0.5
      typical patients have 1, 1, 2 and 8 images, which are alike

Several questions can be asked at once. Assumptions are printed first: they decide more than the
formulas do, so try others too."""

_TEMPLATE = Path(__file__).with_name("plan.txt")
_BELOW_0, _ABOVE_1 = math.nextafter(0, -1), math.nextafter(1, 2)
_WORDS = {"above": "above {0:g}", "within": "between -{0:g} and {0:g}", "below": "below -{0:g}"}
_CRITERIA = {
    "shrinkage": "effects shrink by at most {0:.0%} on new patients",
    "optimism": "apparent and adjusted R² (Nagelkerke) differ by at most 0.05",
    "overall risk": "the overall risk is known to ± 0.05",
}
_QUESTIONS = {
    "half_width": "half the length that the interval of the AUC, or of C, is to have",
    "parameters": "candidate parameters of a regression model, counted before any selection",
    "margin": "smallest difference of two AUCs, or of two C indices, that counts",
}
_ASSUMPTIONS = {
    "prevalence": "share of patients with the condition; with --concordance, whose event is seen",
    "concordance": "C index of the model, where the outcome is a time to an event, as --auc",
    "auc": "AUC of the model; with --margin that of the other model, not of the new one",
    "true_difference": "AUC, or C, of the new model minus that of the other (default: 0)",
    "correlation": "correlation of the two models' scores within a class, or with --concordance "
    "over all patients; low is the safe side",
    "r2": "Cox-Snell R² of the model on new patients (default: follows from --auc)",
    "shrinkage": "wanted, 1 is no overfitting (default: 0.9)",
    "images": "images of a patient, or of each of some typical patients (default: 1)",
    "patient_correlation": "correlation of two images of a patient; 1 is the safe side",
    "training_sd": "standard deviation of a model's AUC over seeds (default: 0, these fits alone)",
    "repeats": "trainings of each model, with --training-sd",
}
_WHOLE = ("parameters", "images", "repeats")
_METAVARS = {
    "half_width": "W",
    "parameters": "P",
    "margin": "M",
    "true_difference": "D",
    "r2": "R2",
    "images": "N",
}
# option; bounds that are not allowed themselves; words
_RANGES: tuple[tuple[str, float, float, str], ...] = (
    ("half_width", 0, 0.5, "between 0 and 0.5"),
    ("margin", 0, 0.5, "between 0 and 0.5"),
    ("prevalence", 0, 1, "between 0 and 1"),
    ("auc", 0.5, 1, "between 0.5 and 1"),
    ("concordance", 0.5, 1, "between 0.5 and 1"),
    ("true_difference", -0.5, 0.5, "between -0.5 and 0.5"),
    ("r2", 0, 1, "between 0 and 1"),
    ("shrinkage", 0, 1, "between 0 and 1"),
    ("correlation", _BELOW_0, 1, "from 0 to below 1"),
    ("patient_correlation", _BELOW_0, _ABOVE_1, "from 0 to 1"),
    ("training_sd", 0, 0.5, "between 0 and 0.5"),
    ("repeats", 1, math.inf, "a whole number from 2 on"),
    ("parameters", 0, math.inf, "a whole number from 1 on"),
    ("images", 0, math.inf, "whole numbers from 1 on"),
)
_BELONGS_TO = {
    "true_difference": "margin",
    "correlation": "margin",
    "r2": "parameters",
    "models": "pilot",
    "patient_correlation": "images",
    "repeats": "training_sd",
}
_IN_PILOT = (
    "auc",
    "concordance",
    "correlation",
    "images",
    "patient_correlation",
    "training_sd",
    "repeats",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    groups = {"questions, at least one": _QUESTIONS, "assumptions": _ASSUMPTIONS}
    for title, options in groups.items():
        group = parser.add_argument_group(title)
        for name, text in options.items():
            kind, several = int if name in _WHOLE else float, "+" if name == "images" else None
            metavar = _METAVARS.get(name)
            group.add_argument(_option(name), type=kind, nargs=several, metavar=metavar, help=text)
    parser.set_defaults(shrinkage=0.9)
    pilot = parser.add_argument_group("a pilot run instead of assumptions")
    of_run = "project folder with reports of a run"
    pilot.add_argument("--pilot", type=Path, metavar="FOLDER", help=of_run)
    two = "two models of the pilot (default: its best network and its best classical model)"
    pilot.add_argument("--models", nargs=2, metavar="NAME", help=two)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


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
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    for name, low, high, allowed in _RANGES:
        values = given.get(name, [])
        for value in values if isinstance(values, list) else [values]:
            if not low < value < high:
                raise OptionError(f"{value:g} was given", where=_option(name), allowed=allowed)
    if not _QUESTIONS.keys() & given.keys():
        allowed = f"{', '.join(map(_option, _QUESTIONS))}, or several of them"
        raise OptionError("no question was given", where="skiagram plan", allowed=allowed)
    for name, other in _BELONGS_TO.items():
        if name in given and other not in given:
            fault, remedy = (
                f"is for {_option(other)} alone",
                f"add {_option(other)}",
            )
            raise OptionError(fault, where=_option(name), remedy=remedy)
    if "pilot" not in given:
        _check_assumptions(given)
        return
    for name in _IN_PILOT:
        if name in given:
            remedy = f"leave out {_option(name)} or --pilot"
            raise OptionError(
                "was given, and the pilot measures it", where=_option(name), remedy=remedy
            )


def _check_assumptions(given: Mapping[str, Any]) -> None:
    if "concordance" in given:
        for name in ("auc", "parameters"):
            if name in given:
                raise OptionError(
                    "was given too", where=_option(name), allowed="it alone, or --concordance"
                )
    auc = "concordance" if "concordance" in given else "auc"
    rules = {  # option → whether it is needed, and what it means
        "prevalence": (True, "the share of patients with the condition, for example 0.3"),
        auc: (
            bool({"half_width", "margin"} & given.keys()) or "r2" not in given,
            "the AUC that you expect, for example 0.8",
        ),
        "correlation": (
            "margin" in given,
            "how alike the two models score patients of one class: 0 is the safe side",
        ),
        "patient_correlation": (max(given.get("images", [1])) > 1, "1, which is the safe side"),
        "repeats": ("training_sd" in given, "the trainings of each model that are averaged"),
    }
    for name, (needed, meaning) in rules.items():
        if needed and name not in given:
            raise OptionError("is not given", where=_option(name), remedy=f"give {meaning}")
    if "margin" in given:
        new = given[auc] + given.get("true_difference", 0.0)
        if not 0.5 < new < 1:
            fault, allowed = f"the new model would have {new:g}", "between 0.5 and 1"
            raise OptionError(fault, where="--true-difference", allowed=allowed)


class _Study:
    """Assumptions and answers, made once and shown as text or as JSON."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from skiagram.evaluation.planning import (
            Images,
            Trainings,
            plan_difference,
            plan_model,
            plan_precision,
        )

        self.arguments = arguments
        self.images = Images.like(arguments.images or [1], arguments.patient_correlation or 0.0)
        self.trainings = Trainings(arguments.training_sd or 0.0, arguments.repeats or 1)
        self.pilot: Pilot | None = None
        if arguments.pilot is not None:
            from skiagram.evaluation.pilot import read_pilot

            self.pilot = read_pilot(arguments.pilot, arguments.models, arguments.prevalence)
        self.prevalence: float = self.pilot.prevalence if self.pilot else arguments.prevalence
        self.precision: PrecisionPlan | None = None
        self.difference: DifferencePlan | None = None
        self.model: ModelPlan | None = None
        if arguments.half_width is not None:
            self.precision = plan_precision(arguments.half_width, self._aucs(), self.prevalence)
        if arguments.margin is not None:
            self.difference = plan_difference(
                arguments.margin, arguments.true_difference or 0.0, self._paired(), self.prevalence
            )
        if arguments.parameters is not None:
            self.model = plan_model(
                arguments.parameters, self.prevalence, self._r_squared(), arguments.shrinkage
            )

    @property
    def of_times(self) -> bool:
        """Whether the outcome is a time to an event."""
        return self.arguments.concordance is not None

    @property
    def auc(self) -> float:
        """The AUC, or C, of the model, of the classical one in a pilot."""
        given = self.arguments.concordance if self.of_times else self.arguments.auc
        auc: float = self.pilot.auc[self.pilot.other] if self.pilot else given
        return auc

    @property
    def scored(self) -> int | None:
        """The patients to score, those of all questions about scores."""
        plans = (self.precision, self.difference)
        return max((plan.patients for plan in plans if plan is not None), default=None)

    def _aucs(self) -> "dict[str, tuple[float, Spread]]":
        from skiagram.evaluation.planning import (
            AssumedSpread,
            binormal_components,
            exponential_components,
        )

        if self.pilot:
            return {
                name: (self.pilot.auc[name], spread) for name, spread in self.pilot.models.items()
            }
        if self.of_times:
            from skiagram.evaluation.event_planning import concordances_of, spread_of

            figure, _ = concordances_of((self.auc, self.auc), 0.0, self.prevalence)
            return {"normal scores": (self.auc, spread_of(figure, self.images, self.trainings))}
        kinds = {
            "normal scores": binormal_components(self.auc, self.auc, 1.0),
            "exponential scores": exponential_components(self.auc),
        }
        return {
            name: (self.auc, AssumedSpread(kind, self.prevalence, self.images, self.trainings))
            for name, kind in kinds.items()
        }

    def _paired(self) -> "Spread":
        from skiagram.evaluation.planning import AssumedSpread, difference_components

        if self.pilot:
            return self.pilot.difference
        arguments = self.arguments
        new = self.auc + (arguments.true_difference or 0.0)
        each = self.trainings  # of one model; the other's trainings are drawn on their own
        both = replace(each, sd=math.sqrt(2) * each.sd)
        if self.of_times:
            from skiagram.evaluation.event_planning import concordances_of, spread_of

            other, better = concordances_of((self.auc, new), arguments.correlation, self.prevalence)
            return spread_of(better - other, self.images, both)
        parts = difference_components(self.auc, new, arguments.correlation)
        return AssumedSpread(parts, self.prevalence, self.images, both)

    def _r_squared(self) -> float:
        from skiagram.evaluation.planning import r_squared_from_auc

        if self.arguments.r2 is not None:
            return float(self.arguments.r2)
        return r_squared_from_auc(self.auc, self.prevalence)

    def record(self) -> dict[str, object]:
        """Return all of it as plain values."""
        from dataclasses import asdict

        plans = {"precision": self.precision, "difference": self.difference, "model": self.model}
        lines = self.text().splitlines()
        return {
            "assumptions": [line.removeprefix("  - ") for line in lines if line.startswith("  - ")],
            "patients_to_score": self.scored,
            "patients_for_development": self.model.patients if self.model else None,
            **{name: None if plan is None else asdict(plan) for name, plan in plans.items()},
        }

    def text(self) -> str:
        """Return assumptions and answers in sentences."""
        from jinja2 import Environment

        environment = Environment(trim_blocks=True, lstrip_blocks=True)  # noqa: S701 - plain text
        environment.filters["round_even"] = round
        template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
        margin = self.difference.margin if self.difference else 0.0
        shrinkage = self.model.shrinkage if self.model else 0.0
        return template.render(
            study=self,
            given=self.arguments,
            pilot=self.pilot,
            images=self.images,
            trainings=self.trainings,
            precision=self.precision,
            difference=self.difference,
            model=self.model,
            places={aim: words.format(margin) for aim, words in _WORDS.items()},
            criteria={name: words.format(1 - shrinkage) for name, words in _CRITERIA.items()},
        )
