"""The page of each study, and one page that links the report and every study that was run.

A study leaves in its folder the result, its page and, of a sweep, its long table. The index reads
the records.
"""

import operator
import os
import pkgutil
from functools import cache, reduce
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

from skiagram.errors import DataError
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.records import DataCard, read_record, write_record
from skiagram.report import studies
from skiagram.report.page import page_title
from skiagram.report.rendering import Summary, render_template
from skiagram.report.sections.answer import state_answer

RESULT, PAGE = "result.json", "page.html"


@cache
def _pages() -> dict[type, ModuleType]:
    """Return the type of a result → the module of its page, for every module in `studies/`."""
    names = [module.name for module in pkgutil.iter_modules(studies.__path__)]
    modules = [import_module(f"{studies.__name__}.{name}") for name in names]
    return {get_type_hints(module.fill)["result"]: module for module in modules}


def render_study(result: object) -> str:
    """Return the page of a study; equal results give equal text."""
    page = _pages()[type(result)]
    name, summary = page.__name__.rpartition(".")[2], page.summarise(result)
    return render_template(
        f"studies/{name}.html.j2", result=result, **summary._asdict(), **page.fill(result)
    )


def _files(result: object) -> dict[str, str]:
    """Return name → text of the files that stand beside a study's page."""
    files: dict[str, str] = getattr(_pages()[type(result)], "list_files", lambda _: {})(result)
    return files


def list_outputs(result: object) -> tuple[str, ...]:
    """Return the names of what `write_study` writes."""
    return (RESULT, PAGE, *dict.fromkeys(name.partition("/")[0] for name in _files(result)))


def write_study(result: object, folder: Path) -> None:
    """Write a study's outputs into a folder, which may hold other files."""
    write_record(result, folder / RESULT)
    for name, text in {PAGE: render_study(result), **_files(result)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def read_summary(folder: Path) -> Summary:
    """Return title and answers of a study's page from the folder that `write_study` wrote to."""
    kinds: Any = reduce(operator.or_, _pages())
    result = read_record(kinds, folder / RESULT)
    summary: Summary = _pages()[type(result)].summarise(result)
    return summary


INDEX = "studies/index.html"
_REPORT, _RECORD, _CARD = "reports/report.html", "reports/evaluation.json", "data/cases/card.json"
_MAX_ANSWERS = 3  # of each page; the others stand there
_UNREADABLE = "Its result cannot be read by this version. Run it again."


def write_index(root: Path) -> Path:
    """Write the index of all pages of a project; equal records give equal bytes."""
    index = root / INDEX
    pages = [page for of in ("studies", "sweeps") for page in sorted(root.glob(f"{of}/*/{PAGE}"))]
    text = render_template(
        "index.html.j2",
        report=(f"../{_REPORT}", _summarise_report(root)) if (root / _REPORT).exists() else None,
        studies=[(os.path.relpath(page, index.parent), _summarise(page.parent)) for page in pages],
        shown=_MAX_ANSWERS,
    )
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(text, encoding="utf-8")
    return index


def _summarise_report(root: Path) -> Summary:
    try:
        title = page_title(read_record(DataCard, root / _CARD))
    except DataError:
        title = "Report"
    try:
        answers = state_answer(read_record(Evaluation, root / _RECORD))
    except DataError:
        answers = (_UNREADABLE,)
    return Summary(title, answers)


def _summarise(folder: Path) -> Summary:
    try:
        return read_summary(folder)
    except DataError:
        return Summary(f"{folder.name}", (_UNREADABLE,))
