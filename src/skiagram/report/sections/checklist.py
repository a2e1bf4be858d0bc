"""Checklists of others, filled with what this run answers; the rest falls to the authors.

A checklist is a file in `report/checklists/`; nothing else names it.
"""

import importlib.resources
from collections.abc import Container, Mapping
from functools import cache
from itertools import groupby
from typing import Any, Literal, NamedTuple

import pandas as pd
from jinja2 import Template
from markupsafe import Markup, escape
from pydantic import TypeAdapter

from skiagram.declared import read_declared
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.formatting import ARM_TITLES, best_models, finished_models
from skiagram.report.material import Material
from skiagram.report.rendering import open_plain_templates
from skiagram.report.section import list_sections
from skiagram.report.tables import Group, Table, TableRow, list_rows

FOLDER = "checklists"
MAIN = "tripod_ai"
State = Literal["here", "partly", "author", "not here"]
STATE_WORDS: dict[State, str] = {
    "here": "yes",
    "partly": "in part",
    "author": "authors",
    "not here": "no",
}


def count_answered(evaluation: Evaluation, material: Material) -> Table:
    """Tabulate how many parts of each checklist are answered."""
    states: dict[str, State] = {
        "Answered": "here",
        "In part": "partly",
        "Not in this run": "not here",
        "Authors": "author",
    }
    rows = []
    for each in fill_checklists(evaluation, material):
        counts = [sum(item.state == state for item in each.items) for state in states.values()]
        rows.append(TableRow(each.name, [*map(str, (len(each.items), *counts))]))
    return Table(("Items", *states), list_rows(rows), first="Checklist", kind="")


class Item(NamedTuple):
    """One part of a checklist.

    Attributes:
        stands: What the run answers; empty where only the author can.
        anchors: Sections of the page where the answer stands.
        author: What the author must add; empty where nothing is missing.
        needs: What a run must have for the answer.
        otherwise: What holds where the run does not have it: the item falls to the author, or the
            answer is no.
    """

    number: str
    asked: str
    stands: str = ""
    anchors: tuple[str, ...] = ()
    author: str = ""
    needs: tuple[str, ...] = ()
    otherwise: Literal["author", "no"] = "author"
    part: str = ""
    state: State = "author"


class Checklist(NamedTuple):
    """A checklist, filled; `file` is the name of its file without the ending."""

    file: str
    name: str
    source: str
    about: str
    items: tuple[Item, ...]


@cache
def _read_facts() -> dict[str, Template]:
    declared = read_declared("skiagram.report", "facts.yaml")
    return {name: open_plain_templates().from_string(text) for name, text in declared.items()}


def _list_facts(evaluation: Evaluation, material: Material) -> dict[str, Any]:
    """List what a run can say of itself: name → words with its figures, and its records."""
    shown = {
        "evaluation": evaluation,
        "material": material,
        "params": material.params,
        "treatment": material.treatment,
        "titles": ARM_TITLES,
        "best": best_models(evaluation),
    }
    facts = {name: template.render(shown) for name, template in _read_facts().items()}
    return {"evaluation": evaluation, "card": material.card, **facts}


def list_checklists() -> tuple[str, ...]:
    """List the names of all checklists' files, the report's own first."""
    folder = importlib.resources.files("skiagram.report").joinpath(FOLDER)
    names = sorted(path.name.removesuffix(".yaml") for path in folder.iterdir())
    return (MAIN, *(name for name in names if name != MAIN))


def fill_checklists(evaluation: Evaluation, material: Material) -> list[Checklist]:
    """Fill all checklists with what the run answers, the report's own first."""
    # Need of an item → whether the run meets it.
    has_subgroups = any(model.parts for model in evaluation.models)
    has_sites = bool(evaluation.test_sites or evaluation.site_column)
    met = {
        "subgroups": has_subgroups,
        "sites": has_sites,
        "clusters": has_subgroups or has_sites,
        "networks": any(model.outcome.arm == "deep" for model in finished_models(evaluation)),
    }
    words = _list_facts(evaluation, material)
    return [
        file._replace(items=tuple(_fill(item, words, met) for item in file.items))
        for file in map(_read_checklist, list_checklists())
    ]


@cache
def _read_checklist(name: str) -> Checklist:
    file = read_declared("skiagram.report", f"{FOLDER}/{name}.yaml")
    parts = TypeAdapter(dict[str, tuple[Item, ...]]).validate_python(file.pop("parts"))
    items = tuple(item._replace(part=part) for part, members in parts.items() for item in members)
    return Checklist(file=name, items=items, **file)


def _fill(item: Item, facts: Mapping[str, Any], met: Mapping[str, bool]) -> Item:
    # An item whose need the run lacks.
    if not all(met[need] for need in item.needs):
        if item.otherwise == "no":
            return item._replace(stands="Not in this run", anchors=(), state="not here")
        author = item.author or "All of it; this run does not have it"
        return item._replace(stands="", anchors=(), author=author, state="author")
    # What a run cannot say is left to the authors.
    if not item.stands:
        return item._replace(state="author")
    # A section of its own says only that there is nothing.
    anchors = tuple(anchor for anchor in item.anchors if met.get(anchor, True))
    stands, author = item.stands.format_map(facts), item.author
    if "subgroups" in item.anchors and "subgroups" not in anchors:
        missing = author or "Figures by part of the cases"
        author = f"{missing}. {facts['no_subgroups']}"
        stands = stands if anchors else ""
    state: State = "here" if not author else "partly" if stands else "author"
    words = stands[:1].upper() + stands[1:]
    return item._replace(stands=words, anchors=anchors, author=author, state=state)


def tabulate_items(checklist: Checklist, anchors: Container[str]) -> Table:
    """Tabulate the checklist, with links to where the answers stand.

    Args:
        anchors: Sections that the report has.
    """
    headings = {name: each.title for name, each in list_sections().items()}
    within = {key: text for each in list_sections().values() for key, text in each.headings.items()}
    link = Markup('<a href="../report.html#{}">{}</a>')

    # A row for each item, with links to the sections that the page has.
    def row(item: Item) -> TableRow:
        links = [
            link.format(anchor, (headings | within)[anchor])
            for anchor in item.anchors
            if anchor in anchors or anchor in within
        ]
        stands = Markup(" ").join([escape(item.stands), Markup(", ").join(links)])
        return TableRow(item.number, [item.asked, stands, item.author])

    # One group for each part of the checklist.
    groups = groupby(checklist.items, key=lambda item: item.part)
    columns = ("What is asked", "Where it stands", "What the authors must add")
    return Table(
        columns,
        [Group(part, [row(item) for item in items]) for part, items in groups],
        first="Item",
        words=columns,
        kind="checklist",
    )


def tabulate_checklist(checklist: Checklist) -> pd.DataFrame:
    """Make a table to fill in: the last two columns are the authors'."""
    columns = {
        "number": "Item",
        "part": "Part",
        "asked": "What is asked",
        "state": "Answered by the run",
        "stands": "Where it stands",
        "author": "What the authors must add",
    }
    table = pd.DataFrame(checklist.items, columns=Item._fields)[[*columns]]
    table["state"] = table["state"].map(STATE_WORDS)
    return table.rename(columns=columns).assign(**{"Authors’ answer": "", "Page": ""})
