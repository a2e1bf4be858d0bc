"""What a model reads and no film holds: covariates from a table, encoded as in training."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skiagram.datasets.folder.table import read_rows
from skiagram.datasets.image_files import read_file
from skiagram.errors import DataError, OptionError
from skiagram.features.covariates import PREFIX
from skiagram.preparation import Covariate

FILE = "file"


@dataclass(frozen=True)
class CovariateFeature:
    """One feature that is taken from a covariate.

    Attributes:
        name: Name of the feature.
        covariate: Its covariate.
        category: Text for which it is 1, else 0; None for a number.
    """

    name: str
    covariate: Covariate
    category: str | None

    def value(self, cell: str) -> float:
        """Return the feature of a cell; an empty one is NaN for a number, 0 for a text.

        Raises:
            DataError: The cell holds no finite number where one belongs.
        """
        if self.category is not None:
            return float(cell == self.category)
        try:
            number = float(cell) if cell else math.nan
        except ValueError:
            number = math.inf
        if math.isinf(number) or (cell and math.isnan(number)):
            raise DataError(
                f"`{cell}` in column `{self.covariate.column}`",
                allowed="a finite number, or an empty cell where it is unknown",
            )
        return number


def covariate_features(
    names: Iterable[str], known: Sequence[Covariate]
) -> tuple[CovariateFeature, ...]:
    """Return which of a model's features are covariates, in the order of their names.

    Args:
        names: Names of features.
        known: The covariates of the data set that the model was trained on.
    """
    every: dict[str, CovariateFeature] = {}
    for one in known:
        for category in (None,) if one.categories is None else one.categories:
            name = f"{PREFIX}{one.column}" + ("" if category is None else f"_{category}")
            every[name] = CovariateFeature(name, one, category)
    return tuple(every[name] for name in dict.fromkeys(names) if name in every)


@dataclass(frozen=True)
class CovariateTable:
    """The covariates of films, a row a film.

    Attributes:
        features: What the model reads of them.
        cells: File as named on the command line, or its bare name → column → cell.
        unique: Bare names that only one of the films has.
    """

    features: tuple[CovariateFeature, ...]
    cells: dict[str, dict[str, str]]
    unique: frozenset[str]

    def values(self, file: Path) -> NDArray[np.float32]:
        """Return (n_features,) float32 of a film, NaN where a number is unknown.

        Raises:
            DataError: The film has no row, or a cell cannot be read.
        """
        if not self.features:
            return np.empty(0, np.float32)
        row = self._row(file)
        try:
            found = [one.value(row[one.covariate.column]) for one in self.features]
        except DataError as error:
            raise DataError(error.found, where=str(file), allowed=error.allowed) from error
        return np.array(found, np.float32)

    def unseen(self, file: Path) -> list[str]:
        """Return which texts of a film no case of training had: they count as none at all."""
        texts = {one.covariate for one in self.features if one.category is not None}
        cells = {one: self._row(file)[one.column] for one in texts}
        return sorted(
            f"{one.column} `{cell}`"
            for one, cell in cells.items()
            if cell and cell not in (one.categories or ())
        )

    def _row(self, file: Path) -> dict[str, str]:
        row = self.cells.get(str(file))
        if row is None and file.name in self.unique:
            row = self.cells.get(file.name)
        if row is None:
            raise DataError(
                "no row in the table of covariates",
                where=str(file),
                remedy="add a row whose file is named as here; leave cells empty where unknown",
            )
        return row


NO_COVARIATES = CovariateTable((), {}, frozenset())


def read_covariates(
    path: Path | None, features: tuple[CovariateFeature, ...], files: Sequence[Path]
) -> CovariateTable:
    """Read the table that goes with some films.

    Args:
        path: CSV with the column `file` and the covariates; None for none.
        features: What the model reads.
        files: The films.

    Raises:
        OptionError: A table is missing, or the model has no use for one.
        DataError: The table cannot be read, lacks a column or has two rows for one film.
    """
    columns = list(dict.fromkeys(one.covariate.column for one in features))
    needed = ", ".join(f"`{name}`" for name in [FILE, *columns])
    if (path is not None) != bool(features):
        raise OptionError(
            f"the model reads {needed}" if features else "the model reads no covariates",
            where="--covariates",
            remedy=f"give a CSV with the columns {needed}" if features else "leave it out",
        )
    if path is None:
        return NO_COVARIATES
    cells: dict[str, dict[str, str]] = {}
    for row in read_rows(read_file(path, str(path))):
        for name in (FILE, *columns):
            if name not in row.cells:
                raise DataError(
                    f"no column `{name}`",
                    where=str(path),
                    allowed=needed,
                    remedy="add the column; leave cells empty where unknown",
                )
        if cells.setdefault(str(Path(row.cells[FILE])), row.cells) is not row.cells:
            raise DataError(f"two rows for `{row.cells[FILE]}`", where=str(path))
    bare = Counter(file.name for file in set(files))
    return CovariateTable(
        features, cells, frozenset(name for name, count in bare.items() if count == 1)
    )
