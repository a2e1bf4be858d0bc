"""`skiagram plan`: how many patients a study takes, before it is made."""

import argparse
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skiagram.errors import OptionError

if TYPE_CHECKING:
    from skiagram.evaluation.pilot import Pilot
    from skiagram.evaluation.planning import (
        DifferencePlan,
        Images,
        ModelPlan,
        PrecisionPlan,
        Spread,
        Trainings,
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
  skiagram plan --prevalence 0.2 --auc 0.8 --half-width 0.05 --images 1 1 2 8 \\
      --patient-correlation 0.5
      typical patients have 1, 1, 2 and 8 images, which are alike

Several questions can be asked at once. Assumptions are printed first: they decide more than the
formulas do, so try others too."""

_BELOW_0, _ABOVE_1 = math.nextafter(0, -1), math.nextafter(1, 2)
_WORDS = {"above": "above {0:g}", "within": "between -{0:g} and {0:g}", "below": "below -{0:g}"}
_CRITERIA = {
    "shrinkage": "effects shrink by at most {0:.0%} on new patients",
    "optimism": "apparent and adjusted R² (Nagelkerke) differ by at most 0.05",
    "overall risk": "the overall risk is known to ± 0.05",
}


_QUESTIONS = {
    "half_width": "half the length that the AUC's interval is to have",
    "parameters": "candidate parameters of a regression model, counted before any selection",
    "margin": "smallest difference of two AUCs that counts",
}
_ASSUMPTIONS = {
    "prevalence": "share of patients with the condition",
    "auc": "AUC of the model, with --margin of the other one",
    "true_difference": "AUC of the new model minus that of the other (default: 0, equal models)",
    "correlation": "correlation of the two models' scores within a class; low is the safe side",
    "r2": "Cox-Snell R² of the model on new patients (default: follows from --auc)",
    "shrinkage": "wanted, 1 is no overfitting (default: 0.9)",
    "images": "images of a patient, or of each of some typical patients (default: 1)",
    "patient_correlation": "correlation of two images of a patient; 1 is the safe side",
    "training_sd": "standard deviation of the figure over seeds (default: 0, these fits alone)",
    "repeats": "trainings of each model, with --training-sd",
}
_WHOLE = ("parameters", "images", "repeats")
_METAVARS = {"half_width": "W", "parameters": "P", "margin": "M", "true_difference": "D",
             "r2": "R2", "images": "N"}  # fmt: skip
# option; bounds that are not allowed themselves; words
_RANGES: tuple[tuple[str, float, float, str], ...] = (
    ("half_width", 0, 0.5, "between 0 and 0.5"),
    ("margin", 0, 0.5, "between 0 and 0.5"),
    ("prevalence", 0, 1, "between 0 and 1"),
    ("auc", 0.5, 1, "between 0.5 and 1"),
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
_IN_PILOT = ("auc", "correlation", "images", "patient_correlation", "training_sd", "repeats")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    groups = {"questions, at least one": _QUESTIONS, "assumptions": _ASSUMPTIONS}
    for title, options in groups.items():
        group = parser.add_argument_group(title)
        for name, text in options.items():
            group.add_argument(
                _option(name),
                type=int if name in _WHOLE else float,
                nargs="+" if name == "images" else None,
                metavar=_METAVARS.get(name),
                help=text,
            )
    parser.set_defaults(shrinkage=0.9)
    pilot = parser.add_argument_group("a pilot run instead of assumptions")
    pilot.add_argument(
        "--pilot", type=Path, metavar="FOLDER", help="project folder with reports of a run"
    )
    pilot.add_argument(
        "--models",
        nargs=2,
        metavar="NAME",
        help="two models of the pilot (default: its best network and its best classical model)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def run(arguments: argparse.Namespace) -> int:
    """Print the plan; return 0.

    Raises:
        OptionError: A value is missing, out of range, or two exclude each other.
        DataError: The pilot's files cannot be used.
    """
    _check(arguments)
    study = _Study(arguments)
    if arguments.json:
        print(json.dumps(study.record(), indent=2, sort_keys=True, allow_nan=False))
    else:
        print(*study.lines(), sep="\n")
    return 0


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _check(arguments: argparse.Namespace) -> None:
    """Refuse what cannot be planned with.

    Raises:
        OptionError: A value is out of range, missing, or two exclude each other.
    """
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    for name, low, high, allowed in _RANGES:
        values = given.get(name, [])
        for value in values if isinstance(values, list) else [values]:
            if not low < value < high:
                raise OptionError(f"{value:g} was given", where=_option(name), allowed=allowed)
    if not _QUESTIONS.keys() & given.keys():
        raise OptionError(
            "nothing is asked",
            where="skiagram plan",
            allowed=f"{', '.join(map(_option, _QUESTIONS))}, or several of them",
            remedy="see `skiagram plan --help`",
        )
    for name, other in _BELONGS_TO.items():
        if name in given and other not in given:
            raise OptionError(
                f"is for {_option(other)} alone",
                where=_option(name),
                remedy=f"add {_option(other)}, or leave it out",
            )
    if "pilot" not in given:
        _check_assumptions(given)
        return
    for name in _IN_PILOT:
        if name in given:
            raise OptionError(
                "is measured in the pilot",
                where=_option(name),
                remedy=f"leave out {_option(name)} or --pilot",
            )


def _check_assumptions(given: Mapping[str, Any]) -> None:
    rules = {  # option → whether it is needed, and what it means
        "prevalence": (True, "the share of patients with the condition, for example 0.3"),
        "auc": (
            bool({"half_width", "margin"} & given.keys()) or "r2" not in given,
            "the AUC that you expect, for example 0.8",
        ),
        "correlation": (
            "margin" in given,
            "how alike the two models score patients of one class: 0 is the safe side, a pilot "
            "run tells it (--pilot)",
        ),
        "patient_correlation": (
            max(given.get("images", [1])) > 1,
            "1 is the safe side, images without likeness have 0",
        ),
        "repeats": (
            "training_sd" in given,
            "the number of trainings of each model that are averaged",
        ),
    }
    for name, (needed, meaning) in rules.items():
        if needed and name not in given:
            raise OptionError("is not given", where=_option(name), remedy=f"give {meaning}")
    if "margin" in given and not 0.5 < given["auc"] + given.get("true_difference", 0.0) < 1:
        raise OptionError(
            f"the new model's AUC would be {given['auc'] + given.get('true_difference', 0.0):g}",
            where="--true-difference",
            allowed="--auc plus --true-difference between 0.5 and 1",
        )


class _Study:
    """Assumptions and answers, made once and shown as text or as JSON."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from skiagram.evaluation.planning import plan_difference, plan_model, plan_precision

        self.arguments = arguments
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
    def auc(self) -> float:
        """The AUC of the model, of the classical one in a pilot."""
        auc: float = self.pilot.auc[self.pilot.other] if self.pilot else self.arguments.auc
        return auc

    @property
    def scored(self) -> int | None:
        """The patients to score, those of all questions about scores."""
        plans = (self.precision, self.difference)
        return max((plan.patients for plan in plans if plan is not None), default=None)

    def _images(self) -> "Images":
        from skiagram.evaluation.planning import Images

        return Images.like(self.arguments.images or [1], self.arguments.patient_correlation or 0.0)

    def _trainings(self) -> "Trainings":
        from skiagram.evaluation.planning import Trainings

        return Trainings(self.arguments.training_sd or 0.0, self.arguments.repeats or 1)

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
        kinds = {
            "normal scores": binormal_components(self.auc, self.auc, 1.0),
            "exponential scores": exponential_components(self.auc),
        }
        images, trainings = self._images(), self._trainings()
        return {
            name: (self.auc, AssumedSpread(kind, self.prevalence, images, trainings))
            for name, kind in kinds.items()
        }

    def _paired(self) -> "Spread":
        from skiagram.evaluation.planning import AssumedSpread, difference_components

        if self.pilot:
            return self.pilot.difference
        arguments = self.arguments
        new = arguments.auc + (arguments.true_difference or 0.0)
        parts = difference_components(arguments.auc, new, arguments.correlation)
        return AssumedSpread(parts, self.prevalence, self._images(), self._trainings())

    def _r_squared(self) -> float:
        from skiagram.evaluation.planning import r_squared_from_auc

        if self.arguments.r2 is not None:
            return float(self.arguments.r2)
        return r_squared_from_auc(self.auc, self.prevalence)

    def record(self) -> dict[str, object]:
        """Return all of it as plain values."""
        from dataclasses import asdict

        plans = {"precision": self.precision, "difference": self.difference, "model": self.model}
        return {
            "assumptions": list(self._assumptions()),
            "patients_to_score": self.scored,
            "patients_for_development": self.model.patients if self.model else None,
            **{name: None if plan is None else asdict(plan) for name, plan in plans.items()},
        }

    def lines(self) -> Iterator[str]:
        """Yield the text, assumptions first."""
        yield "Assumptions (other values give other numbers)"
        yield from (f"  - {assumption}" for assumption in self._assumptions())
        if self.precision:
            yield from self._of_precision(self.precision)
        if self.difference:
            yield from self._of_difference(self.difference)
        if self.model:
            yield from self._of_model(self.model)
        yield from self._together()

    def _assumptions(self) -> Iterator[str]:
        yield f"{self.prevalence:.3g} of all patients have the condition."
        if self.pilot:
            yield from self._of_pilot(self.pilot)
        else:
            yield from self._of_arguments()
        if self.difference:
            yield (
                f"The true difference of the two AUCs (new minus other) is "
                f"{self.difference.true_difference:g}."
            )
        if self.model:
            source = "given" if self.arguments.r2 is not None else "from the AUC"
            yield (
                f"On new patients the model has a Cox-Snell R² of {self.model.r_squared:.3f} "
                f"({source}), {self.model.nagelkerke:.0%} of the largest possible."
            )

    def _of_pilot(self, pilot: "Pilot") -> Iterator[str]:
        areas = ", ".join(f"{name} {area:.3f}" for name, area in pilot.auc.items())
        yield f"The study is like the pilot of {pilot.patients} patients: AUC {areas}."
        yield (
            f"Scores vary, and go together (rank correlation {pilot.correlation:.2f} within a "
            "class), as in the pilot."
        )
        yield (
            f"A pilot of this size may show too small a variance: to be safe take "
            f"{pilot.caution:.2f} times as many patients to score."
        )
        design = f"{pilot.folds} folds" if pilot.folds else "a separate test set"
        trained = f"{pilot.repeats} trainings" if pilot.repeats > 1 else "one training"
        alone = "" if pilot.folds or pilot.repeats > 1 else "; how others would differ is left out"
        yield f"Each model is evaluated with {design} and {trained}, as in the pilot{alone}."

    def _of_arguments(self) -> Iterator[str]:
        arguments, images, trainings = self.arguments, self._images(), self._trainings()
        if arguments.auc is not None:
            yield f"The AUC is {arguments.auc:g}."
        if self.precision or self.difference:
            if images.mean > 1:
                yield (
                    f"A patient has {images.mean:.3g} images on average, all of one class, with a "
                    f"correlation of {images.correlation:g}; 100 patients weigh as much as "
                    f"{100 * images.effective_share:.0f} with equally many images "
                    f"(design effect {images.design_effect:.2f})."
                )
            else:
                yield "A patient has one image."
            if trainings.sd:
                yield (
                    f"{trainings.repeats} trainings; over seeds a figure has a standard deviation "
                    f"of {trainings.sd:g}."
                )
            else:
                yield "The intervals are of these trained models; other trainings are left out."
        if self.difference:
            yield (
                f"The two models' scores correlate with {arguments.correlation:g} within a class, "
                "and are normal with equal spread."
            )

    def _of_precision(self, plan: "PrecisionPlan") -> Iterator[str]:
        yield ""
        yield f"Precision of the AUC: {self._patients(plan.patients)}"
        yield (
            f"  The 95 % interval is then expected from {plan.low:.3f} to {plan.high:.3f}, "
            f"± {plan.half_width:g}; about half of such studies get a longer one."
        )
        names = ", ".join(f"{name} {count}" for name, count in plan.by_spread.items())
        yield f"  By spread of the scores: {names}. The largest counts."

    def _of_difference(self, plan: "DifferencePlan") -> Iterator[str]:
        place = _WORDS[plan.aim].format(plan.margin)
        yield ""
        yield f"Settling the margin of {plan.margin:g}: {self._patients(plan.patients)}"
        yield (
            f"  With a chance of {plan.power:.0%} the whole 95 % interval of the difference then "
            f"lies {place}."
        )
        yield (
            f"  Only to tell a true difference of {plan.margin:g} from 0 takes {plan.detect} "
            f"patients: settling takes {plan.ratio:.2f} times as many."
        )
        if plan.aim == "within" and plan.true_difference == 0:
            yield (
                "  The planning value is 0, so the interval can miss the margin on either side: "
                "this makes about 1.34 times as many."
            )

    def _of_model(self, plan: "ModelPlan") -> Iterator[str]:
        yield ""
        yield f"A model of {plan.parameters} parameters: {self._patients(plan.patients)}"
        for name, count in plan.by_criterion.items():
            yield f"  {count:>7}  {_CRITERIA[name].format(1 - plan.shrinkage)}"
        yield (
            "  The largest counts; "
            f"{plan.events_per_parameter:.1f} patients of the rarer class for each parameter."
        )
        yield (
            "  These criteria are for regression. Forests, boosting and networks usually need "
            "more; a penalty (ridge, lasso) does not replace patients."
        )
        if self.arguments.r2 is None and self.auc > 0.8:
            yield (
                "  Above an AUC of 0.8 the first criterion asks for too few: about 1.5 times as "
                "many at 0.85, twice at 0.9 (Pavlou et al. 2024)."
            )

    def _together(self) -> Iterator[str]:
        if self.scored is None or self.model is None:
            return
        development, scored = self.model.patients, self.scored
        yield ""
        yield (
            f"Together: with a separate test set {development} for development and {scored} for "
            f"the test, {development + scored} in all; with cross-validation, where every "
            f"patient is scored, at least {max(development, scored)}."
        )

    def _patients(self, count: int) -> str:
        positives = round(count * self.prevalence)
        return f"{count} patients, about {positives} of them with the condition"
