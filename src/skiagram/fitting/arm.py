"""Trains one member of either arm under the plan and writes what its stage leaves behind.

A model that fails leaves a named failed outcome instead of stopping the pipeline.
"""

import shutil
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic

import pandas as pd
from pydantic.dataclasses import dataclass as options_class

from skiagram.arrays import Flags, Texts
from skiagram.compute.progress import Progress
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.errors import ModelFailure, refusal
from skiagram.fitting.contract import FitSummary, Labelled, Model
from skiagram.fitting.cross_validation import CrossValidator, Plan, Repeat
from skiagram.fitting.deployment import DEPLOYMENT, Deployment
from skiagram.fitting.fits import FitPieces, in_order
from skiagram.fitting.reading import I
from skiagram.records.files import write_record, write_table
from skiagram.records.places import PLACES
from skiagram.records.predictions import Outcome, Predictions
from skiagram.splits import read_groups
from skiagram.strict import STRICT
from skiagram.tasks.cases import Cases
from skiagram.tasks.task import Task


@options_class(**STRICT)
class TrainOptions:
    """Choices of a train stage.

    Attributes:
        model: `_target_` and options of the model.
        plan: Folds, repeats and seed.
        compute: How much of the machine it may use.
    """

    model: dict[str, Any]
    plan: Plan
    compute: Compute


@dataclass(frozen=True)
class Trainable(ABC, Generic[I]):
    """A model that brings its inputs with it, whatever they are."""

    name: str
    model: Model[I]
    options: dict[str, Any]
    titled: str | None = field(default=None, kw_only=True)

    @property
    def title(self) -> str:
        """Name it for people, and what it reads where that was said (`titled`)."""
        return self.titled or self.model.title

    @abstractmethod
    def run(self, validator: CrossValidator[I], cases: Cases, task: Task) -> list[Repeat]:
        """Make the folds and all fits, and score what each repeat scores.

        Args:
            validator: Makes folds and fits by the plan.
            cases: Of the data set; labels of test cases are none of them.
            task: What is predicted.

        Returns:
            The decision of the final fit and all scores, a `Repeat` for each of the plan.

        Raises:
            ModelFailure: A fit failed.
        """


@dataclass(frozen=True)
class Member(Trainable[I]):
    """One model with its inputs, in the case table's order; folds hold `group` out whole."""

    development: I
    test: I
    group: Texts | None = None

    def known(self, cases: Cases, task: Task) -> Labelled[I]:
        """Take the development set as the model may see it, without names of classes.

        Args:
            cases: Of the data set.
            task: What is predicted.
        """
        development_cases = cases.development()
        ids = development_cases.case_id, development_cases.label, development_cases.patient_id
        return Labelled(
            self.development, *ids, task.predicted.unnamed, self.group, development_cases.value
        )

    def run(self, validator: CrossValidator[I], cases: Cases, task: Task) -> list[Repeat]:
        # A model is fitted to the kinds of outcomes that it names.
        tasks: tuple[str, ...] = getattr(self.model, "tasks", ("class",))
        if task.predicted.kind not in tasks:
            kind = task.predicted.kind
            kinds = f"{' or '.join(tasks)}, and what is predicted is of the kind {kind}"
            raise refusal("fitting.fitted_to_other_kinds", self.model.title, kinds=kinds, task=kind)
        # Cases whose outcome is known learn, in the way of the design.
        labelled = self.known(cases, task)
        repeats = validator.plan.repeats
        if task.design == "cv":
            return validator.cross_validate([labelled] * repeats)
        marked: Flags = cases.development().split == "validation"
        return validator.holdout([(labelled, self.test)] * repeats, marked, cases.test().case_id)


def require_classes(task: Task, where: str, what: str, remedy: str) -> None:
    """Refuse what is made of the scores of classes alone.

    Args:
        task: What is predicted.
        where: Analysis or choice that asks for it.
        what: Its name for people.
        remedy: What to do instead.

    Raises:
        OptionError: The outcome is no class.
    """
    if not task.defines(where):
        raise refusal(
            "fitting.for_classes_alone",
            where,
            task=task.predicted.kind,
            what=what,
            remedy=remedy,
        )


def read_fold_groups(plan: Plan, covariates: Path, cases: Cases, task: Task) -> Texts | None:
    """Read what each development case is held out with, or None where folds are drawn.

    Args:
        plan: Names the column, such as `site`.
        covariates: File of the covariates.
        cases: Of the data set.
        task: What is predicted; a holdout has no outer folds.

    Returns:
        (development cases,) values of the column.

    Raises:
        OptionError: The design is a holdout, or the column is not there.
    """
    if not plan.fold_column:
        return None
    if task.design != "cv":
        raise refusal(
            "fitting.fold_column_of_holdout",
            fold_column=plan.fold_column,
            design=task.design,
        )
    return read_groups(covariates, plan.fold_column, cases.development().case_id)


@dataclass(frozen=True)
class ArmFolders:
    """Where a train stage writes.

    Attributes:
        model: `deployment.json` and the fitted models, one folder per repeat; empty if it failed.
        scores: What `Predictions` writes, and `curves.parquet`.
        fits: Where fits under way are kept, not an output; None to keep none.
    """

    model: Path
    scores: Path
    fits: FitPieces | None = None

    @classmethod
    def under(cls, root: Path, name: str) -> "ArmFolders":
        """Name the folders of one model, by its config's name, under a root."""
        return cls(root / "models" / name, root / "scores" / name)


def train(
    member: Trainable[I],
    cases: Cases,
    task: Task,
    plan: Plan,
    folders: ArmFolders,
    compute: Compute = IN_PROCESS,
) -> Predictions:
    """Run the plan for one model; write models, scores and curves, and return the scores.

    No byte depends on where fits are made but for the threads; the outcome of a model that could
    not be trained has the status `failed`.

    Args:
        member: The model with its inputs.
        cases: Of the data set.
        task: What is predicted.
        plan: Folds, repeats and seed.
        folders: Where models and scores are written, and fits under way are kept.
        compute: How much of the machine it may use.
    """
    # What the fits report, and why they failed if they did.
    folders.model.mkdir(parents=True, exist_ok=True)
    summaries: list[tuple[str, FitSummary]] = []
    repeats: list[Repeat] = []
    reason = ""
    group = member.group if isinstance(member, Member) else None
    with Progress(member.name, plan.count_fits(task.design, group)) as progress:

        def finished(name: str, summary: FitSummary) -> None:
            summaries.append((name, summary))
            progress.advance()
            if len(summary.curves):
                progress.tell(f"{name} is done")

        # The validator makes the folds and all fits of the plan.
        validator = CrossValidator(
            member.model,
            plan,
            task.predicted.positive,
            pieces=folders.fits,
            models=folders.model.resolve(),
            compute=compute,
            under_way=progress.describe,
            finished=finished,
        )
        try:
            repeats = member.run(validator, cases, task)
        except ModelFailure as error:
            reason = error.recorded
            # A record leaves out which cases were at fault; the terminal alone says it.
            sys.stderr.write(f"Warning: {member.name} could not be trained: {error}\n")
    # In the order of the plan, whatever came first.
    summaries.sort(key=lambda named: in_order(named[0]))
    # A model that failed leaves no half of itself.
    if reason:
        shutil.rmtree(folders.model)  # the models of its earlier repeats answer no plan
        folders.model.mkdir()
    # The outcome, and what deployment needs beside the weights.
    plan_cases = plan.limit(cases) if task.design == "cv" else cases
    development_count = len(plan_cases.development().case_id)
    outcome = _outcome(member, [summary for _, summary in summaries], development_count, reason)
    if not reason:
        deployment = Deployment(
            model=outcome.model,
            arm=outcome.arm,
            title=outcome.title,
            options=outcome.options,
            task=task,
            sensitivity=None if task.predicted.positive is None else plan.sensitivity,
            decisions=tuple(repeat.decision for repeat in repeats),
        )
        write_record(deployment, folders.model / DEPLOYMENT)
    return _write_scores(folders.scores, outcome, repeats, summaries, task)


def _outcome(
    member: Trainable[I], summaries: list[FitSummary], development_count: int, reason: str
) -> Outcome:
    """Sum up what the fits cost; parameters are those of the last fit, on all cases."""
    # The last fit is the one on all cases.
    last = summaries[-1] if summaries else FitSummary(0, None, 0)
    return Outcome(
        model=member.name,
        arm=member.model.arm,
        title=member.title,
        status="failed" if reason else "finished",
        reason=reason,
        parameters=last.parameters,
        multiply_adds=last.multiply_adds,
        images_seen=sum(summary.images_seen for summary in summaries),
        fits=len(summaries),
        options=member.options,
        set_aside=last.set_aside / development_count,
    )


def _write_scores(
    folder: Path,
    outcome: Outcome,
    repeats: list[Repeat],
    summaries: list[tuple[str, FitSummary]],
    task: Task,
) -> Predictions:
    """Write scores, chosen features, marks and curves of all fits; return all but the curves.

    Columns have the same types where a model failed and left no row: all files of a run can be read
    as one.
    """
    # Columns of scores, as many as the task has.
    place = {"part": "str", "repeat": "int64", "fold": "int64"}
    types = {**place, "inner_fold": "int64", "case_id": "str", "threshold": "float64"}
    counts = {"score": task.predicted.scores, "probability": len(task.predicted.estimates)}
    for kind, count in counts.items():
        types |= {f"{kind}_{k}": "float64" for k in range(count)}
    scores = _stacked([table for repeat in repeats for table in repeat.scores], types)
    # Which features each fit kept, of models that choose some.
    chosen = [
        pd.DataFrame(
            {"fit": name, "feature": [*summary.features], "chosen": [*summary.features.values()]}
        )
        for name, summary in summaries
        if summary.features
    ]
    selection = _stacked(chosen, {"fit": "str", "feature": "str", "chosen": "bool"})
    # Marks of finders alone.
    mark_types = {**place, **PLACES, "score": "float64"}
    marks = [table[list(mark_types)] for repeat in repeats for table in repeat.marks]
    predictions = Predictions(
        outcome, scores, selection, _stacked(marks, mark_types) if marks else None
    )
    predictions.write(folder)
    # Curves of networks, one table for all fits.
    curves = [summary.curves.assign(fit=name) for name, summary in summaries if len(summary.curves)]
    write_table(_stacked(curves, {"fit": "str", "epoch": "int64"}), folder / "curves.parquet")
    return predictions


def _stacked(tables: list[pd.DataFrame], types: dict[str, str]) -> pd.DataFrame:
    """Stack tables; without any, the columns still have their types, so files keep one schema."""
    stacked = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(types))
    return stacked.astype(types)
