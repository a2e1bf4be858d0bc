"""New films run through the very code of a finished run, whichever arm the model is of."""

import json

import numpy as np
import pytest
from PIL import Image

from skiagram.image_store.store import ImageStore
from skiagram.records.predictions import Predictions, probabilities_of
from skiagram.tasks.cases import Cases
from tests.deploy.trained import read_rows
from tests.pipeline.project import BASELINES, NETWORK


@pytest.mark.slow
@pytest.mark.parametrize("model", [BASELINES[0], NETWORK, "combined/stacking"])
def test_films_of_the_test_set_get_the_scores_of_the_run(model, finished, tmp_path):
    store = ImageStore(finished.folder / "data/images")
    names = Cases.read(finished.folder / "data/cases/cases.parquet").test().case_id.tolist()
    films = [f"{tmp_path}/{case}.png" for case in names]
    for case, film in zip(names, films, strict=True):
        Image.fromarray(store.image(case)).save(film)
    table = f"{tmp_path}/scores.csv"
    *arm, name = model.split("/")
    folder = finished.folder.joinpath(*arm)
    path = str(folder / "models" / name)
    done = finished.run("skiagram", "predict", path, *films, "-o", table, code=0)
    assert "leaked" not in done.stderr  # as parts of PyTorch print where nothing lets go of them
    rows = read_rows(table)
    expected = Predictions.read(folder / f"scores/{name}").part("test")
    assert expected["case_id"].tolist() == names
    task = json.loads((finished.folder / "data/cases/task.json").read_text())
    classes = task["predicted"]["names"]
    found = [[float(row[f"probability_{name}"]) for name in classes] for row in rows]
    np.testing.assert_allclose(found, probabilities_of(expected), rtol=0, atol=1e-12)
    positive = expected["probability_1"] >= expected["threshold"].to_numpy()
    assert [row["decision"] == "positive" for row in rows] == positive.tolist()
