"""Flips between seeds, by counting pairs."""

from itertools import combinations

import numpy as np
import pytest

from skiagram.evaluation.stability.flips import flip_rate
from skiagram.evaluation.summary import evaluate
from tests.evaluation.scenario import finished, scenario


def test_equals_the_share_of_disagreeing_pairs() -> None:
    named = np.random.default_rng(0).integers(3, size=(5, 40))
    pairs = list(combinations(named, 2))
    expected = np.mean([one != other for one, other in pairs], axis=0)
    np.testing.assert_allclose(flip_rate(named), expected)


def test_a_run_reports_them_with_several_repeats_only() -> None:
    known = scenario()
    models = [finished(known, "once"), finished(known, "often", repeats=3)]
    found = evaluate(models, known.cases, known.task, known.sealed, seed=0, replicates=100)
    once, often = (one.stability for one in found.models)
    assert once is not None
    assert often is not None
    assert (once.flips, once.variance) == (None, None)
    test = [rows for _, rows in models[1].predictions.part("test").table.groupby("repeat")]
    called = [(rows["probability_1"] > 0.5).to_numpy(dtype=bool) for rows in test]
    named = np.stack(called).astype(np.int64)
    assert often.flips is not None
    assert often.flips.value == pytest.approx(flip_rate(named).mean())
    assert often.variance is not None
    assert often.variance.both > 0
