"""What is known of cases besides their images."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pandas as pd

from skiagram.case_features.covariates import Covariates, development_patients
from skiagram.case_features.earlier import Previous, previous_cases
from skiagram.preparation import Covariate
from skiagram.records.files import read_table
from skiagram.tasks.cases import Cases


@dataclass(frozen=True)
class CaseHistories:
    """Covariates, patients and visits of the cases of a data set.

    Attributes:
        covariates: Column `case_id` and what else is known of each case; None for nothing.
        patients: Case id → patient of the development set, which alone gives the categories of
            texts; None where each case is a patient of its own.
        previous: Case → cases of the visit before; empty where each patient was seen once.
        measured: Column `case_id` and the features that came with the data; None for none.
        described: Covariates that become columns as other cases gave them, in place of chosen
            families of them; None where these cases give them.
    """

    covariates: pd.DataFrame | None = None
    patients: Mapping[str, str] | None = None
    previous: Previous = field(default_factory=dict)
    measured: pd.DataFrame | None = None
    described: Sequence[Covariate] | None = None

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what ingest wrote."""
        cases = Cases.read(folder / "cases.parquet")
        return cls(
            read_table(folder / "covariates.parquet"),
            development_patients(cases),
            previous_cases(read_table(folder / "visits.parquet"), cases),
            read_table(folder / "measured.parquet"),
        )

    def describe(self, families: Iterable[object]) -> list[Covariate]:
        """Return how the covariates that families choose become columns; `Covariates.describe`."""
        return [
            covariate
            for family in families
            if isinstance(family, Covariates) and self.covariates is not None
            for covariate in family.describe(self.covariates, self.patients)
        ]
