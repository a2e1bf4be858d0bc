"""Methods, versions and hashes: how each interval was computed and from what."""

from collections.abc import Iterator

from skiagram.evaluation.clinical_utility import CLASSICAL, NET_BENEFIT, UTILITY
from skiagram.evaluation.evaluation_record import PRIMARY, REQUESTED, Evaluation
from skiagram.evaluation.figures import FIGURE
from skiagram.evaluation.results import ModelResult
from skiagram.options import flatten_options
from skiagram.report.material import Material
from skiagram.report.section import Context, section
from skiagram.sealing.ledger import LEDGER, Opening
from skiagram.statistics.estimate import Estimate


@section("Methods, versions and hashes", place=170)
def provenance(evaluation: Evaluation, material: Material) -> Context:
    """Return the opening of the seal, the methods of intervals, and the run's options."""
    return {
        "opening": describe_opening(material.opening),
        "is_external": evaluation.is_external,
        "methods": describe_methods(evaluation),
        "params": flatten_options(material.provenance.params),
    }


def describe_opening(opening: Opening | None) -> str:
    """Say which opening of the seal this is; empty where nothing is sealed."""
    if opening is None:
        return ""
    number = opening.number
    if number == 1:
        return (
            "The labels of the reported cases were opened for the first time, by the ledger of "
            f"openings ({LEDGER})."
        )
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10 if number % 100 not in (11, 12, 13) else 0)
    return (
        f"The labels of the reported cases were opened for the {number}{ending or 'th'} time, each "
        "time for other models or options. Figures chosen after the first opening are no longer "
        f"untouched: expect them to be too good ({LEDGER} says what was compared)."
    )


def describe_methods(evaluation: Evaluation) -> dict[str, str]:
    """Return name of an estimate → how its interval was computed, each once, in order."""
    methods: dict[str, list[str]] = {}
    for name, estimate in _estimates(evaluation):
        seen = methods.setdefault(name, [])
        if estimate.method and estimate.method not in seen:
            seen.append(estimate.method)
    return {name: "; ".join(seen) for name, seen in methods.items() if seen}


def _estimates(evaluation: Evaluation) -> Iterator[tuple[str, Estimate]]:
    for model in evaluation.models:
        for name, estimate in _model_estimates(model):
            if estimate is not None:
                yield FIGURE[name].title if name in FIGURE else name, estimate
    for pair in evaluation.pairs(REQUESTED):
        yield "Difference between two models", pair
    paired = evaluation.figures.select(analysis=UTILITY, versus=CLASSICAL)
    for gain in paired.select(figure=NET_BENEFIT).rows:
        yield FIGURE["utility.net_benefit"].title, gain
    for difference in paired.select(group="").rows:
        yield FIGURE["utility.differences"].title, difference
    single = {
        FIGURE["detectable"].title: evaluation.figures.get(analysis=PRIMARY, figure="detectable"),
        FIGURE["difference"].title: evaluation.difference,
        "AUC of the ideal observer": evaluation.ideal,
    }
    yield from ((name, estimate) for name, estimate in single.items() if estimate)


def _model_estimates(model: ModelResult) -> Iterator[tuple[str, Estimate | None]]:
    """Yield (metric or words, figure) of all figures of a model that have an interval."""
    yield from model.metrics.items()
    yield from (("class_auc", estimate) for estimate in model.class_auc)
    if stability := model.stability:
        yield "Out-of-fold AUC, mean of folds", stability.fold_mean
        yield "Training minus out-of-fold AUC", stability.training_gap
        yield "stability.flips", stability.flips
        if stability.selection:
            yield "Agreement of the selected features", stability.selection.agreement
    for point in model.operating_points:
        yield from point.metrics.items()
    if calibration := model.calibration:
        for name in ("intercept", "slope", "expected_to_observed"):
            yield f"calibration.{name}", getattr(calibration, name)
        if calibration.distance:
            yield "calibration.distance", calibration.distance.ici
        yield from (("Reliability curve", part.observed) for part in calibration.reliability)
    if model.prediction_sets:
        yield "prediction_sets.coverage", model.prediction_sets.coverage
    if model.risk_coverage:
        yield "risk_coverage.area", model.risk_coverage.area
    yield "efficiency", model.efficiency
    yield "above_ideal", model.above_ideal
