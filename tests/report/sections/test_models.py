import dataclasses

import pytest

from skiagram.report.sections.confusion import tabulate_confusion
from skiagram.report.sections.models import (
    describe_frozen,
    format_as_text,
    tabulate_class_auc,
    tabulate_performance,
)
from skiagram.report.sections.training import tabulate_cost
from skiagram.report.tables import Cell
from skiagram.statistics.estimate import Estimate
from tests.evaluation.model_results import make_result
from tests.report.examples_of_results import (
    binary,
    finished_model,
    several_classes,
    texts,
    with_failure,
    with_reader,
)


def test_readers_are_a_group_of_their_own_that_cost_nothing() -> None:
    evaluation = with_reader()
    readers = tabulate_performance(evaluation).groups[2]
    assert readers.title == "Readers and devices"
    assert [(row.title, row.best) for row in readers.rows] == [("Dr Gray", False)]
    costs = [group.title for group in tabulate_cost(evaluation).groups]
    assert costs == ["Classical features", "Deep networks"]


def test_the_ideal_observer_is_the_last_row_and_fully_efficient() -> None:
    table = tabulate_performance(binary())
    cells = texts(table.row("Ideal observer"))
    assert cells[table.columns.index("AUC")] == "0.955"
    assert cells[table.columns.index("Efficiency")] == "1.000"
    assert len(cells) == len(table.columns)


@pytest.mark.slow
def test_columns_are_those_that_any_model_has() -> None:
    off = "AUC without near duplicates"
    assert off in tabulate_performance(binary(near_duplicates=52)).columns
    assert off not in tabulate_performance(binary()).columns
    none = {"roc_auc": Estimate(None, reason="one class only")}
    bare = make_result(binary().models[0].outcome, none, Estimate(0.8))
    table = tabulate_performance(dataclasses.replace(binary(ideal=False), models=(bare,)))
    assert list(table.columns) == ["AUC"]
    assert table.notes == {"one class only": 1}


def test_of_several_classes_the_auc_is_a_mean_and_each_class_has_its_own() -> None:
    evaluation = several_classes()
    table = tabulate_performance(evaluation)
    assert table.columns[0] == "AUC, mean over classes"
    cell = table.groups[0].rows[0].cells[table.columns.index("Sensitivity")]
    assert isinstance(cell, Cell)
    assert cell.reason == "defined for two classes only"
    own = tabulate_class_auc(evaluation)
    assert texts(own.groups[0].rows[0]) == ["0.791", "0.822", "–"]
    assert tabulate_class_auc(binary()) is None


def test_the_plain_table_has_a_line_a_model_and_one_a_pair() -> None:
    lines = format_as_text(with_failure("out of memory")).splitlines()
    assert sum("*" in line for line in lines) == 2
    assert "failed: out of memory" in lines[8]
    assert lines[9].startswith("Ideal observer")
    assert "Support vector machine minus Random forest: forest was not trained" in lines


def test_the_cells_of_a_confusion_matrix_are_shares_of_the_true_class() -> None:
    evaluation = several_classes()
    matrix = tabulate_confusion(evaluation, evaluation.models[0])
    rows = matrix.groups[0].rows
    assert [row.title for row in rows] == list(evaluation.task.classes)
    for true, row in enumerate(rows):
        cells = [cell for cell in row.cells if isinstance(cell, Cell)]
        assert abs(sum(cell.share for cell in cells) - 1) < 1e-12
        tones = ["right" if named == true else "wrong" for named in range(3)]
        assert [cell.tone for cell in cells] == tones
    assert rows[0].cells[0] == Cell("30", tone="right", share=0.75)


def test_a_frozen_network_is_described_once_with_its_licence_and_who_reads_it() -> None:
    encoder = {"title": "EfficientNet-Lite0", "licence": "Apache-2.0", "citation": "photographs"}
    models = []
    for title in ("Logistic regression", "Support vector machine"):
        model = finished_model("svm", near_duplicates=False, ideal=False)
        options = {"encoder": {"encoder": encoder}, "head": {}}
        of_encoder = dataclasses.replace(model.outcome, title=title, options=options)
        models += [model, dataclasses.replace(model, outcome=of_encoder)]
    (told,) = describe_frozen([model.outcome for model in models])
    for part in ("EfficientNet-Lite0", "Apache-2.0", "photographs", "regression, Support vector"):
        assert part in told
