"""What a network trained on a GPU promises; each test needs one."""

from dataclasses import replace

import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.fitting.contract import FitContext
from skiagram.models.deep.fitted import load_network
from skiagram.models.deep.time_budget import measure_training
from skiagram.options import composed
from skiagram.training.augmentation import augment, draws
from skiagram.training.options import Augmentation
from tests.models.deep.spots import SIDES, halves, short_network
from tests.stand_ins import CPU

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU"),
]

NETWORKS = ("article_cnn", "small_cnn", "small_resnet", "vision_transformer")
GPU = replace(CPU, accelerator="gpu")
TURNED = Augmentation(
    horizontal_flip=True, vertical_flip=False, shift=0.05, rotation=10.0, shear=0.0, zoom=0.1
)


@pytest.mark.parametrize("name", NETWORKS)
def test_two_trainings_give_equal_scores_that_a_processor_repeats(name, tmp_path):
    known, unseen = halves(tmp_path, 48, side=SIDES.get(name, 16))
    model = replace(short_network(name, 2), trainer=GPU)
    first, second = (model.fit(known, FitContext(0, validation=unseen)) for _ in range(2))
    scores = first.scores(unseen.inputs)
    assert_array_equal(second.scores(unseen.inputs), scores)
    first.save(tmp_path / "model")
    on_a_processor = load_network(tmp_path / "model", model.network).scores(unseen.inputs)
    assert_allclose(on_a_processor, scores, atol=0.05)  # in TF32


@pytest.mark.parametrize("precision", ["16-mixed", "bf16-mixed"])
def test_mixed_precision_learns(precision, tmp_path):
    known, unseen = halves(tmp_path, 48, noise=0.3)
    trainer = replace(GPU, precision=precision)
    model = replace(short_network("small_cnn", 6), trainer=trainer)
    losses = model.fit(known, FitContext(0, validation=unseen)).summary.curves["training_loss"]
    assert losses.iloc[-1] < losses.iloc[0]


def test_training_is_timed_on_the_gpu():
    options = composed(short_network("small_cnn", 1).network)
    learning, scoring, _ = measure_training(options, (1, 32, 32), 2, "cuda")
    assert 0 < scoring < learning < 1


def test_views_are_those_of_a_processor_while_training_rounds_products():
    uniform, allowed = draws(0, 0, [*"abcdefgh"]), TURNED
    images = torch.rand(8, 1, 224, 224, generator=torch.Generator().manual_seed(0))
    torch.set_float32_matmul_precision("high")
    try:
        found = augment(images.cuda(), uniform.cuda(), allowed)
    finally:
        torch.set_float32_matmul_precision("highest")
    assert_allclose(found.cpu(), augment(images, uniform, allowed), atol=0.01)
