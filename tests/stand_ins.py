"""A plan and a trainer for tests that train: quick ones, on one processor."""

from skiagram.fitting.cross_validation import Plan
from skiagram.training.options import Trainer

PLAN = Plan(
    repeats=2,
    folds=2,
    inner_folds=2,
    calibration="platt",
    sensitivity=0.9,
    validation_fraction=0.25,
    seed=0,
)
CPU = Trainer(
    accelerator="cpu",
    devices=1,
    num_nodes=1,
    strategy="auto",
    precision="32-true",
    channels_last=True,
    compile=False,
)
