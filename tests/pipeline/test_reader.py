"""A reader's column of the user's own table stands beside the models, from ingest to the report."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from skiagram.deploy.model import load_model
from skiagram.errors import DataError
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.records.files import read_record, read_table
from tests.datasets.own_folders import png, row, write_folder
from tests.pipeline.project import list_stages

pytestmark = pytest.mark.slow

TEST_SITE = "Leeds"


def read_folder(place):
    """Return a folder with two sites, both classes at each, and a good reader."""
    files = {f"film-{at}.png": png(at) for at in range(96)}
    rows = [row(at, name) for at, name in enumerate(files)]
    noise = np.random.default_rng(2).normal(size=len(rows))
    for at, one in enumerate(rows):
        one["site"] = TEST_SITE if at // 4 % 3 == 0 else "York"
        one["reader_1"] = 3 * (one["label"] == "cancer") + noise[at]
    return write_folder(place, files, rows)


def test_a_reader_stands_in_every_table_and_is_nobodys_input(project, tmp_path):
    own = read_folder(tmp_path / "own")
    (project.folder / "source").mkdir(exist_ok=True)
    words = ["--positive", "cancer", "--test-sites", TEST_SITE, "--scores", "reader_1"]
    words += ["--covariates", "age"]
    done = project.skiagram("init", str(own.folder), str(own.csv), *words)
    assert done.returncode == 0, done.stderr
    models = ["logistic_regression", "reader"]
    project.edit("conf/model/reader.yaml", column="reader_1", title="Dr Gray")
    project.edit(
        "params.yaml",
        dataset="films",
        features="first_order,covariates",
        baselines=models,
        networks=[],
        compare=[models],
    )
    project.stages(*list_stages("films", "first_order,covariates", models), ("record",))
    features = read_table(project.folder / "data/features.parquet")
    assert "covariates_age" in features
    assert not features.columns.str.contains("reader").any()
    csv = pd.read_csv(own.csv).query(f"site == '{TEST_SITE}'")
    expected = roc_auc_score(csv["label"] == "cancer", csv["reader_1"])
    evaluation = read_record(Evaluation, project.folder / "reports/evaluation.json")
    first, *_, reader = evaluation.models
    assert reader.find("roc_auc").value == pytest.approx(expected, abs=1e-12)
    assert expected > (first.find("roc_auc").value or 1)
    assert evaluation.best == {"classical": "logistic_regression"}
    difference = evaluation.figures.find(analysis="requested", figure="roc_auc")
    assert difference.low is not None
    assert difference.high < 0
    report = (project.folder / "reports/report.html").read_text()
    assert "Readers and devices" in report
    assert "blue: classical features, grey: readers and devices." in report
    assert "Dr Gray" in report
    with pytest.raises(
        DataError, match="`Dr Gray` is a column of the data set and cannot score new images"
    ):
        load_model(project.folder / "models/reader")
