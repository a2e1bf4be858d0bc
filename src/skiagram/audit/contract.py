"""What every audit check sees and returns. A new kind of finding is one file here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from skiagram.arrays import Floats, Texts, Whole
from skiagram.audit.findings import PAIR, Finding, Severity
from skiagram.declared import fill, read_declared
from skiagram.near_duplicates.pairs import Pairs
from skiagram.tasks.cases import Cases, DataCard
from skiagram.tasks.task import Task

_MAX_EXAMPLES = 5


def list_questions(task: Task, cases: Cases) -> dict[str, Whole]:
    """Return (words, (n,) 0 or 1) of what no trait shall tell besides the label of some cases."""
    if cases.value is None:
        return {}
    return task.predicted.asked_of_traits(cases.value, cases.label)


@dataclass(frozen=True)
class ProbedTraits:
    """What some development cases are besides what their images show.

    Attributes:
        rows: (m,) int64 rows of the case table.
        images: Trait of the image → (m, k) float64, NaN where missing.
        covariates: Column known of the case → (m, 1) float64, NaN where missing.
    """

    rows: Whole
    images: Mapping[str, Floats]
    covariates: Mapping[str, Floats]


@dataclass(frozen=True)
class Appearance:
    """What the images of n cases show, those of one kind or of several kinds together.

    Attributes:
        levels: (n,) int64, different intensities of an image up to 9; 1 where it shows nothing, 9
            where there is no image.
        regions: (n, 3) int64, voxels, separate parts and voxels outside of each region of interest;
            None where images have none.
    """

    pairs: Pairs
    levels: Whole
    regions: Whole | None


@dataclass(frozen=True)
class Evidence:
    """What an audit may look at: development labels and all images, never a sealed label.

    Attributes:
        traits: What a label must not be told from; None where it was not collected.
        measured: Column `case_id`, and a column a feature that came with the data; None where there
            are none, as of images that were not ingested yet.
    """

    cases: Cases
    task: Task
    card: DataCard
    images: Appearance
    traits: ProbedTraits | None = None
    measured: pd.DataFrame | None = None


Check = Callable[[Evidence], list[Finding]]
"""Returns every finding it looked for, those it did not meet with a count of 0."""


class ShortcutTrait(NamedTuple):
    """A trait of images that tells nothing of what they show."""

    description: str
    caveat: str
    remedy: str
    severity: Severity = "warning"


WORDS = read_declared("skiagram.audit", "findings.yaml")
SHORTCUT_TRAITS = {name: ShortcutTrait(**words) for name, words in WORDS["traits"].items()}
NOBODY = np.empty(0, dtype=np.str_)


def find(
    name: str,
    case_id: Texts = NOBODY,
    count: int | None = None,
    severity: Severity | None = None,
    second_case_id: Texts | None = None,
    **words: object,
) -> Finding:
    """Return a finding as `findings.yaml` words it.

    Args:
        case_id: The cases concerned, or the first of each pair; a few become examples.
        count: Where it is not that of `case_id`.
        second_case_id: The second of each pair.
        **words: What stands in braces besides `count`.
    """
    kind, met = WORDS["findings"][name], len(case_id) if count is None else count
    summary = fill(kind["summary"], count=met, **words)
    if second_case_id is not None:
        case_id = np.array(
            [PAIR.join(two) for two in zip(case_id, second_case_id, strict=True)], dtype=str
        )
    graveness, remedy = severity or kind["severity"], kind.get("remedy", "")
    return Finding(name, graveness, met, summary, remedy, examples(case_id))


def examples(case_id: Texts) -> tuple[str, ...]:
    """List the first five of some case ids."""
    return tuple(np.unique(case_id)[:_MAX_EXAMPLES].tolist())
