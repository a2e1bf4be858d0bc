"""Models of a time to an event are measured, compared with simple baselines, and answered for."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skiagram.evaluation import evaluate as of_run
from skiagram.evaluation.criteria import is_nothing_of_use
from skiagram.evaluation.evaluation_record import (
    EXTERNAL,
    PRIMARY,
    PROBABILITIES,
    SECONDARY,
    SIMPLE_BASELINES,
    VERSUS_CHANCE,
    Evaluation,
)
from skiagram.evaluation.external import (
    COHORT,
    HELD_OUT,
    OUT_OF_FOLD,
    UPDATED,
    compare_with_development,
)
from skiagram.evaluation.options import DEFAULTS, NO_REQUESTS
from skiagram.evaluation.results import METRICS
from skiagram.evaluation.scores import make_scores_table
from skiagram.records.files import read_record, write_record
from skiagram.records.predictions import scores_of
from tests.evaluation.model_results import with_outcome
from tests.models.classical.families import model
from tests.tasks.cohort import (
    another_cohort,
    make_numbers,
    sealed_half,
    train_all,
    train_models,
)

OPTIONS = replace(DEFAULTS, analyses=replace(NO_REQUESTS, simple_rules=("volume",)))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    columns = {"cox": None, "volume": ("volume",)}
    return train_models(folder, **columns, noise=("noise",))


@pytest.fixture(scope="module")
def found(inputs):
    """Return the evaluation of all models, with a pair that somebody asked for."""
    return evaluate(inputs)


def evaluate(inputs, options=OPTIONS, at_home=None):
    evaluation = of_run.evaluate(inputs, options, seed=0)
    if at_home is None:
        return evaluation
    return compare_with_development(evaluation, at_home, inputs, options, 0)


def reverse(model, rows=slice(None)):
    """Return a model of times whose scores say the contrary, in some rows or in all."""
    table = model.table.copy()
    table.loc[rows, "score_0"] *= -1
    return replace(model, table=table)


def as_networks(inputs, *networks, baseline=True):
    """Return the models with some of them called networks, and without the baseline if asked."""
    models = [
        with_outcome(model, arm="deep") if model.outcome.model in networks else model
        for model in inputs.models
        if baseline or model.outcome.model != "volume"
    ]
    return replace(inputs, models=tuple(models))


def test_what_tells_the_hazard_is_found_and_beats_the_baseline(found, tmp_path):
    of_primary = found.table.select(analysis=METRICS, figure="concordance")
    assert of_primary.by_model("concordance")["cox"].low > 0.6
    noise = of_primary.by_model("concordance")["noise"]
    assert noise.low < 0.5 < noise.high
    assert found.best == {"classical": "cox"}
    gap = found.figures.find(analysis=SIMPLE_BASELINES, model="classical", versus="volume")
    assert gap.low > 0.02
    assert found.answer.decision == "none"
    assert found.figures.find(analysis=SECONDARY, model="cox", versus="noise").low > 0
    write_record(found, tmp_path / "evaluation.json")
    assert read_record(Evaluation, tmp_path / "evaluation.json") == found


def test_where_nothing_is_shown_to_beat_chance_no_model_works(inputs):
    evaluation = evaluate(replace(inputs, models=inputs.models[2:]))
    assert is_nothing_of_use(evaluation)
    assert any("No simple baseline" in warning for warning in evaluation.warnings)
    with_baseline = evaluate(replace(inputs, models=inputs.models[1:]))
    assert with_baseline.answer.decision != "yes"
    reached = with_baseline.table.find(analysis=METRICS, model="volume", figure="concordance")
    assert is_nothing_of_use(with_baseline) == (reached.low <= 0.5)


def test_a_network_that_gains_is_used_by_the_rules_of_every_task(inputs):
    evaluation = evaluate(as_networks(inputs, "cox"))
    assert evaluation.answer.headline == "Use a network: yes."
    assert evaluation.arms["deep"].model == "cox"
    sealed = evaluate(as_networks(sealed_half(inputs), "cox"))
    assert "judged by single trainings" in sealed.answer.headline
    primary = sealed.figures.select(analysis=PRIMARY)
    shares = [primary.find(figure=name).value for name in PROBABILITIES]
    assert sum(shares) == pytest.approx(1)
    assert shares[0] > 0.9
    assert primary.find(figure="detectable").value > 0.02


def test_a_network_at_chance_is_never_used(inputs):
    # Its classical opponent is worse than chance, so that the difference alone says yes.
    cox, *others = inputs.models
    both = replace(inputs, models=(reverse(cox), *others))
    evaluation = evaluate(as_networks(both, "noise", baseline=False))
    assert evaluation.difference.low > 0.02
    assert evaluation.answer.decision != "yes"
    assert is_nothing_of_use(evaluation)


def test_of_an_error_less_is_a_gain_and_the_rule_without_features_is_chance(tmp_path):
    names = ("logistic_regression", "null_model")
    numbers = train_all(tmp_path, make_numbers(), {name: model(name) for name in names})
    regression, same = numbers.models
    rival = with_outcome(same, model="rival")
    compared = replace(numbers, models=(regression, same, rival))
    found = evaluate(as_networks(compared, "logistic_regression"))
    (gap,) = found.figures.select(
        analysis=SIMPLE_BASELINES, model="deep", versus=VERSUS_CHANCE
    ).rows
    assert gap.high < 0  # an error: below 0 is better
    assert not is_nothing_of_use(found)
    primary = found.figures.select(analysis=PRIMARY)
    assert primary.find(figure="absolute_error", versus="classical").high < 0
    assert primary.find(figure="above_margin").value > 0.99
    flat = replace(numbers, models=(replace(regression, table=same.table), same))
    assert is_nothing_of_use(evaluate(as_networks(flat, "logistic_regression")))


@pytest.mark.parametrize(("share", "decision"), [(1.0, "open"), (0.5, "yes")])
def test_the_answer_follows_the_cases_without_copies(share, decision, inputs):
    held_out = as_networks(sealed_half(inputs), "cox")
    tested = held_out.cases.test().case_id
    copied = tested[: round(share * len(tested))]
    known = np.resize(held_out.cases.development().case_id, len(copied))
    pairs = pd.DataFrame({"first": copied, "second": known})
    evaluation = evaluate(replace(held_out, duplicates=pairs))
    assert evaluation.near_duplicates == len(copied)
    assert evaluation.answer.decision == decision


def test_test_cases_unlike_the_others_are_said_first(inputs):
    held_out = sealed_half(inputs)
    cox, *others = held_out.models
    shifted = replace(held_out, models=(reverse(cox, cox.table["part"] == "test"), *others))
    answer = evaluate(as_networks(shifted, "cox")).answer
    assert "unlike the development set" in answer.openings[0]
    assert "unlike" not in " ".join(evaluate(as_networks(held_out, "cox")).answer.openings)


def naive_concordance(cohort, cases):
    """Return C of the first model on the test cases, whose times are those of some cases."""
    scored = cohort.models[0].part("test").set_index("case_id")
    risk = scores_of(scored.loc[cohort.cases.test().case_id.tolist()])[:, 0]
    before = (cases.value[:, None] < cases.value[None]) & (cases.label == 1)[:, None]
    wins = (risk[:, None] > risk[None]) + 0.5 * (risk[:, None] == risk[None])
    return float(wins[before].mean())


def test_another_cohort_stands_beside_the_development_cases(inputs, found):
    at_home, cohort = found, another_cohort(inputs)
    evaluation = evaluate(cohort, at_home=at_home)
    assert evaluation.is_external
    assert not at_home.is_external
    figures = evaluation.figures
    reached = evaluation.find_result("cox").find("concordance")
    assert reached.value == pytest.approx(naive_concordance(cohort, inputs.cases))
    before, known = (
        {name: row.value for name, row in rows.by_model("concordance").items()}
        for rows in (
            figures.select(analysis=EXTERNAL, group=OUT_OF_FOLD, versus=""),
            at_home.table.select(analysis=METRICS),
        )
    )
    assert before == known
    assert evaluation.best == at_home.best
    assert "of another cohort" in evaluation.verdict


def test_calibration_is_updated_on_other_patients_of_the_cohort(inputs, found):
    at_home, cohort = found, another_cohort(inputs)
    sealed = cohort.sealed.assign(value=2.0 * cohort.sealed["value"])  # half the hazard
    late = replace(cohort, sealed=sealed)
    figures = evaluate(late, at_home=at_home).figures

    def of_cox(side, figure):
        rows = figures.select(analysis=EXTERNAL, model="cox", group=side).rows
        named = (row for row in rows if row.figure.partition(" ")[0] == figure)
        return [abs(row.value) for row in named if row.value is not None]

    now, before = (of_cox(side, "expected_minus_observed") for side in (UPDATED, COHORT))
    assert len(now) == len(before) == 3
    assert max(now) < 0.05
    assert sum(now) < 0.2 * sum(before)
    assert of_cox(UPDATED, "concordance") == of_cox(COHORT, "concordance")


def test_sealed_test_cases_are_reported_and_choose_nothing(inputs):
    held_out = sealed_half(inputs)
    evaluation = evaluate(held_out)
    assert re.search("90 sealed test cases with [0-9]+ events of 90 patients", evaluation.verdict)
    assert not evaluation.is_external
    found = evaluation.find_result("cox").find("concordance")
    assert found.value == pytest.approx(naive_concordance(held_out, inputs.cases))
    turned = held_out.sealed.assign(value=held_out.sealed["value"].to_numpy()[::-1])
    again = evaluate(replace(held_out, sealed=turned))
    assert again.best == evaluation.best
    table = make_scores_table(held_out.models, held_out.cases, held_out.task, held_out.sealed)
    assert table["value"].tolist() == held_out.sealed["value"].tolist()
    # Beside a cohort they are called so.
    both = compare_with_development(evaluation, evaluation, held_out, OPTIONS, 0)
    figures = both.figures.select(analysis=EXTERNAL, model="cox", figure="concordance")
    sides = {row.group: row.value for row in figures.rows}
    assert list(sides) == [OUT_OF_FOLD, HELD_OUT, COHORT, UPDATED]
    assert sides[HELD_OUT] == found.value != sides[OUT_OF_FOLD]


def test_chance_is_asked_of_a_number_whose_null_model_nobody_trained(tmp_path):
    """A network of noise beside a reversed classical model had a *yes* in 30 of 30 data sets."""
    models = {name: model("logistic_regression", columns=(name,)) for name in ("signal", "noise")}
    models["null_model"] = model("null_model")
    trained = train_all(tmp_path, make_numbers(), models)
    signal, noise, _ = trained.models
    turned = signal.table.copy()
    told = [name for name in turned if name.startswith("probability_")]
    turned[told] = 2 * 170 - turned[told]
    known = replace(trained, models=(replace(signal, table=turned), noise))
    found = evaluate(as_networks(known, "noise"))
    assert found.difference.high < -found.margin  # an error: the difference alone says yes
    assert found.answer.decision != "yes"
    assert is_nothing_of_use(found)
    (chance,) = found.table.select(analysis=METRICS, model="null_model").rows
    of_trained = evaluate(trained).find_result("null_model").find("absolute_error")
    assert chance.value == pytest.approx(of_trained.value, rel=1e-3)
