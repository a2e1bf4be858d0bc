"""Running out of memory names the option; other errors stay what they are."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from skiagram.errors import ModelFailure
from skiagram.models.contract import FitContext
from skiagram.records import Cases
from skiagram.training.fit import Curves
from skiagram.training.processes import memory_failures, work_folder
from tests.models.deep.spots import halves, learner, training

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
    fitted = learner(training(epochs=1)).fit(known, unseen, FitContext(seed=0))
    monkeypatch.setattr(fitted, "_score", raising(error))
    with pytest.raises(ModelFailure, match=r"during scoring.*training\.batch_size \(now 16\)"):
        fitted.scores(unseen.inputs)
    monkeypatch.setattr(Curves, "on_train_epoch_end", raising(error))
    with pytest.raises(ModelFailure, match=r"during training.*training\.batch_size \(now 16\)"):
        learner(training()).fit(known, unseen, FitContext(seed=0))


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shape"), memory_failures("training", 4):
        raise RuntimeError("wrong shape")


def cases(label: int = 0) -> Cases:
    text = np.array(["a", "b"])
    return Cases(text, text, np.array(["train", "test"]), np.array([label, -1]))


def kept(root: Path, table: Cases, *inputs: str, code: str = "code") -> Path:
    """Leave a folder behind as a killed stage does."""
    with suppress(KeyboardInterrupt), work_folder(root, None, table, *inputs, code=code) as folder:
        (folder / "state").touch()
        raise KeyboardInterrupt
    return folder


def test_equal_inputs_find_the_state_and_success_removes_it(tmp_path: Path) -> None:
    left = kept(tmp_path, cases(), "options", "images")
    with work_folder(tmp_path, None, cases(), "options", "images", code="code") as again:
        assert again == left
        assert (again / "state").exists()
    assert not left.exists()


def test_any_other_input_starts_anew(tmp_path: Path) -> None:
    folders = {
        kept(tmp_path, cases(), "options", "images"),
        kept(tmp_path, cases(1), "options", "images"),
        kept(tmp_path, cases(), "other options", "images"),
        kept(tmp_path, cases(), "options", "other images"),
        kept(tmp_path, cases(), "optionsimages", ""),
        kept(tmp_path, cases(), "options", "images", code="other code"),
    }
    assert len(folders) == 6
