"""No stage and no prediction unpickles: a file could run code. The interpreter itself is asked."""

import sys

import pytest
from PIL import Image

from skiagram.image_store.store import ImageStore
from tests.pipeline.conftest import FORBID
from tests.pipeline.project import BASELINES, NETWORK, REPOSITORY, Project

PREDICT = """
import sys
from skiagram.cli.main import main
film, *models = sys.argv[1:]
for model in models:
    if code := main(["predict", model, film, "-o", "t.csv", "--force"]):
        sys.exit(code)
"""


@pytest.fixture
def forbidden(tmp_path):
    """Return the environment in which Python ends with 86 at the first unpickled name."""
    (tmp_path / "hook").mkdir()
    (tmp_path / "hook" / "sitecustomize.py").write_text(FORBID)
    return {"PYTHONPATH": f"{tmp_path / 'hook'}:{tmp_path / 'project' / 'src'}"}


@pytest.mark.slow
def test_the_hook_meets_pickles_in_memory_and_in_files(forbidden, tmp_path):
    project = Project(tmp_path)
    for load in (
        "import pickle, decimal; pickle.loads(pickle.dumps(decimal.Decimal(1)))",
        "import numpy as np; np.save('a.npy', np.array([{}], object), allow_pickle=True); "
        "np.load('a.npy', allow_pickle=True)",
    ):
        project.run(sys.executable, "-c", load, **forbidden, code=86)
    project.run(sys.executable, "-c", "import json; json.loads('1')", **forbidden, code=0)


@pytest.mark.slow
def test_no_stage_and_no_prediction_unpickles(copy, forbidden, tmp_path):
    # The stages of the finished run have run where the first name ends a run.
    store = ImageStore(copy.folder / "data/images")
    film = tmp_path / "film.png"
    Image.fromarray(store.image(store.case_ids[0])).save(film)
    models = [*(f"models/{name}" for name in (*BASELINES, NETWORK)), "combined/models/stacking"]
    copy.run(sys.executable, "-c", PREDICT, str(film), *models, **forbidden, code=0)


def test_no_module_of_the_program_imports_pickle():
    folders = (REPOSITORY / "src", REPOSITORY / "pipeline")
    to_other_machines = REPOSITORY / "src/skiagram/compute/clusters.py"  # work, as Ray does itself
    for file in (path for folder in folders for path in folder.rglob("*.py")):
        if file == to_other_machines:
            continue
        lines = file.read_text(encoding="utf-8").splitlines()
        words = [line.split() for line in lines if line.lstrip().startswith(("import ", "from "))]
        assert not any({"pickle", "cloudpickle", "dill"} & set(line) for line in words), file
