"""The wheel, in a fresh environment and an empty folder, opens all three doors.

Libraries are not downloaded again: the environment sees those of this one, but none of the extras
where the plain installation is meant.
"""

import hashlib
import io
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK
import yaml
from PIL import Image

from skiagram.projects.files import read_record
from tests import REPOSITORY
from tests.forked_python import binaries
from tests.pipeline.project import link_or_copy

PACKAGE = REPOSITORY / "tests/deploy/packages/logistic_regression.skiagram"
pytestmark = pytest.mark.slow

EARLIER = "ab636877"  # version 0.2.0
MINE = ("--mine", "params.yaml", "conf/dataset/phantom.yaml")  # if the new version changed them too
EXTRAS = [
    "SimpleITK",
    "dvc",
    "hydra",
    "mlflow",
    "imageio",
    "networkx",
    "omegaconf",
    "pytorch_lightning",
    "safetensors",
    "skimage",
    "skops",
    "torch",
    "torchvision",
]
REFUSED = f"""
import sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name in {EXTRAS}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refused())
"""
EXTRACT = """
import numpy as np, skiagram, sys
image, mask = np.random.default_rng(0).normal(size=(20, 20, 20)), np.zeros((20, 20, 20), bool)
mask[5:15, 5:15, 5:15] = True
print(len(skiagram.extract(image, mask, spacing=(1, 1, 1))))
of_arrays, of_files = (
    skiagram.extract(*case, families="first_order")
    for case in ((image.astype(np.float32), mask, (1, 1, 1)), ("image.nii.gz", "mask.nrrd"))
)
assert of_arrays == of_files
print(*sys.modules)
"""


@dataclass(frozen=True)
class Installed:
    """A fresh environment with the wheel, and an empty folder to work in.

    Attributes:
        forked: Whether its commands are forked from a process that has imported the libraries.
    """

    venv: Path
    folder: Path
    forked: bool

    def run(self, *words, folder=".", code=0):
        """Run a command of the environment, which has to end with a code."""
        shell = {
            "PATH": f"{self.venv / 'bin'}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "OMP_NUM_THREADS": "1",
        }
        kernels = "OPENBLAS_CORETYPE"  # last digits are theirs
        shell |= {kernels: os.environ[kernels]} if kernels in os.environ else {}
        if self.forked:
            shell |= {
                "PATH": f"{binaries()}:{shell['PATH']}",
                "PYTHONPATH": str(purelib(self.venv)),
            }
        done = subprocess.run(
            words, cwd=self.folder / folder, env=shell, capture_output=True, text=True
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return built(REPOSITORY, tmp_path_factory.mktemp("wheel"))


def built_earlier(commit, place):
    """Return the wheel of an earlier commit."""
    archive = ["git", "archive", "--format=zip", commit]
    done = subprocess.run(archive, cwd=REPOSITORY, capture_output=True)
    if done.returncode:
        pytest.skip(f"no commit {commit} in this clone: {done.stderr.decode().strip()}")
    with zipfile.ZipFile(io.BytesIO(done.stdout)) as packed:
        packed.extractall(place / "sources")
    return built(place / "sources", place / "wheel")


def built(sources, place):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=sources, check=True, capture_output=True)
    (path,) = place.glob("*.whl")
    return path


def installed(wheel, place, *, plain):
    venv = place / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    install(wheel, venv)
    own = purelib(venv)
    (own / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    if plain:
        (own / "refused.py").write_text(REFUSED)
        (own / "refused.pth").write_text("import refused\n")
    (place / "folder").mkdir()
    return Installed(venv, place / "folder", forked=not plain)


def purelib(venv):
    """Return the folder of an environment's packages."""
    return Path(sysconfig.get_path("purelib", vars={"base": str(venv)}))


def share_machine_code(venv):
    """Link what is compiled here of array loops; `tests/compiled` has the first call of others."""
    for kept in (REPOSITORY / "src").rglob("*.nb[ic]"):
        place = purelib(venv) / kept.relative_to(REPOSITORY / "src")
        place.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(str(kept), str(place))


def install(wheel, venv):
    """Install a wheel in place of whichever version is there.

    Files of a cache would be shared by links, and a test edits what is installed.
    """
    uv = [str(Path(sys.executable).parent / "uv"), "pip", "install", "--offline", "--no-cache"]
    shell = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    line = [*uv, "--no-deps", "--reinstall", "--python", str(venv / "bin/python"), str(wheel)]
    subprocess.run(line, env=shell, check=True, capture_output=True)
    share_machine_code(venv)


def test_the_wheel_holds_the_files_of_a_project_and_no_table_of_patients(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    template = [name for name in names if name.startswith("skiagram/projects/template/")]
    assert {name.rpartition("/")[2] for name in template} >= {"dvc.yaml", "ingest.py", ".gitignore"}
    assert not [name for name in names if name.endswith((".csv", ".age", ".pyc"))]
    assert all(name.startswith("skiagram") for name in names)


def test_the_plain_installation_extracts_compares_and_checks(wheel, tmp_path):
    plain = installed(wheel, tmp_path, plain=True)
    image, mask = np.random.default_rng(0).normal(size=(20, 20, 20)), np.zeros((20, 20, 20), "u1")
    mask[5:15, 5:15, 5:15] = 1
    for values, name in ((image.astype(np.float32), "image.nii.gz"), (mask, "mask.nrrd")):
        SimpleITK.WriteImage(SimpleITK.GetImageFromArray(values), str(plain.folder / name))
    done = plain.run("python", "-c", EXTRACT)
    number, modules = done.stdout.splitlines()
    assert int(number) > 50
    assert not set(EXTRAS) & set(modules.split())
    filtered = "skiagram.extract('image.nii.gz', parameters={'imageType': {'Gradient': {}}})"
    done = plain.run("python", "-c", f"import skiagram; {filtered}", code=1)
    assert "none-any.whl[radiomics]'" in done.stderr
    generator = np.random.default_rng(0)
    label = generator.integers(0, 2, 120)
    rows = [f"{one},{one + generator.normal()},{generator.normal()}" for one in label]
    (plain.folder / "scores.csv").write_text("\n".join(["label,a,b", *rows]))
    plain.run("skiagram", "compare", "scores.csv", "--label", "label", "--a", "a", "--b", "b")
    for at in range(12):
        place = plain.folder / "films" / ("no", "yes")[at % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = generator.integers(0, 256, (24, 24), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{at}.png")
    done = plain.run("skiagram", "check", "films", "--positive", "yes")
    assert "This data set can be run" in done.stdout
    done = plain.run("skiagram", "show", str(PACKAGE), code=2)
    assert "none-any.whl[score]'" in done.stderr
    done = plain.run("skiagram", "new", "project", code=2)
    assert "none-any.whl[project]'" in done.stderr


def test_one_line_leads_from_a_folder_of_images_to_the_verdict(wheel, tmp_path):
    project = installed(wheel, tmp_path, plain=False)
    generator = np.random.default_rng(0)
    for at in range(40):
        place = project.folder / "lesions" / ("no", "yes")[at % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = generator.normal(100 + 10 * (at % 2), 20, (24, 24)).clip(0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(place / f"{at}.png")
    line = ("skiagram", "run", "lesions", "--positive", "yes", "--quick", "--networks", "none")
    done = project.run(*line, "--features", "first_order")
    assert "lesions-project/reports/report.html" in done.stdout
    assert "] train_baseline@logistic_regression" in done.stderr
    with (project.folder / "lesions-project/tables/lesions.cases.csv").open() as file:
        assert len(file.readlines()) == 41
    done = project.run("git", "status", "--porcelain", "-uall", folder="lesions-project")
    assert ".csv" not in done.stdout
    before = digests(project)
    assert digests(project) == before
    (about,) = project.venv.rglob("skiagram-*.dist-info/METADATA")
    about.write_text(re.sub(r"(?m)^Version: .*", "Version: 99.0", about.read_text()))
    after = digests(project)
    assert len(before) > 8
    stages = before.keys() - {"options"}
    assert all(after[name] != before[name] for name in stages), "another version reruns each stage"


def test_a_project_of_an_earlier_version_is_upgraded_and_gives_equal_scores(wheel, tmp_path):
    project = installed(built_earlier(EARLIER, tmp_path), tmp_path, plain=False)
    project.run("skiagram", "new", "mine")
    mine = project.folder / "mine"
    before = read_record(mine)
    few = {"baselines": ["logistic_regression"], "networks": [], "features": "first_order"}
    edited = {
        "params.yaml": few | {"folds": 2},
        "conf/dataset/phantom.yaml": {"patients": {"train": 40, "validation": 10, "test": 40}},
    }
    for name, values in edited.items():
        options = yaml.safe_load((mine / name).read_text()) | values
        (mine / name).write_text(yaml.safe_dump(options))
    (mine / "conf/model/own.yaml").write_text("own: 1\n")
    project.run("dvc", "repro", "train_baseline@logistic_regression", folder="mine")
    scores = {path: scores_in(path) for path in (mine / "scores").rglob("*.parquet")}
    assert scores

    install(wheel, project.venv)
    project.run("skiagram", "upgrade", *MINE, folder="mine")
    shipped = read_record(mine)
    assert shipped != before
    for name, digest in shipped.items():
        same = hashlib.sha256((mine / name).read_bytes()).hexdigest() == digest
        assert same == (name not in edited), name
    assert not [name for name in before.keys() - shipped.keys() if (mine / name).exists()]
    assert (mine / "conf/model/own.yaml").exists()
    done = project.run("skiagram", "upgrade", folder="mine")
    assert "Every file is that of the installed version, or yours." in done.stdout

    # What no stage reads any more may be the user's own: it is named, and theirs to remove.
    refused = project.run("dvc", "repro", folder="mine", code=255)
    assert "params.yaml: `compare` is no choice" in refused.stderr + refused.stdout
    choices = yaml.safe_load((mine / "params.yaml").read_text())
    del choices["compare"]
    (mine / "params.yaml").write_text(yaml.safe_dump(choices))
    project.run("dvc", "repro", folder="mine")
    assert (mine / "reports/report.html").exists()
    for path, table in scores.items():
        pd.testing.assert_frame_equal(scores_in(path), table)
    done = project.run("dvc", "status", folder="mine")
    assert set(re.findall(r"^(\w+):", done.stdout, re.MULTILINE)) <= {"digest"}, done.stdout


def scores_in(path):
    """Return a table of scores without the thresholds, which are set by patient since."""
    return pd.read_parquet(path).drop(columns="threshold", errors="ignore")


def digests(project):
    """Return stage → what stands for the code that it runs, made anew.

    The environment's own Python makes it: it alone knows the wheel as installed.
    """
    python = str(project.venv / "bin/python")
    project.run(python, "pipeline/digest.py", folder="lesions-project")
    code = project.folder / "lesions-project/data/code"
    return {path.name: path.read_text() for path in code.iterdir()}
