"""What every audit check sees and returns. A new kind of finding is one file here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from skiagram.near_duplicates.pairs import Pairs
from skiagram.near_duplicates.search import TransformedPairs
from skiagram.records import Cases, DataCard, Task

Severity = Literal["note", "warning", "stop"]
_EXAMPLES = 5


@dataclass(frozen=True)
class Traits:
    """What some development cases are besides what their images show.

    Attributes:
        rows: (m,) int64 rows of the case table.
        images: Trait of the image → (m, k) float64, NaN where missing.
        covariates: Column known of the case → (m, 1) float64, NaN where missing.
    """

    rows: NDArray[np.int64]
    images: Mapping[str, NDArray[np.float64]]
    covariates: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Evidence:
    """What an audit may look at: development labels and all images, never a sealed label.

    Attributes:
        cases: The case table, n rows.
        task: What is to be told apart.
        card: What the data set says of itself.
        pairs: Exact and near duplicates, as rows of the case table.
        constant: (n,) bool, True where an image shows nothing.
        transformed: Copies that were mirrored, turned, cropped and the like, as rows of the case
            table.
        traits: What a label must not be told from; None where it was not collected.
        regions: (n, 2) int64, voxels and separate parts of each region of interest; None where
            images have none.
    """

    cases: Cases
    task: Task
    card: DataCard
    pairs: Pairs
    constant: NDArray[np.bool_]
    transformed: TransformedPairs
    traits: Traits | None = None
    regions: NDArray[np.int64] | None = None

    def pairs_between(
        self, splits: tuple[str, ...], other_splits: tuple[str, ...]
    ) -> NDArray[np.bool_]:
        """Return (m,) bool: the pairs with one image in `splits`, the other in `other_splits`."""
        first, second = (self.cases.split[rows] for rows in (self.pairs.first, self.pairs.second))
        forward: NDArray[np.bool_] = np.isin(first, splits) & np.isin(second, other_splits)
        backward: NDArray[np.bool_] = np.isin(first, other_splits) & np.isin(second, splits)
        return forward | backward


@dataclass(frozen=True)
class Finding:
    """One thing that a reader of the figures must know.

    Attributes:
        name: Name in snake case, by which a data set's option file may waive it.
        severity: `stop` ends the run unless waived; `warning` and `note` are reported.
        count: How many cases, patients or classes it concerns.
        summary: What was found, in a sentence.
        remedy: What to do about it; empty where nothing needs to be done.
        examples: Up to five case ids.
        waived: Reason why it does not stop the run; empty where not waived.
    """

    name: str
    severity: Severity
    count: int
    summary: str
    remedy: str = ""
    examples: tuple[str, ...] = ()
    waived: str = ""

    @property
    def stops(self) -> bool:
        """Return whether the run must end."""
        return self.severity == "stop" and not self.waived


Check = Callable[[Evidence], list[Finding]]
"""Returns every finding it looked for, those it did not meet with a count of 0."""


def examples(case_id: NDArray[np.str_]) -> tuple[str, ...]:
    """Return the first five of some case ids."""
    return tuple(np.unique(case_id)[:_EXAMPLES].tolist())
