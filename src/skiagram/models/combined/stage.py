"""Makes combinations from what the train stages left, each with a folder that scores new images.

What its members scored stands in for what a model sees. Under `holdout` it is cross-fitted over the
members' own folds: a case's out-of-fold score comes from weights and calibrations that no label of
its patient touched. Its members did see other patients' labels, as in any stacking (Wolpert 1992);
the sealed cases are untouched by either. Under `cv` the inner scores of each outer fold weigh the
members, so that nothing of the held-out patients plays a part.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.errors import DataError, ModelFailure, OptionError
from skiagram.models.arm import ArmFolders, train
from skiagram.models.combined.combination import Combination, MemberScores
from skiagram.models.combined.folders import MEMBERS
from skiagram.models.contract import Labelled
from skiagram.models.deployment import write_checksums, write_fingerprint
from skiagram.models.resampling import (
    Developed,
    Part,
    Plan,
    Resampling,
    Scored,
    Steps,
    Unread,
    together,
    unread,
    whole_fit,
    within_outer_fold,
    within_repeat,
)
from skiagram.options import build
from skiagram.preparation import propagate_preparation
from skiagram.records import Cases, Outcome, Predictions, Task, read_record, write_record

Rows = tuple[Developed, list[Scored]]
_INDEX = "index.json"


@dataclass(frozen=True)
class Scorecard:
    """What a train stage left of one member."""

    outcome: Outcome
    predictions: Predictions

    @classmethod
    def read(cls, folder: Path) -> "Scorecard":
        """Read the scores folder of a model.

        Raises:
            DataError: A file is missing or damaged.
        """
        outcome = read_record(Outcome, folder / "outcome.json")
        return cls(outcome, Predictions.read(folder / "predictions.parquet"))


@dataclass(frozen=True)
class CombinedMember:
    """One combination with the scores of its members.

    Attributes:
        name: Name of its option file.
        model: The unfitted combination.
        options: The composed options, for the record.
        cards: What its members left, in the order of `model.members`.
    """

    name: str
    model: Combination
    options: dict[str, Any]
    cards: tuple[Scorecard, ...]

    def run(
        self, resampling: Resampling[MemberScores], cases: Cases, task: Task
    ) -> Steps[list[Rows]]:
        """Ask for all fits; comes to the final fit and all scores of each repeat.

        Raises:
            ModelFailure: A member could not be trained.
            DataError: The members were trained under another plan.
        """
        for card in self.cards:
            if card.outcome.status == "failed":
                raise ModelFailure(f"{card.outcome.title} could not be trained", where=self.name)
        run = _CombinedRun(self.cards, resampling, cases, len(task.classes))
        one = run.nested if task.design == "cv" else run.holdout
        return (yield from together([one(r) for r in range(resampling.plan.repeats)]))


@dataclass(frozen=True)
class _CombinedRun:
    cards: tuple[Scorecard, ...]
    resampling: Resampling[MemberScores]
    cases: Cases
    n_classes: int

    def holdout(self, repeat: int) -> Steps[Rows]:
        test, development = self.cases.test(), unread(self._development(repeat))
        unmarked = np.zeros(len(development), dtype=np.bool_)
        sealed = Unread.of(self._inputs("test", repeat, None, test.case_id))
        return (
            yield from within_repeat(
                self.resampling, repeat, development, unmarked, sealed, test.case_id
            )
        )

    def nested(self, repeat: int) -> Steps[Rows]:
        name = f"repeat{repeat}"
        every = self._development(repeat)
        folds: list[Developed] = []
        rows: list[Scored] = []
        for k, fold in enumerate(self.resampling.outer_folds(every, name)):
            if (every.inputs.fit[fold.held_out] != k).any():
                raise _other_plan(self.cards[0])
            known = unread(self._inner(every.select(fold.training), repeat, k))
            rest = unread(every.select(fold.held_out))
            developed, scored = yield from within_outer_fold(
                self.resampling, repeat, k, known, rest
            )
            folds.append(developed)
            rows += scored
        return (yield from whole_fit(self.resampling, repeat, unread(every), folds)), rows

    def _inner(self, known: Labelled[MemberScores], repeat: int, k: int) -> Labelled[MemberScores]:
        """Return the training cases of an outer fold with the scores of its inner fits."""
        inner, name = self.resampling.plan.inner_folds, (f"repeat{repeat}", f"outer{k}")
        fit = np.empty(len(known), dtype=np.int64)
        for fold, partition in enumerate(self.resampling.folds(known, inner, *name)):
            fit[partition.held_out] = fold
        scores = self._inputs("inner", repeat, k, known.case_id).scores
        return replace(known, inputs=MemberScores(scores, fit))

    def _development(self, repeat: int) -> Labelled[MemberScores]:
        cases = self.cases.development()
        inputs = self._inputs("out_of_fold", repeat, None, cases.case_id)
        # The members' folds are their groups, whatever column named these.
        named = np.char.zfill(inputs.fit.astype(str), len(str(len(cases))))
        group = named if self.resampling.plan.fold_column else None
        return Labelled(inputs, cases.case_id, cases.label, cases.patient_id, self.n_classes, group)

    def _inputs(
        self, part: Part, repeat: int, fold: int | None, case_id: NDArray[np.str_]
    ) -> MemberScores:
        tables = [_rows(card, part, repeat, fold, case_id) for card in self.cards]
        fits = [table["fold"].to_numpy(dtype=np.int64) for table in tables]
        for card, fit in zip(self.cards, fits, strict=True):
            if (fit != fits[0]).any():
                raise _other_plan(card)
        scores = np.stack([Predictions(table).scores() for table in tables], axis=1)
        return MemberScores(scores, fits[0])


def _rows(
    card: Scorecard, part: Part, repeat: int, fold: int | None, case_id: NDArray[np.str_]
) -> pd.DataFrame:
    table = card.predictions.table
    chosen = (table["part"] == part) & (table["repeat"] == repeat)
    if fold is not None:
        chosen &= table["fold"] == fold
    rows = table[chosen].set_index("case_id")
    if sorted(rows.index) != sorted(case_id.tolist()):
        raise _other_plan(card)
    ordered: pd.DataFrame = rows.loc[case_id.tolist()]
    return ordered


def _other_plan(card: Scorecard) -> DataError:
    return DataError(
        "its scores were made with another plan than this combination",
        where=f"scores of {card.outcome.model}",
        remedy="train all members with the same repeats, folds and seed: `dvc repro`",
    )


@dataclass(frozen=True)
class CheckedCombination:
    """A checked combination.

    Attributes:
        name: Name of its option file.
        model: The unfitted combination.
        options: The composed options.
    """

    name: str
    model: Combination
    options: dict[str, Any]


@dataclass(frozen=True)
class _Index:
    combinations: tuple[str, ...]


def check_combination(
    name: str, options: dict[str, Any], trained: Sequence[str]
) -> CheckedCombination:
    """Build the combination of an option file.

    Args:
        name: Name of the option file.
        options: Its values.
        trained: Models of the run.

    Raises:
        OptionError: An option is wrong, a member is not in the run, or a model has the same name.
    """
    where = f"combinations.{name}"
    model: Combination = build(options, where)
    strangers = [member for member in model.members if member not in trained]
    if strangers or len(set(model.members)) < len(model.members):
        raise OptionError(
            f"no model `{strangers[0]}`" if strangers else "a model is named twice",
            where=f"{where}.members",
            allowed=f"models of the run: {', '.join(trained)}",
            remedy="add it to `baselines` or `networks` in params.yaml, or name another",
        )
    if name in trained:
        raise OptionError("a model has the same name", where=where, remedy="rename the option file")
    return CheckedCombination(name, model, options)


def combine_all(
    root: Path,
    chosen: Sequence[CheckedCombination],
    cases: Cases,
    task: Task,
    plan: Plan,
    target: Path,
) -> list[Outcome]:
    """Run the plan for every combination and write an index, for there may be none.

    Args:
        root: Project folder with `models` and `scores`.
        chosen: What `checked` returned.
        cases: The case table.
        task: What is told apart.
        plan: The plan that the members were trained under.
        target: Where `models` and `scores` go.

    Raises:
        DataError: Scores of a member are missing, damaged or of another plan.
    """
    index = _Index(tuple(combination.name for combination in chosen))
    for part in ("models", "scores"):
        write_record(index, target / part / _INDEX)
    return [_combine(root, combination, cases, task, plan, target) for combination in chosen]


def _combine(
    root: Path, chosen: CheckedCombination, cases: Cases, task: Task, plan: Plan, target: Path
) -> Outcome:
    members = chosen.model.members
    cards = tuple(Scorecard.read(root / "scores" / member) for member in members)
    folders = ArmFolders.under(target, chosen.name)
    combined = CombinedMember(chosen.name, chosen.model, chosen.options, cards)
    outcome = train(combined, cases, task, plan, folders)
    if outcome.status == "finished":
        for member in members:
            shutil.copytree(root / "models" / member, folders.model / MEMBERS / member)
    propagate_preparation(root / "models" / members[0], folders.model)
    write_fingerprint(folders.model, folders.scores, cases)
    write_checksums(folders.model)
    return outcome
