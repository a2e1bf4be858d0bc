"""Sections of the report: each registers itself, and nothing else lists it."""

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, NamedTuple

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report import sections
from skiagram.report.drawing import Drawing
from skiagram.report.material import Material

Context = Mapping[str, Any]
Fill = Callable[[Evaluation, Material], Context]


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


class _Registered(NamedTuple):
    place: int
    title: str
    fill: Fill


_registered: dict[str, _Registered] = {}


def section(title: str, *, place: int) -> Callable[[Fill], Fill]:
    """Register a function that returns the context of a section; its name is the anchor."""

    def register(fill: Fill) -> Fill:
        _registered[fill.__name__] = _Registered(place, title, fill)
        return fill

    return register


def list_sections() -> dict[str, str]:
    """Return anchor → title of every module in `sections/`, in the order of the page."""
    for module in pkgutil.iter_modules(sections.__path__):
        import_module(f"{sections.__name__}.{module.name}")
    ordered = sorted(_registered.items(), key=lambda item: item[1].place)
    return {anchor: known.title for anchor, known in ordered}


def make_sections(evaluation: Evaluation, material: Material) -> list[Section]:
    """Return all sections, filled, in the order of the page."""
    return [
        Section(anchor, title, _registered[anchor].fill(evaluation, material))
        for anchor, title in list_sections().items()
    ]
