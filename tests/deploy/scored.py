"""Files scored with a loaded model, with all of it at hand."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from skiagram.deploy.new_cases import NewCase
from skiagram.deploy.prediction import score_cases


@dataclass
class Prediction:
    """What became of each file: those that were scored, a row of probabilities each, and others."""

    files: list[Path] = field(default_factory=list)
    rows: list[NDArray[np.float64]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    unusual: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    unseen: dict[Path, tuple[str, ...]] = field(default_factory=dict)


def predict(model, files, cells=MappingProxyType({})):
    """Score files; `cells` are the rows of a table by the name of the case."""
    prediction, cases = Prediction(), [NewCase.of_file(file) for file in files]
    cases = [replace(case, cells=cells.get(case.name, {})) for case in cases]
    for result in score_cases(model, cases):
        file = Path(result.file)
        if result.error:
            prediction.refused.append(result.error)
            continue
        prediction.files.append(file)
        prediction.rows.append(np.array(result.probability))
        if result.unusual:
            prediction.unusual[file] = result.unusual
        if result.unseen:
            prediction.unseen[file] = result.unseen
    return prediction


def with_kinds(model, **changed):
    """Return a model as if training had seen other kinds of images."""
    preparation = model.preparer.preparation
    known = replace(preparation, images=replace(preparation.images, **changed))
    return replace(model, preparer=replace(model.preparer, preparation=known))
