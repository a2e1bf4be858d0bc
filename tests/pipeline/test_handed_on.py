"""A model leaves its project as one file and scores in a venv that has no project.

The venv holds what step 6 of the tutorial installs and nothing else, in the locked versions, which
are in uv's cache where this project was installed.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.records.files import read_record
from skiagram.records.predictions import Predictions
from tests.deploy.trained import read_rows
from tests.pipeline.project import (
    BASELINES,
    NETWORK,
    REPOSITORY,
    link_or_copy,
    source_arrays,
)
from tests.projects.test_wheel import built, purelib, share_machine_code

pytestmark = pytest.mark.slow
TUTORIAL = REPOSITORY / "docs/tutorial/first-hour.md"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(REPOSITORY, tmp_path_factory.mktemp("dist"))


def scoring_venv(wheel, line, extra, place):
    """Return a venv with what a line of the tutorial installs; of a network it says the extra."""
    assert wheel.name in line
    assert f"[{extra}]" in line
    uv = str(Path(sys.executable).parent / "uv")
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(place)], check=True)
    install = [uv, "pip", "install", "-q", "-c", str(REPOSITORY / "requirements.lock")]
    shell = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    python = ["--python", str(place / "bin/python")]
    subprocess.run([*install, *python, f"{wheel}[{extra}]"], env=shell, check=True)
    share_machine_code(place)
    # So is what is compiled here of the libraries, whose files come from one cache.
    for package in purelib(place).iterdir():
        for kept in (purelib(Path(sys.prefix)) / package.name).rglob("*.pyc"):
            linked = purelib(place) / kept.relative_to(purelib(Path(sys.prefix)))
            if linked.parents[1].exists():
                linked.parent.mkdir(exist_ok=True)
                link_or_copy(str(kept), str(linked))
    return place


def lines_of_the_tutorial():
    """Return what is typed in the project, and what on the other machine."""
    text = TUTORIAL.read_text(encoding="utf-8").split("## 6. Hand it on")[1].split("\n## ")[0]
    first, second = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return first.splitlines(), second.splitlines()


def in_venv(venv, folder, line):
    """Type a line on the other machine."""
    environment = {
        "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.run(
        line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(("model", "extra"), [(BASELINES[0], "score"), (NETWORK, "networks")])
def test_a_model_scores_in_an_empty_venv_as_in_its_run(model, extra, finished, wheel, tmp_path):
    here, there = lines_of_the_tutorial()
    scoring = scoring_venv(wheel, there[1], extra, tmp_path / "scoring")
    package = tmp_path / f"{model}.skiagram"
    words = here[0].replace("svm", model).replace(package.name, str(package)).split()
    finished.run(*words, code=0)
    (tmp_path / "new").mkdir()
    for number, image in enumerate(source_arrays()["test_images"]):
        Image.fromarray(image).save(tmp_path / "new" / f"{number:03d}.png")
    where = in_venv(scoring, tmp_path, "python -c 'import skiagram; print(skiagram.__file__)'")
    assert where.stdout.startswith(str(scoring))
    show, predict = (line.replace("svm", model) for line in there[2:])
    shown = in_venv(scoring, tmp_path, show)
    assert shown.returncode == 0, shown.stderr
    evaluation = read_record(Evaluation, finished.folder / "reports/evaluation.json")
    (result,) = [one for one in evaluation.models if one.outcome.model == model]
    auc = result.find("roc_auc").value
    assert re.search(rf"\bAUC +\| {auc:.3f} \(", shown.stdout)
    assert "Every checksum holds" in shown.stdout
    scored = in_venv(scoring, tmp_path, predict)
    assert scored.returncode == 0, scored.stderr
    assert "not found" not in scored.stderr
    rows = read_rows(tmp_path / "scores.csv")
    test = Predictions.read(finished.folder / f"scores/{model}").part("test")
    expected = np.sort(test["probability_1"].to_numpy())
    found = np.sort([float(row["probability_striped"]) for row in rows])
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert (tmp_path / "scores.html").exists()
