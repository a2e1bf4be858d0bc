"""A study's workspace whose phantom takes a second."""

import shutil
from pathlib import Path

import yaml

from skiagram.compute.workers import Compute
from skiagram.models.cross_validation import Plan
from skiagram.options import check
from skiagram.studies.workspace import Workspace
from skiagram.training.options import Trainer

CONF = Path(__file__).parents[2] / "conf"

TRAINER = Trainer(
    accelerator="cpu",
    devices=1,
    num_nodes=1,
    strategy="auto",
    precision="32-true",
    channels_last=True,
    compile=False,
)
PLAN = Plan(
    repeats=1,
    folds=3,
    inner_folds=2,
    calibration="platt",
    sensitivity=0.9,
    validation_fraction=0.2,
    seed=0,
)


def local_compute() -> Compute:
    """Return the default use of the machine."""
    return check(Compute, yaml.safe_load((CONF / "compute/local.yaml").read_text()), "compute")


def small_place(folder: Path, patients: tuple[int, int, int] = (24, 4, 12)) -> Workspace:
    """Return a place with all option files, the phantom's made small."""
    conf = folder / "conf"
    if not conf.exists():
        shutil.copytree(CONF, conf)
        file = conf / "dataset/phantom.yaml"
        values = yaml.safe_load(file.read_text())
        values["patients"] = dict(zip(("train", "validation", "test"), patients, strict=True))
        values["size"], values["nodule"]["places"] = 32, 7
        file.write_text(yaml.safe_dump(values))
    return Workspace(conf, None, folder / "work", local_compute())
