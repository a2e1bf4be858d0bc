"""Situations that a run can end in, each as a record.

`docs/results/tables/verdicts.csv` has the decision and sentences of each; a test reads them there.
"""

from dataclasses import replace
from functools import partial

from skiagram.evaluation.evaluation_record import (
    OFF_NEAR_DUPLICATES,
    PRIMARY,
    PROBABILITIES,
    SIMPLE_BASELINES,
    ArmChoice,
    Evaluation,
)
from skiagram.evaluation.figure_table import FigureRow, FigureTable, make_row
from skiagram.records.predictions import Outcome
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.significance import MORE_TRAININGS, gain_probabilities
from skiagram.statistics.variation import Variation
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests.evaluation.model_results import make_result, with_metrics, with_rows
from tests.yaml_rows import as_record, read_yaml

NETWORK, CLASSICAL, BASELINE = "small_cnn", "random_forest", "single_feature"
ENCODER = "encoder_head"
_TITLES = {
    NETWORK: "Small CNN",
    ENCODER: "Logistic regression on DINOv2 S",
    CLASSICAL: "Random forest",
    BASELINE: "Logistic regression on one feature",
}


def estimated(value, half=0.04):
    return Estimate(value, value - half, value + half, "logit DeLong")


def against(arm, auc, over_baseline, group):
    row = partial(make_row, analysis=SIMPLE_BASELINES, figure="roc_auc", model=arm, group=group)
    above = Estimate(auc.value - 0.5, auc.low - 0.5, auc.high - 0.5)
    yield row(above, versus="prevalence")
    if over_baseline is not None:
        yield row(Estimate(sum(over_baseline) / 2, *over_baseline), versus=BASELINE)


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
    baselines=None,
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
    of_baselines = zip(aucs.items(), baselines or (None, None), strict=True)
    found = Evaluation(
        task=Task(Classes(("normal", "abnormal"), 1), "holdout"),
        cases={"development": {"normal": 400, "abnormal": 400},
               "reported": {"normal": 200, "abnormal": 200}},
        patients={"development": 400, "reported": 200},
        near_duplicates=0,
        models=(
            model(NETWORK, "deep", one), model(CLASSICAL, "classical", other),
            model(BASELINE, "classical", estimated(0.7)),
        ),
        arms={
            "deep": ArmChoice(NETWORK, {NETWORK: 1}, 1),
            "classical": ArmChoice(CLASSICAL, {CLASSICAL: 1}, 1),
        },
        figures=FigureTable((
            *compared(difference, aucs, counts, margin=margin, trainings=trainings, group=group),
            *(row for of, gain in of_baselines for row in against(*of, gain, group)),
            *figures,
        )),
    )  # fmt: skip
    return replace(found, **changes)


def model(name, arm, auc, *, leaked=False):
    outcome = Outcome(name, arm, _TITLES[name], "finished")
    above = Estimate(0.04, 0.01, 0.07) if leaked else None
    return make_result(outcome, {"roc_auc": auc}, auc, limits={"above_ideal": above})


def with_baseline(found, *auc):
    """Return the record whose simple baseline has another AUC."""
    baseline = model(BASELINE, "classical", Estimate(*auc))
    return replace(found, models=(*found.models[:2], baseline))


def changed(found, change):
    """Return the record with other rows of figures; those changed to None are left out."""
    rows = tuple(new for row in found.figures.rows if (new := change(row)) is not None)
    return replace(found, figures=FigureTable(rows))


def with_difference(found, analysis, figure, difference):
    """Return the record with another paired difference of the two arms."""

    def change(row):
        is_paired = (row.analysis, row.figure) == (analysis, figure) and row.versus == "classical"
        return replace(row, **vars(difference)) if is_paired else row

    return changed(found, change)


def with_wide_trainings(found):
    """Return the record whose trainings alone spread too wide for the margin."""
    nothing = Estimate(None, reason=MORE_TRAININGS)
    row = make_row(nothing, PRIMARY, "patients_to_detect", model="deep", versus="classical")
    return with_rows(found, row)


def with_duplicates(found, low, high):
    """Return the record with 52 near duplicates, without which the difference is another."""
    clean = record(low, high, group=OFF_NEAR_DUPLICATES, counts=(348, 174))
    models = tuple(
        with_metrics(one, {found.off_copies: other.find("roc_auc")})
        for one, other in zip(found.models, clean.models, strict=True)
    )
    rows = (*found.figures.rows, *clean.figures.rows)
    return replace(found, near_duplicates=52, models=models, figures=FigureTable(rows))


def with_encoder(found, contender):
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
        arms=arms,
        contender=contender,
    )


def leaking(found):
    leaked = model(NETWORK, "deep", estimated(0.9), leaked=True)
    return replace(found, models=(leaked, *found.models[1:]))


def without(found, arm, *, asked):
    """Return the record without a model for an arm: untrained if it was asked for."""
    kept = [one for one in found.models if asked or one.outcome.arm != arm]
    arms = {name: chosen for name, chosen in found.arms.items() if name != arm}
    found = changed(found, lambda row: None if row.analysis == PRIMARY else row)
    return replace(found, models=tuple(kept), arms=arms)


def unseen(found, **instead):
    """Return the record with another difference in its comparison, and no probabilities."""

    def change(row):
        if row.analysis != PRIMARY or not row.versus or row.figure == "trainings":
            return row
        return replace(row, **vars(Estimate(**instead))) if row.figure == "roc_auc" else None

    return changed(found, change)


def stopped_early(found):
    network = replace(found.models[0].outcome, set_aside=0.15)
    return replace(found, models=(replace(found.models[0], outcome=network), *found.models[1:]))


def with_uncertain_baseline(found):
    return changed(
        found, lambda row: replace(row, p=0.04, p_holm=0.08) if row.versus == BASELINE else row
    )


FIGURES = {
    name: as_record(tuple[FigureRow, ...], rows)
    for name, rows in read_yaml(__file__, "situation_figures.yaml").items()
}
CHANGES = {
    "duplicates": with_duplicates,
    "encoder": with_encoder,
    "leaking": leaking,
    "baseline": with_baseline,
    "stopped_early": stopped_early,
    "unasked": partial(without, asked=False),
    "uncertain_baseline": with_uncertain_baseline,
    "unseen": unseen,
    "untrained": partial(without, asked=True),
    "wide_trainings": with_wide_trainings,
}


def make_situation(
    difference, aucs=None, figures=(), design="holdout", classes=(), changes=None, **values
):
    """Return the record of a row of `situations.yaml`, which says what its parts are."""
    named = tuple(classes) or ("normal", "abnormal")
    task = Task(Classes(named, None if classes else 1), design)
    reached = {name: Estimate(*auc) for name, auc in (aucs or {}).items()}
    rows = [row for name in figures for row in FIGURES[name]]
    found = record(*difference, task=task, figures=rows, **reached, **values)
    for name, given in (changes or {}).items():
        if isinstance(given, dict):
            found = CHANGES[name](found, **given)
        else:
            found = CHANGES[name](found, *(given if isinstance(given, list) else [given]))
    return found


SITUATIONS = {name: make_situation(**row) for name, row in read_yaml(__file__).items()}
