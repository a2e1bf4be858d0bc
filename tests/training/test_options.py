"""Views are of images that have an up, or not, as one choice says for all networks."""

from dataclasses import replace

import pytest

from skiagram.options import build
from skiagram.training.options import decide_vertical_flips
from tests.models.classical.families import read_options
from tests.stand_ins import CPU

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("upside_down", [True, False])
def test_one_choice_says_for_all_networks_whether_images_have_an_up(upside_down):
    for name in ("small_cnn", "fine_tuned_efficientnet", "image_and_table"):
        options = decide_vertical_flips(read_options(name), upside_down=upside_down)
        assert build(options, name).training.views.vertical_flip is upside_down
    tuned = decide_vertical_flips(read_options("tuned_small_cnn"), upside_down=upside_down)
    assert tuned["model"]["training"]["augmentation"]["vertical_flip"] is upside_down
    own = read_options("article_cnn")  # its config says it
    assert decide_vertical_flips(own, upside_down=upside_down) == own


def test_a_sweep_starts_no_process_that_would_run_it_again():
    for devices, nodes, asked, taken in (
        (1, 1, "auto", "auto"),
        (1, 1, "ddp", "ddp_spawn"),
        (2, 1, "auto", "ddp_spawn"),
        ("auto", 1, "ddp", "ddp_spawn"),
        (2, 1, "ddp_spawn", "ddp_spawn"),
    ):
        given = replace(CPU, devices=devices, num_nodes=nodes, strategy=asked)
        assert given.in_one_process() == replace(given, strategy=taken)
