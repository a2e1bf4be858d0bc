"""The answer in words: which sentences of the list follow from the figures, in which order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from skiagram.evaluation.criteria import (
    SIDES,
    DecisiveComparison,
    Side,
    above_chance,
    are_told_apart,
    beats_baseline,
    decide_by_margin,
    excludes_good_models,
    find_comparison,
    find_decisive,
    find_side,
    find_standing,
    has_shifted,
    is_no_finder_of_use,
    is_nothing_of_use,
    is_unbeaten,
    judge,
    judge_finding,
    list_finders,
    list_gains,
    list_leaked,
    list_standing,
    needs_more_trainings,
)
from skiagram.evaluation.evaluation_record import (
    ARM_WORDS,
    DECISION_WORDS,
    DOMAIN,
    FEATURES,
    FINDING_BASELINES,
    MEAN_SENSITIVITY,
    MERIT,
    NUMBERS,
    PROBABILITIES,
    SHARES,
    SHIFTS,
    VERSUS_CHANCE,
    Evaluation,
    Verdict,
)
from skiagram.evaluation.figure_table import FigureRow, FigureTable
from skiagram.evaluation.options import DEFAULT_MARGIN
from skiagram.evaluation.rules import Rule
from skiagram.evaluation.sentences import Sentence, join, say
from skiagram.evaluation.sites import SITES
from skiagram.statistics.estimate import (
    Estimate,
    format_decimal,
    format_difference,
    format_estimate,
    format_interval,
    format_signed,
    round_half_up,
)


def with_verdict(evaluation: Evaluation) -> Evaluation:
    """Return the record with its verdict, in parts and as one paragraph."""
    return replace(evaluation, answer=state_verdict(evaluation))


def state_verdict(evaluation: Evaluation) -> Verdict:
    """Say what to do, then why, from the record alone; `rules` has the rules.

    Where reported cases have near duplicates among the development cases, the words follow the
    figures without them. Where frozen encoders take part, the same is said of the contender, under
    its name; of columns of scores, of the two that are compared.
    """
    rule, decisive = judge(evaluation), find_decisive(evaluation)
    # Without a comparison, or with a leak, there is nothing to decide.
    if rule.because == "nothing" or decisive is None:
        return _state_no_comparison(evaluation)
    if rule.because == "leak":
        headline = say("answer.no_verdict", because=explain(evaluation, rule))
        return Verdict(rule.decision, headline, reasons=(say("answer.look_for_leak"),))
    useless = is_nothing_of_use(evaluation)
    # What is not in the figures of the difference, where the decision rests on it.
    other = rule.because in ("copies", "several", "ceiling", "few") and not useless
    because = say("answer.because", because=explain(evaluation, rule))
    reasons = (
        *(advise_without_use(evaluation) if useless else ()),
        *say_standing(decisive, rule),
        *([because] if other else []),
        *describe_gain(decisive),
        describe_figures(decisive),
        *_qualify(decisive),
        *describe_finding(evaluation),
        *recommend(evaluation),
    )
    # What must be known before the decision is read; that chance is not beaten says the headline.
    openings = (
        *_shifted(evaluation),
        *(() if useless else describe_baselines(evaluation, beaten=False)),
        *_describe_unbeaten_in_finding(evaluation),
    )
    return Verdict(rule.decision, _say_headline(decisive, rule), openings, reasons)


def _say_headline(decisive: DecisiveComparison, rule: Rule) -> str:
    """Say what to use: of whole images, and where lesions are sought first of finding."""
    # Nothing beats chance: no model is named.
    evaluation, finding = decisive.evaluation, decisive.evaluation.finding
    if is_nothing_of_use(evaluation):
        finds = finding is not None and not is_no_finder_of_use(evaluation)
        nothing = say("answer.nothing_works")
        if not finds:
            return nothing
        return say("answer.nothing_works_images", nothing=f"{nothing[0].lower()}{nothing[1:]}")
    # Of two columns of scores, their names.
    decision = DECISION_WORDS[rule.decision]
    if evaluation.compared is not None:
        first, second = evaluation.compared
        return say("answer.headline_scores", first=first, second=second, decision=decision)
    either = say("answer.kinds_of_either") if evaluation.contender == "either" else ""
    said = {
        "contender": f"{evaluation.contender_words}{either}",
        "decision": decision,
        "alone": say("answer.single_trainings") if not decisive.trainings else "",
    }
    if finding is None or evaluation.gain_in_finding(MERIT) is None:
        return say("answer.headline", **said)
    found = DECISION_WORDS[judge_finding(evaluation).decision]
    name = evaluation.words_of(finding.contender)
    return say("answer.headline_finding", finder=name, found=found, **said)


def explain(evaluation: Evaluation, rule: Rule, contender: str = "", figure: str = "") -> Sentence:
    """Say what a decision rests on.

    Args:
        contender: What it is about; empty for the contender of whole images.
        figure: In which figure it gains; empty for the primary one.
    """
    if rule.because == "leak":
        leaked, leaked_finders = list_leaked(evaluation)
        names = [_title(name, evaluation) for name in leaked]
        names += [f"{_title(name, evaluation)}, in finding," for name in leaked_finders]
        return say("because.none_leak", models=join(names))
    # What the sentences name: the baseline not beaten, and the ceiling near.
    decisive, margin = find_decisive(evaluation), format_decimal(evaluation.margin)
    baseline, ceiling, reached = "", "", ""
    if decisive is not None:
        unbeaten = (name for name in decisive.simple_baselines if decisive.fails("contender", name))
        baseline = _title(next(unbeaten, ""), evaluation)
        if near := decisive.find_ceiling():
            ceiling = _title(near[0], evaluation)
            reached = f"the {evaluation.task.predicted.primary_title} {format_estimate(near[1])}"
    if contender and rule.because == "baseline":  # of finders
        rows = evaluation.figures.select(analysis=FINDING_BASELINES).rows
        named = (row.versus for row in rows if is_unbeaten(row) and row.versus != VERSUS_CHANCE)
        baseline = _title(next(named, ""), evaluation)
    words = contender or evaluation.contender_words
    return say(
        f"because.{rule.decision}_{rule.because}",
        a=words if evaluation.compared else f"a {words}",
        gain=f"{margin} in {figure or evaluation.task.predicted.figure_words}",
        margin=margin,
        baseline=baseline,
        ceiling=ceiling,
        reached=reached,
    )


def advise_without_use(evaluation: Evaluation) -> tuple[str, ...]:
    """Say what to do first where no model is shown to be of use.

    More cases are advised only where a good model may still be among those that were tried.
    """
    more = () if excludes_good_models(evaluation) else (say("answer.more_cases"),)
    return (*more, say("answer.look_at_data"))


def recommend(evaluation: Evaluation) -> Iterator[str]:
    """Yield which model to use and what to expect of it, or that none is to be used."""
    if evaluation.compared is not None:
        return
    rule, rows = judge(evaluation), list_gains(evaluation)
    # What each side does not beat: what the decision names first, and what else stands for a side.
    # A combination comes last: it is used where it alone beats every simple baseline.
    arms = ["classical", evaluation.contender][:: -1 if rule.decision == "yes" else 1]
    arms.append("combined")
    unbeaten = {
        arm: [row.versus for row in rows if row.model == arm and is_unbeaten(row)]
        for arm in arms
        if arm in evaluation.arms and evaluation.arms[arm].model in evaluation.titles
    }
    # A simple baseline that no side beats, and is shown to beat chance itself, is what to use.
    beaten = {row.versus for row in rows if not is_unbeaten(row)}
    of_use = [
        name
        for name in next(iter(unbeaten.values()), ())
        if name not in {VERSUS_CHANCE, *beaten} and (above_chance(evaluation, name).low or 0.0) > 0
    ]
    standing = [arm for arm, names in unbeaten.items() if VERSUS_CHANCE not in names]
    is_use_known = not is_nothing_of_use(evaluation) and rule.because not in ("leak", "copies")
    if not is_use_known or not (of_use or standing):
        yield say("use.none")
        return
    # While nothing is decided, rather a side that beats every simple baseline.
    sides = standing or [*unbeaten]
    best = [side for side in sides if rule.decision == "open" and not unbeaten[side]]
    arm = (best or sides)[0]
    known = evaluation.off_copies if evaluation.near_duplicates else evaluation.primary
    machine = evaluation.task.predicted.simple_baselines.get("acquisition")
    if machine in of_use:
        yield say("use.acquisition", baseline=evaluation.titles[machine])
        return
    model = evaluation.find_result(of_use[0] if of_use else evaluation.arms[arm].model)
    # What it is worth, without near duplicates where there are some.
    people = "patients" if evaluation.patients_known else "cases"
    reached = model.find(known)
    if reached.value is None:  # the test cases are of one class: nothing is known of it
        return
    # Where folds chose several models, the figure is of all of them, of none alone.
    chosen = evaluation.arms[arm].chosen
    whose = "use.its_figure" if of_use or len(chosen) == 1 else "use.figure_of_folds"
    figure = say(whose, figure=evaluation.task.predicted.primary_title)
    places = {"people": people, "figure": figure, "value": format_estimate(reached)}
    if of_use:
        yield say("use.baseline", baseline=model.outcome.title, **places)
        return
    title = _title(next(iter(chosen)), evaluation)
    kind = "use.meanwhile" if rule.decision == "open" or unbeaten[arm] else "use.model"
    yield say(kind, model=title, **places)


def tell_cut_training(evaluation: Evaluation) -> Iterator[str]:
    """Yield a sentence on each network that a run had no time to train, or for fewer epochs."""
    for model in evaluation.models:
        training = model.outcome.options.get("training")
        if isinstance(training, dict) and training.get("planned_epochs"):
            epochs, planned = f"{training['epochs']}", f"{training['planned_epochs']}"
            yield say("training.cut", model=model.outcome.title, epochs=epochs, planned=planned)
    for name in evaluation.left_out_networks:
        if name not in evaluation.titles:  # which a later line may have asked for
            yield say("training.left_out", model=name)


def _state_no_comparison(evaluation: Evaluation) -> Verdict:
    """Say why the contender and the classical models are not compared, and what else is shown."""
    difference, useless = evaluation.difference, is_nothing_of_use(evaluation)
    if difference:
        why = difference.reason
    else:
        # Of each arm that nothing stands for: whether it was asked for.
        reasons = []
        baselines = {row.versus for row in evaluation.simple_baselines}
        names = {evaluation.contender: evaluation.contender_words, "classical": "classical model"}
        for arm, name in names.items():
            members = {outcome.model for outcome in evaluation.outcomes if outcome.arm == arm}
            reason = "could be scored" if members else "was asked for"
            if members and members <= baselines:
                reason = "but simple baselines was asked for"
            if arm not in evaluation.arms:
                reasons.append(f"no {name} {reason}")
        why = " and ".join(reasons)
    # The reason first; that nothing works, before all else.
    because = say("because.none_nothing", why=why)
    words: str = say("answer.no_comparison", cases=_where(evaluation), because=because)
    if useless:
        words = " ".join((say("answer.nothing_works"), *advise_without_use(evaluation), words))
    shown = () if useless else describe_baselines(evaluation)
    # Where one kind of models alone was asked for, what it is worth is the answer.
    asked = {outcome.arm for outcome in evaluation.outcomes} & {evaluation.contender, "classical"}
    if shown and difference is None and len(asked) == 1:
        words, *others = (*shown, words)
        shown = tuple(others)
    reasons_shown = (*shown, *describe_finding(evaluation), *recommend(evaluation))
    return Verdict("none", words, tuple(_describe_unbeaten_in_finding(evaluation)), reasons_shown)


def _name(side: Side, evaluation: Evaluation) -> str:
    """Return what a side is called, with its article."""
    if evaluation.compared is not None:
        return evaluation.compared[side == "opponent"]
    return f"the {evaluation.contender_words if side == 'contender' else 'classical model'}"


def _shifted(evaluation: Evaluation) -> Iterator[str]:
    """Yield where a standing model does otherwise on test than on held-out cases, and why."""
    standing = list_standing(evaluation) | list_finders(evaluation)
    # Only the models that stand for an arm are spoken of.
    differences = evaluation.differences_of_sides(SHIFTS)
    shifts = [each for each in differences if has_shifted(each) and each.model in standing]
    if not shifts:
        return
    sides = [evaluation.values_of_sides(shift) for shift in shifts]
    pairs = [
        say(
            "shift.pair",
            model=_title(shift.model, evaluation),
            test=format_decimal(test_value),
            development=format_decimal(development_value),
        )
        for shift, (test_value, development_value) in zip(shifts, sides, strict=True)
    ]
    # In which direction all of them have moved.
    is_error = evaluation.task.predicted.lower_is_better
    are_better = all((tested > known) != is_error for tested, known in sides)
    yield say(
        "shift.better" if are_better else "shift.unlike",
        cases="cases of the cohort" if evaluation.is_external else "test cases",
        figure=evaluation.task.predicted.primary_title,
        side="lower" if is_error else "higher",
        pairs=join(pairs),
    )
    # What else differs between the sides, where that was asked.
    if not evaluation.figures.select(analysis=DOMAIN):
        return
    differing = []
    for trait in filter(has_shifted, evaluation.differences_of_sides(SHARES, NUMBERS)):
        test_value, development_value = evaluation.values_of_sides(trait)
        values = f", median {test_value:.4g} instead of {development_value:.4g}"
        if trait.analysis == SHARES:
            values = f" {_percent(test_value)} instead of {_percent(development_value)}"
        differing.append(f"{trait.figure}{values}")
    if differing:
        yield say("shift.differs", traits=join(differing))
    if are_told_apart(evaluation.figures):
        yield describe_classifier(evaluation.figures, is_external=evaluation.is_external)
    elif not differing and not evaluation.differences_of_sides(FEATURES):
        yield say("shift.unexplained")


def describe_classifier(figures: FigureTable, *, is_external: bool) -> str:
    """Say how well features tell test cases, or those of another cohort, from development cases."""
    estimate = figures.find(analysis=DOMAIN, figure="roc_auc")
    named = figures.select(analysis=FEATURES).list_distinct("figure")
    return say(
        "shift.classifier",
        side="the cohort" if is_external else "the test set",
        auc=format_decimal(estimate.value),
        low=format_decimal(estimate.low),
        high=format_decimal(estimate.high),
        most=say("shift.most", features=join(named[:3])) if named else "",
    )


def describe_finding(evaluation: Evaluation) -> Iterator[str]:
    """Yield what is shown of finding lesions, by the figure of merit; of one arm what it finds."""
    finding, difference = evaluation.finding, evaluation.gain_in_finding(MERIT)
    more = evaluation.gain_in_finding(MEAN_SENSITIVITY)
    if finding is None:
        return
    searched = say("finding.searched", lesions=finding.lesions, images=finding.images)
    if difference is None or difference.value is None or more is None:
        if not is_no_finder_of_use(evaluation):
            best = max(finding.finders, key=lambda finder: finder.find(MERIT).value or 0.0)
            share = format_decimal(best.find("sensitivity", "1").value)
            model = _title(best.model, evaluation)
            yield say("finding.alone", searched=searched, model=model, share=share)
        return
    name, rule = evaluation.words_of(finding.contender), judge_finding(evaluation)
    if difference.low is not None and difference.low != difference.high:
        clause = relate(evaluation, difference, f"the {name}", "the classical model")
        yield say("difference.in_finding", clause=clause)
        if rule.because == "contradiction":
            gains = decide_by_margin(difference, evaluation.margin) == "yes"
            how = say("finding.not_more" if gains else "finding.is_more")
            yield say("finding.more", name=name, how=how)
        if rule.because == "several":
            yield say("finding.together")
    if is_no_finder_of_use(evaluation):
        return  # counts of what a finder at chance finds would praise it
    places: dict[str, str] = {}
    for side, arm in (("", finding.contender), ("other_", "classical")):
        finder = finding.arms[arm]
        places[f"{side}merit"] = format_decimal(finder.find(MERIT).value)
        places[f"{side}mean"] = format_decimal(finder.find(MEAN_SENSITIVITY).value)
        places[f"{side}share"] = format_decimal(finder.find("sensitivity", "1").value)
    yield say(
        "finding.figures",
        searched=searched,
        first=_say_best(evaluation, name, finding.chosen[finding.contender]),
        second=_say_best(evaluation, "classical model", finding.chosen["classical"]),
        variant=finding.variant,
        gap=describe_gap(difference),
        more=describe_gap(more),
        **places,
    )


def _say_best(evaluation: Evaluation, words: str, chosen: Mapping[str, int]) -> str:
    """Say what stands for an arm; of folds that chose differently, how many chose which."""
    who = f" of each fold ({count_choices(evaluation, chosen)})"
    if len(chosen) == 1:
        who = f" ({_title(next(iter(chosen)), evaluation)})"
    return say("difference.best", words=words, who=who)


def count_choices(evaluation: Evaluation, chosen: Mapping[str, int]) -> str:
    """Say how many folds chose which model, the commonest first.

    Args:
        evaluation: For the titles.
        chosen: Model → number of folds.
    """
    (first, often), *others = chosen.items()
    folds = [f"{_title(first, evaluation)} in {often} {'folds' if often > 1 else 'fold'}"]
    return join([*folds, *(f"{_title(model, evaluation)} in {count}" for model, count in others)])


def describe_gap(difference: Estimate) -> str:
    """Describe a difference with its interval, as a part of a sentence.

    Args:
        difference: 0 to 0 where both order all cases alike.
    """
    if difference.low == difference.high == 0:
        return say("difference.same_order")
    value, low, high = map(format_signed, (difference.value or 0, difference.low, difference.high))
    if difference.low is None or difference.high is None:
        return say("difference.value", value=value)
    return say("difference.interval", value=value, low=low, high=high)


def say_standing(decisive: DecisiveComparison, rule: Rule) -> Iterator[str]:
    """Yield what the decisive difference means, if it does.

    At the ceiling the cases can show no gain, whatever the interval holds.
    """
    evaluation, difference = decisive.evaluation, decisive.difference
    if rule.because == "ceiling":
        return
    if difference.low is None or difference.high is None:
        reason = difference.method.removeprefix("no interval: ")
        yield say("answer.no_interval", reason=reason)
    elif decisive.useless:
        yield say("answer.meaningless")
    elif not difference.low == difference.high == 0:
        clause = relate(evaluation, decisive.gain, *(_name(side, evaluation) for side in SIDES))
        fails = any(decisive.fails("contender", baseline) for baseline in decisive.simple_baselines)
        qualified = fails and find_side(decisive.gain) == "above"
        yield say("difference.of_the_two" if qualified else "difference.sentence", clause=clause)
        if find_standing(decisive.gain, evaluation.margin).because == "undecided":
            people = "patients" if evaluation.patients_known else "cases"
            people = "trainings" if needs_more_trainings(evaluation) else people
            yield say("difference.narrow", people=people)


def relate(evaluation: Evaluation, gain: Estimate, first: str, second: str) -> str:
    """Say what the interval of a gain shows.

    Args:
        evaluation: Whose margin it is held against; one that the user set is named as such.
        gain: Above 0 the first is better.
        first: With its article.
        second: With its article.
    """
    usual = DEFAULT_MARGIN * evaluation.task.predicted.margin_unit
    kind = "difference.default" if evaluation.margin == usual else "difference.margin"
    margin = say(kind, margin=format_decimal(evaluation.margin))
    standing = find_standing(gain, evaluation.margin).because
    key = standing.replace(",", "").replace(" ", "_")
    return say(f"standing.{key}", first=first, second=second, margin=margin)


def describe_figures(decisive: DecisiveComparison) -> str:
    """Say which figures the decisive difference is of: on which cases, and of which models."""
    evaluation = decisive.evaluation
    names = [_name(side, evaluation) for side in SIDES]
    if evaluation.compared is None:
        names = [
            _say_best(evaluation, words, evaluation.arms[arm].chosen)
            for arm, words in (
                (evaluation.contender, evaluation.contender_words),
                ("classical", "classical model"),
            )
        ]
    value, other = (format_decimal(decisive.reached(side).value) for side in SIDES)
    mean = say("difference.mean", trainings=decisive.trainings) if decisive.trainings > 1 else ""
    if not decisive.trainings and evaluation.compared is None:
        mean = say("difference.one_training")
    return say(
        "difference.figures",
        cases=_where(evaluation, decisive),
        first=names[0],
        second=names[1],
        figure=evaluation.task.predicted.primary_title,
        value=value,
        other=other,
        mean=mean,
        gap=describe_gap(decisive.difference),
    )


def describe_gain(decisive: DecisiveComparison) -> Iterator[str]:
    """Yield where the true difference probably lies, if that can be told and means something.

    Not where neither is shown to beat chance, nor where both order all cases alike.
    """
    shares = [decisive.primary.find(figure=figure).value for figure in PROBABILITIES]
    percentages = [_percent(share) for share in shares if share is not None]
    equal = decisive.difference.low == decisive.difference.high
    if len(percentages) < len(shares) or decisive.useless or equal:
        return
    above, within, below = percentages
    margin = format_decimal(decisive.evaluation.margin)
    yield say("difference.probabilities", margin=margin, above=above, within=within, below=below)


def _qualify(decisive: DecisiveComparison) -> Iterator[str]:
    """Yield what else bears on the difference: training cases, near duplicates and sites."""
    evaluation = decisive.evaluation
    # What early stopping took from the network alone.
    standing = list_standing(evaluation)
    share = max(
        (outcome.set_aside for outcome in evaluation.outcomes if outcome.model in standing),
        default=0.0,
    )
    if share > 0:
        name = "network" if evaluation.contender == "either" else evaluation.contender_words
        yield say("difference.fewer_cases", name=name, share=_percent(1 - share))
    # What the cases with a near duplicate would have said.
    everything = find_comparison(evaluation)
    if decisive.without_near_duplicates and everything is not None:
        with_copies, without = (each.judge().decision for each in (everything, decisive))
        other = say("difference.would_read", decision=DECISION_WORDS[with_copies])
        left_out = evaluation.near_duplicates
        yield say(
            "difference.with_copies",
            others=f"{left_out} others" if left_out > 1 else "other one",
            gap=describe_gap(everything.difference),
            end=other if with_copies != without else "",
        )
    # What sites or cohorts that no model saw say of the next one: nothing below three sites.
    sites = evaluation.test_sites
    several = len(sites) > 1
    paired = evaluation.figures.select(analysis=SITES, versus=evaluation.opponent, group="")
    says_next = paired.find(figure="next_site").low is not None
    if evaluation.is_external:
        few = "" if says_next else say("sites.few_cohorts")
        named = say("sites.cohorts", sites=join(sites), few=few) if several else ""
        yield named or say("sites.cohort")
    elif sites:
        few = say("sites.few_of_it" if several else "sites.one_of_it")
        yield say(
            "sites.held_out",
            sites=join(sites),
            kind="sites" if several else "a site",
            few="" if says_next else few,
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
    left_out = say("sites.left_out", number=f"{missing:.0f}") if missing else ""
    if number < 2:
        return say("sites.one", column=column, left_out=left_out)
    paired = figures.select(versus=evaluation.opponent)
    is_difference = bool(paired)
    mean, following = ((paired or figures).find(figure=name) for name in ("mean", "next_site"))
    if following.value is None:
        return say("sites.two", column=column, left_out=left_out)
    digits = 3 if is_difference else 2
    subject = (
        evaluation.difference_words
        if is_difference
        else f"the {evaluation.task.predicted.primary_title}"
    )
    return say(
        "sites.summary",
        number=number,
        column=column,
        unseen="" if evaluation.compared else say("sites.unseen"),
        subject=subject,
        mean=(format_difference if is_difference else format_estimate)(mean),
        interval=format_interval(following, digits, signed=is_difference),
        left_out=left_out,
    )


def _percent(share: float) -> str:
    """Write a share as whole per cent; what is rounded to 0 or 100 is neither."""
    whole = round_half_up(100 * share)
    if whole == 0:
        return "below 1 %"
    return "above 99 %" if whole == 100 else f"{whole} %"


def _where(evaluation: Evaluation, decisive: DecisiveComparison | None = None) -> str:
    """Return on which cases, and whether models knew them."""
    # The cases that the answer follows, of patients that are known or not.
    cases, patients = sum(evaluation.cases["reported"].values()), evaluation.patients["reported"]
    if decisive is not None:
        cases, patients = decisive.cases, decisive.patients
    design, known = evaluation.task.design, evaluation.patients_known
    kind: str = "external" if evaluation.is_external else design
    if evaluation.compared is not None:
        kind = "scores" if known else "scores_unnamed"
    in_part = decisive is not None and decisive.without_near_duplicates
    events = evaluation.events and not in_part
    return say(
        f"cases.{kind}",
        cases=cases,
        events=say("cases.events", events=evaluation.events) if events else "",
        groups=say("cases.patients" if known else "cases.unnamed", patients=patients),
        own="patient" if known else "group",
        where=say(f"cases.off_copies_{design}") if in_part else "",
    )


def _title(model: str, evaluation: Evaluation) -> str:
    """Return a model's title within a sentence; that of what folds chose is no name."""
    title = evaluation.titles.get(model, model)
    return f"the b{title[1:]}" if title.startswith("Best ") else title


def describe_baselines(evaluation: Evaluation, *, beaten: bool | None = None) -> tuple[str, ...]:
    """Return a sentence on what stands for each arm: whether it beats every simple baseline.

    Of the two that are compared it is on the cases that the answer follows.

    Args:
        beaten: Of models that do, or do not, alone; None: of all.
    """
    gains, sentences = list_gains(evaluation), list[str]()
    for arm in evaluation.compared or ARM_WORDS:
        if arm not in evaluation.arms:
            continue
        name = arm
        if evaluation.compared is None:
            # What was chosen in each fold is called the best of its kind already.
            title, best = (
                _title(evaluation.arms[arm].model, evaluation),
                f"the best {ARM_WORDS[arm]}",
            )
            name = title if title.startswith(best) else f"{best} ({title})"
        rows = [row for row in gains if row.model == arm]
        sentences += _say_beaten(evaluation, name, rows, beaten=beaten)
    return tuple(sentences)


def _describe_unbeaten_in_finding(evaluation: Evaluation) -> Iterator[str]:
    """Yield what the contender among the finders is not shown to beat."""
    if (finding := evaluation.finding) is not None:
        name = f"in finding, the {evaluation.words_of(finding.contender)}"
        gains = evaluation.figures.select(analysis=FINDING_BASELINES).rows
        nothing = say("unbeaten.nothing_marked")
        yield from _say_beaten(evaluation, name, gains, chance=nothing, beaten=False)


def _say_beaten(
    evaluation: Evaluation,
    name: str,
    gains: Sequence[FigureRow],
    chance: str = "chance",
    *,
    beaten: bool | None,
) -> Iterator[str]:
    """Yield which simple baselines something is not shown to beat, or that it beats all of them."""
    known = [gain for gain in gains if gain.low is not None]
    lost = [gain for gain in known if not beats_baseline(gain)]
    if known and beaten is not bool(lost):
        titles = [
            chance if gain.versus == VERSUS_CHANCE else _title(gain.versus, evaluation)
            for gain in lost or known
        ]
        baselines = join(titles, "or" if lost else "and")
        yield say("unbeaten.fails" if lost else "unbeaten.beats", name=name, baselines=baselines)
