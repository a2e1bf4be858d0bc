"""`dvc repro` whose stages are forked from it: what several of them import, it imports once.

`skiagram run` starts it: to import what a small table needs takes a stage longer than its work.
While a stage is at work, what later ones import is imported here.
"""

import gc
import os
import re
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import dvc.stage.run
import pandas  # noqa: F401 - for the first stage, and so for all
from dvc.cli import main
from dvc.stage.exceptions import StageCmdFailedError

from skiagram.compute.workers import end_with

_SCRIPT = re.compile(r"python pipeline/(\w+)\.py( [\w=]+)*")
_SOURCES = Path(__file__).parents[1]
# Script of a stage that nearly every run ends with → what it imports when it is at work, in order.
_LAST_STAGES = {
    "evaluate": (
        "matplotlib.backends.backend_svg",
        "sklearn.discriminant_analysis",
        "skiagram.compiled.compilation",
    ),
    "record": ("mlflow.tracking", "mlflow.store.tracking.sqlalchemy_store"),
}
_WITHOUT_LATER_ONES = ("digest", "record")  # no stage may follow
_run_in_shell: Any = getattr(dvc.stage.run, "_run", None)  # where it is elsewhere, DVC does all


def _run(executable: str, command: str, **settings: Any) -> None:
    """Run a script of the pipeline in a fork, and any other command of a stage as DVC does."""
    script, folder = _SCRIPT.fullmatch(command), Path(settings["cwd"])
    # A clone runs the code of its own folder, which may be another than that of this process.
    own = folder / "src" / "skiagram"
    if script is None or sys.platform != "linux" or (own.is_dir() and own.resolve() != _SOURCES):
        _run_in_shell(executable, command, **settings)
        return
    # A script that is imported does nothing but import.
    interrupted = signal.getsignal(signal.SIGINT)
    sys.path[:1] = [str(folder / "pipeline")]
    _import_all([script[1]])
    # Ctrl-C is for the stage, which says what there is to say.
    started = (command.split()[1:], folder, settings["env"], os.getpid())
    signal.signal(signal.SIGINT, interrupted)
    process = get_context("fork").Process(target=_become, args=started)
    process.start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if script[1] not in _WITHOUT_LATER_ONES:
            for later, libraries in _LAST_STAGES.items():
                if later != script[1]:
                    _import_all([later, *libraries])
        process.join()
    finally:
        signal.signal(signal.SIGINT, interrupted)
    if process.exitcode:
        raise StageCmdFailedError(command, process.exitcode)


def _import_all(names: Sequence[str]) -> None:
    """Import modules, none of whose objects is garbage; a stage itself says what is wrong."""
    gc.disable()
    for name in names:
        with suppress(Exception):
            import_module(name)
    gc.freeze()
    gc.enable()


def _become(words: list[str], folder: Path, environment: Mapping[str, str], parent: int) -> None:
    """Have this process be one that was started with a script in a folder."""
    end_with(parent)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = words
    sys.modules.pop("project", None)  # which prepares each process
    runpy.run_path(words[0], run_name="__main__")


def _parse_lock_quickly() -> None:
    """Have DVC parse its lock without comments, of which it has none: seven times as fast."""
    with suppress(ImportError, AttributeError):  # where it is elsewhere, DVC does as ever
        from dvc.utils.serialize import _yaml

        parse_for_update = _yaml.parse_yaml_for_update

        def parse(text: str, path: Any) -> Any:
            is_lock = Path(path).name == "dvc.lock"
            return _yaml.parse_yaml(text, path) if is_lock else parse_for_update(text, path)

        _yaml.parse_yaml_for_update = parse


if __name__ == "__main__":
    dvc.stage.run._run = _run
    _parse_lock_quickly()
    sys.exit(main())
