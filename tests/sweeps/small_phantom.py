"""A sweep's workspace whose phantom takes a second."""

import shutil
from dataclasses import replace
from pathlib import Path

import yaml

from skiagram.composition import Composition
from skiagram.compute.context import RunContext
from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import Compute
from skiagram.options import check
from skiagram.sweeps.workspace import Workspace
from tests import stand_ins

CONF = Path(__file__).parents[2] / "conf"

TRAINER = stand_ins.CPU
PLAN = replace(stand_ins.PLAN, repeats=1, folds=3, validation_fraction=0.2)


def context_in(store: Path) -> RunContext:
    """Return the default use of the machine, with a store in a folder."""
    values = yaml.safe_load((CONF / "compute/local.yaml").read_text())
    return RunContext(check(Compute, values, "compute"), PieceStore(store))


def small_place(folder: Path, patients: tuple[int, int, int] = (24, 4, 12)) -> Workspace:
    """Return a place with all option files, the phantom's made small."""
    conf = folder / "conf"
    if not conf.exists():
        shutil.copytree(CONF, conf)
        shutil.copy(CONF.parent / "params.yaml", folder)
        file = conf / "dataset/phantom.yaml"
        values = yaml.safe_load(file.read_text())
        values["patients"] = dict(zip(("train", "validation", "test"), patients, strict=True))
        values["size"], values["nodule"]["places"] = 32, 7
        file.write_text(yaml.safe_dump(values))
    return Workspace(Composition(folder), None, context_in(folder / "work"))
