"""The whole audit: every check over one image store and its case table, gravest finding first."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from skiagram.arrays import Whole
from skiagram.audit.composition import (
    MANY_LEVELS,
    check_classes,
    check_images,
    check_patients,
    check_regions,
    count_levels,
    described_regions,
)
from skiagram.audit.contract import Appearance, Check, Evidence
from skiagram.audit.copies import check_copies
from skiagram.audit.features import check_features
from skiagram.audit.findings import AuditReport
from skiagram.audit.groups import check_groups
from skiagram.audit.shortcuts import check_shortcuts
from skiagram.audit.traits import collect_image_traits
from skiagram.datasets.copies import find_case_copies
from skiagram.errors import refusal
from skiagram.image_store.store import ImageStore
from skiagram.near_duplicates.pairs import EXACT, Pairs, unite_pairs
from skiagram.tasks.cases import Cases, DataCard
from skiagram.tasks.task import Task

CHECKS: tuple[Check, ...] = (
    check_copies,
    check_patients,
    check_classes,
    check_images,
    check_regions,
    check_shortcuts,
    check_groups,
    check_features,
)
_GRAVEST_FIRST = ("stop", "warning", "note")


def collect_evidence(
    stores: Sequence[ImageStore],
    cases: Cases,
    task: Task,
    card: DataCard,
    covariates: pd.DataFrame | None = None,
    acquisition: Sequence[str] = (),
    measured: pd.DataFrame | None = None,
    copies: Pairs | None = None,
) -> Evidence:
    """Look at all images once, and collect their traits and what is told of them.

    Args:
        acquisition: Covariates that say how an image was taken.
        measured: Column `case_id`, and a column a feature that came with the data.
        copies: Those of the first store, where they have been searched for already.
    """
    appearance = _look(stores, cases, copies)
    traits = collect_image_traits(stores, cases, covariates, acquisition, measured)
    return Evidence(cases, task, card, appearance, traits, measured)


def judge(evidence: Evidence) -> AuditReport:
    """List the findings, the gravest first.

    Raises:
        OptionError: A finding is waived that was not looked for, which is a mistake.
    """
    looked_for = [finding for check in CHECKS for finding in check(evidence)]
    waived = evidence.card.waived_findings
    checked = tuple(finding.name for finding in looked_for)
    unknown = sorted(set(waived) - set(checked))
    if unknown:
        raise refusal("audit.no_such_finding", names=unknown, checked=sorted(checked))
    met = [
        dataclasses.replace(finding, waived=waived.get(finding.name, ""))
        for finding in looked_for
        if finding.count
    ]
    met.sort(key=lambda finding: _GRAVEST_FIRST.index(finding.severity))
    return AuditReport(tuple(met), checked)


def tabulate_copies(evidence: Evidence) -> pd.DataFrame:
    """List all pairs of images that show the same, each under its two case ids.

    Returns:
        `first` < `second` (case ids), `correlation` (float64, of thumbnails in (.98, 1], of
        transformed copies' detail in (.6, 1]), `exact` (bool) and `kind` (text: "exact", "near
        duplicate", or what was done), sorted.
    """
    pairs = evidence.images.pairs
    ids = np.sort(evidence.cases.case_id[np.stack([pairs.first, pairs.second])], axis=0)
    columns = {"first": ids[0], "second": ids[1], "correlation": pairs.correlation}
    kind = pd.Series(pairs.kind.tolist(), dtype=object)
    table = pd.DataFrame({**columns, "exact": pairs.kind == EXACT, "kind": kind})
    return table.sort_values(["first", "second"], ignore_index=True)


def _look(stores: Sequence[ImageStore], cases: Cases, copies: Pairs | None) -> Appearance:
    """Return what the images of all stores show, in the order of the case table.

    Args:
        copies: Those of the first store, where they have been searched for already.
    """
    # The first store's copies may be known already.
    pairs = [] if copies is None else [copies]
    pairs += [find_case_copies([store]) for store in stores[len(pairs) :]]
    # Every case must be there, and with its image where there are images.
    copies_of_cases, levels_of_cases, described = list[Pairs](), list[Whole](), list[Whole]()
    for store, found in zip(stores, pairs, strict=True):
        places = store.places(cases.case_id)
        if not np.array_equal(np.sort(places), np.arange(len(store.case_ids))):
            raise refusal(
                "audit.other_cases", str(store.folder), images=len(store.case_ids), cases=len(cases)
            )
        levels = np.full(len(places), MANY_LEVELS)
        levels[: len(store)] = [count_levels(image) for _, image in store]
        regions = described_regions(store)
        # From the order of the store to that of the cases.
        rows = np.argsort(places)
        copies_of_cases.append(found._replace(first=rows[found.first], second=rows[found.second]))
        levels_of_cases.append(levels[places])
        described += [] if regions is None else [regions[places]]
    # All kinds of image together: of regions the least voxels, the most parts.
    united, fewest = unite_pairs(copies_of_cases), np.min(levels_of_cases, axis=0)
    if not described:
        return Appearance(united, fewest, None)
    voxels, parts, outside = np.stack(described).transpose(2, 0, 1)
    regions = np.stack([voxels.min(axis=0), parts.max(axis=0), outside.min(axis=0)], axis=1)
    return Appearance(united, fewest, regions)
