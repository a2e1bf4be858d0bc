"""What a study leaves in its folder: the result, its page and, after a search, option files."""

import importlib
from pathlib import Path
from typing import Any

from skiagram.records import write_record
from skiagram.report.studies.search import write_option_files
from skiagram.studies.search.results import SearchResult

_RESULT, _PAGE, _OPTION_FILES = "result.json", "page.html", "tuned"


def outputs(result: object) -> tuple[str, ...]:
    """Return the names of what `write_study` writes."""
    return (_RESULT, _PAGE, *((_OPTION_FILES,) if isinstance(result, SearchResult) else ()))


def write_study(result: Any, folder: Path) -> None:
    """Write a study's outputs.

    Args:
        result: What `run` of a study in skiagram.studies.<kind> returned; its page is made by
            skiagram.report.studies.<kind>.
        folder: Folder to write to; there may be others in it.
    """
    page = importlib.import_module(f"{__package__}.{type(result).__module__.split('.')[-2]}")
    write_record(result, folder / _RESULT)
    (folder / _PAGE).write_text(page.render(result), encoding="utf-8")
    if isinstance(result, SearchResult):
        write_option_files(result, folder / _OPTION_FILES)
