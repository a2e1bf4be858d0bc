"""Feature family `earlier`: how the features of a case differ from those at the visit before."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd
from pydantic.dataclasses import dataclass

from skiagram.errors import OptionError, refusal
from skiagram.records.feature_table import FeatureTable, has_prefix, is_in_family, is_perturbed
from skiagram.strict import STRICT
from skiagram.tasks.cases import Cases

PREFIX = "earlier_"
NONE = f"{PREFIX}none"
_ACQUISITION = "acquisition"  # its changes are those of a device
Previous = Mapping[str, Sequence[str]]


@dataclass(**STRICT)
class Earlier:
    """Change of chosen features since the same patient's previous visit, for models that know it.

    A column `earlier_<feature>` per feature: the case's value minus that of the previous visit's
    image, of the mean of its images where there are several; 0 where there is none. The column
    `earlier_none` is then 1, else 0. Later visits and other patients play no part, and nothing is
    learned from any case, so that folds by patient keep all of it apart.

    Attributes:
        columns: Families of features, such as `glcm`, or whole names; null takes all features of
            images but traits of the file.
    """

    columns: tuple[str, ...] | None

    def names(self, features: Sequence[str]) -> tuple[str, ...]:
        # a point would make it a feature of an image
        return (NONE, *(PREFIX + name.replace(".", "_") for name in self._choose(features)))

    def encode(
        self, table: FeatureTable, previous: Previous, earlier: FeatureTable | None = None
    ) -> FeatureTable:
        """Return the columns of some cases.

        Args:
            previous: Case → cases of the visit before, as `previous_cases` gives them; those that
                `earlier` lacks count as none.
            earlier: Features of the cases of visits before; None where `table` holds them too.
        """
        chosen = self._choose(table.names)
        earlier_table = table if earlier is None else earlier
        place = {name: row for row, name in enumerate(earlier_table.case_id.tolist())}
        current, before = (
            each.columns(chosen).values.astype(np.float64)  # noqa: PD011 - a table of features
            for each in (table, earlier_table)
        )
        values = np.zeros((len(table), 1 + len(chosen)))
        for row, name in enumerate(table.case_id.tolist()):
            rows = [place[case] for case in previous.get(name, ()) if case in place]
            values[row, 0] = not rows
            if rows:
                values[row, 1:] = current[row] - before[rows].mean(axis=0)
        return FeatureTable(table.case_id, self.names(table.names), values.astype(np.float32))

    def _choose(self, features: Sequence[str]) -> list[str]:
        images = [
            name
            for name in features
            if not is_perturbed(name) and not has_prefix(name.rpartition(".")[2], _ACQUISITION)
        ]
        families = self.columns
        empty = [
            family
            for family in families or ()
            if not any(is_in_family(name, family) for name in images)
        ]
        if empty or not images or families == ():
            key = "case_features.no_family" if empty else "case_features.no_image_feature"
            raise refusal(key, kind=OptionError, empty=empty)
        if families is None:
            return images
        return [name for name in images if any(is_in_family(name, kind) for kind in families)]


def previous_cases(visits: pd.DataFrame, cases: Cases) -> dict[str, tuple[str, ...]]:
    """Return case → the cases of the same patient and region at the visit before, in their order.

    A case of a first visit is not in it.

    Args:
        visits: Column `case_id`, and `visit` and `region` where the data set has visits; a case
            without a row belongs to no other.
    """
    if "visit" not in visits:
        return {}
    patient = dict(zip(cases.case_id.tolist(), cases.patient_id.tolist(), strict=True))
    places: dict[Hashable, dict[int, list[str]]] = {}
    for case, visit, region in visits[["case_id", "visit", "region"]].itertuples(index=False):
        places.setdefault((patient[case], region), {}).setdefault(visit, []).append(case)
    return {
        case: tuple(by_visit[before])
        for by_visit in places.values()
        for before, visit in pairwise(sorted(by_visit))
        for case in by_visit[visit]
    }
