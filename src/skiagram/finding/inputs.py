"""What a detector sees of some cases: images, places where to look, and lesions to learn from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from skiagram.arrays import Texts, Whole
from skiagram.errors import refusal
from skiagram.finding.marks import Spacings, read_spacing
from skiagram.image_store.store import ImageStore
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import Table, read_table
from skiagram.records.places import MARKS, of_cases, tabulate_places
from skiagram.tasks.cases import Cases

CANDIDATES = "candidates.parquet"
FindsIn = Literal["features", "images"]  # of candidates, or whole


@dataclass(frozen=True)
class FindingInputs:
    """Some cases to be searched; tables and images are those of all cases, shared.

    Attributes:
        case_id: (n,) the cases.
        images: Restored images, on the grid of the stored ones.
        candidates: Places where to look; may be empty.
        features: A row for each candidate; None where they are not asked for.
        marks: Lesions of development cases; what is scored is never looked up in it.
        spacing: Case → distances of its pixels.
        partner: Case → the other image of the same patient, such as the other side; of patients of
            two images.
    """

    case_id: Texts
    images: ImageStore
    candidates: pd.DataFrame
    features: FeatureTable | None
    marks: pd.DataFrame
    spacing: Spacings
    partner: Mapping[str, str]

    def __len__(self) -> int:
        """Count the cases."""
        return len(self.case_id)

    def select(self, rows: Whole) -> "FindingInputs":
        """Select the given cases, in the given order."""
        return replace(self, case_id=self.case_id[rows])

    def of(self, case_id: Texts) -> "FindingInputs":
        """Select the given cases."""
        return replace(self, case_id=case_id)

    @cached_property
    def rows(self) -> Whole:
        """The rows of these cases' candidates, case after case, in the order of the cases."""
        by_case = of_cases(self.candidates)
        rows_of_cases = [by_case[case] for case in self.case_id.tolist() if case in by_case]
        return np.concatenate(rows_of_cases) if rows_of_cases else np.empty(0, dtype=np.int64)

    @property
    def lesions(self) -> pd.DataFrame:
        """The lesions of these cases; for training alone."""
        return self.marks[self.marks["case_id"].isin(self.case_id)].reset_index(drop=True)

    @classmethod
    def read(
        cls,
        folder: Path,
        images: ImageStore,
        places: Path,
        features: Table | None,
    ) -> "FindingInputs":
        """Read all cases to be searched.

        Args:
            folder: Of cases and lesions, which ingest wrote.
            images: Restored images.
            places: Folder of candidates.
            features: Table of their features; None where a detector reads none.

        Raises:
            OptionError: Candidates to learn from are asked for, and none were proposed.
        """
        # Models that judge candidates cannot do without any.
        cases, candidates = Cases.read(folder / "cases.parquet"), read_candidates(places)
        if features is not None and not len(candidates) and len(cases.development()):
            raise refusal("finding.no_candidates")
        if isinstance(features, Path) and not features.exists():
            raise refusal("finding.no_encoded_candidates")
        return cls(
            case_id=cases.case_id,
            images=images,
            candidates=candidates,
            features=None if features is None else FeatureTable.read(features),
            marks=read_table(folder / MARKS),
            spacing=read_spacing(images),
            partner=find_partners(cases),
        )


def read_candidates(folder: Path) -> pd.DataFrame:
    """Read the places that stage `propose` left in a folder; else none."""
    path = folder / CANDIDATES
    return read_table(path) if path.exists() else tabulate_places([])


def find_partners(cases: Cases) -> dict[str, str]:
    """Pair the cases of patients who have two, such as both sides of a mammogram.

    Of patients with more it is not known which image is the other one, so that they have none.

    Returns:
        Case → the patient's other case, both ways round.
    """
    patient_cases: dict[str, list[str]] = {}
    for case, patient in zip(cases.case_id.tolist(), cases.patient_id.tolist(), strict=True):
        patient_cases.setdefault(patient, []).append(case)
    pairs = [pair for pair in patient_cases.values() if len(pair) == 2]
    return {case: other for pair in pairs for case, other in (pair, pair[::-1])}
