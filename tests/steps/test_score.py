"""What fitted models read of cases that ingest stored."""

from types import SimpleNamespace

import pandas as pd

from skiagram.deploy.inputs import list_unknown, list_unseen
from skiagram.deploy.new_cases import MemoryTree, NewCase
from skiagram.preparation import Covariate
from skiagram.records.files import write_table
from skiagram.steps.score import list_lacking, read_stored_covariates


def test_stored_numbers_name_the_sites_that_training_knows(tmp_path):
    """Site 1 was read as `1.0`, which no model knows, so that nothing was harmonised."""
    stored = pd.DataFrame(
        {"case_id": ["a", "b", "c"], "site": [1.0, 2.0, float("nan")], "age": [61.5, 70.0, 48.0]}
    )
    write_table(stored, tmp_path / "covariates.parquet")
    read = (Covariate("site", ("1", "2"), "site_"), Covariate("age", None))
    cells = read_stored_covariates(tmp_path, read)
    assert cells["a"] == {"site": "1", "age": "61.5"}
    assert cells["b"] == {"site": "2", "age": "70"}
    assert list_unseen(read, cells["a"]) == list_unseen(read, cells["c"]) == []
    assert list_unknown(read, cells["c"]) == ["`site` is unknown"]


def test_what_cases_lack_is_counted_for_the_models_that_read_it():
    """A cohort without ages, or with other words for the sexes, was scored without a word."""

    def scorer(*covariates, earlier=False):
        requires = SimpleNamespace(reads_other=False)
        return SimpleNamespace(covariates=covariates, reads_earlier=earlier, requires=requires)

    age, sex = Covariate("age", None), Covariate("sex", ("female", "male"))
    cells = {"a": {"age": "", "sex": "f"}, "b": {"age": "61", "sex": "f"}}
    cells["c"] = {"age": "", "sex": "male"}
    cases = [NewCase(name, MemoryTree({}), {}, row) for name, row in cells.items()]
    models = [("Table", scorer(age, sex)), ("Visits", scorer(age, earlier=True))]
    models += [("Ages", scorer(age)), ("Images", scorer()), ("Another", scorer(age))]
    assert list_lacking(models, cases) == (
        "Table, Ages, Another: 2 of 3 cases lack what the model reads besides the image: `age` is "
        "unknown (2).",
        "Table: 2 of 3 cases have a covariate text that too few cases for training had, which "
        "counts as none of the known categories: sex (2).",
        "Visits: 3 of 3 cases lack what the model reads besides the image: `age` is unknown (2), "
        "no earlier image (3).",
    )
