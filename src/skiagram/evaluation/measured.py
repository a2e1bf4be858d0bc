"""From scores of an outcome that is no class to figures, paired differences and an answer.

The outcome says which figures there are; this module knows none of them. Every case is scored by
models that never saw its patient, and what stands for an arm in an outer fold is the model that
was best on inner folds, so no reported case chooses anything.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.calibration import split_patients
from skiagram.errors import DataError
from skiagram.evaluation.arm_selection import (
    Fold,
    SelectionFigure,
    choose_within_folds,
    mean_of_chosen,
)
from skiagram.evaluation.criteria import decide_by_margin, lower_decision
from skiagram.evaluation.evaluation_record import (
    ARM_WORDS,
    DEVELOPMENT,
    DIFFERENCES,
    FIGURES,
    WORST,
    Decision,
    MeasuredEvaluation,
)
from skiagram.evaluation.external import COHORT, FEWEST_TO_UPDATE, UPDATED
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.labelled_cases import line_up
from skiagram.evaluation.options import EvaluationOptions
from skiagram.evaluation.scores import open_values
from skiagram.evaluation.sites import SITES, find_worst
from skiagram.outcomes.outcome import MeasuredOutcome, ScoredCases
from skiagram.records.cases import Cases, MeasuredTask, Task
from skiagram.records.predictions import (
    LOOK_AT_DATA,
    NOTHING_WORKS,
    Part,
    Predictions,
    probabilities_of,
    scores_of,
)
from skiagram.statistics.delong import has_leaked
from skiagram.statistics.estimate import Estimate, format_decimal, format_interval
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.significance import correct_by_holm

_ARMS = ("classical", "encoder", "deep")


def evaluate_measured(
    inputs: EvaluationInputs,
    options: EvaluationOptions,
    at_home: MeasuredEvaluation | None = None,
) -> MeasuredEvaluation:
    """Measure every model, and what stands for each arm, and compare them patient by patient.

    Args:
        at_home: What was found where the models were developed, if the test cases are those of
            another cohort: then what most outer folds chose there stands for an arm, and the
            figures of the development cases are kept beside those of the cohort.
    """
    task = inputs.task
    cases = open_cases(inputs.cases, inputs.sealed) if task.part == "test" else inputs.cases
    if not isinstance(task, MeasuredTask) or cases.value is None:
        raise DataError("cases without values", where="data/cases", remedy="run stage ingest again")
    outcome = task.outcome
    trained = {of.outcome.model: of for of in inputs.models if of.outcome.status == "finished"}
    scored = {name: score_cases(of, cases, task.part) for name, of in trained.items()}
    named = (*options.analyses.simple_rules, *outcome.rules.values())
    rules = tuple(name for name in dict.fromkeys(named) if name in trained)
    if at_home is None:
        chosen_by = choose_by_primary(trained, inputs.cases, task)
        standing = stand_for_arms(trained, rules, scored, chosen_by, task)
        best = {arm: chosen.models[0] for arm, chosen in standing.items()}
        scored |= {f"best_{arm}": chosen.scored for arm, chosen in standing.items()}
    else:
        best = {arm: at_home.best[arm] for arm in list_arms(trained, rules)}
        scored |= {f"best_{arm}": scored[name] for arm, name in best.items()}
    shown = [f"best_{arm}" for arm in best] + list(rules)
    primary = {name: outcome.measure_primary(of) for name, of in scored.items()}
    rows = [
        make_row(entry.figure.estimate(), FIGURES, entry.name, model=name, group=entry.group)
        for name, of in scored.items()
        for entry in outcome.measure(of)
    ]
    ideal = _ideal_observer(task, inputs, cases, next(iter(scored.values()), None))
    differences = _compare(primary, rules, outcome.primary, options.compare)
    figures = FigureTable((*rows, *differences))
    margin = options.margin * outcome.margin_unit
    decision, verdict = _answer(task, figures, best, rules, margin, inputs)
    of_what = "sealed test cases" if at_home is None else "cases of another cohort"
    if task.part == "test":
        verdict = f"On {len(cases)} {of_what}: {verdict[0].lower()}{verdict[1:]}"
    if at_home is not None:
        updated = _update(task, cases, {name: scored[name] for name in trained})
        sites = _study_cohorts(task, inputs, cases, {name: scored[name] for name in shown})
        before = at_home.figures.select(analysis=FIGURES).rows
        before = tuple(replace(row, analysis=DEVELOPMENT) for row in before)
        figures = FigureTable((*figures.rows, *updated, *sites, *before))
    return MeasuredEvaluation(
        task=task,
        counts=(*outcome.count(cases.value, cases.label), *_state_limit(outcome, ideal)),
        models=tuple(of.outcome for of in inputs.models),
        best=best,
        rules=rules,
        figures=figures,
        plots={name: tuple(outcome.plot(scored[name])) for name in shown},
        margin=margin,
        near_duplicates=len(inputs.duplicates),
        patients_known=inputs.card.patients_known,
        decision=decision,
        verdict=verdict,
        warnings=(
            *_warn_of_leaks(task, {name: primary[name] for name in trained}, ideal, inputs),
            *_warn(replace(inputs, cases=cases), task, rules),
        ),
    )


def list_arms(
    trained: Mapping[str, Predictions], rules: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return arm → its models, of which simple rules are none; no arm without one."""
    arms = {
        arm: tuple(
            name
            for name, model in trained.items()
            if model.outcome.arm == arm and name not in rules
        )
        for arm in _ARMS
    }
    return {arm: members for arm, members in arms.items() if members}


@dataclass(frozen=True)
class ArmChoice:
    """What stands for an arm.

    Attributes:
        models: The models chosen, that of most outer folds first.
        value: Their figure of development cases, higher is better.
        scored: Their scores of the reported cases.
    """

    models: tuple[str, ...]
    value: float | None
    scored: ScoredCases


def choose_by_primary(
    trained: Mapping[str, Predictions], cases: Cases, task: MeasuredTask
) -> dict[str, SelectionFigure]:
    """Return what each model is chosen by: its primary figure of development cases."""
    figure_of = figure_out_of_fold if task.design == "holdout" else figure_by_primary
    return {name: figure_of(model, cases, task.outcome) for name, model in trained.items()}


def stand_for_arms(
    trained: Mapping[str, Predictions],
    rules: Sequence[str],
    scored: Mapping[str, ScoredCases],
    chosen_by: Mapping[str, SelectionFigure],
    task: Task,
) -> dict[str, ArmChoice]:
    """Return what stands for each arm: the best model, under `cv` that of each outer fold.

    Args:
        scored: The reported cases by model.
        chosen_by: See `choose_by_primary`.
    """
    standing = {}
    for arm, members in list_arms(trained, rules).items():
        of_arm = {name: chosen_by[name] for name in members}
        if task.design == "holdout":
            best = max(members, key=lambda name: chosen_by[name].worth)
            standing[arm] = ArmChoice((best,), chosen_by[best].value, scored[best])
        else:
            chosen = choose_within_folds(of_arm)
            models = tuple(name for name, _ in Counter(chosen.values()).most_common())
            value = mean_of_chosen(of_arm, chosen)
            standing[arm] = ArmChoice(models, value, stitch(chosen, scored))
    return standing


def open_cases(cases: Cases, sealed: pd.DataFrame) -> Cases:
    """Return the test cases with their labels and values.

    Args:
        sealed: Columns `case_id`, `label` and `value` of the test cases.
    """
    test, labels = cases.test(), sealed.set_index("case_id")["label"]
    label = labels.loc[test.case_id.tolist()].to_numpy(dtype=np.int64)
    return replace(test, label=label, value=open_values(test, sealed))


def _ideal_observer(
    task: MeasuredTask, inputs: EvaluationInputs, cases: Cases, like: ScoredCases | None
) -> Linearised | None:
    """Return the primary figure that no model can surely exceed; None where none is known.

    Its calibration is fitted to the reported cases themselves, which errs to the good side.
    """
    if inputs.truth is None or like is None:
        return None
    known = inputs.truth.set_index("case_id")["ideal_score"]
    best = known.loc[cases.case_id.tolist()].to_numpy(dtype=np.float64)
    score = task.outcome.as_score(best)[:, None]
    calibration = task.outcome.calibrate(score, like.value, like.label, like.patient)
    estimate = calibration.probabilities(score)
    repeats = len(like.score)
    of_ideal = replace(
        like,
        score=np.tile(score[:, 0], (repeats, 1)),
        estimate=np.tile(estimate, (repeats, 1, 1)),
    )
    return task.outcome.measure_primary(of_ideal)


def _state_limit(outcome: MeasuredOutcome, ideal: Linearised | None) -> tuple[tuple[str, str], ...]:
    if ideal is None:
        return ()
    known = ideal.estimate()
    title = f"best possible {outcome.of_primary.title}, of an ideal observer"
    return ((title, f"{format_decimal(ideal.value)} {format_interval(known)}"),)


def _warn_of_leaks(
    task: MeasuredTask,
    primary: Mapping[str, Linearised],
    ideal: Linearised | None,
    inputs: EvaluationInputs,
) -> Iterator[str]:
    """Yield which models are surely better than what is possible."""
    if ideal is None:
        return
    titles = {model.outcome.model: model.outcome.title for model in inputs.models}
    for name, figure in primary.items():
        gap = _directed((figure - ideal).estimate(), task.outcome)
        if has_leaked(gap):
            yield (
                f"{titles[name]} may have leaked: by {format_decimal(gap.value)} it is better than "
                "the ideal observer, which happens to at most 1 honest model in 40."
            )


def figure_out_of_fold(
    model: Predictions, cases: Cases, outcome: MeasuredOutcome
) -> SelectionFigure:
    """Return the primary figure that chooses a model where a test set is sealed; an error below 0.

    It is of the development cases that the model learned from, out of fold.
    """
    learned = np.isin(cases.case_id, model.part("out_of_fold")["case_id"].unique().tolist())
    known = score_cases(model, cases.select(learned), "out_of_fold")
    return SelectionFigure(outcome.direct(outcome.measure_primary(known).value))


def _update(
    task: MeasuredTask, cases: Cases, scored: Mapping[str, ScoredCases]
) -> Iterator[FigureRow]:
    """Yield all figures after the calibration was fitted anew to the cohort.

    In five folds by patient: no case is judged by a calibration that saw its patient. With fewer
    than 20 patients of two labels there are none.
    """
    patients = [len(np.unique(cases.patient_id[cases.label == k])) for k in np.unique(cases.label)]
    if len(patients) < 2 or sorted(patients)[-2] < FEWEST_TO_UPDATE:
        return
    folds = split_patients(cases.patient_id)
    for name, model_scores in scored.items():
        estimate = np.empty_like(model_scores.estimate)
        for held_out in folds:
            others = ~held_out
            for repeat, score in enumerate(model_scores.score[:, :, None]):
                known = model_scores.select(others)
                seen = known.value, known.label, known.patient
                fitted = task.outcome.calibrate(score[others], *seen)
                estimate[repeat, held_out] = fitted.probabilities(score[held_out])
        for entry in task.outcome.measure(replace(model_scores, estimate=estimate)):
            yield make_row(
                entry.figure.estimate(), UPDATED, entry.name, model=name, group=entry.group
            )


def _study_cohorts(
    task: MeasuredTask, inputs: EvaluationInputs, cases: Cases, scored: Mapping[str, ScoredCases]
) -> Iterator[FigureRow]:
    """Yield the primary figure of each of several cohorts, and the least of them."""
    table = inputs.covariates
    if table is None or len(inputs.card.test_sites) < 2:
        return
    cohort = table.set_index("case_id")[COHORT].loc[cases.case_id.tolist()].to_numpy(dtype=str)
    primary = task.outcome.of_primary
    for name, model_scores in scored.items():
        of_cohorts = {
            site: task.outcome.measure_primary(model_scores.select(cohort == site))
            for site in inputs.card.test_sites
        }
        estimates = {site: of_cohort.estimate() for site, of_cohort in of_cohorts.items()}
        for site, estimate in estimates.items():
            yield make_row(estimate, SITES, primary.name, model=name, group=site)
        on_logit = bool(primary.higher_is_better) and all(
            of_cohort.scale == "logit" for of_cohort in of_cohorts.values()
        )
        directed = [_directed(estimate, task.outcome) for estimate in estimates.values()]
        worst = _directed(find_worst(directed, on_logit=on_logit), task.outcome)
        yield make_row(worst, SITES, WORST, model=name)


def score_cases(model: Predictions, cases: Cases, part: Part) -> ScoredCases:
    """Line the scores of a model up with the cases."""
    where = f"scores of {model.outcome.model}, {part}"
    tables = model.part(part).groupby("repeat", sort=True)
    repeats = [line_up(table, cases.case_id, where) for _, table in tables]
    return _scored(cases, repeats, "fold")


def _scored(cases: Cases, repeats: Sequence[pd.DataFrame], fit: str) -> ScoredCases:
    if cases.value is None or not repeats:
        raise DataError("no scores of held-out cases", where="scores", remedy="train again")
    return ScoredCases(
        cases.label,
        cases.value,
        np.unique(cases.patient_id, return_inverse=True)[1].astype(np.int64),
        np.stack([scores_of(rows)[:, 0] for rows in repeats]),
        np.stack([probabilities_of(rows) for rows in repeats]),
        np.stack([rows[fit].to_numpy(dtype=np.int64) for rows in repeats]),
    )


def figure_by_primary(
    model: Predictions, cases: Cases, outcome: MeasuredOutcome
) -> SelectionFigure:
    """Return the primary figure that chooses a model, of inner folds; an error below 0."""
    rows_of = pd.Series(np.arange(len(cases)), index=cases.case_id.tolist())
    of_folds: dict[Fold, float] = {}
    for key, rows in model.part("inner").groupby(["repeat", "fold"], sort=True):
        of_fold = cases.select(rows_of.loc[rows["case_id"].tolist()].to_numpy())
        repeat, fold = (int(number) for number in key)  # type: ignore[call-overload]
        figure = outcome.measure_primary(_scored(of_fold, [rows], "inner_fold"))
        of_folds[repeat, fold] = outcome.direct(figure.value)
    known = [value for value in of_folds.values() if np.isfinite(value)]
    return SelectionFigure(float(np.mean(known)) if known else None, of_folds)


def stitch(chosen: Mapping[Fold, str], scored: Mapping[str, ScoredCases]) -> ScoredCases:
    """Return the scores of each outer fold's chosen model."""
    first = scored[next(iter(chosen.values()))]
    score, estimate = first.score.copy(), first.estimate.copy()
    for (repeat, fold), name in chosen.items():
        chosen_scores = scored[name]
        rows: NDArray[np.bool_] = first.fit[repeat] == fold
        score[repeat, rows] = chosen_scores.score[repeat, rows]
        estimate[repeat, rows] = chosen_scores.estimate[repeat, rows]
    return ScoredCases(first.label, first.value, first.patient, score, estimate, first.fit)


def _compare(
    primary: Mapping[str, Linearised],
    rules: Sequence[str],
    figure: str,
    requested: Sequence[tuple[str, str]],
) -> list[FigureRow]:
    """Return differences of the primary figure: arms and models minus rules, arms, and pairs.

    The p values of an arm's best against the rules are a family of Holm's, those of the single
    models are another, and so are arms against arms and requested pairs.
    """
    arms = [f"best_{arm}" for arm in _ARMS if f"best_{arm}" in primary]
    models = [name for name in primary if not name.startswith("best_") and name not in rules]
    families = (
        [(arm, rule) for arm in arms for rule in rules],
        [(later, former) for former, later in pairwise(arms)]
        + ([(arms[2], arms[0])] if len(arms) > 2 else []),
        [(model, rule) for model in models for rule in rules],
        [pair for pair in requested if set(pair) <= set(primary)],
    )
    rows = []
    for family in families:
        gaps = [primary[first] - primary[second] for first, second in family]
        p = [gap.p() for gap in gaps]
        for (first, second), gap, raw, holm in zip(
            family, gaps, p, correct_by_holm(p), strict=True
        ):
            estimate = gap.estimate()
            rows.append(
                make_row(
                    estimate, DIFFERENCES, figure, model=first, versus=second, p=raw, p_holm=holm
                )
            )
    return rows


def _answer(
    task: MeasuredTask,
    figures: FigureTable,
    best: Mapping[str, str],
    rules: Sequence[str],
    margin: float,
    inputs: EvaluationInputs,
) -> tuple[Decision, str]:
    """Say whether what was asked is worth it: networks beside features, else features beside rules.

    What does not beat every simple rule is never recommended.
    """
    titles = {model.outcome.model: model.outcome.title for model in inputs.models}
    contender = next((arm for arm in ("deep", "encoder", "classical") if arm in best), None)
    if contender is None:
        return "none", "No comparison: no model was trained besides simple rules."
    others = [f"best_{arm}" for arm in ("classical",) if arm in best and arm != contender]
    others += rules
    name, primary = f"best_{contender}", task.outcome.of_primary
    reached = figures.find(analysis=FIGURES, model=name, figure=task.outcome.primary)
    told = f"{format_decimal(reached.value)} {format_interval(reached)}".strip()
    useless = is_nothing_of_use(task.outcome, figures)
    nothing = (
        f"{NOTHING_WORKS} {LOOK_AT_DATA} {primary.title} of the best of the "
        f"{ARM_WORDS[contender]} is {told}."
    )
    if not others:
        return "none", nothing if useless else "No comparison: there is nothing to compare with."
    decision: Decision = "yes"
    parts = []
    for other in others:
        gap = figures.find(
            analysis=DIFFERENCES, model=name, versus=other, figure=task.outcome.primary
        )
        decision = lower_decision(decision, decide_by_margin(_directed(gap, task.outcome), margin))
        rival = titles.get(other, ARM_WORDS["classical"])
        parts.append(
            f"{format_decimal(gap.value)} {format_interval(gap, 3)} against {rival}".strip()
        )
    if useless:
        return decision, nothing
    classical = [ARM_WORDS["classical"]] if others[0] == "best_classical" else []
    beside = " and ".join([*classical, *(["simple rules"] if rules else [])])
    verdict = (
        f"Use {ARM_WORDS[contender]} in place of {beside}: {decision}. {primary.title} of the best "
        f"is {told}; the difference"
        f"{'' if primary.higher_is_better else ' (below 0 is better)'} is {'; '.join(parts)}."
    )
    return decision, verdict


def is_nothing_of_use(outcome: MeasuredOutcome, figures: FigureTable) -> bool:
    """Return whether nothing is shown to beat chance: no arm's best, no model and no simple rule.

    Chance is a value of the primary figure, or what the rule without any feature reaches. Without
    an interval nothing is said.
    """
    simplest = outcome.rules.get("cases", "")
    primary = figures.select(analysis=FIGURES, figure=outcome.primary)
    compared = figures.select(analysis=DIFFERENCES, versus=simplest, figure=outcome.primary)
    level = outcome.chance if outcome.chance is not None else primary.find(model=simplest).value
    if level is None:
        return False
    gaps = []
    for name in dict.fromkeys(row.model for row in primary.rows if row.model != simplest):
        gap: Estimate | None = compared.get(model=name) if outcome.chance is None else None
        if gap is None:
            reached = primary.find(model=name)
            parts = (reached.value, reached.low, reached.high)
            value, low, high = (None if part is None else part - level for part in parts)
            gap = Estimate(value, low, high)
        gaps.append(_directed(gap, outcome))
    return bool(gaps) and all(gap.low is not None and gap.low <= 0 for gap in gaps)


def _directed(gap: Estimate, outcome: MeasuredOutcome) -> Estimate:
    """Return a difference such that above 0 the first is better."""
    if gap.value is None or gap.low is None or gap.high is None:
        return gap
    low, high = sorted((outcome.direct(gap.low), outcome.direct(gap.high)))
    return Estimate(outcome.direct(gap.value), low, high, gap.method)


def _warn(inputs: EvaluationInputs, task: MeasuredTask, rules: Sequence[str]) -> Iterator[str]:
    patient = np.unique(inputs.cases.patient_id, return_inverse=True)[1].astype(np.int64)
    yield from task.outcome.doubts(inputs.cases.label, patient)
    if not rules:
        yield (
            "No simple rule was trained beside the models, and one is often as good: add "
            f"{' or '.join(f'`{rule}`' for rule in task.outcome.rules.values())} to `baselines`."
        )
    if len(inputs.duplicates):
        yield f"{len(inputs.duplicates)} pairs of images are near duplicates."
    for model in inputs.models:
        if model.outcome.status == "failed":
            yield f"{model.outcome.title} failed: {model.outcome.reason}"
