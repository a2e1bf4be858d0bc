"""Running out of memory names the option; other errors stay what they are."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from skiagram.errors import ModelFailure
from skiagram.models.contract import FitContext
from skiagram.training.fit import Curves
from skiagram.training.processes import memory_failures
from tests.models.deep.spots import halves, learner, training

pytestmark = pytest.mark.slow

EXHAUSTED = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
    RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"),
    MemoryError(),
]


def raising(error: Exception) -> Callable[..., None]:
    def exhaust(*arguments: object) -> None:
        raise error

    return exhaust


@pytest.mark.parametrize("error", EXHAUSTED)
def test_training_and_scoring_name_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    known, unseen = halves(tmp_path, 48)
    fitted = learner(training(epochs=1)).fit(known, FitContext(0, validation=unseen))
    monkeypatch.setattr(fitted, "_score", raising(error))
    with pytest.raises(ModelFailure, match=r"during scoring.*training\.batch_size \(now 16\)"):
        fitted.scores(unseen.inputs)
    monkeypatch.setattr(Curves, "on_train_epoch_end", raising(error))
    with pytest.raises(ModelFailure, match=r"during training.*training\.batch_size \(now 16\)"):
        learner(training()).fit(known, FitContext(0, validation=unseen))


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shape"), memory_failures("training", 4):
        raise RuntimeError("wrong shape")
