"""From scores of an outcome that is no class to figures, paired differences and an answer.

The outcome says which figures there are; this module knows none of them. Every case is scored by
models that never saw its patient, and what stands for an arm in an outer fold is the model that
was best on inner folds, so no reported case chooses anything. Rows have the names that those of
classes have, so that `criteria` and `verdict` judge both by the same rules.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

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
from skiagram.evaluation.comparisons import correct
from skiagram.evaluation.evaluation_record import (
    ARM_PAIRS,
    DEVELOPMENT,
    FIGURES,
    IDEAL_OBSERVER,
    OFF_NEAR_DUPLICATES,
    PREVALENCE,
    PRIMARY,
    REQUESTED,
    SECONDARY,
    SHIFTS,
    SIMPLE_RULES,
    WORST,
    ArmChoice,
    Contender,
    MeasuredEvaluation,
)
from skiagram.evaluation.evaluation_set import mark_near_duplicates
from skiagram.evaluation.external import COHORT, FEWEST_TO_UPDATE, UPDATED
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.labelled_cases import line_up
from skiagram.evaluation.options import DeepArm, EvaluationOptions
from skiagram.evaluation.results import LIMIT
from skiagram.evaluation.scores import open_values
from skiagram.evaluation.shift import compare_cases, share_trait
from skiagram.evaluation.sites import SITES, find_worst
from skiagram.evaluation.verdict import with_verdict
from skiagram.outcomes.outcome import MeasuredOutcome, ScoredCases
from skiagram.records.cases import Cases, MeasuredTask, Task
from skiagram.records.predictions import Part, Predictions, probabilities_of, scores_of
from skiagram.statistics.delong import has_leaked
from skiagram.statistics.distributions import t_p_value, t_quantile
from skiagram.statistics.estimate import Estimate, format_decimal, format_interval
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.variation import UPPER

_ARMS = ("classical", "encoder", "deep")
Scored = Mapping[str, ScoredCases]


@dataclass(frozen=True)
class SelectedScores:
    """What stands for an arm, and its scores.

    Attributes:
        value: The figure of development cases that chose it, higher is better; None without one.
        scored: Its scores of the reported cases.
    """

    choice: ArmChoice
    value: float | None
    scored: ScoredCases


def evaluate_measured(
    inputs: EvaluationInputs,
    options: EvaluationOptions,
    *,
    seed: int,
    at_home: MeasuredEvaluation | None = None,
) -> MeasuredEvaluation:
    """Measure every model, and what stands for each arm, and compare them patient by patient.

    Args:
        seed: Of the folds of a classifier that tells test from development cases.
        at_home: What was found where the models were developed, if the test cases are those of
            another cohort: then what most outer folds chose there stands for an arm, and the
            figures of the development cases are kept beside those of the cohort.
    """
    # The reported cases with what is true of them, and every trained model's scores of them.
    task = inputs.task
    cases = open_cases(inputs.cases, inputs.sealed) if task.part == "test" else inputs.cases
    if not isinstance(task, MeasuredTask) or cases.value is None:
        raise DataError("cases without values", where="data/cases", remedy="run stage ingest again")
    outcome = task.outcome
    trained = {of.outcome.model: of for of in inputs.models if of.outcome.status == "finished"}
    scored = {name: score_cases(of, cases, task.part) for name, of in trained.items()}
    named = (*options.analyses.simple_rules, *outcome.rules.values())
    rules = tuple(name for name in dict.fromkeys(named) if name in trained)
    # What stands for each arm.
    if at_home is None:
        chosen_by = choose_by_primary(trained, inputs.cases, task)
        arms = stand_for_arms(trained, rules, scored, chosen_by, task)
        contender = add_contender(arms, trained, rules, scored, chosen_by, task, options.deep_arm)
    else:
        contender, arms = at_home.contender, _stand_as_at_home(at_home, scored)
    every = scored | {f"best_{arm}": selected.scored for arm, selected in arms.items()}
    shown = [name for name in every if name.startswith("best_") or name in rules]
    # All figures, all comparisons, and the same off near duplicates.
    primary = {name: outcome.measure_primary(of) for name, of in every.items()}
    rows = [
        make_row(entry.figure.estimate(), FIGURES, entry.name, model=name, group=entry.group)
        for name, of in every.items()
        for entry in outcome.measure(of)
    ]
    rows += _compare_arms(arms, rules, primary, contender, outcome)
    rows += _compare_models(trained, rules, primary, outcome, options.compare)
    copied = mark_near_duplicates(cases.case_id, inputs.cases, inputs.duplicates)
    rows += _compare_off_copies(arms, rules, scored, copied, contender, outcome)
    # Test beside development cases, the ideal observer, and other cohorts.
    if task.part == "test":
        rows += _find_shifts(task, inputs.cases, trained, primary)
        rows += _tell_sides_apart(inputs, cases, outcome, seed)
    ideal = _ideal_observer(task, inputs, cases, next(iter(scored.values()), None))
    if ideal is not None:
        rows += _hold_against_ideal(ideal, {name: primary[name] for name in trained}, outcome)
    if at_home is not None:
        rows += _update(task, cases, scored)
        rows += _study_cohorts(task, inputs, cases, {name: every[name] for name in shown})
        before = at_home.figures.select(analysis=FIGURES).rows
        rows += [replace(row, analysis=DEVELOPMENT) for row in before]
    figures = FigureTable(tuple(rows))
    evaluation = MeasuredEvaluation(
        task=task,
        cases=len(cases),
        patients=len(np.unique(cases.patient_id)),
        counts=(*outcome.count(cases.value, cases.label), *_state_limit(outcome, ideal)),
        models=tuple(of.outcome for of in inputs.models),
        arms={arm: selected.choice for arm, selected in arms.items()},
        contender=contender,
        rules=rules,
        figures=figures,
        plots={name: tuple(outcome.plot(every[name])) for name in shown},
        margin=options.margin * outcome.margin_unit,
        near_duplicates=int(copied.sum()),
        patients_known=inputs.card.patients_known,
        test_sites=inputs.card.test_sites,
        warnings=(
            *_warn_of_leaks(inputs, figures),
            *_warn(replace(inputs, cases=cases), task, rules, int(copied.sum())),
        ),
    )
    return with_verdict(evaluation)


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


def choose_by_primary(
    trained: Mapping[str, Predictions], cases: Cases, task: MeasuredTask
) -> dict[str, SelectionFigure]:
    """Return what each model is chosen by: its primary figure of development cases."""
    figure_of = figure_out_of_fold if task.design == "holdout" else figure_by_primary
    return {name: figure_of(model, cases, task.outcome) for name, model in trained.items()}


def stand_for_arms(
    trained: Mapping[str, Predictions],
    rules: Sequence[str],
    scored: Scored,
    chosen_by: Mapping[str, SelectionFigure],
    task: Task,
) -> dict[str, SelectedScores]:
    """Return what stands for each arm: the best model, under `cv` that of each outer fold.

    Args:
        scored: The reported cases by model.
        chosen_by: See `choose_by_primary`.
    """
    return {
        arm: _select(arm, members, scored, chosen_by, task)
        for arm, members in list_arms(trained, rules).items()
    }


def _stand_as_at_home(at_home: MeasuredEvaluation, scored: Scored) -> dict[str, SelectedScores]:
    """Return arm → the model that most outer folds chose where the models were developed."""
    arms = {}
    for arm, choice in at_home.arms.items():
        most_often = next(iter(choice.chosen))
        if most_often in scored:
            standing = ArmChoice(most_often, {most_often: 1}, 1)
            arms[arm] = SelectedScores(standing, None, scored[most_often])
    return arms


def add_contender(
    arms: dict[str, SelectedScores],
    trained: Mapping[str, Predictions],
    rules: Sequence[str],
    scored: Scored,
    chosen_by: Mapping[str, SelectionFigure],
    task: Task,
    deep_arm: DeepArm,
) -> Contender:
    """Return what stands against the classical models, as for classes (`arm_selection`).

    Where networks and frozen encoders may both be it, the better one by development cases is; where
    outer folds chose different ones, what stands for both is added to the arms as `either`.
    """
    deep = [arm for arm in ("deep", "encoder") if arm in arms]
    if deep_arm == "encoders" or (deep_arm == "either" and deep == ["encoder"]):
        return "encoder"
    if deep_arm == "networks" or len(deep) < 2:
        return "deep"
    members = list_arms(trained, rules)
    either = _select("either", members["deep"] + members["encoder"], scored, chosen_by, task)
    chosen = {trained[name].outcome.arm for name in either.choice.chosen}
    if len(chosen) == 1:
        return "deep" if chosen == {"deep"} else "encoder"
    arms["either"] = either
    return "either"


def _select(
    arm: str,
    members: Sequence[str],
    scored: Scored,
    chosen_by: Mapping[str, SelectionFigure],
    task: Task,
) -> SelectedScores:
    of_arm = {name: chosen_by[name] for name in members}
    if task.design == "holdout":
        best = max(members, key=lambda name: chosen_by[name].worth)
        return SelectedScores(ArmChoice(best, {best: 1}, 1), chosen_by[best].value, scored[best])
    chosen = choose_within_folds(of_arm)
    counted = dict(Counter(chosen.values()).most_common())
    name = next(iter(counted)) if len(counted) == 1 else f"best_{arm}"
    choice = ArmChoice(name, counted, len(chosen))
    return SelectedScores(choice, mean_of_chosen(of_arm, chosen), stitch(chosen, scored))


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


def _hold_against_ideal(
    ideal: Linearised, primary: Mapping[str, Linearised], outcome: MeasuredOutcome
) -> Iterator[FigureRow]:
    """Yield what the ideal observer reaches, and by how much each model is above it."""
    yield make_row(ideal.estimate(), LIMIT, outcome.primary, model=IDEAL_OBSERVER)
    for name, figure in primary.items():
        gap = _directed((figure - ideal).estimate(), outcome)
        yield make_row(gap, LIMIT, "above_ideal", model=name)


def _warn_of_leaks(inputs: EvaluationInputs, figures: FigureTable) -> Iterator[str]:
    """Yield which models are surely better than what is possible."""
    titles = {model.outcome.model: model.outcome.title for model in inputs.models}
    for gap in figures.select(analysis=LIMIT, figure="above_ideal").rows:
        if has_leaked(gap):
            yield (
                f"{titles[gap.model]} may have leaked: by {format_decimal(gap.value)} it is better "
                "than the ideal observer, which happens to at most 1 honest model in 40."
            )


def figure_out_of_fold(
    model: Predictions, cases: Cases, outcome: MeasuredOutcome
) -> SelectionFigure:
    """Return the primary figure that chooses a model where a test set is sealed; an error below 0.

    It is of the development cases that the model learned from, out of fold.
    """
    known = _score_out_of_fold(model, cases)
    return SelectionFigure(outcome.direct(outcome.measure_primary(known).value))


def _score_out_of_fold(model: Predictions, cases: Cases) -> ScoredCases:
    """Return the scores of the development cases that a model learned from, out of fold."""
    learned = np.isin(cases.case_id, model.part("out_of_fold")["case_id"].unique().tolist())
    return score_cases(model, cases.select(learned), "out_of_fold")


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


def _compare_arms(
    arms: Mapping[str, SelectedScores],
    rules: Sequence[str],
    primary: Mapping[str, Linearised],
    contender: Contender,
    outcome: MeasuredOutcome,
    group: str = "",
) -> Iterator[FigureRow]:
    """Yield the primary comparison, other pairs of arms, and each arm against chance and rules.

    The names are those of `comparisons`: the primary comparison is a test of its own, pairs of arms
    are a family of Holm's, and so are all arms against chance and every simple rule.

    Args:
        primary: The primary figure of each rule, and of what stands for an arm as `best_<arm>`.
    """
    of_arm = {arm: primary[f"best_{arm}"] for arm in arms}
    row = partial(_difference_row, outcome=outcome, group=group)
    if {contender, "classical"} <= set(arms):
        first = arms[contender].scored
        plain = partial(make_row, analysis=PRIMARY, group=group)
        gap = of_arm[contender] - of_arm["classical"]
        yield row(gap, PRIMARY, contender, "classical")
        for arm in (contender, "classical"):
            yield plain(of_arm[arm].estimate(), figure=outcome.primary, model=arm)
        yield plain(Estimate(float(len(first.label))), figure="cases")
        yield plain(Estimate(float(len(np.unique(first.patient)))), figure="patients")
        if gap.variation.scope == "procedure":  # else another training may give another one
            trainings = Estimate(float(gap.variation.repeats))
            yield plain(trainings, figure="trainings", model=contender, versus="classical")
    pairs = (("encoder", "classical"), ("deep", "classical"), ("encoder", "deep"))
    others = [pair for pair in pairs if {*pair} <= set(arms) and pair != (contender, "classical")]
    pairs_of_arms = [row(of_arm[a] - of_arm[b], ARM_PAIRS, a, b) for a, b in others]
    yield from correct(pairs_of_arms, outcome.primary)
    ruled = [rule for rule in rules if outcome.chance is not None or rule != outcome.rules["cases"]]
    compared = []
    for arm, figure in of_arm.items():
        chance = _subtract_chance(figure, primary, outcome)
        if chance is not None:
            of_chance = partial(make_row, model=arm, versus=PREVALENCE, group=group, p=chance[1])
            compared.append(of_chance(chance[0], SIMPLE_RULES, outcome.primary))
        compared += [row(figure - primary[rule], SIMPLE_RULES, arm, rule) for rule in ruled]
    yield from correct(compared, outcome.primary)


def _compare_off_copies(
    arms: Mapping[str, SelectedScores],
    rules: Sequence[str],
    scored: Scored,
    copied: NDArray[np.bool_],
    contender: Contender,
    outcome: MeasuredOutcome,
) -> Iterator[FigureRow]:
    """Yield the comparisons of arms once more, on the cases without a copy in development.

    Nothing where there are no copies, or where the others do not define a figure.

    Args:
        copied: (n,) whether a reported case has a near duplicate among the development cases.
    """
    if not copied.any() or copied.all():
        return
    clean = {
        arm: replace(selected, scored=selected.scored.select(~copied))
        for arm, selected in arms.items()
    }
    primary = {
        f"best_{arm}": outcome.measure_primary(selected.scored) for arm, selected in clean.items()
    }
    primary |= {rule: outcome.measure_primary(scored[rule].select(~copied)) for rule in rules}
    if all(np.isfinite(figure.value) for figure in primary.values()):
        yield from _compare_arms(clean, rules, primary, contender, outcome, OFF_NEAR_DUPLICATES)


def _compare_models(
    trained: Mapping[str, Predictions],
    rules: Sequence[str],
    primary: Mapping[str, Linearised],
    outcome: MeasuredOutcome,
    requested: Sequence[tuple[str, str]],
) -> Iterator[FigureRow]:
    """Yield single models against rules, and requested pairs; each is a family of Holm's."""
    models = [name for name in trained if name not in rules]
    families = {
        SECONDARY: [(model, rule) for model in models for rule in rules],
        REQUESTED: [pair for pair in requested if set(pair) <= set(primary)],
    }
    for analysis, pairs in families.items():
        rows = [
            _difference_row(primary[a] - primary[b], analysis, a, b, outcome=outcome)
            for a, b in pairs
        ]
        yield from correct(rows, outcome.primary)


def _difference_row(
    gap: Linearised,
    analysis: str,
    model: str,
    versus: str,
    *,
    outcome: MeasuredOutcome,
    group: str = "",
) -> FigureRow:
    return make_row(
        gap.estimate(),
        analysis,
        outcome.primary,
        model=model,
        versus=versus,
        group=group,
        p=gap.p(),
    )


def _subtract_chance(
    figure: Linearised, primary: Mapping[str, Linearised], outcome: MeasuredOutcome
) -> tuple[Estimate, float | None] | None:
    """Return by how much a figure differs from that of chance, with its p value.

    Chance is a value of the figure, or what the rule without any feature reaches; None where that
    rule was not trained.
    """
    if outcome.chance is None:
        rule = primary.get(outcome.rules["cases"])
        if rule is None:
            return None
        gap = figure - rule
        return gap.estimate(), gap.p()
    estimate = figure.estimate().subtract(outcome.chance)
    return estimate, None if estimate.value is None else figure.variation.p(estimate.value)


def _find_shifts(
    task: MeasuredTask,
    cases: Cases,
    trained: Mapping[str, Predictions],
    primary: Mapping[str, Linearised],
) -> tuple[FigureRow, ...]:
    """Return each model's primary figure of test cases beside that of held-out development cases.

    The patients of the two sides are others, so the variances add.
    """
    outcome, rows = task.outcome, list[FigureRow]()
    row = partial(make_row, analysis=SHIFTS, figure=outcome.primary)
    for name, model in trained.items():
        known = outcome.measure_primary(_score_out_of_fold(model, cases))
        error = float(np.hypot(known.error, primary[name].error))
        value = primary[name].value - known.value
        if not np.isfinite(value) or not error > 0:
            continue
        degrees = min(known.degrees, primary[name].degrees)
        reach = float(t_quantile(UPPER, degrees)) * error
        words = "variances of the two sides added"
        difference = Estimate(value, value - reach, value + reach, words)
        p = t_p_value(value / error, degrees)
        rows += [
            row(difference, model=name, versus=DEVELOPMENT, p=p),
            row(Estimate(primary[name].value), model=name),
            row(Estimate(known.value), model=name, group=DEVELOPMENT),
        ]
    return correct(rows, outcome.primary)


def _tell_sides_apart(
    inputs: EvaluationInputs, reported: Cases, outcome: MeasuredOutcome, seed: int
) -> tuple[FigureRow, ...]:
    """Return what tells test from development cases, by `shift.compare_cases`."""
    if inputs.traits is None:
        return ()
    sides = (inputs.cases.development(), reported)
    case_id, label, names = (
        np.concatenate([getattr(side, column) for side in sides])
        for column in ("case_id", "label", "patient_id")
    )
    patient = np.unique(names, return_inverse=True)[1].astype(np.int64)
    tested = np.repeat([False, True], [len(side) for side in sides])
    shares = [
        share_trait(f"share of {name}", label == k, tested, patient)
        for k, name in enumerate(outcome.classes)
        if len(outcome.classes) > 1
    ]
    return compare_cases(inputs.traits, case_id, tested, patient, seed, shares).rows


def _directed(gap: Estimate, outcome: MeasuredOutcome) -> Estimate:
    """Return a difference such that above 0 the first is better."""
    if gap.value is None or gap.low is None or gap.high is None:
        return gap
    low, high = sorted((outcome.direct(gap.low), outcome.direct(gap.high)))
    return Estimate(outcome.direct(gap.value), low, high, gap.method)


def _warn(
    inputs: EvaluationInputs, task: MeasuredTask, rules: Sequence[str], copied: int
) -> Iterator[str]:
    patient = np.unique(inputs.cases.patient_id, return_inverse=True)[1].astype(np.int64)
    yield from task.outcome.doubts(inputs.cases.label, patient)
    if not rules:
        yield (
            "No simple rule was trained beside the models, and one is often as good: add "
            f"{' or '.join(f'`{rule}`' for rule in task.outcome.rules.values())} to `baselines`."
        )
    if copied:
        yield (
            f"{copied} reported cases have a near duplicate among the development cases: a model "
            "may only remember them, and the answer follows the figures without them."
        )
    for model in inputs.models:
        if model.outcome.status == "failed":
            yield f"{model.outcome.title} failed: {model.outcome.reason}"
