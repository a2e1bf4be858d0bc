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
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from skiagram.composition import Composition, parse_overrides
from skiagram.errors import DataError, OptionError, SkiagramError, refusal
from skiagram.models.arm_of_file import encoding_of
from skiagram.options import check, split_names
from skiagram.records.files import read_record
from skiagram.sweeps.figures import resolve
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
_OWN = re.compile(r"[+~]*(objective|hydra)[./]")  # words that change no option of a row


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
    values = {each.key_or_group: each.value() for each in parse_overrides(words)}
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
    ConfigStore.instance().store(
        "sweep", {"objective": OBJECTIVE, "hydra": HYDRA, "places": places}
    )
    # Options have their addresses in the line, and are added to Hydra's config by whole names.
    options, named = Composition(root), dict[str, str]()
    for word in words:
        address, equals, value = word.partition("=")
        is_own = _OWN.match(address) is not None
        named[word] = word if is_own else f"++{options.find_option(address)}{equals}{value}"
    sys.argv[1:] = [named.get(word, word) for word in sys.argv[1:]]
    # The objective is checked before any row is run.
    objective = check_objective(root, [*named.values()])
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
    overrides = parse_overrides(HydraConfig.get().overrides.task)
    changes, project = _list_changes(overrides), Path(config["places"]["project"])
    objective = check(Objective, dict(config["objective"]), "objective")
    model = find_model(
        Composition(project, changes), objective, changes, HydraConfig.get().sweeper._target_
    )
    # A single row of a sweep of its own.
    row = Row(1, changes, changes, 1)
    sweep = Sweep(question="", rows=(changes,))
    (result,) = run_rows(BY_HAND, sweep, [row], Workspace.of_project(project))
    note = Path(config["places"]["rows"]) / f"{HydraConfig.get().job.num}.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps(changes), encoding="utf-8")
    if result.reason:
        raise SkiagramError(f"row {row.name()} failed: {result.reason}")
    # The figure that a sweeper chooses by.
    if model is None:
        return None
    figures = result.figures
    model = resolve(figures, model)
    worth = figures.worth(model)
    if worth is None:
        raise SkiagramError(f"{model} has no {figures.chosen_by(model)}", where=row.name())
    return worth


def _list_changes(overrides: Iterable[Override]) -> dict[str, Any]:
    """Return the whole name of each option that words change → its value."""
    changed = (each for each in overrides if not _OWN.match(f"{each.key_or_group}."))
    return {each.key_or_group: each.value() for each in changed}


def check_objective(root: Path, words: Sequence[str]) -> Objective:
    """Refuse, before the first row, an objective that every job would refuse; return it.

    Args:
        words: The overrides of the sweep. Where they sweep the models of the run, each job is
            checked before its own row.
    """
    # Options as Hydra will give them to each job.
    overrides = parse_overrides(words)
    fixed = [each for each in overrides if not each.is_sweep_override()]
    lines = [str(each.input_line) for each in fixed]
    with hydra.initialize(version_base="1.3", config_path=None):
        try:
            config = hydra.compose("sweep", lines, return_hydra_config=True)
        except HydraException as error:  # such as a plug-in that is not installed
            raise OptionError(str(error).partition("\n")[0].rstrip("."), where="sweep") from error
    ranges = OmegaConf.select(config, "hydra.sweeper.params") or {}  # of Optuna's sweeper, say
    objective = check(Objective, dict(config["objective"]), "objective")
    # Where the models themselves change, only the job can tell what its run holds.
    swept = {each.key_or_group for each in overrides if each.is_sweep_override()} | {*ranges}
    if not {"baselines", "combinations", "encoders", "networks"} & swept:
        options = Composition(root, _list_changes(fixed))
        names = [*(each.key_or_group for each in overrides), *ranges]
        find_model(options, objective, names, config.hydra.sweeper._target_)
    return objective


def find_model(
    options: Composition, objective: Objective, changed: Iterable[str], sweeper: str
) -> str | None:
    """Find the model, or `best_<arm>`, by whose figure of development cases a job is judged.

    Where neither a model nor an arm is named it is the only model of the run whose config
    changes; None where there is no such model, and the sweeper needs none.

    Args:
        options: Those of the run.
        changed: Names of the options that are changed.
        sweeper: Class of Hydra's sweeper.

    Raises:
        OptionError: The run lacks the model or the arm, or a sweeper that chooses is not told by
            what.
    """
    # The models of the run by their arms: baselines that read an encoder are an arm of their own.
    chosen = {
        name: split_names(options.choices[name])
        for name in ("baselines", "networks", "combinations")
    }
    encoder = [
        name for name in chosen["baselines"] if encoding_of(options.read_file("model", name))
    ]
    by_arm = {
        "classical": [name for name in chosen["baselines"] if name not in encoder],
        "encoder": encoder,
        "deep": chosen["networks"],
        "combined": chosen["combinations"],
    }
    arms = {arm: models for arm, models in by_arm.items() if models}
    listed = "; ".join(f"{arm}: {', '.join(models)}" for arm, models in arms.items())
    # What the objective names must be in the run.
    model, arm = objective.model, objective.arm
    if model is not None and not any(model in models for models in arms.values()):
        raise refusal("sweeps.unknown_model", model=model, models=listed)
    if arm is not None and arm not in arms:
        raise refusal("sweeps.no_arm", arm=arm, arms=arms)
    # So must be the models whose options change.
    swept = sorted(name for name in changed if name.startswith(MODEL_PREFIXES))
    trained = [name for arm, models in arms.items() if arm != "combined" for name in models]
    check_changes(swept, {"model": trained, "combination": by_arm["combined"]})
    # A sweeper that chooses needs one model to choose by.
    chosen_by = objective.entry or find_swept_model(swept) or None
    if chosen_by is None and not sweeper.endswith(_GRID):
        raise refusal("sweeps.which_model", models=listed)
    return chosen_by
