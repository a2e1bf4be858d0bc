"""Scores images with a trained model, some at a time, and writes the table of predictions.

An image that cannot be scored is named. The table is a CSV file, written whole or not at all.
"""

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from skiagram.compute.progress import Progress
from skiagram.deploy.inputs import NO_COVARIATES, CovariateTable, PreparedImage, PreparedImages
from skiagram.deploy.model import DeployedModel
from skiagram.errors import DataError, OptionError
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.records import Task

_HELD_BYTES = 512 * 1024**2


@dataclass
class Prediction:
    """What became of each file.

    Attributes:
        files: Images that were scored, in the order given.
        rows: One (n_classes,) row of probabilities per image.
        refused: Why each other file was not scored.
        unusual: In what no image of training was like one, by image; only those that are unlike.
        unseen: Texts of an image's covariates that no case of training had, by image.
    """

    files: list[Path] = field(default_factory=list)
    rows: list[NDArray[np.float64]] = field(default_factory=list)
    refused: list[DataError] = field(default_factory=list)
    unusual: dict[Path, tuple[str, ...]] = field(default_factory=dict)
    unseen: dict[Path, list[str]] = field(default_factory=dict)


def predict(
    model: DeployedModel, files: Sequence[Path], covariates: CovariateTable = NO_COVARIATES
) -> Prediction:
    """Read, restore and score images; only some are held at a time.

    Args:
        model: A loaded model.
        files: Image files.
        covariates: What the model reads besides the images.

    Raises:
        ModelFailure: The model's files contradict one another, or it refuses the images.
    """
    prediction = Prediction()
    with Progress("Predict", len(files)) as progress:
        for batch in _portions(model, files, covariates, prediction, progress):
            _score(model, batch, prediction)
    prediction.unseen = {
        file: texts for file in prediction.files if (texts := covariates.unseen(file))
    }
    return prediction


def _portions(
    model: DeployedModel,
    files: Sequence[Path],
    covariates: CovariateTable,
    prediction: Prediction,
    progress: Progress,
) -> Iterator[list[PreparedImage]]:
    """Yield restored images, as many as the model scores at once but within a bound on memory."""
    batch: list[PreparedImage] = []
    for file in files:
        progress.advance()
        try:
            beside = covariates.values(file)
            batch.append(model.preparer.prepare(file, beside))
        except DataError as error:
            prediction.refused.append(error)
        held = sum(prepared.image.pixels.nbytes for prepared in batch)
        if len(batch) == model.scorer.batch or held > _HELD_BYTES:
            yield batch
            batch = []
    if batch:
        yield batch


def _score(model: DeployedModel, batch: list[PreparedImage], prediction: Prediction) -> None:
    try:
        rows = _probabilities(model, batch)
    except DataError as error:
        if len(batch) > 1:  # score each alone to find out which one
            for prepared in batch:
                _score(model, [prepared], prediction)
            return
        where = str(batch[0].file)
        prediction.refused.append(
            DataError(error.found, where=where, allowed=error.allowed, remedy=error.remedy)
        )
        return
    prediction.rows += list(rows)
    for prepared in batch:
        prediction.files.append(prepared.file)
        if prepared.unusual:
            prediction.unusual[prepared.file] = prepared.unusual


def _probabilities(model: DeployedModel, batch: list[PreparedImage]) -> NDArray[np.float64]:
    with TemporaryDirectory(prefix="skiagram-predict-") as folder:
        with ShardWriter(Path(folder)) as writer:
            for index, prepared in enumerate(batch):
                writer.add(f"image-{index}", prepared.image.pixels, prepared.image.spacing)
        covariates = np.stack([prepared.covariates for prepared in batch])
        return model.probabilities(PreparedImages(ImageStore(Path(folder)), covariates))


def check_target(path: Path, images: Sequence[Path], *, replace: bool) -> None:
    """Refuse a place where the table could not or should not be written.

    Raises:
        OptionError: Its folder is missing or read-only, it is a folder or an image, or it exists.
    """
    if path.is_dir():
        raise OptionError("is a folder", where=str(path), allowed="the name of a file to write")
    if not path.parent.is_dir():
        raise OptionError("no such folder", where=str(path.parent), remedy="make it first")
    if not os.access(path.parent, os.W_OK):
        raise OptionError("no right to write here", where=str(path.parent))
    if path.exists() and any(image.exists() and image.samefile(path) for image in images):
        raise OptionError("is one of the images", where=str(path), remedy="name another file")
    if path.exists() and not replace:
        raise OptionError(
            "exists already", where=str(path), remedy="name another file, or give --force"
        )


def write_predictions(
    prediction: Prediction, task: Task, threshold: float | None, path: Path
) -> None:
    """Write one row per image: name, a probability per class, the decision, what is unusual.

    Args:
        prediction: Scored images.
        task: Classes, and which of them is positive.
        threshold: Least probability of the positive class that is called positive; None leaves
            the column `decision` out.
        path: File to write; an earlier one is replaced.
    """
    header = ["file", *(f"probability_{name}" for name in task.classes)]
    rows: list[list[object]] = [
        [str(file), *row.tolist()]
        for file, row in zip(prediction.files, prediction.rows, strict=True)
    ]
    if threshold is not None and task.positive is not None:
        header.append("decision")
        for row, values in zip(rows, prediction.rows, strict=True):
            row.append("positive" if values[task.positive] >= threshold else "negative")
    header.append("unusual")
    for row, image in zip(rows, prediction.files, strict=True):
        row.append("; ".join(prediction.unusual.get(image, ())))
    partial = path.with_name(f".skiagram-{os.getpid()}")  # a name may be as long as names can be
    try:
        with partial.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
