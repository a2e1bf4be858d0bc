"""Transformed copies on both sides of a split, of different patients, or with different labels."""

import numpy as np
from numpy.typing import NDArray

from skiagram.audit.contract import Evidence, Finding, examples
from skiagram.transformed_copies.search import KINDS

_LOOK = "look at these pairs"


def check_transformed_copies(evidence: Evidence) -> list[Finding]:
    """Look for copies that a transformation keeps from being near duplicates.

    They warn and do not stop: the same organ seen twice can look like a copy.
    """
    cases, pairs = evidence.cases, evidence.transformed
    first, second = pairs.first, pairs.second
    test = cases.split == "test"
    developed = ~test[first] & ~test[second]
    across = test[first] != test[second]
    rows = np.concatenate([first, second])[np.tile(across, 2)]
    concerned = np.unique(rows[test[rows]])
    apart = developed & (cases.patient_id[first] != cases.patient_id[second])
    differing = developed & (cases.label[first] != cases.label[second])
    return [
        Finding(
            name="transformed_copies_across_splits",
            severity="warning",
            count=len(concerned),
            summary="Test images that look like a transformed copy of a development image: "
            f"{len(concerned)} of {int(test.sum())}{_what_was_done(pairs.kind[across])}.",
            remedy=f"{_LOOK}; put copies into the same split",
            examples=examples(cases.case_id[concerned]),
        ),
        _pairs(
            "transformed_copies_across_patients",
            "of different patients, or of images whose patients are unknown",
            f"{_LOOK}; correct the patient ids, or remove one image of each pair",
            cases.case_id[first[apart]],
            pairs.kind[apart],
        ),
        _pairs(
            "transformed_copies_with_other_labels",
            "with different labels",
            f"{_LOOK}; check their labels",
            cases.case_id[first[differing]],
            pairs.kind[differing],
        ),
    ]


def _pairs(
    name: str, which: str, remedy: str, case_id: NDArray[np.str_], kind: NDArray[np.str_]
) -> Finding:
    return Finding(
        name=name,
        severity="warning",
        count=len(case_id),
        summary=f"Pairs of development images that look like transformed copies, {which}: "
        f"{len(case_id)}{_what_was_done(kind)}.",
        remedy=remedy,
        examples=examples(case_id),
    )


def _what_was_done(kind: NDArray[np.str_]) -> str:
    """Return each transformation and the number of pairs that show it, in brackets."""
    done = [part for one in kind.tolist() for part in one.split(", ")]
    counted = [f"{name} {done.count(name)}" for name in KINDS if name in done]
    return f" ({', '.join(counted)})" if counted else ""
