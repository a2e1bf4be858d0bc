"""The score table that a train stage hands to evaluation; one row a case and fit."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.records import read_table, write_table


@dataclass(frozen=True)
class Predictions:
    """All scores of one model.

    Columns of `table`: `part` (training, inner, out_of_fold, test), `repeat`, `fold` (-1: final
    fit), `case_id`, `threshold` (NaN where none belongs), `score_<k>` and `probability_<k>` for
    each class k.
    """

    table: pd.DataFrame

    @property
    def n_classes(self) -> int:
        """Return the number of classes."""
        return sum(name.startswith("score_") for name in self.table.columns)

    def part(self, name: str) -> "Predictions":
        """Return the rows of one part."""
        return Predictions(self.table[self.table["part"] == name].reset_index(drop=True))

    def scores(self) -> NDArray[np.float64]:
        """Return (n, n_classes) raw scores."""
        return self._columns("score")

    def probabilities(self) -> NDArray[np.float64]:
        """Return (n, n_classes) calibrated probabilities."""
        return self._columns("probability")

    def _columns(self, kind: str) -> NDArray[np.float64]:
        names = [f"{kind}_{k}" for k in range(self.n_classes)]
        return self.table[names].to_numpy(dtype=np.float64)

    def write(self, path: Path) -> None:
        """Write the table as Parquet."""
        write_table(self.table, path)

    @classmethod
    def read(cls, path: Path) -> "Predictions":
        """Read a table written by `write`."""
        return cls(read_table(path))
