"""Small sets of images and short trainings for the tests of networks."""

from dataclasses import replace

import numpy as np

from skiagram.fitting.contract import FitContext, Labelled
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.models.deep.network_model import NetworkModel
from skiagram.models.deep.small_cnn import SmallCNN
from skiagram.options import build
from skiagram.records.feature_table import FeatureTable
from skiagram.tasks.classes import Classes
from skiagram.training.data import ImageSet
from skiagram.training.options import Optimizer, Training
from tests.models.classical.families import read_options
from tests.stand_ins import CPU


def training(epochs=2, lr=0.01, schedule="cosine", **changed):
    """Return the options of a short training, some of them changed."""
    plain = Training(
        optimizer=Optimizer(name="adam", lr=lr, weight_decay=0.0, schedule=schedule),
        batch_size=16,
        epochs=epochs,
        patience=epochs,
        class_weights="balanced",
        label_smoothing=0.0,
        image_size=None,
        augmentation=None,
        mixup=0.0,
        gradient_clip=None,
        members=1,
    )
    return replace(plain, **changed)


SMALL_CNN = {
    "_target_": "skiagram.models.deep.small_cnn.SmallCNN",
    "widths": [6, 12],
    "dropout": 0.0,
}
# Smaller architectures of networks whose weights are published.
TINY = {
    "pretrained": "shufflenet_v2_x0_5",
    "fine_tuned": "resnet18",
    "fine_tuned_efficientnet": "resnet18",
    "vgg16_transfer": "vgg11",
}
SIDES = {"article_cnn": 18, "vgg16_transfer": 32}  # of the smallest images, if not 16


def short_network(name, epochs):
    """Return the network of a config that trains for some epochs, from fresh weights."""
    options = read_options(name)
    optimizer = {"name": "adam", "lr": 0.003, "weight_decay": 0.0, "schedule": "constant"}
    options["training"] |= {"epochs": epochs, "patience": epochs, "batch_size": 16}
    options["training"] |= {"optimizer": optimizer, "image_size": None, "augmentation": None}
    if "weights" in options:  # a frozen base of fresh weights learns nothing
        options |= {"weights": "none", "frozen_epochs": 0, "last_blocks": None, "depths": None}
        options |= {"architecture": TINY[name], "library": "torchvision"}
    return NetworkModel(build(options, "model"), CPU, threads=1)


def learner(options, dropout=0.3, trainer=CPU):
    """Return a small network as a model."""
    network = SmallCNN(widths=(6, 12), dropout=dropout, training=options)
    return NetworkModel(network, trainer, threads=1)


def fit(network, known, unseen=None, *, trainer=CPU, seed=0, **context):
    """Train a network, given by its options or as a model; unseen cases decide when to stop."""
    model = network
    if not isinstance(network, NetworkModel):
        model = NetworkModel(network, trainer, threads=1)
    return model.fit(known, FitContext(seed, validation=unseen, **context))


def spots(folder, n, n_classes=2, channels=1, noise=1.0, side=16, depth=None):
    """Write noise with a spot at a random place; the class is the spot's height.

    With a depth they are volumes. The table beside the images says nothing of the class.
    """
    draw = np.random.default_rng(n + 10 * n_classes + channels)
    label = np.arange(n, dtype=np.int64) % n_classes
    case_id = np.array([f"case{row:04d}" for row in range(n)])
    with ShardWriter(folder) as writer:
        for name, height in zip(case_id.tolist(), label, strict=True):
            image = noise * draw.standard_normal((depth or 1, side, side, channels))
            row, column = draw.integers(1, side - 4, size=2)
            first = 0 if depth is None else draw.integers(0, depth - 3)
            image[first : first + 4, row : row + 4, column : column + 4] += 2.0 * height
            writer.add(name, (image if depth else np.squeeze(image)).astype(np.float32))
    inputs = ImageSet(ImageStore(folder), case_id, noise_table(case_id))
    return Labelled(inputs, case_id, label, case_id, Classes(tuple(map(str, range(n_classes)))))


def noise_table(case_id):
    draw = np.random.default_rng(len(case_id))
    age, side = draw.normal(60, 10, len(case_id)), draw.integers(0, 2, len(case_id))
    age[::7] = np.nan
    values = np.column_stack([age, side == 0, side == 1]).astype(np.float32)
    names = ("covariates_age", "covariates_side_left", "covariates_side_right")
    return FeatureTable(case_id, names, values)


def halves(folder, n, n_classes=2, channels=1, noise=1.0, side=16):
    cases = spots(folder / "images", n, n_classes, channels, noise, side)
    rows = np.arange(n, dtype=np.int64)
    return cases.select(rows[: 2 * n // 3]), cases.select(rows[2 * n // 3 :])
