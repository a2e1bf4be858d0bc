"""What the options of training and trainer do to a fit."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import logsumexp, softmax
from torch import Tensor

from skiagram.errors import ModelFailure
from skiagram.models.contract import FitContext, Labelled
from skiagram.models.deep.fitted import FittedNetwork, load_network
from skiagram.training.data import Examples, ImageSet
from skiagram.training.options import ImageSize, NetworkInput, Trainer
from tests.models.deep.spots import halves, learner, training
from tests.stand_ins import CPU

pytestmark = pytest.mark.slow

Cases = tuple[Labelled[ImageSet], Labelled[ImageSet]]


@pytest.fixture
def cases(tmp_path: Path) -> Cases:
    return halves(tmp_path, 48)


def fit(cases: Cases, trainer: Trainer = CPU, **changed: object) -> FittedNetwork:
    options = dataclasses.replace(training(), **changed)  # type: ignore[arg-type]
    model = dataclasses.replace(learner(options), trainer=trainer)
    return model.fit(cases[0], FitContext(3, validation=cases[1]))


def scores(fitted: FittedNetwork, cases: Cases) -> np.ndarray:
    return fitted.scores(cases[1].inputs)


def test_an_ensemble_averages_the_probabilities_of_fits_from_other_seeds(
    tmp_path: Path, cases: Cases
) -> None:
    alone, three = fit(cases), fit(cases, members=3)
    members = three._classifier.members
    images = cases[1].inputs.read(np.arange(16), None)
    with torch.inference_mode():
        each = np.stack([member(images).double().numpy() for member in members])
    np.testing.assert_allclose(each[0], scores(alone, cases), atol=1e-6)
    assert not np.allclose(each[0], each[1])
    expected = softmax(each, axis=2).mean(axis=0)
    found = scores(three, cases)
    np.testing.assert_allclose(np.exp(found), expected, atol=1e-6)
    np.testing.assert_allclose(logsumexp(found, axis=1), 0.0, atol=1e-6)
    assert three.summary.parameters == 3 * alone.summary.parameters
    assert three.summary.images_seen == 3 * alone.summary.images_seen
    assert three.summary.curves["epoch"].tolist() == alone.summary.curves["epoch"].tolist()
    three.save(tmp_path / "model")
    np.testing.assert_array_equal(scores(load_network(tmp_path / "model"), cases), found)


def test_an_ensemble_is_resumed_member_by_member(tmp_path: Path, cases: Cases) -> None:
    model = learner(dataclasses.replace(training(), members=2))
    known, unseen = cases
    context = FitContext(3, tmp_path / "whole", validation=unseen)
    whole = model.fit(known, context)
    folders = [tmp_path / "whole", tmp_path / "whole" / "member1"]
    assert all((folder / "finished.ckpt").exists() for folder in folders)
    again = model.fit(known, context)
    np.testing.assert_array_equal(scores(again, cases), scores(whole, cases))


def test_a_fit_leaves_the_environment_as_it_was(
    cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    fit(cases)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    fit(cases)
    assert "CUDA_VISIBLE_DEVICES" not in os.environ


def test_mixing_is_repeatable_and_mixes(
    cases: Cases,
) -> None:
    plain, one, other = fit(cases), fit(cases, mixup=0.4), fit(cases, mixup=0.4)
    np.testing.assert_array_equal(scores(one, cases), scores(other, cases))
    assert not np.allclose(scores(one, cases), scores(plain, cases))


@pytest.mark.thorough
def test_layouts_and_compilation_give_the_same_network_and_the_same_names(
    tmp_path: Path,
    cases: Cases,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = scores(fit(cases), cases)
    rows = dataclasses.replace(CPU, channels_last=False)
    np.testing.assert_allclose(scores(fit(cases, rows), cases), expected, atol=1e-3)
    calls, torch_compile = [], torch.compile

    def traced(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        calls.append(function)
        return torch_compile(function, backend="eager")

    monkeypatch.setattr(torch, "compile", traced)
    compiled = fit(cases, dataclasses.replace(CPU, compile=True))
    assert len(calls) == 1
    np.testing.assert_allclose(scores(compiled, cases), expected, atol=1e-3)
    compiled.save(tmp_path / "model")
    np.testing.assert_array_equal(
        scores(load_network(tmp_path / "model"), cases), scores(compiled, cases)
    )


def test_a_loss_that_is_no_number_names_the_cases_of_its_batch(
    cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ImageSet.read

    def poisoned(
        images: ImageSet, rows: np.ndarray, size: ImageSize, given: NetworkInput
    ) -> Tensor:
        pixels = read(images, rows, size, given)
        pixels[images.case_id[rows] == "case0007"] = torch.nan
        return pixels

    def moments(examples: Examples) -> tuple[Tensor, Tensor]:
        return torch.zeros(1), torch.ones(1)

    monkeypatch.setattr(ImageSet, "read", poisoned)
    monkeypatch.setattr(Examples, "moments", moments)
    with pytest.raises(ModelFailure, match=r"training loss is nan in epoch 0") as failure:
        fit(cases)
    assert failure.value.detail in str(failure.value)
    named = failure.value.detail.split(", ")
    assert "case0007" in named
    assert len(named) == 16
    assert set(named) <= set(cases[0].case_id)
