"""A reader's or a device's own scores as a member of the comparison; nothing is learned.

The harness treats it as any other model, so its probability and its threshold come from labels of
other cases. It never sees an image and no other model sees its scores.
"""

from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.arrays import Floats, Texts, Whole
from skiagram.errors import listed, refusal
from skiagram.fitting.contract import (
    Arm,
    FitContext,
    FitSummary,
    FittedToCases,
    Labelled,
    split_score,
)
from skiagram.fitting.reading import Reading
from skiagram.preparation import PreparedData
from skiagram.records.files import read_table
from skiagram.records.predictions import READER_SCORES
from skiagram.strict import STRICT
from skiagram.tasks.task import Task


@plain_dataclass(frozen=True)
class ReaderInputs:
    """What a reader's model reads of some cases: scores that came with the data.

    Attributes:
        score: (n,) float64, in any unit; higher = more likely `positive`.
    """

    score: Floats
    positive: int

    def __len__(self) -> int:
        return len(self.score)

    def select(self, rows: Whole) -> "ReaderInputs":
        return ReaderInputs(self.score[rows], self.positive)


@dataclass(**STRICT)
class Reader:
    """One column of scores that came with the data, for tasks of two classes.

    Attributes:
        column: Which of the data set's scores.
        title: Name for people.
    """

    arm: ClassVar[Arm] = "reader"
    uses_validation: ClassVar[bool] = False
    finds_in: ClassVar[None] = None

    column: str
    title: str

    def read(self, prepared: PreparedData, task: Task) -> Reading[ReaderInputs]:
        """Open a column of scores that came with the data.

        Raises:
            OptionError: There is no such column, or the task has other than two classes.
        """
        path = prepared.cases / READER_SCORES
        # The scores of all cases, from ingest's table of a column per reader.
        if task.predicted.positive is None:
            raise refusal(
                "models.score_of_classes",
                number=len(task.predicted.classes),
                title=self.title,
            )
        table = read_table(path).set_index("case_id")
        if self.column not in table.columns:
            allowed = listed(table.columns) or "none: the data set has no scores"
            raise refusal("models.no_score", column=self.column, allowed=allowed)
        # The scores of the cases that are asked for.
        scores = table[self.column]

        def of(case_id: Texts) -> ReaderInputs:
            values = scores.loc[case_id.tolist()].to_numpy(dtype=np.float64)
            return ReaderInputs(values, int(task.predicted.positive or 0))

        return Reading(of, self.title, (path,), prepared.preparation, lambda: None)

    def fit(self, training: Labelled[ReaderInputs], context: FitContext) -> "FittedReader":
        return FittedReader()

    def load(self, folder: Path) -> "FittedReader":
        """Refuse: no file scores new cases as a reader does."""
        raise refusal("models.column_as_model", str(folder), title=self.title)


@plain_dataclass(frozen=True)
class FittedReader(FittedToCases[ReaderInputs]):
    """What the harness asks for scores."""

    summary: ClassVar[FitSummary] = FitSummary(parameters=0, multiply_adds=None, images_seen=0)

    def scores(self, inputs: ReaderInputs) -> Floats:
        """Split the reader's score into those of both classes.

        Returns:
            (n, 2) float64; positive minus other is the reader's score, exactly.
        """
        return split_score(inputs.score, inputs.positive)

    def save(self, folder: Path) -> None:
        """Write nothing: there is nothing to score a new case with."""
