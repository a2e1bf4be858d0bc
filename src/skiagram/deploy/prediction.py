"""Scores films with a trained model, some at a time; a film that cannot be scored is named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from skiagram.datasets.contract import SpacedImage
from skiagram.deploy.model import DeployedModel
from skiagram.errors import DataError
from skiagram.progress import Progress
from skiagram.store import ImageStore, ShardWriter

_HELD_BYTES = 512 * 1024**2

Films = list[tuple[Path, SpacedImage]]


@dataclass
class Prediction:
    """What became of each file.

    Attributes:
        files: Films that were scored, in the order given.
        rows: One (n_classes,) row of probabilities a film.
        refused: Why each other file was not scored.
        unusual_sizes: Films of a size outside those of training.
    """

    files: list[Path] = field(default_factory=list)
    rows: list[NDArray[np.float64]] = field(default_factory=list)
    refused: list[DataError] = field(default_factory=list)
    unusual_sizes: list[Path] = field(default_factory=list)


def predict(model: DeployedModel, files: Sequence[Path]) -> Prediction:
    """Read, restore and score films; only some are held at a time.

    Args:
        model: A loaded model.
        files: Image files.

    Raises:
        ModelFailure: The model's files contradict one another, or it refuses the films.
    """
    prediction = Prediction()
    with Progress("Predict", len(files)) as progress:
        for films in _portions(model, files, prediction, progress):
            _score(model, films, prediction)
    return prediction


def _portions(
    model: DeployedModel, files: Sequence[Path], prediction: Prediction, progress: Progress
) -> Iterator[Films]:
    """Yield restored films, as many as the model scores at once but within a bound on memory."""
    films: Films = []
    for file in files:
        progress.advance()
        try:
            films.append((file, model.preparer.prepare(file)))
        except DataError as error:
            prediction.refused.append(error)
        if (
            len(films) == model.scorer.batch
            or sum(one.pixels.nbytes for _, one in films) > _HELD_BYTES
        ):
            yield films
            films = []
    if films:
        yield films


def _score(model: DeployedModel, films: Films, prediction: Prediction) -> None:
    try:
        rows = _probabilities(model, films)
    except DataError as error:
        if len(films) > 1:  # one of them: which, shows when each stands alone
            for film in films:
                _score(model, [film], prediction)
            return
        where = str(films[0][0])
        prediction.refused.append(
            DataError(error.found, where=where, allowed=error.allowed, remedy=error.remedy)
        )
        return
    prediction.rows += list(rows)
    for file, image in films:
        prediction.files.append(file)
        if model.preparer.unusual_size(image.pixels):
            prediction.unusual_sizes.append(file)


def _probabilities(model: DeployedModel, films: Films) -> NDArray[np.float64]:
    with TemporaryDirectory(prefix="skiagram-predict-") as folder:
        with ShardWriter(Path(folder)) as writer:
            for at, (_, film) in enumerate(films):
                writer.add(f"film-{at}", film.pixels, film.spacing)
        return model.probabilities(ImageStore(Path(folder)))
