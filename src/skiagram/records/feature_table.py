"""The feature table: one row per case, one named float32 column per feature."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from skiagram.arrays import Singles, Texts, Whole
from skiagram.errors import refusal
from skiagram.records.files import Table, read_table, write_table

_COPY_COLUMN = re.compile(r"(?P<modality>(?:.*\.)?)perturbed(?:_[a-z]+)*_[0-9]+\.(?P<feature>.*)")
# Families that tell the device, the site or chance: models read them only where they name them.
READ_BY_NAME = ("acquisition", "site", "permuted")


@dataclass(frozen=True)
class FeatureTable:
    """Named features of some cases.

    Attributes:
        case_id: (n,) str.
        names: Feature names in column order.
        values: (n, n_features) float32; finite, but NaN where a covariate is missing.
    """

    case_id: Texts
    names: tuple[str, ...]
    values: Singles

    def __len__(self) -> int:
        return len(self.case_id)

    def select(self, rows: Whole) -> "FeatureTable":
        return FeatureTable(self.case_id[rows], self.names, self.values[rows])

    def of(self, case_id: Texts) -> "FeatureTable":
        """Return the rows of the given cases.

        Raises:
            DataError: A case has no features.
        """
        position = {case: row for row, case in enumerate(self.case_id.tolist())}
        missing = [case for case in case_id.tolist() if case not in position]
        if missing:
            raise refusal("records.no_features", missing[0], number=len(missing))
        return self.select(np.array([position[case] for case in case_id.tolist()], dtype=np.int64))

    def columns(self, names: Sequence[str]) -> "FeatureTable":
        """Return the named features, in the given order.

        Raises:
            DataError: A feature is not in the table.
        """
        position = {name: column for column, name in enumerate(self.names)}
        missing = [name for name in names if name not in position]
        if missing:
            raise refusal("records.no_feature", name=missing[0])
        values = self.values[:, [position[name] for name in names]]
        return FeatureTable(self.case_id, tuple(names), values)

    def beside(self, *others: "FeatureTable") -> "FeatureTable":
        """Return all columns of several tables of the same cases, one table after the other.

        Raises:
            DataError: A table is of other cases, or places, or has them in another order.
        """
        if not all(np.array_equal(self.case_id, other.case_id) for other in others):
            raise refusal("records.other_cases")
        tables = (self, *others)
        names = tuple(name for table in tables for name in table.names)
        values = np.hstack([table.values for table in tables])  # noqa: PD011 - tables of features
        return FeatureTable(self.case_id, names, values)

    def frame(self) -> pd.DataFrame:
        """Make a data frame of it.

        Returns:
            Column `case_id`, and a float32 column a feature, in the order of `names`.
        """
        columns = pd.DataFrame(self.values, columns=list(self.names))
        columns.insert(0, "case_id", self.case_id)
        return columns

    def write(self, path: Path) -> None:
        write_table(self.frame(), path)

    @classmethod
    def read(cls, path: Table) -> "FeatureTable":
        """Read a table written by `write`, or what `frame` returned.

        Raises:
            DataError: The file is missing or no table.
        """
        table = read_table(path)
        names = tuple(table.columns[1:])
        values = table[list(names)].to_numpy(dtype=np.float32)
        return cls(table["case_id"].to_numpy(dtype=str), names, values)


def has_prefix(column: str, prefix: str) -> bool:
    """Return whether a column belongs to a family, or to a part of one, by its name.

    Args:
        column: Name of a feature, for example `glcm_distance_1_contrast`.
        prefix: Whole words from its start: `glcm` and `glcm_distance_1`, but not `gl`; `log_3mm` of
            `log_3mm.glcm_contrast`.
    """
    return f"{column}_".startswith((f"{prefix}_", f"{prefix}."))


def is_in_family(column: str, family: str) -> bool:
    """Tell whether a feature is of a family, or of an image (`PET.glcm_contrast` of `PET`).

    Args:
        column: Name of the feature, whose parts are between dots.
        family: What a part begins with, `glcm` or `PET`.
    """
    parts = column.split(".")
    endings = (".".join(parts[start:]) for start in range(len(parts)))
    return any(has_prefix(ending, family) for ending in endings)


def original_feature(column: str) -> str:
    """Return the feature that a column of a changed copy of the images repeats; else nothing.

    Args:
        column: `glcm_contrast` is that of `perturbed_1.glcm_contrast`, `PET.glcm_contrast` that of
            `PET.perturbed_noise_1.glcm_contrast`.
    """
    match = _COPY_COLUMN.fullmatch(column)
    return match["modality"] + match["feature"] if match else ""


def is_perturbed(column: str) -> bool:
    """Return whether a feature is one of a changed copy, by its name."""
    return bool(original_feature(column))


def is_read_by_name(column: str) -> bool:
    """Return whether models read a feature only where they name its family."""
    return any(is_in_family(column, family) for family in READ_BY_NAME)
