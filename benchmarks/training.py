"""Training a network compared with a plain PyTorch loop (same model, batches and images).

    python -m benchmarks.training

Both read the images from the same shards, train with the same optimizer and score the validation
images after each epoch. The bare loop keeps no checkpoint, no curves and no best weights, checks no
loss and could not be resumed; what skiagram's promises cost is what it takes longer.

Each has a process of its own, as its user would have: what a fit does to memory stays with it.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
import torch
import yaml
from benchmarks.common import films
from benchmarks.ratio import Ratio, Side, compare, show
from torch.nn.functional import cross_entropy

from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.models.contract import FitContext, Labelled
from skiagram.models.deep.contract import Network
from skiagram.models.deep.network_model import NetworkModel
from skiagram.options import build, check
from skiagram.training.data import ImageSet
from skiagram.training.options import Trainer

CONF = Path(__file__).resolve().parents[1] / "conf"
PEER = f"PyTorch {version('torch')}"
FRESH = {"weights": "none", "frozen_epochs": 0}


@dataclass(frozen=True)
class Case:
    """One model on one set of images.

    Attributes:
        model: Name of its option file.
        side: Of the images, in pixels.
        images: Training images.
        batch: Images a step.
        epochs: Passes over them.
        target: Least share of the bare loop's speed.
    """

    model: str
    side: int
    images: int
    batch: int
    epochs: int
    target: float

    @property
    def seen(self) -> int:
        """Return how many images a fit is shown."""
        return self.images * self.epochs

    def options(self) -> dict[str, Any]:
        """Return the model's options, trained on images as they are."""
        values: dict[str, Any] = yaml.safe_load(
            (CONF / f"model/{self.model}.yaml").read_text(encoding="utf-8")
        )
        fixed = {"batch_size": self.batch, "epochs": self.epochs, "patience": self.epochs}
        optimizer = values["training"]["optimizer"] | {"schedule": "constant"}
        plain = {"image_size": None, "augmentation": None, "optimizer": optimizer}
        values["training"] |= fixed | plain
        return values | (FRESH if "weights" in values else {})


CASES = (
    Case("article_cnn", side=28, images=1024, batch=128, epochs=15, target=0.90),
    Case("small_cnn", side=28, images=1024, batch=128, epochs=30, target=0.80),
    Case("pretrained", side=224, images=128, batch=8, epochs=1, target=0.95),
)


def ratios() -> Iterator[Ratio]:
    """Compare whole fits, from the shards to the weights of the best epoch."""
    for case in CASES:
        title = build(case.options(), "model").title
        with TemporaryDirectory() as folder, _worker() as ours, _worker() as theirs:
            _store(Path(folder), case)
            yield compare(
                f"{title}, {case.side} × {case.side} pixels, batches of {case.batch}",
                Side("skiagram", partial(_run, ours, _fit, folder, case), case.seen),
                Side(PEER, partial(_run, theirs, _loop, folder, case), case.seen),
                case.target,
                clock=_seconds_of_workers,
            )


def _worker() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"), torch.set_num_threads, (1,))


def _run(worker: ProcessPoolExecutor, work: Callable[..., None], folder: str, case: Case) -> None:
    worker.submit(work, folder, case).result()


def _seconds_of_workers() -> float:
    """Return the processor's seconds of this process's children, of which one works at a time."""
    times = [child.cpu_times() for child in psutil.Process().children()]
    return float(sum(one.user + one.system for one in times))


def _store(folder: Path, case: Case) -> None:
    number = case.images + case.images // 8
    with ShardWriter(folder) as writer:
        for row, image in enumerate(films(number, case.side, case.side)):
            writer.add(f"case{row:05d}", image.astype(np.uint16))


def _fit(folder: str, case: Case) -> None:
    store = ImageStore(Path(folder))
    names = np.array(store.case_ids)
    rows = np.arange(len(names), dtype=np.int64)
    cases = Labelled(ImageSet(store, names), names, rows % 2, names, 2)
    training, validation = (cases.select(part) for part in np.split(rows, [case.images]))
    network: Network = build(case.options(), "model")
    values = yaml.safe_load((CONF / "trainer/default.yaml").read_text(encoding="utf-8"))
    trainer = check(Trainer, values | {"accelerator": "cpu"}, "trainer")
    NetworkModel(network, trainer, threads=1).fit(training, FitContext(0, validation=validation))


def _loop(folder: str, case: Case) -> None:
    network: Network = build(case.options(), "model")
    stored = [image for _, image in ImageStore(Path(folder))]
    images = torch.from_numpy(np.stack(stored)[:, None].astype(np.float32))
    images = (images - images.mean()) / images.std()
    label = torch.arange(len(images)) % 2
    options, n = network.training.optimizer, case.images
    module = network.build(1, case.side, case.side, 2).to(memory_format=torch.channels_last)
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[options.name]
    optimizer = kind(module.parameters(), lr=options.lr, weight_decay=options.weight_decay)
    for _ in range(case.epochs):
        module.train()
        for rows in torch.split(torch.randperm(n), case.batch):
            optimizer.zero_grad()
            torch.autograd.backward(cross_entropy(module(images[rows]), label[rows]))
            optimizer.step()
        module.eval()
        with torch.no_grad():
            for rows in torch.split(torch.arange(n, len(label)), case.batch):
                cross_entropy(module(images[rows]), label[rows]).item()


if __name__ == "__main__":
    show(ratios())
