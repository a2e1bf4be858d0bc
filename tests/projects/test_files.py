"""A project folder: what it is made of, and what another version may change in it."""

import os
import subprocess
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from skiagram.errors import OptionError, SkiagramError
from skiagram.projects import files
from skiagram.projects.files import RECORD, make_project, plan_upgrade, shipped_files
from tests import REPOSITORY
from tests.folders import git
from tests.forked_python import binaries

PATIENTS = ("tables/labels.csv", "conf/dataset/own.csv", "conf/dataset/own.labels.age")


@pytest.fixture
def project(tmp_path):
    """Return the files of a project as they come, without git and DVC."""
    files._write(tmp_path, shipped_files())
    files._write_record(tmp_path, shipped_files())
    return tmp_path


@pytest.fixture
def forked_dvc(monkeypatch):
    """Let DVC be forked from a process that has imported it, which takes seconds."""
    monkeypatch.setattr(sys, "executable", f"{binaries()}/python")


def newer(monkeypatch, **texts):
    """Let another version be installed, in which some files are other ones; None for none."""
    names = {name: name.replace("__", "/") + ".yaml" for name in texts}
    changed = {names[name]: text.encode() for name, text in texts.items() if text is not None}
    left = {name: text for name, text in shipped_files().items() if name not in names.values()}
    monkeypatch.setattr(files, "shipped_files", lambda: left | changed)


def test_a_project_depends_on_the_installed_skiagram_where_the_repository_does_on_sources():
    shipped = shipped_files()
    for name, content in shipped.items():
        if name.endswith(".yaml"):
            assert "src/" not in content.decode(), name
            yaml.safe_load(content)
        if name.startswith(("conf/", "pipeline/")) or name == "params.yaml":
            assert content == (REPOSITORY / name).read_bytes()
    assert yaml.safe_load(shipped["dvc.yaml"])["stages"]["digest"]["always_changed"]
    assert "data/code/skiagram" in shipped["sweeps/dvc.yaml"].decode()


def test_an_upgrade_takes_what_is_new_and_keeps_what_is_yours(project, monkeypatch, terminal):
    monkeypatch.chdir(project)
    chosen = (project / "params.yaml").read_text().replace("\nseed: 0", "\nseed: 7")
    (project / "params.yaml").write_text(chosen)
    (project / "conf/model/mine.yaml").write_text("my: model\n")
    newer(monkeypatch, conf__model__svm="new: 1\n", conf__model__ridge=None, conf__model__b="b: 1")
    told = "Taken over: conf/model/svm.yaml | Removed: conf/model/ridge.yaml"
    terminal.says("upgrade", f"+seed: 7 | {told} | Kept as you changed it: params.yaml")
    assert (project / "params.yaml").read_text() == chosen
    assert (project / "conf/model/mine.yaml").exists()
    assert (project / "conf/model/svm.yaml").read_text() == "new: 1\n"
    assert not (project / "conf/model/ridge.yaml").exists()
    terminal.says("upgrade", "!Taken over")


def test_choices_of_a_new_version_are_added_to_those_that_were_changed(
    project, monkeypatch, terminal
):
    monkeypatch.chdir(project)
    chosen = "seed: 7 # mine\nbaselines: [svm]\n"
    (project / "params.yaml").write_text(chosen)
    choices = "seed: 0\nfresh: # of a new kind\n  - a\n  - b\nbaselines: [ridge]\nlast: {}\n"
    newer(monkeypatch, params=choices)
    told = "Kept as you changed it, with the choices that are new: params.yaml"
    terminal.says("upgrade --mine params.yaml", told)
    after = (project / "params.yaml").read_text()
    assert after == chosen + "fresh: # of a new kind\n  - a\n  - b\nlast: {}\n"
    terminal("upgrade")
    assert (project / "params.yaml").read_text() == after


def test_a_project_of_a_version_that_is_not_read_is_refused(project, monkeypatch, terminal):
    monkeypatch.chdir(project)
    record = project / files.RECORD
    record.write_text(
        record.read_text().replace(f"version: {version('skiagram')}", "version: 0.1.9")
    )
    terminal.says("upgrade", "made by skiagram 0.1.9, this is | Allowed: versions 0.2.0 to", 4)


def test_an_upgrade_leaves_no_empty_folder_of_files_that_are_gone(project):
    came = shipped_files() | {"conf/gone/a.yaml": b"a: 1", "conf/gone/b.yaml": b"b: 1"}
    files._write(project, came)
    files._write_record(project, came)
    (project / "conf/gone/b.yaml").write_text("b: mine\n")
    plan_upgrade(project, mine=["conf/gone/b.yaml"]).write(project)
    assert [path.name for path in (project / "conf/gone").iterdir()] == ["b.yaml"]
    (project / "conf/gone/b.yaml").write_text("b: 1")
    files._write_record(project, came)
    plan_upgrade(project).write(project)
    assert not (project / "conf/gone").exists()


def test_an_upgrade_stops_before_it_writes_where_both_changed_a_file(
    project, monkeypatch, terminal
):
    monkeypatch.chdir(project)
    (project / "params.yaml").write_text("seed: 7\n")
    newer(monkeypatch, params="seed: 1\n", conf__model__svm="new: 1\n")
    before = (project / "conf/model/svm.yaml").read_text()
    terminal.says("upgrade", "params.yaml | -seed: 1", 2)
    assert (project / "conf/model/svm.yaml").read_text() == before
    assert plan_upgrade(project, new=["params.yaml"]).taken["params.yaml"] == b"seed: 1\n"
    terminal("upgrade --mine params.yaml")
    assert (project / "params.yaml").read_text() == "seed: 7\n"


def test_an_upgrade_says_what_git_holds_of_patients_from_before(project, monkeypatch, terminal):
    monkeypatch.chdir(project)
    new = shipped_files()
    monkeypatch.setattr(files, "shipped_files", lambda: new | {".gitignore": b"/data/"})
    (project / ".gitignore").write_text("/data/")
    files._write_record(project, files.shipped_files())
    (project / "images").mkdir()
    (project / "images/1.png").touch()
    git(project, "init -q", "add -A")
    monkeypatch.setattr(files, "shipped_files", lambda: new)
    told = "Taken over: .gitignore | git rm --cached -q -- images/1.png"
    terminal.says("upgrade", told)


def test_no_project_is_upgraded_and_no_folder_with_files_becomes_one(here, terminal):
    terminal.says("upgrade", "skiagram new", 2)
    (here / "own.txt").touch()
    terminal(f"new {here}", 2)
    assert [path.name for path in here.iterdir()] == ["own.txt"]


def test_an_upgrade_that_a_full_disk_stops_cuts_no_choice_short(project, monkeypatch):
    chosen = (project / "params.yaml").read_text().replace("\nseed: 0", "\nseed: 7")
    (project / "params.yaml").write_text(chosen)
    added = (project / "params.yaml").read_text() + "fresh: 1\n"
    newer(monkeypatch, params=added.replace("seed: 7", "seed: 0"), conf__model__svm="new: 1\n")
    before = {path: path.read_bytes() for path in project.rglob("*.yaml")}
    (project / "params.partial.yaml").mkdir()  # nothing can be written there
    with pytest.raises(OSError, match="directory"):
        plan_upgrade(project, mine=["params.yaml"]).write(project)
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
@pytest.mark.usefixtures("forked_dvc")
@pytest.mark.parametrize("killed", ["git init", "dvc init", "git add", "commit", "the end"])
def test_a_project_that_a_kill_left_half_made_is_made_by_the_next_run(
    killed, tmp_path, monkeypatch
):
    folder, run, unlink = tmp_path / "project", files._run, Path.unlink

    class KilledError(BaseException):
        pass

    def stops(place, *command, **variables):
        if set(killed.split()) <= {Path(command[0]).name, *command}:
            (place / ".git/index.lock").touch() if {"add", "commit"} & {*command} else None
            raise KilledError
        run(place, *command, **variables)

    def stops_at_the_end(path, **options):
        if path == folder / files._BEGUN:
            raise KilledError
        unlink(path, **options)

    with monkeypatch.context() as cut:
        cut.setattr(files, "_run", stops)
        if killed == "the end":
            cut.setattr(Path, "unlink", stops_at_the_end)
        with pytest.raises(KilledError):
            make_project(folder)
    assert (folder / RECORD).exists()
    assert not files.is_made(folder)
    assert "committed" in make_project(folder)[0]
    assert files.is_made(folder)
    assert len(git(folder, "rev-list HEAD").split()) == 1
    assert git(folder, "status --porcelain") == ""
    with pytest.raises(OptionError, match="is not an empty folder"):
        make_project(folder)


@pytest.mark.slow
@pytest.mark.usefixtures("forked_dvc")
def test_a_project_is_begun_with_git_and_dvc_and_leaves_tables_of_patients_out(
    tmp_path, monkeypatch
):
    # Nobody has told git who they are; their key is missing, their hook fails, their list of what
    # to ignore has DVC's files, and git itself has started the shell, from another repository.
    monkeypatch.setenv("HOME", str(tmp_path))
    for name, text in {
        ".gitconfig": f"[core]\nhooksPath={tmp_path}\nexcludesFile={tmp_path}/ignored\n"
        "[commit]\ngpgSign=true\n[user]\nsigningKey=none\n",
        "ignored": ".dvc\n*.lock\nconf\ndvc.yaml\n",
        "pre-commit": "#!/bin/sh\nexit 1\n",
    }.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    with monkeypatch.context() as hook:
        hook.setenv("GIT_DIR", str(tmp_path / "other"))
        make_project(tmp_path / "project")

    of_project = partial(git, tmp_path / "project")
    assert "New project" in of_project("log -1")
    assert "conf/audit.yaml" in of_project("ls-files")
    assert not of_project("status --porcelain")
    for name in PATIENTS:
        (tmp_path / "project" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "project" / name).touch()
    assert not of_project("status --porcelain -uall")
    make_project(tmp_path / "project" / "inner")  # in a git repository that exists
    assert f"?? inner/{RECORD}" in of_project("status --porcelain -uall")
    assert not of_project("diff --cached --name-only")  # nothing goes into the next commit
    done = subprocess.run(
        [sys.executable, "-m", "dvc", "stage", "list", "--name-only"],
        cwd=tmp_path / "project/inner", env=dict(os.environ), capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.split()[:2] == ["digest", "ingest"], done.stderr


def test_options_that_were_changed_in_the_clone_are_told(tmp_path, monkeypatch):
    """`dvc exp run -S` leaves them there: projects elsewhere began with them without a word."""
    monkeypatch.setattr(files, "shipped_root", lambda: tmp_path)
    (tmp_path / "params.yaml").write_text("folds: 3\n")
    git(tmp_path, "init -q", "add .", "commit -q -m 'as it comes'")
    assert not files.tell_changed_options()
    (tmp_path / "params.yaml").write_text("folds: 5\n")
    [told] = files.tell_changed_options()
    assert f"{tmp_path}: `params.yaml`." in told


@pytest.mark.parametrize("asked", ["steps.gone import main", "steps.audit import gone"])
def test_a_script_of_another_version_is_one_line(asked, tmp_path):
    (tmp_path / "pipeline").mkdir()
    (tmp_path / "pipeline/gone.py").write_text(f"from skiagram.{asked}\n")
    line = [sys.executable, "pipeline/gone.py"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert done.stderr.startswith("pipeline/gone.py: made with another version of skiagram")
    assert "run `skiagram upgrade`" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "said"), [("with{out}", "DVC takes no path with `{`"), ("ignored", "is ignored by")]
)
def test_nothing_half_made_stays_of_a_project_that_dvc_refuses(name, said, tmp_path, monkeypatch):
    monkeypatch.delenv("DVC_ROOT", raising=False)
    no_exceptions = shipped_files() | {".gitignore": b".dvc\n"}
    monkeypatch.setattr(files, "shipped_files", lambda: no_exceptions)
    with pytest.raises(SkiagramError, match=said):
        make_project(tmp_path / name)
    assert not [*tmp_path.iterdir()]


@pytest.mark.slow
def test_dvc_enters_the_folder_of_sweeps_and_leaves_their_pages_out():
    """DVC takes a pattern such as `/sweeps/*/` for the folder itself."""
    from dvc.scm import SCM

    ignores = SCM(REPOSITORY).is_ignored
    assert not any(map(ignores, ("sweeps/", "sweeps/dvc.yaml")))
    assert ignores("sweeps/regularisation/page.html")
