"""The page of the study that searches options: rules make its words."""

from dataclasses import replace

import pytest

from skiagram.report.index import render_study
from skiagram.report.studies.search import describe_gain, describe_leaders, tabulate_changed
from skiagram.report.tables import Cell
from skiagram.statistics.estimate import Estimate
from tests.studies.search.examples import NET, RESULT, SVM


def test_a_gain_whose_interval_leaves_out_0_is_one_and_the_nested_figure_stands_beside() -> None:
    words = describe_gain(SVM)
    assert words == (
        "+0.020 (0.010–0.030) in AUC on the folds that chose it, which is a gain even there. "
        "On patients the search never saw: +0.010 (−0.020 to 0.040), whether it helps is open."
    )


def test_where_no_trial_was_better_the_page_says_so() -> None:
    assert describe_gain(NET) == "no trial was better than the option file’s own values."


def test_a_model_without_a_figure_gives_its_reason() -> None:
    missing = Estimate(None, reason="out of memory")
    failed = replace(NET, default=missing, tuned=missing, gain=missing, best=None, trials=())
    assert describe_gain(failed) == "no result: out of memory"
    assert describe_leaders(replace(RESULT, models=(failed,))) == "No model finished a trial."


def test_the_lead_names_both_leaders_and_warns() -> None:
    words = describe_leaders(RESULT)
    assert "own values Net is ahead (AUC 0.760)" in words
    assert "trials SVM <rbf> (0.770)" in words
    assert words.endswith("so it is optimistic.")


@pytest.mark.slow
def test_the_page_says_what_was_spent_and_escapes_names() -> None:
    page = render_study(RESULT)
    assert "SVM &lt;rbf&gt;" in page
    assert "7 fits in 8 trials" in page
    assert ">3.8</td>" in page  # 3.75 processor seconds
    assert "trial 3 failed: diverged in epoch 3." in page
    (changed,) = (row for row in tabulate_changed(RESULT).groups[0].rows)
    assert (changed.title, changed.cells) == (
        "rate",
        [Cell("0.1", tone="code"), Cell("0.3", tone="code")],
    )
