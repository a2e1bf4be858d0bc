"""Shifted copies on both sides of a split, of different patients, or with different labels."""

import numpy as np
from numpy.typing import NDArray

from skiagram.audit.contract import Evidence, Finding, examples

_LOOK = "look at these pairs"


def check_shifted(evidence: Evidence) -> list[Finding]:
    """Look for copies that a shift keeps from being near duplicates.

    They warn and do not stop: the same organ seen twice can look like a shifted copy.
    """
    if evidence.shifted is None:
        return []
    cases, first, second = evidence.cases, evidence.shifted.first, evidence.shifted.second
    test = cases.split == "test"
    developed = ~test[first] & ~test[second]
    rows = np.concatenate([first, second])[np.tile(test[first] != test[second], 2)]
    concerned = np.unique(rows[test[rows]])
    apart = developed & (cases.patient_id[first] != cases.patient_id[second])
    differing = developed & (cases.label[first] != cases.label[second])
    return [
        Finding(
            name="shifted_copies_across_splits",
            severity="warning",
            count=len(concerned),
            summary="Test images that look like a shifted copy of a development image: "
            f"{len(concerned)} of {int(test.sum())}.",
            remedy=f"{_LOOK}; put copies on one side of the split",
            examples=examples(cases.case_id[concerned]),
        ),
        _pairs(
            "shifted_copies_across_patients",
            "of different patients, or of images whose patients are unknown",
            f"{_LOOK}; correct the patient ids, or remove one image of each pair",
            cases.case_id[first[apart]],
        ),
        _pairs(
            "shifted_copies_with_other_labels",
            "with different labels",
            f"{_LOOK}; have their labels read again",
            cases.case_id[first[differing]],
        ),
    ]


def _pairs(name: str, which: str, remedy: str, case_id: NDArray[np.str_]) -> Finding:
    return Finding(
        name=name,
        severity="warning",
        count=len(case_id),
        summary=f"Pairs of development images that look like shifted copies, {which}: "
        f"{len(case_id)}.",
        remedy=remedy,
        examples=examples(case_id),
    )
