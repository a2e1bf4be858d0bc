"""What a network sees of the cases of a data set: images, and columns of covariates it asks for."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from skiagram.features.covariates import Covariates
from skiagram.features.table import FeatureTable
from skiagram.models.deep.contract import AnyNetwork, ReadsTable
from skiagram.preparation import Covariate
from skiagram.records import read_table
from skiagram.store import ImageStore
from skiagram.training.images import ImageSet


@dataclass(frozen=True)
class NetworkInputs:
    """Images of a data set and what a network reads beside them.

    Attributes:
        images: Restored images.
        table: Columns of all cases; None for a network on images alone.
        covariates: The covariates of the data set; empty for such a network.
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
        table = Covariates(columns=network.columns).encode(known, "model.columns")
        return cls(ImageStore(images), table, Covariate.of(known))

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
