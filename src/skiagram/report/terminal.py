"""What a terminal shows of a finished run: models, verdict and warnings, whatever the outcome."""

from dataclasses import dataclass

from skiagram.audit.run import AuditReport
from skiagram.errors import printable
from skiagram.evaluation.evaluation_record import Evaluation, MeasuredEvaluation
from skiagram.report.measured_page import format_measured_as_text, list_measured_warnings
from skiagram.report.sections.doubts import list_warnings
from skiagram.report.sections.models import format_as_text


@dataclass(frozen=True)
class TerminalSummary:
    """Lines, and whether a model failed."""

    lines: tuple[str, ...]
    failed: bool


def summarise_run(
    evaluation: Evaluation | MeasuredEvaluation, audit: AuditReport
) -> TerminalSummary:
    """Return what is printed of a run."""
    if isinstance(evaluation, MeasuredEvaluation):
        table = format_measured_as_text(evaluation)
        warnings, ends = tuple(list_measured_warnings(evaluation, audit)), evaluation.models
    else:
        table, warnings = format_as_text(evaluation), list_warnings(evaluation, audit)
        ends = tuple(model.outcome for model in evaluation.models)
    failed = any(end.status == "failed" for end in ends)
    lines = (table, evaluation.verdict, *warnings)
    return TerminalSummary(tuple(map(printable, lines)), failed)
