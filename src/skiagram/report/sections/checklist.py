"""The TRIPOD+AI checklist, filled with where each answer stands in this report."""

import importlib.resources
from dataclasses import dataclass, replace
from typing import Literal

import yaml
from pydantic import TypeAdapter

from skiagram.evaluation.results import Evaluation

_NO_COLUMN = "No column known of the cases parts them"
_BY_PART = "subgroups"


@dataclass(frozen=True)
class Item:
    """One part of the checklist.

    Attributes:
        number: Its number.
        asked: What it asks for, in short.
        stands: What the report answers; empty where only the author can.
        anchors: Sections of the page where the answer stands.
        author: What the author must add; empty where nothing is missing.
        part: Part of the paper it belongs to.
    """

    number: str
    asked: str
    stands: str = ""
    anchors: tuple[str, ...] = ()
    author: str = ""
    part: str = ""

    @property
    def state(self) -> Literal["here", "partly", "author"]:
        """Return whether the answer stands here, partly here, or is the author's alone."""
        if not self.stands:
            return "author"
        return "partly" if self.author else "here"


def fill_checklist(evaluation: Evaluation) -> tuple[Item, ...]:
    """Return all parts in order; what this run does not have falls to the author."""
    parted = any(model.subgroups for model in evaluation.models)
    return tuple(
        replace(item if parted else _without_subgroups(item), part=part)
        for part, items in _items().items()
        for item in items
    )


def _items() -> dict[str, tuple[Item, ...]]:
    text = (
        importlib.resources.files("skiagram.report.sections")
        .joinpath("checklist.yaml")
        .read_text("utf-8")
    )
    return TypeAdapter(dict[str, tuple[Item, ...]]).validate_python(yaml.safe_load(text))


def _without_subgroups(item: Item) -> Item:
    if _BY_PART not in item.anchors:
        return item
    anchors = tuple(anchor for anchor in item.anchors if anchor != _BY_PART)
    author = f"{item.author or 'Figures by part of the cases'}. {_NO_COLUMN}"
    return replace(item, anchors=anchors, stands=item.stands if anchors else "", author=author)
