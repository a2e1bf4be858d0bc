"""What a row has without changing it, for the columns of the table."""

from pathlib import Path
from typing import Any

import pytest

from skiagram.composition import Composition
from skiagram.sweeps.row_options import resolve_options
from skiagram.sweeps.rows import Row, find_differing
from skiagram.sweeps.workspace import Workspace
from tests.sweeps.small_phantom import CONF, context_in

PENALTY = "conf.model.logistic_regression.C"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(Composition(CONF.parent), None, context_in(tmp_path))


def resolve(workspace: Workspace, *changes: dict[str, Any]) -> list[dict[str, str]]:
    rows = [Row(number, {}, each, 1) for number, each in enumerate(changes, start=1)]
    return [resolve_options(row, find_differing(rows), workspace) for row in rows]


def test_models_that_some_rows_have_show_their_options(workspace: Workspace) -> None:
    linear, tree, both = resolve(
        workspace,
        {"baselines": ["logistic_regression"], "networks": []},
        {"baselines": ["decision_tree"], "networks": []},
        {"baselines": ["decision_tree"], "networks": ["small_cnn"], PENALTY: 1.0},
    )
    assert linear["logistic_regression.C"] == "0.03"
    assert tree["decision_tree.max_depth"] == both["decision_tree.max_depth"] == "3"
    assert both["small_cnn.training.optimizer.lr"] == "0.003"
    assert not [name for name in tree if name.startswith(("logistic_regression.", "small_cnn."))]


def test_an_option_that_other_rows_change_has_the_value_of_its_file(workspace: Workspace) -> None:
    subset = "conf.plan.plan.subset"
    changed = {PENALTY: 1.0, "seed": 1, subset: {"cases": 24, "draw": 0}, "scored": {"amount": 1}}
    unchanged, other = resolve(workspace, {}, changed)
    name = "logistic_regression.C"
    assert unchanged == {name: "0.03", "seed": "0", "plan.subset": "null"}
    assert other == {}


def test_a_row_whose_options_cannot_be_read_has_none(workspace: Workspace) -> None:
    broken, unknown = resolve(workspace, {"sed": 1}, {"baselines": ["absent"]})
    assert broken == unknown == {}
