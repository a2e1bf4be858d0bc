"""Prepared data of a row, by the steps of the root pipeline; equal pieces are made once."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from skiagram.audit.findings import AuditReport
from skiagram.case_features.windows import Windows
from skiagram.datasets.contract import RealDataSet
from skiagram.errors import AuditStop
from skiagram.options import build, check
from skiagram.preparation import PreparedData
from skiagram.records.files import read_record, read_table
from skiagram.steps.audit import FINDINGS, NEAR_DUPLICATES, audit_images
from skiagram.steps.extract import extract_features
from skiagram.steps.ingest import ingest_source
from skiagram.steps.propose import propose_places
from skiagram.steps.restore import restore_images
from skiagram.sweeps.workspace import Workspace
from skiagram.tasks.task import Design

Options = Mapping[str, Any]


def ingest_data(workspace: Workspace, dataset: Options, design: Design) -> Path:
    """Ingest a data set; return its folder, with `images`, `cases` and `sealed`."""
    inputs: dict[str, Any] = {"dataset": dataset, "design": design}
    source = build(dict(dataset), "dataset")
    if isinstance(source, RealDataSet) and (changed := source.changed_files(workspace.data, {})):
        inputs["files"] = changed  # what the options do not tell
    return workspace.make_once("ingested", inputs, ingest_source, dataset, design, workspace.data)


def audit_data(workspace: Workspace, data: Path) -> pd.DataFrame:
    """Audit a data set, and return its pairs of cases that show the same.

    Raises:
        AuditStop: It found what stops a run.
    """
    # The traits of acquisition that the audit looks at.
    acquisition = workspace.options.compose_stage("audit")["acquisition"]
    inputs = {"data": data.name, "acquisition": acquisition}
    audited = workspace.make_once("audited", inputs, audit_images, data, acquisition)
    # What stops a run stops a row.
    stopping = read_record(AuditReport, audited / FINDINGS).stopping
    if stopping:
        fault = "; ".join(f"{each.name}: {each.summary.rstrip('.')}" for each in stopping)
        remedy = f"{stopping[0].remedy}; or waive it in the data set's config"
        raise AuditStop(fault, where="audit", remedy=remedy)
    return read_table(audited / NEAR_DUPLICATES)


def prepare_data(
    workspace: Workspace,
    data: Path,
    restoration: Options,
    families: Mapping[str, Options],
    encoders: Mapping[str, Options],
    proposal: str = "none",
) -> PreparedData:
    """Restore a data set's images, extract their features and encode them."""
    # Images are cleaned.
    inputs: dict[str, Any] = {"data": data.name, "restoration": restoration}
    restored = workspace.make_once("restored", inputs, restore_images, restoration, data)
    images = restored / "restored"
    # Places are proposed where finders look.
    places = workspace.options.read_file("proposal", proposal)
    hit = workspace.options.compose_stage("propose")["hit"]
    inputs = {"restored": restored.name, "proposal": places, "hit": hit}
    proposed = workspace.make_once("proposed", inputs, propose_places, places, hit, data, images)
    candidates = proposed / "candidates"
    # Images, and windows at places, are described by features.
    cases, windows = data / "cases", workspace.options.compose_stage("extract")["windows"]
    inputs = {
        "restored": restored.name,
        "proposed": proposed.name,
        "windows": windows,
        "families": list(families.items()),
    }
    read = check(Windows, windows, "windows"), cases, images, candidates
    made = workspace.make_once("features", inputs, extract_features, families, *read)
    # What all models of the row read.
    prepared = PreparedData(
        cases=cases,
        images=images,
        features=made / "features.parquet",
        preparation=made / "preparation",
        candidates=candidates,
        candidates_features=made / "candidates_features.parquet",
    )
    encodings = {name: _encode(workspace, prepared, options) for name, options in encoders.items()}
    return replace(prepared, encodings=encodings)


def _encode(workspace: Workspace, prepared: PreparedData, options: Options) -> Path:
    """Return what an encoder makes of images and of places in them, once."""

    def make(folder: Path) -> None:
        from skiagram.steps.encode import encode

        encode(options, prepared.images, prepared.candidates, folder, workspace.context)

    inputs = {
        "restored": prepared.images.parent.name,
        "proposed": prepared.candidates.parent.name,
        "encoder": options,
    }
    return workspace.make_once("encoded", inputs, make)
