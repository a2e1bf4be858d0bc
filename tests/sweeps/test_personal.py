"""The sweep of personal models: right where a change tells the label, silent where it does not."""

import pytest

from skiagram.report.sweep import render_sweep
from skiagram.sweeps.figures import DIFFERENCE, LATER_AUC, LATER_DIFFERENCE
from tests.sweeps.small_phantom import CONF, edit, run, small_place
from tests.yaml_rows import load_yaml

pytestmark = pytest.mark.slow

TELLING, SILENT = "the lesion grows", "nothing lasts"
BEST = "best_classical"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Return a place whose phantoms of visits have small images and 120 sealed patients."""
    place = small_place(tmp_path_factory.mktemp("personal"))
    for name in ("phantom_visits", "phantom_visits_unrelated"):
        few = {"train": 160, "validation": 20, "test": 120}
        edit(place, "dataset", name, patients=few, size=24, lesion__radius=9.0)
    return place


@pytest.fixture(scope="module")
def result(workspace):
    values = load_yaml(CONF / "sweep/personal.yaml")
    del values["axes"]["baseline"]
    values["base"] |= {"baselines": ["logistic_regression"], "folds": 3}
    known = values["axes"]["known"]
    for name, families in known.items():
        beside = families["features"].partition("granulometry")[2]
        known[name] = {"features": f"first_order{beside}"}
    return run(workspace, **values)


def figure(result, data, known, name):
    (row,) = (each for each in result.rows if each.row.place == {"data set": data, "known": known})
    estimate = row.figures.get(model=BEST, figure=name)
    assert estimate is not None, row.reason
    return estimate


def test_an_earlier_image_helps_where_growth_tells_the_label(result):
    gain = figure(result, TELLING, "with earlier image", LATER_DIFFERENCE)
    assert gain.low > 0
    alone = figure(result, TELLING, "image alone", LATER_AUC).value
    known = figure(result, TELLING, "with earlier image", LATER_AUC).value
    assert known - alone == pytest.approx(gain.value)


def test_nothing_is_shown_where_nothing_lasts(result):
    for name in (DIFFERENCE, LATER_DIFFERENCE):
        gain = figure(result, SILENT, "with earlier image", name)
        assert gain.low < 0.02


def test_the_page_has_the_cases_with_an_earlier_image_apart(result):
    page = render_sweep(result)
    assert "Difference, cases with an earlier image" in page
    table = result.table()
    apart = table[table["figure"] == LATER_DIFFERENCE]
    assert set(apart["reference"]) == {1, 5}


def test_without_a_visit_the_figure_says_so(workspace):
    base = {"features": "first_order", "baselines": ["decision_tree"], "networks": []}
    (row,) = run(workspace, base=base, axes={"seed": [0]}, figures=[LATER_AUC]).rows
    estimate = row.figures.get(model="decision_tree", figure=LATER_AUC)
    assert "earlier image" in estimate.reason
