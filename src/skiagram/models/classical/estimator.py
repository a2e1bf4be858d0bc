"""What all classical families share: fit a pipeline, score with it, save it, load it."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import Pipeline

from skiagram.errors import ModelFailure
from skiagram.features.table import FeatureTable
from skiagram.models.classical.columns import chosen
from skiagram.models.classical.imputation import imputer
from skiagram.models.classical.kept import kept_features
from skiagram.models.classical.normalisation import Normalisation, scaler
from skiagram.models.classical.persistence import read_pipeline, write_pipeline
from skiagram.models.classical.selection import Selection, selector
from skiagram.models.contract import Arm, FitContext, FitSummary, Labelled
from skiagram.options import STRICT
from skiagram.records import read_record, write_record

_PIPELINE = "model.skops"
_DESCRIPTION = "model.json"


@plain_dataclass(frozen=True)
class _Description:
    features: tuple[str, ...]
    parameters: int
    multiply_adds: int | None
    images_seen: int


@dataclass(**STRICT)
class ClassicalModel(ABC):
    """A scikit-learn estimator behind a normalisation; a family fills in the abstract parts.

    Where covariates are among the features, missing values take the training cases' median first.

    Attributes:
        columns: What the names of the features to use start with, such as a feature set or a whole
            name; null uses all but traits of the file (`acquisition`).
        normalisation: Scaling of each feature column, learned on the training cases.
        selection: Which columns are kept, learned on the training cases; null keeps all.
        components: Principal components that take the columns' place, fewer where the training
            cases allow no more; null for none.
    """

    kind: ClassVar[str]
    arm: ClassVar[Arm] = "classical"
    uses_validation: ClassVar[bool] = False

    columns: tuple[str, ...] | None
    normalisation: Normalisation
    selection: Selection | None
    components: Annotated[int, Field(ge=1)] | None

    @property
    def title(self) -> str:
        """Return the name for people; it says so where only some features are used."""
        if self.selection is not None and self.selection.keep == 1:
            return f"{self.kind} on one feature"
        return self.kind if self.columns is None else f"{self.kind} on {', '.join(self.columns)}"

    @abstractmethod
    def estimator(self, seed: int) -> Any:
        """Return the unfitted scikit-learn estimator."""

    @staticmethod
    @abstractmethod
    def class_scores(estimator: Any, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Score (n, n_features) normalised values: (n, n_classes) float64."""

    @staticmethod
    @abstractmethod
    def learned_numbers(estimator: Any) -> int:
        """Count what the fitted estimator learned, normalisation not counted."""

    @staticmethod
    def multiply_adds(estimator: Any) -> int | None:  # noqa: ARG004
        """Count the fitted estimator's multiply–adds a case; None for a family that compares."""
        return None

    @staticmethod
    def weighted(estimator: Any) -> NDArray[np.bool_] | None:  # noqa: ARG004
        """Mark the columns with any weight; None for a family that sets no weight to 0."""
        return None

    @staticmethod
    def target(label: NDArray[np.int64], n_classes: int) -> NDArray[Any]:  # noqa: ARG004
        """Return what the estimator is fitted to: the labels themselves."""
        return label

    def fit(
        self,
        training: Labelled[FeatureTable],
        validation: Labelled[FeatureTable] | None,
        context: FitContext,
    ) -> "FittedClassical":
        """Fit all steps on the training cases.

        Raises:
            OptionError: No feature has a name that one of `columns` starts.
            ModelFailure: A class has no training case, the estimator refuses the features, does
                not converge or runs out of memory.
        """
        absent = set(range(training.n_classes)) - set(training.label.tolist())
        if absent:
            raise ModelFailure(f"class {min(absent)} has no training case", where=self.title)
        return self.fit_steps(training, context)

    def fit_steps(self, training: Labelled[FeatureTable], context: FitContext) -> "FittedClassical":
        """Fit all steps on the cases as they are; `fit` says which they are."""
        inputs = training.inputs.columns(chosen(training.inputs.names, self.columns))
        pipeline = self._pipeline(inputs.names, len(training), context.seed)
        target = self.target(training.label, training.n_classes)
        with _named_failures(self.title):
            pipeline.fit(_values(inputs), target)
        summary = FitSummary(
            parameters=self.learned_numbers(pipeline[-1]),
            multiply_adds=self.multiply_adds(pipeline[-1]),
            images_seen=len(training),
            features=kept_features(pipeline, inputs.names, self.weighted(pipeline[-1])),
        )
        return FittedClassical(type(self), pipeline, inputs.names, summary)

    def _pipeline(self, names: Sequence[str], cases: int, seed: int) -> Pipeline:
        columns = len(names) if self.selection is None else min(self.selection.keep, len(names))
        components = self.components and min(self.components, columns, cases)
        return Pipeline(
            [
                ("imputation", imputer(names)),
                ("normalisation", scaler(self.normalisation)),
                ("selection", selector(self.selection, seed)),
                ("components", PCA(components, random_state=seed) if components else "passthrough"),
                ("estimator", self.estimator(seed)),
            ]
        )

    def load(self, folder: Path) -> "FittedClassical":
        """Load a model of this family that `FittedClassical.save` wrote.

        Raises:
            DataError: The files are missing, damaged, or of another family.
        """
        described = read_record(_Description, folder / _DESCRIPTION)
        pipeline = read_pipeline(folder / _PIPELINE, type(self.estimator(0)))
        summary = FitSummary(described.parameters, described.multiply_adds, described.images_seen)
        return FittedClassical(type(self), pipeline, described.features, summary)


@plain_dataclass(frozen=True)
class FittedClassical:
    """A fitted pipeline of one family.

    Attributes:
        family: The model's options class; it knows how to score.
        pipeline: Fitted steps `imputation`, `normalisation`, `selection`, `components` and
            `estimator`.
        features: Names of the feature columns, in the order of the fit.
        summary: What the fit cost.
    """

    family: type[ClassicalModel]
    pipeline: Pipeline
    features: tuple[str, ...]
    summary: FitSummary

    def scores(self, inputs: FeatureTable) -> NDArray[np.float64]:
        """Score cases: (n, n_classes) float64, higher = more likely.

        Raises:
            DataError: A feature of the fit is missing; further ones play no part.
            ModelFailure: The estimator refuses their values.
        """
        values = _values(inputs.columns(self.features))
        with _named_failures(self.family.kind):
            normalised = self.pipeline[:-1].transform(values)
            return self.family.class_scores(self.pipeline[-1], normalised)

    def save(self, folder: Path) -> None:
        """Write `model.skops` and `model.json`; equal models give equal bytes."""
        folder.mkdir(parents=True, exist_ok=True)
        write_pipeline(self.pipeline, folder / _PIPELINE)
        cost = self.summary
        described = _Description(
            self.features, cost.parameters, cost.multiply_adds, cost.images_seen
        )
        write_record(described, folder / _DESCRIPTION)


def _values(inputs: FeatureTable) -> NDArray[np.float64]:
    return inputs.values.astype(np.float64)


@contextmanager
def _named_failures(title: str) -> Iterator[None]:
    """Give what the libraries raise on unfit data a name; errors of the program pass through."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            yield
    except ConvergenceWarning as error:
        raise ModelFailure(
            str(error).splitlines()[0],
            where=title,
            remedy="raise `max_iterations` or choose another normalisation",
        ) from error
    except (ValueError, ArithmeticError, MemoryError) as error:
        raise ModelFailure(f"{type(error).__name__}: {error}", where=title) from error
