"""A sweep's workspace whose phantom takes a second, and what a sweep finds there."""

import shutil
from dataclasses import replace

import yaml
from omegaconf import OmegaConf

from skiagram.composition import Composition
from skiagram.compute.context import RunContext
from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import Compute
from skiagram.options import check
from skiagram.sweeps.rows import Sweep, expand_rows
from skiagram.sweeps.runs import TrainedRow, run_rows
from skiagram.sweeps.table import gather
from skiagram.sweeps.workspace import Workspace
from tests import REPOSITORY, stand_ins
from tests.yaml_rows import load_yaml, read_yaml

CONF = REPOSITORY / "conf"
REFUSED = read_yaml(__file__, "refused.yaml")

CHOICES = {  # of a place whose rows take a second or two
    "features": "first_order",
    "baselines": ["logistic_regression", "decision_tree"],
    "networks": [],
    "folds": 2,
}
SUBSET = "conf.plan.plan.subset"
PLAN = replace(stand_ins.PLAN, repeats=1, folds=3, validation_fraction=0.2)


def small_place(folder, patients=(24, 4, 12), **choices):
    """Return a workspace with all configs, the phantom's made small; what rows share is in `work`.

    Args:
        patients: For training, for validation and for testing.
        **choices: Of params.yaml, in place of the project's.
    """
    conf = folder / "conf"
    shutil.copytree(CONF, conf)
    params = load_yaml(CONF.parent / "params.yaml")
    (folder / "params.yaml").write_text(yaml.safe_dump(params | choices))
    compute = check(Compute, load_yaml(CONF / "compute/local.yaml"), "compute")
    context = RunContext(compute, PieceStore(folder / "work"))
    place = Workspace(Composition(folder), None, context)
    counts = dict(zip(("train", "validation", "test"), patients, strict=True))
    edit(place, "dataset", "phantom", patients=counts, size=32, nodule__places=7)
    return place


def edit(place, group, known, new="", **values):
    """Change options of a file of a place, or write a new one with them; `__` stands for a dot."""
    folder = place.options.root / "conf" / group
    options = OmegaConf.load(folder / f"{known}.yaml")
    for name, value in values.items():
        OmegaConf.update(options, name.replace("__", "."), value, merge=False)
    (folder / f"{new or known}.yaml").write_text(OmegaConf.to_yaml(options))


def make_sweep(**values):
    """Return a sweep with these values of its config."""
    return check(Sweep, {"question": "What does it change?", **values}, "sweep")


def run(workspace, **values):
    """Run the rows of a sweep; those that fail are rows, too."""
    sweep, trained = make_sweep(**values), dict[int, TrainedRow]()
    rows = list(run_rows("try", sweep, expand_rows(sweep), workspace, trained_rows=trained))
    return gather("try", sweep, rows, trained)


def run_curves(workspace, *sizes, **base):
    """Run the rows of learning curves: two draws of each number of training cases."""
    axes = {f"{SUBSET}.cases": [*sizes], f"{SUBSET}.draw": [0, 1]}
    base = {SUBSET: {"cases": 24, "draw": 0}} | base
    return run(workspace, base=base, axes=axes, analysis="learning_curves")
