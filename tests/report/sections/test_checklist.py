from skiagram.report.page import FIRST_PAGE, SECTIONS
from skiagram.report.sections.checklist import fill_checklist
from tests.report.examples_of_findings import full
from tests.report.examples_of_results import binary


def test_all_27_items_with_their_52_parts_are_there_once() -> None:
    numbers = [one.number for one in fill_checklist(full())]
    assert len(numbers) == len(set(numbers)) == 52
    assert {int(one.rstrip("abcdefg")) for one in numbers} == set(range(1, 28))
    letters = {"3": "abc", "12": "abcdefg", "18": "abcdef", "20": "abc", "27": "abc"}
    for number, expected in letters.items():
        found = "".join(one[len(number) :] for one in numbers if one.rstrip("abcdefg") == number)
        assert found == expected


def test_every_part_is_answered_or_falls_to_the_author() -> None:
    for one in fill_checklist(full()):
        assert one.stands or one.author
        assert set(one.anchors) <= set(FIRST_PAGE | SECTIONS)
        assert one.stands or not one.anchors


def test_ethics_and_funding_are_the_authors_alone() -> None:
    states = {one.number: one.state for one in fill_checklist(full())}
    assert {states[number] for number in ("5b", "17", "18a", "19")} == {"author"}
    assert states["23a"] == states["12e"] == "here"


def test_without_columns_heterogeneity_falls_to_the_author() -> None:
    found = {one.number: one for one in fill_checklist(binary())}
    assert found["12d"].state == "author"
    assert found["23a"].state == "partly"
    assert "No column" in found["14"].author
    assert not any("subgroups" in one.anchors for one in found.values())
