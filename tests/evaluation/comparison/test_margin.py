"""What an interval shows against 0 and a margin."""

import pytest

from skiagram.evaluation.comparison.margin import relation
from skiagram.evaluation.records.comparison import Relation
from skiagram.evaluation.results import Estimate


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.001, 0.2, "better"),
        (-0.2, -0.001, "worse"),
        (-0.019, 0.019, "equivalent"),
        (-0.019, 0.021, "not inferior"),
        (-0.021, 0.019, "not superior"),
        (-0.021, 0.021, "undecided"),
        (None, None, "unknown"),
    ],
)
def test_each_place_of_the_interval_has_its_word(
    low: float | None, high: float | None, expected: Relation
) -> None:
    assert relation(Estimate(0.0, low, high), 0.02) == expected


TURNED = {
    "better": "worse",
    "worse": "better",
    "not inferior": "not superior",
    "not superior": "not inferior",
}


@pytest.mark.parametrize("low", [-0.1, -0.01, 0.01])
@pytest.mark.parametrize("width", [0.005, 0.025, 0.2])
def test_the_word_turns_with_the_pair(low: float, width: float) -> None:
    there = relation(Estimate(0.0, low, low + width), 0.02)
    back = relation(Estimate(0.0, -low - width, -low), 0.02)
    assert back == TURNED.get(there, there)
