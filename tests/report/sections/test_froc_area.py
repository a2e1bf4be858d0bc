"""The section of the area under FROC: figures of the record, and silence where nothing searches."""

import numpy as np
import pytest

from skiagram.evaluation.froc_area import FROC_AREA
from skiagram.report.section import make_sections
from skiagram.report.sections.froc_area import tabulate_froc_area
from tests.evaluation.test_finding import searched
from tests.report.examples_of_results import binary, material, texts


@pytest.mark.slow
def test_every_finder_has_its_area_and_the_better_one_gains_by_patient() -> None:
    run = searched("holdout", ideal=4.0)
    figures = run.evaluation.figures.select(analysis=FROC_AREA)
    table = tabulate_froc_area(run.evaluation)
    window, forest = (
        figures.find(model=name, versus="") for name in ("window_network", "candidate_forest")
    )
    assert texts(table.row("Window Network")) == [f"{window.value:.3f}"]
    assert (window.low or 1) <= (window.value or 0) <= (window.high or 0) <= 1
    assert "bootstrap by patient" in window.method
    difference = figures.find(model="deep", versus="classical")
    assert difference.value == pytest.approx((window.value or 0) - (forest.value or 0))
    assert (difference.low or 0) > 0
    assert texts(table.row("Best network minus best classical model"))[0].startswith("+0.")
    assert np.isfinite(figures.find(model="ideal observer").value or np.nan)
    assert table.row("Ideal observer")
    assert (window.value or 0) < (run.found.finders[1].find("sensitivity", "1").value or 0)


def test_nothing_is_shown_where_nothing_searches() -> None:
    shown = make_sections(binary(), material())
    assert "froc_area" not in shown.anchors
    assert "no model searches" in shown.left_out["Finding at few false marks"]
