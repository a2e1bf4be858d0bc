"""`dvc repro` whose stages are forked from it: what several of them import, it imports once.

`skiagram run` starts it: to import what a small table needs takes a stage longer than its work.
"""

import gc
import os
import re
import runpy
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import dvc.stage.run
import dvc.utils.serialize
import pandas  # noqa: F401 - for the first stage, and so for all
from dvc.cli import main
from dvc.dvcfile import LOCK_FILE
from dvc.stage.exceptions import StageCmdFailedError

from skiagram.compute.workers import end_with

_SCRIPT = re.compile(r"python pipeline/(\w+)\.py( [\w=]+)*")
_SOURCES = Path(__file__).parents[1]
# Where these are elsewhere, DVC does all.
_run_in_shell: Any = getattr(dvc.stage.run, "_run", None)
_dvc_yaml: Any = getattr(dvc.utils.serialize, "_yaml", None)
_parse_for_update: Any = getattr(_dvc_yaml, "parse_yaml_for_update", None)


def _run(executable: str, command: str, **settings: Any) -> None:
    """Run a script of the pipeline in a fork, and any other command of a stage as DVC does."""
    script, folder = _SCRIPT.fullmatch(command), Path(settings["cwd"])
    # A clone runs the code of its own folder, which may be another than that of this process.
    own = folder / "src" / "skiagram"
    if script is None or sys.platform != "linux" or (own.is_dir() and own.resolve() != _SOURCES):
        _run_in_shell(executable, command, **settings)
        return
    # A script that is imported does nothing but import, none of which is garbage.
    interrupted = signal.getsignal(signal.SIGINT)
    sys.path[:1] = [str(folder / "pipeline")]
    gc.disable()
    with suppress(Exception):  # the stage itself says what is wrong
        import_module(script[1])
    gc.freeze()
    gc.enable()
    # Ctrl-C is for the stage, which says what there is to say.
    started = (command.split()[1:], folder, settings["env"], os.getpid())
    signal.signal(signal.SIGINT, interrupted)
    process = get_context("fork").Process(target=_become, args=started)
    process.start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process.join()
    finally:
        signal.signal(signal.SIGINT, interrupted)
    if process.exitcode:
        raise StageCmdFailedError(command, process.exitcode)


def _become(words: list[str], folder: Path, environment: Mapping[str, str], parent: int) -> None:
    """Have this process be one that was started with a script in a folder."""
    end_with(parent)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = words
    sys.modules.pop("project", None)  # which prepares each process
    runpy.run_path(words[0], run_name="__main__")


def _parse(text: str, path: Any) -> Any:
    """Parse YAML that DVC updates: its lock, which has no comments to keep, ten times as fast."""
    is_lock = Path(path).name == LOCK_FILE
    return _dvc_yaml.parse_yaml(text, path) if is_lock else _parse_for_update(text, path)


if __name__ == "__main__":
    dvc.stage.run._run = _run
    if _parse_for_update is not None:
        _dvc_yaml.parse_yaml_for_update = _parse
    sys.exit(main())
