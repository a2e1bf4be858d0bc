"""Feature family `covariates`: what is known of a case besides its image, as columns."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic.dataclasses import dataclass

from skiagram.errors import OptionError
from skiagram.features.table import FeatureTable
from skiagram.options import STRICT

PREFIX = "covariates_"


@dataclass(**STRICT)
class Covariates:
    """Columns of the covariates table, for models that combine them with an image or stand alone.

    A number stays as it is, and NaN where it is missing: what to put there must be learned from
    training cases, so each model does it. A text becomes a column a category, in sorted order, 1
    where the case has it and 0 elsewhere; a missing text is 0 in all of them.

    Attributes:
        columns: Names of the columns in this order; null takes every numeric column.
    """

    columns: tuple[str, ...] | None

    def encode(
        self, table: pd.DataFrame, where: str = "features.covariates.columns"
    ) -> FeatureTable:
        """Return the columns of all cases of a data set.

        Args:
            table: Column `case_id` and the covariates, a row a case of the data set: a text has a
                column for each category in it.
            where: Option that names the columns, for messages.

        Raises:
            OptionError: A column is not in the table, or none is left.
        """
        known = [name for name in table.columns if name != "case_id"]
        unknown = [name for name in self.columns or () if name not in known]
        numeric = [name for name in known if pd.api.types.is_numeric_dtype(table[name])]
        chosen = numeric if self.columns is None else list(self.columns)
        if unknown or not chosen:
            raise OptionError(
                f"no covariate `{unknown[0]}`" if unknown else "no covariate is chosen",
                where=where,
                allowed=", ".join(known) or "none: the data set has no covariates",
                remedy="name covariates of the data set, or choose models that need none",
            )
        columns = {
            f"{PREFIX}{name}": values
            for column in chosen
            for name, values in _encoded(table[column])
        }
        case_id = table["case_id"].to_numpy(dtype=str)
        return FeatureTable(case_id, tuple(columns), np.stack(list(columns.values()), axis=1))


def _encoded(column: pd.Series) -> Iterator[tuple[str, NDArray[np.float32]]]:
    if pd.api.types.is_numeric_dtype(column):
        yield str(column.name), column.to_numpy(dtype=np.float32)
        return
    for category in sorted(column.dropna().unique()):
        yield f"{column.name}_{category}", (column == category).to_numpy(dtype=np.float32)
