"""What a model reads: the model says it, and opened on prepared data it gives inputs by case.

`model.read(prepared, task)` opens features, an encoding (alone or beside features), images, places
in images, or scores that came with the data. Stages and rows of sweeps know no other way from
prepared data to a model's inputs.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, Self, TypeVar

import numpy as np
import pandas as pd

from skiagram.arrays import Texts, Whole
from skiagram.compute.files import sha256_of
from skiagram.finding.inputs import CANDIDATES, FindingInputs
from skiagram.image_store.store import ImageStore
from skiagram.preparation import Covariate, PreparedData
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import Table
from skiagram.records.places import MARKS


class Inputs(Protocol):
    """What a model sees of some cases: a feature table or images."""

    def __len__(self) -> int: ...

    def select(self, rows: Whole) -> Self:
        """Select the given rows, in the given order."""


I = TypeVar("I", bound=Inputs)  # noqa: E741


@dataclass(frozen=True)
class Reading(Generic[I]):
    """What one model reads of all cases of a data set.

    Attributes:
        of: Returns the inputs of the given cases.
        title: The model's name for people, which may say what it reads.
        sources: Files of all that is read, or digests.
        preparation: Folder that says how new images become such inputs.
        traits: Returns the space in which new cases are told to be unlike; None for no space.
        covariates: What is read beside images.
        encoding: Folder of the encoder's record, where the inputs are columns of its encoding.
    """

    of: Callable[[Texts], I]
    title: str
    sources: tuple[Table | str, ...]
    preparation: Path
    traits: Callable[[], FeatureTable | None]
    covariates: tuple[Covariate, ...] = ()
    encoding: Path | None = None

    @property
    def sha256(self) -> str:
        """The digest of all that is read; fits on other inputs have another."""
        return digest_inputs(*self.sources)

    @property
    def is_fused(self) -> bool:
        """Whether features are read beside an encoding."""
        return self.encoding is not None and self.encoding != self.preparation


def digest_inputs(*parts: Table | str) -> str:
    """Compute one SHA-256 of files, by their content, of tables in memory, and of digests.

    Args:
        parts: Digests count as they are, files by their bytes, tables by their values.
    """
    # Digests as they are, files by their bytes, tables by their values.
    contents: list[str] = []
    for part in parts:
        if isinstance(part, str):
            contents.append(part)
        elif isinstance(part, Path):
            contents.append(sha256_of(part))
        else:
            contents.append(repr(part.to_dict("list")))
    return hashlib.sha256("\n".join(contents).encode()).hexdigest()


def read_places(
    prepared: PreparedData,
    title: str,
    features: Table | None = None,
    encoding: Path | None = None,
) -> Reading[FindingInputs]:
    """Open images to be searched: what a finder reads.

    Args:
        prepared: Folders of prepared data.
        title: The finder's name for people.
        features: Table of what is known of each candidate; None where a finder looks by itself.
        encoding: Folder that has this table, where an encoder made it.

    Returns:
        The reading; its space in which new cases are told to be unlike is that of plain traits.
    """
    # Images, candidates and what the finder measures of them.
    images = prepared.store
    inputs = FindingInputs.read(prepared.cases, images, prepared.candidates, features)
    # All files whose change makes a fit another one.
    tables = [prepared.candidates / CANDIDATES, prepared.cases / MARKS, features]
    sources = [
        table for table in tables if isinstance(table, pd.DataFrame) or (table and table.exists())
    ]
    return Reading(
        of=inputs.of,
        title=title,
        sources=(images.sha256, *sources),
        preparation=encoding or (prepared.candidates if features is None else prepared.preparation),
        traits=lambda: image_traits(images),
        encoding=encoding,
    )


_QUANTILES = [f"quantile_{level}" for level in (1, 10, 25, 50, 75, 90, 99)]
TRAITS = ("height", "width", "mean", "deviation", "skewness", "sharpness", *_QUANTILES)


def image_traits(images: ImageStore) -> FeatureTable:
    """Measure plain traits of restored images, the space in which networks' cases are familiar.

    Args:
        images: Of all cases.

    Returns:
        Height and width in pixels, mean, deviation, skewness and quantiles of the values of the
        region, or of the image where it has none, and the mean step from a column to the next in
        deviations; float32, a row a case in the store's order.
    """
    rows = []
    for case in images.case_ids:
        image, region = images.image(case), images.region(case)
        # Moments and quantiles of the region where there is one.
        measured = image if region is None else image[region.inside]
        values = np.asarray(measured, dtype=np.float64).ravel()
        mean, deviation = float(values.mean()), float(values.std())
        spread = max(deviation, 1e-12)
        skewness = float(np.mean((values - mean) ** 3)) / spread**3
        quantiles = np.quantile(values, (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)).tolist()
        # Sharpness: the mean step from a column to the next.
        plane = np.asarray(image, dtype=np.float32)
        across = plane.ndim - 2 if plane.ndim > 2 else 1
        steps = np.abs(np.diff(plane, axis=across)) if plane.shape[across] > 1 else np.zeros(1)
        height, width = plane.shape[plane.ndim == 4 :][:2]
        sharpness = float(steps.mean()) / spread
        rows.append([height, width, mean, deviation, skewness, sharpness, *quantiles])
    return FeatureTable(np.array(images.case_ids), TRAITS, np.array(rows).astype(np.float32))
