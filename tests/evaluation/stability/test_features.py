"""The fits of the folds are compared by what they kept; others play no part."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from skiagram.evaluation.stability.features import feature_selection
from skiagram.evaluation.stability.selection import selection_stability
from skiagram.evaluation.summary import evaluate
from tests.evaluation.scenario import finished, scenario

NAMES = ("a", "b", "c", "d")


def chosen(fits: dict[str, str]) -> pd.DataFrame:
    """Return the table of fits that kept the features named by letters."""
    rows = [(fit, name, name in letters) for fit, letters in fits.items() for name in NAMES]
    return pd.DataFrame(rows, columns=["fit", "feature", "chosen"])


HOLDOUT = {"repeat0-fold0": "ab", "repeat0-fold1": "ac", "repeat1-fold0": "ab"}
NESTED = {"repeat0-outer0-final": "ab", "repeat0-outer1-final": "ac", "repeat1-outer0-final": "ab"}


@pytest.mark.parametrize("fits", [HOLDOUT, NESTED])
def test_the_fits_that_scored_the_folds_are_compared(fits: dict[str, str]) -> None:
    others = {"repeat0-final": "d", "repeat0-outer0-fold0": "cd"}
    found = feature_selection(chosen(fits | others))
    assert found is not None
    marks = np.array([[name in kept for name in NAMES] for kept in ("ab", "ac", "ab")])
    assert found.agreement.value == pytest.approx(selection_stability(marks).value)
    assert (found.fits, found.features, found.kept) == (3, 4, 2.0)
    named = [(one.feature, one.share) for one in found.most_chosen]
    assert named == [("a", 1.0), ("b", pytest.approx(2 / 3)), ("c", pytest.approx(1 / 3))]


def test_the_same_choice_every_time_agrees_fully_and_any_order_of_rows_alike() -> None:
    table = chosen(dict.fromkeys(HOLDOUT, "bc"))
    found = feature_selection(table)
    assert found is not None
    assert found.agreement.value == pytest.approx(1)
    assert feature_selection(table.sample(frac=1, random_state=0)) == found


def test_a_fit_that_kept_nothing_counts() -> None:
    found = feature_selection(chosen(HOLDOUT | {"repeat1-fold1": ""}))
    assert found is not None
    assert found.fits == 4
    assert found.kept == 1.5


def test_the_evaluation_has_it_for_models_that_choose_alone() -> None:
    known = scenario()
    models = [
        replace(finished(known, "single"), selection=chosen(HOLDOUT)),
        finished(known, "forest"),
    ]
    found = evaluate(models, known.cases, known.task, known.sealed, seed=0, replicates=100)
    choosing, whole = (one.stability for one in found.models)
    assert choosing is not None
    assert choosing.selection == feature_selection(chosen(HOLDOUT))
    assert whole is not None
    assert whole.selection is None
