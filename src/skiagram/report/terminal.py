"""What a terminal shows of a finished run: models, verdict and warnings, whatever the outcome."""

from collections.abc import Mapping
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


def summarise_run(
    evaluation: Evaluation, audit: AuditReport, seconds: Mapping[str, float]
) -> TerminalSummary:
    """Return what is printed of a run.

    Args:
        seconds: Model → how long it took to train, where that is known.
    """
    failed = any(model.outcome.status == "failed" for model in evaluation.models)
    table, warnings = format_as_text(evaluation, seconds), list_warnings(evaluation, audit)
    lines = (table, evaluation.verdict, *warnings)
    return TerminalSummary(tuple(map(printable, lines)), failed)
