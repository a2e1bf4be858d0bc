"""Features that came with the data: empty cells, and columns that tell the label or a number."""

import numpy as np

from skiagram.audit.contract import Evidence, find, list_questions
from skiagram.audit.findings import Finding
from skiagram.datasets.telling_columns import find_telling_columns
from skiagram.errors import listed


def check_features(evidence: Evidence) -> list[Finding]:
    """Look at the features of a table among the development cases, if the data set is one."""
    # Without a table of features there is nothing to look at.
    table = evidence.measured
    if table is None or table.shape[1] < 2:
        return [
            find("empty_features", count=0, features=0, cells=0, columns=""),
            find("telling_features", count=0, columns=""),
        ]
    # Cells without a value, by column.
    cases = evidence.cases.development()
    whole = table.set_index("case_id").reindex(cases.case_id)  # where these are all, no copy
    names, values = [*map(str, whole.columns)], whole.to_numpy(dtype=np.float64)
    empty = np.isnan(values)
    gaps = {name: int(count) for name, count in zip(names, empty.sum(axis=0), strict=True) if count}
    most = sorted(gaps, key=lambda name: -gaps[name])
    # ids are given after a shuffle: what is in their order tells nothing, a numbering still shows
    besides = list_questions(evidence.task, cases).values()
    telling = find_telling_columns(names, values, cases.label, cases.value, besides=besides)
    named = listed(f"`{name}` {why}" for name, why in telling.items())
    return [
        find(
            "empty_features",
            cases.case_id[empty.any(axis=1)],
            len(gaps),
            features=len(names),
            cells=int(empty.sum()),
            columns=listed(f"{name} ({gaps[name]})" for name in most),
        ),
        find("telling_features", count=len(telling), columns=named),
    ]
