"""What all stages share: checked options in, errors as one line and an exit code out."""

import atexit
import functools
import gc
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any, TypeVar

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

import option_files  # noqa: F401 - before the others, see there
from composition import explain_refusal
from option_files import PARAMS, ROOT
from outputs import process_rank
from skiagram.errors import OptionError, SkiagramError, named_refusals, recorded
from skiagram.options import check, read_option_file

FAILURE = "SKIAGRAM_FAILURE"  # variable with the stage and the error of a run that failed
O = TypeVar("O")  # noqa: E741

with suppress(OSError, NotImplementedError):  # `option_files` mends every other that is cut short
    Path(cache_from_source(__file__)).unlink()

if not os.access(Path.home(), os.W_OK):  # Matplotlib would print two lines when it is imported
    os.environ.setdefault("MPLCONFIGDIR", str(ROOT / ".work" / "matplotlib"))


def _skip_last_collection() -> None:
    """Have nothing looked through at the end, but for PyTorch, whose parts would print of leaks."""
    if "torch" in sys.modules:
        gc.unfreeze()
    else:
        gc.freeze()


if Path(getattr(sys.modules["__main__"], "__file__", None) or "").parent == Path(__file__).parent:
    gc.disable()  # until a stage has imported all, of which nothing is garbage; not in its workers
    atexit.register(_skip_last_collection)


def stage(options: type[O]) -> Callable[[Callable[[O], None]], Callable[[], None]]:
    """Make an entrypoint of a function: compose and check its options, turn errors into exit codes.

    Args:
        options: Dataclass of the stage's options; the primary config has the module's name.
    """

    def decorate(run: Callable[[O], None]) -> Callable[[], None]:
        name = Path(run.__code__.co_filename).stem

        def task(config: DictConfig) -> None:
            values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
            started = time.monotonic()
            try:
                with named_refusals(name):
                    run(check(options, values, name))
            except SkiagramError as error:  # Hydra would print a line of its own
                _record_failure(name, recorded(error))
                leave(error)
            except Exception as error:
                _record_failure(name, recorded(error))
                raise
            _note_seconds(name, time.monotonic() - started)

        @functools.wraps(run)
        def main() -> None:
            gc.freeze()
            gc.enable()
            decorated = hydra.main(
                version_base="1.3", config_path=str(ROOT / "conf"), config_name=name
            )
            with errors_in_one_line(name):
                _check_command(name)
                decorated(task)()

        return main

    return decorate


@contextmanager
def errors_in_one_line(name: str, interrupted: str = "") -> Iterator[None]:
    """End the process with the error as one line and its exit code; on Ctrl-C with 130.

    Args:
        name: What the command does, for errors of Hydra's.
        interrupted: Said on Ctrl-C.
    """
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, not to a page of Hydra's
    try:
        with named_refusals(name):
            yield
    except SkiagramError as error:
        leave(error)
    except (HydraException, OmegaConfBaseException) as error:
        leave(explain_refusal(error, name))
    except KeyboardInterrupt:
        print(interrupted, end="\n" if interrupted else "", file=sys.stderr)
        sys.exit(130)


def _check_command(name: str) -> None:
    if {"-m", "--multirun"} & {*sys.argv[1:]}:
        remedy = "sweep whole runs: `python pipeline/sweep.py -m seed=0,1`"
        fault = "a sweep of one stage would give no figures, report or record"
        raise OptionError(fault, where=name, remedy=remedy)
    if PARAMS.exists():
        read_option_file(PARAMS, PARAMS.name)


def leave(error: SkiagramError) -> None:
    """End the process with the error as one line and its exit code."""
    print(f"{error}", file=sys.stderr)
    sys.exit(error.exit_code)


def _record_failure(name: str, error: str) -> None:
    """Have a run that fails under DVC recorded as failed; a stage run by hand is no run.

    Args:
        error: As records have it: without names of files and patients.
    """
    if "DVC_STAGE" in os.environ and name != "record" and not process_rank():
        environment = os.environ | {FAILURE: f"{name}: {error}"}
        command = [sys.executable, str(ROOT / "pipeline/record.py")]
        with suppress(OSError):
            subprocess.run(  # noqa: S603
                command, env=environment, cwd=ROOT, check=False, capture_output=True
            )


def _note_seconds(name: str, seconds: float) -> None:
    """Keep the time beside the outputs, never in them; the tracker reads it."""
    if process_rank():
        return
    choices = HydraConfig.get().runtime.choices
    chosen = [choices[group] for group in ("model", "combination") if group in choices]
    title = "-".join([name, *chosen])
    path = ROOT / ".work" / "seconds" / f"{title}.json"
    with suppress(OSError):  # a full disk takes a note, no result
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"seconds": seconds, "host": platform.node()}), encoding="utf-8")


def choice(group: str) -> str:
    """Return the name of the option file chosen for a group."""
    return str(HydraConfig.get().runtime.choices[group])
