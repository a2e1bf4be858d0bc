"""What a network sees of the cases of a data set: images, and columns of covariates it asks for.

A table becomes numbers without gaps, learned from the training cases alone. A gap takes the
training cases' median, and a column that had gaps among them gets an indicator beside it; then
every column takes mean 0 and deviation 1. A column that is constant over the training cases is left
out: its weight would stay what chance made it, and a category that only unseen cases have would
then move scores at random.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_selection import VarianceThreshold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from skiagram.errors import refusal
from skiagram.image_store.store import ImageStore, modality_folders
from skiagram.models.classical.persistence import read_pipeline, write_pipeline
from skiagram.models.classical.preprocessing import imputer, scaler
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import read_record, write_record
from skiagram.training.data import ImageSet
from skiagram.training.options import NetworkInput

_PIPELINE = "table.skops"
_COLUMNS = "table.json"


@dataclass(frozen=True)
class TableColumns:
    """What a network reads of a table."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class TableEncoder:
    """Fitted steps from a table's columns to what a network sees."""

    names: tuple[str, ...]
    pipeline: Pipeline

    @classmethod
    def fit(cls, table: FeatureTable, where: str) -> "TableEncoder":
        """Learn medians, gaps, means and deviations of the columns from the training cases.

        Args:
            table: (n, columns) of these; NaN is a gap.
            where: Title of the network, to be named.

        Raises:
            ModelFailure: All columns are constant.
        """
        # Gaps are filled, constant columns left out, and the rest standardised.
        filled, varying = ("imputation", imputer()), ("variation", VarianceThreshold())
        pipeline = Pipeline([filled, varying, ("normalisation", scaler("standard"))])
        try:
            pipeline.fit(table.values.astype(np.float64))
        except ValueError as error:
            raise refusal("models.equal_covariates", where, error=str(error)) from error
        return cls(table.names, pipeline)

    @property
    def width(self) -> int:
        """Count the numbers of a case: columns that vary, and indicators of gaps."""
        return int(self.pipeline["variation"].get_support().sum())

    def encode(self, table: FeatureTable) -> Tensor:
        """Turn the table of some cases into what a network reads.

        Args:
            table: Columns are found by name; NaN is a gap.

        Returns:
            (n, width) float32, finite.
        """
        values = table.columns(self.names).values.astype(np.float64)
        return torch.from_numpy(self.pipeline.transform(values).astype(np.float32))

    def save(self, folder: Path) -> None:
        write_pipeline(self.pipeline, folder / _PIPELINE)
        write_record(TableColumns(self.names), folder / _COLUMNS)

    @classmethod
    def load(cls, folder: Path) -> "TableEncoder":
        """Read what `save` wrote.

        Raises:
            DataError: A file is missing, damaged or of other steps.
        """
        names = read_record(TableColumns, folder / _COLUMNS).names
        return cls(names, read_pipeline(folder / _PIPELINE, StandardScaler))


def encode_table(encoder: TableEncoder | None, inputs: ImageSet) -> Tensor | None:
    """Turn the table of some cases into what a network reads; None where it reads none.

    Args:
        encoder: Fitted to the training cases; None of networks on images alone.
        inputs: The cases.
    """
    return None if encoder is None else encoder.encode(required_table(inputs))


def required_table(inputs: ImageSet) -> FeatureTable:
    """Take the table of some cases, which a network on covariates cannot do without.

    Raises:
        DataError: They have none.
    """
    if inputs.table is None:
        raise refusal("models.no_table")
    return inputs.table


def stored_images(
    network_input: NetworkInput, images: Path
) -> tuple[ImageStore, dict[str, ImageStore]]:
    """Open what a network sees, in training and for new cases: what `ImageSet` needs.

    A folder of new cases is written by `restore_modalities`.

    Args:
        network_input: Which modalities it sees, and whether their regions.
        images: Folder of the restored images.

    Returns:
        The first modality's store; and modality → store, empty where there is one.

    Raises:
        OptionError: A modality is not there or named twice, or regions are asked for of images
            without.
    """
    # Modalities must exist and be named once.
    where = "model.training.input"
    folders = modality_folders(images)
    names = tuple(folders) if network_input.modalities is None else network_input.modalities
    unknown = [name for name in names if name not in folders]
    if unknown or len(set(names)) < len(names):
        fault = f"no images `{unknown[0]}`" if unknown else "a modality twice"
        without_names = "null: the cases of this data set have one image each, without a name"
        allowed = ", ".join(folders) if all(folders) else without_names
        raise refusal(
            "models.no_modality",
            f"{where}.modalities",
            found=fault,
            allowed=allowed,
        )
    # The first modality gives the regions.
    stores = {name: ImageStore(folders[name]) for name in names}
    store = stores[names[0]]
    if network_input.reads_regions and len(store) and store.region(store.case_ids[0]) is None:
        raise refusal("models.no_regions", where)
    return store, stores if len(stores) > 1 else {}
