"""A table of covariates as ingest writes it."""

from collections.abc import Iterable, Sequence

import pandas as pd


def of_cases(case_ids: Iterable[str], **columns: Sequence[object]) -> pd.DataFrame:
    """Return a row a case, without covariates unless columns are given."""
    return pd.DataFrame({"case_id": list(case_ids), **columns})
