"""Models of a time to an event are measured, compared with simple rules, and answered for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from skiagram.evaluation.evaluation_record import (
    DEVELOPMENT,
    DIFFERENCES,
    FIGURES,
    WORST,
    MeasuredEvaluation,
    read_evaluation,
)
from skiagram.evaluation.external import FEWEST_TO_UPDATE, UPDATED
from skiagram.evaluation.figure_table import FigureTable, make_row
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.measured import evaluate_measured, is_nothing_of_use
from skiagram.evaluation.options import DEFAULTS, NO_REQUESTS, EvaluationOptions
from skiagram.evaluation.scores import make_scores_table
from skiagram.evaluation.sites import SITES
from skiagram.outcomes.grade import Grade
from skiagram.outcomes.number import Number
from skiagram.records.cases import Cases
from skiagram.records.files import write_record
from skiagram.records.predictions import scores_of
from skiagram.statistics.estimate import Estimate
from tests.outcomes.cohort import another_cohort, sealed_half, train_models

OPTIONS = replace(DEFAULTS, analyses=replace(NO_REQUESTS, simple_rules=("volume",)))


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> EvaluationInputs:
    folder = tmp_path_factory.mktemp("trained")
    columns: dict[str, tuple[str, ...] | None] = {"cox": None, "volume": ("volume",)}
    return train_models(folder, **columns, noise=("noise",))


def evaluate(inputs: EvaluationInputs, options: EvaluationOptions = OPTIONS) -> MeasuredEvaluation:
    return evaluate_measured(inputs, options)


def test_what_tells_the_hazard_is_found_and_beats_the_rule(inputs: EvaluationInputs) -> None:
    evaluation = evaluate(inputs)
    of_primary = evaluation.figures.select(analysis=FIGURES, figure="concordance")
    assert of_primary.by_model("concordance")["cox"].low > 0.6
    noise = of_primary.by_model("concordance")["noise"]
    assert noise.low < 0.5 < noise.high
    assert evaluation.best == {"classical": "cox"}
    gap = evaluation.figures.find(analysis=DIFFERENCES, model="best_classical", versus="volume")
    assert gap.low > 0.02
    assert evaluation.decision == "yes"
    assert evaluation.verdict.startswith("Use classical features in place of simple rules: yes.")
    assert "C (Harrell)" in evaluation.verdict


def test_a_model_that_no_rule_is_beaten_by_is_not_recommended(inputs: EvaluationInputs) -> None:
    useless = replace(inputs, models=inputs.models[1:])
    evaluation = evaluate(useless)
    assert evaluation.decision != "yes"


def test_where_nothing_is_shown_to_beat_chance_no_model_works(inputs: EvaluationInputs) -> None:
    evaluation = evaluate(replace(inputs, models=inputs.models[2:]))
    assert evaluation.verdict.startswith("No model works on these data")
    assert "Look at the labels and at images" in evaluation.verdict
    with_rule = evaluate(replace(inputs, models=inputs.models[1:]))
    rule = with_rule.figures.find(analysis=FIGURES, model="volume", figure="concordance")
    assert ("No model" in with_rule.verdict) == (rule.low <= 0.5)
    assert (Number.chance, Grade.chance) == (None, 0.0)


@pytest.mark.parametrize(("gap", "works"), [(-2.0, True), (-0.5, False)])
def test_an_error_is_at_chance_where_the_mean_alone_is_as_good(gap: float, works: bool) -> None:
    outcome = Number(column="length_mm", unit="mm")
    name = outcome.primary
    rows = (
        make_row(Estimate(9 + gap, 8 + gap, 10 + gap), FIGURES, name, model="best_classical"),
        make_row(Estimate(9.0, 8.0, 10.0), FIGURES, name, model="number_mean"),
        make_row(
            Estimate(gap, gap - 1, gap + 1),
            DIFFERENCES,
            name,
            model="best_classical",
            versus="number_mean",
        ),
    )
    assert is_nothing_of_use(outcome, FigureTable(rows)) != works


def test_without_a_rule_the_reader_is_told(inputs: EvaluationInputs) -> None:
    evaluation = evaluate(replace(inputs, models=inputs.models[:1]))
    assert evaluation.decision == "none"
    assert any("No simple rule" in warning for warning in evaluation.warnings)


def test_requested_pairs_are_compared(inputs: EvaluationInputs) -> None:
    evaluation = evaluate(inputs, replace(OPTIONS, compare=(("cox", "noise"),)))
    assert evaluation.figures.find(analysis=DIFFERENCES, model="cox", versus="noise").low > 0


def test_order_of_rows_and_scale_of_a_folds_scores_change_no_figure(
    inputs: EvaluationInputs,
) -> None:
    model = inputs.models[0]
    table = model.table.copy()
    table.loc[table["fold"] == 1, "score_0"] += 50.0
    changed = replace(model, table=table.sample(frac=1, random_state=0))
    figures = [
        evaluate(replace(inputs, models=(of, *inputs.models[1:])))
        .figures.select(model="cox", figure="concordance")
        .rows
        for of in (model, changed)
    ]
    assert figures[0] == figures[1]


def test_an_evaluation_is_read_as_it_was_written(inputs: EvaluationInputs, tmp_path: Path) -> None:
    evaluation = evaluate(inputs)
    write_record(evaluation, tmp_path / "evaluation.json")
    assert read_evaluation(tmp_path / "evaluation.json") == evaluation


def test_every_case_is_scored_by_a_fit_that_did_not_see_it(inputs: EvaluationInputs) -> None:
    model = inputs.models[0]
    reported, training = model.part("out_of_fold"), model.part("training")
    fits = dict(list(training.groupby(["repeat", "fold"])))
    for fit, rows in reported.groupby(["repeat", "fold"]):
        assert not np.isin(rows["case_id"], fits[fit]["case_id"]).any()


def naive_concordance(risk: NDArray[np.float64], cases: Cases) -> float:
    time = cases.value
    before = (time[:, None] < time[None]) & (cases.label == 1)[:, None]
    wins = (risk[:, None] > risk[None]) + 0.5 * (risk[:, None] == risk[None])
    return float(wins[before].mean())


def test_another_cohort_stands_beside_the_development_cases(inputs: EvaluationInputs) -> None:
    at_home, cohort = evaluate(inputs), another_cohort(inputs)
    evaluation = evaluate_measured(cohort, OPTIONS, at_home)
    assert evaluation.of_another_cohort
    assert not at_home.of_another_cohort
    scored = cohort.models[0].part("test").set_index("case_id")
    risk = scores_of(scored.loc[cohort.cases.test().case_id.tolist()])[:, 0]
    figures = evaluation.figures
    found = figures.find(analysis=FIGURES, model="cox", figure="concordance")
    assert found.value == pytest.approx(naive_concordance(risk, inputs.cases))
    before = figures.select(analysis=DEVELOPMENT, figure="concordance").by_model("concordance")
    known = at_home.figures.select(analysis=FIGURES, figure="concordance").by_model("concordance")
    assert {name: row.value for name, row in before.items()} == {
        name: row.value for name, row in known.items()
    }
    assert evaluation.best == at_home.best
    of_sites = figures.select(analysis=SITES, model="best_classical")
    each = [of_sites.find(group=name, figure="concordance").value for name in "AB"]
    assert of_sites.find(figure=WORST).value == pytest.approx(min(each))
    assert evaluation.verdict.startswith("On 90 cases of another cohort: use classical features")


def test_calibration_is_updated_on_other_patients_of_the_cohort(inputs: EvaluationInputs) -> None:
    at_home, cohort = evaluate(inputs), another_cohort(inputs)
    values = cohort.cases.value
    late = replace(cohort, cases=replace(cohort.cases, value=values * 2.0))  # half the hazard
    evaluation = evaluate_measured(late, OPTIONS, at_home)
    figures = evaluation.figures

    def of_cox(analysis: str, figure: str) -> list[float]:
        rows = figures.select(analysis=analysis, model="cox", figure=figure).rows
        return [abs(row.value) for row in rows if row.value is not None]

    now, before = (of_cox(side, "expected_minus_observed") for side in (UPDATED, FIGURES))
    assert len(now) == len(before) == 3
    assert max(now) < 0.05
    assert sum(now) < 0.2 * sum(before)
    assert of_cox(UPDATED, "concordance") == of_cox(FIGURES, "concordance")
    few = late.sealed.assign(label=0)
    few.loc[: FEWEST_TO_UPDATE - 2, "label"] = 1
    none = evaluate_measured(replace(late, sealed=few), OPTIONS, at_home).figures
    assert not none.select(analysis=UPDATED)


def test_sealed_test_cases_are_reported_and_choose_nothing(inputs: EvaluationInputs) -> None:
    held_out = sealed_half(inputs)
    evaluation = evaluate_measured(held_out, OPTIONS)
    assert evaluation.verdict.startswith("On 90 sealed test cases: use classical features")
    assert not evaluation.of_another_cohort
    found = evaluation.figures.find(analysis=FIGURES, model="cox", figure="concordance")
    scored = held_out.models[0].part("test").set_index("case_id")
    risk = scores_of(scored.loc[held_out.cases.test().case_id.tolist()])[:, 0]
    assert found.value == pytest.approx(naive_concordance(risk, inputs.cases))
    turned = held_out.sealed.assign(value=held_out.sealed["value"].to_numpy()[::-1])
    again = evaluate_measured(replace(held_out, sealed=turned), OPTIONS)
    assert again.best == evaluation.best
    table = make_scores_table(held_out.models, held_out.cases, held_out.task, held_out.sealed)
    assert table["value"].tolist() == held_out.sealed["value"].tolist()
