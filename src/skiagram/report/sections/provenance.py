"""Methods, versions and hashes: how each interval was computed and from what."""

from collections.abc import Iterator

from skiagram.evaluation.clinical_utility import CLASSICAL, NET_BENEFIT, UTILITY
from skiagram.evaluation.evaluation_record import (
    PRIMARY,
    REQUESTED,
    Evaluation,
)
from skiagram.evaluation.figure_table import FigureRow
from skiagram.evaluation.results import (
    CALIBRATION,
    CLASSES,
    LIMIT,
    METRICS,
    OPERATING_POINTS,
    REFERRAL,
    SETS,
    STABILITY,
)
from skiagram.options import flatten_options
from skiagram.report.material import Material
from skiagram.report.section import Context
from skiagram.sealing.ledger import LEDGER, Opening
from skiagram.tasks.classes import CLASS_FIGURE


def provenance(evaluation: Evaluation, material: Material) -> Context:
    """Return the opening of the seal, the methods of intervals, and the run's options."""
    # Name of an estimate → how its interval was computed, each once, in order.
    methods: dict[str, list[str]] = {}
    for name, estimate in _list_titled(evaluation):
        title_methods = methods.setdefault(name, [])
        if estimate.method and estimate.method not in title_methods:
            title_methods.append(estimate.method)
    return {
        "opening": describe_opening(material.opening),
        "is_external": evaluation.is_external,
        "methods": {
            name: "; ".join(title_methods)
            for name, title_methods in methods.items()
            if title_methods
        },
        "params": flatten_options(material.provenance.params),
    }


def describe_opening(opening: Opening | None) -> str:
    """Say which opening of the seal this is; empty where nothing is sealed."""
    if opening is None:
        return ""
    number = opening.number
    if number == 1:
        return (
            "The labels of the test cases were opened for the first time, by the ledger of "
            f"openings ({LEDGER})."
        )
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0)
    return (
        f"The labels of the test cases were opened for the {number}{ending or 'th'} time, each "
        "time for other models or options. Figures chosen after the first opening are no longer "
        f"untouched: expect them to be too good ({LEDGER} says what was compared)."
    )


_TITLES = {
    (STABILITY, "fold_auc_mean"): "Out-of-fold AUC, mean of folds",
    (STABILITY, "training_gap"): "Training minus out-of-fold AUC",
    (STABILITY, "flips"): CLASS_FIGURE["stability.flips"].title,
    (STABILITY, "selection_agreement"): "Agreement of the selected features",
    (CALIBRATION, "intercept"): CLASS_FIGURE["calibration.intercept"].title,
    (CALIBRATION, "slope"): CLASS_FIGURE["calibration.slope"].title,
    (CALIBRATION, "expected_to_observed"): CLASS_FIGURE["calibration.expected_to_observed"].title,
    (CALIBRATION, "reliability"): "Reliability curve",
    (CALIBRATION, "ici"): CLASS_FIGURE["calibration.distance"].title,
    (SETS, "coverage"): CLASS_FIGURE["prediction_sets.coverage"].title,
    (REFERRAL, "area"): CLASS_FIGURE["risk_coverage.area"].title,
    (CLASSES, "roc_auc"): CLASS_FIGURE["class_auc"].title,
}
_MODEL_ANALYSES = (
    METRICS,
    CLASSES,
    STABILITY,
    OPERATING_POINTS,
    CALIBRATION,
    SETS,
    REFERRAL,
    LIMIT,
)


def _list_titled(evaluation: Evaluation) -> Iterator[tuple[str, FigureRow]]:
    """Yield (title, figure) of all that have an interval or a reason, in the order of the page."""
    table, reported = evaluation.table, {model.outcome.model for model in evaluation.models}
    # The figures of single models.
    for row in table.rows:
        title = _TITLES.get((row.analysis, row.figure), "")
        if row.analysis in (METRICS, OPERATING_POINTS, LIMIT):
            title = evaluation.task.predicted.title_figure(row.figure)
        if row.analysis in _MODEL_ANALYSES and row.model in reported and title:
            yield title, row
    # The comparisons that were asked for, and those of clinical use.
    for row in evaluation.pairs(REQUESTED):
        yield "Difference between two models", row
    paired = evaluation.figures.select(analysis=UTILITY, versus=CLASSICAL)
    for gain in paired.select(figure=NET_BENEFIT).rows:
        yield CLASS_FIGURE["utility.net_benefit"].title, gain
    for difference in paired.select(group="").rows:
        yield CLASS_FIGURE["utility.differences"].title, difference
    # What the answer itself rests on.
    for title, figure in (
        (CLASS_FIGURE["detectable"].title, table.get(analysis=PRIMARY, figure="detectable")),
        (CLASS_FIGURE["difference"].title, evaluation.difference),
        (f"{evaluation.figure_title} of the ideal observer", evaluation.ideal),
    ):
        if figure:
            yield title, figure
