"""The one contract of both arms: fit on labelled cases, score cases, save and load.

A model is its frozen options dataclass. Scores are float64, finite, (n, n_classes), higher = more
likely; they are not probabilities until `skiagram.calibration` made them so.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
import pandas as pd

from skiagram.arrays import Floats, Texts, Whole
from skiagram.errors import refusal
from skiagram.finding.inputs import FindingInputs, FindsIn
from skiagram.finding.marks import case_scores
from skiagram.fitting.reading import I, Inputs, Reading
from skiagram.preparation import PreparedData
from skiagram.records.places import of_cases
from skiagram.tasks.predicted import Predicted
from skiagram.tasks.task import Task

FINDER = "finder.json"  # in the folder of a fitted finder, and of no other model
Arm = Literal["classical", "encoder", "deep", "combined", "reader"]
SEARCHED = 8  # images at once that a finder scores


I_contra = TypeVar("I_contra", bound=Inputs, contravariant=True)


def require_every_class(label: Whole, n_classes: int, title: str) -> None:
    """Refuse to fit a model, named by its title, where a class has no case to learn from.

    Args:
        label: (n,) of the training cases, in [0, n_classes).
        n_classes: Of the task.
        title: Of the model, for people.

    Raises:
        ModelFailure: Naming the first class without a case.
    """
    absent = set(range(n_classes)) - set(label.tolist())
    if absent:
        raise refusal("fitting.no_training_case", title, label=min(absent))


@dataclass(frozen=True)
class Labelled(Generic[I]):
    """Development cases as a model may see them.

    Attributes:
        label: (n,) int64 in [0, n_classes).
        predicted: What is predicted of them, without names of classes.
        group: (n,) what the folds of a cross-validation hold out whole, for example the site; None
            where folds are drawn.
        value: (n,) of each case; None where labels are all that there is.
    """

    inputs: I
    case_id: Texts
    label: Whole
    patient_id: Texts
    predicted: Predicted
    group: Texts | None = None
    value: Floats | None = None

    def __len__(self) -> int:
        return len(self.label)

    @property
    def n_classes(self) -> int:
        """Count the labels."""
        return len(self.predicted.classes)

    @property
    def truth(self) -> tuple[Floats, Whole]:
        """Return values and labels; of classes the values are the labels."""
        value = self.label.astype(np.float64) if self.value is None else self.value
        return value, self.label

    def select(self, rows: Whole) -> "Labelled[I]":
        """Take some rows, in the given order, of the inputs and of every array."""
        arrays: dict[str, Any] = {
            name: row[rows] for name, row in vars(self).items() if isinstance(row, np.ndarray)
        }
        return replace(self, inputs=self.inputs.select(rows), **arrays)


@dataclass(frozen=True)
class FitContext:
    """What a fit may use besides its cases.

    Attributes:
        folder: Place for checkpoints that a later run resumes from; None to keep none.
        positive: Label of the condition looked for; None when there are more than two classes.
        epochs: Epochs of a fit that sets no cases aside; None where validation cases decide.
        validation: Labelled cases that decide when training ends; None for none.
        ahead: Whether it only keeps the weights after each epoch in `folder`, for a fit there that
            trains for fewer of them.
    """

    seed: int
    folder: Path | None = None
    positive: int | None = None
    epochs: int | None = None
    validation: Labelled[Any] | None = None
    ahead: bool = False


@dataclass(frozen=True)
class FitSummary:
    """What a fit cost.

    Attributes:
        multiply_adds: Multiply–add operations to score one case; None where not defined.
        curves: One row an epoch (`epoch`, `training_loss`, `validation_loss`, …); may be empty.
        features: Name of each feature → whether the fit kept it; empty for models that choose none.
        epochs: For how long a fit without validation cases is to train, of each network; or empty.
        set_aside: Labelled cases that decided when to stop and taught nothing else.
    """

    parameters: int
    multiply_adds: int | None
    images_seen: int
    curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    features: dict[str, bool] = field(default_factory=dict)
    epochs: tuple[int, ...] = ()
    set_aside: int = 0


@dataclass(frozen=True)
class Requirements:
    """What trained models require of new cases, and of what scores them.

    Attributes:
        columns: Features and covariates that are read by name.
        shape: (height, width) of every image; None where any will do.
        reads_other: Whether an image is compared with the other one of the same patient.
        refuses_sites: Whether no case is scored of a site that training did not see.
        batch: Cases that are scored at once.
        whole_machine: Whether scoring uses all processors by itself, as networks do.
    """

    columns: tuple[str, ...] = ()
    shape: tuple[int, int] | None = None
    reads_other: bool = False
    refuses_sites: bool = False
    batch: int = 32
    whole_machine: bool = False

    @classmethod
    def join(cls, several: "Iterable[Requirements]") -> "Requirements":
        """Say what models require together that score the same cases.

        Args:
            several: Of each model, at least one.
        """
        # All columns, the first shape, the smallest batch, and whatever any of them needs.
        several = tuple(several)
        return cls(
            columns=tuple(dict.fromkeys(name for each in several for name in each.columns)),
            shape=next((each.shape for each in several if each.shape), None),
            reads_other=any(each.reads_other for each in several),
            refuses_sites=any(each.refuses_sites for each in several),
            batch=min(each.batch for each in several),
            whole_machine=any(each.whole_machine for each in several),
        )


NO_REQUIREMENTS = Requirements()


class Fitted(Protocol[I_contra]):
    """A trained model.

    Attributes:
        requires: What it requires of new cases.
    """

    requires: Requirements

    @property
    def summary(self) -> FitSummary:
        """Return what the fit cost."""

    def scores(self, inputs: I_contra) -> Floats:
        """Score cases: (n, n_classes) float64, finite, higher = more likely."""

    def scores_and_marks(self, inputs: I_contra) -> tuple[Floats, pd.DataFrame | None]:
        """Score cases, and return the marks that the scores follow from; None without marks."""

    def save(self, folder: Path) -> None:
        """Write everything needed to score new cases; equal models give equal bytes."""


class FittedToCases(ABC, Generic[I_contra]):
    """A trained model whose unit is a case: it marks no place."""

    requires: Requirements = NO_REQUIREMENTS

    @abstractmethod
    def scores(self, inputs: I_contra) -> Floats:
        """Score cases; see `Fitted`."""

    def scores_and_marks(self, inputs: I_contra) -> tuple[Floats, None]:
        return self.scores(inputs), None


class Model(Protocol[I]):
    """An untrained model: the options dataclass of its family.

    `uses_validation` says whether `fit` needs cases set aside for early stopping, unless it is
    told for how many epochs to train; where it is False the harness gives those cases to the
    training set, so both arms see the same labels.
    """

    @property
    def uses_validation(self) -> bool:
        """Tell whether cases are set aside for early stopping."""

    @property
    def arm(self) -> Arm:
        """Return which models it is compared among."""

    @property
    def title(self) -> str:
        """Return the name for people."""

    def fit(self, training: Labelled[I], context: FitContext) -> Fitted[I]:
        """Train on labelled cases.

        Raises:
            ModelFailure: The model diverged, ran out of memory or refuses these inputs.
        """


class ReadsData(Model[I], Protocol[I]):
    """A model that says what it reads of prepared data; others are made of models' scores.

    Its unit is a case, or a place in images: such a finder reads `FindingInputs`.
    """

    @property
    def finds_in(self) -> FindsIn | None:
        """Return what a finder looks at; None for a model whose unit is a case."""

    def read(self, prepared: PreparedData, task: Task) -> Reading[I]:
        """Open what it reads of all cases.

        Raises:
            OptionError: The prepared data do not hold what it reads.
        """

    def load(self, folder: Path) -> Fitted[I]:
        """Load a fit of this model that `Fitted.save` wrote.

        Raises:
            DataError: A file is missing or damaged, or such a fit scores no new cases.
        """


def split_score(score: Floats, positive: int) -> Floats:
    """Split (n,) scores into (n, 2) of both classes, whose difference is the score given.

    Half on either side keeps the score exact in floating point.
    """
    half = score / 2
    return np.stack((-half, half) if positive == 1 else (half, -half), axis=1)


class FittedFinder(ABC):
    """A trained model whose unit is a place: scores of images follow from its marks.

    Attributes:
        options: Those of every finder, among them `top`.
        positive: Label of images with a lesion.
        nothing: Score that stands for a mark which an image does not have.
        other_share: Share of the score of the patient's other image that is taken off.
        requires: What it requires of new cases; `SEARCHED` images are scored at once.
    """

    options: Any
    positive: int
    nothing: float
    other_share: float
    requires: Requirements

    @abstractmethod
    def mark(self, inputs: FindingInputs) -> pd.DataFrame:
        """Find the marks of images, each looked at alone; see `find`."""

    def find(self, inputs: FindingInputs) -> pd.DataFrame:
        """Find the marks of images, with `score`, those that stand for others left out.

        The columns are those of `PLACES` in `records.places` and `score`, float64, higher = more
        suspicious, comparable among all that this fit scores. What both sides of a patient show
        alike is less suspicious, at each place as in the image as a whole.

        Args:
            inputs: Images and, of finders that read some, candidates with their features.

        Returns:
            A row a mark; images without a mark have none.
        """
        # Images alone, where no other image of the patient plays a part.
        case_ids, share = inputs.case_id.tolist(), self.other_share
        if not share:
            return self.mark(inputs)
        # Both images of a pair are marked, and their highest marks kept.
        both = [case for name in case_ids for case in (name, inputs.partner.get(name, name))]
        marks = self.mark(inputs.of(np.array(list(dict.fromkeys(both)), dtype=str)))
        marked = list(of_cases(marks))
        score = case_scores(marks, marked, self.options.top, self.nothing)
        high = dict(zip(marked, score.tolist(), strict=True))
        # Without another image, or a mark on it, the image itself stands for it.
        other_scores = [
            high.get(inputs.partner.get(case, case), high[case]) for case in marks["case_id"]
        ]
        marks["score"] -= share * np.array(other_scores, dtype=np.float64)
        return marks[marks["case_id"].isin(case_ids)].reset_index(drop=True)

    def scores_of(self, marks: pd.DataFrame, case_id: Texts) -> Floats:
        """Compute (n, 2) scores of images by what `find` returned of them.

        Args:
            marks: Of these images, and perhaps of others.
            case_id: (n,) images to be scored.
        """
        case_ids: list[str] = case_id.tolist()
        score = case_scores(marks, case_ids, self.options.top, self.nothing)
        return split_score(score, self.positive)

    def scores_and_marks(self, inputs: FindingInputs) -> tuple[Floats, pd.DataFrame]:
        """Score images by their marks, and return both: (n, 2) float64 and a row a mark."""
        marks = self.find(inputs)
        return self.scores_of(marks, inputs.case_id), marks

    def scores(self, inputs: FindingInputs) -> Floats:
        return self.scores_and_marks(inputs)[0]


@runtime_checkable
class TrainedByEpochs(Protocol):
    """A model that learns epoch by epoch on devices, which are shared out among fits.

    Attributes:
        gpus: How many of this machine's its fits may use; None where they use none.
        one_by_one: Whether each fit shares its work out by itself, so that none is made beside it.
        final_epochs: Epochs of a fit on all cases, where folds have no say in them; None where
            validation cases of its own decide, `chosen` where the folds do.
        epochs_ahead: Epochs that a fit on all cases may train before the folds choose, as its
            weights after each are those of a fit of so many; None where they are not.
    """

    gpus: int | None
    one_by_one: bool
    final_epochs: int | Literal["chosen"] | None
    epochs_ahead: int | None
