"""Traits that give the label away: whoever learns them has learned nothing of the disease."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from skiagram.audit.contract import Evidence, Finding, examples
from skiagram.audit.probe import SHUFFLINGS, Probe, probe
from skiagram.audit.suspects import SUSPECTS, Suspect
from skiagram.records import Cases

TELLING = 0.6
_SAME = 0.95
_SHOWN = 5


def check_shortcuts(evidence: Evidence) -> list[Finding]:
    """Look for traits from which the label of development cases can be told."""
    traits = evidence.traits
    if traits is None:
        return []
    known = evidence.cases.select(traits.rows)
    probes = {name: _probe(values, known) for name, values in traits.images.items()}
    columns = {name: _probe(values, known) for name, values in traits.covariates.items()}
    of_images = [
        _finding(name, suspect, probes[name], known, evidence.task.classes)
        for name, suspect in SUSPECTS.items()
        if name in probes
    ]
    return [
        *of_images,
        _label_among(columns, known),
        _tried({**probes, **columns}),
    ]


def _probe(values: NDArray[np.float64], known: Cases) -> Probe | None:
    return probe(values, known.label, known.patient_id)


def _tells(found: Probe | None, least: float) -> bool:
    return found is not None and found.auc >= least and found.auc > found.chance


def _finding(
    name: str, suspect: Suspect, found: Probe | None, known: Cases, classes: tuple[str, ...]
) -> Finding:
    telling = found if _tells(found, TELLING) else None
    return Finding(
        name=f"label_from_{name}",
        severity=suspect.severity,
        count=len(known) if telling else 0,
        summary=_summary(suspect, telling, classes) if telling else "",
        remedy=suspect.remedy,
        examples=_clearest(telling, known) if telling else (),
    )


def _summary(suspect: Suspect, found: Probe, classes: tuple[str, ...]) -> str:
    return (
        f"`{classes[found.label]}` is told with an AUC of {found.auc:.2f} by {suspect.told}; "
        f"{SHUFFLINGS} shufflings of the labels came to {found.chance:.2f} at most. {suspect.doubt}"
    )


def _clearest(found: Probe, known: Cases) -> tuple[str, ...]:
    """Return the cases of the class that is told, by whose trait it is told most surely."""
    own = np.flatnonzero(known.label == found.label)
    surest = own[np.argsort(-found.score[own], kind="stable")[:_SHOWN]]
    return examples(known.case_id[surest])


def _label_among(columns: Mapping[str, Probe | None], known: Cases) -> Finding:
    same = {name: found for name, found in columns.items() if found and _tells(found, _SAME)}
    told = ", ".join(f"{name} (AUC {found.auc:.2f})" for name, found in same.items())
    return Finding(
        name="label_among_covariates",
        severity="warning",
        count=len(same),
        summary=f"Columns from which the label can all but be read off: {told}.",
        remedy="ask which were known before the diagnosis, and leave out the others",
        examples=_clearest(next(iter(same.values())), known) if same else (),
    )


def _tried(probes: Mapping[str, Probe | None]) -> Finding:
    tried = {name: found for name, found in probes.items() if found}
    told = ", ".join(
        f"{name.replace('_', ' ')} {found.auc:.2f} (chance up to {found.chance:.2f})"
        for name, found in tried.items()
    )
    return Finding(
        name="shortcut_probes",
        severity="note",
        count=len(tried),
        summary="AUC with which the label of development cases is told by what it should not be: "
        f"{told}.",
    )
