"""What the page says of the opening of the seal."""

import pytest

from skiagram.report.sections.provenance import describe_opening
from skiagram.sealing.ledger import Comparison, Opening

COMPARISON = Comparison("chest", "5" * 64, "evaluate", ("svm",), "c" * 64)


def opening(number: int) -> Opening:
    """Return an entry of the ledger."""
    return Opening(number, COMPARISON, "2026-01-01T00:00:00+00:00", "", False, ())


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "for the first time"), (2, "2nd"), (4, "4th"), (11, "11th"), (21, "21st"), (113, "113th")],
)
def test_the_number_is_said_as_people_say_it(number: int, words: str) -> None:
    assert words in describe_opening(opening(number))
