"""What all stages share: composed options in, outputs published whole, errors as one line.

An entrypoint is a function of its checked options and of the run that it belongs to:

    @stage(ROOT, RestoreOptions)
    def main(options: RestoreOptions, run: StageRun) -> None: ...

Called from the command line it takes what Hydra's applications take: `model=svm seed=3`,
`--cfg job`, `-m model=svm,random_forest`, `+experiment=NAME`, `+debug=NAME`.
"""

import atexit
import functools
import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from skiagram.composition import Composition
from skiagram.compute.checkout import places_without_home
from skiagram.compute.progress import STAGE, report_to
from skiagram.errors import SkiagramError, named_refusals, recorded, refusal
from skiagram.options import check
from skiagram.projects.launcher import find_rank, forget_launcher
from skiagram.projects.outputs import publish
from skiagram.projects.stage_times import note_time

if TYPE_CHECKING:
    from omegaconf import DictConfig

FAILURE = "SKIAGRAM_FAILURE"  # variable with the stage and the error of a run that failed
O = TypeVar("O")  # noqa: E741

_SCRIPT = Path(getattr(sys.modules["__main__"], "__file__", None) or "").resolve()
if _SCRIPT.parent.name == "pipeline":
    gc.disable()  # until a stage has imported all, of which nothing is garbage; not in its workers
    for _name, _place in places_without_home(_SCRIPT.parents[1]).items():
        os.environ.setdefault(_name, _place)


@dataclass(frozen=True)
class StageRun:
    """A run of a stage.

    Attributes:
        members: Group → the config that was chosen, of groups of which the stage reads one.
        target: Where outputs go: the project's folder, or that of a job of `-m` or `+debug`.
        rank: This process's among those that run the stage together; None if it runs alone.
        published: Outputs that stand now.
    """

    members: Mapping[str, str]
    target: Path
    rank: int | None = None
    published: set[str] = field(default_factory=set)

    @contextmanager
    def publish(self, *names: str) -> Iterator[Path]:
        """Yield a folder whose parts of these names take the places of the outputs at the end."""
        with publish(self.target, *names, rank=self.rank) as folder:
            yield folder
        self.published.update(names)

    @contextmanager
    def required(self, name: str) -> Iterator[None]:
        """Refuse to end well without outputs: DVC would take those of an earlier run for new.

        Raises:
            SkiagramError: Nothing was published.
        """
        try:
            yield
        except SystemExit as end:
            if end.code:
                raise
        if not self.published:
            raise refusal("projects.no_outputs", name)


def stage(
    root: Path, options: type[O], *, shared: bool = False
) -> Callable[[Callable[[O, StageRun], None]], Callable[[], None]]:
    """Make an entrypoint of a function: compose and check its options, turn errors into exit codes.

    Args:
        root: The project's folder.
        options: Dataclass of the stage's options; its config has the script's name.
        shared: Whether several processes may run it together, each of which is told so.
    """

    def decorate(run: Callable[[O, StageRun], None]) -> Callable[[], None]:
        # The stage is named by its script.
        name = Path(run.__code__.co_filename).stem
        composition = Composition(root)
        rank: int | None = None

        # What runs once the options are composed.
        def task(values: Mapping[str, Any], members: Mapping[str, str], target: Path) -> None:
            under_way = StageRun(members, target, rank)
            started = time.monotonic()
            try:
                with named_refusals(name), under_way.required(name):
                    run(check(options, values, name), under_way)
            except SkiagramError as error:  # Hydra would print a line of its own
                _record_failure(root, name, recorded(error), rank)
                # an address is typed without the stage
                _leave(error.rephrased(lambda text: text.replace(f"`{name}.", "`")))
            except Exception as error:
                _record_failure(root, name, recorded(error), rank)
                raise
            if not rank:
                note_time(root, name, members, time.monotonic() - started)

        @functools.wraps(run)
        def main() -> None:
            nonlocal rank
            os.environ[STAGE] = name
            # Several processes share a stage only if it says so.
            if shared:
                rank = find_rank()
            else:
                forget_launcher()
            if rank:  # the first process alone says how far it is
                report_to(lambda *_: None)
            # What was imported stays: no collection looks at it again.
            gc.freeze()
            gc.enable()
            atexit.register(_skip_last_collection)
            with errors_in_one_line(name):
                members = composition.read_members(name, sys.argv[1:])
                if members is None:
                    _run_by_hydra(composition, name, task)
                else:  # as DVC types it
                    chosen = {group: ",".join(names) for group, names in members.items()}
                    task(composition.compose_stage(name, members), chosen, root)

        return main

    return decorate


def _run_by_hydra(
    composition: Composition,
    name: str,
    task: Callable[[Mapping[str, Any], Mapping[str, str], Path], None],
) -> None:
    """Have Hydra compose the options of a stage as its words and flags ask, once or for each job.

    Args:
        task: Takes the options, group → the config that was chosen, and where outputs go.

    Raises:
        OptionError: The words compose nothing.
    """
    import hydra
    from hydra._internal.utils import get_args_parser
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import HydraException
    from hydra.types import RunMode
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    began: list[str] = []  # once options are composed, errors are the stage's own

    def run_job(config: "DictConfig") -> None:
        began.append(name)
        job = HydraConfig.get()
        members = {group: str(member) for group, member in job.runtime.choices.items()}
        in_place = job.mode is RunMode.RUN and job.run.dir == "."
        target = composition.root if in_place else Path(job.runtime.output_dir)
        task(composition.read_values(config), members, target)

    # Overrides stand together after the flags: those of params.yaml, then the user's.
    given = get_args_parser().parse_args()
    words = given.overrides
    flags = [word for word in sys.argv[1:] if word not in words]
    decorated = hydra.main(
        version_base="1.3", config_path=str(composition.root / "conf"), config_name=name
    )
    try:
        if given.cfg is None:
            composition.refuse_other_data(name, words)
        sys.argv[1:] = [*flags, *composition.list_overrides(name, words)]
        decorated(run_job)()
    except (HydraException, OmegaConfBaseException, YAMLError, ValueError, RecursionError) as error:
        if began:
            raise
        raise composition.explain(error, name, words) from error


def _skip_last_collection() -> None:
    """Have nothing looked through at the end, but for PyTorch, whose parts would print of leaks."""
    if "torch" in sys.modules:
        gc.unfreeze()
    else:
        gc.freeze()


def failure_to_record() -> str:
    """Read the stage and the error of a run that failed, as `record` is told; empty for none.

    A stage that fails calls `record`; where DVC itself runs `record`, none has failed.
    """
    return "" if os.environ.get("DVC_STAGE") == "record" else os.environ.get(FAILURE, "")


@contextmanager
def errors_in_one_line(name: str, interrupted: str = "") -> Iterator[None]:
    """End the process with the error as one line and its exit code; on Ctrl-C with 130.

    Args:
        name: What the command does, for errors of the system.
        interrupted: Said on Ctrl-C.
    """
    # Output and interrupts behave alike in every shell.
    for stream in (sys.stdout, sys.stderr):  # in a locale without a letter it is escaped
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, not to a page of Hydra's
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # else it runs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with named_refusals(name):
            yield
    except SkiagramError as error:
        _leave(error)
    except KeyboardInterrupt:
        sys.stderr.write(f"{interrupted}\n" if interrupted else "")
        sys.exit(130)


def _leave(error: SkiagramError) -> None:
    """End the process with the error as one line and its exit code."""
    sys.stderr.write(f"{error}\n")
    sys.exit(error.exit_code)


def _record_failure(root: Path, name: str, error: str, rank: int | None) -> None:
    """Have a run that fails under DVC recorded as failed; a stage run by hand is no run.

    Args:
        error: As records have it: without names of files and patients.
        rank: This process's among those that run the stage; the first one alone records.
    """
    if "DVC_STAGE" in os.environ and name != "record" and not rank:
        environment = os.environ | {FAILURE: f"{name}: {error}"}
        command = [sys.executable, str(root / "pipeline/record.py")]
        with suppress(OSError):
            subprocess.run(  # noqa: S603
                command, env=environment, cwd=root, check=False, capture_output=True
            )
