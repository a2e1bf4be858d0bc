"""What all entrypoints share: checked options in, whole outputs out, errors as one line."""

import errno
import fcntl
import functools
import json
import os
import platform
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

import hydra
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.errors import HydraException, MissingConfigException
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from skiagram.errors import OptionError, SkiagramError
from skiagram.options import check, read_option_file

ROOT = Path(__file__).resolve().parents[1]
PARAMS = ROOT / "params.yaml"
_REMEDIES = {  # of what a machine refuses; any other error of the system shows where it arose
    errno.ENOSPC: "free some space (`dvc gc -w` deletes what no run needs), then run it again",
    errno.EDQUOT: "free some of your share of the disk, then run it again",
    errno.EFBIG: "allow larger files (`ulimit -f`), then run it again",
    errno.EROFS: "work in a folder that may be written",
    errno.EACCES: "give yourself the right to write there",
    errno.EPERM: "give yourself the right to write there",
    errno.EIO: "the disk or its connection is faulty: copy the project elsewhere",
}
_FROM_PARAMS = re.compile(r"\$\{params:(\w+)\}")
O = TypeVar("O")  # noqa: E741

if not os.access(Path.home(), os.W_OK):  # Matplotlib would print two lines when it is imported
    os.environ.setdefault("MPLCONFIGDIR", str(ROOT / ".work" / "matplotlib"))

OmegaConf.register_new_resolver(
    "params", lambda name: read_option_file(PARAMS, PARAMS.name)[name], replace=True
)


class OptionFiles(FileConfigSource):
    """The folder `conf`, each file checked before Hydra reads it.

    Where a defaults list asks for `["${params:name}"]`, params.yaml names several option files.
    """

    @staticmethod
    def scheme() -> str:
        """Return the word by which a search path asks for such a source."""
        return "options"

    def load_config(self, config_path: str) -> ConfigResult:
        """Return one option file.

        Raises:
            OptionError: It is no plain YAML.
        """
        name = self._normalize_file_name(config_path)
        if (Path(self.path) / name).exists():
            read_option_file(Path(self.path) / name, f"conf/{name}")
        loaded = super().load_config(config_path)
        values = OmegaConf.to_container(loaded.config, resolve=False)
        if isinstance(values, dict) and "defaults" in values:
            defaults = [_with_chosen_names(entry) for entry in values["defaults"]]
            OmegaConf.update(loaded.config, "defaults", defaults)
        return loaded


def _with_chosen_names(entry: Any) -> Any:
    """Return an entry of a defaults list with the names that params.yaml gives, comma-separated.

    Hydra resolves an interpolation there to a single name.
    """
    if not isinstance(entry, dict):
        return entry
    named = {}
    for group, names in entry.items():
        only = names[0] if isinstance(names, list) and len(names) == 1 else ""
        if reference := _FROM_PARAMS.fullmatch(str(only)):
            text = str(read_option_file(PARAMS, PARAMS.name)[reference[1]])
            names = [name.strip() for name in text.split(",") if name.strip()]
        named[group] = names
    return named


class OptionFolder(SearchPathPlugin):
    """Tells Hydra where option files stand."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Have the folder that Hydra was given read by `OptionFiles`."""
        for element in search_path.get_path():
            if element.provider == "main":
                element.path = f"{OptionFiles.scheme()}://{ROOT / 'conf'}"


Plugins.instance().register(OptionFiles)
Plugins.instance().register(OptionFolder)


def stage(options: type[O]) -> Callable[[Callable[[O], None]], Callable[[], None]]:
    """Make an entrypoint of a function: compose and check its options, turn errors into exit codes.

    Args:
        options: Dataclass of the stage's options; the primary config has the module's name.
    """

    def decorate(run: Callable[[O], None]) -> Callable[[], None]:
        name = Path(run.__code__.co_filename).stem

        def task(config: DictConfig) -> None:
            values = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
            started = time.monotonic()
            try:
                with _named_refusals(name):
                    run(check(options, _mapping(values), name))
            except SkiagramError as error:  # Hydra would print a line of its own
                _leave(error)
            _note_seconds(name, time.monotonic() - started)

        @functools.wraps(run)
        def main() -> None:
            os.environ["HYDRA_FULL_ERROR"] = "1"
            decorated = hydra.main(
                version_base="1.3", config_path=str(ROOT / "conf"), config_name=name
            )
            try:
                if PARAMS.exists():
                    read_option_file(PARAMS, PARAMS.name)
                decorated(task)()
            except OptionError as error:
                _leave(error)
            except (HydraException, OmegaConfBaseException) as error:
                _leave(_explain(error, name))
            except KeyboardInterrupt:
                sys.exit(130)

        return main

    return decorate


def _explain(error: Exception, name: str) -> OptionError:
    missing = error.missing_cfg_file if isinstance(error, MissingConfigException) else None
    if isinstance(missing, str):
        files = (ROOT / "conf" / missing).parent.glob("*.yaml")
        allowed = ", ".join(sorted(path.stem for path in files))
        return OptionError(f"no option file conf/{missing}.yaml", where=name, allowed=allowed)
    return OptionError(" ".join(str(error).split()), where=name)


@contextmanager
def _named_refusals(name: str) -> Iterator[None]:
    """Turn what the system refuses, such as to write on a full disk, into a named error."""
    try:
        yield
    except OSError as error:
        # A copied folder's error holds those of its files as text.
        numbered = re.search(r"\[Errno (\d+)\]", str(error))
        number = int(numbered[1]) if numbered else error.errno
        if number not in _REMEDIES:
            raise
        reason = os.strerror(number) + (f" ({error.filename})" if error.filename else "")
        raise SkiagramError(reason, where=name, remedy=_REMEDIES[number]) from error


def _mapping(values: Any) -> dict[str, Any]:
    return {str(key): value for key, value in values.items()}


def _leave(error: SkiagramError) -> None:
    print(f"{error}", file=sys.stderr)
    sys.exit(error.exit_code)


def _note_seconds(name: str, seconds: float) -> None:
    """Keep the time beside the outputs, never in them; the tracker reads it."""
    if process_rank():
        return
    choices = HydraConfig.get().runtime.choices
    title = f"{name}-{choices['model']}" if "model" in choices else name
    path = ROOT / ".work" / "seconds" / f"{title}.json"
    with suppress(OSError):  # a full disk takes a note, no result
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"seconds": seconds, "host": platform.node()}))


def choice(group: str) -> str:
    """Return the name of the option file chosen for a group."""
    return str(HydraConfig.get().runtime.choices[group])


def output_root() -> Path:
    """Return where outputs go: the project, or the job's own folder under multirun."""
    config = HydraConfig.get()
    if config.mode == RunMode.MULTIRUN:
        return Path(config.runtime.output_dir)
    return ROOT


def process_rank() -> int | None:
    """Return this process's rank among those that run the stage together; None if it runs alone.

    Lightning, torchrun and srun start a stage once a device; only rank 0 writes.
    """
    srun = int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1
    names = ["RANK", "SLURM_PROCID"] if srun else ["RANK"]
    ranks = (os.environ.get(name) for name in (*names, "LOCAL_RANK"))
    return next((int(rank) for rank in ranks if rank is not None), None)


@contextmanager
def publish(*names: str) -> Iterator[Path]:
    """Yield a staging folder; on success its named parts replace the outputs, on failure nothing.

    The old outputs are moved aside, then the new ones take their places, then the old ones are
    deleted. If the run is killed before all new outputs stand, the next run of the stage puts the
    old ones back.

    Where several processes run the stage together, the first one publishes. Two runs of the same
    outputs go one after the other: a stage outlives a killed DVC, and the next run then waits.

    Args:
        *names: Paths of the outputs, relative to the project.
    """
    root, rank, key = output_root(), process_rank(), names[0].replace("/", "-")
    staging = ROOT / ".work" / "staging" / (f"{key}-{rank}" if rank else key)
    with nullcontext() if rank else _alone(key):
        shutil.rmtree(staging, ignore_errors=True)  # of a run that was killed
        staging.mkdir(parents=True)
        if not rank:
            _recover(root, names)
        try:
            yield staging
            if not rank:
                _replace(root, staging, names)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


@contextmanager
def _alone(key: str) -> Iterator[None]:
    """Wait until no other process makes these outputs; the system forgets a killed one."""
    path = ROOT / ".work" / "running" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("Another run of this stage is under way; waiting for its end.", file=sys.stderr)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _replace(root: Path, staging: Path, names: Iterable[str]) -> None:
    """Move new outputs to their places; an error on the way puts all old ones back."""
    absent = [name for name in names if not (staging / name).exists()]
    if absent:
        raise FileNotFoundError(f"the stage did not write {', '.join(absent)}")
    try:
        for name in names:
            if (root / name).exists():
                _aside(root, name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).replace(_aside(root, name))
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (staging / name).replace(root / name)
    finally:
        _recover(root, names)


def _recover(root: Path, names: Iterable[str]) -> None:
    """Delete the old outputs if all new ones stand; else put the old ones back."""
    all_stand = all((root / name).exists() for name in names)
    for name in names:
        aside = _aside(root, name)
        if aside.exists() and not all_stand:
            _delete(root / name)
            aside.replace(root / name)
        _delete(aside)


def _aside(root: Path, name: str) -> Path:
    """Return where an old output waits while it is replaced."""
    return root / ".work" / "replaced" / name


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
