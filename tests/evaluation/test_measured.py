"""Models of a time to an event are measured, compared with simple rules, and answered for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
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
from skiagram.evaluation.inputs import EvaluationInputs
from skiagram.evaluation.measured import evaluate_measured
from skiagram.evaluation.options import DEFAULTS, NO_REQUESTS, EvaluationOptions
from skiagram.evaluation.sites import SITES
from skiagram.records.cases import SEALED, Cases
from skiagram.records.files import write_record
from skiagram.records.predictions import scores_of
from tests.outcomes.cohort import train_models

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


def another_cohort(inputs: EvaluationInputs) -> EvaluationInputs:
    """Return the same patients as if they were two other hospitals', scored once by each model."""
    cases = inputs.cases
    ids = np.array([f"cohort-{case}" for case in cases.case_id.tolist()])
    joined = Cases(
        np.concatenate([cases.case_id, ids]),
        np.concatenate([cases.patient_id, ids]),
        np.concatenate([cases.split, np.full(len(ids), "test")]),
        np.concatenate([cases.label, np.full(len(ids), SEALED)]),
        None if cases.value is None else np.tile(cases.value, 2),
    )
    models = []
    for model in inputs.models:
        scored = model.part("out_of_fold")
        scored = scored[scored["repeat"] == 0]
        scored = scored.assign(part="test", fold=-1, case_id="cohort-" + scored["case_id"])
        models.append(replace(model, table=pd.concat([model.table, scored], ignore_index=True)))
    hospital = np.where(np.arange(len(ids)) % 2, "A", "B")
    return replace(
        inputs,
        models=tuple(models),
        cases=joined,
        task=replace(inputs.task, design="holdout"),
        sealed=pd.DataFrame({"case_id": ids, "label": cases.label}),
        covariates=pd.DataFrame({"case_id": ids, "cohort": hospital}),
        card=replace(inputs.card, test_sites=("A", "B")),
    )


def naive_concordance(risk: NDArray[np.float64], cases: Cases) -> float:
    time = cases.value
    assert time is not None
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
