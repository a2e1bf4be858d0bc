"""Combinations: members put on one scale, a weight per member, a weighted mean.

Members' scores have scales of their own, so each is calibrated first (Platt), fit by fit, on the
labels that the combination is fitted to. Labels of held-out cases thus play no part in it.

Voting: every member counts the same (Kittler et al. 1998, IEEE Trans. PAMI 20(3)). Stacking: a
regression weighs the members by their out-of-fold scores (Wolpert 1992, Neural Networks 5(2));
weights ≥ 0 and a ridge as Breiman 1996, *Stacked Regressions*, Machine Learning 24, advises, here
with the logistic likelihood.

A combination is made from what the train stages left. What its members scored stands in for what a
model sees. Under `holdout` it is cross-fitted over the members' own folds: a case's out-of-fold
score comes from weights and calibrations that no label of its patient touched. Its members did see
other patients' labels, as in any stacking; the sealed cases are untouched by either. Under `cv` the
inner scores of each outer fold weigh the members, so that nothing of the held-out patients plays a
part.
"""

import shutil
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

import numpy as np
import scipy
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.arrays import Floats, Texts, Whole
from skiagram.calibration import Calibration, carry_over
from skiagram.errors import DataError, refusal
from skiagram.fitting.arm import ArmFolders, Trainable, train
from skiagram.fitting.contract import (
    Arm,
    FitContext,
    FitSummary,
    FittedToCases,
    Labelled,
    require_every_class,
)
from skiagram.fitting.cross_validation import CrossValidator, Plan, Repeat, repeat_name
from skiagram.fitting.deployment import complete_folder
from skiagram.options import build
from skiagram.records.files import write_record
from skiagram.records.predictions import Outcome, Part, Predictions, scores_of
from skiagram.strict import STRICT, AboveZero
from skiagram.tasks.cases import Cases
from skiagram.tasks.class_calibration import ScalingCalibration, fit_platt
from skiagram.tasks.task import Task

COMBINATION = "combination.json"
Mean = Literal["probability", "log_odds"]
_MIN_PROBABILITY = 1e-15  # so that its logarithm is finite
_NAMED = 3  # members that a title names
_LEAST = 2  # members of a combination


@dataclass(frozen=True)
class CombinationInputs:
    """What a combination reads of some cases: the scores of its members.

    Attributes:
        scores: (n, members, n_classes) float64, raw.
        fit: (n,) which of the members' fits scored the case; only cases of one fit share a scale.
    """

    scores: Floats
    fit: Whole

    def __len__(self) -> int:
        return len(self.fit)

    def select(self, rows: Whole) -> "CombinationInputs":
        """Take some cases, in the given order."""
        return CombinationInputs(self.scores[rows], self.fit[rows])


@options_class(**STRICT)
class Combination(ABC):
    """Members and how they are put together.

    Attributes:
        members: Configs of models of the same run; null for all that could be trained.
        without: Models that are no members where `members` is null, such as simple baselines.
    """

    kind: ClassVar[str]
    arm: ClassVar[Arm] = "combined"
    uses_validation: ClassVar[bool] = False

    members: Annotated[tuple[str, ...], Field(min_length=2)] | None
    without: tuple[str, ...] = Field(default=(), kw_only=True)

    @property
    def title(self) -> str:
        """Name it for people; the names of many members would fill a table's first column."""
        if self.members is None:
            return f"{self.kind} of all models"
        if len(self.members) > _NAMED:
            return f"{self.kind} of {len(self.members)} models"
        return f"{self.kind} of {', '.join(self.members)}"

    @abstractmethod
    def weights(self, log_probability: Floats, label: Whole) -> Floats:
        """Weigh the members by what they said of cases that they had not seen.

        Args:
            log_probability: (n, members, n_classes) calibrated, natural logarithms.
            label: (n,) classes.

        Returns:
            (members,) weights ≥ 0.
        """

    @property
    @abstractmethod
    def averaged(self) -> Mean:
        """Say what the weighted mean is taken of."""

    def fit(
        self, training: Labelled[CombinationInputs], context: FitContext
    ) -> "FittedCombination":
        """Calibrate the members within each of their fits, and weigh them.

        Args:
            training: Scores of the members out of fold.
            context: Without effect: nothing is drawn.

        Raises:
            ModelFailure: A class has no case.
        """
        # Scores of each member are calibrated within each of its fits.
        require_every_class(training.label, training.n_classes, self.title)
        scores, fit_numbers, label = training.inputs.scores, training.inputs.fit, training.label
        calibrated = np.empty_like(scores)
        of_fits = [np.flatnonzero(fit_numbers == fit) for fit in np.unique(fit_numbers)]
        means = []
        for member in range(scores.shape[1]):
            scalings = []
            for rows in of_fits:
                scaling = fit_platt(scores[rows, member], label[rows])
                calibrated[rows, member] = scaling.probabilities(scores[rows, member])
                scalings.append(scaling)
            # Of fits that share no scale, log-odds are drawn towards the classes' shares.
            whole: Calibration = scalings[0]
            if len(scalings) > 1:
                of_member = [scores[rows, member] for rows in of_fits]
                _, whole = carry_over(scalings, of_member, [label[rows] for rows in of_fits])
            means.append(cast(ScalingCalibration, whole))
        # Weights by log-probabilities, each member at its mean calibration.
        weights = self.weights(np.log(np.maximum(calibrated, _MIN_PROBABILITY)), label)
        return FittedCombination(
            tuple(means), tuple(weights.tolist()), self.averaged, images=len(training)
        )


@dataclass(frozen=True)
class FittedCombination(FittedToCases[CombinationInputs]):
    """Weights ≥ 0 and calibrations of the members, means over the fits of their training scores."""

    calibrations: tuple[ScalingCalibration, ...]
    weights: tuple[float, ...]
    averaged: Mean
    images: int

    @property
    def summary(self) -> FitSummary:
        """Say what the fit cost: a weight a member, and the numbers of its calibration."""
        learned = len(self.weights) + sum(
            1 + calibration.columns for calibration in self.calibrations
        )
        return FitSummary(parameters=learned, multiply_adds=None, images_seen=self.images)

    def scores(self, inputs: CombinationInputs) -> Floats:
        """Combine the members' scores of new cases.

        Args:
            inputs: Raw scores of the members, which this fit calibrates by means over their fits.

        Returns:
            (n, n_classes) float64: weighted log-probabilities, or the log of their mean.
        """
        # Calibrated probabilities of all members, averaged as they are or as log odds.
        calibrated = [
            calibration.probabilities(inputs.scores[:, member])
            for member, calibration in enumerate(self.calibrations)
        ]
        probability = np.maximum(np.stack(calibrated, axis=1), _MIN_PROBABILITY)
        logarithmic = self.averaged == "log_odds"
        values = np.log(probability) if logarithmic else probability
        mean: Floats = np.einsum("nmk,m->nk", values, np.array(self.weights))
        return mean if logarithmic else np.log(mean)

    def save(self, folder: Path) -> None:
        write_record(self, folder / COMBINATION)


@options_class(**STRICT)
class Voting(Combination):
    """The mean of the members, nothing weighed.

    Attributes:
        mean: `probability` (sum rule) or `log_odds` (product rule): there one sure member
            outvotes several unsure ones.
    """

    kind: ClassVar[str] = "Mean"

    mean: Mean

    @property
    def averaged(self) -> Mean:
        return self.mean

    def weights(self, log_probability: Floats, label: Whole) -> Floats:
        """Weigh all members alike; they sum to 1."""
        members = log_probability.shape[1]
        return np.full(members, 1 / members)


@options_class(**STRICT)
class Stacking(Combination):
    """Log-odds of the members, weighted by a logistic regression without negative weights.

    Attributes:
        C: Of the ridge ‖w‖² / (2C), > 0; smaller shrinks the weights more.
    """

    kind: ClassVar[str] = "Stacking"
    averaged: ClassVar[Mean] = "log_odds"

    C: AboveZero

    def weights(self, log_probability: Floats, label: Whole) -> Floats:
        """Maximise the penalised likelihood over weights and an intercept per class.

        The intercepts are left out of the scores: calibration gives them theirs.

        Args:
            log_probability: (n, members, n_classes) calibrated, natural logarithms.
            label: (n,) classes.

        Returns:
            (members,) weights ≥ 0, which need not sum to 1.
        """
        # Log-probabilities about their mean, since a constant over the classes says nothing.
        log_odds = log_probability - log_probability.mean(axis=2, keepdims=True)
        members, n_classes = log_odds.shape[1:]
        one_hot = np.eye(n_classes)[label]

        # Multinomial likelihood with a penalty on the weights alone.
        def loss(theta: Floats) -> tuple[float, Floats]:
            weights, intercepts = theta[:members], theta[members:]
            logits = np.einsum("nmk,m->nk", log_odds, weights) + intercepts
            residual = scipy.special.softmax(logits, axis=1) - one_hot
            ridge = weights / self.C
            slope = np.einsum("nmk,nk->m", log_odds, residual) + ridge
            likelihood = float((one_hot * scipy.special.log_softmax(logits, axis=1)).sum())
            gradient = np.concatenate([slope, residual.sum(axis=0)])
            return float(weights @ ridge) / 2 - likelihood, gradient

        # Starts at the plain mean; weights are no less than 0.
        start = np.concatenate([np.full(members, 1 / members), np.zeros(n_classes)])
        bounds = [(0.0, None)] * members + [(-20.0, 20.0)] * n_classes
        optimum = scipy.optimize.minimize(loss, start, jac=True, bounds=bounds, method="L-BFGS-B")
        weights: Floats = optimum.x[:members]
        return weights


MEMBERS = "members"


@dataclass(frozen=True)
class CombinedMember(Trainable[CombinationInputs]):
    """One combination with what its members left, in the order of `model.members`.

    Attributes:
        trained: Models of the run.
    """

    model: Combination
    predictions: tuple[Predictions, ...] = ()
    trained: tuple[str, ...] = ()

    def run(
        self, validator: CrossValidator[CombinationInputs], cases: Cases, task: Task
    ) -> list[Repeat]:
        """Combine the members' scores under the plan, by folds that are those of the members.

        A case is weighed by fits that saw neither it nor its patient: under `cv` the inner fits of
        each outer fold say what its training cases score.

        Raises:
            ModelFailure: A member failed, or there are fewer than two.
            DataError: The members were trained under another plan.
        """
        # Members that failed have no scores to combine.
        if len(self.predictions) < _LEAST:
            raise refusal("models.too_few_members", self.name)
        for member in self.predictions:
            if member.outcome.status == "failed":
                raise refusal(
                    "models.untrained_member",
                    self.name,
                    member=member.outcome.title,
                )
        # Scores of all development cases by fits that did not see them.
        repeats, development, every = range(validator.plan.repeats), cases.development(), []
        for repeat in repeats:
            inputs = self._inputs("out_of_fold", repeat, None, development.case_id)
            # The members' folds are their groups, whatever column named these.
            folds = np.char.zfill(inputs.fit.astype(str), len(str(len(development.case_id))))
            every.append(
                Labelled(
                    inputs,
                    development.case_id,
                    development.label,
                    development.patient_id,
                    task.predicted.unnamed,
                    folds if validator.plan.fold_column else None,
                )
            )
        # With a holdout the members' scores of test cases are combined at the end.
        if task.design == "holdout":
            test_id, unmarked = cases.test().case_id, np.zeros(len(every[0]), dtype=np.bool_)
            sealed = [self._inputs("test", repeat, None, test_id) for repeat in repeats]
            return validator.holdout(list(zip(every, sealed, strict=True)), unmarked, test_id)

        def inner_cases(
            repeat: int, k: int, rows: Whole
        ) -> tuple[Labelled[CombinationInputs], Whole]:
            """Return the training cases of an outer fold with the scores of its inner fits."""
            if (every[repeat].inputs.fit[rows] == k).any():
                raise _other_plan(self.predictions[0])
            # The inner fits of an outer fold scored its training cases.
            part = every[repeat].select(rows)
            inner = self._inputs("inner", repeat, k, part.case_id).scores
            fit = np.empty(len(part), dtype=np.int64)
            folds = validator.plan.make_folds(
                part.label, part.patient_id, validator.plan.inner_folds, *repeat_name(repeat, k)
            )
            for number, fold in enumerate(folds):
                fit[fold.held_out] = number
            return replace(part, inputs=CombinationInputs(inner, fit)), np.arange(len(part))

        return validator.cross_validate(every, inner_cases)

    def _inputs(
        self, part: Part, repeat: int, fold: int | None, case_id: Texts
    ) -> CombinationInputs:
        """Read what all members scored of the cases; other folds than theirs are refused.

        Args:
            part: Of their scores.
            repeat: Of the plan.
            fold: Outer fold; None for the scores of all of them.
            case_id: (n,) cases, of which each member must have scored every one once.
        """
        # Rows of each member, in the order of the cases.
        scores, fits = [], []
        for member in self.predictions:
            table = member.table
            chosen = (table["part"] == part) & (table["repeat"] == repeat)
            if fold is not None:
                chosen &= table["fold"] == fold
            rows = table[chosen].set_index("case_id")
            if sorted(rows.index) != sorted(case_id.tolist()):
                raise _other_plan(member)
            ordered = rows.loc[case_id.tolist()]
            # All members must have held out the same cases together.
            scores.append(scores_of(ordered))
            fits.append(ordered["fold"].to_numpy(dtype=np.int64))
            if (fits[-1] != fits[0]).any():
                raise _other_plan(member)
        return CombinationInputs(np.stack(scores, axis=1), fits[0])


def _other_plan(member: Predictions) -> DataError:
    """Refuse scores of a member whose folds are not those of the plan."""
    return refusal("models.other_plan", f"scores of {member.outcome.model}")


def check_combination(name: str, options: dict[str, Any], trained: Sequence[str]) -> CombinedMember:
    """Build the combination of a config; what its members left is read when it is made.

    Args:
        name: Of the config.
        options: `_target_` and options.
        trained: Models of the run.

    Raises:
        OptionError: A member is no model of the run, or is named twice, or the name is that of a
            model.
    """
    # Members must be trained before they can be combined.
    where = f"combinations.{name}"
    model: Combination = build(options, where)
    members = model.members or ()
    strangers = [member for member in members if member not in trained]
    if strangers or len(set(members)) < len(members):
        fault = f"no model `{strangers[0]}`" if strangers else "a model is named twice"
        allowed = ", ".join(trained)
        raise refusal(
            "models.no_such_members",
            f"{where}.members",
            found=fault,
            allowed=allowed,
        )
    # Both would write into one folder.
    if name in trained:
        raise refusal("models.name_taken", where)
    return CombinedMember(name, model, options, trained=tuple(trained))


def combine(
    root: Path, chosen: CombinedMember, cases: Cases, task: Task, plan: Plan, folders: ArmFolders
) -> Outcome:
    """Run the plan for a combination of models that were trained in `root`.

    Args:
        root: Folder of the run's models and scores.
        chosen: The combination.
        cases: Of the data set.
        task: What is predicted, classes.
        plan: That of the members.
        folders: Where the combination is written, with its members beside it.
    """
    # Without names: all that could be trained but readers' scores, as no new case has such.
    if chosen.model.members is None:
        candidates = (name for name in chosen.trained if name not in chosen.model.without)
        outcomes = {name: Predictions.read(root / "scores" / name).outcome for name in candidates}
        found = [
            name
            for name, outcome in outcomes.items()
            if outcome.status == "finished" and outcome.arm != "reader"
        ]
        if len(found) >= _LEAST:  # else it fails, and the report says why
            options = chosen.options | {"members": found}
            chosen = check_combination(chosen.name, options, chosen.trained)
    # The members' scores take the place of features.
    members = chosen.model.members or ()
    predictions = tuple(Predictions.read(root / "scores" / member) for member in members)
    learned = plan.limit(cases)
    cases = learned if task.design == "holdout" else cases
    predicted = train(replace(chosen, predictions=predictions), cases, task, plan, folders)
    # Members go into the folder, as the combination cannot score without them.
    if predicted.outcome.status == "finished":
        for member in members:
            shutil.copytree(root / "models" / member, folders.model / MEMBERS / member)
    prepared = root / "models" / (*members, *chosen.trained)[0]  # all models of a run alike
    complete_folder(folders.model, predicted, learned, prepared)
    return predicted.outcome
