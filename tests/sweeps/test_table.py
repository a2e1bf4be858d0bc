"""The table of a sweep, and sweeps that their rows cannot answer: refused before the first row."""

import pytest

from skiagram.errors import OptionError
from skiagram.sweeps.rows import expand_rows
from skiagram.sweeps.table import check_rows, run_sweep
from tests.sweeps.small_phantom import CHOICES, REFUSED, edit, make_sweep, small_place

pytestmark = pytest.mark.slow

TIMES = {"dataset": "phantom_times", "baselines": ["logistic_regression"]}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Return a place with small phantoms: of classes and of times."""
    place = small_place(tmp_path_factory.mktemp("table"), **CHOICES)
    few = {"train": 20, "validation": 4, "test": 16}
    small = {"phantom__size": 32, "phantom__patients": few, "phantom__nodule__places": 7}
    edit(place, "dataset", "phantom_times", **small)
    return place


def run(workspace, **values):
    return run_sweep("try", make_sweep(**values), workspace)


@pytest.mark.parametrize("name", REFUSED["questions"])
def test_a_sweep_that_its_rows_cannot_answer_is_refused_before_the_first(workspace, name):
    values, words = REFUSED["questions"][name].values()
    before = {*workspace.context.require_store().folder.glob("*")}
    with pytest.raises(OptionError) as refused:
        run(workspace, **values)
    assert not [word for word in words if word not in str(refused.value)], str(refused.value)
    made = {
        path.name.partition("-")[0]
        for path in {*workspace.context.require_store().folder.glob("*")} - before
    }
    assert made <= {"ingested"}


def test_rows_that_can_be_answered_are_not_refused_for_others(workspace):
    for values in (
        {"base": {"dataset": "absent"}, "axes": {"seed": [0, 1]}},
        {"base": {"sed": 1}, "axes": {"seed": [0, 1]}, "analysis": "learning_curves"},
    ):
        sweep = make_sweep(**values)
        check_rows(sweep, expand_rows(sweep), workspace)


def test_sealed_times_are_reported_also_of_images_made_worse(workspace):
    base = TIMES | {"design": "holdout"}
    noisy = {"scored": {"corruption": "noise", "amount": 0.4}}
    elsewhere = {"scored": {"dataset": "phantom_noisy"}}
    images = {"unchanged": {}, "noisy": noisy, "elsewhere": elsewhere}
    unchanged, worse, other = run(workspace, base=base, axes={"images": images}).rows
    assert [row.figures.cases for row in (unchanged, worse)] == [16, 16]
    concordance = [
        row.figures.get(model="logistic_regression", figure="concordance")
        for row in (unchanged, worse)
    ]
    assert concordance[0] != concordance[1]
    assert (
        unchanged.figures.selection("logistic_regression")
        == worse.figures.selection("logistic_regression")
        is not None
    )
    difference = worse.figures.get(model="logistic_regression", figure="difference")
    assert difference.value is not None
    assert "another data set" in other.reason
    assert "skiagram validate" in other.reason


def test_a_row_that_leaves_an_option_as_it_is_has_an_empty_cell(workspace):
    option, plan = "conf.model.logistic_regression.C", "conf.plan.plan.subset"
    settings = {"as it is": {}, "weaker": {option: 1.0, "seed": 1, plan: {"cases": 24, "draw": 0}}}
    result = run(workspace, axes={"penalty": settings})
    table = result.table().drop_duplicates("row")
    assert table["penalty"].tolist() == ["as it is", "weaker"]
    assert table["logistic_regression.C"].tolist() == ["", "1"]
    assert table["seed"].tolist() == ["", "1"]
    assert table["plan.subset"].tolist() == ["", '{"cases": 24, "draw": 0}']
    assert table.columns.is_unique
