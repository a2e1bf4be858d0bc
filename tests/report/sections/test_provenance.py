"""What the page says of the opening of the seal."""

from dataclasses import replace

import pytest

from skiagram.report.page import render
from skiagram.report.sections.provenance import describe_opening
from skiagram.sealing.ledger import Comparison, Opening
from tests.report.examples_of_results import binary, material

COMPARISON = Comparison("chest", "5" * 64, "evaluate", ("svm",), "c" * 64)


def opening(number: int) -> Opening:
    """Return an entry of the ledger."""
    return Opening(number, COMPARISON, "2026-01-01T00:00:00+00:00", "", False, ())


@pytest.mark.parametrize(
    ("number", "words"),
    [(2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (21, "21st"), (113, "113th")],
)
def test_the_number_is_said_as_people_say_it(number: int, words: str) -> None:
    assert f"for the {words} time" in describe_opening(opening(number))


@pytest.mark.slow
def test_a_second_opening_stands_on_the_first_page_and_a_first_does_not() -> None:
    pages = {
        number: render(binary(), replace(material(), opening=opening(number))) for number in (1, 2)
    }
    before_the_sections = {n: page.partition('id="data"')[0] for n, page in pages.items()}
    assert "no longer untouched" in " ".join(before_the_sections[2].split())
    assert "no longer untouched" not in pages[1]
    assert "for the first time" not in before_the_sections[1]
    assert "for the first time" in pages[1]
