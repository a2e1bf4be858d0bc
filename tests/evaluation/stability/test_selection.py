"""Stability of feature selection against Fleiss' kappa, which it equals, and in simulation."""

import numpy as np
import pytest
from numpy.typing import NDArray

from skiagram.evaluation.stability.selection import selection_stability


def fleiss_kappa(selected: NDArray[np.bool_]) -> float:
    """Selections as raters who put each feature into one of two categories (Fleiss 1971)."""
    raters = len(selected)
    counts = np.stack([selected.sum(axis=0), (~selected).sum(axis=0)], axis=1)
    agreement = ((counts**2).sum(axis=1) - raters) / (raters * (raters - 1))
    chance = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
    return float((agreement.mean() - chance) / (1 - chance))


def drawn(rng: np.random.Generator, rounds: int) -> NDArray[np.bool_]:
    """Features chosen by independent draws: 10 often, 20 seldom."""
    return rng.random((rounds, 30)) < np.repeat([0.8, 0.15], [10, 20])


@pytest.mark.parametrize("seed", range(5))
def test_equals_fleiss_kappa(seed: int) -> None:
    selected = drawn(np.random.default_rng(seed), 6)
    assert selection_stability(selected).value == pytest.approx(fleiss_kappa(selected))


def test_same_choice_is_one_and_chance_is_none() -> None:
    same = np.tile(np.arange(20) < 5, (4, 1))
    found = selection_stability(same)
    assert (found.value, found.low, found.high) == (1, None, None)
    assert found.method == "no interval: every selection is the same"
    rng = np.random.default_rng(0)
    random = np.stack([rng.permutation(20) < 5 for _ in range(200)])
    assert selection_stability(random).value == pytest.approx(0, abs=0.01)


def test_interval_covers_the_stability_of_endless_draws() -> None:
    rng = np.random.default_rng(1)
    true = selection_stability(drawn(rng, 20_000)).value or 0
    found = [selection_stability(drawn(rng, 50)) for _ in range(400)]
    covered = [(one.low or 0) <= true <= (one.high or 0) for one in found]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)


def test_what_has_no_stability_says_why() -> None:
    assert selection_stability(np.zeros((3, 4), dtype=bool)).reason
    assert selection_stability(np.ones((1, 4), dtype=bool)).reason == "a single selection"
