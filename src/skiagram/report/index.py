"""One page that links the report and every study that was run; it reads their records."""

from dataclasses import dataclass
from pathlib import Path

from skiagram.errors import DataError
from skiagram.evaluation.results import Evaluation
from skiagram.records import DataCard, read_record
from skiagram.report.page import page_title
from skiagram.report.rendering import Summary, render_template
from skiagram.report.studies.pages import PAGE, read_summary

INDEX = "studies/index.html"
_REPORT, _RECORD, _CARD = "reports/report.html", "reports/evaluation.json", "data/cases/card.json"
_MOST_ANSWERS = 3  # of each page; the others stand there
_UNREADABLE = "Its result cannot be read by this version. Run it again."


@dataclass(frozen=True)
class Entry:
    """A page that the index links.

    Attributes:
        address: Relative to the index.
        title: Its heading.
        answers: Its first answers, one line each.
        more: How many further answers it has.
    """

    address: str
    title: str
    answers: tuple[str, ...]
    more: int = 0


def write_index(root: Path) -> Path:
    """Write the index of all pages of a project; equal records give equal bytes.

    Args:
        root: Project folder.

    Returns:
        The index.
    """
    index = root / INDEX
    folders = sorted(page.parent for page in root.glob(f"studies/*/{PAGE}"))
    text = render_template(
        "index.html.j2",
        report=_report_entry(root) if (root / _REPORT).exists() else None,
        studies=[_study_entry(folder) for folder in folders],
    )
    index.parent.mkdir(parents=True, exist_ok=True)
    index.write_text(text, encoding="utf-8")
    return index


def _report_entry(root: Path) -> Entry:
    try:
        title = page_title(read_record(DataCard, root / _CARD))
    except DataError:
        title = "Report"
    try:
        verdict = read_record(Evaluation, root / _RECORD).verdict
    except DataError:
        verdict = _UNREADABLE
    return Entry(f"../{_REPORT}", title, (verdict,))


def _study_entry(folder: Path) -> Entry:
    try:
        summary = read_summary(folder)
    except DataError:
        summary = Summary(f"Study {folder.name}", (_UNREADABLE,))
    shown = summary.answers[:_MOST_ANSWERS]
    more = len(summary.answers) - len(shown)
    return Entry(f"{folder.name}/{PAGE}", summary.title, shown, more)
