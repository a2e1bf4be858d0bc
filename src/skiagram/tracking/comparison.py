"""Recorded runs beside one another: which options a run changed, and what its models reached.

The command `skiagram runs` and the table of MLflow show the same.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from skiagram.composition import CHOSEN_BY, SEVERAL
from skiagram.compute.checkout import ask_git
from skiagram.options import split_names

EXPERIMENT = "DVC_EXP_NAME"  # tag: DVC's experiment
WORKSPACE = "workspace"  # in its place
FAILED = "skiagram.failed"  # tag: the stage in which a run ended
METRICS_ID = "skiagram.metrics"  # tag: id that git gives to the content of reports/metrics.json
_FIGURES = "reports/metrics.json"
_BEST_SELECTION = re.compile(r"best_(\w+?)_(selection_(?!sensitivity)\w+)")
_MODEL_GROUPS = ("model", "combination")  # groups whose files are models
_TRAINED = ("baselines", "networks", "combinations")  # choices that list models


@dataclass(frozen=True)
class RecordedRun:
    """A run of the whole pipeline as a tracker has it.

    Attributes:
        options: Name of every option → its value as text.
        figures: Name of a figure → its value.
        tags: Tag → text.
        began: Seconds since 1970.
        seconds: Wall time; None where it is not known.
    """

    name: str
    options: Mapping[str, str]
    figures: Mapping[str, float]
    tags: Mapping[str, str]
    began: float = 0.0
    seconds: float | None = None

    @property
    def selection(self) -> str:
        """Return the figure that models are chosen by, such as `selection_auc`; empty for none."""
        found = filter(None, map(_BEST_SELECTION.fullmatch, self.figures))
        return next((match[2] for match in found), "")

    def best_models(self) -> list[str]:
        """Return the model that stands for each arm."""
        arms = (
            match[1] for match in filter(None, map(_BEST_SELECTION.fullmatch, sorted(self.figures)))
        )
        return [best for arm in arms if (best := self.tags.get(f"skiagram.best_{arm}"))]


class DevelopmentFigure(NamedTuple):
    """What a model reached on the development set, and how much more than in the base run.

    The second is None where the base run has no such figure.
    """

    model: str
    value: float
    difference: float | None


def find_changes(run: RecordedRun, base: RecordedRun) -> dict[str, tuple[str, str]]:
    """Return option → value in the base run and in this one, where both have it and it differs.

    An option that one of them lacks is of a model or a data set that it does not have, which
    another option says. Options that follow from another one are left out.
    """
    before, now = base.options, run.options
    both = [name for name in sorted(now) if name in before and before[name] != now[name]]
    # `model.cnn.seed` follows `seed`, and the images follow the options of their data set.
    choices = {name for name in both if "." not in name}
    own = [
        name
        for name in both
        if name != "data.name" and (name in choices or name.rpartition(".")[2] not in choices)
    ]
    if any(name.startswith("dataset") for name in own):
        own = [name for name in own if name != "data.sha256"]
    # Another config, such as that of another data set, has options of its own.
    single = {group for group, choice in CHOSEN_BY.items() if choice in choices} - SEVERAL.keys()
    own = [name for name in own if name in choices or name.partition(".")[0] not in single]
    # choices of params.yaml stand before options of files
    own.sort(key=lambda name: "." in name)
    return {name: (before[name], now[name]) for name in own}


def compare_models(run: RecordedRun, base: RecordedRun) -> list[DevelopmentFigure]:
    """Return the figures of the models that a run changed, of those that were trained."""
    # The models that changed options are of; the best of each arm where they are of all.
    touched: list[str] = []
    for name in find_changes(run, base):
        group, _, rest = name.partition(".")
        if group in _MODEL_GROUPS:
            touched.append(rest.partition(".")[0])
        elif group in _TRAINED:  # which models there are
            touched += [
                figure.partition("/")[2]
                for figure in run.figures
                if figure.startswith(f"{run.selection}/") and figure not in base.figures
            ]
        else:
            touched += run.best_models()
    # What they reached, beside the base run.
    compared = []
    for model in dict.fromkeys(touched or run.best_models()):
        figure = f"{run.selection}/{model}"
        if (value := run.figures.get(figure)) is None:
            continue
        before = None if run is base else base.figures.get(figure)
        compared.append(DevelopmentFigure(model, value, None if before is None else value - before))
    return compared


def metrics_id(project: Path) -> str:
    """Return the id that git gives to a project's figures; empty where git is not installed."""
    return ask_git(project, "hash-object", _FIGURES)


def find_base(runs: Sequence[RecordedRun], project: Path) -> tuple[RecordedRun, bool]:
    """Return the run that others are compared with, and whether its figures are committed to git.

    Without a committed one it is the first.

    Args:
        runs: At least one, all of them with figures.
    """
    committed = ask_git(project, "rev-parse", "--quiet", "--verify", f"HEAD:./{_FIGURES}")
    committed_runs = [run for run in runs if committed and run.tags.get(METRICS_ID) == committed]
    return min(committed_runs or runs, key=lambda run: run.began), bool(committed_runs)


def option_address(name: str, options: Mapping[str, str]) -> str:
    """Return an option as command lines have it: `svm.C` for the recorded `model.svm.C`."""
    group, _, rest = name.partition(".")
    if not rest:
        return name
    if group in _MODEL_GROUPS or group in SEVERAL:
        return rest
    chosen = options.get(CHOSEN_BY.get(group, ""))
    return name if chosen is None else f"{chosen}.{rest}"


def describe_change(before: str, now: str) -> str:
    """Return `1 → 3`; of a list what came and what went, such as `+svm −lda`."""
    # The names of both lists, as JSON or with commas; another value is none.
    lists = []
    for value in (before, now):
        is_json = value.startswith("[")
        names = json.loads(value) if is_json else split_names(value)
        if (is_json or "," in value) and all(isinstance(name, str) for name in names):
            lists.append(names)
    if len(lists) < 2:
        return f"{before or 'none'} → {now or 'none'}"
    came = [f"+{name}" for name in lists[1] if name not in lists[0]]
    went = [f"−{name}" for name in lists[0] if name not in lists[1]]
    return " ".join([*came, *went]) or "another order"
