"""Sections of the report: `sections.yaml` declares them, a function of each fills it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from skiagram.declared import read_declared
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report import sections  # as a whole, so that the digest of the stage has them all
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


@dataclass(frozen=True)
class DeclaredSection:
    """What `sections.yaml` says of a section; what each field means stands there."""

    title: str
    needs: tuple[str, ...] = ()
    shows: dict[str, str] = field(default_factory=dict)
    tables: dict[str, str] = field(default_factory=dict)
    otherwise: str = ""
    of_more_classes: str = ""


@cache
def list_sections() -> dict[str, DeclaredSection]:
    """List anchor → section, in the order of the page."""
    declared = read_declared("skiagram.report", "sections.yaml")
    return TypeAdapter(dict[str, DeclaredSection]).validate_python(declared)


def fill_section(anchor: str, evaluation: Evaluation, material: Material) -> Context | None:
    """Return what the template of a section names; None with nothing to show."""
    declared = list_sections()[anchor]
    measured = (
        evaluation.table.select(analysis=need) or getattr(material, need, None)
        for need in declared.needs
    )
    if declared.needs and not any(measured):
        return None
    shown: dict[str, Any] = {
        key: tabulate_declared(evaluation, name) for key, name in declared.tables.items()
    }
    # A template may show parts of the material alone.
    if files(sections).joinpath(f"{anchor}.py").is_file():
        module = import_module(f"{sections.__name__}.{anchor}")
        for key, name in declared.shows.items():
            shown[key] = getattr(module, name)(evaluation)
        if fill := getattr(module, anchor, None):
            context = fill(evaluation, material)
            return None if context is None else {**shown, **context}
    return shown


def make_sections(evaluation: Evaluation, material: Material) -> Sections:
    """Make all sections that have something to show."""
    filled, left_out = list[Section](), dict[str, str]()
    task = evaluation.task
    for anchor, declared in list_sections().items():
        context = fill_section(anchor, evaluation, material)
        if context is not None:
            filled.append(Section(anchor, declared.title, context))
            continue
        otherwise = declared.otherwise
        reason = declared.of_more_classes or otherwise if task.positive is None else otherwise
        if reason and task.defines(anchor):
            left_out[declared.title] = reason
    return Sections(tuple(filled), left_out)
