"""The tables of the verdict: every combination of conditions has one row, shown by the page."""

import re
from itertools import product

import pytest

from skiagram.evaluation.evaluation_record import DECISION_WORDS
from skiagram.evaluation.rules import (
    BOUNDS,
    CONDITIONS,
    RULES,
    STANDINGS,
    find_rule,
)
from skiagram.evaluation.sentences import read_sentences, say
from tests import REPOSITORY

PAGE = REPOSITORY / "docs/explanation/verdicts.md"
PLACES = ("below −margin", "below 0", "above 0", "below margin", "above margin")


def combine(values):
    """Return every combination of conditions."""
    return [dict(zip(values, each, strict=True)) for each in product(*values.values())]


INTERVALS = [
    bounds
    for bounds in combine(BOUNDS)
    if "none" in bounds.values() or PLACES.index(bounds["low"]) <= PLACES.index(bounds["high"])
]


@pytest.mark.parametrize(
    ("rules", "situations"), [(RULES, combine(CONDITIONS)), (STANDINGS, INTERVALS)]
)
def test_every_situation_has_a_row_and_every_row_a_situation(rules, situations):
    found = [find_rule(rules, situation) for situation in situations]
    assert {id(rule) for rule in found} == {id(rule) for rule in rules}
    for rule in rules:  # each names conditions and values that there are
        assert all(
            set(values) <= set((CONDITIONS | BOUNDS)[name]) for name, values in rule.when.items()
        )


def test_no_combination_is_decided_against_what_was_promised():
    for situation in combine(CONDITIONS):
        rule = find_rule(RULES, situation)
        sides = {situation[name] for name in ("difference", "chance", "baseline")}
        is_sound = situation["compared"] == "yes" and situation["leaked"] == "no"
        assert (rule.decision == "none") == (not is_sound)
        assert (rule.decision == "no") == (is_sound and "no" in sides)
        beats_all = situation["chance"] == situation["baseline"] == "beaten"
        may_be_yes = situation["difference"] == "yes" and situation["copies"] == "no" and beats_all
        assert (rule.decision == "yes") == (is_sound and may_be_yes)
        assert f"because.{rule.decision}_{rule.because}" in read_sentences()


def test_the_page_shows_the_rows_of_both_tables():
    shown = PAGE.read_text(encoding="utf-8")
    for rules in (RULES, STANDINGS):
        assert write_table(rules) in shown


def write_table(rules):
    """Return a table of rules as the page shows it."""
    lines = []
    for rule in rules:
        parts = [
            say(f"condition.{name}_{values[-1].replace(' ', '_')}")
            for name, values in rule.when.items()
        ]
        decision = DECISION_WORDS[rule.decision].replace("none", "no verdict")
        lines.append(f"| {'; '.join(parts) or 'else'} | {decision} | {rule.because} |")
    return "\n".join(lines)


@pytest.mark.parametrize("key", sorted(read_sentences()))
def test_each_sentence_of_the_list_is_whole_and_fills_its_places(key):
    words = read_sentences()[key]
    places = {place: f"<{place}>" for place in re.findall(r"{(\w+)}", words)}
    said = say(key, **places)
    assert said.key == key
    assert all(
        place in said for place in places.values() if not said.startswith(place.capitalize())
    )
    assert "  " not in said
    assert "not settled:" not in said.lower()
