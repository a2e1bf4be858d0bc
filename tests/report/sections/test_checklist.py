import re
from dataclasses import replace
from functools import partial

import pytest

from skiagram.evaluation.sites import SITES
from skiagram.report.page import write_checklists
from skiagram.report.section import Section, Sections, list_sections
from skiagram.report.sections.checklist import (
    fill_checklists,
    list_checklists,
    tabulate_checklist,
)
from tests.evaluation.model_results import with_models
from tests.evaluation.situations import changed
from tests.report.examples_of_findings import full, mixed
from tests.report.examples_of_results import (
    binary,
    choose,
    material,
    several_classes,
    with_failure,
)
from tests.yaml_rows import read_yaml


def filled(name, evaluation=None):
    found = fill_checklists(evaluation or full(), material())
    return next(one for one in found if one.file == name)


HEADINGS = list_sections()["verdict"].headings
ANCHORS = {*HEADINGS, *list_sections()}


KNOWN = read_yaml(__file__, "checklist.yaml")


@pytest.mark.parametrize("name", KNOWN["items"])
def test_all_items_are_there_once_and_in_order(name):
    assert [one.number for one in filled(name).items] == str(KNOWN["items"][name]).split()


@pytest.mark.parametrize("name", list_checklists())
@pytest.mark.parametrize("example", [full, binary, several_classes])
def test_every_part_is_answered_or_falls_to_the_author(name, example):
    for one in filled(name, example()).items:
        assert one.stands or one.author
        assert set(one.anchors) <= ANCHORS
        assert one.stands or not one.anchors
        assert not re.search(r"[{}]", one.stands)


def of_two_trainings():
    """Return the full example with two trainings of each model and without sites."""
    found = changed(full(), lambda row: None if row.analysis == SITES else row)
    found = with_models(found, lambda model: replace(model, by_repeat=(0.8, 0.81)))
    return replace(found, site_column="")


def of_classical_models():
    classical = tuple(one for one in full().models if one.outcome.arm == "classical")
    return replace(full(), models=classical, arms=choose(classical="random_forest"))


EXAMPLES = {
    "full": full,
    "binary": binary,
    "two trainings without sites": of_two_trainings,
    "classical models alone": of_classical_models,
    "folds of different networks": mixed,
    "a failure": partial(with_failure, "out of memory"),
}


@pytest.mark.parametrize("row", KNOWN["rows"], ids=lambda row: f"{row['of']}, {row['item']}")
def test_an_item_says_what_the_run_holds_and_what_is_left_to_the_author(row):
    items = filled(row["list"], EXAMPLES[row["of"]]()).items
    (one,) = (each for each in items if each.number == row["item"])
    assert one.state == row.get("state", one.state)
    assert row.get("stands", "") in one.stands
    assert row.get("left", "") in one.author
    assert "absent" not in row or row["absent"] not in one.stands


def test_no_item_names_a_section_that_is_left_out():
    found = filled("tripod_ai", binary()).items
    assert not any("subgroups" in one.anchors for one in found)


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
    assert targets <= sections.anchors | HEADINGS.keys()
