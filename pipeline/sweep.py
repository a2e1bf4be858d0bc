"""Sweeps whole runs by Hydra: each job is an experiment of DVC, from the data to MLflow.

Usage: `python pipeline/sweep.py -m seed=0,1 conf.features.glcm.levels.bin_number=16,32`. Names are
those of params.yaml; an option of an option file has `conf.<group>.<file>` before it. A job returns
`selection_auc` (see `objective`), so Hydra's sweepers and launchers work as in any other program.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from objective import FIGURE, OBJECTIVE, find_entry
from option_files import PARAMS, ROOT
from skiagram.errors import OptionError, SkiagramError
from skiagram.options import read_option_file

_HYDRA = {
    "run": {"dir": "."},
    "sweep": {"dir": "multirun/sweep", "subdir": "${hydra.job.num}"},
    "output_subdir": None,
}
_MODELS = {"baselines", "combinations", "encoders", "networks"}
_OBJECTIVE = re.compile(r"objective(\.|$)")


def options() -> dict[str, Any]:
    """Return all that can be swept: the choices, and the values of every option file."""
    found: dict[str, Any] = {}
    for path in sorted((ROOT / "conf").glob("*/*.yaml")):
        values = read_option_file(path, path.relative_to(ROOT).as_posix())
        found.setdefault(path.parent.name, {})[path.stem] = values
    choices = read_option_file(PARAMS, PARAMS.name)
    return {**choices, "conf": found, "objective": OBJECTIVE}


def as_dvc_writes(override: str) -> str:
    """Return an override of Hydra as `dvc exp run -S` takes it."""
    return re.sub(r"^conf\.(\w+)\.([^.=]+)\.", r"conf/\1/\2.yaml:", override)


def check_sweep(words: Sequence[str]) -> None:
    """Refuse, before the first run, an objective that every job would refuse.

    Args:
        words: The overrides of the sweep. Where they sweep the models of the run, each job is
            checked before its own run.
    """
    overrides = OverridesParser.create().parse_overrides([*words])
    fixed = [str(each.input_line) for each in overrides if not each.is_sweep_override()]
    with hydra.initialize(version_base="1.3", config_path=None):
        config = hydra.compose("sweep", fixed, return_hydra_config=True)
    ranges = OmegaConf.select(config, "hydra.sweeper.params") or {}  # of Optuna's sweeper, say
    swept = {each.key_or_group for each in overrides if each.is_sweep_override()} | {*ranges}
    if not _MODELS & swept:
        names = [*(each.key_or_group for each in overrides), *ranges]
        find_entry(config, names, config.hydra.sweeper._target_)


def run(config: DictConfig) -> float | None:
    """Make one experiment in a folder of its own; return what a sweeper chooses by.

    Raises:
        SkiagramError: The objective is refused, the run failed, or it lacks the figure. Sweepers
            take such a job for failed; NaN stops Optuna.
    """
    overrides = OverridesParser.create().parse_overrides([*HydraConfig.get().overrides.task])
    names = [each.key_or_group for each in overrides]
    entry = find_entry(config, names, HydraConfig.get().sweeper._target_)
    changes = sorted(
        as_dvc_writes(str(each.input_line))
        for each in overrides
        if not _OBJECTIVE.match(each.key_or_group)
    )
    name = f"sweep-{hashlib.sha256(repr(changes).encode()).hexdigest()[:8]}"
    asked = [word for change in changes for word in ("-S", change)]
    dvc = [sys.executable, "-m", "dvc", "exp"]
    # One of this name gives way; `--force` would do so too, and run every stage again.
    subprocess.run([*dvc, "remove", "-q", name], cwd=ROOT, check=False, capture_output=True)  # noqa: S603
    command = [*dvc, "run", "--temp", "-n", name, *asked]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:  # noqa: S603
        raise SkiagramError(f"{name} ({', '.join(changes)}) failed: see above")
    if entry is None:
        return None
    found = _git("for-each-ref", "--format=%(refname)", f"refs/exps/**/{name}").split()
    figures = json.loads(_git("show", f"{found[0]}:reports/metrics.json"))
    value = figures.get(entry, {}).get(FIGURE)
    if value is None:
        remedy = f"read in its report why: `dvc exp apply {name}`"
        raise SkiagramError(f"{entry} has no {FIGURE}", where=name, remedy=remedy)
    return float(value)


def _git(*words: str) -> str:
    command = ["git", *words]
    return subprocess.run(  # noqa: S603
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def main() -> None:
    """Sweep as the command line says."""
    # Jobs that a launcher starts elsewhere import option_files. No worker of a stage has this path,
    # on which `evaluate` and `record` would hide packages of these names.
    paths = [str(ROOT / "pipeline"), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come here, not to a page of Hydra's
    try:
        ConfigStore.instance().store("sweep", {**options(), "hydra": _HYDRA})
        check_sweep(get_args_parser().parse_args().overrides)
        hydra.main(version_base="1.3", config_path=None, config_name="sweep")(run)()
    except SkiagramError as error:
        sys.exit(_told(error))
    except (HydraException, OmegaConfBaseException) as error:
        sys.exit(_told(OptionError(str(error), where="sweep")))


def _told(error: SkiagramError) -> int:
    print(error, file=sys.stderr)
    return error.exit_code


if __name__ == "__main__":
    main()
