"""Images described by networks of others: finite, one by one, and never by their own labels."""

import hashlib
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from torchvision.models import get_model

from skiagram.errors import DataError, OptionError
from skiagram.features.batch import FeatureBatch
from skiagram.features.extraction import LearnedFamily, build_families
from skiagram.models.contract import FitContext
from skiagram.models.deep.fitted import load_classifier
from skiagram.models.deep.pretrained_encoder import Embedding, TorchvisionNetwork, TrainedNetwork
from skiagram.models.deep.transfer import WeightsFile
from skiagram.options import build, composed
from skiagram.preparation import PREPARATION, ImageKinds, Preparation
from skiagram.records import write_record
from skiagram.training.classifier import Classifier
from tests.models.deep.spots import halves, learner, training

SMALL, SIDE = "shufflenet_v2_x0_5", 32
KINDS = ImageKinds((1,), ("uint8",), (16, 16), (16, 16))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> WeightsFile:
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("weights") / "small.pth"
    torch.save(get_model(SMALL, weights=None).state_dict(), path)
    return WeightsFile(file=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.fixture(scope="module")
def family(weights: WeightsFile) -> Embedding:
    network = TorchvisionNetwork(architecture=SMALL, weights=weights, image_size=SIDE)
    return Embedding(network=network)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a network that was trained on images with the digest `theirs`."""
    folder = tmp_path_factory.mktemp("trained")
    known, unseen = halves(folder, 24)
    learner(training(epochs=1)).fit(known, unseen, FitContext(seed=0)).save(folder / "repeat0")
    return described(folder, "theirs")


def described(folder: Path, images_sha256: str) -> Path:
    """Let a folder say which images it holds, or which its network was trained on."""
    write_record(Preparation(KINDS, None, images_sha256=images_sha256), folder / PREPARATION)
    return folder


def checked(folder: Path) -> TrainedNetwork:
    file = folder / "repeat0" / "weights.safetensors"
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    return TrainedNetwork(folder=str(folder), sha256=sha256)


def images(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, size=shape).astype(np.float32)


def test_columns_are_what_enters_the_last_layer_of_the_same_network(
    family: Embedding, weights: WeightsFile
) -> None:
    assert family.names()[:2] == ("embedding_0000", "embedding_0001")
    reference = get_model(SMALL, weights=None)
    reference.load_state_dict(torch.load(weights.file, weights_only=True))
    reference.fc = torch.nn.Identity()
    shown = images(3, SIDE, SIDE)
    each = [(image - image.mean()) / image.std() for image in shown.astype(np.float64)]
    entering = torch.from_numpy(np.stack(each).astype(np.float32))[:, None].repeat(1, 3, 1, 1)
    with torch.no_grad():
        expected = reference.eval()(entering).numpy()
    found = family.extract(FeatureBatch(shown))
    assert found.shape == (3, len(family.names()))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(
    arrays(
        np.float32,
        array_shapes(min_dims=3, max_dims=3, max_side=9),
        elements=st.floats(-(2.0**100), 2.0**100, width=32),
    )
)
def test_every_finite_image_has_a_finite_description(family: Embedding, shown: np.ndarray) -> None:
    assert np.isfinite(family.extract(FeatureBatch(shown))).all()


def test_a_batch_equals_its_images_one_by_one(family: Embedding) -> None:
    shown = images(40, 20, 13)
    shown[1] = 0.1
    alone = np.vstack([family.extract(FeatureBatch(image[None])) for image in shown])
    np.testing.assert_allclose(family.extract(FeatureBatch(shown)), alone, rtol=1e-4, atol=1e-6)


def test_threads_change_no_bit_and_scale_and_offset_nothing_that_counts(family: Embedding) -> None:
    shown, threads = images(4, SIDE, SIDE), torch.get_num_threads()
    first = family.extract(FeatureBatch(shown))
    try:
        torch.set_num_threads(3)
        np.testing.assert_array_equal(family.extract(FeatureBatch(shown)), first)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)
    other_scale = family.extract(FeatureBatch(1000 + 7 * shown))
    np.testing.assert_allclose(other_scale, first, rtol=1e-3, atol=1e-5)


def test_gray_is_colour_of_equal_channels_and_other_images_are_refused(family: Embedding) -> None:
    gray = images(2, 16, 16)
    colour = np.repeat(gray[..., None], 3, axis=-1)
    found = family.extract(FeatureBatch(colour))
    np.testing.assert_allclose(found, family.extract(FeatureBatch(gray)), rtol=1e-4, atol=1e-6)
    with pytest.raises(DataError, match="`embedding` is not defined for 4 channels"):
        family.extract(FeatureBatch(np.zeros((1, 8, 8, 4), dtype=np.float32)))
    with pytest.raises(DataError, match="`embedding` is not defined for volumes"):
        family.extract(FeatureBatch(np.zeros((1, 3, 8, 8, 1), dtype=np.float32)))


def test_a_network_of_this_program_describes_images_of_another_set(
    trained: Path, tmp_path: Path
) -> None:
    family = Embedding(network=checked(trained))
    assert family == build(composed(family), "features.embedding")
    assert isinstance(family, LearnedFamily)
    assert build_families({"embedding": composed(family)}, described(tmp_path, "ours")) == [family]
    assert family.names() == tuple(f"embedding_{at:03d}" for at in range(12))
    classifier, _ = load_classifier(trained / "repeat0")
    network = cast(torch.nn.Sequential, cast(Classifier, classifier.eval()).network)
    shown = images(2, 16, 16)
    each = (shown - shown.mean(axis=(1, 2), keepdims=True)) / shown.std(axis=(1, 2), keepdims=True)
    with torch.no_grad():
        expected = network(torch.from_numpy(each.astype(np.float32))[:, None])
        found = network[-1](torch.from_numpy(family.extract(FeatureBatch(shown))).float())
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
    larger = family.extract(FeatureBatch(images(1, 30, 22, 3)))
    assert larger.shape == (1, 12)


def test_the_network_of_another_set_is_kept_whole(trained: Path, tmp_path: Path) -> None:
    family, shown = Embedding(network=checked(trained)), FeatureBatch(images(2, 16, 16))
    family.keep(tmp_path / "learned")
    kept = family.kept(tmp_path / "learned")
    np.testing.assert_array_equal(kept.extract(shown), family.extract(shown))
    assert kept.names() == family.names()


def test_a_network_that_saw_these_images_is_refused(trained: Path, tmp_path: Path) -> None:
    family = Embedding(network=checked(trained))
    with pytest.raises(DataError, match="trained on the same images; it has seen"):
        build_families({"embedding": composed(family)}, described(tmp_path / "theirs", "theirs"))
    silent = TrainedNetwork(folder=str(described(tmp_path / "silent", "")), sha256="0" * 64)
    with pytest.raises(DataError, match="does not say which images"):
        build_families(
            {"embedding": composed(Embedding(network=silent))},
            described(tmp_path / "ours", "ours"),
        )


def test_another_file_no_file_and_fresh_weights_are_refused(trained: Path, tmp_path: Path) -> None:
    shown = FeatureBatch(images(1, 16, 16))
    other = TrainedNetwork(folder=str(trained), sha256="0" * 64)
    with pytest.raises(DataError, match=r"SHA-256 .*features\.embedding\.network\.sha256"):
        Embedding(network=other).extract(shown)
    absent = TrainedNetwork(folder=str(tmp_path), sha256="0" * 64)
    with pytest.raises(DataError, match="no network can be loaded from here"):
        Embedding(network=absent).names()
    fresh = TorchvisionNetwork(architecture=SMALL, weights="none", image_size=SIDE)
    with pytest.raises(OptionError, match="untrained weights describe nothing"):
        Embedding(network=fresh).extract(shown)
    unknown = TorchvisionNetwork(architecture="resnet19", weights="none", image_size=SIDE)
    with pytest.raises(OptionError, match="no classifier `resnet19`"):
        Embedding(network=unknown).names()


def test_a_network_on_more_than_an_image_is_refused(trained: Path, tmp_path: Path) -> None:
    text = (trained / "repeat0" / "architecture.json").read_text()
    (tmp_path / "repeat0").mkdir()
    with_table = text.replace('"columns": 0', '"columns": 3')
    (tmp_path / "repeat0" / "architecture.json").write_text(with_table)
    with pytest.raises(DataError, match="covariates beside the image"):
        Embedding(network=TrainedNetwork(folder=str(tmp_path), sha256="0" * 64)).names()


def test_code_that_comes_with_a_network_is_not_run(trained: Path, tmp_path: Path) -> None:
    text = (trained / "repeat0" / "architecture.json").read_text()
    (tmp_path / "repeat0").mkdir()
    foreign = text.replace("skiagram.models.deep.small_cnn.SmallCNN", "os.path.Network")
    (tmp_path / "repeat0" / "architecture.json").write_text(foreign)
    with pytest.raises(DataError, match=r"names the class `os\.path\.Network`"):
        Embedding(network=TrainedNetwork(folder=str(tmp_path), sha256="0" * 64)).names()
