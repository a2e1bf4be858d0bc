"""A table of images or of features while it is settled, and as it will be read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic

import pandas as pd

from skiagram.datasets.folder.mask_names import MaskNames
from skiagram.datasets.listed import S
from skiagram.intake.file_options import FileOptions
from skiagram.tasks.kinds import AnyOutcome


@dataclass(frozen=True)
class SettledTable:
    """Rows, and the options that name the columns that they have, as far as both are settled.

    Attributes:
        notes: What was settled, a sentence each.
        outcome: What is predicted; None where classes are told apart.
        own: Columns of the first of several tables, of which features are.
        predicted: Columns that the label or outcome was made of.
        left_out: Why cases were left out → how many.
        masks: What names of files tell of masks among the images.
    """

    frame: pd.DataFrame
    options: FileOptions
    notes: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    outcome: AnyOutcome | None = None
    predicted: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    masks: MaskNames = field(default_factory=MaskNames)

    def with_rows(self, frame: pd.DataFrame, *notes: str) -> "SettledTable":
        """Return it with other rows, and sentences on them, each once; an empty one is none."""
        return replace(self, frame=frame, notes=(*dict.fromkeys(filter(None, self.notes + notes)),))

    def with_options(self, **options: Any) -> "SettledTable":
        """Return it with other options."""
        return replace(self, options=replace(self.options, **options))


@dataclass(frozen=True, kw_only=True)
class DescribedTable(SettledTable, Generic[S]):
    """A table of images or of features as it will be read; its copy in the project is not there.

    Its features are numbers, all other cells texts.
    """

    source: S

    @property
    def unused(self) -> list[str]:
        """The columns that stay behind."""
        used = {*self.source.columns.used(), *self.predicted}
        return [name for name in self.frame.columns if name not in used]
