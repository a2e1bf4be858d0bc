"""The page of each sweep, and one page that links the report and every sweep that was run."""

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from skiagram.errors import DataError
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.records.files import read_record, write_record
from skiagram.report.page import page_title
from skiagram.report.rendering import Summary, render_template
from skiagram.report.sections.answer import state_answer
from skiagram.tables.frames import inert_text
from skiagram.tasks.cases import DataCard

if TYPE_CHECKING:
    from skiagram.sweeps.table import SweepResult

RESULT, PAGE, TABLE = "result.json", "page.html", "table.csv"


def render_sweep(result: "SweepResult") -> str:
    """Return the page of a sweep; equal results give equal text."""
    from skiagram.report.sweep import fill, summarise  # slow to import, and most projects have none

    summary = summarise(result)
    return render_template("sweep.html.j2", result=result, **summary._asdict(), **fill(result))


def write_outputs(result: "SweepResult", folder: Path) -> None:
    """Write `RESULT`, `PAGE` and `TABLE` into a folder, which may hold other files."""
    write_record(result, folder / RESULT)
    for name, text in {PAGE: render_sweep(result), TABLE: inert_text(result.table())}.items():
        (folder / name).write_text(text, encoding="utf-8")


INDEX = "sweeps/index.html"
_REPORT, _RECORD, _CARD = "reports/report.html", "reports/evaluation.json", "data/cases/card.json"
_MAX_ANSWERS = 3  # of each page; the others stand there
_UNREADABLE = "Its result cannot be read by this version. Run it again."


def write_index(root: Path) -> Path:
    """Write the index of all pages of a project; equal records give equal bytes."""
    index, unreadable = root / INDEX, (_UNREADABLE,)
    # The report: its title, of which its data set is a part, and its answer.
    report = None
    if (root / _REPORT).exists():
        summary = Summary("Report", unreadable)
        with suppress(DataError):
            evaluation = read_record(Evaluation, root / _RECORD)
            summary = Summary("Report", state_answer(evaluation))
            # Without its data set it is a report all the same.
            card = read_record(DataCard, root / _CARD)
            summary = summary._replace(title=page_title(card, evaluation))
        report = (f"../{_REPORT}", summary)
    # Title and answers of each sweep's page, from the folder of its outputs.
    sweeps = []
    for page in sorted(root.glob(f"sweeps/*/{PAGE}")):
        from skiagram.report.sweep import summarise
        from skiagram.sweeps.table import SweepResult

        summary = Summary(page.parent.name, unreadable)
        with suppress(DataError):
            summary = summarise(read_record(SweepResult, page.parent / RESULT))
        sweeps.append((os.path.relpath(page, index.parent), summary))
    text = render_template("index.html.j2", report=report, sweeps=sweeps, shown=_MAX_ANSWERS)
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(text, encoding="utf-8")
    return index
