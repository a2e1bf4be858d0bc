"""`skiagram plan`: how many patients a study takes, before it is made."""

import argparse
import json
from dataclasses import asdict

from skiagram.cli.templates import fill_in
from skiagram.errors import refusal
from skiagram.evaluation.planning import (
    DifferencePlan,
    WidthPlan,
    plan_difference,
    plan_width,
    variation_of_auc,
    variation_of_difference,
)

_QUESTIONS = {"--half-width", "--margin"}
_OF_MARGIN = {"--true-difference", "--correlation"}  # options that mean something beside it alone
_MEANINGS = {  # of options that a question needs
    "--prevalence": "the share of patients with the condition, for example 0.3",
    "--auc": "the AUC that you expect, for example 0.8",
    "--correlation": "how alike the two models score patients of one class: 0 is the safe side",
}


def run(arguments: argparse.Namespace) -> int:
    """Print the plan; return 0."""
    # Options that do not go together, and questions that lack an assumption.
    said = vars(arguments)
    given = {f"--{name.replace('_', '-')}" for name, value in said.items() if value is not None}
    if not _QUESTIONS & given:
        questions = " or ".join(sorted(_QUESTIONS))
        raise refusal("cli.no_question", questions=questions)
    if "--margin" not in given:
        for option in sorted(_OF_MARGIN & given):
            raise refusal("cli.of_another", option, other="--margin")
    for option in ("--prevalence", "--auc", *(["--correlation"] if "--margin" in given else [])):
        if option not in given:
            raise refusal("cli.not_given", option, meaning=_MEANINGS[option])
    # The new model must have a figure that there can be.
    value, prevalence = arguments.auc, arguments.prevalence
    true_difference = arguments.true_difference or 0.0
    if "--margin" in given and not 0.5 < value + true_difference < 1:
        raise refusal("cli.figure_beyond_range", figure=value + true_difference)
    # How many patients each question takes; None for one that is not asked.
    plans: dict[str, WidthPlan | DifferencePlan | None] = {"precision": None, "difference": None}
    if arguments.half_width is not None:
        variation = variation_of_auc(value, prevalence)
        plans["precision"] = plan_width(arguments.half_width, value, variation, prevalence)
    if arguments.margin is not None:
        margin, correlation = arguments.margin, arguments.correlation
        variation = variation_of_difference(value + true_difference, value, correlation, prevalence)
        plans["difference"] = plan_difference(margin, true_difference, variation, prevalence)
    # Assumptions and answers in sentences, of which JSON has the assumptions.
    text = fill_in("plan.txt", given=arguments, **plans)
    if not arguments.json:
        print(text)
        return 0
    lines = text.splitlines()
    record = {
        "assumptions": [line.removeprefix("  - ") for line in lines if line.startswith("  - ")],
        "patients": max(plan.patients for plan in plans.values() if plan is not None),
        **{name: plan and asdict(plan) for name, plan in plans.items()},
    }
    print(json.dumps(record, indent=2, sort_keys=True, allow_nan=False))
    return 0
