"""One run of the pipeline for a study, step by step, by the functions of the root pipeline.

Equal pieces are made once for all runs of all studies.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.encoders.encoder import RECORD, TABLE
from skiagram.features.case_histories import CaseHistories
from skiagram.features.extraction import build_families, extract_modalities
from skiagram.image_store.store import ImageStore
from skiagram.options import build
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records import Cases, Design, read_record, write_record
from skiagram.restoration.restore import restore_modalities
from skiagram.studies.workspace import Workspace

Options = Mapping[str, Any]


@dataclass(frozen=True)
class StudiedDataSet:
    """A data set in a result: name of its option file, name for people."""

    dataset: str
    title: str


@dataclass(frozen=True)
class ReportedDataSet(StudiedDataSet):
    """A data set with figures on its reported cases, and how many patients these are of."""

    cases: int
    patients: int


@dataclass(frozen=True)
class DataSet:
    """An ingested data set: folders `images`, `cases` and `sealed` below `folder`."""

    folder: Path

    @property
    def images(self) -> ImageStore:
        return ImageStore(self.folder / "images")


@dataclass(frozen=True)
class PreparedData:
    """Restored images, their features, and what frozen encoders make of them."""

    data: DataSet
    restored: Path
    features: Path
    encodings: Mapping[str, Path] = field(default_factory=dict)

    @property
    def images(self) -> ImageStore:
        """Return the restored images."""
        return ImageStore(self.restored / "images")


def ingest_data(workspace: Workspace, dataset: Options, design: Design) -> DataSet:
    """Ingest a data set."""

    def make(folder: Path) -> None:
        folders = IngestFolders(folder / "images", folder / "cases", folder / "sealed")
        ingest(build(dict(dataset), "dataset"), design, workspace.data, folders)

    return DataSet(workspace.make_once("ingested", {"dataset": dataset, "design": design}, make))


def prepare_data(
    workspace: Workspace,
    data: DataSet,
    restoration: Options,
    families: Mapping[str, Options],
    encoders: Mapping[str, Options] = MappingProxyType({}),
) -> PreparedData:
    """Restore a data set's images, extract their features and encode them."""

    def restore(folder: Path) -> None:
        cases = Cases.read(data.folder / "cases/cases.parquet")
        built = build(dict(restoration), "restoration")
        images, record = data.folder / "images", folder / "treatment.parquet"
        restore_modalities(images, built, folder / "images", record, cases)

    inputs = {"data": data.folder.name, "restoration": restoration}
    restored = workspace.make_once("restored", inputs, restore)
    described = extract_features(workspace, data, restored, families)
    return encode_prepared(workspace, described, encoders)


def extract_features(
    workspace: Workspace, data: DataSet, restored: Path, families: Mapping[str, Options]
) -> PreparedData:
    """Extract the features of restored images, all of a data set's or some."""

    def describe(folder: Path) -> None:
        histories = CaseHistories.read(data.folder / "cases")
        table = extract_modalities(restored / "images", build_families(families), histories)
        table.write(folder / "features.parquet")

    inputs = {"restored": restored.name, "families": list(families.items())}
    return PreparedData(data, restored, workspace.make_once("features", inputs, describe))


def encode_prepared(
    workspace: Workspace, prepared: PreparedData, encoders: Mapping[str, Options]
) -> PreparedData:
    """Encode restored images, all of a data set's or some; each once for all studies and runs."""
    made = {name: _encode(workspace, prepared, options) for name, options in encoders.items()}
    return replace(prepared, encodings=made)


def _encode(workspace: Workspace, prepared: PreparedData, options: Options) -> Path:
    def encode(folder: Path) -> None:
        from skiagram.encoders.encoding import encode_images

        images, encoder = prepared.restored / "images", build(dict(options), "encoder")
        learned_from = read_record(Preparation, prepared.data.folder / "images" / PREPARATION)
        table, record = encode_images(
            images, encoder, workspace.compute, workspace.encodings, print, learned_from
        )
        table.write(folder / TABLE)
        write_record(record, folder / RECORD)

    inputs = {"restored": prepared.restored.name, "encoder": options}
    return workspace.make_once("encoded", inputs, encode)
