"""Networks that say where: planted blobs are found in images and volumes."""

import hashlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.torch import load_file
from sklearn.metrics import roc_auc_score

from skiagram.errors import DataError, ModelFailure, OptionError
from skiagram.finding.candidates import Grid, propose
from skiagram.finding.inputs import FindingInputs
from skiagram.finding.marks import HitRule, read_spacing
from skiagram.fitting.contract import FitContext, Labelled
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.models.deep import searched_images
from skiagram.models.deep.finder import CropTraining, FinderModel
from skiagram.models.deep.searched_images import SearchedImages
from skiagram.options import build
from skiagram.records.places import tabulate_places
from skiagram.tasks.classes import Classes
from tests.models.classical.families import read_options
from tests.numbered_store import write_images
from tests.stand_ins import CPU
from tests.yaml_rows import read_rows, read_yaml

pytestmark = pytest.mark.slow

SPACING = (0.5, 0.5)
SMALL = "test_efficientnet"  # of timm
KEPT = TemporaryDirectory()  # goes when the tests end
SMALL_OPTIONS = read_rows(__file__, "small")
RULE = HitRule(rule="distance", minimum=0.0, overlap=0.2)
CONTEXT = FitContext(seed=0, positive=1)


def blobs(folder, n, depth=None):
    """Write noise; every second image has one bright ball of 3 mm at a random place."""
    draw, side = np.random.default_rng(n), 24 if depth else 64
    shape, spacing = ((depth, side, side), (1.0, 0.5, 0.5)) if depth else ((side, side), SPACING)
    label, case_id, rows = np.arange(n) % 2, np.array([f"case{k:03d}" for k in range(n)]), []
    axes = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    with ShardWriter(folder) as writer:
        for case, ill in zip(case_id.tolist(), label.tolist(), strict=True):
            image = draw.normal(100, 10, shape)
            if ill:
                centre = [draw.integers(length // 4, length * 3 // 4) for length in shape]
                away = np.linalg.norm((axes - centre) * spacing, axis=-1)
                image[away <= 3] += 25
                rows.append((case, tuple(map(float, centre)), 3.0))
            writer.add(case, (image[..., None] if depth else image).astype(np.float32), spacing)
    store = ImageStore(folder)
    inputs = FindingInputs(
        case_id=case_id,
        images=store,
        candidates=propose(store, Grid(step=3.0, radius=2.0, body="all")),
        features=None,
        marks=tabulate_places(rows),
        spacing=read_spacing(store),
        partner={},
    )
    return Labelled(inputs, case_id, label, case_id, Classes(("0", "1")))


@cache
def backbone_weights():
    """Write a small network's weights, drawn at random, and name them as a config does."""
    torch.manual_seed(5)
    path = Path(KEPT.name) / f"{SMALL}.pth"
    torch.save(pytest.importorskip("timm").create_model(SMALL).state_dict(), path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"weights": {"file": str(path), "sha256": sha256}}


def options(name, depth=None):
    small = SMALL_OPTIONS[f"{name}_3d" if depth else name]
    given = read_options(f"{name}_3d" if depth and "heat" in name else name) | small["model"]
    if "pretrained" in name:
        given["backbone"] |= {"architecture": SMALL, "frozen_epochs": 1} | backbone_weights()
    few = {"pixel": 0.5, "steps": 20, "hard_pool": 60, "body": "all", "apart": 3.0}
    short = {"epochs": 2, "batch_size": 9} | small["training"]
    return given | few | {"training": given["training"] | short}


def learner(name, depth=None, **changed):
    return FinderModel(build(options(name, depth) | changed, "model"), CPU, threads=1)


@pytest.mark.parametrize(
    ("name", "depth"),
    [
        *(("heat_map_finder", depth) for depth in (None, 12)),
        ("pretrained_heat_map_finder", None),
    ],
)
def test_finds_planted_blobs(tmp_path, name, depth):
    cases = blobs(tmp_path / "images", 28, depth)
    known, unseen = cases.select(np.arange(20)), cases.select(np.arange(20, 28))
    fitted = learner(name, depth).fit(known, CONTEXT)
    assert fitted.summary.curves["training_loss"].is_monotonic_decreasing
    scores = fitted.scores(unseen.inputs)
    assert roc_auc_score(unseen.label, scores[:, 1] - scores[:, 0]) > 0.9
    marks, lesions = fitted.find(unseen.inputs), unseen.inputs.lesions
    first = marks.loc[marks.groupby("case_id")["score"].idxmax()].reset_index(drop=True)
    hit = RULE.match(first, lesions, unseen.inputs.spacing)
    assert (hit >= 0).sum() >= len(lesions) - 1


def test_a_pretrained_way_down_starts_from_its_weights_and_learns_later(tmp_path):
    cases, name = blobs(tmp_path / "images", 12), "pretrained_heat_map_finder"
    weights = torch.load(backbone_weights()["weights"]["file"], weights_only=True)
    of = "network.base.blocks.4.0.conv_pw.weight"
    base = weights[of.removeprefix("network.base.")]
    for frozen_epochs, learns in ((1, True), (2, False)):
        given = options(name)
        given["backbone"]["frozen_epochs"] = frozen_epochs
        model = learner(name, steps=2, backbone=given["backbone"])
        fitted = model.fit(cases, CONTEXT)
        fitted.save(tmp_path / str(frozen_epochs))
        state = load_file(tmp_path / str(frozen_epochs) / "weights.safetensors")
        assert torch.equal(state[of], base) != learns
        stem = "network.base.bn1.running_mean"
        assert torch.equal(state[stem], weights[stem.removeprefix("network.base.")])
    assert len(fitted.find(cases.inputs))


def test_backbones_that_give_no_maps_of_a_quarter_of_the_sides_are_refused(tmp_path):
    name = "pretrained_heat_map_finder"
    for row in read_yaml(__file__, "refused.yaml")["detectors"]:
        backbone = options(name)["backbone"] | row["changed"]
        with pytest.raises(OptionError, match=row["said"]):
            learner(name, backbone=backbone).network.build((1, 64, 64), 2)
    with pytest.raises(ModelFailure, match=r"volumes.*heat_map_finder_3d"):
        learner(name, training=options(name)["training"] | {"image_size": 16}).fit(
            blobs(tmp_path / "volumes", 4, 12), CONTEXT
        )


def test_two_classes_and_the_size_of_a_crop_are_needed(tmp_path):
    cases = blobs(tmp_path / "images", 6)
    with pytest.raises(ModelFailure, match="two classes"):
        learner("heat_map_finder").fit(cases, FitContext(seed=0))
    given = options("heat_map_finder")
    given["training"]["image_size"] = None
    whole = FinderModel(build(given, "model"), CPU, 1)
    with pytest.raises(ModelFailure, match="sides of a crop"):
        whole.fit(cases, CONTEXT)


def test_a_heat_map_that_diverges_fails_and_says_what_to_do(tmp_path, monkeypatch):
    def lose_weights(self):
        for weights in self.parameters():
            weights.data.fill_(torch.nan)

    # As the last step of an epoch does where the learning rate is too high.
    monkeypatch.setattr(CropTraining, "on_train_epoch_end", lose_weights)
    cases = blobs(tmp_path / "images", 8)
    with pytest.raises(ModelFailure, match=r"crops score nan .*epoch 1.*training\.optimizer\.lr"):
        learner("heat_map_finder", steps=1, hard_from=0.5).fit(cases, CONTEXT)
    given = options("heat_map_finder")["training"] | {"epochs": 1}
    once = learner("heat_map_finder", steps=1, training=given).fit(cases, CONTEXT)
    with pytest.raises(ModelFailure, match=r"places score nan .*training\.optimizer\.lr"):
        once.find(cases.inputs)


def test_peaks_without_any_probability_stay_where_they_are(tmp_path):
    cases = blobs(tmp_path / "images", 2)
    finder = learner("heat_map_finder").network
    image = searched_images.searched(cases.inputs.images, finder.pixel, finder.body)["case000"]
    image = image._replace(pixels=image.pixels[:, :18], inside=image.inside[:18])

    def score(padded):
        return torch.full((1, padded.shape[2] // 4, padded.shape[3] // 4), -200.0)

    places, scores = finder.marks(score, image)
    assert len(places) == len(scores) == 5 * (image.pixels.shape[2] // 4)  # none on what is padded
    assert places[:, 0].max() < 20


def test_places_survive_the_way_to_what_a_network_sees_and_back(tmp_path):
    cases = blobs(tmp_path / "images", 2)
    image = SearchedImages(cases.inputs.images, 1.0, "all")["case001"]
    assert image.pixels.shape == (1, 32, 32)
    place = cases.inputs.marks[["row", "column"]].to_numpy()
    assert_allclose(image.to_stored(image.to_seen(place)), place)
    row, column = np.round(image.to_seen(place)[0]).astype(int)
    crop = image.cut(image.to_seen(place)[0], (5, 5))
    assert_array_equal(crop[0], image.pixels[0, row - 2 : row + 3, column - 2 : column + 3])
    beyond = image.cut(np.array([-50.0, 3.0]), (4, 4))
    assert beyond.shape == (1, 4, 4)
    assert (beyond == image.pixels.min()).all()


def test_missing_pixels_are_named(tmp_path):
    store = write_images(tmp_path, {"case7": np.full((8, 8), np.nan, np.float32)})
    with pytest.raises(DataError, match=r"case7.*missing pixels"):
        SearchedImages(store, 1.0, "all")["case7"]
