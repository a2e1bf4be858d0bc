"""A combination under the plan: what its members scored stands in for what a model sees.

Under `holdout` it is cross-fitted over the members' own folds: a case's out-of-fold score comes
from weights and calibrations that no label of its patient touched. Its members did see other
patients' labels, as in any stacking (Wolpert 1992); the sealed cases are untouched by either. Under
`cv` the inner scores of each outer fold weigh the members, so that nothing of the held-out patients
plays a part.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skiagram.errors import DataError, ModelFailure
from skiagram.models.combined.combination import Combination
from skiagram.models.combined.member_scores import MemberScores
from skiagram.models.contract import Labelled
from skiagram.models.designs import whole_fit, within_outer_fold, within_repeat
from skiagram.models.resampling import Developed, Part, Resampling, Scored
from skiagram.predictions import Predictions
from skiagram.records import Cases, Outcome, Task, read_record

Rows = tuple[Developed[MemberScores], list[Scored]]


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

    def run(self, resampling: Resampling[MemberScores], cases: Cases, task: Task) -> Iterator[Rows]:
        """Yield the final fit and all scores, repeat after repeat.

        Raises:
            ModelFailure: A member could not be trained.
            DataError: The members were trained under another plan.
        """
        for card in self.cards:
            if card.outcome.status == "failed":
                raise ModelFailure(f"{card.outcome.title} could not be trained", where=self.name)
        run = _CombinedRun(self.cards, resampling, cases, len(task.classes))
        for repeat in range(resampling.plan.repeats):
            yield run.nested(repeat) if task.design == "cv" else run.holdout(repeat)


@dataclass(frozen=True)
class _CombinedRun:
    cards: tuple[Scorecard, ...]
    resampling: Resampling[MemberScores]
    cases: Cases
    n_classes: int

    def holdout(self, repeat: int) -> Rows:
        test, development = self.cases.test(), self._development(repeat)
        unmarked = np.zeros(len(development), dtype=np.bool_)
        sealed = self._inputs("test", repeat, None, test.case_id)
        return within_repeat(self.resampling, repeat, development, unmarked, sealed, test.case_id)

    def nested(self, repeat: int) -> Rows:
        plan, name = self.resampling.plan, f"repeat{repeat}"
        every = self._development(repeat)
        folds: list[Developed[MemberScores]] = []
        rows: list[Scored] = []
        for k, fold in enumerate(self.resampling.folds(every, plan.folds, name)):
            if (every.inputs.fit[fold.held_out] != k).any():
                raise _other_plan(self.cards[0])
            known = self._inner(every.select(fold.training), repeat, k)
            rest = every.select(fold.held_out)
            developed, scored = within_outer_fold(self.resampling, repeat, k, known, rest)
            folds.append(developed)
            rows += scored
        return whole_fit(self.resampling, repeat, every, folds), rows

    def _inner(self, known: Labelled[MemberScores], repeat: int, k: int) -> Labelled[MemberScores]:
        """Return the training cases of an outer fold with the scores of its inner fits."""
        inner, name = self.resampling.plan.inner_folds, (f"repeat{repeat}", f"outer{k}")
        fit = np.empty(len(known), dtype=np.int64)
        for at, part in enumerate(self.resampling.folds(known, inner, *name)):
            fit[part.held_out] = at
        scores = self._inputs("inner", repeat, k, known.case_id).scores
        return replace(known, inputs=MemberScores(scores, fit))

    def _development(self, repeat: int) -> Labelled[MemberScores]:
        cases = self.cases.development()
        inputs = self._inputs("out_of_fold", repeat, None, cases.case_id)
        return Labelled(inputs, cases.case_id, cases.label, cases.patient_id, self.n_classes)

    def _inputs(
        self, part: Part, repeat: int, fold: int | None, case_id: NDArray[np.str_]
    ) -> MemberScores:
        tables = [_rows(card, part, repeat, fold, case_id) for card in self.cards]
        fits = [table["fold"].to_numpy(dtype=np.int64) for table in tables]
        for card, one in zip(self.cards, fits, strict=True):
            if (one != fits[0]).any():
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
        "its scores belong to another plan than this combination",
        where=f"scores of {card.outcome.model}",
        remedy="train all members under the same repeats, folds and seed: `dvc repro`",
    )
