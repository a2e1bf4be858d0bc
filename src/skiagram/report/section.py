"""Sections of the report: each registers itself, and nothing else lists it."""

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report import sections
from skiagram.report.drawing import Drawing
from skiagram.report.material import Material

NOT_TRAINED = "no model was trained"
Context = Mapping[str, Any]
Fill = Callable[[Evaluation, Material], Context]


class LeftOut(Exception):
    """A section has nothing to show; says why."""


class Section(NamedTuple):
    """A section of the page.

    Attributes:
        anchor: Its name, also that of its template in `templates/sections/`.
    """

    anchor: str
    title: str
    context: Context

    def figures(self) -> Iterator[Drawing]:
        """Yield the figures in its context, also those in a list."""
        for value in self.context.values():
            found = value if isinstance(value, list) else [value]
            yield from (each for each in found if isinstance(each, Drawing))


class Sections(NamedTuple):
    """What the page has, in its order, and title → why a section is left out."""

    filled: tuple[Section, ...]
    left_out: Mapping[str, str]

    @property
    def anchors(self) -> frozenset[str]:
        """Return the anchors that a link may lead to."""
        return frozenset(section.anchor for section in self.filled)


_registered: dict[str, tuple[int, str, Fill]] = {}  # name → place, title, how it is filled


def section(title: str, *, place: int) -> Callable[[Fill], Fill]:
    """Register a function that fills a section; its name is the anchor.

    It returns the context of the template, or raises `LeftOut` where there is nothing to show.
    """

    def register(fill: Fill) -> Fill:
        _registered[fill.__name__] = place, title, fill
        return fill

    return register


def list_sections() -> dict[str, str]:
    """Return anchor → title of every module in `sections/`, in the order of the page."""
    for module in pkgutil.iter_modules(sections.__path__):
        import_module(f"{sections.__name__}.{module.name}")
    ordered = sorted(_registered.items(), key=lambda item: item[1][0])
    return {anchor: title for anchor, (_, title, _) in ordered}


def make_sections(evaluation: Evaluation, material: Material) -> Sections:
    """Return all sections that have something to show."""
    filled, left_out = list[Section](), dict[str, str]()
    for anchor, title in list_sections().items():
        try:
            filled.append(Section(anchor, title, _registered[anchor][2](evaluation, material)))
        except LeftOut as reason:
            left_out[title] = str(reason)
    return Sections(tuple(filled), left_out)
