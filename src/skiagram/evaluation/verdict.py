"""The answer in words, made from the figures by fixed rules."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from skiagram.evaluation.evaluation_record import (
    PREVALENCE,
    CleanComparison,
    Comparison,
    Decision,
    DomainShift,
    Evaluation,
    RuleComparison,
    SiteStudy,
    SiteSummary,
    TraitShift,
    Verdict,
)
from skiagram.evaluation.options import DEFAULT_MARGIN
from skiagram.evaluation.results import ModelResult
from skiagram.records import Design
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import LEVEL, GainProbabilities

CHANCE = 0.5
_INTERVAL = "95 % interval"
_SIDES = ("contender", "classical")
_GROUPS = "groups of near duplicates (no patient is identified)"


class DecisiveComparison(NamedTuple):
    """The primary comparison on one set of cases, all or those without near duplicates."""

    evaluation: Evaluation
    on: CleanComparison

    @property
    def words(self) -> str:
        """What the contender is called, for example `network`."""
        return self.evaluation.contender_words

    @property
    def mixed(self) -> bool:
        """Whether the contender is a network in some folds and a frozen encoder in others."""
        return self.evaluation.contender == "either"

    def against(self, side: str) -> tuple[RuleComparison, ...]:
        """Return the comparisons of a side with chance and with simple rules."""
        arm = self.evaluation.contender if side == "contender" else side
        return tuple(one for one in self.on.rules if one.arm == arm)

    @property
    def difference(self) -> Estimate:
        """Return AUC of the contender minus that of the classical model."""
        return self.on.comparison.difference

    def name(self, side: str) -> str:
        """Return what a side is called."""
        return self.words if side == "contender" else "classical model"

    def fails(self, side: str, rule: str) -> bool:
        """Return whether a side is not shown to beat a rule, as the table of rules has it."""
        return any(
            rival.rule == rule and rival.difference.low is not None and not rival.beaten
            for rival in self.against(side)
        )

    def loses(self, side: str, rule: str) -> bool:
        """Return whether a side is shown to be worse than a rule."""
        return any(
            rival.rule == rule
            and rival.difference.high is not None
            and rival.difference.high < 0
            and (rival.p_holm is None or rival.p_holm < LEVEL)
            for rival in self.against(side)
        )

    @property
    def useless(self) -> bool:
        """Return whether neither is shown to beat chance."""
        return all(self.fails(side, PREVALENCE) for side in _SIDES)

    @property
    def rules(self) -> tuple[str, ...]:
        """Return the simple rules besides chance."""
        named = (rival.rule for rival in self.against("contender") if rival.rule != PREVALENCE)
        return tuple(dict.fromkeys(named))


def state_verdict(evaluation: Evaluation) -> Verdict:
    """Say what to do, then why, from the record alone.

    A network is worth using where it gains more than the margin; it is not where a gain above the
    margin is unlikely, that is outside the 95 % interval; otherwise the question is open. A network
    that is not shown to beat chance, or a simple rule, is never recommended. Where reported cases
    have near duplicates among the development cases, the words follow the figures without them.
    Where frozen encoders take part, the same is said of the contender, under its name.
    """
    comparison = evaluation.primary
    if comparison is None or comparison.difference.value is None:
        why = comparison.difference.reason if comparison else _missing_arm(evaluation)
        words = f"No comparison {_where(evaluation)}: {why}."
        return Verdict("none", words, reasons=tuple(_finding(evaluation)))
    leaked = [
        model.outcome.title
        for model in evaluation.models
        if model.leaked and model.outcome.model in _standing(evaluation)
    ]
    if evaluation.finding is not None:
        found = (of for of in evaluation.finding.arms.values() if of.leaked)
        leaked += [f"{_title(of.model, evaluation)}, in finding," for of in found]
    if leaked:
        names = " and ".join(leaked)
        return Verdict(
            "none",
            f"No verdict: {names} scored above the ideal observer, by more than chance explains in "
            "97.5 % of runs.",
            reasons=(
                "Of honest models that are as good as the ideal observer 1 in 40 gives this "
                "alarm, of worse ones fewer. Look for a leak before reading any figure.",
            ),
        )
    decisive, other = _decisive_comparisons(evaluation, comparison)
    decision = _decide(decisive, evaluation.margin)
    unclean = tuple(_unclean(evaluation))
    if unclean:
        decision = lower_decision(decision, "open")
    openings = (*_shifted(evaluation), *_unbeaten(decisive, evaluation), *unclean)
    reasons = (
        *_conclusion(decisive, evaluation.margin),
        _facts(decisive, evaluation),
        *_probabilities(decisive, evaluation.margin),
        *_set_aside(evaluation),
        *(_both_ways(other, decision, evaluation) if other else ()),
        *_external(evaluation),
        *_finding(evaluation),
    )
    headline = _headline(decision, decisive)
    if evaluation.finding is not None and evaluation.finding.difference is not None:
        name = evaluation.words_of(evaluation.finding.contender)
        headline = f"Use a {name} to find lesions: {decide_finding(evaluation)}. {headline}"
        headline = headline.replace(". Use a", ". For whole images, use a")
    return Verdict(decision, headline, openings, reasons)


def decide_finding(evaluation: Evaluation) -> Decision:
    """Return whether a network gains more than the margin in the figure of merit of finding.

    That figure ranks lesions against images alone: a finder that marks every place with the odds
    of the image as a whole gains in it and finds next to nothing. So `yes` asks that more lesions
    are found, too, and `no` that not more are found, by more than the margin: where the two figures
    say opposite things, the question is open.
    """
    found = evaluation.finding
    if found is None or found.difference is None:
        return "none"
    decision = decide_by_margin(found.difference, evaluation.margin)
    more = found.sensitivity_difference.low if found.sensitivity_difference else None
    if decision == "yes" and (more is None or more <= 0):
        return "open"
    if decision == "no" and more is not None and more > evaluation.margin:
        return "open"
    return decision


def _decisive_comparisons(
    evaluation: Evaluation, primary: Comparison
) -> tuple[DecisiveComparison, DecisiveComparison | None]:
    """Return the comparison that the words follow, and that on all cases where it is another."""
    arms = {arm: evaluation.arms[arm].auc for arm in _compared_arms(evaluation)}
    cases, patients = sum(evaluation.cases["reported"].values()), evaluation.patients["reported"]
    rules, gain = evaluation.simple_rules, evaluation.gain
    whole = CleanComparison(arms, primary, gain, rules, cases, patients)
    everything = DecisiveComparison(evaluation, whole)
    clean = evaluation.off_near_duplicates
    if clean is None or clean.comparison.difference.value is None:
        return everything, None
    return DecisiveComparison(evaluation, clean), everything


def _compared_arms(evaluation: Evaluation) -> tuple[str, str]:
    return evaluation.contender, "classical"


def _standing(evaluation: Evaluation) -> set[str]:
    return {model for arm in _compared_arms(evaluation) for model in evaluation.arms[arm].chosen}


def _decide(decisive: DecisiveComparison, margin: float) -> Decision:
    decision = decide_by_margin(decisive.difference, margin)
    for rival in decisive.against("contender"):
        if decisive.fails("contender", rival.rule):
            decision = lower_decision(decision, decide_by_margin(rival.difference, margin))
    return decision


def lower_decision(decision: Decision, other: Decision) -> Decision:
    """Return the one that recommends less."""
    return min(decision, other, key=("no", "open", "yes", "none").index)


def decide_by_margin(difference: Estimate, margin: float) -> Decision:
    """Return `yes` where a gain above the margin is sure, `no` where it is unlikely."""
    if difference.low is None or difference.high is None:
        return "open"
    if difference.low > margin:
        return "yes"
    return "no" if difference.high < margin else "open"


def _headline(decision: Decision, decisive: DecisiveComparison) -> str:
    single = decisive.on.comparison.scope == "fits"
    kinds = " (a trained network or a frozen encoder)" if decisive.mixed else ""
    alone = ", judged by single trainings" if single else ""
    return f"Use a {decisive.words}{kinds}: {decision}{alone}."


def _shifted(evaluation: Evaluation) -> Iterator[str]:
    """Yield a sentence where a standing model does otherwise on test than on held-out cases."""
    own = [
        shift
        for shift in evaluation.shifts
        if shift.disagrees and shift.model in _standing(evaluation)
    ]
    if own:
        pairs = [
            f"{_title(shift.model, evaluation)} {shift.test:.3f} instead of {shift.out_of_fold:.3f}"
            for shift in own
        ]
        if all(shift.test > shift.out_of_fold for shift in own):
            yield (
                "The AUC on the test cases is higher than on held-out development cases by more "
                f"than chance explains ({_listed(pairs)}): the test cases are easier, or training "
                "on all cases helped."
            )
        else:
            yield (
                "The test cases are unlike the development cases: the AUC on them and on held-out "
                f"development cases differ by more than chance explains ({_listed(pairs)})."
            )
        yield from _why_unlike(evaluation.domain)


def _why_unlike(domain: DomainShift | None) -> Iterator[str]:
    if domain is None:
        return
    differing = [_trait(trait) for trait in domain.traits if trait.differs]
    if differing:
        yield f"What differs: {_listed(differing)}."
    if domain.auc.low is not None and domain.auc.low > CHANCE:
        yield f"{describe_classifier(domain)}."
    elif not differing and not domain.features:
        yield "Neither classes, covariates, brightness, size nor the features tell why."


def describe_classifier(domain: DomainShift) -> str:
    """Say how well features tell test from development cases."""
    most = f", most by {_listed([feature.name for feature in domain.features[:3]])}"
    return (
        "Without labels, a classifier on the features tells test from development cases with an "
        f"AUC of {_decimal(domain.auc)} ({_INTERVAL} {domain.auc.low:.3f} to "
        f"{domain.auc.high:.3f}){most if domain.features else ''}"
    )


def _trait(trait: TraitShift) -> str:
    if trait.kind == "share":
        return f"{trait.name} {_percent(trait.test)} instead of {_percent(trait.development)}"
    return f"{trait.name}, median {trait.test:.4g} instead of {trait.development:.4g}"


def _unbeaten(decisive: DecisiveComparison, evaluation: Evaluation) -> Iterator[str]:
    """Yield which of chance and the simple rules the two are not shown to beat."""
    failing = [side for side in _SIDES if decisive.fails(side, PREVALENCE)]
    if all(decisive.loses(side, PREVALENCE) for side in _SIDES):
        yield (
            "Both put the cases in an order worse than chance: look for exchanged labels or for "
            "test cases unlike the others."
        )
    elif len(failing) == 2:
        yield "Neither is shown to beat chance."
    elif failing:
        yield f"The {decisive.name(failing[0])} is not shown to beat chance."
    for rule in decisive.rules:
        title = _title(rule, evaluation)
        unbeaten = [side for side in _SIDES if decisive.fails(side, rule)]
        if all(decisive.loses(side, rule) for side in _SIDES):
            yield f"A simple rule, {title}, is better than both."
        elif len(unbeaten) == 2 and len(failing) < 2:
            yield f"Neither is shown to beat a simple rule, {title}."
        elif unbeaten and not set(unbeaten) & set(failing):
            yield f"The {decisive.name(unbeaten[0])} is not shown to beat a simple rule, {title}."


def _unclean(evaluation: Evaluation) -> Iterator[str]:
    if evaluation.near_duplicates and evaluation.off_near_duplicates is None:
        yield (
            f"{evaluation.near_duplicates} reported cases have a near duplicate among the "
            "development cases, and without them nothing can be compared: the figures are too good."
        )


def _facts(decisive: DecisiveComparison, evaluation: Evaluation) -> str:
    measure = "AUC" if evaluation.task.positive is not None else "macro one-vs-rest AUC"
    contender, other = (
        _who_stands(evaluation, evaluation.arms[arm].chosen) for arm in _compared_arms(evaluation)
    )
    where = _where(evaluation, decisive)
    if evaluation.off_near_duplicates and evaluation.off_near_duplicates.cases == decisive.on.cases:
        where += f" without a near duplicate among the {_seen(evaluation.task.design)}"
    trainings = decisive.on.comparison.repeats
    mean = f", mean of {trainings} trainings" if trainings > 1 else ""
    return (
        f"{where[0].upper()}{where[1:]}, the best {decisive.words}{contender} has the {measure} "
        f"{_decimal(decisive.on.auc[evaluation.contender])} and the best classical model{other} "
        f"{_decimal(decisive.on.auc['classical'])}{mean}: {describe_gap(decisive.difference)}."
    )


def _finding(evaluation: Evaluation) -> Iterator[str]:
    """Yield what is shown of finding lesions, by the figure of merit, where both arms do it."""
    found = evaluation.finding
    if found is None or found.difference is None or found.sensitivity_difference is None:
        return
    arms, name = (found.contender, "classical"), evaluation.words_of(found.contender)
    merits = [_decimal(found.arms[arm].merit) for arm in arms]
    means = [_decimal(found.arms[arm].mean_sensitivity) for arm in arms]
    shares = [_decimal(found.arms[arm].sensitivity["1"]) for arm in arms]
    one, other = (_who_stands(evaluation, found.chosen[arm]) for arm in arms)
    low, high = found.difference.low, found.difference.high
    if low is not None and high is not None and low != high:
        words = relate_in_words(low, high, evaluation.margin, f"the {name}", "the classical model")
        yield f"In finding, by the figure of merit, {words[0].lower()}{words[1:]}"
        if decide_finding(evaluation) != decide_by_margin(found.difference, evaluation.margin):
            how = "not shown to find more" if low > evaluation.margin else "shown to find more"
            yield f"But the {name} is {how} of the lesions, so the question of finding is open."
    yield (
        f"In finding the {found.lesions} lesions, the best {name}{one} has the figure of merit "
        f"{merits[0]} and the best classical model{other} {merits[1]} ({found.variant}): "
        f"{describe_gap(found.difference)}. Their mean sensitivity is {means[0]} and {means[1]}: "
        f"{describe_gap(found.sensitivity_difference)}. At one false mark per image they find "
        f"{shares[0]} and {shares[1]} of the lesions."
    )


def _who_stands(evaluation: Evaluation, chosen: Mapping[str, int]) -> str:
    """Return what stands for an arm, in brackets; of folds that chose differently, how many did."""
    (first, often), *others = chosen.items()
    if not others:
        return f" ({_title(first, evaluation)})"
    folds = [f"{_title(first, evaluation)} in {often} folds"]
    folds += [f"{_title(model, evaluation)} in {count}" for model, count in others]
    return f" of each fold ({_listed(folds)})"


def describe_gap(difference: Estimate) -> str:
    """Return a difference with its interval, as a part of a sentence."""
    if difference.low is None or difference.high is None:
        return f"the difference is {signed(difference.value or 0)}"
    if difference.low == difference.high == 0:
        return "the difference is exactly 0, as the two give the same scores"
    return (
        f"the difference is {signed(difference.value or 0)} "
        f"({_INTERVAL} {signed(difference.low)} to {signed(difference.high)})"
    )


def _conclusion(decisive: DecisiveComparison, margin: float) -> Iterator[str]:
    low, high = decisive.difference.low, decisive.difference.high
    if low is None or high is None:
        why = decisive.difference.method.removeprefix("no interval: ")
        yield f"No interval can be given: {why}."
    elif decisive.useless:
        yield "Which of two models is better means nothing while neither is shown to be of use."
    elif not low == high == 0:
        own, other = (f"the {decisive.name(side)}" for side in _SIDES)
        words = relate_in_words(low, high, margin, own, other)
        beaten = any(decisive.fails("contender", rule) for rule in decisive.rules)
        yield f"Of the two, {words[0].lower()}{words[1:]}" if beaten and low > 0 else words


def relate_in_words(low: float, high: float, margin: float, own: str, other: str) -> str:
    """Say what an interval of own minus other means; the two are named with their articles."""
    worthwhile = f"the {_margin(margin)} that counts as worthwhile"
    first, second = (re.sub("^the ", "The ", name) for name in (own, other))
    if low > margin:
        return (
            f"{first} is better: a gain below {low:.3f} is unlikely ({_INTERVAL}), and "
            f"that is more than {worthwhile}."
        )
    if low > 0 and high < margin:
        return (
            f"{first} is better, but a gain above {high:.3f} is unlikely ({_INTERVAL}), "
            f"less than {worthwhile}."
        )
    if low > 0:
        return f"{first} is better, but whether by {worthwhile} is not settled."
    if high < -margin:
        return f"{second} is better, by more than {worthwhile}."
    if high < 0:
        return f"{second} is better, by {-high:.3f} to {-low:.3f} ({_INTERVAL})."
    if high < margin:
        alike = "the two are alike" if -margin < low else f"{own} may be {-low:.3f} worse"
        return (
            f"A gain above {high:.3f} is unlikely ({_INTERVAL}), less than {worthwhile}; {alike}."
        )
    if -margin < low:
        return (
            f"No advantage of {own} is shown and none is excluded: a loss above "
            f"{-low:.3f} and a gain above {high:.3f} are unlikely ({_INTERVAL})."
        )
    return (
        f"No difference is shown, which is not the same as equality: {own} may be "
        f"anything from {-low:.3f} worse to {high:.3f} better. More patients would narrow this."
    )


def _margin(margin: float) -> str:
    return f"default of {margin:.3f}" if margin == DEFAULT_MARGIN else f"margin of {margin:.3f}"


def _probabilities(decisive: DecisiveComparison, margin: float) -> Iterator[str]:
    if (
        decisive.on.gain is None
        or decisive.useless
        or decisive.difference.low == decisive.difference.high
    ):
        return
    yield describe_gain(decisive.on.gain, margin)


def describe_gain(gain: GainProbabilities, margin: float) -> str:
    """Say where a true difference probably lies."""
    return (
        f"Probability (flat prior) of a gain above {margin:.3f}: {_percent(gain.above)}; of a "
        f"difference within ±{margin:.3f}: {_percent(gain.within)}; of a loss above {margin:.3f}: "
        f"{_percent(gain.worse)}."
    )


def _set_aside(evaluation: Evaluation) -> Iterator[str]:
    """Yield what early stopping took from the network alone."""
    share = max(
        (
            model.outcome.set_aside
            for model in evaluation.models
            if model.outcome.model in _standing(evaluation)
        ),
        default=0.0,
    )
    if share > 0:
        name = "network" if evaluation.contender == "either" else evaluation.contender_words
        yield (
            f"The {name} learned from {_percent(1 - share)} of the cases that the classical model "
            "learned from: the others decided when its training stopped. With all of them it might "
            "gain a little."
        )


def _both_ways(
    everything: DecisiveComparison, decision: Decision, evaluation: Evaluation
) -> Iterator[str]:
    other = _decide(everything, evaluation.margin)
    end = f', which would read "{other}"' if other != decision else ""
    left_out = evaluation.near_duplicates
    others = f"{left_out} others" if left_out > 1 else "other one"
    yield (
        f"With the {others}, which a model may only remember, "
        f"{describe_gap(everything.difference)}{end}."
    )


def _external(evaluation: Evaluation) -> Iterator[str]:
    if evaluation.test_sites:
        single = len(evaluation.test_sites) == 1
        yield (
            f"The test cases are of {_listed(evaluation.test_sites)}, "
            f"{'a site' if single else 'sites'} that training never saw; "
            f"{'one site says' if single else 'a few sites say'} nothing about the next."
        )
    if evaluation.sites is not None and evaluation.sites.difference is not None:
        yield from _over_sites(evaluation.sites, evaluation.sites.difference)


def _over_sites(study: SiteStudy, summary: SiteSummary) -> Iterator[str]:
    """Yield what sites that no model saw say of the next one; nothing below three sites."""
    mean, following = summary.mean, summary.next_site
    if mean.value is None or following.low is None or following.high is None:
        return
    yield (
        f"Over {len(study.sites)} values of {study.column}, each scored by models that never saw "
        f"it, {describe_gap(mean)}; at another such one the difference lies, with 95 % "
        f"probability, between {signed(following.low)} and {signed(following.high)}."
    )


def signed(value: float) -> str:
    """Write a difference with its sign and a true minus, for example `+0.012`."""
    text = f"{value:+.3f}".replace("-", "−")
    return "0.000" if text in {"+0.000", "−0.000"} else text


def _percent(share: float) -> str:
    whole = round(100 * share)
    if whole == 0:
        return "below 1 %"
    return "above 99 %" if whole == 100 else f"{whole} %"


def _decimal(estimate: Estimate) -> str:
    return "–" if estimate.value is None else f"{estimate.value:.3f}"


def _seen(design: Design) -> str:
    return "development cases" if design == "holdout" else "cases of other patients"


def _where(evaluation: Evaluation, decisive: DecisiveComparison | None = None) -> str:
    cases = decisive.on.cases if decisive else sum(evaluation.cases["reported"].values())
    groups = decisive.on.patients if decisive else evaluation.patients["reported"]
    kind = "sealed test cases" if evaluation.task.design == "holdout" else "cases, cross-validated,"
    whose = "patients" if evaluation.patients_known else _GROUPS
    return f"on these {cases} {kind} of {groups} {whose}"


def _missing_arm(evaluation: Evaluation) -> str:
    reasons = []
    rules = {row.rule for row in evaluation.simple_rules}
    names = (evaluation.contender_words, "classical model")
    for arm, name in zip(_compared_arms(evaluation), names, strict=True):
        members = {model.outcome.model for model in evaluation.models if model.outcome.arm == arm}
        if arm in evaluation.arms:
            continue
        if members and members <= rules:
            reasons.append(f"no {name} but simple rules was asked for")
        else:
            reasons.append(f"no {name} " + ("could be scored" if members else "was asked for"))
    return " and ".join(reasons)


def _title(model: str, evaluation: Evaluation) -> str:
    return evaluation.titles.get(model, model)


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


_ARMS = {
    "deep": "network",
    "encoder": "frozen encoder",
    "classical": "classical model",
    "combined": "combination",
}


def describe_rules(
    comparisons: Sequence[RuleComparison],
    best: Mapping[str, str],
    results: Sequence[ModelResult],
) -> dict[str, str]:
    """Return each arm's best model → a sentence: whether it beats every simple rule."""
    titles = {PREVALENCE: "chance"} | {
        result.outcome.model: result.outcome.title for result in results
    }
    words = {}
    for arm, name in _ARMS.items():
        own = [comparison for comparison in comparisons if comparison.arm == arm]
        if not own:
            continue
        lost = [titles[comparison.rule] for comparison in own if not comparison.beaten]
        verb = "is not shown to beat" if lost else "beats"
        rules = _listed(lost or [titles[comparison.rule] for comparison in own])
        words[best[arm]] = f"The best {name} ({titles[best[arm]]}) {verb} {rules}."
    return words


def with_verdict(evaluation: Evaluation) -> Evaluation:
    """Return the record with its verdict, in parts and as one paragraph."""
    answer = state_verdict(evaluation)
    return replace(evaluation, answer=answer, verdict=answer.text)
