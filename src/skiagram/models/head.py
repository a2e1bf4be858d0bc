"""A head: a classical model on what a frozen encoder makes of the images.

It is fitted, chosen and calibrated as any classical model, on the same folds; its arm is the
encoder's. A head whose option file names families of features reads these beside the encoding:
early fusion.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from skiagram.encoders.encoder import COLUMN, TABLE
from skiagram.errors import DataError, OptionError
from skiagram.features.table import FeatureTable, is_in_family
from skiagram.finding.inputs import CANDIDATES, FindingInputs
from skiagram.models.classical.estimator import ClassicalModel
from skiagram.models.classical.finder import CandidateFinder
from skiagram.models.contract import Arm, FitContext, Labelled
from skiagram.records import MARKS

ENCODER, MODEL = "encoder", "model"  # parts of a head's options


@dataclass(frozen=True)
class Head:
    """A classical model that reads an encoding."""

    model: ClassicalModel | CandidateFinder
    encoder: str
    fused: bool = False

    arm: ClassVar[Arm] = "encoder"
    uses_validation: ClassVar[bool] = False

    @property
    def title(self) -> str:
        model = self.model
        kind = model.kind if isinstance(model, ClassicalModel) else model.title
        return f"{kind} on {self.encoder}{' and features' if self.fused else ''}"

    def fit(self, training: Labelled[Any], context: FitContext) -> Any:
        return self.model.fit(training, context)


class FinderHead(Head):
    """A finder that judges candidates by what an encoder makes of their windows."""

    finds_in: ClassVar[Literal["features"]] = "features"


def member_inputs(
    model: Any, encoded: Path, data: Path, encoder: str
) -> tuple[Head, Any, list[Path]]:
    """Return a head, what it reads of all cases, and the files that this is from.

    Args:
        encoded: Folder of the encoding.
        data: Folder of what the stages left.
        encoder: The encoder's name for people.
    """
    if isinstance(model, CandidateFinder):
        inputs = FindingInputs.read(data, "candidates")
        windows = FeatureTable.read(encoded / CANDIDATES)
        read = [encoded / CANDIDATES, data / "cases" / MARKS]
        return FinderHead(model, encoder), replace(inputs, features=windows), read
    features = data / "features.parquet"
    head, table = head_inputs(model, FeatureTable.read(encoded / TABLE), features, encoder)
    return head, table, [encoded / TABLE, *([features] if head.fused else [])]


def head_inputs(
    model: Any, encoding: FeatureTable, features: Path, encoder: str
) -> tuple[Head, FeatureTable]:
    """Return a head with the table of all cases that it reads.

    A model whose `columns` are null reads the encoding alone, else `features` beside it.
    """
    check_head(model)
    families = model.columns or ()
    if all(any(is_in_family(name, one) for name in encoding.names) for one in families):
        return Head(model, encoder), encoding
    beside = FeatureTable.read(features).of(encoding.case_id)
    shared = set(beside.names) & set(encoding.names)
    if shared:
        raise DataError(f"two columns `{min(shared)}`", where="features and encoding")
    names, values = (*encoding.names, *beside.names), np.hstack([encoding.values, beside.values])
    return Head(model, encoder, fused=True), FeatureTable(encoding.case_id, names, values)


def check_head(model: Any) -> None:
    """Refuse what is no classical model."""
    if not isinstance(model, ClassicalModel):
        found, allowed = f"`{type(model).__name__}` cannot be a head", "classical models"
        raise OptionError(found, where="heads", allowed=allowed)


def reads_features(model: ClassicalModel) -> bool:
    """Return whether a head's option file names families besides the encoding."""
    names = (family.split("_")[0].split(".") for family in model.columns or ())
    return any(COLUMN not in parts for parts in names)
