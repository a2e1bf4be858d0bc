"""What every network with an option file must do; a new one is tested by its option file alone."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skiagram.errors import ModelFailure
from skiagram.models.contract import FitContext
from skiagram.models.deep.fitted import load_network
from skiagram.models.deep.network_model import NetworkModel
from skiagram.options import build
from skiagram.training import fit
from skiagram.training.data import ImageData
from tests.models.classical.families import OPTION_FILES, read_options
from tests.models.deep.spots import spots
from tests.stand_ins import CPU

pytestmark = pytest.mark.thorough

SIDE = 32
FILES = {path.stem: read_options(path.stem) for path in sorted(OPTION_FILES.glob("*.yaml"))}
DEEP = {
    name: options
    for name, options in FILES.items()
    if options["_target_"].startswith("skiagram.models.deep.") and "finder" not in name
}
OF_VOLUMES = ["cnn_3d", "recurrent"]
TINY = {
    "pretrained": "shufflenet_v2_x0_5",
    "fine_tuned": "resnet18",
    "fine_tuned_efficientnet": "resnet18",
    "vgg16_transfer": "vgg11",
}
QUICK = ["article_cnn", "small_cnn", "small_resnet", "vision_transformer", "cnn_3d"]


def kinds(networks: Iterable[str], depth: int) -> list[Any]:
    """Return (name, depth) of networks on images, then of those on volumes."""
    images = [(name, None) for name in networks if name != "cnn_3d"]
    return [
        pytest.param(*each, marks=[] if each[0] in QUICK else pytest.mark.thorough)
        for each in (*images, *((name, depth) for name in OF_VOLUMES))
    ]


def learner(name: str, epochs: int) -> NetworkModel:
    optimizer = {"name": "adam", "lr": 0.003, "weight_decay": 0.0, "schedule": "constant"}
    short = {"epochs": epochs, "patience": epochs, "batch_size": 16, "optimizer": optimizer}
    whole = {"image_size": None, "augmentation": None}
    options: dict[str, Any] = FILES[name]
    options = options | {"training": options["training"] | whole | short}
    if "weights" in options:  # none to be had here, and a frozen base of fresh ones learns nothing
        options |= {"weights": "none", "frozen_epochs": 0}
        options |= {"architecture": TINY[name], "library": "torchvision", "last_blocks": None}
        options |= {"depths": None}
    return NetworkModel(build(options, "model"), CPU, threads=1)


@pytest.mark.filterwarnings("ignore:'pin_memory'")
@pytest.mark.parametrize(("name", "depth"), kinds(DEEP, 10))
def test_keeps_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, depth: int | None
) -> None:
    """Many classes, costs, its folder, equal bytes of the batches of a GPU, and other images."""
    side, channels = (12, 1) if depth else (SIDE, 3)
    like: dict[str, Any] = {"side": side, "channels": channels, "depth": depth}
    cases = spots(tmp_path / "images", 14, n_classes=7, **like)
    context, model = FitContext(0, validation=cases), learner(name, epochs=1)
    fitted = model.fit(cases, context)
    scores = fitted.scores(cases.inputs)
    assert scores.shape == (14, 7)
    assert fitted.summary.parameters > 0
    assert fitted.summary.multiply_adds
    fitted.save(tmp_path / "model")
    loaded = load_network(tmp_path / "model")
    np.testing.assert_array_equal(loaded.scores(cases.inputs), scores)
    loaded.save(tmp_path / "copy")
    with monkeypatch.context() as patch:
        patch.setattr(fit, "ImageData", lambda *given: ImageData(*[*given[:5], True]))
        model.fit(cases, context).save(tmp_path / "again")
    for file in (tmp_path / "model").iterdir():
        for same in ("copy", "again"):
            assert (tmp_path / same / file.name).read_bytes() == file.read_bytes()
    other_size = {"depth": depth + 1} if depth else {"side": side + 4}
    plain_or_gray = {"depth": None} if depth else {"channels": 1}
    for number, other in enumerate((other_size, plain_or_gray)):
        unlike = spots(tmp_path / f"unlike{number}", 2, **like | other)
        with pytest.raises(ModelFailure, match=r"case0000.*as in training"):
            fitted.scores(unlike.inputs)


# Others have tests of their own that show what they learn.
LEARNING = [*QUICK, "recurrent"]


@pytest.mark.parametrize(("name", "depth"), kinds(LEARNING, 10))
def test_learns(tmp_path: Path, name: str, depth: int | None) -> None:
    side = 12 if depth else SIDE
    cases = spots(tmp_path / "images", 72, noise=0.3, side=side, depth=depth)
    known, unseen = cases.select(np.arange(48)), cases.select(np.arange(48, 72))
    fitted = learner(name, epochs=12 if depth else 6).fit(known, FitContext(0, validation=unseen))
    losses = fitted.summary.curves["training_loss"].to_numpy()
    assert losses[-1] < 0.9 * losses[0]


def test_networks_refuse_what_they_do_not_read_by_name(tmp_path: Path) -> None:
    volumes = spots(tmp_path / "volumes", 4, side=SIDE, depth=5)
    with pytest.raises(ModelFailure, match="volumes of 5 × 32 × 32 voxels") as refused:
        learner("small_cnn", epochs=1).fit(volumes, FitContext(0, validation=volumes))
    assert all(other in refused.value.remedy for other in OF_VOLUMES)
    images = spots(tmp_path / "images", 4, side=SIDE)
    with pytest.raises(ModelFailure, match=r"cnn_3d: images of 32 × 32 pixels.*small_cnn"):
        learner("cnn_3d", epochs=1).fit(images, FitContext(0, validation=images))
