"""Situations that a run can end in, each as a record, with the decision and the sentence to read.

`docs/explanation/verdicts.md` shows the same table; a test compares the two.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

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
    Contender,
    Decision,
    Evaluation,
)
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.evaluation.results import ModelResult
from skiagram.evaluation.sites import SITES
from skiagram.evaluation.verdict import state_verdict
from skiagram.records.cases import Task
from skiagram.records.predictions import Outcome
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import gain_probabilities
from skiagram.statistics.variation import Variation
from tests.evaluation.model_results import make_result

NETWORK, CLASSICAL, RULE = "small_cnn", "random_forest", "single_feature"
ENCODER = "encoder_head"
_TITLES = {
    NETWORK: "Small CNN",
    ENCODER: "Logistic regression on DINOv2 S",
    CLASSICAL: "Random forest",
    RULE: "Logistic regression on one feature",
}
Interval = tuple[float, float]


def over_sites(mean: float, low: float, high: float, reach: float) -> tuple[FigureRow, ...]:
    """Return five sites whose mean difference has that interval, and the reach to the next one."""
    row = partial(make_row, analysis=SITES, model="deep", versus="classical")
    each = [row(estimated(mean), figure="roc_auc", group=f"site {k}") for k in range(5)]
    following = Estimate(mean, mean - reach, mean + reach)
    summary = (
        row(Estimate(mean, low, high), figure="mean"),
        row(following, figure="next_site"),
    )
    return (*each, *summary)


def estimated(value: float, half: float = 0.04) -> Estimate:
    return Estimate(value, value - half, value + half, "logit DeLong")


def against(arm: str, auc: Estimate, rule: Interval | None, group: str) -> Iterator[FigureRow]:
    row = partial(make_row, analysis=SIMPLE_RULES, figure="roc_auc", model=arm, group=group)
    above = Estimate((auc.value or 0) - 0.5, (auc.low or 0) - 0.5, (auc.high or 0) - 0.5)
    yield row(above, versus="prevalence")
    if rule is not None:
        yield row(Estimate((rule[0] + rule[1]) / 2, *rule), versus=RULE)


def compared(
    difference: Estimate,
    aucs: dict[str, Estimate],
    counts: tuple[int, int] = (400, 200),
    *,
    margin: float = 0.02,
    trainings: int = 5,
    group: str = "",
) -> Iterator[FigureRow]:
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
    low: float,
    high: float,
    *,
    network: Estimate | None = None,
    classical: Estimate | None = None,
    rules: tuple[Interval, Interval] | None = None,
    trainings: int = 5,
    group: str = "",
    counts: tuple[int, int] = (400, 200),
    figures: tuple[FigureRow, ...] = (),
    **changes: Any,
) -> Evaluation:
    """Return the record of a run whose paired difference has the interval `low` to `high`."""
    value = (low + high) / 2
    one = network or estimated(0.85 + value)
    other = classical or estimated(0.85)
    difference = Estimate(value, low, high, "paired DeLong")
    margin, aucs = changes.get("margin", 0.02), {"deep": one, "classical": other}
    of_rules = zip(aucs.items(), rules or (None, None), strict=True)
    found = Evaluation(
        task=Task(("normal", "abnormal"), 1, "holdout"),
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


def model(name: str, arm: Any, auc: Estimate, *, leaked: bool = False) -> ModelResult:
    outcome = Outcome(name, arm, _TITLES[name], "finished")
    above = Estimate(0.04, 0.01, 0.07) if leaked else None
    return make_result(outcome, {"roc_auc": auc}, auc, limits={"above_ideal": above})


def changed(found: Evaluation, change: Callable[[FigureRow], FigureRow | None]) -> Evaluation:
    """Return the record with other rows of figures; those changed to None are left out."""
    rows = tuple(new for row in found.figures.rows if (new := change(row)) is not None)
    return replace(found, figures=FigureTable(rows))


def with_duplicates(found: Evaluation, low: float, high: float) -> Evaluation:
    """Return the record with 52 near duplicates, without which the difference is another."""
    clean = record(low, high, group=OFF_NEAR_DUPLICATES, counts=(348, 174))
    rows = (*found.figures.rows, *clean.figures.rows)
    return replace(found, near_duplicates=52, figures=FigureTable(rows))


def with_encoder(found: Evaluation, contender: Contender, *, missing: str = "") -> Evaluation:
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


def encoder_failed() -> Evaluation:
    """Return the record of a run that was to compare encoders alone, none of which was trained."""
    found = with_encoder(record(0.0, 0.1), "encoder", missing="encoder")
    return changed(found, lambda row: None if row.analysis == PRIMARY else row)


def leaking() -> Evaluation:
    found = record(0.03, 0.09)
    return replace(
        found, models=(model(NETWORK, "deep", estimated(0.9), leaked=True), *found.models[1:])
    )


def equal() -> Evaluation:
    return record(0.0, 0.0)


def without(arm: str, *, asked: bool) -> Evaluation:
    found = record(0.0, 0.1)
    kept = [one for one in found.models if asked or one.outcome.arm != arm]
    arms = {name: chosen for name, chosen in found.arms.items() if name != arm}
    found = changed(found, lambda row: None if row.analysis == PRIMARY else row)
    return replace(found, models=tuple(kept), arms=arms)


def several_classes() -> Evaluation:
    return record(0.03, 0.09, task=Task(("a", "b", "c"), None, "holdout"))


def cross_validated() -> Evaluation:
    return record(-0.05, 0.015, task=Task(("normal", "abnormal"), 1, "cv"), trainings=1)


BARE = Estimate(0.05, method="no interval: too few patients of a class to resample")


def unseen(instead: Estimate = BARE) -> Evaluation:
    """Return a record whose primary comparison has another difference, and no probabilities."""

    def change(row: FigureRow) -> FigureRow | None:
        if row.analysis != PRIMARY or not row.versus or row.figure == "trainings":
            return row
        return replace(row, **vars(instead)) if row.figure == "roc_auc" else None

    return changed(record(0.0, 0.1), change)


def one_class() -> Evaluation:
    return unseen(Estimate(None, reason="no reported case of class abnormal"))


def of_sides(
    analysis: str, name: str, known: float, tested: float, difference: Estimate, p_holm: float
) -> tuple[FigureRow, ...]:
    """Return what is compared between the sides; of shifts the name is that of a model."""
    figure, model = ("roc_auc", name) if analysis == SHIFTS else (name, "")
    row = partial(make_row, analysis=analysis, figure=figure, model=model)
    return (
        row(difference, versus=DEVELOPMENT, p_holm=p_holm),
        row(Estimate(tested)),
        row(Estimate(known), group=DEVELOPMENT),
    )


def classified(auc: Estimate, differing: int) -> tuple[FigureRow, ...]:
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


def stopped_early() -> Evaluation:
    """Return a record whose network learned from fewer cases than the classical models."""
    found = record(-0.05, 0.015)
    network = replace(found.models[0].outcome, set_aside=0.15)
    return replace(found, models=(replace(found.models[0], outcome=network), *found.models[1:]))


def uncertain_rule() -> Evaluation:
    """Return a record whose network is better than the rule before correction alone."""
    found = record(0.03, 0.09, rules=((0.001, 0.05), (-0.06, 0.01)))
    return changed(
        found, lambda row: replace(row, p=0.04, p_holm=0.08) if row.versus == RULE else row
    )


@dataclass(frozen=True)
class Situation:
    """A situation.

    Attributes:
        name: What is the case, for people.
        found: The record.
        decision: What the verdict must decide.
        says: What it must say, part by part.
    """

    name: str
    found: Evaluation
    decision: Decision
    says: Sequence[str]


_NOT_CHANCE = estimated(0.54, 0.06)

SITUATIONS: tuple[Situation, ...] = (
    Situation(
        "The network gains more than the margin",
        record(0.03, 0.09), "yes",
        ("of a gain above 0.020: above 99 %",
         "Use a network: yes. The network is better: a gain below 0.030 is unlikely",
         "default of 0.020"),
    ),
    Situation(
        "The same, with one training of each model",
        record(0.03, 0.09, trainings=0), "yes",
        ("Use a network: yes, judged by single trainings.",),
    ),
    Situation(
        "The network is better, perhaps by less than the margin",
        record(0.005, 0.09), "open",
        ("Use a network: open.", "whether by the default of 0.020 that counts as worthwhile"),
    ),
    Situation(
        "The network is better, by less than the margin",
        record(0.002, 0.015), "no",
        ("Use a network: no.", "The network is better, but a gain above 0.015 is unlikely"),
    ),
    Situation(
        "The two are alike within the margin",
        record(-0.01, 0.015), "no",
        ("A gain above 0.015 is unlikely (95 % interval)", "the two are alike"),
    ),
    Situation(
        "A worthwhile gain is unlikely, a loss is not",
        record(-0.05, 0.015), "no",
        ("A gain above 0.015 is unlikely", "the network may be 0.050 worse"),
    ),
    Situation(
        "A loss is unlikely, a gain is not",
        record(-0.01, 0.05), "open",
        ("No advantage of the network is shown and none is excluded", "a loss above 0.010"),
    ),
    Situation(
        "Too few patients to tell",
        record(-0.06, 0.05), "open",
        ("No difference is shown, which is not the same as equality", "More patients"),
    ),
    Situation(
        "The classical model is better",
        record(-0.05, -0.005), "no",
        ("The classical model is better, by 0.005 to 0.050 (95 % interval).",),
    ),
    Situation(
        "The classical model is better by more than the margin",
        record(-0.09, -0.03), "no",
        ("The classical model is better, by more than the default of 0.020",),
    ),
    Situation(
        "Neither is shown to beat chance, few patients",
        record(-0.08, 0.1, network=_NOT_CHANCE, classical=estimated(0.53, 0.06)), "open",
        ("No model works on these data", "Look at the labels"),
    ),
    Situation(
        "Neither is shown to beat chance, many patients",
        record(-0.012, 0.014, network=estimated(0.505, 0.01), classical=estimated(0.504, 0.01)),
        "no",
        ("No model works on these data", "means nothing"),
    ),
    Situation(
        "Both are below chance, one far below",
        record(0.1, 0.32, network=estimated(0.424, 0.07), classical=estimated(0.212, 0.1)), "no",
        ("No model works", "Both put", "worse than chance"),
    ),
    Situation(
        "Only the classical model is not shown to beat chance",
        record(0.06, 0.2, network=estimated(0.67, 0.08), classical=_NOT_CHANCE), "yes",
        ("Use a network: yes. The classical model is not shown to beat chance.",),
    ),
    Situation(
        "Only the network is not shown to beat chance",
        record(-0.2, -0.02, network=_NOT_CHANCE, classical=estimated(0.65, 0.08)), "no",
        ("Use a network: no. The network is not shown to beat chance.",),
    ),
    Situation(
        "Neither is shown to beat one feature",
        record(0.03, 0.09, rules=((-0.01, 0.05), (-0.06, 0.01))), "open",
        ("Use a network: open. Neither is shown to beat a simple rule",),
    ),
    Situation(
        "One feature is better than both",
        record(0.03, 0.09, rules=((-0.12, -0.04), (-0.18, -0.1))), "no",
        ("Use a network: no. A simple rule, Logistic regression on one feature, is better than",
         "Of the two, the network is better"),
    ),
    Situation(
        "The network beats the classical model and not one feature",
        record(0.03, 0.09, rules=((-0.02, 0.01), (0.01, 0.1))), "no",
        ("The network is not shown to beat a simple rule",),
    ),
    Situation(
        "The two order all cases alike",
        equal(), "no",
        ("the difference is exactly 0, as the two order all cases alike",),
    ),
    Situation(
        "The margin was set by somebody",
        record(0.03, 0.09, margin=0.05), "open",
        ("whether by the margin of 0.050 that counts as worthwhile",),
    ),
    Situation(
        "More than two classes",
        several_classes(), "yes",
        ("the macro one-vs-rest AUC 0.910", "mean of 5 trainings"),
    ),
    Situation(
        "Cross-validation",
        cross_validated(), "no",
        ("Use a network: no. A gain above 0.015", "On these 400 cases, cross-validated,"),
    ),
    Situation(
        "No patient is identified",
        record(0.03, 0.09, patients_known=False), "yes",
        ("200 groups of near duplicates (no patient is identified)",),
    ),
    Situation(
        "Near duplicates between the two sides, another decision without them",
        with_duplicates(record(0.03, 0.09), -0.02, 0.05), "open",
        ("On these 348 sealed test cases of 174 patients without a near duplicate",
         "With the 52 others, which a model may only remember, the difference is +0.060",
         'which would read "yes"'),
    ),
    Situation(
        "Near duplicates, without which nothing is left to compare",
        record(0.03, 0.09, near_duplicates=52), "open",
        ("without them nothing can be compared: the figures are too good",),
    ),
    Situation(
        "One external site",
        record(0.03, 0.09, test_sites=("York",)), "yes",
        ("of York, a site that training never saw; one site says nothing about the next.",),
    ),
    Situation(
        "Each site left out in turn, and the sites differ",
        record(0.03, 0.09, site_column="site", figures=over_sites(0.05, 0.01, 0.09, 0.11)), "yes",
        ("Over 5 values of site, each scored by models that never saw it, the difference is +0.050",
         "at another such one the difference lies, with 95 % probability, between −0.060 and"),
    ),
    Situation(
        "The test cases are unlike the development cases",
        record(-0.03, 0.01, figures=SHIFTED), "no",
        ("Use a network: no. The test cases are unlike the development cases",
         "Small CNN 0.969 instead of 0.994"),
    ),
    Situation(
        "The same, with what differs",
        record(0.03, 0.09, figures=(*SHIFTED, *DARKER)), "yes",
        ("What differs: share of abnormal 62 % instead of 73 % and brightness, median 88.5 instead",
         "Without labels, a classifier on the features tells test from development cases with an "
         "AUC of 0.930 (95 % interval 0.900 to 0.960), most by glcm_contrast."),
    ),
    Situation(
        "The same, and nothing tells why",
        record(0.03, 0.09, figures=(*SHIFTED, *ALIKE)), "yes",
        ("Neither classes, covariates, brightness, size nor the features tell why.",),
    ),
    Situation(
        "Figures on the test cases are better than before",
        record(0.03, 0.09, figures=EASIER), "yes",
        ("Use a network: yes. The AUC on the test cases is higher than on held-out development",
         "(Small CNN 0.994 instead of 0.969): the test cases are easier, or training on all"),
    ),
    Situation(
        "The network learned from fewer cases, as some decided when it stopped",
        stopped_early(), "no",
        ("The network learned from 85 % of the cases",),
    ),
    Situation(
        "The network beats one feature only before p values are corrected",
        uncertain_rule(), "open",
        ("Neither is shown to beat a simple rule",),
    ),
    Situation(
        "A frozen encoder stands against the classical models, and gains more than the margin",
        with_encoder(record(0.03, 0.09), "encoder"), "yes",
        ("Use a frozen encoder: yes. The frozen encoder is better",
         "the best frozen encoder (Logistic regression on DINOv2 S) has the AUC 0.910 and the best "
         "classical model (Random forest) 0.850"),
    ),
    Situation(
        "A frozen encoder is not shown to beat one feature",
        with_encoder(record(0.03, 0.09, rules=((-0.02, 0.01), (0.01, 0.1))), "encoder"), "no",
        ("Use a frozen encoder: no. The frozen encoder is not shown to beat a simple rule",),
    ),
    Situation(
        "There are frozen encoders, and a network did better before the labels were opened",
        with_encoder(record(-0.01, 0.015), "deep"), "no",
        ("Use a trained network: no.", "the best trained network (Small CNN) has the AUC"),
    ),
    Situation(
        "Cross-validation: some folds chose a network and others a frozen encoder",
        with_encoder(cross_validated(), "either"), "no",
        ("Use a deep model (a trained network or a frozen encoder): no.",
         "the deep model may be 0.050 worse",
         "the best deep model of each fold (Small CNN in 5 folds and Logistic regression on "
        "DINOv2 S in 4)"),
    ),
    Situation(
        "Frozen encoders were to be compared, and none could be trained",
        encoder_failed(), "none",
        ("No comparison", "no frozen encoder could be scored."),
    ),
    Situation(
        "A model is above the ideal observer",
        leaking(), "none",
        ("No verdict: Small CNN", "by more than chance explains in 97.5 % of runs"),
    ),
    Situation(
        "The network could not be trained",
        without("deep", asked=True), "none",
        ("No comparison", "no network could be scored."),
    ),
    Situation(
        "No network was asked for",
        without("deep", asked=False), "none",
        ("no network was asked for.",),
    ),
    Situation(
        "Too few patients for an interval",
        unseen(), "open",
        ("No interval can be given: too few patients of a class",),
    ),
    Situation(
        "A class is missing among the reported cases",
        one_class(), "none",
        ("No comparison", "no reported case of class abnormal."),
    ),
)  # fmt: skip


_FIGURES = re.compile(r" 0\.\d+ and the best classical.*?: the difference is [^e].*?\(.*?\)\.")


def row(situation: Situation) -> str:
    """Return a situation as a row of the table in the documentation.

    Beside the decision only the sentences stand there that the situation is about, without AUCs.
    """
    verdict = state_verdict(situation.found)
    parts = (*verdict.openings, *verdict.reasons)
    about = [part for part in parts if any(said in part for said in situation.says)]
    shown = " ".join(dict.fromkeys((verdict.headline, *about)))
    return f"| {situation.name} | {_FIGURES.sub(' …', shown)} |"


if __name__ == "__main__":
    print(*(row(each) for each in SITUATIONS), sep="\n")  # noqa: T201
