"""Scores films with a trained model, some at a time; a film that cannot be scored is named."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from skiagram.datasets.contract import SpacedImage
from skiagram.deploy.covariates import NO_COVARIATES, CovariateTable
from skiagram.deploy.films import Films
from skiagram.deploy.model import DeployedModel
from skiagram.errors import DataError
from skiagram.progress import Progress
from skiagram.store import ImageStore, ShardWriter

_HELD_BYTES = 512 * 1024**2


@dataclass(frozen=True)
class ReadyFilm:
    """A film as the model sees it.

    Attributes:
        file: Its file.
        image: The restored image.
        covariates: (n_covariates,) float32, what goes with it.
    """

    file: Path
    image: SpacedImage
    covariates: NDArray[np.float32]


@dataclass
class Prediction:
    """What became of each file.

    Attributes:
        files: Films that were scored, in the order given.
        rows: One (n_classes,) row of probabilities a film.
        refused: Why each other file was not scored.
        unusual_sizes: Films of a size outside those of training.
        unseen: Texts of a film's covariates that no case of training had, by film.
    """

    files: list[Path] = field(default_factory=list)
    rows: list[NDArray[np.float64]] = field(default_factory=list)
    refused: list[DataError] = field(default_factory=list)
    unusual_sizes: list[Path] = field(default_factory=list)
    unseen: dict[Path, list[str]] = field(default_factory=dict)


def predict(
    model: DeployedModel, files: Sequence[Path], covariates: CovariateTable = NO_COVARIATES
) -> Prediction:
    """Read, restore and score films; only some are held at a time.

    Args:
        model: A loaded model.
        files: Image files.
        covariates: What the model reads besides the films.

    Raises:
        ModelFailure: The model's files contradict one another, or it refuses the films.
    """
    prediction = Prediction()
    with Progress("Predict", len(files)) as progress:
        for films in _portions(model, files, covariates, prediction, progress):
            _score(model, films, prediction)
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
) -> Iterator[list[ReadyFilm]]:
    """Yield restored films, as many as the model scores at once but within a bound on memory."""
    films: list[ReadyFilm] = []
    for file in files:
        progress.advance()
        try:
            beside = covariates.values(file)
            films.append(ReadyFilm(file, model.preparer.prepare(file), beside))
        except DataError as error:
            prediction.refused.append(error)
        held = sum(film.image.pixels.nbytes for film in films)
        if len(films) == model.scorer.batch or held > _HELD_BYTES:
            yield films
            films = []
    if films:
        yield films


def _score(model: DeployedModel, films: list[ReadyFilm], prediction: Prediction) -> None:
    try:
        rows = _probabilities(model, films)
    except DataError as error:
        if len(films) > 1:  # one of them: which, shows when each stands alone
            for film in films:
                _score(model, [film], prediction)
            return
        where = str(films[0].file)
        prediction.refused.append(
            DataError(error.found, where=where, allowed=error.allowed, remedy=error.remedy)
        )
        return
    prediction.rows += list(rows)
    for film in films:
        prediction.files.append(film.file)
        if model.preparer.unusual_size(film.image.pixels):
            prediction.unusual_sizes.append(film.file)


def _probabilities(model: DeployedModel, films: list[ReadyFilm]) -> NDArray[np.float64]:
    with TemporaryDirectory(prefix="skiagram-predict-") as folder:
        with ShardWriter(Path(folder)) as writer:
            for at, film in enumerate(films):
                writer.add(f"film-{at}", film.image.pixels, film.image.spacing)
        covariates = np.stack([film.covariates for film in films])
        return model.probabilities(Films(ImageStore(Path(folder)), covariates))
