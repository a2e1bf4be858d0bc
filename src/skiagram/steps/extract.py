"""Step extract: restored images, and windows at candidates, become tables of named features."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass as options_class

from skiagram.case_features.case_histories import CaseHistories
from skiagram.case_features.extraction import build_families, extract_modalities
from skiagram.case_features.windows import Windows, describe_places
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.finding.inputs import read_candidates
from skiagram.image_store.store import ImageStore
from skiagram.preparation import propagate_preparation
from skiagram.strict import STRICT

EXTRACTED = ("candidates_features.parquet", "features.parquet", "preparation")


@options_class(**STRICT)
class ExtractOptions:
    """Options of stage extract.

    Attributes:
        features: Name → `_target_` and options of each feature family, in column order.
        windows: What is looked at around each candidate.
        compute: How much of the machine it may use.
    """

    features: dict[str, dict[str, Any]]
    windows: Windows
    compute: Compute


def extract_features(
    families: Mapping[str, Mapping[str, Any]],
    windows: Windows,
    cases: Path,
    restored: Path,
    candidates: Path,
    target: Path,
    compute: Compute = IN_PROCESS,
) -> None:
    """Write `features.parquet`, `candidates_features.parquet` and `preparation`.

    Args:
        families: Name → `_target_` and options of each feature family, in column order.
        windows: What is looked at around each candidate.
        cases: Folder of cases that step ingest wrote.
        restored: Folder of the restored images.
        candidates: Folder that step propose wrote.
    """
    chosen, histories = build_families(families), CaseHistories.read(cases)
    table = extract_modalities(restored, chosen, histories, compute)
    table.write(target / "features.parquet")
    places = read_candidates(candidates)
    at_places = describe_places(ImageStore(restored), places, chosen, windows, compute)
    at_places.write(target / "candidates_features.parquet")
    propagate_preparation(
        candidates,
        target / "preparation",
        features=[dict(family) for family in families.values()],
        covariates=histories.describe(chosen),
        windows=asdict(windows),
    )
