import dataclasses
import re

import pytest

from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.sites import SITES
from skiagram.report.page import write_checklists
from skiagram.report.section import Section, Sections, list_sections
from skiagram.report.sections.checklist import (
    fill_checklists,
    list_checklists,
    tabulate_checklist,
)
from skiagram.report.sections.verdict import HEADINGS
from tests.report.examples_of_findings import full
from tests.report.examples_of_results import binary, choose, material, several_classes


def filled(name, evaluation=None):
    found = fill_checklists(evaluation or full(), material())
    return next(one for one in found if one.file == name)


ANCHORS = {*HEADINGS, *list_sections()}


@pytest.mark.slow
def test_all_27_items_with_their_52_parts_are_there_once():
    numbers = [one.number for one in filled("tripod_ai").items]
    assert len(numbers) == len(set(numbers)) == 52
    assert {int(one.rstrip("abcdefg")) for one in numbers} == set(range(1, 28))
    letters = {"3": "abc", "12": "abcdefg", "18": "abcdef", "20": "abc", "27": "abc"}
    for number, expected in letters.items():
        found = "".join(one[len(number) :] for one in numbers if one.rstrip("abcdefg") == number)
        assert found == expected


def test_all_44_items_of_claim_are_there_once():
    assert [one.number for one in filled("claim").items] == [str(k) for k in range(1, 45)]


@pytest.mark.parametrize("name", list_checklists())
@pytest.mark.parametrize("example", [full, binary, several_classes])
def test_every_part_is_answered_or_falls_to_the_author(name, example):
    for one in filled(name, example()).items:
        assert one.stands or one.author or one.state == "not applicable"
        assert set(one.anchors) <= ANCHORS
        assert one.stands or not one.anchors
        assert not re.search(r"[{}]", one.stands)


def test_ethics_and_funding_are_the_authors_alone():
    states = {one.number: one.state for one in filled("tripod_ai").items}
    assert {states[number] for number in ("5b", "17", "18a", "19")} == {"author"}
    assert states["23a"] == states["12e"] == "here"
    claim = {one.number: one.state for one in filled("claim").items}
    assert {claim[number] for number in ("3", "8", "34", "44")} == {"author"}


def test_without_columns_heterogeneity_falls_to_the_author():
    found = {one.number: one for one in filled("tripod_ai", binary()).items}
    assert found["12d"].state == "author"
    assert found["23a"].state == "partly"
    assert "No known column" in found["14"].author
    assert not any("subgroups" in one.anchors for one in found.values())


def test_answers_hold_the_figures_of_the_run():
    claim = {one.number: one.stands for one in filled("claim").items}
    assert "175 patients, cases 210 normal, 140 abnormal" in claim["35"]
    assert "+0.021" in claim["38"]
    assert "0.060" in claim["21"]
    assert claim["33"] == "3 values of “site”, each unseen by its models"


def test_no_item_claims_what_this_run_did_not_do():
    models = tuple(dataclasses.replace(one, by_repeat=(0.8,)) for one in full().models)
    others = tuple(row for row in full().figures.rows if row.analysis != SITES)
    figures = FigureTable(others)
    single = dataclasses.replace(full(), models=models, site_column="", figures=figures)
    claim = {one.number: one for one in filled("claim", single).items}
    assert "seeds" not in claim["30"].stands
    assert claim["33"].state == "not here"


def test_what_only_networks_have_does_not_apply_without_one():
    classical = tuple(one for one in full().models if one.outcome.arm == "classical")
    alone = dataclasses.replace(full(), models=classical, arms=choose(classical="random_forest"))
    assert {one.number: one.state for one in filled("claim", alone).items}["24"] == "not applicable"


def test_every_checklist_is_written_as_a_page_and_a_table_to_fill_in():
    shown = [Section(name, "", {}) for name in list_sections() if name != "calibration"]
    sections = Sections(tuple(shown), {})
    files = write_checklists(full(), material(), sections)
    names = list_checklists()
    assert set(files) == {"checklists.html", *(f"{name}.csv" for name in names)}
    for name in names:
        table = tabulate_checklist(filled(name))
        assert (table[["Authors’ answer", "Page"]] == "").all(axis=None)
        assert files[f"{name}.csv"].count("\n") >= len(table) + 1
        assert f'id="{name}"' in files["checklists.html"]
    targets = set(re.findall(r'href="\.\./report\.html#(\w+)"', files["checklists.html"]))
    assert targets
    assert targets <= sections.anchors | set(HEADINGS)
