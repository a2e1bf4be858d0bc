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
Select = Callable[[Evaluation, Material], object]


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
            drawings = value if isinstance(value, list) else [value]
            yield from (each for each in drawings if isinstance(each, Drawing))


class Sections(NamedTuple):
    """What the page has, in its order, and title → why a section is left out."""

    filled: tuple[Section, ...]
    left_out: Mapping[str, str]

    @property
    def anchors(self) -> frozenset[str]:
        """The anchors that a link may lead to."""
        return frozenset(section.anchor for section in self.filled)


class _Registered(NamedTuple):
    place: int
    title: str
    fill: Fill
    select: Select
    otherwise: str
    of_more_classes: str


_registered: dict[str, _Registered] = {}  # by the name of the function, which is the anchor


def section(
    title: str,
    *,
    place: int,
    select: Select = lambda _evaluation, _material: True,
    otherwise: str = "",
    of_more_classes: str = "",
) -> Callable[[Fill], Fill]:
    """Register a function that returns the context of a template; its name is the anchor.

    Args:
        place: Sections are shown by ascending place.
        select: What the section is about. Where it selects nothing, the section is left out.
        otherwise: Why it may be left out; empty where another section says it.
        of_more_classes: The same with more than two classes, where it is another reason.
    """

    def register(fill: Fill) -> Fill:
        _registered[fill.__name__] = _Registered(
            place, title, fill, select, otherwise, of_more_classes or otherwise
        )
        return fill

    return register


def list_sections() -> dict[str, str]:
    """List anchor → title of every module in `sections/`, in the order of the page."""
    for module in pkgutil.iter_modules(sections.__path__):
        import_module(f"{sections.__name__}.{module.name}")
    ordered = sorted(_registered.items(), key=lambda item: item[1].place)
    return {anchor: registered.title for anchor, registered in ordered}


def make_sections(evaluation: Evaluation, material: Material) -> Sections:
    """Make all sections that have something to show."""
    filled, left_out = list[Section](), dict[str, str]()
    task = evaluation.task
    for anchor, title in list_sections().items():
        registered = _registered[anchor]
        if registered.select(evaluation, material):
            context = registered.fill(evaluation, material)
            filled.append(Section(anchor, title, context))
            continue
        reason = registered.of_more_classes if task.positive is None else registered.otherwise
        if reason and task.defines(anchor):
            left_out[title] = reason
    return Sections(tuple(filled), left_out)
