"""What fitted models read of cases that ingest stored."""

from pathlib import Path

import pandas as pd

from skiagram.preparation import Covariate
from skiagram.records.files import write_table
from skiagram.steps.score import read_stored_covariates


def test_stored_numbers_name_the_sites_that_training_knows(tmp_path: Path) -> None:
    """Site 1 was read as `1.0`, which no model knows, so that nothing was harmonised."""
    stored = pd.DataFrame(
        {"case_id": ["a", "b", "c"], "site": [1.0, 2.0, float("nan")], "age": [61.5, 70.0, 48.0]}
    )
    write_table(stored, tmp_path / "covariates.parquet")
    read = (Covariate("site", ("1", "2"), "site_"), Covariate("age", None))
    covariates = read_stored_covariates(tmp_path, read)
    assert covariates.row("a", refuses_sites=True) == {"site": "1", "age": "61.5"}
    assert covariates.row("b", refuses_sites=True) == {"site": "2", "age": "70"}
    assert covariates.unseen("a") == covariates.unseen("c") == []
    assert covariates.missing("c") == ["`site` is unknown"]
