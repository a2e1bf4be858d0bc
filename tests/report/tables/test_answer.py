import dataclasses

import pytest

from skiagram.evaluation.results import Estimate, Evaluation
from skiagram.report.tables.answer import answer
from skiagram.report.tables.cells import Row
from tests.report.examples_of_findings import full
from tests.report.examples_of_results import (
    binary,
    several_classes,
    with_combination,
    with_failure,
    with_reader,
)


def rows(evaluation: Evaluation) -> dict[str, Row]:
    return {row.title: row for _, group in answer(evaluation).groups for row in group}


def test_it_holds_the_best_of_each_arm_the_rules_and_the_limit_alone() -> None:
    found = answer(full())
    assert [[row.title for row in group] for _, group in found.groups] == [
        ["Random forest"],
        ["Small network with batch norm"],
        ["Decision tree", "A coin"],
        ["Ideal observer"],
    ]
    assert not any(row.best for _, group in found.groups for row in group)


def test_a_reader_stands_beside_the_models() -> None:
    assert "Dr Gray" in rows(with_reader())
    assert "Stacking of both" in rows(with_combination())


def test_sensitivity_and_specificity_become_cases_out_of_a_hundred() -> None:
    evaluation = binary(ideal=False)
    metrics = {"sensitivity": Estimate(0.9, 0.8, 0.95), "specificity": Estimate(0.7, 0.6, 0.75)}
    models = tuple(dataclasses.replace(one, metrics=metrics) for one in evaluation.models)
    found = rows(dataclasses.replace(evaluation, models=models))["Random forest"]
    assert [(cell.value, cell.interval) for cell in found.cells[1:]] == [
        ("90", "(80–95)"),
        ("30", "(25–40)"),
    ]
    assert answer(evaluation).columns == (
        "AUC",
        "Found, of 100 abnormal",
        "False alarms, of 100 others",
    )


def test_an_arm_without_a_trained_model_keeps_its_reason() -> None:
    evaluation = with_failure("out of memory")
    failed = dataclasses.replace(
        evaluation, models=(evaluation.models[0], evaluation.models[-1]), best={}
    )
    assert rows(failed)["Small network with batch norm"].failure == "out of memory"


def test_off_twins_stands_beside_the_auc_where_there_are_twins() -> None:
    evaluation = binary(twins=52)
    assert answer(evaluation).columns[:2] == ("AUC", "AUC off twins")
    best = rows(evaluation)["Random forest"]
    off = evaluation.models[4].metrics["roc_auc_off_twins"].value
    assert best.cells[1].value == f"{off:.3f}"


@pytest.mark.parametrize("evaluation", [full(), binary(), binary(twins=52), several_classes()])
def test_every_row_has_a_cell_a_column(evaluation: Evaluation) -> None:
    found = answer(evaluation)
    for _, group in found.groups:
        assert all(len(row.cells) == len(found.columns) for row in group)
