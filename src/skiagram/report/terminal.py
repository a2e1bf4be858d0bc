"""What a terminal shows of a finished run: models, verdict and warnings, whatever the outcome."""

from dataclasses import dataclass

from skiagram.audit.run import AuditReport
from skiagram.errors import printable
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.sections.doubts import list_warnings
from skiagram.report.sections.models import format_as_text


@dataclass(frozen=True)
class TerminalSummary:
    """Lines, and whether a model failed."""

    lines: tuple[str, ...]
    failed: bool


def summarise_run(evaluation: Evaluation, audit: AuditReport) -> TerminalSummary:
    """Return what is printed of a run."""
    failed = any(model.outcome.status == "failed" for model in evaluation.models)
    table, warnings = format_as_text(evaluation), list_warnings(evaluation, audit)
    lines = (table, evaluation.verdict, *warnings)
    return TerminalSummary(tuple(map(printable, lines)), failed)
