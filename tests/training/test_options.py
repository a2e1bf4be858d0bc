"""Learning rates are those of PyTorch's own schedulers, and views are of images that have an up."""

from typing import Literal

import pytest
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR

from skiagram.options import build
from skiagram.training.options import Optimizer, decide_vertical_flips, learning_rate_share
from tests.models.classical.families import read_options

pytestmark = pytest.mark.slow

Schedule = Literal["constant", "cosine", "one_cycle"]


def rates(schedule: Schedule, steps: int, epochs: int) -> list[float]:
    options = Optimizer(name="sgd", lr=0.2, weight_decay=0.0, schedule=schedule)
    share = learning_rate_share(options, steps, epochs)
    return [options.lr * share(step) for step in range(steps * epochs)]


def sgd() -> torch.optim.Optimizer:
    return torch.optim.SGD([torch.zeros(1)], lr=0.2)


@pytest.mark.parametrize(("steps", "epochs"), [(1, 10), (7, 3), (20, 30)])
def test_one_cycle_is_pytorchs(steps: int, epochs: int) -> None:
    optimizer = sgd()
    scheduler = OneCycleLR(optimizer, 0.2, total_steps=steps * epochs, cycle_momentum=False)
    expected = []
    for _ in range(steps * epochs):
        expected += scheduler.get_last_lr()
        optimizer.step()
        if len(expected) < steps * epochs:
            scheduler.step()
    assert rates("one_cycle", steps, epochs) == pytest.approx(expected, rel=1e-9)


def test_the_cosine_is_pytorchs_epoch_by_epoch() -> None:
    optimizer = sgd()
    scheduler = CosineAnnealingLR(optimizer, T_max=5)
    for epoch in range(5):
        assert rates("cosine", 3, 5)[3 * epoch : 3 * epoch + 3] == pytest.approx(
            3 * scheduler.get_last_lr()
        )
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize("schedule", ["constant", "cosine", "one_cycle"])
@pytest.mark.parametrize("steps", [1, 2, 3])
def test_the_shortest_fits_have_a_rate(schedule: Schedule, steps: int) -> None:
    assert all(0 < rate <= 0.2 for rate in rates(schedule, steps, 1))


@pytest.mark.parametrize("upside_down", [True, False])
def test_one_choice_says_for_all_networks_whether_images_have_an_up(upside_down: bool) -> None:
    for name in ("small_cnn", "fine_tuned_efficientnet", "image_and_table"):
        options = decide_vertical_flips(read_options(name), upside_down=upside_down)
        assert build(options, name).training.views.vertical_flip is upside_down
    tuned = decide_vertical_flips(read_options("tuned_small_cnn"), upside_down=upside_down)
    assert tuned["model"]["training"]["augmentation"]["vertical_flip"] is upside_down
    own = read_options("article_cnn")  # its config says it
    assert decide_vertical_flips(own, upside_down=upside_down) == own
