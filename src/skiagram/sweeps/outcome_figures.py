"""Figures of a row whose outcome is no class: a time to an event, a number or a grade.

They are those of a run (`evaluation.measured`); the outcome says which there are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from skiagram.errors import DataError, OptionError
from skiagram.evaluation.measured import choose_by_primary, score_cases, stand_for_arms
from skiagram.evaluation.options import EvaluationOptions
from skiagram.outcomes.outcome import MeasuredOutcome, ScoredCases
from skiagram.records.cases import Cases, MeasuredTask
from skiagram.records.predictions import Part, Predictions
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised
from skiagram.sweeps.figures import DIFFERENCE, MeasuredRow, ShownModel
from skiagram.sweeps.rows import BEST, SELECTIONS


@dataclass(frozen=True)
class ShownEstimator(ShownModel):
    """A model of values; `primary` is None where it failed."""

    primary: Linearised | None

    def subtract(self, reference: ShownModel) -> Iterator[tuple[str, Estimate]]:
        if self.primary is None or not isinstance(reference, ShownEstimator):
            return
        if reference.primary is None:
            yield DIFFERENCE, Estimate(None, reason="failed in the row that it is compared with")
        else:
            yield DIFFERENCE, (self.primary - reference.primary).estimate()


def measure_outcome_row(
    models: Sequence[Predictions],
    learned: Cases,
    task: MeasuredTask,
    options: EvaluationOptions,
    wanted: Sequence[str] = (),
    tested: Cases | None = None,
) -> MeasuredRow:
    """Measure the models of a row.

    Args:
        learned: The data set whose development cases the models learned from.
        wanted: Names of figures of the outcome, besides the primary one.
        tested: The opened test cases; None where nothing is sealed, and every development case is
            reported.

    Raises:
        OptionError: A figure is not of this outcome.
        DataError: The cases have no values.
    """
    outcome = task.outcome
    names = [figure.name for figure in outcome.figures]
    if unknown := [name for name in wanted if name not in names]:
        fault = f"`{unknown[0]}` is no figure of a {outcome.kind}"
        raise OptionError(fault, where="sweep.figures", allowed=", ".join(names))
    if learned.value is None:
        raise DataError("cases without values", where="cases", remedy="run the sweep again")
    part: Part = "out_of_fold" if tested is None else "test"
    cases = learned if tested is None else tested
    trained = {each.outcome.model: each for each in models if each.outcome.status == "finished"}
    scored = {name: score_cases(each, cases, part) for name, each in trained.items()}
    chosen_by = choose_by_primary(trained, learned, task)
    shown: dict[str, ShownModel] = {}
    for each in models:
        name, titled = each.outcome.model, (each.outcome.title, each.outcome.arm)
        if name in scored:
            shown[name] = _show(*titled, chosen_by[name].value, scored[name], outcome, wanted)
        else:
            missing = Estimate(None, reason=each.outcome.reason)
            development = {f"{SELECTIONS}{outcome.primary}": missing}
            shown[name] = ShownEstimator(*titled, development, {outcome.primary: missing}, None)
    rules = (*options.analyses.simple_rules, *outcome.rules.values())
    for arm, chosen in stand_for_arms(trained, rules, scored, chosen_by, task).items():
        titles = ", ".join(trained[name].outcome.title for name in chosen.choice.chosen)
        of_best = _show(titles, arm, chosen.value, chosen.scored, outcome, wanted)
        shown[f"{BEST}{arm}"] = of_best
    return MeasuredRow(
        shown,
        cases.case_id,
        len(np.unique(cases.patient_id)),
        options.margin * outcome.margin_unit,
        outcome.primary,
        not outcome.of_primary.higher_is_better,
    )


def _show(
    title: str,
    arm: str,
    selection: float | None,
    scored: ScoredCases,
    outcome: MeasuredOutcome,
    wanted: Sequence[str],
) -> ShownEstimator:
    primary = outcome.measure_primary(scored)
    metrics = {outcome.primary: primary.estimate()}
    for each in outcome.measure(scored) if set(wanted) - {outcome.primary} else ():
        if each.name in wanted:
            name = f"{each.name}, {each.group}" if each.group else each.name
            metrics[name] = each.figure.estimate()
    value = None if selection is None else outcome.direct(selection)
    development = {f"{SELECTIONS}{outcome.primary}": Estimate(value)}
    return ShownEstimator(title, arm, development, metrics, primary)
