"""Feature family `measured`: the features that came with the data, in place of images' features."""

from dataclasses import field
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass

from skiagram.errors import OptionError, listed
from skiagram.records.feature_table import FeatureTable
from skiagram.strict import STRICT


@dataclass(**STRICT)
class Measured:
    """Columns of a feature table that is the data set, under their own names.

    A missing value stays NaN: what to put there must be learned from training cases, so each model
    does it.

    Attributes:
        columns: Names of the columns in this order; null takes all.
    """

    option: ClassVar[str] = "features.measured.columns"  # for messages

    columns: tuple[str, ...] | None = field(default=None)

    def encode(self, table: pd.DataFrame) -> FeatureTable:
        """Return the chosen columns of all cases.

        Raises:
            OptionError: A column is not in the table, or the data set came without features.
        """
        column_names = [name for name in table.columns if name != "case_id"]
        chosen = column_names if self.columns is None else list(self.columns)
        unknown = [name for name in chosen if name not in column_names]
        if unknown or not chosen:
            raise OptionError(
                f"no feature `{unknown[0]}`" if unknown else "the data set came without features",
                where=self.option,
                allowed=listed(column_names, near="".join(unknown[:1]))
                or "a data set with features",
                remedy="choose features of the data set, or a data set with some",
            )
        values = table[chosen].to_numpy(dtype=np.float32)
        return FeatureTable(table["case_id"].to_numpy(dtype=str), tuple(chosen), values)
