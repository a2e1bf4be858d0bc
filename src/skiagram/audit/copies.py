"""Copies on both sides of a split, of different patients, or with different labels.

Exact and near duplicates first; then copies that were mirrored, turned, cropped or compressed.
"""

import numpy as np
from numpy.typing import NDArray

from skiagram.audit.contract import Evidence, Finding, Severity
from skiagram.near_duplicates.search import KINDS

_DEVELOPMENT = ("train", "validation")
_SPLIT_REMEDY = "put all copies into the same split"


def check_near_duplicates(evidence: Evidence) -> list[Finding]:
    """Look for duplicates across splits and patients, and for those with different labels."""
    across = evidence.pairs_between(_DEVELOPMENT, ("test",))
    return [
        _test_cases(
            "exact_duplicates_across_splits", evidence, across & evidence.images.pairs.exact
        ),
        _test_cases("near_duplicates_across_splits", evidence, across),
        _validation_cases(evidence),
        _other_patients(evidence),
        _label_conflicts(evidence),
    ]


def _concerned(evidence: Evidence, pairs: NDArray[np.bool_], split: str) -> NDArray[np.str_]:
    rows = np.concatenate([evidence.images.pairs.first[pairs], evidence.images.pairs.second[pairs]])
    concerned = evidence.cases.select(np.unique(rows[evidence.cases.split[rows] == split]))
    return concerned.case_id


def _test_cases(name: str, evidence: Evidence, pairs: NDArray[np.bool_]) -> Finding:
    concerned = _concerned(evidence, pairs, "test")
    copies = "an identical image" if name.startswith("exact") else "a near duplicate"
    summary = (
        f"Test images with {copies} among the development images: {len(concerned)} of "
        f"{len(evidence.cases.test())}."
    )
    return Finding.of_cases(name, "stop", concerned, summary, _SPLIT_REMEDY)


def _validation_cases(evidence: Evidence) -> Finding:
    concerned = _concerned(
        evidence, evidence.pairs_between(("train",), ("validation",)), "validation"
    )
    total = int((evidence.cases.split == "validation").sum())
    summary = (
        "Validation images with a near duplicate among the training images: "
        f"{len(concerned)} of {total}; early stopping may come too late."
    )
    return Finding.of_cases(
        "near_duplicates_across_training_and_validation",
        "warning",
        concerned,
        summary,
        _SPLIT_REMEDY,
    )


def _other_patients(evidence: Evidence) -> Finding:
    """Near duplicates of different patients undo the grouping of folds by patient."""
    pairs, patient = evidence.images.pairs, evidence.cases.patient_id
    severity: Severity = "stop" if evidence.task.design == "cv" else "warning"
    developed = evidence.pairs_between(_DEVELOPMENT, _DEVELOPMENT)
    concerned = developed & (patient[pairs.first] != patient[pairs.second])
    summary = (
        "Pairs of near duplicates among the development images of different patients: "
        f"{int(concerned.sum())}; a model may be trained on one image and evaluated on the other."
    )
    return Finding.of_cases(
        "near_duplicates_across_patients",
        severity,
        evidence.cases.case_id[pairs.first[concerned]],
        summary,
        "correct the patient ids, or remove one image of each pair",
    )


def _label_conflicts(evidence: Evidence) -> Finding:
    pairs, label = evidence.images.pairs, evidence.cases.label
    developed = evidence.pairs_between(_DEVELOPMENT, _DEVELOPMENT)
    conflict = developed & (label[pairs.first] != label[pairs.second])
    return Finding.of_cases(
        "label_conflicts",
        "warning",
        evidence.cases.case_id[pairs.first[conflict]],
        "Pairs of near duplicates with different labels among the development images: "
        f"{int(conflict.sum())}.",
        "check the labels of these images",
    )


_LOOK = "look at these pairs"


def check_transformed_copies(evidence: Evidence) -> list[Finding]:
    """Look for copies that a transformation keeps from being near duplicates.

    They warn and do not stop: the same organ seen twice can look like a copy.
    """
    cases, pairs = evidence.cases, evidence.images.transformed
    first, second = pairs.first, pairs.second
    test = cases.split == "test"
    developed = ~test[first] & ~test[second]
    across = test[first] != test[second]
    rows = np.concatenate([first, second])[np.tile(across, 2)]
    concerned = np.unique(rows[test[rows]])
    apart = developed & (cases.patient_id[first] != cases.patient_id[second])
    differing = developed & (cases.label[first] != cases.label[second])
    return [
        Finding.of_cases(
            "transformed_copies_across_splits",
            "warning",
            cases.case_id[concerned],
            "Test images that look like a transformed copy of a development image: "
            f"{len(concerned)} of {int(test.sum())}{_what_was_done(pairs.kind[across])}.",
            f"{_LOOK}; put copies into the same split",
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
    summary = (
        f"Pairs of development images that look like transformed copies, {which}: "
        f"{len(case_id)}{_what_was_done(kind)}."
    )
    return Finding.of_cases(name, "warning", case_id, summary, remedy)


def _what_was_done(kind: NDArray[np.str_]) -> str:
    """Return each transformation and the number of pairs that show it, in brackets."""
    done = [part for changes in kind.tolist() for part in changes.split(", ")]
    counted = [f"{name} {done.count(name)}" for name in KINDS if name in done]
    return f" ({', '.join(counted)})" if counted else ""
