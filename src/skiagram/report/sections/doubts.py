"""The second page: what to doubt, and what to do next."""

import re
from collections.abc import Iterator
from math import ceil

from skiagram.audit.run import AuditReport
from skiagram.evaluation.criteria import (
    excludes_good_models,
    find_comparison,
    find_decisive,
    find_missing_patients,
    is_nothing_of_use,
    is_settled,
    needs_more_trainings,
)
from skiagram.evaluation.evaluation_record import PRIMARY, Evaluation
from skiagram.evaluation.verdict import describe_rules
from skiagram.records.predictions import LOOK_AT_DATA, MORE_CASES
from skiagram.report.formatting import format_count
from skiagram.report.material import Material
from skiagram.report.section import Context, section
from skiagram.report.sections.provenance import describe_opening
from skiagram.statistics.estimate import format_decimal, format_signed

MAX_LINES = 6  # of each list; the others stand in the appendix


@section("What to doubt", place=1)
def doubts(evaluation: Evaluation, material: Material) -> Context:
    """Return the doubts and the steps, the gravest first, and how many more there are."""
    every = tuple(dict.fromkeys(map(shorten, collect_warnings(evaluation, material))))
    return {
        "doubts": every[:MAX_LINES],
        "more": len(every[MAX_LINES:]),
        "steps": tuple(dict.fromkeys(list_steps(evaluation, material)))[:MAX_LINES],
        "in_full": collect_warnings(evaluation, material),
    }


def collect_warnings(evaluation: Evaluation, material: Material) -> tuple[str, ...]:
    """Return what a reader must know of the seal, the verdict, the evaluation and the audit.

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
    """Return the warnings of the evaluation and of the audit that the verdict does not say.

    Findings of the audit that would have stopped the run, had nobody accepted them, stand first:
    the first page has room for a few.
    """
    answer = evaluation.answer
    verdict_sentences = (
        describe_rules(evaluation, beaten=False)
        if answer.openings
        else (answer.headline, *answer.reasons)
    )
    graver = [finding for finding in audit.findings if finding.warns]
    return (
        *(
            f"Audit: {finding.summary} Accepted, because: {finding.waived}"
            for finding in graver
            if finding.waived
        ),
        *(warning for warning in evaluation.warnings if warning not in verdict_sentences),
        *(f"Audit: {finding.summary}" for finding in graver if not finding.waived),
    )


def shorten(text: str) -> str:
    """Return the first sentence of a warning, without what stands in brackets."""
    first = re.split(r"(?<=[^\W\d_][.;])\s+(?=[A-Z])|(?<=\d\.)\s+(?=[A-Z])", text)
    return re.sub(r"\s*\([^()]*\)", "", first[0])


def list_steps(evaluation: Evaluation, material: Material) -> Iterator[str]:
    """Yield what would answer more: trainings, patients, other sites, mended data."""
    useless = is_nothing_of_use(evaluation)
    if useless:
        if not excludes_good_models(evaluation):
            yield MORE_CASES
        yield LOOK_AT_DATA
    primary = None if useless else find_comparison(evaluation)
    if primary is not None and primary.is_of_single_trainings:
        yield (
            "Train every model five times (`repeats: 5`): then the interval also holds what "
            "another training would change."
        )
    elif primary and needs_more_trainings(evaluation) and not is_settled(evaluation):
        times = "five times (`repeats: 5`)"
        if primary.trainings >= 5:
            times = f"more than {primary.trainings} times (`repeats`)"
        yield (
            f"Train every model {times}: the trainings alone spread too wide for the margin, so no "
            "number of patients is enough."
        )
    needed = None if useless else find_missing_patients(evaluation)
    if needed is not None:
        yield _ask_for_patients(evaluation, needed, material.card.patients_known)
    for finding in material.audit.findings:
        if finding.warns and finding.remedy:
            yield f"{finding.remedy[0].upper()}{finding.remedy[1:]}."
    if not useless and not evaluation.test_sites and not evaluation.site_column:
        yield "Test on patients of another site: how the models do there is not known."


def _ask_for_patients(evaluation: Evaluation, needed: int, patients_known: bool) -> str:
    """Say how many patients would decide, and what each number takes the true gain to be."""
    figures = evaluation.figures.select(analysis=PRIMARY)
    decide, settle = (figures.find(figure=f"patients_to_{aim}") for aim in ("decide", "settle"))
    decisive, supposed = find_decisive(evaluation), []
    if decide.value is not None and decisive is not None:
        supposed.append(
            f"about {round_up(decide.value)} decide if the true gain is the "
            f"{format_signed(decisive.gain.value)} that was found"
        )
    supposed.append(
        f"about {round_up(needed)} tell a gain of just {format_decimal(evaluation.margin)} from 0"
    )
    if settle.value is not None:
        supposed.append(f"about {round_up(settle.value)} show two equal models to differ by less")
    elif settle.reason:
        supposed.append(f"no number shows two equal models to differ by less ({settle.reason})")
    people = "patients" if patients_known else "groups of near duplicates"
    instead = format_count(evaluation.patients["reported"])
    return (
        f"Test on more {people} than these {instead}, each with a probability of 80 %: "
        f"{'; '.join(supposed)}."
    )


def round_up(patients: float) -> str:
    """Return two digits, upwards: the third of such a number means nothing."""
    step = 10 ** max(0, len(str(int(patients))) - 2)
    return format_count(float(ceil(patients / step) * step))
