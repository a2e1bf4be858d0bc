"""Sections of the report: `sections.yaml` declares them, a function of each fills it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from inspect import signature
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from skiagram.declared import read_declared
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report import sections  # noqa: F401 - so that the digest of the stage has them all
from skiagram.report.drawing import Drawing
from skiagram.report.material import Material
from skiagram.report.tables import tabulate_declared

Context = Mapping[str, Any]


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
        yield from find_drawings(self.context)


def find_drawings(shown: Any) -> Iterator[Drawing]:
    """Find the drawings in what a template names, however it is nested."""
    if isinstance(shown, Drawing):
        yield shown
    elif isinstance(shown, list | Mapping):
        for value in shown.values() if isinstance(shown, Mapping) else shown:
            yield from find_drawings(value)


class Sections(NamedTuple):
    """What the page has, in its order, and title → why a section is left out."""

    filled: tuple[Section, ...]
    left_out: Mapping[str, str]

    @property
    def anchors(self) -> frozenset[str]:
        """The anchors that a link may lead to."""
        return frozenset(section.anchor for section in self.filled)


@dataclass(frozen=True)
class DeclaredSection:
    """What `sections.yaml` says of a section; what each field means stands there."""

    title: str
    needs: tuple[str, ...] = ()
    shows: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    headings: dict[str, str] = field(default_factory=dict)
    answer: str = ""
    otherwise: str = ""
    of_more_classes: str = ""


@cache
def list_sections(file: str = "sections.yaml") -> dict[str, DeclaredSection]:
    """List anchor → section, in the order of the page that a file declares."""
    declared = read_declared("skiagram.report", file)
    return TypeAdapter(dict[str, DeclaredSection]).validate_python(declared)


def call_declared(asked: str | tuple[str, ...], known: Mapping[str, Any], own: str = "") -> Any:
    """Call the function of an address in the package with what its parameters are called.

    Args:
        asked: The address, perhaps with what else it is called with.
        own: Address of the module of a function that names none.
    """
    address, *values = [asked] if isinstance(asked, str) else asked
    place, _, name = address.rpartition(".")
    function = getattr(import_module(f"skiagram.{place or own}"), name)
    named = (each for each in signature(function).parameters if each in known)
    return function(*(known[each] for each in named), *values)


def make_section(
    anchor: str,
    evaluation: Evaluation,
    material: Material | None = None,
    file: str = "sections.yaml",
) -> Section | None:
    """Make a section with what its template names; None with nothing to show.

    Args:
        material: None for a page of scores alone.
        file: Declares the section.
    """
    declared = list_sections(file)[anchor]
    known = {"evaluation": evaluation, "material": material} | vars(evaluation)
    known |= vars(material) if material else {}

    @cache
    def show(key: str) -> Any:
        return call_declared(declared.shows[key], known, f"report.sections.{anchor}")

    tables = {key: tabulate_declared(evaluation, name) for key, name in declared.tables.items()}
    measured = (
        evaluation.table.select(analysis=need)
        or known.get(need)
        or tables.get(need)
        or (need in declared.shows and show(need))
        for need in declared.needs
    )
    if declared.needs and not any(measured):
        return None
    shown = {key: show(key) for key in declared.shows}
    return Section(anchor, declared.title, {**tables, **shown, "headings": declared.headings})


def make_sections(evaluation: Evaluation, material: Material) -> Sections:
    """Make all sections that have something to show."""
    filled, left_out = list[Section](), dict[str, str]()
    task = evaluation.task
    for anchor, declared in list_sections().items():
        if section := make_section(anchor, evaluation, material):
            filled.append(section)
            continue
        otherwise = declared.otherwise
        reason = (
            declared.of_more_classes or otherwise if task.predicted.positive is None else otherwise
        )
        if reason and task.defines(anchor):
            left_out[declared.title] = reason
    return Sections(tuple(filled), left_out)
