"""Events that a difference of two C indices takes: what is planned is what simulated studies do."""

import numpy as np
import pytest

from skiagram.errors import OptionError
from skiagram.evaluation.event_planning import (
    concordances_of,
    expected_concordance,
    solve_weights,
    spread_of_concordance,
)
from skiagram.evaluation.planning import plan_difference, plan_width
from skiagram.seeding import stream
from skiagram.statistics.survival import harrell_concordance

pytestmark = pytest.mark.slow
CLOSE = 1e-9


def test_a_score_that_is_the_log_hazard_has_the_concordance_of_a_simulation() -> None:
    generator = stream(0, "test", "concordance")
    score = generator.normal(size=6000)
    time = generator.exponential(np.exp(-0.8 * score))
    alone = np.zeros(len(score), dtype=np.int64)
    seen = np.ones(len(score), dtype=np.bool_)
    simulated = harrell_concordance(score, time, seen, alone, np.arange(len(score)))
    assert expected_concordance(0.8, 0.0) == pytest.approx(simulated.value, abs=0.008)
    assert expected_concordance(0.0, 0.5) == pytest.approx(0.5, abs=CLOSE)


def test_weights_give_both_concordances() -> None:
    first, second = solve_weights((0.6, 0.7), 0.4)
    rest = 1 - 0.4**2
    assert expected_concordance(first + 0.4 * second, second**2 * rest) == pytest.approx(0.6)
    assert expected_concordance(second + 0.4 * first, first**2 * rest) == pytest.approx(0.7)


def test_scores_that_are_too_alike_for_their_difference_are_refused() -> None:
    with pytest.raises(OptionError, match="less alike"):
        solve_weights((0.55, 0.95), 0.99)


def test_equal_models_have_a_difference_of_0_and_alike_ones_take_fewer_patients() -> None:
    apart, alike = (concordances_of((0.65, 0.65), r, 0.5) for r in (0.0, 0.8))
    assert abs(alike[1].value - alike[0].value) < 0.01
    assert (alike[1] - alike[0]).error < 0.6 * (apart[1] - apart[0]).error


def test_planned_studies_settle_the_margin_four_times_in_five() -> None:
    concordance, correlation, events, margin = (0.6, 0.72), 0.5, 0.5, 0.02
    other, better = concordances_of(concordance, correlation, events)
    true = better.value - other.value  # under this follow-up
    spread = spread_of_concordance(better - other)
    patients = plan_difference(margin, true, spread, events).patients
    half = plan_width(0.05, other.value, spread_of_concordance(other), events)
    weights, generator = solve_weights(concordance, correlation), stream(1, "test", "studies")
    settled, lengths = [], []
    for _ in range(400):
        wanted = {"settled": patients, "precise": half.patients}
        for name, number in wanted.items():
            first, second = generator.normal(size=(2, number))
            second = correlation * first + np.sqrt(1 - correlation**2) * second
            hazard = np.exp(weights[0] * first + weights[1] * second)
            time, end = generator.exponential(1 / hazard), generator.exponential(size=number)
            event = time <= end
            seen = np.minimum(time, end), event, np.zeros(number, dtype=np.int64), np.arange(number)
            one = harrell_concordance(first, *seen)
            if name == "settled":
                found = (harrell_concordance(second, *seen) - one).estimate()
                settled.append(found.low is not None and found.low > margin)
            else:
                found = one.estimate()
                lengths.append((found.high - found.low) / 2)
    assert np.mean(settled) == pytest.approx(0.8, abs=0.06)
    assert np.mean(lengths) == pytest.approx(0.05, rel=0.05)
