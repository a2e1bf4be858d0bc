"""Networks that others trained: where weights come from, which layers learn, when and how fast."""

import hashlib
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from skiagram.encoders.weights import LocalFile
from skiagram.errors import DataError, ModelFailure, OptionError
from skiagram.models.deep.fitted import load_network
from skiagram.models.deep.transfer import Transfer, TransferNetwork, layer_names
from skiagram.options import build
from skiagram.training.classifier import Classifier, parameter_count
from skiagram.training.data import LabelledImages
from skiagram.training.module import ClassifierTraining
from skiagram.training.options import NetworkInput
from skiagram.training.shared_training import Spawned, _NamingLauncher
from tests.models.deep.spots import fit, halves, spots, training
from tests.stand_ins import CPU
from tests.yaml_rows import load_yaml, of_rows

pytestmark = pytest.mark.slow

SMALL, VIT, RESNET = "shufflenet_v2_x0_5", "test_vit", "test_resnet"
LITE, TINY = "tf_efficientnet_lite0.in1k", "test_efficientnet"
PADDED = "tf_efficientnet_lite0"  # its layers pad by the size of the image, as TensorFlow does
SIDE = 32
PLANES = training(input=NetworkInput(three_planes=True))
BOTH_WAYS = r"no weights of shufflenet_v2_x0_5.*internet.*file: PATH, sha256: CHECKSUM"


def options(architecture=SMALL, **changed):
    values = {
        "library": "timm" if architecture.startswith(("test_", "tf_")) else "torchvision",
        "architecture": architecture,
        "weights": "none",
        "gray": "repeat",
        "frozen_epochs": 0,
        "training": training(image_size=SIDE),
    }
    return Transfer(**(values | changed))


def started(chosen, channels=1):
    torch.manual_seed(0)
    network = chosen.build((channels, SIDE, SIDE), 2)
    chosen.load_weights(network)
    return network.eval()


def published(architecture, **arguments):
    torch.manual_seed(5)
    if architecture.startswith(("test_", "tf_")):
        made = pytest.importorskip("timm").create_model(architecture, **arguments)
    else:
        from torchvision.models import get_model

        made = get_model(architecture, weights=None, **arguments)
    return made.eval()


def weights_file(folder, architecture=SMALL, **arguments):
    path = folder / f"{architecture}.pth"
    torch.save(published(architecture, **arguments).state_dict(), path)
    return LocalFile(file=str(path), sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def test_weights_by_name_are_fetched_once_and_checked(tmp_path, monkeypatch):
    from torchvision.models import ShuffleNet_V2_X0_5_Weights as Published

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "hub"))
    source = weights_file(tmp_path)
    path = tmp_path / f"tiny-{source.sha256[:8]}.pth"
    Path(source.file).rename(path)
    by_name = options(weights="IMAGENET1K_V1")
    monkeypatch.setattr(Published.IMAGENET1K_V1.value, "url", path.as_uri())
    expected = torch.load(path, weights_only=True)["conv1.0.weight"]
    torch.testing.assert_close(started(by_name, 3).base.state_dict()["conv1.0.weight"], expected)
    path.unlink()
    started(by_name)
    half = tmp_path / "tiny-01234567.pth"
    half.write_bytes(b"half of it")
    for place in (half.as_uri(), "http://127.0.0.1:9/tiny-89012345.pth"):
        monkeypatch.setattr(Published.IMAGENET1K_V1.value, "url", place)
        with pytest.raises(DataError, match=BOTH_WAYS):
            started(by_name)


@pytest.mark.parametrize("architecture", [SMALL, "mobilenet_v3_small", VIT, PADDED])
def test_repeated_channels_and_summed_filters_are_alike(tmp_path, architecture):
    weights, images = weights_file(tmp_path, architecture), torch.randn(4, 1, SIDE, SIDE)
    repeat = started(options(architecture, weights=weights))
    summed = started(options(architecture, weights=weights, gray="sum"))
    summed.head.load_state_dict(repeat.head.state_dict())
    torch.testing.assert_close(repeat(images), summed(images), rtol=1e-4, atol=1e-5)
    assert parameter_count(summed) < parameter_count(repeat)
    colour = started(options(architecture, weights=weights), channels=3)
    colour.head.load_state_dict(repeat.head.state_dict())
    torch.testing.assert_close(repeat(images), colour(images.expand(-1, 3, -1, -1)))


@pytest.mark.parametrize("channels", [2, 6, 7])
def test_other_channels_read_the_filters_in_turn_as_in_timm(tmp_path, channels):
    adapt = pytest.importorskip("timm.models").adapt_input_conv
    weights = weights_file(tmp_path)
    network = started(options(weights=weights), channels=channels)
    original = torch.load(weights.file, weights_only=True)["conv1.0.weight"]
    found = network.base.state_dict()["conv1.0.weight"]
    torch.testing.assert_close(found, adapt(channels, original))
    assert network(torch.randn(2, channels, SIDE, SIDE)).shape == (2, 2)


@pytest.mark.parametrize("architecture", [SMALL, RESNET, VIT])
def test_the_base_is_the_librarys_with_the_given_weights(tmp_path, architecture):
    sized = {"img_size": SIDE} if architecture == VIT else {}
    weights = weights_file(tmp_path, architecture, **sized)
    reference = published(architecture, **sized)
    if architecture == SMALL:
        reference.fc = nn.Identity()
    else:
        reference.reset_classifier(0)
    images = torch.randn(2, 3, SIDE, SIDE)
    base = started(options(architecture, weights=weights), channels=3).base
    torch.testing.assert_close(base(images), reference(images), rtol=1e-4, atol=1e-5)


def test_layers_of_a_transformer_learn_at_the_rates_of_beit():
    network = started(options(VIT, layer_decay=0.5))
    depth = len(network.base.blocks)
    share = {id(one): rate for rate, part in network.rates() for one in part}
    expected = {"cls_token": 0.5 ** (depth + 1), "pos_embed": 0.5 ** (depth + 1)}
    expected |= {f"blocks.{block}.mlp.fc1.weight": 0.5 ** (depth - block) for block in range(depth)}
    expected |= {"patch_embed.proj.weight": 0.5 ** (depth + 1), "norm.weight": 0.5}
    parameters = dict(network.base.named_parameters())
    assert {name: share[id(parameters[name])] for name in expected} == pytest.approx(expected)
    assert {share[id(one)] for one in network.head.parameters()} == {1.0}
    classifier = Classifier(network, torch.zeros(1), torch.ones(1))
    how, cases = training(schedule="constant"), np.array(["case"])
    module = ClassifierTraining(classifier, how, torch.ones(2), 0, cases, compiled=False)
    groups = module.configure_optimizers()["optimizer"].param_groups
    assert [group["lr"] for group in groups[:4]] == pytest.approx([0.01, 0.005, 0.0025, 0.00125])


@pytest.mark.parametrize(
    "architecture",
    [VIT, RESNET, "test_convnext", "test_efficientnet", "resnet18", "mobilenet_v3_small"],
)
def test_every_number_learns_at_one_rate_and_lower_layers_more_slowly(architecture):
    chosen = options(architecture, layer_decay=0.9)
    with torch.device("meta"):
        base, numbers = chosen.base(SIDE, SIDE)
    head = nn.Linear(numbers, 2)
    network = TransferNetwork(base, head, chosen, (SIDE, SIDE), repeated=False)
    rates = network.rates()
    told = [id(parameter) for _, part in rates for parameter in part]
    assert sorted(told) == sorted(id(parameter) for parameter in network.parameters())
    shares = [share for share, _ in rates]
    assert shares == sorted(shares, reverse=True)
    assert len(layer_names(base)) >= 4
    if architecture == "resnet18":  # a normalisation goes with its convolution
        assert layer_names(base)[:3] == [["conv1", "bn1"], ["layer1.0"], ["layer1.1"]]


@pytest.mark.parametrize("frozen_epochs", [None, 1, 0])
@pytest.mark.parametrize("last_blocks", [None, 2])
def test_the_head_learns_first_then_the_last_blocks_alone(frozen_epochs, last_blocks):
    network = started(options(RESNET, frozen_epochs=frozen_epochs, last_blocks=last_blocks))
    names = layer_names(network.base)
    fixed = names[: len(names) - last_blocks] if last_blocks else []
    below = tuple(f"{name}." for layer in fixed for name in layer)
    optimizer = torch.optim.Adam(network.parameters(), weight_decay=0.1)
    for epoch in range(2):
        before = {name: one.clone() for name, one in network.base.state_dict().items()}
        head = [one.clone() for one in network.head.parameters()]
        network.begin_epoch(epoch)
        network.train()
        network(torch.randn(4, 1, SIDE, SIDE)).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad()
        after = network.base.state_dict()
        changed = {name for name, one in before.items() if not torch.equal(one, after[name])}
        assert bool(changed) == (frozen_epochs is not None and epoch >= frozen_epochs)
        assert not below or not any(name.startswith(below) for name in changed)
        learned = zip(head, network.head.parameters(), strict=True)
        assert not any(torch.equal(was, now) for was, now in learned)


def test_scores_of_a_mirrored_network_are_means_over_what_training_mirrors():
    flips = training(augmentation="article")  # left and right alone
    once = started(options(RESNET, training=flips))
    mirrored = started(options(RESNET, mirrored=True, training=flips))
    image = torch.randn(2, 1, SIDE, SIDE)
    with torch.no_grad():
        expected = (once(image) + once(image.flip(3))) / 2
        torch.testing.assert_close(mirrored(image), expected)
        torch.testing.assert_close(mirrored(image), mirrored(image.flip(3)))
        assert not torch.allclose(mirrored(image), mirrored(image.flip(2)))


RELEASED = "blocks.4.0.conv_pwl.weight"


@pytest.fixture(scope="module")
def lite_file(tmp_path_factory):
    """Return a file of random numbers that has the tensors of the published weights."""
    return weights_file(tmp_path_factory.mktemp("weights"), LITE)


def lite(lite_file, **changed):
    """Return the options of `fine_tuned_efficientnet`, small and with a weight file of the test."""
    path = Path(__file__).resolve().parents[3] / "conf/model/fine_tuned_efficientnet.yaml"
    shipped = build(load_yaml(path), "model")
    short = {"epochs": 2, "patience": 2, "batch_size": 8, "image_size": SIDE}
    how = replace(shipped.training, **short)
    values = {"weights": lite_file, "training": how}
    return replace(shipped, **(values | changed))


def test_the_head_starts_as_a_logistic_regression(tmp_path, lite_file):
    """timm, scikit-learn and the definition: pooled maps of an image and its mirror image."""
    chosen, cases = lite(lite_file), spots(tmp_path / "images", 20, side=SIDE)
    label, images = cases.label, cases.inputs.read(np.arange(20), SIDE)
    mean, deviation = images.mean(), images.std(correction=0)
    torch.manual_seed(0)
    network = chosen.build((1, SIDE, SIDE), 2)
    chosen.load_weights(network)
    classifier = Classifier(network, mean[None], deviation[None])
    chosen.begin_from(classifier, LabelledImages(cases.inputs, label, SIDE))
    body = published(LITE)
    # Photographs of mean .449 and deviation .226 as weights see them that expect .5 and .5.
    seen = ((images - mean) / deviation * 0.452 - 0.102).expand(-1, 3, -1, -1)
    rows = []
    with torch.inference_mode():
        for view in (seen, seen.flip(3)):
            maps = body.forward_intermediates(view, indices=[1, 2, 3, 4], intermediates_only=True)
            pooled = [part for one in maps for part in (one.mean(dim=(2, 3)), one.amax(dim=(2, 3)))]
            rows.append(torch.cat(pooled, dim=1).double())
        scores = classifier.eval()(images).double().numpy()
    numbers = torch.stack(rows).mean(dim=0).numpy()
    frozen = make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=5000))
    expected = frozen.fit(numbers, label).decision_function(numbers)
    found = scores[:, 1] - scores[:, 0]
    assert np.corrcoef(found, expected)[0, 1] > 0.999
    assert_allclose(found, expected, rtol=0.05, atol=0.02 * np.abs(expected).max())


def test_a_logistic_start_needs_all_classes(tmp_path, lite_file):
    chosen, cases = lite(lite_file), spots(tmp_path / "images", 6, side=SIDE)
    times = np.ones((6, 2), np.float32)
    for n_classes, label, said in (
        (1, times, r"an outcome without classes.*C to null"),
        (3, cases.label, r"class 2 has no training case"),
    ):
        classifier = Classifier(
            chosen.build((1, SIDE, SIDE), n_classes), torch.zeros(1), torch.ones(1)
        )
        with pytest.raises(ModelFailure, match=said):
            chosen.begin_from(classifier, LabelledImages(cases.inputs, label, SIDE))


@pytest.fixture
def epochs_that_get_worse(monkeypatch):
    def log_worse(module):
        loss = float(module.current_epoch)
        module.log_dict({"validation_loss": loss, "validation_accuracy": 0.5})

    monkeypatch.setattr(ClassifierTraining, "on_validation_epoch_end", log_worse)


def tiny(file, lr=0.0003):
    """Return `fine_tuned_efficientnet` with a network of a tenth of the weights."""
    chosen = lite(file, architecture=TINY, last_blocks=2)
    optimizer = replace(chosen.training.optimizer, lr=lr)
    how = replace(chosen.training, optimizer=optimizer)
    return replace(chosen, training=how)


@pytest.mark.usefixtures("epochs_that_get_worse")
def test_a_network_that_learns_nothing_better_stays_the_frozen_one(tmp_path):
    file, (known, unseen) = weights_file(tmp_path, TINY), halves(tmp_path, 24)
    fitted = fit(tiny(file), known, unseen)
    kept = fitted.classifier.state_dict()[f"network.base.{RELEASED}"]
    assert torch.equal(kept, torch.load(file.file, weights_only=True)[RELEASED])
    assert fitted.summary.epochs == (1,)  # which a fit on all cases takes over


def test_a_network_whose_head_is_a_logistic_regression_trains_as_networks_do(tmp_path, monkeypatch):
    """It would train on means over mirror images, and without dropout, as it scores."""
    file, (known, unseen), modes = weights_file(tmp_path, TINY), halves(tmp_path, 24), list[bool]()
    step = ClassifierTraining.training_step

    def note_mode(module, *batch):
        modes.append(module.classifier.network.training)
        return step(module, *batch)

    monkeypatch.setattr(ClassifierTraining, "training_step", note_mode)
    fit(tiny(file), known, unseen)
    assert set(modes) == {True}


def test_fine_tuning_from_a_file_trains_and_needs_the_file_no_more(tmp_path):
    file, (known, unseen) = weights_file(tmp_path, TINY), halves(tmp_path, 24, noise=0.3)
    fitted = fit(tiny(file, lr=0.001), known, epochs=2)
    fitted.save(tmp_path / "model")
    weights = torch.load(file.file, weights_only=True)
    found = fitted.classifier.state_dict()
    assert not torch.equal(found[f"network.base.{RELEASED}"], weights[RELEASED])
    for fixed in ("weight", "running_mean"):  # of a block that learns
        name = f"blocks.4.0.bn3.{fixed}"
        assert torch.equal(found[f"network.base.{name}"], weights[name])
    Path(file.file).unlink()
    again = load_network(tmp_path / "model", fitted.network)
    assert_array_equal(again.scores(unseen.inputs), fitted.scores(unseen.inputs))


@pytest.mark.parametrize(("frozen_epochs", "epochs"), [(0, 3), (3, 5)])
@pytest.mark.usefixtures("epochs_that_get_worse")
def test_patience_counts_from_the_release(tmp_path, frozen_epochs, epochs):
    known, unseen = halves(tmp_path, 12)
    patient = training(epochs=6, patience=2, image_size=SIDE)
    fitted = fit(options(frozen_epochs=frozen_epochs, training=patient), known, unseen)
    assert len(fitted.summary.curves) == epochs


def test_a_base_is_frozen_on_two_devices_as_on_one(tmp_path, monkeypatch):
    def fork(strategy):  # which imports nothing again; `test_network_model.py` spawns
        strategy._launcher = _NamingLauncher(strategy, start_method="fork")

    monkeypatch.setattr(Spawned, "_configure_launcher", fork)
    known, unseen = halves(tmp_path, 24)  # whole batches
    two = replace(CPU, devices=2, strategy="ddp_spawn")
    found = []
    for trainer, batch_size in ((CPU, 8), (two, 4)):
        how = training(image_size=SIDE, class_weights=None, batch_size=batch_size)
        network = options(VIT, frozen_epochs=1, training=how)
        found.append(fit(network, known, unseen, trainer=trainer).scores(unseen.inputs))
    assert_allclose(found[1], found[0], rtol=1e-2, atol=1e-3)


@of_rows(__file__, "published", "refused.yaml")
def test_what_cannot_be_is_named(network, changed, planes, said):
    if "depths" in changed:
        changed = changed | {"depths": tuple(changed["depths"])}
    if planes:
        changed = changed | {"training": PLANES}
    with pytest.raises((OptionError, ModelFailure, ValueError), match=said):
        started(options(network, **changed))


def test_a_network_looks_through_the_weights_that_it_has_and_hands_on_no_copy_of_them():
    network, images = started(options(RESNET, frozen_epochs=None)), torch.randn(2, 1, SIDE, SIDE)
    other = {name: value + 1 for name, value in network.state_dict().items()}
    with torch.inference_mode():
        network(images)
        network.load_state_dict(other)
        found = network(images)
        assert_allclose(found, network.eval()(images), rtol=1e-6)
    held = sum(value.nbytes for value in other.values())
    assert len(pickle.dumps(network)) < 1.5 * held


def test_images_and_weights_that_do_not_fit_are_named(tmp_path):
    with pytest.raises(ModelFailure, match=r"images of 30 × 30.*image_size"):
        options(VIT).build((1, 30, 30), 2)
    with pytest.raises(ModelFailure, match=r"images of 2 channels.*gray: repeat"):
        started(options("test_nfnet"), channels=2)  # its layers standardise their filters
    for architecture in (SMALL, VIT):
        with pytest.raises(DataError, match=r"these weights do not fit .*architecture"):
            started(options(architecture, weights=weights_file(tmp_path, RESNET)))


def test_the_articles_transfer_network_has_keras_numbers_of_parameters():
    """Keras' VGG16 without its top has 14,714,688; frozen, the new layers alone learn."""
    new = 512 * 128 + 128 + 128 * 3 + 3
    vgg16 = options("vgg16", head="dense", frozen_epochs=None)
    assert parameter_count(vgg16.build((3, SIDE, SIDE), 3)) == new
    released = replace(vgg16, frozen_epochs=0)
    assert parameter_count(released.build((3, SIDE, SIDE), 3)) == 14_714_688 + new
    with pytest.raises(ModelFailure, match=r"31 × 40 pixels"):
        vgg16.build((3, 31, 40), 2)


def test_dense_layers_stand_on_the_given_convolutions(tmp_path):
    source = weights_file(tmp_path, "mobilenet_v3_small")
    network = started(options("mobilenet_v3_small", head="dense", weights=source), channels=3)
    expected = torch.load(source.file, weights_only=True)
    found = network.base.state_dict()
    assert all(
        torch.equal(found[name.replace("features", "0", 1)], value)
        for name, value in expected.items()
        if name.startswith("features.")
    )
