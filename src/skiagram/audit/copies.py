"""Copies on both sides of a split, of different patients, or with different labels.

Exact and near duplicates first; then copies that were mirrored, turned, cropped or compressed.
"""

import numpy as np

from skiagram.arrays import Flags, Texts
from skiagram.audit.contract import Evidence, find
from skiagram.audit.findings import Finding
from skiagram.near_duplicates.pairs import EXACT, Pairs
from skiagram.near_duplicates.search import KINDS
from skiagram.tasks.cases import Cases

_DEVELOPMENT = ("train", "validation")


def check_near_duplicates(evidence: Evidence) -> list[Finding]:
    """Look for duplicates across splits and patients, and for those with different labels."""
    # Near duplicates between and within the splits.
    cases, pairs = evidence.cases, evidence.images.pairs
    pairs = pairs.chosen(pairs.near)
    across = _between(cases, pairs, _DEVELOPMENT, ("test",))
    validated = _between(cases, pairs, ("train",), ("validation",))
    developed = _between(cases, pairs, _DEVELOPMENT, _DEVELOPMENT)
    # Near duplicates of different patients undo the grouping of folds by patient.
    apart = developed & (cases.patient_id[pairs.first] != cases.patient_id[pairs.second])
    conflict = developed & (cases.label[pairs.first] != cases.label[pairs.second])
    exact = pairs.chosen(across & (pairs.kind == EXACT))
    return [
        _across("exact_duplicates_across_splits", cases, exact, "test"),
        _across("near_duplicates_across_splits", cases, pairs.chosen(across), "test"),
        _across(
            "near_duplicates_across_training_and_validation",
            cases,
            pairs.chosen(validated),
            "validation",
        ),
        find(
            "near_duplicates_across_patients",
            cases.case_id[pairs.first[apart]],
            severity="stop" if evidence.task.design == "cv" else None,
            second_case_id=cases.case_id[pairs.second[apart]],
        ),
        find(
            "label_conflicts",
            cases.case_id[pairs.first[conflict]],
            second_case_id=cases.case_id[pairs.second[conflict]],
        ),
    ]


def _between(
    cases: Cases, pairs: Pairs, splits: tuple[str, ...], other_splits: tuple[str, ...]
) -> Flags:
    """Return (m,) bool: the pairs with one image in `splits`, the other in `other_splits`."""
    first, second = cases.split[pairs.first], cases.split[pairs.second]
    forward: Flags = np.isin(first, splits) & np.isin(second, other_splits)
    backward: Flags = np.isin(first, other_splits) & np.isin(second, splits)
    return forward | backward


def _across(name: str, cases: Cases, pairs: Pairs, split: str) -> Finding:
    """Find the images of a split that are in some pairs."""
    # Each pair has the image of the split first.
    first, second = pairs.first, pairs.second
    swapped = cases.split[first] != split
    case, other = np.where(swapped, second, first), np.where(swapped, first, second)
    concerned, at = np.unique(case, return_index=True)
    return find(
        name,
        cases.case_id[concerned],
        second_case_id=cases.case_id[other[at]],
        cases=int((cases.split == split).sum()),
    )


def check_transformed_copies(evidence: Evidence) -> list[Finding]:
    """Look for copies that a transformation keeps from being near duplicates.

    They warn and do not stop: the same organ seen twice can look like a copy.
    """
    # Copies turned, mirrored or the like, which are no near duplicates.
    cases, pairs = evidence.cases, evidence.images.pairs
    pairs = pairs.chosen(~pairs.near)
    first, second = pairs.first, pairs.second
    test = cases.split == "test"
    # Pairs within the development cases, and pairs with one test case.
    developed = ~test[first] & ~test[second]
    across = test[first] != test[second]
    rows = np.concatenate([first, second])[np.tile(across, 2)]
    concerned = cases.case_id[np.unique(rows[test[rows]])]
    findings = [
        find(
            "transformed_copies_across_splits",
            concerned,
            cases=int(test.sum()),
            done=_what_was_done(pairs.kind[across]),
        )
    ]
    # Among development cases: copies of other patients, and those with other labels.
    for name, values in (
        ("transformed_copies_across_patients", cases.patient_id),
        ("transformed_copies_with_other_labels", cases.label),
    ):
        met = developed & (values[first] != values[second])
        second_case_id, done = cases.case_id[second[met]], _what_was_done(pairs.kind[met])
        findings.append(
            find(name, cases.case_id[first[met]], second_case_id=second_case_id, done=done)
        )
    return findings


def _what_was_done(kind: Texts) -> str:
    """List each transformation and the number of pairs that show it, in brackets."""
    done = [part for changes in kind.tolist() for part in changes.split(", ")]
    counted = [f"{name} {done.count(name)}" for name in KINDS if name in done]
    return f" ({', '.join(counted)})" if counted else ""
