"""What can be swept by hand, and what a job returns: `selection_auc` of a model, or of an arm."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from option_files import PARAMS, ROOT
from skiagram.errors import OptionError
from skiagram.models.tuned import fits_of
from skiagram.options import check, read_option_file, split_names
from skiagram.sweeps.rows import Objective
from skiagram.sweeps.runs import check_changes

OBJECTIVE = asdict(Objective())
_GRID = "BasicSweeper"  # Hydra's own runs all that it is given, whatever jobs return
_MODELS = {"baselines", "combinations", "encoders", "networks"}
_OF_MODELS = ("conf.model.", "conf.combination.")


def sweepable_options() -> dict[str, Any]:
    """Return all that can be swept: the choices, and the values of every option file."""
    found: dict[str, Any] = {}
    for path in sorted((ROOT / "conf").glob("*/*.yaml")):
        values = read_option_file(path, path.relative_to(ROOT).as_posix())
        found.setdefault(path.parent.name, {})[path.stem] = values
    choices = read_option_file(PARAMS, PARAMS.name)
    return {**choices, "conf": found, "objective": OBJECTIVE}


def check_objective(words: Sequence[str]) -> None:
    """Refuse, before the first row, an objective that every job would refuse.

    Args:
        words: The overrides of the sweep. Where they sweep the models of the run, each job is
            checked before its own row.
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


def find_entry(config: Mapping[str, Any], changed: Iterable[str], sweeper: str) -> str | None:
    """Return the entry of `reports/metrics.json` whose `selection_auc` a job returns.

    Where neither a model nor an arm is named it is the only model of the run whose option file
    changes; None where there is no such model, and the sweeper needs none.

    Args:
        config: The choices of the run, the values of its option files, and the objective.
        changed: Names of the options that are changed.
        sweeper: Class of Hydra's sweeper.

    Raises:
        OptionError: The figure is of test cases, the run lacks the model or the arm, or a sweeper
            that chooses is not told by what.
    """
    arms = _models_of_arms(config)
    files = {model: file for models in arms.values() for model, file in models.items()}
    objective = check(Objective, dict(config["objective"]), "objective")
    entry = _named_entry(objective, arms)
    of_models = sorted(name for name in changed if name.startswith(_OF_MODELS))
    used: dict[str, list[str]] = {"model": [], "combination": []}
    for file in files.values():
        _, group, name = file.split(".")
        used[group].append(name)
    check_changes(of_models, used)
    swept = {".".join(name.split(".")[:3]) for name in of_models}
    models = [model for model, file in files.items() if file in swept]
    if entry is None and len(models) == 1:
        entry = models[0]
    if entry is None and not sweeper.endswith(_GRID):
        found = "does not say which model is chosen by, and not exactly one model's options change"
        remedy = "add `objective.model=NAME`, or `objective.arm=ARM` for its best model"
        raise OptionError(found, where="objective", allowed=_listed(arms), remedy=remedy)
    return entry


def _models_of_arms(config: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return arm → model → its option file, as an override names it; no arm without models."""
    values = config["conf"]["model"]
    fitted = {name: fits_of(values.get(name, {}))[0] for name in config["baselines"]}
    encoded = [name for name, options in fitted.items() if options.get("encoding")]
    classical = [name for name in config["baselines"] if name not in encoded]
    combinations = split_names(config["combinations"])
    arms = {
        "classical": {name: f"conf.model.{name}" for name in classical},
        "encoder": {name: f"conf.model.{name}" for name in encoded},
        "deep": {name: f"conf.model.{name}" for name in config["networks"]},
        "combined": {name: f"conf.combination.{name}" for name in combinations},
    }
    return {arm: models for arm, models in arms.items() if models}


def _named_entry(objective: Objective, arms: Mapping[str, Mapping[str, str]]) -> str | None:
    model, arm = objective.model, objective.arm
    if model is not None and not any(model in models for models in arms.values()):
        raise OptionError(
            f"`{model}` is not in the run", where="objective.model", allowed=_listed(arms)
        )
    if arm is not None and arm not in arms:
        found = f"the run has no arm `{arm}`"
        raise OptionError(found, where="objective.arm", allowed=", ".join(arms))
    return objective.entry or None


def _listed(arms: Mapping[str, Mapping[str, str]]) -> str:
    return "; ".join(f"{arm}: {', '.join(models)}" for arm, models in arms.items())
