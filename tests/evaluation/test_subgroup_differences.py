"""Differences between subgroups against a published interval, and against what they must obey."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from skiagram.evaluation.evaluation_set import assemble_evaluation_set
from skiagram.evaluation.scores import align_scores
from skiagram.evaluation.subgroups import Subgroup, measure_subgroups
from skiagram.statistics.delong import placements
from skiagram.statistics.differences import Figure, auc_figure, difference_of_figures, share_figure
from tests.evaluation.scenario import finished, scenario

RNG = np.random.default_rng(5)


def hits(found: int, of: int, first_patient: int = 0) -> Figure:
    success = np.repeat([1.0, 0.0], (found, of - found))[None]
    return share_figure(success, np.arange(of) + first_patient)


def test_two_shares_have_newcombes_published_interval() -> None:
    """Newcombe 1998, *Statistics in Medicine* 17:873, table II, method 10: 56/70 − 48/80."""
    found, p = difference_of_figures(hits(56, 70), hits(48, 80, 100))
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert p is not None
    assert 0.005 < p < 0.05


def test_the_interval_excludes_no_difference_just_where_p_is_below_5_percent() -> None:
    for found in range(40, 71):
        difference, p = difference_of_figures(hits(found, 70), hits(48, 80, 100))
        assert difference.low is not None
        assert difference.high is not None
        assert p is not None
        assert (p < 0.05) == (difference.low > 0 or difference.high < 0)
        assert p is not None
        turned, same = difference_of_figures(hits(48, 80, 100), hits(found, 70))
        assert same == pytest.approx(p)
        assert turned.low == pytest.approx(-difference.high)


def test_patients_on_both_sides_go_together() -> None:
    """Left and right images of the same patients, nearly alike: a short interval."""
    positive = np.tile([True, False], 100)
    skill = RNG.normal(size=200) + 1.5 * positive
    scores = [(skill + 0.1 * RNG.normal(size=200))[None] for _ in range(2)]
    apart = np.arange(200) + 1000
    left = auc_figure(placements(scores[0], positive, np.arange(200)))
    right, strangers = (
        auc_figure(placements(scores[1], positive, patient)) for patient in (np.arange(200), apart)
    )
    assert left.correlation(right) > 0.9
    assert left.correlation(strangers) == 0
    near, far = (difference_of_figures(left, other)[0] for other in (right, strangers))
    assert near.high - near.low < 0.4 * (far.high - far.low)  # type: ignore[operator]


def run(
    columns: dict[str, NDArray[np.str_]], strength: NDArray[np.float64]
) -> tuple[Subgroup, ...]:
    known = scenario(120, 400)
    signal = strength * (known.label - 0.5) + np.random.default_rng(0).normal(size=520)
    table = pd.DataFrame({"case_id": known.cases.case_id, **columns})
    none = pd.DataFrame({"first": [], "second": []})
    given = (known.cases, known.task, known.sealed, None, none, 0, 100, table)
    setting = assemble_evaluation_set(*given)
    model = finished(known, "svm", signal=signal)
    return measure_subgroups(align_scores(model, setting.part, setting.cases), setting)


@pytest.mark.slow
def test_a_part_is_compared_with_all_other_cases_and_corrected_over_all_columns() -> None:
    half = np.where(np.arange(520) // 2 % 4 < 2, "east", "west")
    third = np.array(["a", "b", "c"])[np.arange(520) // 2 % 3]
    strength = np.where(half == "east", 4.0, 0.5)
    found = run({"site": half, "room": third}, strength)
    east, west = found[:2]
    p_holm = east.differences["roc_auc"].p_holm
    assert p_holm is not None
    assert p_holm == west.differences["roc_auc"].p_holm
    assert p_holm < 0.01
    difference = east.differences["roc_auc"].difference
    assert difference.value == pytest.approx(
        east.metrics["roc_auc"].value - west.metrics["roc_auc"].value  # type: ignore[operator]
    )
    tests = 3 + 3 * 3  # of two sites one against the other; of three rooms each against the rest
    every = [one for part in found for one in part.differences.values()]
    raw = {one.p for one in every if one.p is not None}
    assert len(raw) == tests
    smallest = min(one.p_holm for one in every if one.p_holm is not None)
    assert smallest == pytest.approx(tests * min(raw))
