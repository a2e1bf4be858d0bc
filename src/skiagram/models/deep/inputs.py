"""What a network sees of the cases of a data set: images, and columns of covariates it asks for.

A table becomes numbers without gaps, learned from the training cases alone. A gap takes the
training cases' median, and a column that had gaps among them gets an indicator beside it; then
every column takes mean 0 and deviation 1. A column that is constant over the training cases is left
out: its weight would stay what chance made it, and a category that only unseen cases have would
then move scores at random.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.feature_selection import VarianceThreshold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from skiagram.errors import DataError, ModelFailure
from skiagram.features.covariates import Covariates, development_patients
from skiagram.features.table import FeatureTable
from skiagram.image_store.store import ImageStore
from skiagram.models.classical.persistence import read_pipeline, write_pipeline
from skiagram.models.classical.preprocessing import imputer, scaler
from skiagram.models.deep.contract import AnyNetwork, ReadsTable
from skiagram.preparation import Covariate
from skiagram.records import Cases, read_record, read_table, write_record
from skiagram.training.data import ImageSet

_PIPELINE = "table.skops"
_COLUMNS = "table.json"


@dataclass(frozen=True)
class TableColumns:
    """What a network reads of a table.

    Attributes:
        names: Columns before they are encoded.
    """

    names: tuple[str, ...]


@dataclass(frozen=True)
class TableEncoder:
    """Fitted steps from a table's columns to what a network sees.

    Attributes:
        names: Columns that are read.
        pipeline: Fitted steps `imputation`, `variation` and `normalisation`.
    """

    names: tuple[str, ...]
    pipeline: Pipeline

    @classmethod
    def fit(cls, table: FeatureTable, where: str) -> "TableEncoder":
        """Learn medians, gaps, means and deviations of the training cases.

        Args:
            table: Columns of the training cases, NaN where a number is missing.
            where: Name of the network, for messages.

        Raises:
            ModelFailure: No column differs between the cases.
        """
        steps: list[tuple[str, Any]] = [
            ("imputation", imputer(table.names)),
            ("variation", VarianceThreshold()),
            ("normalisation", scaler("standard")),
        ]
        pipeline = Pipeline(steps)
        try:
            pipeline.fit(table.values.astype(np.float64))
        except ValueError as error:
            raise ModelFailure(
                f"no covariate differs between the training cases ({error})",
                where=where,
                remedy="choose other columns in model.columns",
            ) from error
        return cls(table.names, pipeline)

    @property
    def width(self) -> int:
        """Return how many numbers a case has once it is encoded."""
        return int(self.pipeline["variation"].get_support().sum())

    def encode(self, table: FeatureTable) -> Tensor:
        """Return (n, width) float32, finite.

        Raises:
            DataError: A column of the fit is missing; further ones play no part.
        """
        values = table.columns(self.names).values.astype(np.float64)
        return torch.from_numpy(self.pipeline.transform(values).astype(np.float32))

    def save(self, folder: Path) -> None:
        """Write `table.skops` and `table.json`; equal encoders give equal bytes."""
        write_pipeline(self.pipeline, folder / _PIPELINE)
        write_record(TableColumns(self.names), folder / _COLUMNS)

    @classmethod
    def load(cls, folder: Path) -> "TableEncoder":
        """Load what `save` wrote; nothing is unpickled.

        Raises:
            DataError: A file is missing or damaged.
        """
        names = read_record(TableColumns, folder / _COLUMNS).names
        return cls(names, read_pipeline(folder / _PIPELINE, StandardScaler))


def encode_table(encoder: TableEncoder | None, inputs: ImageSet) -> Tensor | None:
    """Return what a network sees of the table of some cases; None where it reads none.

    Raises:
        DataError: There is no table, or a column of it is missing.
    """
    return None if encoder is None else encoder.encode(required_table(inputs))


def required_table(inputs: ImageSet) -> FeatureTable:
    """Return the table of some cases.

    Raises:
        DataError: There is none.
    """
    if inputs.table is None:
        raise DataError(
            "no table of covariates",
            where="model",
            remedy="choose a network that reads only images, or give the covariates",
        )
    return inputs.table


@dataclass(frozen=True)
class NetworkInputs:
    """Images of a data set and what a network reads beside them.

    Attributes:
        images: Restored images.
        table: Columns of all cases; None for a network on images alone.
        covariates: The covariates that it reads; empty for such a network.
    """

    images: ImageStore
    table: FeatureTable | None
    covariates: tuple[Covariate, ...]

    @classmethod
    def of(cls, network: AnyNetwork, images: Path, cases: Path) -> "NetworkInputs":
        """Find what a network reads.

        Args:
            network: Its options.
            images: Folder of the restored images.
            cases: Folder of the data set's tables.

        Raises:
            OptionError: The network asks for a covariate that the data set lacks.
            DataError: The images or the table of covariates are missing or damaged.
        """
        if not isinstance(network, ReadsTable):
            return cls(ImageStore(images), None, ())
        known = read_table(cases / "covariates.parquet")
        patients = development_patients(Cases.read(cases / "cases.parquet"))
        family, where = Covariates(columns=network.columns), "model.columns"
        table = family.encode(known, patients, where)
        return cls(ImageStore(images), table, family.describe(known, patients, where))

    @property
    def sha256(self) -> str:
        """Return the digest of all of it."""
        digest = hashlib.sha256(self.images.sha256.encode())
        if self.table is not None:
            digest.update(repr((self.table.names, self.table.case_id.tolist())).encode())
            digest.update(self.table.values.tobytes())
        return digest.hexdigest()

    def cases(self, case_id: NDArray[np.str_]) -> ImageSet:
        """Return some of the cases, in the given order.

        Raises:
            DataError: A case has no covariates.
        """
        table = None if self.table is None else self.table.of(case_id)
        return ImageSet(self.images, case_id, table)
