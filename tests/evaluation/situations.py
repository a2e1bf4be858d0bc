"""Situations that a run can end in, each as a record.

`docs/results/tables/verdicts.csv` has the decision and sentences of each; a test reads them there.
"""

from dataclasses import replace
from functools import partial

from skiagram.evaluation.evaluation_record import (
    DEVELOPMENT,
    DOMAIN,
    FEATURES,
    NUMBERS,
    OFF_NEAR_DUPLICATES,
    PRIMARY,
    PROBABILITIES,
    SHARES,
    SHIFTS,
    SIMPLE_RULES,
    ArmChoice,
    Evaluation,
)
from skiagram.evaluation.figure_table import FigureTable, make_row
from skiagram.evaluation.sites import SITES
from skiagram.records.predictions import Outcome
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import MORE_TRAININGS, gain_probabilities
from skiagram.statistics.variation import Variation
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.evaluation.model_results import make_result, with_metrics

NETWORK, CLASSICAL, RULE = "small_cnn", "random_forest", "single_feature"
ENCODER = "encoder_head"
_TITLES = {
    NETWORK: "Small CNN",
    ENCODER: "Logistic regression on DINOv2 S",
    CLASSICAL: "Random forest",
    RULE: "Logistic regression on one feature",
}


def over_sites(mean, low, high, reach):
    """Return five sites whose mean difference has that interval, and the reach to the next one."""
    row = partial(make_row, analysis=SITES, model="deep", versus="classical")
    each = [row(estimated(mean), figure="roc_auc", group=f"site {k}") for k in range(5)]
    following = Estimate(mean, mean - reach, mean + reach)
    summary = (
        row(Estimate(mean, low, high), figure="mean"),
        row(following, figure="next_site"),
    )
    return (*each, *summary)


def estimated(value, half=0.04):
    return Estimate(value, value - half, value + half, "logit DeLong")


_NOT_CHANCE = estimated(0.54, 0.06)


def against(arm, auc, rule, group):
    row = partial(make_row, analysis=SIMPLE_RULES, figure="roc_auc", model=arm, group=group)
    above = Estimate(auc.value - 0.5, auc.low - 0.5, auc.high - 0.5)
    yield row(above, versus="prevalence")
    if rule is not None:
        yield row(Estimate((rule[0] + rule[1]) / 2, *rule), versus=RULE)


def compared(
    difference,
    aucs,
    counts=(400, 200),
    *,
    margin=0.02,
    trainings=5,
    group="",
):
    """Yield the primary comparison; 0 trainings are single ones."""
    row = partial(make_row, analysis=PRIMARY, group=group)
    paired = partial(row, model="deep", versus="classical")
    yield paired(difference, figure="roc_auc")
    yield from (row(auc, figure="roc_auc", model=arm) for arm, auc in aucs.items())
    for figure, count in zip(("cases", "patients"), counts, strict=True):
        yield row(Estimate(count), figure=figure)
    if trainings:
        yield paired(Estimate(trainings), figure="trainings")
    if difference.low is None or difference.high is None:
        return
    error = Variation(((difference.high - difference.low) / 2 / 1.959964) ** 2)
    gain = gain_probabilities(difference, error, margin)
    if gain is not None:
        shares = (gain.above, gain.within, gain.worse)
        for figure, share in zip(PROBABILITIES, shares, strict=True):
            yield paired(Estimate(share), figure=figure)


def record(
    low,
    high,
    *,
    network=None,
    classical=None,
    rules=None,
    trainings=5,
    group="",
    counts=(400, 200),
    figures=(),
    **changes,
):
    """Return the record of a run whose paired difference has the interval `low` to `high`."""
    value = (low + high) / 2
    one = network or estimated(0.85 + value)
    other = classical or estimated(0.85)
    difference = Estimate(value, low, high, "paired DeLong")
    margin, aucs = changes.get("margin", 0.02), {"deep": one, "classical": other}
    of_rules = zip(aucs.items(), rules or (None, None), strict=True)
    found = Evaluation(
        task=Task(Classes(("normal", "abnormal"), 1), "holdout"),
        cases={"development": {"normal": 400, "abnormal": 400},
               "reported": {"normal": 200, "abnormal": 200}},
        patients={"development": 400, "reported": 200},
        near_duplicates=0,
        models=(
            model(NETWORK, "deep", one), model(CLASSICAL, "classical", other),
            model(RULE, "classical", estimated(0.7)),
        ),
        arms={
            "deep": ArmChoice(NETWORK, {NETWORK: 1}, 1),
            "classical": ArmChoice(CLASSICAL, {CLASSICAL: 1}, 1),
        },
        figures=FigureTable((
            *compared(difference, aucs, counts, margin=margin, trainings=trainings, group=group),
            *(row for of, rule in of_rules for row in against(*of, rule, group)),
            *figures,
        )),
    )  # fmt: skip
    return replace(found, **changes)


def model(name, arm, auc, *, leaked=False):
    outcome = Outcome(name, arm, _TITLES[name], "finished")
    above = Estimate(0.04, 0.01, 0.07) if leaked else None
    return make_result(outcome, {"roc_auc": auc}, auc, limits={"above_ideal": above})


def changed(found, change):
    """Return the record with other rows of figures; those changed to None are left out."""
    rows = tuple(new for row in found.figures.rows if (new := change(row)) is not None)
    return replace(found, figures=FigureTable(rows))


def with_wide_trainings(found):
    """Return the record whose trainings alone spread too wide for the margin."""
    nothing = Estimate(None, reason=MORE_TRAININGS)
    row = make_row(nothing, PRIMARY, "patients_to_detect", model="deep", versus="classical")
    return replace(found, figures=FigureTable((*found.figures.rows, row)))


def with_duplicates(found, low, high):
    """Return the record with 52 near duplicates, without which the difference is another."""
    clean = record(low, high, group=OFF_NEAR_DUPLICATES, counts=(348, 174))
    models = tuple(
        with_metrics(one, {found.off_copies: other.find("roc_auc")})
        for one, other in zip(found.models, clean.models, strict=True)
    )
    rows = (*found.figures.rows, *clean.figures.rows)
    return replace(found, near_duplicates=52, models=models, figures=FigureTable(rows))


def with_encoder(found, contender, *, missing=""):
    """Return the same run with a frozen encoder in it, and with what stands for it or instead."""
    encoder = model(ENCODER, "encoder", found.models[0].find("roc_auc"))
    standing = ENCODER if contender == "encoder" else NETWORK
    one = replace(found.arms["deep"], model=standing, chosen={standing: 1})
    if contender == "either":
        one = replace(one, chosen={NETWORK: 5, ENCODER: 4}, choices=9)
    found = changed(
        found, lambda row: replace(row, model=contender) if row.model == "deep" else row
    )
    arms = found.arms | {"encoder": replace(one, model=ENCODER, chosen={ENCODER: 1})}
    arms[contender] = one
    return replace(
        found,
        models=(found.models[0], encoder, *found.models[1:]),
        arms={arm: choice for arm, choice in arms.items() if arm != missing},
        contender=contender,
    )


def encoder_failed():
    """Return the record of a run that was to compare encoders alone, none of which was trained."""
    found = with_encoder(record(0.0, 0.1), "encoder", missing="encoder")
    return changed(found, lambda row: None if row.analysis == PRIMARY else row)


def leaking():
    found = record(0.03, 0.09)
    return replace(
        found, models=(model(NETWORK, "deep", estimated(0.9), leaked=True), *found.models[1:])
    )


def without(arm, *, asked, rules=None):
    found = record(0.0, 0.1, rules=rules)
    kept = [one for one in found.models if asked or one.outcome.arm != arm]
    arms = {name: chosen for name, chosen in found.arms.items() if name != arm}
    found = changed(found, lambda row: None if row.analysis == PRIMARY else row)
    return replace(found, models=tuple(kept), arms=arms)


def cross_validated():
    return record(-0.05, 0.015, task=Task(Classes(("normal", "abnormal"), 1), "cv"), trainings=1)


def unseen(instead):
    """Return a record whose primary comparison has another difference, and no probabilities."""

    def change(row):
        if row.analysis != PRIMARY or not row.versus or row.figure == "trainings":
            return row
        return replace(row, **vars(instead)) if row.figure == "roc_auc" else None

    return changed(record(0.0, 0.1), change)


def of_sides(analysis, name, known, tested, difference, p_holm):
    """Return what is compared between the sides; of shifts the name is that of a model."""
    figure, model = ("roc_auc", name) if analysis == SHIFTS else (name, "")
    row = partial(make_row, analysis=analysis, figure=figure, model=model)
    return (
        row(difference, versus=DEVELOPMENT, p_holm=p_holm),
        row(Estimate(tested)),
        row(Estimate(known), group=DEVELOPMENT),
    )


def classified(auc, differing):
    counts = {"features": 200, "differing_features": differing}
    rows = (make_row(Estimate(count), DOMAIN, figure) for figure, count in counts.items())
    return (make_row(auc, DOMAIN, "roc_auc"), *rows)


SHIFTED = of_sides(SHIFTS, NETWORK, 0.994, 0.969, Estimate(-0.025, -0.04, -0.01), 0.002)
EASIER = of_sides(SHIFTS, NETWORK, 0.969, 0.994, Estimate(0.025, 0.01, 0.04), 0.002)
SAME_HEIGHT = of_sides(NUMBERS, "height", 512.0, 512.0, Estimate(0.5), 1.0)
DARKER = (
    *classified(Estimate(0.93, 0.9, 0.96), 1),
    *of_sides(SHARES, "share of abnormal", 0.73, 0.62, Estimate(-0.11), 0.002),
    *of_sides(NUMBERS, "brightness", 120.0, 88.5, Estimate(0.2), 1e-7),
    *SAME_HEIGHT,
    *of_sides(FEATURES, "glcm_contrast", 2.1, 3.4, Estimate(0.8, 0.7, 0.9), 1e-7),
)
ALIKE = (*classified(Estimate(0.52, 0.46, 0.58), 0), *SAME_HEIGHT)


def stopped_early():
    found = record(-0.05, 0.015)
    network = replace(found.models[0].outcome, set_aside=0.15)
    return replace(found, models=(replace(found.models[0], outcome=network), *found.models[1:]))


def uncertain_rule():
    found = record(0.03, 0.09, rules=((0.001, 0.05), (-0.06, 0.01)))
    return changed(
        found, lambda row: replace(row, p=0.04, p_holm=0.08) if row.versus == RULE else row
    )


def useless_rule():
    """Return a run in which one feature is neither shown to beat chance nor to be beaten."""
    network, classical = estimated(0.62, 0.08), estimated(0.6, 0.08)
    found = record(
        -0.07, 0.11, network=network, classical=classical, rules=((-0.02, 0.18), (-0.04, 0.16))
    )
    return replace(found, models=(*found.models[:2], model(RULE, "classical", _NOT_CHANCE)))


def at_the_ceiling(low):
    """Return a run in which one number alone tells the classes apart, on few cases or on many."""
    best = Estimate(1.0, low, 1.0)
    found = record(-0.03, 0.03, network=best, classical=best, rules=((-0.03, 0.03), (-0.03, 0.03)))
    return replace(found, models=(*found.models[:2], model(RULE, "classical", best)))


SITUATIONS = {
    "The network gains more than the margin": record(0.03, 0.09),
    "The same, with one training of each model": record(0.03, 0.09, trainings=0),
    "The network is better, perhaps by less than the margin": record(0.005, 0.09),
    "The network is better, by less than the margin": record(0.002, 0.015),
    "The two are alike within the margin": record(-0.01, 0.015),
    "A worthwhile gain is unlikely, a loss is not": record(-0.05, 0.015),
    "A loss is unlikely, a gain is not": record(-0.01, 0.05),
    "Too few patients to tell": record(-0.06, 0.05),
    "Trainings spread too wide to tell": with_wide_trainings(record(-0.06, 0.05, trainings=2)),
    "The classical model is better": record(-0.05, -0.005),
    "The classical model is better by more than the margin": record(-0.09, -0.03),
    "Neither is shown to beat chance, few patients": record(
        -0.08, 0.1, network=_NOT_CHANCE, classical=estimated(0.53, 0.06)
    ),
    "Neither is shown to beat chance, many patients": record(
        -0.012, 0.014, network=estimated(0.505, 0.01), classical=estimated(0.504, 0.01)
    ),
    "Both are below chance, one far below": record(
        0.1, 0.32, network=estimated(0.424, 0.07), classical=estimated(0.212, 0.1)
    ),
    "Only the classical model is not shown to beat chance": record(
        0.06, 0.2, network=estimated(0.67, 0.08), classical=_NOT_CHANCE
    ),
    "Only the network is not shown to beat chance": record(
        -0.2, -0.02, network=_NOT_CHANCE, classical=estimated(0.65, 0.08)
    ),
    "Neither is shown to beat one feature": record(
        0.03, 0.09, rules=((-0.01, 0.05), (-0.06, 0.01))
    ),
    "Neither is shown to beat one feature, nor that to beat chance": useless_rule(),
    "One feature is better than both": record(0.03, 0.09, rules=((-0.12, -0.04), (-0.18, -0.1))),
    "The network beats the classical model and not one feature": record(
        0.03, 0.09, rules=((-0.02, 0.01), (0.01, 0.1))
    ),
    "One number alone tells the classes apart": at_the_ceiling(0.99),
    "The same, on few cases": at_the_ceiling(0.9),
    "A gain is excluded by one interval, and not by all together": record(-0.05, 0.019),
    "The two order all cases alike": record(0.0, 0.0),
    "The margin was set by somebody": record(0.03, 0.09, margin=0.05),
    "More than two classes": record(
        0.03, 0.09, task=Task(Classes(("a", "b", "c"), None), "holdout")
    ),
    "Cross-validation": cross_validated(),
    "No patient is identified": record(0.03, 0.09, patients_known=False),
    "Near duplicates between the two sides, another decision without them": with_duplicates(
        record(0.03, 0.09), -0.02, 0.05
    ),
    "Near duplicates, without which nothing is left to compare": record(
        0.03, 0.09, near_duplicates=52
    ),
    "One external site": record(0.03, 0.09, test_sites=("York",)),
    "Each site left out in turn, and the sites differ": record(
        0.03, 0.09, site_column="site", figures=over_sites(0.05, 0.01, 0.09, 0.11)
    ),
    "The test cases are unlike the development set": record(-0.03, 0.01, figures=SHIFTED),
    "The same, with what differs": record(0.03, 0.09, figures=(*SHIFTED, *DARKER)),
    "The same, and nothing tells why": record(0.03, 0.09, figures=(*SHIFTED, *ALIKE)),
    "Figures on the test cases are better than before": record(0.03, 0.09, figures=EASIER),
    "The network learned from fewer cases, as some decided when it stopped": stopped_early(),
    "The network beats one feature only before p values are corrected": uncertain_rule(),
    "A frozen encoder gains more than the margin over the classical models": with_encoder(
        record(0.03, 0.09), "encoder"
    ),
    "A frozen encoder is not shown to beat one feature": with_encoder(
        record(0.03, 0.09, rules=((-0.02, 0.01), (0.01, 0.1))), "encoder"
    ),
    "There are frozen encoders, and a network did better on the development set": with_encoder(
        record(-0.01, 0.015), "deep"
    ),
    "Cross-validation: some folds chose a network and others a frozen encoder": with_encoder(
        cross_validated(), "either"
    ),
    "Frozen encoders were to be compared, and none could be trained": encoder_failed(),
    "A model is above the ideal observer": leaking(),
    "The network could not be trained": without("deep", asked=True),
    "No network was asked for": without("deep", asked=False),
    "Too few patients for an interval": unseen(
        Estimate(0.05, method="no interval: too few patients of a class to resample")
    ),
    "A class is missing among the test cases": unseen(
        Estimate(None, reason="no scored case of class abnormal")
    ),
}
