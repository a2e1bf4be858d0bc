"""Rows that run the steps: figures of evaluate, what is shared, what fails, what goes on."""

from dataclasses import replace

import pytest

from skiagram.sweeps.figures import DIFFERENCE
from skiagram.sweeps.rows import SELECTION, Row, expand_rows
from skiagram.sweeps.runs import RowResult, TrainedRow, run_rows
from tests.sweeps.small_phantom import CHOICES, REFUSED, make_sweep, run, small_place

pytestmark = pytest.mark.slow

C = "conf.model.logistic_regression.C"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    choices = CHOICES | {"features": "first_order,wavelet"}
    return small_place(tmp_path_factory.mktemp("sweep"), **choices)


@pytest.fixture(scope="module")
def strengths(workspace):
    return run(workspace, axes={C: [0.001, 0.1, 10.0]}, figures=["roc_auc", "brier"])


def values(result, model, figure):
    """Return a figure of a model in each row."""
    return [row.figures.get(model=model, figure=figure).value for row in result.rows]


def test_the_swept_model_changes_and_the_others_do_not(strengths):
    assert strengths.objective == "logistic_regression"
    assert len(set(values(strengths, "logistic_regression", "brier"))) == 3
    assert len(set(values(strengths, "decision_tree", "brier"))) == 1


def test_a_row_is_chosen_by_development_cases_alone(strengths):
    selection = values(strengths, "logistic_regression", SELECTION)
    assert strengths.chosen.row.number == 1 + selection.index(max(selection))
    table = strengths.table()
    assert set(table.loc[table["cases"] == "development", "figure"]) == {SELECTION}
    assert SELECTION not in set(table.loc[table["cases"] == "reported", "figure"])


def test_differences_are_paired_with_the_reference_row(strengths):
    areas = values(strengths, "logistic_regression", "roc_auc")
    first, *others = strengths.rows
    for row, area in zip(others, areas[1:], strict=True):
        found = row.figures.get(model="logistic_regression", figure=DIFFERENCE)
        assert found.value == pytest.approx(area - areas[0])
        assert found.low < found.value < found.high
    assert first.figures.get(model="logistic_regression", figure=DIFFERENCE) is None
    same = others[0].figures.get(model="decision_tree", figure=DIFFERENCE)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_what_rows_share_is_made_once_and_a_second_run_makes_nothing(workspace, strengths):
    pieces = sorted(path.name for path in workspace.context.require_store().folder.iterdir())
    for kind in ("ingested", "features", "trained-decision_tree"):
        assert sum(name.startswith(f"{kind}-") for name in pieces) == 1, kind
    again = run(workspace, axes={C: [0.001, 0.1, 10.0]}, figures=["roc_auc", "brier"])
    assert again == strengths
    assert (
        sorted(path.name for path in workspace.context.require_store().folder.iterdir()) == pieces
    )


def test_figures_are_made_anew_where_the_reported_labels_are_others(workspace):
    sweep, trained = make_sweep(axes={C: [0.1]}, figures=["roc_auc"]), dict[int, TrainedRow]()
    [*run_rows("try", sweep, expand_rows(sweep), workspace, trained_rows=trained)]
    (row,) = trained.values()
    corrected = replace(row.prepared, reported=row.prepared.reported.with_name("ingested-other"))
    assert replace(row, prepared=corrected).inputs != row.inputs


def test_a_row_that_fails_is_a_row_with_its_reason(workspace):
    """Of a failed reference there is no difference either, and its rows say so."""
    result = run(workspace, axes={"seed": [0, 1], C: [0, 1.0]}, reference={"seed": 0, C: 1.0})
    failed, first, _, other = result.rows
    assert [bool(row.reason) for row in result.rows] == [True, False, True, False]
    assert "C" in failed.reason
    assert other.figures.get(model="logistic_regression", figure=DIFFERENCE) is not None
    lines = result.table()
    assert lines.loc[lines["row"] == 1, "reason"].tolist() == [failed.reason]
    of_failed = run(workspace, axes={C: [0, 1.0]}).rows[1].figures
    area = first.figures.get(model="logistic_regression", figure="roc_auc")
    assert of_failed.get(model="logistic_regression", figure="roc_auc") == area
    assert of_failed.get(model="logistic_regression", figure=DIFFERENCE) is None
    assert "failed" in of_failed.reason


def test_choices_and_combinations_are_swept_as_options_are(workspace):
    swept = {
        "base": {
            "combinations": ["voting"],
            "conf.combination.voting.members": CHOICES["baselines"],
        },
        "axes": {"seed": [0, 1], "folds": [2, 3]},
    }
    result = run(workspace, **swept)
    assert not [row.reason for row in result.rows if row.reason]
    assert len(set(values(result, "voting", SELECTION))) > 1
    assert result.objective == "best_classical"


@pytest.mark.parametrize("name", REFUSED["options"])
def test_an_option_that_is_not_there_is_named(workspace, name, capsys):
    options, words = REFUSED["options"][name].values()
    (result,) = run_rows("try", make_sweep(rows=[options]), [Row(1, {}, options, 1)], workspace)
    assert isinstance(result, RowResult)
    assert words in capsys.readouterr().err
    assert words in result.reason or "an option or a choice cannot be used" in result.reason
