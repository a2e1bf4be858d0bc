"""One pass of the pipeline, piece by piece; equal pieces are made once for all passes of a study.

The pieces are those of the root DAG and are made by the same functions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.features.extraction import extract
from skiagram.features.learned import build_unseen
from skiagram.options import build
from skiagram.records import Cases, Design, read_table
from skiagram.restoration.batch import restore_store
from skiagram.store import ImageStore
from skiagram.studies.place import Place

Options = Mapping[str, Any]


@dataclass(frozen=True)
class DataSet:
    """An ingested data set: folders `images`, `cases` and `sealed` below `folder`."""

    folder: Path

    @property
    def images(self) -> ImageStore:
        """Return the images as ingested."""
        return ImageStore(self.folder / "images")


@dataclass(frozen=True)
class Prepared:
    """Restored images and their features: `images` and `features.parquet` below the folders."""

    data: DataSet
    restored: Path
    features: Path

    @property
    def images(self) -> ImageStore:
        """Return the restored images."""
        return ImageStore(self.restored / "images")


def ingested(place: Place, dataset: Options, design: Design) -> DataSet:
    """Ingest a data set."""

    def make(folder: Path) -> None:
        folders = IngestFolders(folder / "images", folder / "cases", folder / "sealed")
        ingest(build(dict(dataset), "dataset"), design, place.data, folders)

    return DataSet(place.made("ingested", {"dataset": dataset, "design": design}, make))


def prepared(
    place: Place, data: DataSet, restoration: Options, families: Mapping[str, Options]
) -> Prepared:
    """Restore a data set's images and extract their features.

    Args:
        place: Where to work.
        data: An ingested data set.
        restoration: `_target_` and options.
        families: Name → `_target_` and options of each feature family, in column order.
    """

    def restore(folder: Path) -> None:
        cases = Cases.read(data.folder / "cases/cases.parquet")
        built = build(dict(restoration), "restoration")
        restore_store(data.images, built, folder / "images", folder / "treatment.parquet", cases)

    inputs = {"data": data.folder.name, "restoration": restoration}
    return described(place, data, place.made("restored", inputs, restore), families)


def described(
    place: Place, data: DataSet, restored: Path, families: Mapping[str, Options]
) -> Prepared:
    """Extract the features of restored images, all of a data set's or some.

    Args:
        place: Where to work.
        data: The data set that they come from.
        restored: Piece that holds them below `images`.
        families: Name → `_target_` and options of each feature family, in column order.
    """

    def describe(folder: Path) -> None:
        chosen = build_unseen(families, data.images.folder)
        covariates = read_table(data.folder / "cases/covariates.parquet")
        images = ImageStore(restored / "images")
        extract(images, chosen, covariates).write(folder / "features.parquet")

    inputs = {"restored": restored.name, "families": list(families.items())}
    return Prepared(data, restored, place.made("features", inputs, describe))
