"""What all classical families share: fit a pipeline, score with it, save it, load it."""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from posixpath import commonpath
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.tree import BaseDecisionTree

from skiagram.arrays import Flags, Floats, Whole
from skiagram.case_features.repeatability import Repeatable
from skiagram.errors import ModelFailure, refusal
from skiagram.fitting.contract import (
    Arm,
    FitContext,
    FitSummary,
    FittedToCases,
    Labelled,
    Requirements,
    require_every_class,
)
from skiagram.fitting.reading import Reading
from skiagram.models.classical.binary_relevance import BinaryRelevance
from skiagram.models.classical.harmonisation import Harmonisation, SiteHarmoniser
from skiagram.models.classical.persistence import list_members, read_pipeline, write_pipeline
from skiagram.models.classical.preprocessing import (
    ColumnSelector,
    Normalisation,
    Selection,
    imputer,
    scaler,
)
from skiagram.preparation import PreparedData
from skiagram.records.feature_table import (
    FeatureTable,
    is_in_family,
    is_perturbed,
    is_read_by_name,
)
from skiagram.records.files import Table, read_record, write_record
from skiagram.strict import STRICT, OneOrMore
from skiagram.tasks.kinds import KINDS
from skiagram.tasks.predicted import Loss
from skiagram.tasks.task import Task

_PIPELINE = "model.skops"
_DESCRIPTION = "model.json"
_ENCODING = "encoding"  # first word of the columns of a frozen encoder
_FEATURES = "features"  # in `columns` of a model that reads an encoding: all features beside it


@plain_dataclass(frozen=True)
class _Description:
    features: tuple[str, ...]
    parameters: int
    multiply_adds: int | None
    images_seen: int


@dataclass(**STRICT)
class ClassicalModel(ABC):
    """A scikit-learn estimator behind a normalisation; a family fills in the abstract parts.

    What an estimator is fitted by, its loss, follows from the task. `titles` has the family's name
    for people for each loss that it knows, the usual one first. Missing values, of covariates or of
    a table's features, take the training cases' median first. `learned` and `multiplied` name the
    attributes of a fitted estimator with numbers that it learned, and with those that it multiplies
    a case with: none where it compares.

    Attributes:
        columns: Families of the features to use, such as `glcm`, or whole names; null uses all
            but traits of the file (`acquisition`), the site and the control `permuted`.
        normalisation: Scaling of each feature column, learned on the training cases.
        selection: Which columns are kept, learned on the training cases; null keeps all.
        components: Principal components that take the columns' place, fewer where the training
            cases allow no more; null for none.
        lasting: Which features are left out because they change with small changes of the image,
            learned on the training cases; null for none.
        harmonisation: How effects of the site are taken out of the features, learned on the
            training cases; null for not at all.
        columns_title: What the columns are, in names of the model; null for their own names.
        encoding: Encoder whose numbers it reads in place of features; `columns` that name families
            of features, or `features` for all of them, too, add these beside them (early fusion).
            Null reads features alone.
    """

    titles: ClassVar[Mapping[Loss, str]]
    learned: ClassVar[tuple[str, ...]] = ("coef_", "intercept_")
    multiplied: ClassVar[tuple[str, ...]] = ()
    uses_validation: ClassVar[bool] = False
    finds_in: ClassVar[None] = None

    columns: tuple[str, ...] | None
    normalisation: Normalisation
    selection: Selection | None
    components: OneOrMore | None
    lasting: Repeatable | None = Field(default=None, kw_only=True)
    harmonisation: Harmonisation | None = Field(default=None, kw_only=True)
    columns_title: str | None = Field(default=None, kw_only=True)
    encoding: str | None = Field(default=None, kw_only=True)

    @property
    def arm(self) -> Arm:
        return "classical" if self.encoding is None else "encoder"

    @property
    def tasks(self) -> tuple[str, ...]:
        """List the kinds of outcome whose loss it can be fitted by."""
        classes = ("class",) if "classification" in self.titles else ()
        return (*classes, *(kind.kind for kind in KINDS if kind.classical_loss in self.titles))

    @property
    def title(self) -> str:
        """Name it for people where no task is known."""
        return self.title_by(next(iter(self.titles)))

    def title_by(self, loss: Loss) -> str:
        """Name it for people; it says so where only some features are used.

        Args:
            loss: That it is fitted by; families have a name for each.
        """
        kind = self.titles.get(loss) or next(iter(self.titles.values()))
        if self.selection is not None and self.selection.keep == 1:
            return f"{kind} on one feature"
        named = self.columns_title or ", ".join(self.columns or ())
        title = f"{kind} on {named}" if named else kind
        title += "" if self.lasting is None else ", repeatable features"
        return title if self.harmonisation is None else f"{title}, harmonised across sites"

    def read(self, prepared: PreparedData, task: Task) -> Reading[FeatureTable]:
        """Open the table of features, or an encoding, alone or with features beside it.

        Raises:
            DataError: A column beside an encoding has the name of one of its own.
        """
        # Without an encoding: the table of features.
        if self.encoding is None:
            table = FeatureTable.read(prepared.features)
            title = self.title_by(task.predicted.classical_loss)
            read: tuple[Table, ...] = (prepared.features,)
            return Reading(table.of, title, read, prepared.preparation, lambda: table)
        from skiagram.encoders.encoder import RECORD, TABLE, EncoderRecord

        # The encoding, with a title that names its network.
        folder = prepared.encoding(self.encoding)
        table = FeatureTable.read(folder / TABLE)
        kind = self.titles.get(task.predicted.classical_loss) or next(iter(self.titles.values()))
        title = f"{kind} on {read_record(EncoderRecord, folder / RECORD).title}"
        preparation = folder
        read = (folder / TABLE,)
        families = self.columns or ()
        # Columns that are no part of the encoding are read beside it.
        if not all(any(is_in_family(name, family) for name in table.names) for family in families):
            # The features of the same cases stand after the encoding.
            features = FeatureTable.read(prepared.features)
            case_features = features.of(table.case_id)
            shared = set(case_features.names) & set(table.names)
            if shared:
                raise refusal("models.doubled_column", column=min(shared))
            table = table.beside(case_features)
            beside = "covariates" if {*families} == {_ENCODING, "covariates"} else "features"
            title, preparation = f"{title} and {beside}", prepared.preparation
            read += (prepared.features,)
        return Reading(table.of, title, read, preparation, lambda: table, encoding=folder)

    @abstractmethod
    def estimator(self, seed: int, loss: Loss) -> Any:
        """Build the unfitted scikit-learn estimator for a loss that `titles` has."""

    def _estimator(self, seed: int, loss: Loss) -> Any:
        """Build the unfitted estimator for a loss; of several findings a classifier for each."""
        if loss == "multilabel":
            return BinaryRelevance(self.estimator(seed, "classification"))
        return self.estimator(seed, loss)

    @staticmethod
    def class_scores(estimator: Any, values: Floats) -> Floats:
        """Score normalised values; classes have the decision function, else probabilities.

        Args:
            estimator: Fitted.
            values: (n, n_features) normalised, without gaps.

        Returns:
            (n, n_classes) float64, (−d, d) of two classes' decision d; or (n, 1) of an outcome.
        """
        if hasattr(estimator, "decision_function"):
            decision = np.asarray(estimator.decision_function(values), dtype=np.float64)
            return np.stack([-decision, decision], axis=1) if decision.ndim == 1 else decision
        if hasattr(estimator, "predict_proba"):
            return np.asarray(estimator.predict_proba(values), dtype=np.float64)
        predicted = np.asarray(estimator.predict(values), dtype=np.float64)
        return predicted[:, None] if predicted.ndim == 1 else predicted

    def n_parameters(self, estimator: Any) -> int:
        """Count what the fitted estimator learned: nodes of trees, else numbers of `learned`."""
        return sum(
            int(member.tree_.node_count)
            if isinstance(member, BaseDecisionTree)
            else sum(int(np.size(getattr(member, name))) for name in self.learned)
            for member in list_members(estimator)
        )

    @staticmethod
    def weighted(estimator: Any) -> Flags | None:  # noqa: ARG004
        """Mark the (columns,) with any weight; None for a family that sets no weight to 0."""
        return None

    @staticmethod
    def target(training: Labelled[FeatureTable]) -> NDArray[Any]:
        """Choose what the estimator is fitted to: labels, times with events, numbers, findings.

        Returns:
            (n,) where it is one number a case, else (n, columns).
        """
        if training.predicted.classical_loss == "classification":
            return training.label
        if training.predicted.classical_loss == "ordered_logistic":
            return training.label.astype(np.float64)  # places of grades, from 0
        target = training.predicted.target(*training.truth)
        return target[:, 0] if target.shape[1] == 1 else target

    def fit(self, training: Labelled[FeatureTable], context: FitContext) -> "FittedClassical":
        """Fit all steps to the training cases: harmonise, impute, normalise, select, reduce, learn.

        Args:
            training: Features with labels, or with the values of an outcome.
            context: Its seed is that of every step which draws.

        Raises:
            ModelFailure: A class has no case, the estimator does not converge or refuses the
                values, or columns are to be chosen by classes where there are none.
            OptionError: Columns do not exist.
        """
        loss = training.predicted.classical_loss
        # Groups of a number, and grades, may lack training cases.
        if loss in ("classification", "cox"):
            require_every_class(training.label, training.n_classes, self.title_by(loss))
        # Filters of columns by class have nothing to go by; variance needs no classes.
        if loss != "classification":
            way = "variance" if self.selection is None else self.selection.method
            if way != "variance":
                raise refusal("models.selection_by_classes", self.title_by(loss), way=way)
        # Families that the model reads.
        names, title = training.inputs.names, self.title_by(loss)
        chosen = choose_columns(names, self.columns)
        # Features that change with small changes of the image are left out.
        used = chosen
        if self.lasting is not None:
            if not any(is_perturbed(name) for name in names):
                raise refusal("models.no_changed_copies")
            used = self.lasting.choose(training.inputs, training.patient_id, chosen)
            if not used:
                least = f"{self.lasting.least:g}"
                raise refusal("models.no_lasting_feature", self.title, least=least)
        # The steps before the estimator, and it, learn from the training cases alone.
        read = used if self.harmonisation is None else self.harmonisation.columns_read(names, used)
        cases = len(training)
        width = len(used) if self.selection is None else min(self.selection.keep, len(used))
        components = self.components and min(self.components, width, cases)
        harmonise = [] if self.harmonisation is None else [self.harmonisation.step(read, used)]
        select: Any = "passthrough"
        if self.selection is not None:
            select = ColumnSelector(self.selection.method, self.selection.keep, context.seed)
        pipeline = Pipeline(
            [
                *(("harmonisation", step) for step in harmonise),
                ("imputation", imputer()),
                ("normalisation", scaler(self.normalisation)),
                ("selection", select),
                (
                    "components",
                    PCA(components, random_state=context.seed) if components else "passthrough",
                ),
                ("estimator", self._estimator(context.seed, loss)),
            ]
        )
        target = self.target(training)
        with _named_failures(title):
            pipeline.fit(training.inputs.columns(read).values.astype(np.float64), target)
        multiplied = [int(np.size(getattr(pipeline[-1], name))) for name in self.multiplied]
        # Which features were left out, by stability or by choice.
        lasting = {} if used == chosen else dict.fromkeys(chosen, False) | dict.fromkeys(used, True)
        summary = FitSummary(
            parameters=self.n_parameters(pipeline[-1]),
            multiply_adds=sum(multiplied) if multiplied else None,
            images_seen=len(training),
            features=lasting | selected_features(pipeline, used, self.weighted(pipeline[-1])),
        )
        return FittedClassical(type(self), title, pipeline, read, summary)

    def load(self, folder: Path) -> "FittedClassical":
        """Load a fit of this model that `FittedClassical.save` wrote.

        Raises:
            DataError: A file is missing, damaged or of another model.
        """
        described = read_record(_Description, folder / _DESCRIPTION)
        losses = {type(self._estimator(0, loss)): loss for loss in self.titles}
        pipeline = read_pipeline(folder / _PIPELINE, *losses)
        title = self.title_by(losses[type(pipeline[-1])])
        summary = FitSummary(described.parameters, described.multiply_adds, described.images_seen)
        return FittedClassical(type(self), title, pipeline, described.features, summary)


@dataclass(**STRICT)
class ClassWeightedModel(ClassicalModel):
    """A model that can give the cases of rare classes more weight.

    Attributes:
        class_weight: `balanced` weighs each class by the inverse of its frequency.
    """

    class_weight: Literal["balanced"] | None

    def fit(self, training: Labelled[FeatureTable], context: FitContext) -> "FittedClassical":
        # Only losses of classes can be weighted by class.
        loss = training.predicted.classical_loss
        if self.class_weight is not None and loss not in ("classification", "multilabel"):
            raise refusal(
                "models.weighted_classes",
                self.title_by(loss),
                choice=self.class_weight,
            )
        return super().fit(training, context)


class FittedClassical(FittedToCases[FeatureTable]):
    """A fitted pipeline of one family and the feature columns that it reads, in order."""

    def __init__(
        self,
        family: type[ClassicalModel],
        title: str,
        pipeline: Pipeline,
        features: tuple[str, ...],
        summary: FitSummary,
    ) -> None:
        self.family, self.title, self.pipeline = family, title, pipeline
        self.features, self.summary = features, summary
        # ComBat stands first, and may refuse a case of a site that training did not see.
        first = pipeline[0]
        refuses = isinstance(first, SiteHarmoniser) and first.unseen == "refuse"
        self.requires = Requirements(columns=features, refuses_sites=refuses)

    def scores(self, inputs: FeatureTable) -> Floats:
        """Score cases by the same steps as in training.

        Args:
            inputs: (n, columns) features, found by name.

        Returns:
            (n, n_classes) float64, higher = more likely.
        """
        values = inputs.columns(self.features).values.astype(np.float64)
        with _named_failures(self.title):
            normalised = self.pipeline[:-1].transform(values)
            return self.family.class_scores(self.pipeline[-1], normalised)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        write_pipeline(self.pipeline, folder / _PIPELINE)
        summary = self.summary
        cost = (summary.parameters, summary.multiply_adds, summary.images_seen)
        write_record(_Description(self.features, *cost), folder / _DESCRIPTION)


@contextmanager
def _named_failures(title: str) -> Iterator[None]:
    """Give what the libraries raise on unfit data a name; errors of the program pass through."""
    # A fit that does not converge is no fit.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            yield
    except ConvergenceWarning as error:
        fault, remedy = "the fit does not converge", "raise `max_iter` or normalise otherwise"
        detail = str(error).splitlines()[0]
        raise ModelFailure(fault, where=title, remedy=remedy, detail=detail) from error
    except (ValueError, ArithmeticError, MemoryError, RuntimeError) as error:
        raise refusal(
            "models.fit_ended",
            title,
            error_name=type(error).__name__,
            error=str(error),
        ) from error


def choose_columns(names: Sequence[str], families: Sequence[str] | None) -> tuple[str, ...]:
    """List the names of some families, such as `glcm` or `wavelet_level_1`, in the names' order.

    Features of changed copies are never chosen.

    Args:
        names: Of the table's columns.
        families: None chooses all but traits of the file and the site, which are shortcuts, and the
            features of permuted voxels, which are a control; `features` chooses the same without
            the columns of an encoding.

    Raises:
        OptionError: A family has no feature, or there is no family.
    """
    # Features of changed copies only measure stability.
    names = tuple(name for name in names if not is_perturbed(name))

    # What tells the device, the site or chance is read only by name.
    without_shortcuts = tuple(name for name in names if not is_read_by_name(name))
    if families is None:
        return without_shortcuts

    def of(family: str) -> set[str]:
        return {name for name in names if is_in_family(name, family)}

    feature_columns = {*without_shortcuts} - of(_ENCODING)
    chosen = {family: feature_columns if family == _FEATURES else of(family) for family in families}
    # A family that the table lacks is named, beside those that it has.
    empty = [family for family, columns in chosen.items() if not columns]
    if empty or not families:
        fault = f"no feature of the family `{empty[0]}`" if empty else "no feature is chosen"
        # Families are the words, joined by `_`, that names of one first word begin with in common.
        groups: dict[str, list[str]] = {}
        for path in (name.replace("_", "/") for name in names):
            groups.setdefault(path.split("/")[0], []).append(path)
        families_of_table = [commonpath(group).replace("/", "_") for group in groups.values()]
        raise refusal("models.no_columns", found=fault, families=families_of_table)
    columns = set().union(*chosen.values())
    return tuple(name for name in names if name in columns)


def selected_features(
    pipeline: Pipeline, names: Sequence[str], weighted: Flags | None
) -> dict[str, bool]:
    """Tell of each feature whether it was kept; empty where nothing chooses.

    A feature counts as kept with the indicator of its missing values. Weights of principal
    components belong to no single feature and choose none.

    Args:
        pipeline: Fitted.
        names: Of the features that it reads.
        weighted: (columns,) with any weight; None where none is set to 0.
    """
    # From the columns of the pipeline back to the features.
    columns = column_sources(pipeline["imputation"], len(names))
    chooses = isinstance(pipeline["selection"], ColumnSelector)
    if chooses:
        columns = columns[pipeline["selection"].chosen_]
    if weighted is not None and not isinstance(pipeline["components"], PCA):
        chooses, columns = True, columns[weighted]
    selected = np.zeros(len(names), dtype=np.bool_)
    selected[columns] = True
    return dict(zip(names, selected.tolist(), strict=True)) if chooses else {}


def column_sources(imputation: Any, features: int) -> Whole:
    """Find the feature that each imputed column comes from; indicators stand at the end.

    Args:
        imputation: Fitted step.
        features: That it reads.

    Returns:
        (columns,) int64, places among the features.
    """
    columns = np.arange(features)
    if not isinstance(imputation, SimpleImputer):
        return columns
    return np.concatenate([columns, imputation.indicator_.features_.astype(np.int64)])
