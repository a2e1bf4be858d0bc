"""Feature family `measured`: the features that came with the data, in place of images' features."""

from dataclasses import field
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass

from skiagram.errors import OptionError, listed, refusal
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
            near = "".join(unknown[:1])
            raise refusal(
                "case_features.no_feature" if unknown else "case_features.no_features",
                self.option,
                kind=OptionError,
                unknown=unknown,
                columns=listed(column_names, near=near) or "a data set with features",
            )
        values = table[chosen].to_numpy(dtype=np.float32)
        return FeatureTable(table["case_id"].to_numpy(dtype=str), tuple(chosen), values)
