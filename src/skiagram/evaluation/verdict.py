"""The answer in words, made from the figures by fixed rules."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from skiagram.evaluation.criteria import (
    SIDES,
    DecisiveComparison,
    Side,
    Standing,
    are_told_apart,
    beats_rule,
    decide,
    decide_by_margin,
    decide_finding,
    excludes_good_models,
    find_comparison,
    find_decisive,
    find_side,
    find_standing,
    gains_over_rules,
    has_shifted,
    is_contradicted,
    is_finding_no_of_many,
    is_no_finder_of_use,
    is_nothing_of_use,
    is_remembered,
    is_unbeaten,
    list_finders,
    list_leaked,
    list_standing,
    needs_more_trainings,
)
from skiagram.evaluation.evaluation_record import (
    ARM_WORDS,
    DECISION_WORDS,
    DOMAIN,
    FEATURES,
    FINDING_RULES,
    MEAN_SENSITIVITY,
    MERIT,
    NUMBERS,
    PREVALENCE,
    PROBABILITIES,
    SHARES,
    SHIFTS,
    Evaluation,
    Verdict,
)
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.options import DEFAULT_MARGIN
from skiagram.evaluation.sites import SITES
from skiagram.records.predictions import LOOK_AT_DATA, MORE_CASES, NOTHING_WORKS
from skiagram.statistics.estimate import (
    Estimate,
    format_decimal,
    format_difference,
    format_estimate,
    format_interval,
    format_signed,
    round_half_up,
)

_INTERVAL = "95 % interval"
_OF_MANY = (
    "Taken together, the comparisons with the classical model, with chance and with simple "
    "baselines do not exclude a worthwhile gain (Bonferroni)."
)


def state_verdict(evaluation: Evaluation) -> Verdict:
    """Say what to do, then why, from the record alone; `criteria` has the rules.

    Where reported cases have near duplicates among the development cases, the words follow the
    figures without them. Where frozen encoders take part, the same is said of the contender, under
    its name.
    """
    everything, decisive = find_comparison(evaluation), find_decisive(evaluation)
    if everything is None or decisive is None:
        return _state_no_comparison(evaluation)
    leaked_models, leaked_finders = list_leaked(evaluation)
    leaked = [_title(name, evaluation) for name in leaked_models]
    leaked += [f"{_title(name, evaluation)}, in finding," for name in leaked_finders]
    if leaked:
        return Verdict(
            "none",
            f"No verdict: {' and '.join(leaked)} scored above the ideal observer, by more than "
            "chance explains in 97.5 % of runs.",
            reasons=(
                "Of honest models that are as good as the ideal observer 1 in 40 gives this "
                "alarm, of worse ones fewer. Look for a leak before reading any figure.",
            ),
        )
    # What to use: of whole images, and where lesions are sought first of finding.
    decision, finding = decide(evaluation), evaluation.finding
    either = evaluation.contender == "either"
    kinds = " (a trained network or a frozen encoder)" if either else ""
    alone = ", judged by single trainings" if decisive.is_of_single_trainings else ""
    images = f"se a {evaluation.contender_words}{kinds}: {DECISION_WORDS[decision]}{alone}."
    headline = f"U{images}"
    useless = is_nothing_of_use(evaluation)
    if useless:
        finds = finding is not None and not is_no_finder_of_use(evaluation)
        headline = f"Of whole images: {NOTHING_WORKS}" if finds else NOTHING_WORKS
    elif finding is not None and evaluation.gain_in_finding(MERIT) is not None:
        found = DECISION_WORDS[decide_finding(evaluation)]
        name = evaluation.words_of(finding.contender)
        headline = f"Use a {name} to find lesions: {found}. For whole images, u{images}"
    reasons = (
        *((advise_without_use(evaluation),) if useless else ()),
        *_compare_arms(decisive, evaluation),
        *describe_gain(decisive),
        *_qualify(everything, decisive, evaluation),
        *describe_finding(evaluation),
    )
    openings = (
        *_shifted(evaluation),
        *_unbeaten(decisive, evaluation),
        *_unbeaten_in_finding(evaluation),
    )
    if is_remembered(evaluation):
        unclean = (
            f"{evaluation.near_duplicates} test cases have a near duplicate in the "
            "development set, and without them nothing can be compared: the figures are too good."
        )
        openings = (*openings, unclean)
    return Verdict(decision, headline, openings, reasons)


def advise_without_use(evaluation: Evaluation) -> str:
    """Return what to do first where no model is shown to be of use."""
    return LOOK_AT_DATA if excludes_good_models(evaluation) else f"{MORE_CASES} {LOOK_AT_DATA}"


def _state_no_comparison(evaluation: Evaluation) -> Verdict:
    """Say why the contender and the classical models are not compared, and what else is shown."""
    difference, useless = evaluation.difference, is_nothing_of_use(evaluation)
    if difference:
        why = difference.reason
    else:
        # Of each arm that nothing stands for: whether it was asked for.
        reasons = []
        rules = {rule.versus for rule in evaluation.simple_rules}
        names = {evaluation.contender: evaluation.contender_words, "classical": "classical model"}
        for arm, name in names.items():
            members = {outcome.model for outcome in evaluation.outcomes if outcome.arm == arm}
            reason = "could be scored" if members else "was asked for"
            if members and members <= rules:
                reason = "but simple baselines was asked for"
            if arm not in evaluation.arms:
                reasons.append(f"no {name} {reason}")
        why = " and ".join(reasons)
    words = f"No comparison {_where(evaluation)}: {why}."
    if useless:
        words = f"{NOTHING_WORKS} {advise_without_use(evaluation)} {words}"
    unbeaten = tuple(_unbeaten_in_finding(evaluation))
    shown = () if useless else describe_rules(evaluation)
    # Where one kind of models alone was asked for, what it is worth is the answer.
    asked = {outcome.arm for outcome in evaluation.outcomes} & {evaluation.contender, "classical"}
    if shown and difference is None and len(asked) == 1:
        words, *others = (*shown, words)
        shown = tuple(others)
    return Verdict("none", words, unbeaten, (*shown, *describe_finding(evaluation)))


def _name(side: Side, evaluation: Evaluation) -> str:
    return evaluation.contender_words if side == "contender" else "classical model"


def _shifted(evaluation: Evaluation) -> Iterator[str]:
    """Yield where a standing model does otherwise on test than on held-out cases, and why."""
    standing = list_standing(evaluation) | list_finders(evaluation)
    differences = evaluation.differences_of_sides(SHIFTS)
    shifts = [each for each in differences if has_shifted(each) and each.model in standing]
    if not shifts:
        return
    sides = [evaluation.values_of_sides(shift) for shift in shifts]
    pairs = [
        f"{_title(shift.model, evaluation)} {test_value:.3f} instead of {development_value:.3f}"
        for shift, (test_value, development_value) in zip(shifts, sides, strict=True)
    ]
    cases = "cases of the cohort" if evaluation.is_external else "test cases"
    figure, is_error = evaluation.primary_title, evaluation.lower_is_better
    if all((test_value > development_value) != is_error for test_value, development_value in sides):
        yield (
            f"The {figure} on the {cases} is {'lower' if is_error else 'higher'} than on "
            "held-out cases of the development set by more than chance explains "
            f"({_listed(pairs)}): the {cases} are easier, or training on all cases helped."
        )
    else:
        yield (
            f"The {cases} are unlike the development set: the {figure} on them and on "
            "held-out cases of the development set differ by more than chance explains "
            f"({_listed(pairs)})."
        )
    # What else differs between the sides, where that was asked.
    if not evaluation.figures.select(analysis=DOMAIN):
        return
    differing = []
    for trait in filter(has_shifted, evaluation.differences_of_sides(SHARES, NUMBERS)):
        test_value, development_value = evaluation.values_of_sides(trait)
        values = f"median {test_value:.4g} instead of {development_value:.4g}"
        if trait.analysis == SHARES:
            values = f"{_percent(test_value)} instead of {_percent(development_value)}"
        comma = "" if trait.analysis == SHARES else ","
        differing.append(f"{trait.figure}{comma} {values}")
    if differing:
        yield f"What differs: {_listed(differing)}."
    if are_told_apart(evaluation.figures):
        sentence = describe_classifier(evaluation.figures, is_external=evaluation.is_external)
        yield f"{sentence}."
    elif not differing and not evaluation.differences_of_sides(FEATURES):
        yield "Neither classes, covariates, brightness, size nor the features tell why."


def describe_classifier(figures: FigureTable, *, is_external: bool = False) -> str:
    """Say how well features tell test cases, or those of another cohort, from development cases."""
    auc, features = (figures.select(analysis=name) for name in (DOMAIN, FEATURES))
    estimate, named = auc.find(figure="roc_auc"), features.list_distinct("figure")
    return (
        "Without labels, a classifier on the features tells "
        f"{'the cohort' if is_external else 'the test set'} from the development set with an AUC "
        f"of {format_decimal(estimate.value)} "
        f"({_INTERVAL} {estimate.low:.3f} to {estimate.high:.3f})"
        f"{f', most by {_listed(named[:3])}' if named else ''}"
    )


def _unbeaten(decisive: DecisiveComparison, evaluation: Evaluation) -> Iterator[str]:
    """Yield which of chance and the simple baselines the two are not shown to beat."""
    failing = [side for side in SIDES if decisive.fails(side, PREVALENCE)]
    if all(decisive.loses(side, PREVALENCE) for side in SIDES):
        yield (
            "Both put the cases in an order worse than chance: look for exchanged labels, or "
            "for cases unlike those that the models learned from."
        )
    elif is_nothing_of_use(evaluation):
        pass  # the headline says so
    elif len(failing) == 2:
        yield "Neither is shown to beat chance."
    elif failing:
        yield f"The {_name(failing[0], evaluation)} is not shown to beat chance."
    # rules that the same of the two are not shown to beat stand in one sentence
    rivals: dict[str, list[str]] = {}
    for rule in decisive.simple_rules:
        title = _title(rule, evaluation)
        unbeaten = [side for side in SIDES if decisive.fails(side, rule)]
        if all(decisive.loses(side, rule) for side in SIDES):
            yield f"A simple baseline, {title}, is better than both."
        elif len(unbeaten) == 2 and len(failing) < 2:
            rivals.setdefault("Neither is", []).append(title)
        elif unbeaten and not set(unbeaten) & set(failing):
            name = _name(unbeaten[0], evaluation)
            rivals.setdefault(f"The {name} is not", []).append(title)
    for who_is, titles in rivals.items():
        one = len(titles) == 1
        beaten = (
            f"a simple baseline, {titles[0]}" if one else f"simple baselines: {_listed(titles)}"
        )
        yield f"{who_is} shown to beat {beaten}."


def _unbeaten_in_finding(evaluation: Evaluation) -> Iterator[str]:
    """Yield what the contender among the finders is not shown to beat."""
    finding = evaluation.finding
    if finding is None:
        return
    for rule in filter(is_unbeaten, evaluation.figures.select(analysis=FINDING_RULES).rows):
        rival = f"a simple baseline, {_title(rule.versus, evaluation)}"
        if rule.versus == PREVALENCE:
            rival = "a detector that marks nothing, whose figure of merit is ½"
        name = evaluation.words_of(finding.contender)
        yield f"In finding, the {name} is not shown to beat {rival}."


def describe_finding(evaluation: Evaluation) -> Iterator[str]:
    """Yield what is shown of finding lesions, by the figure of merit; of one arm what it finds."""
    finding, difference = evaluation.finding, evaluation.gain_in_finding(MERIT)
    more = evaluation.gain_in_finding(MEAN_SENSITIVITY)
    if finding is None:
        return
    searched = f"In finding the {finding.lesions} lesions in {finding.images} images"
    if difference is None or difference.value is None or more is None:
        if not is_no_finder_of_use(evaluation):
            best = max(finding.finders, key=lambda finder: finder.find(MERIT).value or 0.0)
            share = format_decimal(best.find("sensitivity", "1").value)
            title = _title(best.model, evaluation)
            yield f"{searched}, {title} finds {share} of them at one false mark per image."
        return
    arms, name = (finding.contender, "classical"), evaluation.words_of(finding.contender)
    merits, means = (
        [format_decimal(finding.arms[arm].find(figure).value) for arm in arms]
        for figure in (MERIT, MEAN_SENSITIVITY)
    )
    shares = [format_decimal(finding.arms[arm].find("sensitivity", "1").value) for arm in arms]
    contender, classical = (_who_stands(evaluation, finding.chosen[arm]) for arm in arms)
    margin = evaluation.margin
    if difference.low is not None and difference.low != difference.high:
        words = relate_in_words(difference, margin, f"the {name}", "the classical model")
        yield f"In finding, by the figure of merit, {words[0].lower()}{words[1:]}"
        if is_contradicted(evaluation):
            merit_decision = decide_by_margin(difference, margin)
            how = "not shown to find more" if merit_decision == "yes" else "shown to find more"
            yield f"But the {name} is {how} of the lesions, so finding is inconclusive."
        if is_finding_no_of_many(evaluation):
            yield f"In finding, {_OF_MANY[0].lower()}{_OF_MANY[1:]}"
    if is_no_finder_of_use(evaluation):
        return  # counts of what a finder at chance finds would praise it
    yield (
        f"{searched}, the best {name}{contender} has the figure of merit {merits[0]} "
        f"and the best classical model{classical} {merits[1]} "
        f"({finding.variant}): "
        f"{describe_gap(difference)}. Their mean sensitivity is {means[0]} and {means[1]}: "
        f"{describe_gap(more)}. At one false mark per image they find "
        f"{shares[0]} and {shares[1]} of the lesions."
    )


def _who_stands(evaluation: Evaluation, chosen: Mapping[str, int]) -> str:
    """Return what stands for an arm, in brackets; of folds that chose differently, how many did."""
    (first, often), *others = chosen.items()
    if not others:
        return f" ({_title(first, evaluation)})"
    folds = [f"{_title(first, evaluation)} in {often} {'folds' if often > 1 else 'fold'}"]
    folds += [f"{_title(model, evaluation)} in {count}" for model, count in others]
    return f" of each fold ({_listed(folds)})"


def describe_gap(difference: Estimate) -> str:
    """Return a difference with its interval, as a part of a sentence."""
    if difference.low is None or difference.high is None:
        return f"the difference is {format_signed(difference.value or 0)}"
    if difference.low == difference.high == 0:
        return "the difference is exactly 0, as the two order all cases alike"
    return (
        f"the difference is {format_signed(difference.value or 0)} "
        f"({_INTERVAL} {format_signed(difference.low)} to {format_signed(difference.high)})"
    )


def _compare_arms(decisive: DecisiveComparison, evaluation: Evaluation) -> Iterator[str]:
    """Yield what the decisive difference means, and then the figures that it is of."""
    difference = decisive.difference
    if difference.low is None or difference.high is None:
        yield f"No interval can be given: {difference.method.removeprefix('no interval: ')}."
    elif decisive.useless:
        yield "Which of two models is better means nothing while neither is shown to be of use."
    elif not difference.low == difference.high == 0:
        first, second = (f"the {_name(side, evaluation)}" for side in SIDES)
        margin, unit = evaluation.margin, evaluation.task.predicted.margin_unit
        words = relate_in_words(
            decisive.gain,
            margin,
            first,
            second,
            "trainings" if needs_more_trainings(evaluation) else "patients",
            default_margin=DEFAULT_MARGIN * unit,
        )
        fails = any(decisive.fails("contender", rule) for rule in decisive.simple_rules)
        qualified = fails and find_side(decisive.gain) == "above"
        yield f"Of the two, {words[0].lower()}{words[1:]}" if qualified else words
        if decisive.no_is_of_many:
            yield _OF_MANY
    # The figures: of which cases, and of which models.
    where = _where(evaluation, decisive)
    if decisive.without_near_duplicates:
        sealed = evaluation.task.design == "holdout"
        place = "in the development set" if sealed else "among the cases of other patients"
        where += f" without a near duplicate {place}"
    contender, other = (
        _who_stands(evaluation, evaluation.arms[arm].chosen)
        for arm in (evaluation.contender, "classical")
    )
    mean = f", mean of {decisive.trainings} trainings" if decisive.trainings > 1 else ""
    figure, second_figure = (format_decimal(decisive.reached(side).value) for side in SIDES)
    yield (
        f"{where[0].upper()}{where[1:]}, the best {evaluation.contender_words}{contender} has the "
        f"{evaluation.primary_title} {figure} and the best classical model{other} {second_figure}"
        f"{mean}: {describe_gap(difference)}."
    )


def relate_in_words(
    difference: Estimate,
    margin: float,
    model: str,
    versus: str,
    more: str = "patients",
    default_margin: float = DEFAULT_MARGIN,
) -> str:
    """Say what an interval of own minus other means; the two are named with their articles.

    Args:
        more: Of what more would make the interval shorter.
    """
    margin_words = (
        f"default of {margin:.3f}" if margin == default_margin else f"margin of {margin:.3f}"
    )
    worthwhile = f"the {margin_words} that counts as worthwhile"
    first, second = (re.sub("^the ", "The ", name) for name in (model, versus))
    low, high = difference.low or 0, difference.high or 0
    unlikely = f"A gain above {high:.3f} is unlikely ({_INTERVAL}), less than {worthwhile}"
    words: dict[Standing, str] = {
        "better, enough": f"{first} is better: a gain below {low:.3f} is unlikely ({_INTERVAL}), "
        f"and that is more than {worthwhile}.",
        "better, too little": f"{first} is better, but a{unlikely[1:]}.",
        "better": f"{first} is better, but whether by {worthwhile} is not settled.",
        "worse, by the margin": f"{second} is better, by more than {worthwhile}.",
        "worse": f"{second} is better, by {-high:.3f} to {-low:.3f} ({_INTERVAL}).",
        "equivalent": f"{unlikely}; the two are alike.",
        "not superior": f"{unlikely}; {model} may be {-low:.3f} worse.",
        "not inferior": f"No advantage of {model} is shown and none is excluded: a loss above "
        f"{-low:.3f} and a gain above {high:.3f} are unlikely ({_INTERVAL}).",
        "undecided": "No difference is shown, which is not the same as equality: "
        f"{model} may be anything from {-low:.3f} worse to {high:.3f} better. "
        f"More {more} would narrow this.",
        "unknown": "No interval can be given.",
    }
    return words[find_standing(difference, margin)]


def describe_gain(decisive: DecisiveComparison) -> Iterator[str]:
    """Yield where the true difference probably lies, if that can be told and means something."""
    shares = [decisive.find(figure).value for figure in PROBABILITIES]
    percentages = [_percent(share) for share in shares if share is not None]
    equal = decisive.difference.low == decisive.difference.high
    if len(percentages) < len(shares) or decisive.useless or equal:
        return
    margin, (above, within, below) = decisive.evaluation.margin, percentages
    yield (
        f"Probability (flat prior) of a gain above {margin:.3f}: {above}; of a difference within "
        f"±{margin:.3f}: {within}; of a loss above {margin:.3f}: {below}."
    )


def _qualify(
    everything: DecisiveComparison, decisive: DecisiveComparison, evaluation: Evaluation
) -> Iterator[str]:
    """Yield what else bears on the difference: training cases, near duplicates and sites."""
    # What early stopping took from the network alone.
    standing = list_standing(evaluation)
    share = max(
        (outcome.set_aside for outcome in evaluation.outcomes if outcome.model in standing),
        default=0.0,
    )
    if share > 0:
        name = "network" if evaluation.contender == "either" else evaluation.contender_words
        yield (
            f"The {name} learned from {_percent(1 - share)} of the cases that the classical model "
            "learned from: the others decided when its training stopped. With all of them it might "
            "gain a little."
        )
    # What the cases with a near duplicate would have said.
    if decisive.without_near_duplicates:
        other = DECISION_WORDS[everything.decision]
        end = f', which would read "{other}"' if everything.decision != decisive.decision else ""
        left_out = evaluation.near_duplicates
        others = f"{left_out} others" if left_out > 1 else "other one"
        yield (
            f"With the {others}, which a model may only remember, "
            f"{describe_gap(everything.difference)}{end}."
        )
    # What sites or cohorts that no model saw say of the next one: nothing below three sites.
    sites = evaluation.test_sites
    several = len(sites) > 1
    paired = evaluation.figures.select(analysis=SITES, versus="classical", group="")
    says_next = paired.find(figure="next_site").low is not None
    if evaluation.is_external:
        if several:
            few = "" if says_next else "; a few cohorts say nothing about the next"
            yield f"The cohorts are {_listed(sites)}{few}."
        else:
            yield "One cohort says nothing about the next."
    elif sites:
        few = "a few sites say" if several else "one site says"
        yield (
            f"The test cases are of {_listed(sites)}, {'sites' if several else 'a site'} that "
            f"training never saw{'' if says_next else f'; {few} nothing about the next'}."
        )
    if says_next:
        yield describe_sites(evaluation)


def describe_sites(evaluation: Evaluation) -> str:
    """Say what the sites show of the next one; empty where no site was held out whole."""
    column = evaluation.site_column
    if not column:
        return ""
    figures = evaluation.figures.select(analysis=SITES)
    number, missing = len(figures.list_distinct("group")), figures.find(figure="left_out").value
    left_out = ""
    if missing:
        left_out = f" {missing:.0f} with too few of a class are neither shown nor summarised."
    if number < 2:
        return f"One {column} says nothing about the next.{left_out}"
    paired = figures.select(versus="classical")
    difference = bool(paired)
    mean, following = ((paired or figures).find(figure=name) for name in ("mean", "next_site"))
    if following.value is None:
        return f"Two values of “{column}” say nothing of where the next may lie.{left_out}"
    subject = evaluation.difference_words if difference else f"the {evaluation.primary_title}"
    write = format_difference if difference else format_estimate
    interval = format_interval(following, 3 if difference else 2, signed=difference)
    unseen = "" if evaluation.compared else " each scored by models that never saw it,"
    return (
        f"Over {number} values of “{column}”,{unseen} "
        f"{subject} is {write(mean)}; at "
        "the next such one it lies, with 95 % probability, in "
        f"{interval}.{left_out}"
    )


def _percent(share: float) -> str:
    whole = round_half_up(100 * share)
    if whole == 0:
        return "below 1 %"
    return "above 99 %" if whole == 100 else f"{whole} %"


def _where(evaluation: Evaluation, decisive: DecisiveComparison | None = None) -> str:
    cases, groups = (decisive.cases, decisive.patients) if decisive else evaluation.reported
    kind = "sealed test cases" if evaluation.task.design == "holdout" else "cases, cross-validated,"
    whose = "patients"
    if not evaluation.patients_known:
        whose = "groups of near duplicates (no patient is identified)"
    in_part = decisive is not None and decisive.without_near_duplicates
    events = f" with {evaluation.events} events" if evaluation.events and not in_part else ""
    if evaluation.is_external:
        return f"on these {cases} cases{events} of {groups} {whose} of another cohort"
    return f"on these {cases} {kind}{events} of {groups} {whose}"


def _title(model: str, evaluation: Evaluation) -> str:
    return evaluation.titles.get(model, model)


def _listed(names: Sequence[str], last: str = "and") -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def describe_rules(evaluation: Evaluation, *, beaten: bool | None = None) -> tuple[str, ...]:
    """Return a sentence on the best model of each arm: whether it beats every simple baseline.

    Args:
        beaten: Of models that do, or do not, alone; None: of all.
    """
    titles = {PREVALENCE: "chance"} | evaluation.titles
    sentences = []
    for arm, name in ARM_WORDS.items():
        rules = [rule for rule in gains_over_rules(evaluation) if rule.model == arm]
        lost = [rule for rule in rules if not beats_rule(rule)]
        if not rules or arm not in evaluation.best or beaten is bool(lost):
            continue
        verb = "is not shown to beat" if lost else "beats"
        against = _listed([titles[rule.versus] for rule in lost or rules], "or" if lost else "and")
        title = titles[evaluation.best[arm]]
        # what was chosen in each fold is called the best of its kind already
        named = "" if title.startswith(f"Best {name}") else f" ({title})"
        sentences.append(f"The best {name}{named} {verb} {against}.")
    return tuple(sentences)


def with_verdict(evaluation: Evaluation) -> Evaluation:
    """Return the record with its verdict, in parts and as one paragraph, and what is not beaten."""
    answer = state_verdict(evaluation)
    warnings = dict.fromkeys((*evaluation.warnings, *describe_rules(evaluation, beaten=False)))
    return replace(evaluation, answer=answer, warnings=tuple(warnings))
