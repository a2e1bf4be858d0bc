"""Sweeps whole runs by Hydra: each job is an experiment of DVC, from the data to MLflow.

Usage: `python pipeline/sweep.py -m seed=0,1 conf.features.glcm.levels.bin_number=16,32`. Names are
those of params.yaml; an option of an option file has `conf.<group>.<file>` before it. A job returns
the difference in AUC, so Hydra's sweepers and launchers work as in any other program.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from option_files import PARAMS, ROOT
from skiagram.options import read_option_file

_HYDRA = {
    "run": {"dir": "."},
    "sweep": {"dir": "multirun/sweep", "subdir": "${hydra.job.num}"},
    "output_subdir": None,
}


def options() -> dict[str, Any]:
    """Return all that can be swept: the choices, and the values of every option file."""
    found: dict[str, Any] = {}
    for path in sorted((ROOT / "conf").glob("*/*.yaml")):
        values = read_option_file(path, path.relative_to(ROOT).as_posix())
        found.setdefault(path.parent.name, {})[path.stem] = values
    return {**read_option_file(PARAMS, PARAMS.name), "conf": found}


def as_dvc_writes(override: str) -> str:
    """Return an override of Hydra as `dvc exp run -S` takes it."""
    return re.sub(r"^conf\.(\w+)\.([^.=]+)\.", r"conf/\1/\2.yaml:", override)


def run(_: DictConfig) -> float | None:
    """Make one experiment in a folder of its own; return its difference in AUC, if it has one."""
    changes = sorted(as_dvc_writes(override) for override in HydraConfig.get().overrides.task)
    name = f"sweep-{hashlib.sha256(repr(changes).encode()).hexdigest()[:8]}"
    asked = [word for change in changes for word in ("-S", change)]
    dvc = [sys.executable, "-m", "dvc", "exp"]
    # One of this name gives way; `--force` would do so too, and run every stage again.
    subprocess.run([*dvc, "remove", "-q", name], cwd=ROOT, check=False, capture_output=True)  # noqa: S603
    command = [*dvc, "run", "--temp", "-n", name, *asked]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:  # noqa: S603
        raise SystemExit(f"{name} ({', '.join(changes)}) failed: see above")
    found = _git("for-each-ref", "--format=%(refname)", f"refs/exps/**/{name}").split()
    figures = json.loads(_git("show", f"{found[0]}:reports/metrics.json"))
    return next((of["roc_auc"] for name, of in figures.items() if name.startswith("best_")), None)


def _git(*words: str) -> str:
    command = ["git", *words]
    return subprocess.run(  # noqa: S603
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    # Jobs that a launcher starts elsewhere import option_files. No worker of a stage has this path,
    # on which `evaluate` and `record` would hide packages of these names.
    paths = [str(ROOT / "pipeline"), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    ConfigStore.instance().store("sweep", {**options(), "hydra": _HYDRA})
    hydra.main(version_base="1.3", config_path=None, config_name="sweep")(run)()
