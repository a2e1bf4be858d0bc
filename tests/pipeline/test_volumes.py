"""Volumes through every stage, from the source to the report."""

import numpy as np
import pytest
from PIL import Image

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.records.files import read_record
from tests.pipeline.project import list_stages, write_source

pytestmark = pytest.mark.slow

MODELS = ["logistic_regression", "cnn_3d", "recurrent", "small_cnn"]


def volume_arrays():
    """Return noise with, in positive volumes, a bright ball at a random place."""
    rng = np.random.default_rng(5)
    shape = (10, 14, 12)
    axes = np.meshgrid(*map(np.arange, shape), indexing="ij")
    arrays = {}
    for split, n in (("train", 48), ("val", 16), ("test", 30)):
        label = np.arange(n) % 2
        volumes = rng.normal(110, 20, (n, *shape))
        for volume in volumes[1::2]:
            centre = rng.integers(3, np.array(shape) - 3)
            apart = sum((axis - at) ** 2 for axis, at in zip(axes, centre, strict=True))
            volume[apart <= 8] += 60
        arrays[f"{split}_images"] = np.clip(volumes, 0, 255).astype(np.uint8)
        arrays[f"{split}_labels"] = label[:, None].astype(np.uint8)
    return arrays


def test_volumes_reach_the_report_and_are_refused_by_name_where_undefined(project):
    write_source(project, volume_arrays(), unstated_spacing=(1.0, 1.0, 1.0))
    baseline, *networks = MODELS
    project.edit("params.yaml", baselines=[baseline], networks=networks, restoration="repair")
    project.edit("conf/model/cnn_3d.yaml", training__epochs=12)
    project.edit("conf/model/recurrent.yaml", training__epochs=2)
    families = "first_order,intensity_histogram,glcm,gldzm,acquisition"
    project.stages(*list_stages("tiny", families, [baseline], networks))
    found = read_record(Evaluation, project.folder / "reports/evaluation.json")
    results = {model.outcome.model: model for model in found.models}
    assert (results[baseline].find("roc_auc").value or 0) > 0.8
    assert (results["cnn_3d"].find("roc_auc").value or 0) > 0.8
    assert results["recurrent"].outcome.status == "finished"
    refused = results["small_cnn"].outcome
    assert refused.status == "failed"
    assert "volumes of 10 × 14 × 12 voxels" in refused.reason
    report = (project.folder / "reports/report.html").read_text()
    assert "slice 6 of 10" in report

    planes = project.stage("extract", "features=[first_order,gabor]", code=4)
    assert "`gabor` is not defined for volumes" in planes.stderr
    film = project.folder / "film.png"
    Image.fromarray(np.zeros((14, 12), np.uint8)).save(film)
    predict = ("predict", "models/cnn_3d", str(film), "-o", "table.csv")
    predicted = project.skiagram(*predict)
    assert predicted.returncode != 0
    assert "volumes, as in training" in predicted.stdout + predicted.stderr
