"""Patients on both sides of a split, and images whose patients are unknown."""

import numpy as np
from numpy.typing import NDArray

from skiagram.audit.contract import Evidence, Finding, Severity, examples


def check_patients(evidence: Evidence) -> list[Finding]:
    """Look for patients in two splits, where patients are known."""
    split = evidence.cases.split
    return [
        _shared("patients_across_splits", "stop", evidence, split != "test", split == "test"),
        _shared(
            "patients_across_training_and_validation",
            "warning",
            evidence,
            split == "train",
            split == "validation",
        ),
        _unknown(evidence),
    ]


def _shared(
    name: str,
    severity: Severity,
    evidence: Evidence,
    one: NDArray[np.bool_],
    other: NDArray[np.bool_],
) -> Finding:
    cases = evidence.cases
    shared = np.intersect1d(cases.patient_id[one], cases.patient_id[other])
    if not evidence.card.patients_known:  # then ids stand for clusters of near duplicates
        shared = shared[:0]
    sides = "development and test" if severity == "stop" else "training and validation"
    return Finding(
        name=name,
        severity=severity,
        count=len(shared),
        summary=f"Patients with images in both {sides} splits: {len(shared)}.",
        remedy="put all images of a patient into the same split, or choose `design=cv`",
        examples=examples(cases.case_id[other & np.isin(cases.patient_id, shared)]),
    )


def _unknown(evidence: Evidence) -> Finding:
    cases = evidence.cases
    groups = len(np.unique(cases.patient_id))
    return Finding(
        name="unknown_patients",
        severity="note",
        count=0 if evidence.card.patients_known else len(cases),
        summary=f"Patients are unknown; {groups} clusters of near duplicates are used as "
        f"patients of the {len(cases)} images.",
        remedy="confidence intervals may be too narrow where a patient has several images",
    )
