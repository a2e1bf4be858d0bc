"""A fifth outcome is its file and its name in `kinds.py`; models learn it by its loss."""

import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest

from tests import REPOSITORY
from tests.pipeline.project import Project

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Return a copy of the program that has a fifth outcome; compiled code comes along."""
    copy = tmp_path_factory.mktemp("fifth") / "program"
    ignored = shutil.ignore_patterns("*.tmp.*", "*.pyc.*")  # which another process is writing
    for name in ("src", "conf", "pipeline", "sweeps", "combined", "reports/explanations"):
        shutil.copytree(REPOSITORY / name, copy / name, ignore=ignored)
    for path in REPOSITORY.iterdir():
        if path.is_file():
            shutil.copy(path, copy)
    package = copy / "src/skiagram"
    shutil.copy(REPOSITORY / "tests/tasks/made_up_count.py", package / "tasks/count.py")
    kinds = package / "tasks/kinds.py"
    text = kinds.read_text()
    named = text.replace("| Number | Grade ", "| Number | Grade | Count ")
    assert named != text
    imported = "from skiagram.tasks.grade import"
    kinds.write_text(named.replace(imported, f"from skiagram.tasks.count import Count\n{imported}"))
    return copy


def test_a_count_goes_from_a_table_to_its_figures(sources, tmp_path):
    generator = np.random.default_rng(1)
    signal, noise = generator.normal(size=(2, 80))
    count = generator.poisson(np.exp(1 + signal))
    table = {"patient": [f"p{at}" for at in range(80)], "lesions": count}
    table |= {"original_glcm_Contrast": signal, "original_glcm_Id": noise}
    pd.DataFrame(table).to_csv(tmp_path / "films.csv", index=False)
    line = ["run", "films.csv", "--count", "lesions", "--folds", "2"]
    line += ["--baselines", "logistic_regression"]
    own = {"PYTHONPATH": str(sources / "src")}
    Project(tmp_path).run("skiagram", *line, **own, code=0)
    metrics = json.loads((tmp_path / "films-project/reports/metrics.json").read_text())
    text = json.dumps(metrics)
    assert "logistic_regression" in text
    assert "absolute_error" in text
    assert "count" in (tmp_path / "films-project/reports/report.html").read_text()
    half = [f"{at}.5" for at in range(80)]
    pd.DataFrame(table | {"lesions": half}).to_csv(tmp_path / "half.csv", index=False)
    refused = Project(tmp_path).run("skiagram", "run", "half.csv", "--count", "lesions", **own)
    assert "no count: `0.5`" in refused.stderr


def test_a_network_learns_a_count_by_its_loss(sources):
    """Nothing of `training` and `models.deep` names the kind."""
    code = """
import torch
from skiagram.models.deep.network_model import NetworkModel
from skiagram.tasks.count import Count
print(NetworkModel.tasks)
score = torch.tensor([0.0, 1.0])
print(float(Count(column="lesions").loss(score, torch.tensor([[2.0], [3.0]]).log1p(), None)))
"""
    done = Project(sources).run(sys.executable, "-c", code, code=0)
    learns, loss = done.stdout.splitlines()
    assert "'count'" in learns
    assert float(loss) == pytest.approx((1 + np.e - 3) / 2, rel=1e-5)
