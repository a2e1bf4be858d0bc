"""Copies on both sides of a split, of different patients, or with different labels.

Exact and near duplicates, and copies that were mirrored, turned, cropped or compressed: these warn
and do not stop, since the same organ seen twice can look like a copy. Which pairs are a finding is
a row of `findings.yaml`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from skiagram.audit.contract import WORDS, Evidence, find
from skiagram.audit.findings import Finding
from skiagram.near_duplicates.pairs import EXACT
from skiagram.near_duplicates.search import KINDS


class CopyRule(NamedTuple):
    """Which pairs are a finding.

    Attributes:
        kind: `exact`, `near`, exact ones too, or `transformed`.
        between: Splits of the one image, and of the other.
        apart: Column of the case table in which the two differ, and whose pairs are counted; empty
            counts images of the second splits that have a copy.
        stops_folds: Whether such a pair stops a run whose folds are by patient.
    """

    kind: str
    between: Sequence[Sequence[str]]
    apart: str = ""
    stops_folds: bool = False


_RULES = {
    name: CopyRule(**words["copies"])
    for name, words in WORDS["findings"].items()
    if "copies" in words
}


def check_copies(evidence: Evidence) -> list[Finding]:
    """Look for copies across splits and patients, and for those with different labels."""
    cases, pairs = evidence.cases, evidence.images.pairs
    of_kind = {"exact": pairs.kind == EXACT, "near": pairs.near, "transformed": ~pairs.near}
    findings = []
    for name, rule in _RULES.items():
        # The pairs with an image on either side, which differ in what they must not.
        one, other = (np.isin(cases.split, splits) for splits in rule.between)
        first, second = pairs.first, pairs.second
        met = of_kind[rule.kind] & ((one[first] & other[second]) | (other[first] & one[second]))
        if rule.apart:
            column = getattr(cases, rule.apart)
            met &= column[first] != column[second]
        first, second = first[met], second[met]
        # Of pairs across splits each image of the second ones counts once, with a copy.
        if not rule.apart:
            ends = np.where(other[first], [first, second], [second, first])
            first, at = np.unique(ends[0], return_index=True)
            second = ends[1, at]
        # each transformation and the number of pairs that show it, in brackets
        done = [part for changes in pairs.kind[met].tolist() for part in changes.split(", ")]
        counted = ", ".join(f"{name} {done.count(name)}" for name in KINDS if name in done)
        findings.append(
            find(
                name,
                cases.case_id[first],
                severity="stop" if rule.stops_folds and evidence.task.design == "cv" else None,
                second_case_id=cases.case_id[second],
                cases=int(other.sum()),
                done=f" ({counted})" if counted else "",
            )
        )
    return findings
