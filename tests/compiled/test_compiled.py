"""Compiled code is kept, where there is room for it, and never older than what it was made of."""

import os
import signal
import subprocess
import sys

import pytest
from numba.core import caching, event

from skiagram.compiled.loops import compiled

TWICE = """
from skiagram.compiled.loops import compiled
FACTOR = {factor}

@compiled
def times(value):
    return FACTOR * value
"""
CALLER = """
from pathlib import Path
import skiagram.compiled.compilation as room
room._ROOT = Path.cwd()
from skiagram.compiled.loops import compiled
from callee import times

@compiled
def twice_and_one(value):
    return times(value) + 1

print(twice_and_one(10), *twice_and_one.machine_code.stats.cache_hits.values())
"""


def call(folder, **environment):
    command = [sys.executable, "caller.py"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.slow
def test_code_is_kept_in_the_folder_that_the_environment_names(tmp_path):
    source, cache = tmp_path / "source", tmp_path / "cache"
    source.mkdir()
    (source / "caller.py").write_text(CALLER)
    (source / "callee.py").write_text(TWICE.format(factor=2))
    assert call(source, NUMBA_CACHE_DIR=str(cache)) == ["21"]
    assert call(source, NUMBA_CACHE_DIR=str(cache)) == ["21", "1"]
    assert not list(source.rglob("*.nbi"))
    assert list(cache.rglob("*.nbi"))


@pytest.mark.slow
def test_kept_code_serves_equal_files_of_a_copy_too_until_a_file_changes_that_it_was_made_of(
    tmp_path,
):
    home, copy = tmp_path / "home", tmp_path / "copy"
    for folder in (home, copy):
        folder.mkdir()
        (folder / "caller.py").write_text(CALLER)
        (folder / "callee.py").write_text(TWICE.format(factor=2))
    assert call(home) == ["21"]
    assert call(copy, DVC_ROOT=str(home)) == ["21", "1"]  # as a copy for a queued run
    (home / "callee.py").write_text(TWICE.format(factor=3))
    assert call(home) == ["31"]
    assert call(copy, DVC_ROOT=str(home)) == ["21", "1"]  # of what it was made of, not the newest


def test_without_a_folder_for_it_code_is_compiled_anyway_which_is_said_once(monkeypatch, capsys):
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    factor = 3
    assert [compiled(lambda value: value * factor)(2), compiled(abs_difference)(1, 4)] == [6, 3]
    assert capsys.readouterr().err.count("set NUMBA_CACHE_DIR") == 1


def abs_difference(first, second):
    return max(first, second) - min(first, second)


def test_code_on_a_full_disk_or_cut_short_costs_time_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    assert compiled(abs_difference)(1, 4) == 3
    for kept in tmp_path.rglob("*.nb?"):
        kept.write_bytes(kept.read_bytes()[:40])

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    assert compiled(abs_difference)(1, 4) == 3


def test_processes_that_compile_at_once_keep_code_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    with monkeypatch.context() as at_once:  # each looks before the other has written
        at_once.setattr(caching.IndexDataCacheFile, "_load_index", lambda _: {})
        assert [compiled(abs_difference)(number, 4) for number in (1, 1.5)] == [3, 2.5]
    later = compiled(abs_difference)
    assert [later(number, 4) for number in (1, 1.5)] == [3, 2.5]
    assert sum(later.machine_code.stats.cache_hits.values()) == 2


def test_a_command_line_that_compiles_nothing_imports_no_numba():
    lines = "import sys, skiagram.cli.main as c, skiagram.cli.check_report, skiagram.features.glcm"
    refuse = "assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", f"{lines}\n{refuse}"], check=True)


class _Interrupted(event.Listener):
    """Presses Ctrl-C where libraries of C call Python, which prints an exception and goes on."""

    def on_start(self, event):
        os.kill(os.getpid(), signal.SIGINT)

    def on_end(self, event):
        pass


def test_ctrl_c_while_a_function_is_compiled_interrupts_once_that_is_done():
    def twice(value):
        return 2 * value

    function = compiled(twice)
    assert not function.machine_code.signatures
    before = signal.getsignal(signal.SIGINT)
    interrupted = event.install_listener("numba:compiler_lock", _Interrupted())
    with interrupted, pytest.raises(KeyboardInterrupt):
        function(1)
    assert len(function.machine_code.signatures) == 1
    assert function(1) == 2
    assert signal.getsignal(signal.SIGINT) is before
