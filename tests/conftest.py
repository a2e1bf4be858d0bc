"""Fixtures that all tests share."""

import gc
import os
import re
import signal
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

# A first call may compile; a quarter of the usual examples, so that many properties can be tried.
settings.register_profile("without_deadline", deadline=None, max_examples=25)
settings.load_profile("without_deadline")
# `workers: auto` is one here and in what is started: worker processes take seconds to begin, and
# several pytest workers have the processors already. Tests of worker processes name a number.
os.environ["LOKY_MAX_CPU_COUNT"] = "1"
# Tests press Ctrl-C, which a shell has ignored in what it starts behind `&`.
signal.signal(signal.SIGINT, signal.default_int_handler)
gc.disable()  # until all is imported, which leaves nothing behind


class SharedSetUps(LoadScopeScheduling):
    """Sends tests of one costly set-up to one worker, and every other test to the next free one.

    Quick tests go file by file: to hand out each by itself takes longer than to run it.
    """

    def _split_scope(self, nodeid):
        file = nodeid.partition("::")[0]
        text = _text(self.config.rootpath / file)
        # The finished run of tests/pipeline, or its copy: what tests of a file, or fixtures, take.
        taken = r"^def \w+\([^()]*\b(finished|copy)[,:)\n]"
        if "tests/pipeline/" in file and re.search(taken, text, re.MULTILINE):
            return "finished"
        if "from mlflow" in text:
            return "finished"  # its last stage records: the libraries are imported once
        quick = "pytest.mark.slow" not in text or "not slow" in str(self.config.option.markexpr)
        kept = 'scope="module"' in text or "\n@cache\n" in text  # what tests of a file share
        return file if quick or kept else nodeid


@cache
def _text(path):
    python = path.is_file() and path.suffix == ".py"
    return path.read_text(encoding="utf-8") if python else ""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Let set-ups be made once where tests run on several workers."""
    return SharedSetUps(config, log)


def pytest_ignore_collect(collection_path, config):
    """Leave out files of slow tests where none is asked for: imports take time."""
    leaves_out = "not slow" in str(config.option.markexpr)
    is_slow = re.search(r"^pytestmark = \[?\s*pytest\.mark\.slow\b", _text(collection_path), re.M)
    return (leaves_out and is_slow is not None) or None


def pytest_collection_finish():
    """Leave all that was imported out of every later collection of garbage."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def real_data():
    """Return the folder of real images; absent it fails under CI and skips elsewhere."""
    named = os.environ.get("SKIAGRAM_DATA")
    if named and Path(named).is_dir():
        return Path(named)
    reason = "SKIAGRAM_DATA names no folder of real images"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def terminal(capsys):
    """Return a terminal in which lines of the command are typed."""
    from tests.terminal import Terminal

    return Terminal(capsys)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in an empty folder that is in no project and knows of no data; return it."""
    for name in ("DVC_ROOT", "MLFLOW_TRACKING_URI", "SKIAGRAM_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def initialised(here, monkeypatch, terminal):
    """Return what types `skiagram init` in a project, and returns the data set that it wrote."""
    from skiagram.options import build, read_option_file

    def type_init(words, project=here, says=""):
        (project / "conf/dataset").mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(project)
        terminal.says(["init", *words], says)
        [options] = (project / "conf/dataset").glob("*.yaml")
        return build(read_option_file(options), "dataset")

    return type_init


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """Return a database with MLflow's tables and no run: to make the tables takes seconds."""
    from mlflow.tracking import MlflowClient

    database = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{database}")
    return database
