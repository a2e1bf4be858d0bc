"""A simulation: designs, what is found of each, and the CSV file of docs/results/coverage it fills.

Of many rows some lie above a promise by chance alone. Such rows are simulated again, with ten times
as many other data sets, which tell the truth better.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from skiagram.statistics.estimate import Estimate
from skiagram.statistics.linearised import Linearised

AGAIN = 10  # times as many data sets
TIMES = "times as many data sets"
Row = dict[str, Any]  # column → cell


@dataclass(frozen=True)
class Simulation:
    """What is asked of designs; one is a row.

    Attributes:
        name: Of the CSV file.
        simulate: Returns the row of a design by a number of data sets. Where `again` is given it
            also takes the name of another draw.
        part: Of the data sets that are asked for.
        again: Whether a design is simulated again because of its row.
    """

    name: str
    designs: Sequence[Any]
    simulate: Callable[..., Row]
    part: float = 1.0
    again: Callable[[Any, Row], bool] | None = None

    def tabulate(self, simulations: int) -> str:
        """Simulate every design and return the CSV."""
        number = max(1, int(self.part * simulations))
        rows, times = [], []
        for design in self.designs:
            row, more = self.simulate(design, number), 1
            if self.again is not None and self.again(design, row):
                row, more = self.simulate(design, AGAIN * number, "again"), AGAIN
            rows.append({column: _write(column, cell) for column, cell in row.items()})
            times.append(more)
        table = pd.DataFrame(rows)
        if max(times) > 1:
            table[TIMES] = times
        return table.to_csv(index=False, lineterminator="\n")


def _write(column: str, cell: Any) -> str:
    """Return a cell as text; numbers of a column of per cent are shares."""
    is_share = column.endswith(" %") and not isinstance(cell, str)
    return f"{100 * cell:.1f}" if is_share else str(cell)


def exceeds(limit: float, *columns: str) -> Callable[[Any, Row], bool]:
    """Return what tells whether a share of a row is above what is promised."""
    return lambda _, row: max(row[column] for column in columns) > limit


def name_shares(names: Iterable[str], shares: Iterable[float]) -> Row:
    """Return the cells of shares."""
    return {f"{name} %": share for name, share in zip(names, shares, strict=True)}


def describe_patients(patients: int, images: int | None) -> str:
    """Return how a row names its patients; without a number of images, few patients have most."""
    each = {1: "", None: ", few have most images"}
    return f"{patients}{each.get(images, f', {images} images each')}"


def number_patients(
    patients: int, images: int | None, every: int = 20, most: int = 25
) -> NDArray[np.int64]:
    """Return (n,) the patient of each image.

    Args:
        images: Of each patient; None: one, and of every so-many-th patient the most.
    """
    of_each = np.full(patients, images or 1)
    if images is None:
        of_each[::every] = most
    return np.repeat(np.arange(patients), of_each)


@dataclass(frozen=True)
class Patients:
    """Patients with so many images each; None: one, and of every 20th patient 25."""

    patients: int
    images: int | None

    @property
    def described(self) -> str:
        return describe_patients(self.patients, self.images)

    @property
    def patient(self) -> NDArray[np.int64]:
        """Return (n,) the patient of each image."""
        return number_patients(self.patients, self.images)


def draw_noise(
    patient: NDArray[np.int64], shared: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return (n,) standard normal noise, of whose variance a patient's images share a part."""
    of_patient = generator.normal(size=int(patient[-1]) + 1)[patient]
    own = generator.normal(size=len(patient))
    mixed: NDArray[np.float64] = np.sqrt(shared) * of_patient + np.sqrt(1 - shared) * own
    return mixed


def separation(auc: float) -> float:
    """Return how far the classes lie apart at an AUC, in standard deviations of either."""
    return float(np.sqrt(2) * norm.ppf(auc))


def is_apart(difference: Linearised) -> bool:
    """Return whether two models are told apart at 5 %."""
    p = difference.p()
    return p is not None and p < 0.05


PAIR = ("held", "difference", "told apart")


def judge_pair(figures: Sequence[Linearised], true: Sequence[float]) -> NDArray[np.float64]:
    """Return `PAIR`: the mean share of both figures held, the difference held, and told apart."""
    held = [holds(figure.estimate(), value) for figure, value in zip(figures, true, strict=True)]
    gap = figures[0] - figures[1]
    return np.array([np.mean(held), holds(gap.estimate(), true[0] - true[1]), is_apart(gap)])


def holds(estimate: Estimate, true: float) -> bool:
    """Return whether an interval contains the true figure; one that is not defined does not."""
    low, high = estimate.low, estimate.high
    return low is not None and high is not None and low <= true <= high
