"""What the best network is worth to patients, against the best classical model, on the same cases.

Sensitivity, specificity and net benefit are shares of cases that the two decide differently; their
differences are paired by case, and their intervals are by patient.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import scipy

from skiagram.arrays import Flags
from skiagram.evaluation.arm_selection import MeasuredRun
from skiagram.evaluation.compared_model import ComparedModel
from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.evaluation.labelled_cases import LabelledCases
from skiagram.evaluation.metrics import NO_THRESHOLD, call_positive
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import gained_share, mean_gain, weighed_difference
from skiagram.statistics.variation import pair_repeats

# Net benefit is told per 1,000 cases.
PER = 1000
UTILITY, NET_BENEFIT = "utility", "net_benefit"
UTILITY_OFF_COPIES = "utility_off_near_duplicates"
CLASSICAL, ALL = "classical", "all"  # `all`: acting on everybody; on nobody has 0


def assess_utility_of_arms(run: MeasuredRun) -> tuple[FigureRow, ...]:
    """Compare what stands for the two arms; nothing without both, or of a measured outcome.

    Where cases have near duplicates, everything is there once more without these, as an analysis of
    its own; the group is the threshold.
    """
    # Both arms, and an outcome that has net benefit.
    if not run.pair or not run.task.defines(UTILITY):
        return ()
    network, classical = run.pair.values()
    setting, members = run.setting, ~run.setting.has_near_duplicate
    assess = partial(
        assess_clinical_utility,
        development=setting.development,
        thresholds=run.options.analyses.thresholds,
        prevalence=run.options.analyses.prevalence,
        contender=run.contender,
    )
    rows = assess(network, classical)
    # Once more without near duplicates, where there are some and others are left.
    if members.all() or not members.any():
        return rows
    clean = network.select(members), classical.select(members)
    return (*rows, *(replace(row, analysis=UTILITY_OFF_COPIES) for row in assess(*clean)))


def assess_clinical_utility(
    network: ComparedModel,
    classical: ComparedModel,
    development: LabelledCases,
    thresholds: Sequence[float],
    prevalence: float | None,
    contender: str = "deep",
) -> tuple[FigureRow, ...]:
    """Compare what stands for the two arms by the decisions that they lead to.

    Differences are the contender minus the classical model, paired: `sensitivity` and `specificity`
    at the operating threshold, `brier`, for which below 0 is better, and `net_benefit` with the
    threshold as group, in true positives per 1,000 cases. There also stand the net benefit of
    each and of acting on all, `own_risk`, the threshold at the share of positives that the models
    were calibrated at, and the `prevalence` that net benefit is for.

    Args:
        thresholds: Probabilities from which a clinician would act, in (0, 1).
        prevalence: Share of positives where the models would be used; None: that of the cases.
        contender: What `network` stands for.
    """
    row = partial(make_row, analysis=UTILITY)
    paired = partial(row, model=contender, versus=CLASSICAL)
    differences = compare_decisions(network, classical)
    rows = [paired(estimate, figure=name) for name, estimate in differences.items()]
    # Net benefit is defined for two classes alone.
    if network.predicted.positive is None:
        return tuple(rows)
    positive = network.is_positive
    share = float(positive.mean()) if prevalence is None else prevalence
    rows.append(row(share, figure="prevalence"))
    # Without both classes among the cases no threshold has a net benefit.
    if absent := network.tells_apart.find_absent_classes(network.scored.label):
        missing = Estimate(None, reason=absent)
        gains = (paired(missing, figure=NET_BENEFIT, group=str(each)) for each in thresholds)
        return (*rows, *gains)
    # The share of the condition that the probabilities were calibrated to.
    calibrated = None if prevalence is None else float(np.mean(development.is_positive))
    for threshold in thresholds:
        limit = threshold_on_own_probability(threshold, share, calibrated)
        model_benefits, act_on_all, gain = _net_benefits(
            network, classical, threshold, share, limit
        )
        at = partial(row, group=str(threshold))
        rows.append(at(limit, figure="own_risk"))
        rows += [
            at(worth, figure=NET_BENEFIT, model=name)
            for name, worth in zip(
                (contender, CLASSICAL, ALL), (*model_benefits, act_on_all), strict=True
            )
        ]
        rows.append(paired(gain, figure=NET_BENEFIT, group=str(threshold)))
    return tuple(rows)


def compare_decisions(network: ComparedModel, classical: ComparedModel) -> dict[str, Estimate]:
    """Estimate sensitivity, specificity and Brier score of one model minus those of another."""
    both, cases = (network, classical), network.scored
    folds = max(each.scored.folds for each in both)
    missing = Estimate(None, reason="defined for two classes")
    rates = dict.fromkeys(("sensitivity", "specificity"), missing)
    # (repeats, n) the part of each case in the Brier score, and whether it is decided correctly.
    if network.predicted.positive is None:
        truth = np.eye(len(network.predicted.classes))[cases.label]
        errors = [((each.scored.estimate - truth) ** 2).sum(2) for each in both]
    else:
        positive = network.is_positive
        errors = [(each.probability - positive) ** 2 for each in both]
        # Decisions at each model's own threshold, repeat by repeat.
        called, other = (call_positive(each) for each in both)
        if called is None or other is None:
            rates = dict.fromkeys(rates, NO_THRESHOLD)
        else:
            correct = np.subtract(*pair_repeats(called == positive, other == positive))
            for name, rows in (("sensitivity", positive), ("specificity", ~positive)):
                gain = gained_share(correct[:, rows], cases.patient[rows], folds)
                rates[name] = gain.estimate()
    # Below 0 the Brier score of the first is better.
    loss = np.subtract(*pair_repeats(*errors))
    brier = mean_gain(loss, cases.patient, cases.label, folds).estimate()
    if not loss.any():
        brier = Estimate(0.0, 0.0, 0.0, "the two give the same probabilities")
    return {**rates, "brier": brier}


def threshold_on_own_probability(
    threshold: float, prevalence: float, calibrated_at: float | None
) -> float:
    """Return the probability, as a model gives it, that means a risk at another prevalence.

    A model calibrated at one share of positives gives other risks elsewhere: the log-odds move by
    the log-odds of the two shares (Elkan 2001, *The foundations of cost-sensitive learning*,
    theorem 2).

    Args:
        prevalence: Share of positives where one acts.
        calibrated_at: Share of positives that the model was calibrated at; None: it stays.
    """
    if calibrated_at is None or not 0 < calibrated_at < 1:
        return threshold
    logit = scipy.special.logit
    return float(scipy.special.expit(logit(threshold) - logit(prevalence) + logit(calibrated_at)))


def _net_benefits(
    network: ComparedModel,
    classical: ComparedModel,
    threshold: float,
    prevalence: float,
    limit: float,
) -> tuple[list[float], float, Estimate]:
    """Return the net benefit of both at one threshold, of acting on all, and the difference.

    Prevalence · sensitivity − (1 − prevalence) · (1 − specificity) · t / (1 − t), which weighs the
    classes by their share where the models would be used (Vickers & Elkin 2006, *Medical Decision
    Making* 26:565; Vickers, Van Calster & Steyerberg 2016, *BMJ* 352:i6). The interval of the
    difference joins those of sensitivity and specificity (method of variance estimates recovery;
    Zou & Donner 2008, *Statistics in Medicine* 27:1693).
    """
    # Acted on are cases at or above the limit; each kind has its weight.
    acted = [model.probability >= limit for model in (network, classical)]
    positive, harm = network.is_positive, threshold / (1 - threshold)
    weights = prevalence, (1 - prevalence) * harm

    def worth(called: Flags) -> float:
        hit, false_alarm = called[:, positive].mean(), called[:, ~positive].mean()
        return float(PER * (weights[0] * hit - weights[1] * false_alarm))

    # The gain in pairs, with an interval by patient.
    correct = np.subtract(*pair_repeats(*(called == positive for called in acted)))
    act_on_all = PER * (weights[0] - weights[1])
    patient, folds = network.scored.patient, max(network.scored.folds, classical.scored.folds)
    caught, harmed = (
        gained_share(sign * correct[:, rows], patient[rows], folds)
        for sign, rows in ((1, positive), (-1, ~positive))
    )
    gain = weighed_difference(caught, harmed, (PER * weights[0], PER * weights[1]))
    return [worth(called) for called in acted], act_on_all, gain
