"""The sweep that the command line asks for: of a config, or each of Hydra's jobs is a row.

`python pipeline/sweep.py -m seed=0,1 glcm.levels.bin_number=16,32` runs rows by hand: names are
those of params.yaml, and `FILE.OPTION` of a config.
Hydra's sweepers and launchers drive it as any other program.

A job returns what a sweeper chooses by, the figure of development cases of a model, or of an arm;
more of it is better (an error has a minus sign).
"""

import json
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import ConfigCompositionException, MissingConfigException
from omegaconf import DictConfig, OmegaConf

from skiagram.composition import Composition
from skiagram.errors import DataError, OptionError, SkiagramError, nearest, refusal
from skiagram.models.arm_of_file import fitted_options
from skiagram.options import PARAMS, check, read_option_file
from skiagram.records.files import read_record
from skiagram.sweeps.row_options import check_changes
from skiagram.sweeps.rows import (
    MODEL_PREFIXES,
    Objective,
    Row,
    Sweep,
    expand_rows,
    find_swept_model,
)
from skiagram.sweeps.runs import run_rows
from skiagram.sweeps.table import RESULT, SweepResult, read_sweep
from skiagram.sweeps.workspace import Workspace

BY_HAND = "by_hand"  # name of the sweep
OBJECTIVE = asdict(Objective())
HYDRA = {
    "run": {"dir": "."},
    "sweep": {"dir": "multirun/sweep", "subdir": "${hydra.job.num}"},
    "output_subdir": None,
}
_GRID = "BasicSweeper"  # Hydra's own runs all that it is given, whatever jobs return
_PLUGINS = {  # those that were tried; some ask for a version of their library that is too old
    "hydra/launcher/joblib": "hydra-joblib-launcher",
    "hydra/launcher/ray": "--no-deps hydra-ray-launcher",
    "hydra/launcher/submitit_local": "hydra-submitit-launcher",
    "hydra/launcher/submitit_slurm": "hydra-submitit-launcher",
    "hydra/sweeper/optuna": "--no-deps hydra-optuna-sweeper optuna",
}


class AskedSweep(NamedTuple):
    """What the command line asks for.

    Attributes:
        sweep: Its rows, of jobs those that were tried; None where there are none.
        failure: What ended Hydra's jobs, one of them or a launcher; None for nothing.
    """

    name: str
    sweep: Sweep | None
    failure: Exception | None = None


def find_sweep(root: Path, words: Sequence[str]) -> AskedSweep:
    """Read the sweep of a config of `conf/sweep`; further words change its base."""
    overrides = OverridesParser.create().parse_overrides([*words])
    values = {each.key_or_group: each.value() for each in overrides}
    name = values.pop("sweep", None)
    return AskedSweep(str(name), read_sweep(Workspace.of_project(root), name, values))


def run_jobs(root: Path, words: Sequence[str]) -> AskedSweep:
    """Run the rows that Hydra's sweeper makes of the command line; those that are done are kept.

    Raises:
        OptionError: The objective is refused, before the first row.
    """
    # Rows of an earlier sweep by hand go.
    rows = root / ".work/sweeps" / BY_HAND
    shutil.rmtree(rows, ignore_errors=True)
    places = {"project": str(root), "rows": str(rows)}  # for jobs, which may run elsewhere
    config = {**sweepable_options(root), "hydra": HYDRA, "places": places}
    # options have their addresses in the line, and their whole names in Hydra's config
    options = Composition(root)
    named: dict[str, str] = {}
    for word in words:
        address, equals, value = word.partition("=")
        whole = re.match(r"[+~]*(conf|objective|hydra)[./]", address)
        if not whole:
            address = options.find_option(address)
        if not whole and "." in address:
            # what its file leaves to its class has a place there, too
            *parents, last = address.split(".")
            place: dict[str, Any] = config
            for parent in parents:
                if not isinstance(place.get(parent), dict):
                    place[parent] = {}
                place = place[parent]
            place.setdefault(last, None)
        named[word] = f"{address}{equals}{value}"
    ConfigStore.instance().store("sweep", config)
    sys.argv[1:] = [named.get(word, word) for word in sys.argv[1:]]
    # The objective is checked before any row is run.
    objective = check_objective([*named.values()])
    failure: Exception | None = None
    try:
        hydra.main(version_base="1.3", config_path=None, config_name="sweep")(run_job)()
    except Exception as error:  # rows that are done are kept
        failure = error
    # Rows that were done, each once.
    noted = sorted(rows.glob("*.json"), key=lambda path: int(path.stem))
    changes = [json.loads(path.read_text(encoding="utf-8")) for path in noted]
    distinct = list({json.dumps(each, sort_keys=True): each for each in changes}.values())
    if not distinct:
        return AskedSweep(BY_HAND, None, failure)
    question = "What do the options change?"
    sweep = Sweep(question=question, rows=tuple(distinct), objective=objective)
    return AskedSweep(free_name(root, sweep), sweep, failure)


def free_name(root: Path, sweep: Sweep) -> str:
    """Choose `by_hand`, or with a number the first name whose folder holds no other rows.

    The same rows, or more besides them, renew their folder; others would take its place in silence.
    """
    # A folder with a part of these rows is taken up again.
    digests = {row.digest for row in expand_rows(sweep)}
    for name in chain([BY_HAND], (f"{BY_HAND}_{number}" for number in count(2))):
        path = root / "sweeps" / name / RESULT
        if not path.exists():
            return name
        with suppress(DataError):  # of a version that this one cannot read: it stays as it is
            if {each.row.digest for each in read_record(SweepResult, path).rows} <= digests:
                return name
    raise AssertionError(name)  # `count` has no end


def run_job(config: DictConfig) -> float | None:
    """Make one row; return what a sweeper chooses by.

    Raises:
        SkiagramError: The objective is refused, the row failed, or it lacks the figure. Sweepers
            take such a job for failed; NaN stops Optuna.
    """
    # What the job changes, without the objective.
    overrides = OverridesParser.create().parse_overrides([*HydraConfig.get().overrides.task])
    names = [each.key_or_group for each in overrides]
    model = find_model(config, names, HydraConfig.get().sweeper._target_)
    changes = {
        each.key_or_group: each.value()
        for each in overrides
        if not each.key_or_group.lstrip("+").startswith("objective.")
    }
    # A single row of a sweep of its own.
    row = Row(1, changes, changes, 1)
    sweep = Sweep(question="", rows=(changes,))
    workspace = Workspace.of_project(Path(config["places"]["project"]))
    (result,) = run_rows(BY_HAND, sweep, [row], workspace)
    note = Path(config["places"]["rows"]) / f"{HydraConfig.get().job.num}.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(changes), encoding="utf-8")
    if result.reason:
        raise SkiagramError(f"row {row.name()} failed: {result.reason}")
    # The figure that a sweeper chooses by.
    if model is None:
        return None
    figures = result.figures
    model = figures.resolve(model)
    worth = figures.worth(model)
    if worth is None:
        raise SkiagramError(f"{model} has no {figures.chosen_by(model)}", where=row.name())
    return worth


def sweepable_options(root: Path) -> dict[str, Any]:
    """List all that can be swept: the choices, and the values of every config."""
    found: dict[str, Any] = {}
    for path in sorted((root / "conf").glob("*/*.yaml")):
        values = read_option_file(path, path.relative_to(root).as_posix())
        found.setdefault(path.parent.name, {})[path.stem] = _without_references(values)
    choices = read_option_file(root / PARAMS, PARAMS)
    return {**choices, "conf": found, "objective": OBJECTIVE}


def _without_references(values: Any) -> Any:
    """Return values without text that Hydra would evaluate; a row reads the config itself."""
    if isinstance(values, dict):
        return {name: _without_references(value) for name, value in values.items()}
    if isinstance(values, list):
        return [_without_references(value) for value in values]
    return "" if isinstance(values, str) and ("${" in values or values == "???") else values


def check_objective(words: Sequence[str]) -> Objective:
    """Refuse, before the first row, an objective that every job would refuse; return it.

    Args:
        words: The overrides of the sweep. Where they sweep the models of the run, each job is
            checked before its own row.
    """
    # Options as Hydra will give them to each job.
    overrides = OverridesParser.create().parse_overrides([*words])
    fixed = [str(each.input_line) for each in overrides if not each.is_sweep_override()]
    with hydra.initialize(version_base="1.3", config_path=None):
        try:
            config = hydra.compose("sweep", fixed, return_hydra_config=True)
        except MissingConfigException as error:
            lacking = str(error.missing_cfg_file)
            fault, near = "Hydra's plug-in is not installed", nearest(lacking, _PLUGINS)
            remedy = f"`pip install {_PLUGINS[lacking]}`" if lacking in _PLUGINS else ""
            if not remedy:
                fault = "no plug-in of Hydra's"
                remedy = f"did you mean `{'='.join(near[0].rsplit('/', 1))}`?" if near else ""
            raise OptionError(fault, where=lacking, remedy=remedy) from error
        except ConfigCompositionException as error:  # such as an option that is not there
            raise OptionError(str(error).partition("\n")[0].rstrip("."), where="sweep") from error
    ranges = OmegaConf.select(config, "hydra.sweeper.params") or {}  # of Optuna's sweeper, say
    # Where the models themselves change, only the job can tell what its run holds.
    swept = {each.key_or_group for each in overrides if each.is_sweep_override()} | {*ranges}
    if not {"baselines", "combinations", "encoders", "networks"} & swept:
        names = [*(each.key_or_group for each in overrides), *ranges]
        find_model(config, names, config.hydra.sweeper._target_)
    return check(Objective, dict(config["objective"]), "objective")


def find_model(config: Mapping[str, Any], changed: Iterable[str], sweeper: str) -> str | None:
    """Find the model, or `best_<arm>`, by whose figure of development cases a job is judged.

    Where neither a model nor an arm is named it is the only model of the run whose config
    changes; None where there is no such model, and the sweeper needs none.

    Args:
        config: The choices of the run, the values of its configs, and the objective.
        changed: Names of the options that are changed.
        sweeper: Class of Hydra's sweeper.

    Raises:
        OptionError: The figure is of test cases, the run lacks the model or the arm, or a sweeper
            that chooses is not told by what.
    """
    # The models of the run by their arms: baselines that read an encoder are an arm of their own.
    values = config["conf"]["model"]
    fitted = {name: fitted_options(values.get(name, {})) for name in config["baselines"]}
    encoder = [name for name, options in fitted.items() if options.get("encoding")]
    by_arm = {
        "classical": [name for name in config["baselines"] if name not in encoder],
        "encoder": encoder,
        "deep": [*config["networks"]],
        "combined": [*config["combinations"]],
    }
    arms = {arm: models for arm, models in by_arm.items() if models}
    listed = "; ".join(f"{arm}: {', '.join(models)}" for arm, models in arms.items())
    # What the objective names must be in the run.
    objective = check(Objective, dict(config["objective"]), "objective")
    model, arm = objective.model, objective.arm
    if model is not None and not any(model in models for models in arms.values()):
        raise refusal("sweeps.unknown_model", model=model, models=listed)
    if arm is not None and arm not in arms:
        raise refusal("sweeps.no_arm", arm=arm, arms=", ".join(arms))
    # So must be the models whose options change.
    swept = sorted(name for name in changed if name.startswith(MODEL_PREFIXES))
    trained = [name for arm, models in arms.items() if arm != "combined" for name in models]
    check_changes(swept, {"model": trained, "combination": by_arm["combined"]})
    # A sweeper that chooses needs one model to choose by.
    chosen_by = objective.entry or find_swept_model(swept) or None
    if chosen_by is None and not sweeper.endswith(_GRID):
        raise refusal("sweeps.which_model", models=listed)
    return chosen_by
