"""The whole audit: every check over one image store and its case table."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.audit.classes import check_classes
from skiagram.audit.contract import Check, Evidence, Finding
from skiagram.audit.duplicates import check_duplicates
from skiagram.audit.images import check_images, constant_images
from skiagram.audit.patients import check_patients
from skiagram.audit.report import AuditReport
from skiagram.audit.shifted import shifted_pairs
from skiagram.audit.shifted_copies import check_shifted
from skiagram.audit.shortcuts import check_shortcuts
from skiagram.audit.traits import traits_of
from skiagram.duplicates import Pairs, duplicate_pairs
from skiagram.errors import DataError, OptionError
from skiagram.records import Cases, DataCard, Task
from skiagram.store import ImageStore

CHECKS: tuple[Check, ...] = (
    check_duplicates,
    check_shifted,
    check_patients,
    check_classes,
    check_images,
    check_shortcuts,
)
_GRAVEST_FIRST = ("stop", "warning", "note")


def audit(
    store: ImageStore,
    cases: Cases,
    task: Task,
    card: DataCard,
    covariates: pd.DataFrame | None = None,
    acquisition: Sequence[str] = (),
) -> tuple[AuditReport, pd.DataFrame]:
    """Look for what would make later figures untrustworthy.

    Args:
        store: Image shards of all cases.
        cases: The case table; labels of test cases are sealed and not needed.
        task: What is to be told apart.
        card: The data set's card, with the findings it waives.
        covariates: `case_id` and what else is known of each case; None where nothing is.
        acquisition: Covariates that say how an image was taken; names that the data set does not
            have are passed over.

    Returns:
        The report, and all pairs of duplicates: `first` < `second` (case ids), `correlation`
        (float64, of thumbnails in (.98, 1], of shifted copies' detail in (.7, 1]), `exact` and
        `shifted` (bool), sorted.

    Raises:
        OptionError: The card waives a finding that does not exist.
        DataError: Store and case table name different cases.
    """
    rows = _rows(store, cases)
    near = duplicate_pairs(store)
    shifted = _in_rows(shifted_pairs(store, near), rows)
    pairs = _in_rows(near, rows)
    constant = np.zeros(len(cases), dtype=np.bool_)
    constant[rows] = constant_images(store)
    traits = traits_of(store, cases, covariates, acquisition)
    evidence = Evidence(cases, task, card, pairs, constant, traits, shifted)
    looked_for = [finding for check in CHECKS for finding in check(evidence)]
    return _report(looked_for, card.waived_findings), _twins(pairs, shifted, cases)


def _rows(store: ImageStore, cases: Cases) -> NDArray[np.int64]:
    """Return (n,) the case table's row of each image of the store."""
    row_of = {case_id: row for row, case_id in enumerate(cases.case_id.tolist())}
    if set(row_of) != set(store.case_ids):
        raise DataError(
            f"{len(store)} images for {len(cases)} cases, or under other ids",
            where=str(store.folder),
            remedy="run ingest again",
        )
    return np.array([row_of[case_id] for case_id in store.case_ids], dtype=np.int64)


def _in_rows(pairs: Pairs, rows: NDArray[np.int64]) -> Pairs:
    return dataclasses.replace(pairs, first=rows[pairs.first], second=rows[pairs.second])


def _report(looked_for: list[Finding], waived: dict[str, str]) -> AuditReport:
    checked = tuple(finding.name for finding in looked_for)
    unknown = sorted(set(waived) - set(checked))
    if unknown:
        raise OptionError(
            f"no finding is called {', '.join(unknown)}",
            where="dataset.waived_findings",
            allowed=", ".join(sorted(checked)),
        )
    met = [
        dataclasses.replace(finding, waived=waived.get(finding.name, ""))
        for finding in looked_for
        if finding.count
    ]
    met.sort(key=lambda finding: _GRAVEST_FIRST.index(finding.severity))
    return AuditReport(tuple(met), checked)


def _twins(near: Pairs, shifted: Pairs, cases: Cases) -> pd.DataFrame:
    rows = np.concatenate([[near.first, near.second], [shifted.first, shifted.second]], axis=1)
    ids = np.sort(cases.case_id[rows], axis=0)
    table = pd.DataFrame(
        {
            "first": ids[0],
            "second": ids[1],
            "correlation": np.concatenate([near.correlation, shifted.correlation]),
            "exact": np.concatenate([near.exact, shifted.exact]),
            "shifted": np.arange(ids.shape[1]) >= len(near.first),
        }
    )
    return table.sort_values(["first", "second"], ignore_index=True)
