"""Variance components against the spread seen when patients and seeds are drawn anew."""

import numpy as np
import pytest
from numpy.typing import NDArray

from skiagram.evaluation.delong import placements
from skiagram.evaluation.stability.variance import variance_split

POSITIVE = np.arange(120) < 50
PATIENT = np.arange(120)


def drawn(rng: np.random.Generator, repeats: int, noise: float) -> NDArray[np.float64]:
    """Scores of patients by fits whose strength varies with the seed; `noise` is of both."""
    strength = 1.2 + 0.3 * rng.normal(size=(repeats, 1))
    shared = rng.normal(size=120)
    own = noise * rng.normal(size=(repeats, 120))
    return strength * POSITIVE + shared + own


def test_components_add_up_to_the_spread_of_single_fits() -> None:
    rng = np.random.default_rng(0)
    splits = [variance_split(drawn(rng, 5, 0.7), POSITIVE, PATIENT) for _ in range(150)]
    parts = np.mean([[one.patients, one.seed, one.both] for one in splits if one], axis=0)
    single = [placements(drawn(rng, 1, 0.7), POSITIVE, PATIENT).mean for _ in range(1500)]
    assert parts.sum() == pytest.approx(np.var(single), rel=0.15)
    assert (parts > 1e-4).all()


def test_what_a_seed_moves_is_not_laid_on_the_patients() -> None:
    rng = np.random.default_rng(1)
    many, one = drawn(rng, 100, 0.0), drawn(rng, 1, 0.0)
    found = variance_split(many, POSITIVE, PATIENT)
    assert found is not None
    areas = [placements(row[None], POSITIVE, PATIENT).mean for row in many]
    assert found.seed + found.both == pytest.approx(np.var(areas, ddof=1))
    assert found.patients == pytest.approx(placements(one, POSITIVE, PATIENT).variance(), rel=0.7)


def test_equal_repeats_leave_the_patients_alone() -> None:
    score = drawn(np.random.default_rng(2), 1, 0.5)
    found = variance_split(np.repeat(score, 4, axis=0), POSITIVE, PATIENT)
    assert found is not None
    assert found.patients == pytest.approx(placements(score, POSITIVE, PATIENT).variance())
    assert (found.seed, found.both) == pytest.approx((0, 0), abs=1e-15)


def test_a_single_repeat_cannot_be_split() -> None:
    assert variance_split(np.zeros((1, 120)), POSITIVE, PATIENT) is None
