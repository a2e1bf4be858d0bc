"""A made-up fifth outcome, a count, as its author would write it; its test names it."""

from typing import ClassVar, Literal

import numpy as np
from pydantic.dataclasses import dataclass

from skiagram.errors import DataError
from skiagram.strict import STRICT
from skiagram.tasks.columns import VALUE, ColumnOption
from skiagram.tasks.number import Number, NumberCalibration, group_numbers
from skiagram.tasks.outcome import ReadColumns


@dataclass(**STRICT)
class Count(Number):
    """How many there are of something: a score is a logarithm, a network learns Poisson's loss."""

    kind: Literal["count"] = "count"

    options: ClassVar[tuple[ColumnOption, ...]] = (
        ColumnOption("count", "column of a count, such as that of lesions"),
    )
    named_by: ClassVar[tuple[str, ...]] = ("count",)
    baselines: ClassVar[tuple[str, ...]] = ("logistic_regression",)
    frozen: ClassVar[tuple[str, ...]] = ()
    simple_baselines: ClassVar[dict[str, str]] = {"cases": "null_model"}

    @classmethod
    def read_columns(cls, table, options):
        column = options["count"]
        cells = [row.cells[column] for row in table.rows]
        for row, cell in zip(table.rows, cells, strict=True):
            if not cell.isdecimal():
                raise DataError(f"no count: `{cell}`", where=row.where, allowed="0, 1, 2 …")
        group, groups = group_numbers(np.array(cells, dtype=np.float64))
        outcome = cls(column=VALUE, groups=groups)
        label = [outcome.classes[number] for number in group.tolist()]
        return ReadColumns(outcome, label, cells, f"`{column}` is a count.")

    def of_cohort(self, cohort):
        return self

    def __post_init__(self):
        super().__post_init__()
        self.describe(self.classes, self.estimates, "count")

    def target(self, value, label):
        """Return (n, 1) logarithms of one more."""
        return np.log1p(value)[:, None]

    def loss(self, score, target, learned):
        """Return Poisson's negative log likelihood, but for a constant."""
        return (score.exp() - target[:, 0].expm1() * score).mean()

    def calibrate(self, scores, value, label, patient):
        at_score = NumberCalibration(0.0, 1.0, 0.0)
        slope = float(np.expm1(scores[:, 0]).mean() or 1.0)
        spread = max(float(value.mean()) / slope, 1e-6)
        error = np.abs(spread * at_score.probabilities(scores)[:, 0] - value)
        return NumberCalibration(0.0, spread, float(np.quantile(error, 0.9)))
