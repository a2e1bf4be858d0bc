"""The second page: what to doubt, and what to do next."""

import re
from collections.abc import Iterator
from math import ceil
from typing import TYPE_CHECKING

from skiagram.audit.findings import AuditReport
from skiagram.evaluation.criteria import (
    find_comparison,
    find_decisive,
    find_missing_patients,
    is_nothing_of_use,
    is_settled,
    judge,
    needs_more_trainings,
)
from skiagram.evaluation.evaluation_record import PRIMARY, Evaluation
from skiagram.evaluation.sentences import say
from skiagram.evaluation.verdict import advise_without_use
from skiagram.report.formatting import format_count
from skiagram.report.sections.provenance import describe_opening
from skiagram.statistics.estimate import format_decimal, format_signed

if TYPE_CHECKING:  # `skiagram show` lists warnings, and draws nothing
    from skiagram.report.material import Material


def list_doubts(evaluation: Evaluation, material: "Material") -> tuple[str, ...]:
    """List the doubts in short, the gravest first, each once."""
    return tuple(dict.fromkeys(map(shorten, collect_warnings(evaluation, material))))


def collect_warnings(evaluation: Evaluation, material: "Material") -> tuple[str, ...]:
    """Collect what a reader must know of the seal, the verdict, the evaluation and the audit.

    Findings that would stop a run and were waived are among them, with the reason.
    """
    opened = material.opening is not None and material.opening.number > 1
    openings = evaluation.answer.openings
    return (
        *([describe_opening(material.opening)] if opened else []),
        *openings,
        *list_warnings(evaluation, material.audit),
    )


def list_warnings(evaluation: Evaluation, audit: AuditReport) -> tuple[str, ...]:
    """List the warnings of the evaluation and of the audit.

    Findings of the audit that would have stopped the run, had nobody accepted them, stand first:
    the first page has room for a few.
    """
    # Findings that somebody waived, warnings, and the other findings.
    graver = [finding for finding in audit.findings if finding.warns]
    of = " of the project’s own data" if evaluation.is_external else ""
    return (
        *(
            say("doubt.waived", of=of, summary=finding.summary, reason=finding.waived)
            for finding in graver
            if finding.waived
        ),
        *evaluation.warnings,
        *(say("doubt.audit", of=of, summary=each.summary) for each in graver if not each.waived),
    )


def shorten(text: str) -> str:
    """Return the first sentence of a warning, without what stands in brackets."""
    first = re.split(r"(?<=[^\W\d_][.;])\s+(?=[A-Z])|(?<=\d\.)\s+(?=[A-Z])", text)
    return re.sub(r"\s*\([^()]*\)", "", first[0])


def list_steps(evaluation: Evaluation, material: "Material") -> Iterator[str]:
    """Yield what would answer more: folds, trainings, patients, other sites, mended data."""
    useless = is_nothing_of_use(evaluation)
    if useless:
        yield from advise_without_use(evaluation)
    if say("doubt.two_folds") in evaluation.warnings:
        yield say("next.folds")
    # More trainings, where their spread hides the difference.
    primary = None if useless else find_comparison(evaluation)
    if primary is not None and not primary.trainings:
        yield say("next.trainings")
    elif primary and needs_more_trainings(evaluation) and not is_settled(evaluation):
        several = primary.trainings >= 5
        times = say("next.more_than" if several else "next.five", trainings=primary.trainings)
        yield say("next.more_trainings", times=times)
    # More patients, mended data and another site.
    needed = None if useless else find_missing_patients(evaluation)
    if needed is not None:
        yield _ask_for_patients(evaluation, needed)
    for finding in material.audit.findings:
        if finding.warns and finding.remedy and not evaluation.is_external:
            yield f"{finding.remedy[0].upper()}{finding.remedy[1:]}."
    if not useless and not evaluation.test_sites and not evaluation.site_column:
        yield say("next.site")
    # What networks cannot see, where none is shown to be worth it.
    trained = (model.outcome for model in evaluation.models if model.outcome.status == "finished")
    trainings = (outcome.options.get("training") for outcome in trained)
    views = [each.get("augmentation") for each in trainings if isinstance(each, dict)]
    mirrored = any(each.get("horizontal_flip") for each in views if isinstance(each, dict))
    if mirrored and judge(evaluation).decision != "yes":
        yield say("next.sides")


def _ask_for_patients(evaluation: Evaluation, needed: int) -> str:
    """Say how many patients would decide, and what each number takes the true gain to be."""
    # How many patients each supposed gain would take.
    figures = evaluation.figures.select(analysis=PRIMARY)
    decide, settle = (figures.find(figure=f"patients_to_{aim}") for aim in ("decide", "settle"))
    decisive, supposed = find_decisive(evaluation), []
    if decide.value is not None and decisive is not None:
        gain = format_signed(decisive.difference.value)
        supposed.append(say("next.decide", number=round_up(decide.value), gain=gain))
    margin = format_decimal(evaluation.margin)
    supposed.append(say("next.detect", number=round_up(needed), margin=margin))
    if settle.value is not None:
        supposed.append(say("next.settle", number=round_up(settle.value)))
    elif settle.reason:
        supposed.append(say("next.unsettled", reason=settle.reason))
    return say(
        "next.patients",
        people="patients" if evaluation.patients_known else "groups of near duplicates",
        tested=evaluation.patients["reported"],
        numbers="; ".join(supposed),
    )


def round_up(patients: float) -> str:
    """Return two digits, upwards: the third of such a number means nothing."""
    step = 10 ** max(0, len(str(int(patients))) - 2)
    return format_count(float(ceil(patients / step) * step))
