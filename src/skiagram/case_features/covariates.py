"""Feature family `covariates`: what is known of a case besides its image, as columns."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import model_validator
from pydantic.dataclasses import dataclass

from skiagram.errors import OptionError, listed, refusal
from skiagram.preparation import Covariate
from skiagram.records.feature_table import FeatureTable
from skiagram.strict import STRICT, OneOrMore
from skiagram.tables.frames import replace_columns
from skiagram.tasks.cases import Cases, name_groups

PREFIX = "covariates_"
SITE_PREFIX = "site_"
MIN_PATIENTS = 5


@dataclass(**STRICT)
class Covariates:
    """Columns of the covariates table, for models that combine them with an image or stand alone.

    A number stays as it is, and NaN where it is missing: what to put there must be learned from
    training cases, so each model does it. A text becomes one column per category, in sorted
    order: 1 where the case has it, else 0; a missing or rare text is 0 in all of them. A category
    is a text that enough patients of the development cases have, because the columns' names go
    into every model, and a text of one patient could tell who that is.

    Attributes:
        columns: Names of the columns in this order; null takes every numeric column.
        least_patients: Patients of the development cases that must share a text; a rarer text
            counts as none.
    """

    prefix: ClassVar[str] = PREFIX
    option: ClassVar[str] = "features.covariates.columns"  # for messages

    columns: tuple[str, ...] | None
    least_patients: OneOrMore = MIN_PATIENTS

    def describe(
        self,
        table: pd.DataFrame,
        patients: Mapping[str, str] | None = None,
        where: str | None = None,
    ) -> tuple[Covariate, ...]:
        """Return the chosen columns and the categories of those that hold texts.

        Args:
            table: Column `case_id` and the covariates, one row per case.
            patients: Case id → patient of the development set, which alone gives categories; None
                where each case is a patient of its own.
            where: Option that names the columns, for messages; None for that of the family.

        Raises:
            OptionError: A column is not in the table, or none is left.
        """
        table = self._as_read(table)
        column_names = [name for name in table.columns if name != "case_id"]
        unknown = [name for name in self.columns or () if name not in column_names]
        numeric = [name for name in column_names if pd.api.types.is_numeric_dtype(table[name])]
        chosen = numeric if self.columns is None else list(self.columns)
        if unknown or not chosen:
            raise refusal(
                "case_features.no_covariate" if unknown else "case_features.no_covariates",
                where or self.option,
                kind=OptionError,
                columns=listed(column_names) or "none: the data set has no covariates",
                unknown=unknown,
            )
        case_id = table["case_id"].astype(str)
        patient = case_id if patients is None else case_id.map(patients)
        described = []
        for name in chosen:
            categories, usual = None, None
            stated = table[name].notna() & patient.notna()
            if name in numeric:
                if stated.any():
                    low, high = np.quantile(table[name][stated].to_numpy(np.float64), (0.01, 0.99))
                    usual = (float(low), float(high))
            else:  # the texts that enough patients share, sorted
                sharing = patient[stated].groupby(table[name][stated]).nunique()
                categories = tuple(sorted(sharing.index[sharing >= self.least_patients]))
            described.append(Covariate(name, categories, self.prefix, usual))
        return tuple(described)

    def _as_read(self, table: pd.DataFrame) -> pd.DataFrame:
        """Convert each column of the table to the type that this family reads."""
        return table

    def encode(
        self,
        table: pd.DataFrame,
        patients: Mapping[str, str] | None = None,
        where: str | None = None,
    ) -> FeatureTable:
        """Return the columns of all cases of a data set.

        Raises:
            OptionError: A column is not in the table, none is left, or all texts are rare.
        """
        described = self.describe(table, patients, where)
        if not any(covariate.features() for covariate in described):
            raise refusal(
                "case_features.rare_texts",
                where or self.option,
                least_patients=self.least_patients,
            )
        return tabulate_covariates(self._as_read(table), described)


def tabulate_covariates(table: pd.DataFrame, described: Sequence[Covariate]) -> FeatureTable:
    """Return the columns of covariates whose categories are known, of the same cases or of others.

    Args:
        table: Column `case_id` and the covariates; a number may be a text, empty where unknown.
    """
    columns: dict[str, NDArray[Any]] = {}
    for covariate in described:
        cells = table[covariate.column]
        for name, category in covariate.features().items():
            if category is not None:
                columns[name] = (cells == category).to_numpy(np.float32)
            elif pd.api.types.is_numeric_dtype(cells):
                columns[name] = cells.to_numpy(dtype=np.float32)
            else:
                numbers = [float(cell) if cell else np.nan for cell in cells]
                columns[name] = np.array(numbers, np.float32)
    values = np.empty((len(table), len(columns)), np.float32)
    for place, column in enumerate(columns.values()):
        values[:, place] = column
    return FeatureTable(table["case_id"].to_numpy(dtype=str), tuple(columns), values)


@dataclass(**STRICT)
class Site(Covariates):
    """The site of each case, for a model's harmonisation; no feature of any model.

    A column per site that enough patients of the development cases have; numbers name sites too.
    """

    prefix: ClassVar[str] = SITE_PREFIX
    option: ClassVar[str] = "features.site.columns"

    @model_validator(mode="after")
    def _one_column(self) -> Self:
        if self.columns is None or len(self.columns) != 1:
            raise ValueError("`columns`: one column, which holds the site")
        return self

    def _as_read(self, table: pd.DataFrame) -> pd.DataFrame:
        """Convert the column of sites to text, since numbers name sites, too."""
        columns = [name for name in self.columns or () if name in table.columns]
        return replace_columns(table, {name: name_groups(table[name]) for name in columns})


def development_patients(cases: Cases) -> dict[str, str]:
    """Return case id → patient of the cases that a model may learn from."""
    development_cases = cases.development()
    return dict(
        zip(development_cases.case_id.tolist(), development_cases.patient_id.tolist(), strict=True)
    )
