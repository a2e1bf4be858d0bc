"""Events that a difference of two C indices takes: what is planned is what simulated studies do."""

import numpy as np
import pytest

from skiagram.errors import OptionError
from skiagram.evaluation.event_planning import (
    assume_study,
    concordances_of,
    expected_concordance,
    spread_of_concordance,
)
from skiagram.evaluation.planning import plan_difference, plan_width
from skiagram.seeding import stream

pytestmark = pytest.mark.slow

CLOSE = 1e-9


def simulated_pairs(study, pairs):
    """Return C of both scores over pairs of patients, and the share of patients with an event."""
    draw = stream(0, "test", "pairs of patients")
    first, second = draw.normal(size=(2, 2, pairs))
    second = study.correlation * first + np.sqrt(1 - study.correlation**2) * second
    time = draw.exponential(np.exp(-study.weights[0] * first - study.weights[1] * second))
    end = draw.exponential(1 / study.rate, size=(2, pairs))
    event, followed = time <= end, np.minimum(time, end)
    comparable = np.take_along_axis(event, followed.argmin(axis=0)[None], axis=0)[0]
    sooner = (followed[0] < followed[1])[comparable]
    areas = [((each[0] > each[1])[comparable] == sooner).mean() for each in (first, second)]
    return float(areas[0]), float(areas[1]), float(event.mean())


@pytest.mark.parametrize("events", [0.05, 0.4])
def test_models_have_the_concordances_that_are_asked_under_the_planned_follow_up(events):
    study = assume_study((0.65, 0.73), 0.6, events)
    first, second, seen = simulated_pairs(study, 400_000)
    error = 0.5 / np.sqrt(400_000 * events)  # as many pairs, or more, can be compared
    assert seen == pytest.approx(events, abs=0.002)
    assert first == pytest.approx(0.65, abs=3 * error)
    assert second == pytest.approx(0.73, abs=3 * error)


def test_a_score_that_says_nothing_has_a_concordance_of_one_half():
    assert expected_concordance(0.0, 0.5, 3.0) == pytest.approx(0.5, abs=CLOSE)
    # Where nobody is censored only the distance counts, and many events tell it less than few.
    assert expected_concordance(0.8, 0.0, 0.0) < expected_concordance(0.8, 0.0, 30.0)


def test_scores_that_are_too_alike_for_their_difference_are_refused():
    with pytest.raises(OptionError, match="less alike"):
        assume_study((0.55, 0.95), 0.99, 0.5)


def test_alike_models_take_fewer_patients():
    apart, alike = (concordances_of((0.65, 0.65), r, 0.5) for r in (0.0, 0.8))
    assert alike[1].value - alike[0].value == pytest.approx(0, abs=0.005)
    assert (alike[1] - alike[0]).error < 0.6 * (apart[1] - apart[0]).error


@pytest.mark.parametrize("events", [0.1, 0.5])
def test_planned_studies_settle_the_margin_four_times_in_five(events):
    concordance, correlation, margin = (0.6, 0.72), 0.5, 0.02
    other, better = concordances_of(concordance, correlation, events)
    spread = spread_of_concordance(better - other, events)
    patients = plan_difference(margin, 0.12, spread, events).patients
    half = plan_width(0.05, 0.6, spread_of_concordance(other, events), events)
    study, generator = assume_study(concordance, correlation, events), stream(1, "test", "studies")
    settled, lengths = [], []
    for _ in range(400):
        one, two = study.concordances(generator.random((patients, 4)))
        found = (two - one).estimate()
        settled.append(found.low is not None and found.low > margin)
        of_one = study.concordances(generator.random((half.patients, 4)))[0].estimate()
        lengths.append((of_one.high - of_one.low) / 2)
    assert 0.76 < np.mean(settled) < 0.88
    assert np.mean(lengths) == pytest.approx(0.05, rel=0.07)
