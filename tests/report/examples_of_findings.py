"""Hand-made findings beyond discrimination, for the tests of the report."""

import csv
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from skiagram.evaluation.clinical_utility import UTILITY
from skiagram.evaluation.evaluation_record import (
    MAJORITY,
    PRIMARY,
    SIMPLE_BASELINES,
    VERSUS_CHANCE,
    ArmChoice,
    Verdict,
)
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.results import (
    LIMIT,
    DecisionCurve,
    Part,
)
from skiagram.evaluation.verdict import with_verdict
from skiagram.report.material import Gallery, Mistake
from skiagram.statistics.estimate import Estimate
from tests.evaluation.model_results import with_metrics, with_models, with_outcome
from tests.evaluation.situations import changed, with_difference
from tests.report.examples_of_results import binary, estimate, material

NUMBERS = ("value", "low", "high", "p", "p_holm")


@cache
def full():
    """Return the binary example with everything that an evaluation can hold."""
    evaluation = with_models(binary(), _whole)
    return replace(
        evaluation,
        prevalence=0.01,
        figures=FigureTable(
            (
                *evaluation.figures.select(analysis=LIMIT).rows,
                make_row(estimate(0.6, 0.05, "Wilson"), MAJORITY, "accuracy"),
                *(row for row in _read_figures() if row.model != "each"),
            )
        ),
        site_column="site",
    )


@cache
def answered(decision="open", low=-0.03, high=0.046):
    """Return the full example with what stands for each arm, and a decision."""
    shares = {
        "random_forest": (Estimate(0.879, 0.82, 0.93), Estimate(0.88, 0.8, 0.93), 0.7),
        "small_cnn": (Estimate(0.9, 0.85, 0.94), Estimate(0.93, 0.86, 0.97), 0.62),
    }

    def share(model):
        if model.outcome.model not in shares:
            return model
        auc, found, right = shares[model.outcome.model]
        specificity = Estimate(right, right - 0.1, right + 0.09)
        figures = {"roc_auc": auc, "sensitivity": found, "specificity": specificity}
        return with_metrics(model, figures)

    evaluation = with_models(full(), share)
    alarms = Estimate(-0.08, -0.15, -0.01, "paired")
    evaluation = with_difference(evaluation, UTILITY, "specificity", alarms)
    difference = Estimate(0.021, low, high, "paired DeLong")
    aucs = tuple(
        make_row(shares[name][0], PRIMARY, "roc_auc", model=arm)
        for arm, name in evaluation.best.items()
    )
    rows = (*with_difference(evaluation, PRIMARY, "roc_auc", difference).figures.rows, *aucs)
    return replace(
        evaluation,
        figures=FigureTable(rows),
        answer=Verdict(decision, f"Use a network: {decision}.", ("The test cases are darker.",)),
    )


def _read_figures():
    """Yield the rows of `figures.csv`: those of the run, and those of each model."""
    with (Path(__file__).parent / "figures.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            values = dict(row)
            values |= {name: float(row[name]) if row[name] else None for name in NUMBERS}
            yield FigureRow(**values)


def mixed():
    """Return the answered example with a network that is another one in two of five folds."""
    evaluation, name, auc = answered(), "best_network_of_each_fold", Estimate(0.763, 0.7, 0.82)
    one = next(model for model in evaluation.models if model.outcome.model == "small_cnn")
    one = with_outcome(one, model=name, title="Best network of each fold")
    mixture = with_metrics(one, {"roc_auc": auc})
    choice = ArmChoice(name, {"small_cnn": 3, "article_cnn": 2}, 5)

    def of_mixture(row):
        is_its_auc = (row.analysis, row.figure, row.model, row.versus) == (
            PRIMARY, "roc_auc", "deep", "",
        )  # fmt: skip
        return replace(row, **vars(auc)) if is_its_auc else row

    return replace(
        changed(evaluation, of_mixture),
        mixtures=(mixture,),
        arms=evaluation.arms | {"deep": choice},
    )


def at_chance():
    """Return a run in which neither arm is shown to beat chance, without simple baselines."""

    def lower(row):
        if row.analysis != SIMPLE_BASELINES:
            return row
        of_chance = replace(row, value=0.02, low=-0.05, high=0.09, p_holm=0.6)
        return of_chance if row.versus == VERSUS_CHANCE else None

    return with_verdict(changed(full(), lower))


def _whole(model):
    """Return a model with what is drawn, and with the figures that `figures.csv` has of each."""
    name, grid = model.outcome.model, np.arange(1, 100) / 100
    benefit = 0.4 - 0.5 * grid
    few, many = "only 7 patients of class abnormal, fewer than 20", "more than 12 different values"
    own = [replace(row, model=name) for row in _read_figures() if row.model == "each"]
    rows = {(row.analysis, row.figure, row.group, row.versus): row for row in model.figures.rows}
    rows |= {(row.analysis, row.figure, row.group, row.versus): row for row in own}
    return replace(
        model,
        figures=FigureTable(tuple(rows.values())),
        decision_curve=DecisionCurve(
            tuple(grid), tuple(benefit), tuple(benefit - 0.05), tuple(benefit + 0.05),
            tuple((0.4 - grid) / (1 - grid)),
        ),
        parts=(
            Part("view_position", "CC"),
            Part("view_position", "MLO", few),
            Part("film", "hidden: fewer than 5 patients, or fewer of a class"),
            Part("site", "40 values", many),
        ),
    )  # fmt: skip


def with_galleries():
    """Return the example material with one worst error on each of two classes."""
    seen = material()
    picture = seen.examples[0].after
    found = tuple(
        Gallery("small_cnn", label, 1, 60, (Mistake("c00077", named, 0.97, picture),))
        for label, named in (("normal", "abnormal"), ("abnormal", "normal"))
    )
    nothing = Gallery("random_forest", "normal", 0, 90, ())
    return replace(seen, galleries=(*found, nothing))
