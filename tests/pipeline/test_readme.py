"""Each line that the front page, the everyday commands and the tutorial tell a newcomer to type."""

import csv
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.pipeline.project import NETWORK, REPOSITORY, Project, make_project, stages_run
from tests.servers import await_answer, find_free_port

pytestmark = pytest.mark.slow
_TIME = re.compile(r"(seconds?|minutes?|hour|\d s)\b")


def usage():
    """Return command and comment of each everyday command, and of each habit of other tools."""
    pages = (REPOSITORY / f"docs/how-to/{name}.md" for name in ("everyday-commands", "habits"))
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    blocks = re.findall(r"```bash\n(.*?)```", text, re.DOTALL)
    pairs = [line.split(" #", 1) for block in blocks for line in block.splitlines()]
    return [(one[0].strip(), one[1] if len(one) > 1 else "") for one in pairs]


def front_page():
    """Return the lines that README tells to type, and the first line of the table that it shows."""
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    lines = "".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).splitlines()
    return lines, text.split("```text\n", 1)[1].split("\n", 1)[0]


_ELSEWHERE = ("source", "make ui", "skiagram table")  # the last needs a folder of volumes
INSTALLED = "-o setup -o .venv/installed"
LINES = [line for line in usage() if not line[0].startswith(_ELSEWHERE)]


@pytest.fixture(scope="module")
def cloned(tmp_path_factory):
    """Return a project as after clone and `make repro`, with few small images and models."""
    project = make_project(tmp_path_factory.mktemp("readme") / "project")
    for name in (".gitattributes", ".gitignore", "Makefile"):
        shutil.copy(REPOSITORY / name, project.folder / name)
    project.edit("params.yaml", baselines=["svm", "random_forest"], features="first_order")
    project.edit("conf/model/random_forest.yaml", n_estimators=12)
    project.edit(f"conf/model/{NETWORK}.yaml", training__epochs=1)
    tiny = project.folder / "conf/dataset/tiny.yaml"
    shutil.copy(tiny, project.folder / "conf/dataset/phantom_noisy.yaml")
    images = project.folder / "images"
    images.mkdir()
    rows = ["file,label,patient_id"]
    pixels = np.random.default_rng(0).integers(0, 256, (24, 20, 20), dtype=np.uint8)
    for at, image in enumerate(pixels):
        Image.fromarray(image).save(images / f"{at}.png")
        rows.append(f"{at}.png,{('benign', 'cancer')[at // 2 % 2]},P{at // 2}")
    (project.folder / "images.csv").write_text("\n".join(rows) + "\n")
    for name in ("new1.dcm", "new2.dcm"):  # told by its content, not by its name
        shutil.copy(images / "1.png", project.folder / name)
    author = "git config user.name a", "git config user.email a@example.org"
    lines = "git init -q -b main", *author, "dvc init -q", "dvc repro -q"
    for line in (*lines, "git add -A", "git commit -qm start"):
        project.run(*line.split(), code=0)
    return project


@pytest.fixture
def fresh(cloned, tmp_path):
    """Return a copy of its own."""
    return cloned.copy(tmp_path / "project")


def test_the_front_page_leads_to_the_report_of_the_built_in_data_and_of_own_images(fresh, tmp_path):
    (repro, activate, change_folder, own_images), header = front_page()
    assert activate == "source .venv/bin/activate"
    assert change_folder.startswith("cd ")
    done = fresh.run("sh", "-c", repro.replace("make ", f"make {INSTALLED} "), code=0)
    assert "reports/report.html" in done.stdout.splitlines()
    elsewhere = Project(tmp_path / "elsewhere")
    shutil.copytree(fresh.folder / "images", elsewhere.folder / "images")
    table = shutil.copy(fresh.folder / "images.csv", elsewhere.folder)
    assert Path(table).read_text().splitlines()[0] == header
    done = elsewhere.run("sh", "-c", f"{own_images} --quick", code=0)
    assert re.search(r"Use a [a-z ]+: |No model is shown to work", done.stdout)
    assert "images-project/reports/report.html" in done.stdout.splitlines()
    assert (elsewhere.folder / "images-project/reports/report.html").exists()


# Lines that leave choices, outputs and records of a project as they are: they share a copy.
LEAVES_ALL = (
    *("dvc stage list", "dvc dag", "dvc exp diff", "make runs"),
    *(f"skiagram {name}" for name in ("plan", "check", "runs", "predict", "package")),
)


@pytest.fixture(scope="module")
def shared(cloned, tmp_path_factory):
    """Return a copy for lines that leave all as it is."""
    return cloned.copy(tmp_path_factory.mktemp("shared") / "project")


@pytest.mark.parametrize(("command", "comment"), LINES, ids=[line[0][:40] for line in LINES])
def test_each_line_works_without_a_warning_and_says_how_long_it_takes(command, comment, request):
    assert _TIME.search(comment), command
    leaves_all = command.startswith(LEAVES_ALL) or command.endswith("--cfg job")
    project = request.getfixturevalue("shared" if leaves_all else "fresh")
    if command.startswith("git add"):
        (project.folder / "params.yaml").open("a").write("# mine")  # all else is committed already
    typed = command.replace("range(5)", "range(1)").replace("repeats=5", "repeats=2")
    typed = typed.replace("make ", f"make {INSTALLED} ")
    done = project.run("sh", "-c", typed, code=0)
    said = done.stdout + done.stderr
    for bad in ("Traceback", "WARNING", "No file hash info", "failed to load"):
        assert bad not in said, said
    if "queue start" in command:
        project.run("dvc", "queue", "stop", "--kill", code=0)


def test_a_run_that_stops_for_want_of_its_file_is_undone_by_one_line(fresh):
    before = (fresh.folder / "params.yaml").read_bytes()
    shutil.rmtree(fresh.folder / "source/tiny")
    for how in (["--temp"], []):
        done = fresh.run(
            "dvc", "exp", "run", *how, "-S", "dataset=phantom_noisy", "-S", "design=cv"
        )
        assert done.returncode != 0
        told = done.stdout + done.stderr
        assert "`git checkout params.yaml` undoes" in told, told
        changed = (fresh.folder / "params.yaml").read_bytes() != before
        assert changed == (how == [])
    fresh.run("git", "checkout", "params.yaml", code=0)
    assert (fresh.folder / "params.yaml").read_bytes() == before
    again = fresh.run("dvc", "repro", code=0)
    assert stages_run(again.stdout) == ["digest"]


def test_the_tutorials_lines_on_own_images_work_as_they_are_printed(fresh):
    new = fresh.folder / "new"
    new.mkdir()
    for name in ("1.png", "2.png"):
        shutil.copy(fresh.folder / "images" / name, new / name)
    lines = [*typed("## 4. Take your own images"), *typed("## 5. Score new images")]
    assert len(lines) == 7
    for line in (*lines, *typed("## 1. Clone and run")[-2:-1]):
        done = fresh.run("sh", "-c", line, code=0)
        assert "Traceback" not in done.stdout + done.stderr
        assert "WARNING" not in done.stdout + done.stderr
        if line.startswith("skiagram check"):
            assert "This data set can be run" in done.stdout
    assert stages_run(done.stdout) == ["digest"]  # nothing else has changed, and it says so
    fresh.run("git", "add", "-A", code=0)
    kinds = fresh.run("git", "ls-files", "*.png", "*.csv", "images", "new", "tables")
    assert kinds.stdout == ""
    with (fresh.folder / "scores.csv").open(newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == ["new/1.png", "new/2.png"]


def typed(heading):
    """Return the lines that a part of the tutorial tells to type, without comments."""
    text = (REPOSITORY / "docs/tutorial/first-hour.md").read_text(encoding="utf-8")
    part = text.split(f"{heading}", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)
    return [line.split(" #")[0].strip() for block in blocks for line in block.splitlines()]


def test_make_ui_answers_and_leaves_no_server(fresh):
    port = find_free_port()
    command = ["make", *INSTALLED.split(), "ui", f"PORT={port}"]
    server = fresh.start(*command, f"PATH={fresh.environment['PATH']}")
    try:
        await_answer(server, f"http://127.0.0.1:{port}/")
        started = psutil.Process(server.pid).children(recursive=True)
        (command,) = (each for each in started if "ui" in each.cmdline())
        command.send_signal(signal.SIGINT)  # Ctrl-C
        assert psutil.wait_procs(started, timeout=60)[1] == []
    finally:
        for process in psutil.Process(server.pid).children(recursive=True):
            process.terminate()
        server.terminate()
        server.wait()
