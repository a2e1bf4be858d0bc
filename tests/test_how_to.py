"""A model, a family and a data set in files of a project work as the how-to prints them."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.pipeline.project import Project, write_project

PAGE = Path(__file__).parents[1] / "docs" / "how-to" / "extend.md"
FILE = re.compile(r"`([\w./]+\.(?:py|yaml))`[^`]*?\n\n?```(?:python|yaml)\n(.*?)```", re.DOTALL)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Make a project with every file of the page, and run its stages."""
    project = Project(tmp_path_factory.mktemp("extended") / "project")
    write_project(project.folder)
    text = PAGE.read_text(encoding="utf-8")
    for name, content in FILE.findall(text):
        (project.folder / name).write_text(content)
    (project.folder / "src").mkdir()
    (project.folder / "rim.py").rename(project.folder / "src/rim.py")
    [line] = re.findall(r"^sed .*pixels.yaml$", text, re.MULTILINE)
    subprocess.run(line, shell=True, check=True, cwd=project.folder)
    project.edit("params.yaml", dataset="squares", design="cv", features="first_order,rim")
    project.edit("params.yaml", baselines=["discriminant"], networks=["pixels"], folds=2)
    project.edit("params.yaml", inner_folds=2, tracking="none")
    project.edit("conf/model/pixels.yaml", training__epochs=3, training__patience=3)
    project.stages(("digest",), ("ingest",), ("audit",), ("restore",), ("propose",), ("extract",))
    project.stages(("train_baseline", "model=discriminant"))
    # Workers are processes of their own, which import the file too.
    project.stages(("train_network", "model=pixels", "compute.workers=2"), ("evaluate",))
    return project


def digests(project):
    assert project.stage("digest").returncode == 0
    return {path.name: path.read_text() for path in (project.folder / "data/code").iterdir()}


@pytest.mark.parametrize(
    ("file", "uses"),
    [
        ("discriminant.py", {"train_baseline@discriminant"}),
        ("pixels.py", {"train_network@pixels"}),
        ("src/rim.py", {"extract", "evaluate", "record"}),  # the page defines its features
        ("squares.py", {"ingest"}),
    ],
)
def test_what_uses_a_file_of_the_project_runs_again(project, file, uses):
    before = digests(project)
    assert before == digests(project)
    path = project.folder / file
    path.write_text(path.read_text() + "\n# changed\n")
    after = digests(project)
    assert {name for name in after if after[name] != before[name]} == uses


@pytest.mark.parametrize(
    ("model", "needs"),
    [("discriminant", "discriminant.py, src/rim.py"), ("pixels", "pixels.py")],
)
def test_the_receiver_is_told_which_files_a_model_needs(project, tmp_path, model, needs):
    package = tmp_path / "model.skiagram"
    done = project.skiagram("package", f"models/{model}", "-o", str(package))
    assert f"Who scores with it needs {needs}" in done.stdout, done.stderr
    # It is scored in a project that has the files, and refused elsewhere.
    image = tmp_path / "image.pgm"
    image.write_bytes(b"P5 16 16 255\n" + bytes(range(256)))
    line = shlex.split(f"predict {package} {image} -o {tmp_path / 'scores.csv'} --force")
    scored = project.skiagram(*line)
    assert scored.returncode == 0, scored.stderr
    refused = Project(tmp_path).skiagram(*line)
    assert "put that into a project and score there" in refused.stderr
