"""What all entrypoints share: checked options in, whole outputs out, errors as one line."""

import functools
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from skiagram.errors import OptionError, SkiagramError
from skiagram.options import check

ROOT = Path(__file__).resolve().parents[1]
O = TypeVar("O")  # noqa: E741

OmegaConf.register_new_resolver(
    "params", lambda name: OmegaConf.load(ROOT / "params.yaml")[name], replace=True
)


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
                decorated(task)()
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

    Of several processes that run the stage together, the first one's parts do.

    Args:
        *names: Paths of the outputs, relative to the project.
    """
    root = output_root()
    staging = ROOT / ".work" / "staging" / f"{Path(sys.argv[0]).stem}-{os.getpid()}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        yield staging
        for name in () if process_rank() else names:
            target = root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                shutil.rmtree(target)
            (staging / name).replace(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
