"""What a terminal shows of a finished run: models, verdict and warnings, whatever the outcome."""

from collections.abc import Mapping
from dataclasses import dataclass

from skiagram.audit.run import AuditReport
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.report.sections.doubts import list_warnings
from skiagram.report.sections.models import list_as_text, list_below_table


@dataclass(frozen=True)
class TerminalSummary:
    """What is printed, in this order, and whether a model failed.

    Attributes:
        models: Table: its head, and a row for each model.
        notes: Lines below the table.
    """

    models: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    verdict: str
    warnings: tuple[str, ...]
    failed: bool


def summarise_run(
    evaluation: Evaluation, audit: AuditReport, seconds: Mapping[str, float]
) -> TerminalSummary:
    """Return what is printed of a run.

    Args:
        seconds: Model → how long it took to train, where that is known.
    """
    return TerminalSummary(
        models=tuple(map(tuple, list_as_text(evaluation, seconds))),
        notes=tuple(list_below_table(evaluation)),
        verdict=evaluation.verdict,
        warnings=list_warnings(evaluation, audit),
        failed=any(model.outcome.status == "failed" for model in evaluation.models),
    )
