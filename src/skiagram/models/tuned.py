"""A model that searches its options anew in each of its fits, by folds of its own training cases.

Whatever judges the model judges the search with it: in a fold of the plan the search sees no case
that the fold holds out, so no further nesting is needed, and every tuned model of every arm may
have the same budget. The first trial has the model's own values, further ones are drawn at random
by scikit-learn (Bergstra and Bengio 2012); they depend on the seed of the fit alone.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.errors import DataError, ModelFailure, SkiagramError, refusal
from skiagram.fitting.contract import FitContext, Fitted, Labelled
from skiagram.fitting.fits import finite, named_failures
from skiagram.fitting.reading import Reading
from skiagram.models.learner import learner_of
from skiagram.options import build, set_option
from skiagram.preparation import PreparedData
from skiagram.records.feature_table import is_in_family
from skiagram.records.files import read_record, write_record
from skiagram.seeding import derived_seed
from skiagram.splits import Partition, grouped_folds
from skiagram.statistics.discrimination import auc_of_classes
from skiagram.strict import STRICT, OneOrMore, TwoOrMore
from skiagram.tasks.task import Task
from skiagram.training.options import Trainer

TUNING = "tuning.json"  # in the folder of a fitted tuned model


Values = Annotated[tuple[Any, ...], Field(min_length=2)]  # of any kind


@options_class(**STRICT)
class Budget:
    """What each fit may spend: `trials` × `folds` + 1 fits of the model.

    Attributes:
        trials: Sets of values that are drawn, the model's own first; equal ones are tried once.
        folds: Patient-grouped folds of the fit's training cases, by whose mean AUC trials are
            compared.
    """

    trials: OneOrMore
    folds: TwoOrMore


@dataclass(frozen=True)
class Trial:
    """One set of values.

    Attributes:
        options: Option that is searched → its value.
        fold_auc: AUC on the held-out cases of each fold, as far as it came.
        images_seen: By its fits together.
        reason: Why it failed; empty where it finished.
    """

    options: dict[str, Any]
    fold_auc: tuple[float, ...]
    images_seen: int
    reason: str = ""


@dataclass(frozen=True)
class Tuning:
    """What a search tried, and which trial it chose."""

    trials: tuple[Trial, ...]
    best: int

    @property
    def chosen(self) -> dict[str, Any]:
        """The best trial's values."""
        return self.trials[self.best].options


@options_class(**STRICT)
class Tuned:
    """Another model whose options are searched in each fit.

    Early stopping of a network's trials uses the validation cases of the fit; a fit for a given
    number of epochs trains its trials for as many.

    Attributes:
        model: `_target_` and options of the model; their values are the first trial.
        space: Option, with dots down to nested ones → the values to choose from.
        budget: Trials and folds.
    """

    model: dict[str, Any]
    space: Annotated[dict[str, Values], Field(min_length=1)]
    budget: Budget

    def __post_init__(self) -> None:
        """Refuse a space that does not fit the model, before anything is fitted."""
        # What names of options begin with that decide what is read.
        is_network = "training" in self.model  # its columns are covariates
        read = ("_target_", "encoding", "training.input", *(["columns"] if is_network else []))
        for name, values in self.space.items():
            where, value = f"model.space.{name}", _value(self.model, name)
            chooses_features = False
            if name == "columns" and self.model.get("encoding") is not None:
                # Families of features that an encoding is read beside.
                from skiagram.encoders.encoder import COLUMN

                families = [str(family) for each in values for family in each or ()]
                chooses_features = not all(is_in_family(family, COLUMN) for family in families)
            if chooses_features or name.startswith(read):
                raise refusal("models.changed_inputs", where)
            # The first trial has the model's own values, so they must lie within.
            if value not in values:
                raise refusal("models.value_outside", where, value=value)
            # Each must build a model.
            for each in values:
                self.having({name: each})

    def having(self, values: Mapping[str, Any]) -> Any:
        """Build the model with other values of some options.

        Args:
            values: Option, with dots down to nested ones → value.

        Raises:
            OptionError: There is no such option, or the model refuses the value.
        """
        return build(apply_values(self.model, values), "model.model")

    @property
    def _own(self) -> Any:
        """Build the model with its own values, for what does not depend on any that is searched."""
        return self.having({})

    @property
    def arm(self) -> Any:
        return self._own.arm

    @property
    def title(self) -> str:
        return f"{self._own.title}, tuned"

    @property
    def uses_validation(self) -> bool:
        return bool(self._own.uses_validation)

    @property
    def finds_in(self) -> Any:
        return self._own.finds_in

    def learner(self, trainer: Trainer, threads: int) -> "Tuned":
        """Give a tuned network where it is trained; any other model is as it is.

        Args:
            trainer: Where; processes that share a fit would search apart from one another.
            threads: Of each fit.

        Raises:
            OptionError: Several processes are to share a fit.
        """
        if hasattr(self._own, "read"):
            return self
        if (trainer.devices, trainer.num_nodes) != (1, 1):
            raise refusal("models.several_processes")
        return TunedNetwork(**vars(self), trainer=trainer, threads=threads)

    def read(self, prepared: PreparedData, task: Task) -> Reading[Any]:
        """Open what the model reads; no option that is searched changes it."""
        reading: Reading[Any] = self._own.read(prepared, task)
        return replace(reading, title=f"{reading.title}, tuned")

    def load(self, folder: Path) -> Fitted[Any]:
        """Load what the chosen model's fit wrote."""
        chosen = self.having(read_record(Tuning, folder / TUNING).chosen)
        fitted: Fitted[Any] = chosen.load(folder)
        return fitted

    def fit(self, training: Labelled[Any], context: FitContext) -> "FittedTuned":
        """Search by folds of the training cases, then fit the best trial's values on all of them.

        Raises:
            ModelFailure: All trials failed, or no folds can be made of the cases.
        """
        from sklearn.model_selection import ParameterGrid, ParameterSampler

        # Folds of whole patients, the same for all trials.
        try:
            folds = grouped_folds(
                training.label,
                training.patient_id,
                self.budget.folds,
                context.seed,
                "tuned",
                "folds",
            )
        except DataError as error:  # other models need no such folds and can be trained
            raise ModelFailure(error.found, where=self.title, remedy=error.remedy) from error
        # Sets of values, no two alike; the model's own first, so that no search ends below them on
        # its folds. There may be fewer sets than trials.
        own = {name: _value(self.model, name) for name in self.space}
        count = min(self.budget.trials - 1, len(ParameterGrid(self.space)))
        seed = derived_seed(context.seed, "tuned", "trials")
        drawn = ParameterSampler(self.space, count, random_state=seed)
        settings = [own, *(values for values in drawn if values != own)]
        # Every trial on the same folds.
        trials = [
            self._try(f"trial{k}", each, folds, training, context)
            for k, each in enumerate(settings)
        ]
        # The best trial, of equal ones the first, is fitted on all cases.
        finished = [number for number, trial in enumerate(trials) if not trial.reason]
        if not finished:
            raise refusal(
                "models.failed_trials",
                self.title,
                number=len(trials),
                reason=trials[0].reason,
            )
        best = max(finished, key=lambda number: float(np.mean(trials[number].fold_auc)))
        tuning = Tuning(tuple(trials), best)
        return FittedTuned(self.having(tuning.chosen).fit(training, context), tuning)

    def _try(
        self,
        name: str,
        values: dict[str, Any],
        folds: Sequence[Partition],
        training: Labelled[Any],
        context: FitContext,
    ) -> Trial:
        """Fit every fold with some values, up to the first failure.

        Args:
            name: Of the trial, in what failures say.
            values: Of the options that are searched.
            folds: Of the training cases, the same for all trials.
            training: Cases of the fit that is searched for.
            context: Of that fit; seeds of the folds follow from it, alike in all trials.
        """
        # A trial ends at its first failure.
        areas: list[float] = []
        images_seen, reason = 0, ""
        try:
            model = self.having(values)
            for k, fold in enumerate(folds):
                # The same seed in every trial: they differ by their values alone.
                seed = derived_seed(context.seed, "tuned", "fit", k)
                fold_context = replace(context, seed=seed, folder=None)
                with named_failures(f"{name}-fold{k}"):
                    fitted = model.fit(training.select(fold.training), fold_context)
                    images_seen += fitted.summary.images_seen
                    scores = finite(
                        fitted.scores(training.inputs.select(fold.held_out)),
                        (len(fold.held_out), training.predicted.scores),
                    )
                label = training.label[fold.held_out]
                areas.append(auc_of_classes(scores, label, context.positive))
        except SkiagramError as error:
            reason = error.recorded
        return Trial(values, tuple(areas), images_seen, reason)


@options_class(**STRICT)
class TunedNetwork(Tuned):
    """A tuned network with what it needs to learn: made of `Tuned` alone, no config has it."""

    epochs_ahead: ClassVar[None] = None  # the search decides what trains

    trainer: Trainer
    threads: int

    def having(self, values: Mapping[str, Any]) -> Any:
        """Return the network, with where it is trained, with other values of some options."""
        return learner_of(super().having(values), self.trainer, self.threads)

    @property
    def gpus(self) -> Any:
        return self._own.gpus

    @property
    def one_by_one(self) -> bool:
        return bool(self._own.one_by_one)

    @property
    def final_epochs(self) -> Literal["chosen"] | None:
        """Return `chosen` where fits need not stop early: the folds' searches choose schedules."""
        return None if self._own.final_epochs is None else "chosen"


class FittedTuned:
    """The best trial's model, fitted on all training cases, and what else was tried.

    Attributes:
        fitted: That model, which scores and marks new cases.
        tuning: All trials.
        summary: What the fit cost, its trials included.
    """

    def __init__(self, fitted: Fitted[Any], tuning: Tuning) -> None:
        self.fitted, self.tuning = fitted, tuning
        # The images of all trials were seen, too; other costs are those of the model that is kept.
        tried = sum(trial.images_seen for trial in tuning.trials)
        self.summary = replace(fitted.summary, images_seen=fitted.summary.images_seen + tried)
        # For a new case it is the chosen model, and nothing else.
        self.requires = fitted.requires
        self.scores, self.scores_and_marks = fitted.scores, fitted.scores_and_marks

    def save(self, folder: Path) -> None:
        self.fitted.save(folder)
        write_record(self.tuning, folder / TUNING)


def apply_values(options: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Put values in the place of some options' own; the given mapping stays as it is.

    Args:
        options: `_target_` and options of a model.
        values: Option, with dots down to nested ones → value.

    Raises:
        OptionError: There is no such option.
    """
    changed = deepcopy(dict(options))
    for name, value in values.items():
        _value(changed, name)
        set_option(changed, name, value, f"model.space.{name}")
    return changed


def _value(options: Mapping[str, Any], name: str) -> Any:
    """Find the value of an option, with dots down to nested ones; others are refused."""
    # Names with dots lead into inner options.
    value: Any = options
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            allowed = (
                ", ".join(sorted(map(str, value))) if isinstance(value, Mapping) else "nothing"
            )
            raise refusal("models.no_tuned_option", f"model.space.{name}", allowed=allowed)
        value = value[part]
    return value
