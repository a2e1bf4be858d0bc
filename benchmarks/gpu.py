"""What a GPU gives: networks and frozen encoders in images a second, beside a bare loop.

    python -m benchmarks.gpu

Each figure is of this machine's GPU where there is one, else of its processor: so the script runs
anywhere, and its first line says where it ran. In float32 and in bfloat16, in one process.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, cast

import numpy as np
import torch
import yaml
from benchmarks.encoders import KINDS, NETWORKS, _encoder, _images
from benchmarks.training import CASES, CONF, Case, _store
from torch.nn.functional import cross_entropy

from skiagram.encoders.encoding import encode_folder, resolve_preprocessing
from skiagram.image_store.store import ImageStore
from skiagram.models.contract import FitContext, Labelled
from skiagram.models.deep.network_model import NetworkModel
from skiagram.options import build, check
from skiagram.training.data import ImageSet
from skiagram.training.options import Trainer

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
TRAINED = {"float32": "32-true", "bfloat16": "bf16-mixed"}
ENCODED: dict[str, Literal["fp32", "bf16"]] = {"float32": "fp32", "bfloat16": "bf16"}


def main() -> None:
    """Print a row a network and precision: images a second here and in the bare loop."""
    where = torch.cuda.get_device_name() if DEVICE.type == "cuda" else "processor"
    print(f"{where}, PyTorch {torch.__version__}\n")
    print(
        "| what | precision | skiagram, images/s | bare, images/s | share |\n|---|---|--:|--:|--:|"
    )
    for title, precision, ours, bare in rows():
        print(
            f"| {title} | {precision} | {ours:.0f} | {bare:.0f} | {ours / bare:.2f} |", flush=True
        )


def rows() -> Iterator[tuple[str, str, float, float]]:
    """Yield title, precision, and images a second of skiagram and of the bare loop."""
    for case in CASES:
        with TemporaryDirectory() as folder:
            _store(Path(folder), case)
            for precision in TRAINED:
                ours = _speed(partial(_fit, folder, case, precision), case.seen)
                bare = _speed(partial(_loop, folder, case, precision), case.seen)
                yield f"training {case.model}", precision, ours, bare
    for architecture, (count, side) in NETWORKS.items():
        with TemporaryDirectory() as folder:
            encoder = _encoder(Path(folder), architecture, side)
            images = _images(Path(folder) / "images", count, side)
            loaded = encoder.load()
            network = cast(torch.nn.Module, loaded.network).to(DEVICE)
            batch = torch.rand(count, 3, side, side)
            for precision, name in ENCODED.items():
                ready = replace(resolve_preprocessing(KINDS, encoder, loaded), precision=name)
                ours = _speed(partial(encode_folder, images, ready, loaded), count)
                bare = _speed(partial(_forward, network, batch, precision), count)
                yield f"encoding by {architecture}", precision, ours, bare


def _speed(work: Callable[[], object], images: int) -> float:
    """Return images a second of the second call: the first one warms up."""
    work()
    started = time.perf_counter()
    work()
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    return images / (time.perf_counter() - started)


def _autocast(precision: str) -> torch.autocast:
    return torch.autocast(DEVICE.type, torch.bfloat16, enabled=precision == "bfloat16")


def _forward(network: torch.nn.Module, batch: torch.Tensor, precision: str) -> None:
    with torch.inference_mode(), _autocast(precision):
        network(batch.to(DEVICE)).float().cpu()


def _fit(folder: str, case: Case, precision: str) -> None:
    store = ImageStore(Path(folder))
    names = np.array(store.case_ids)
    rows = np.arange(len(names), dtype=np.int64)
    cases = Labelled(ImageSet(store, names), names, rows % 2, names, 2)
    training, validation = (cases.select(part) for part in np.split(rows, [case.images]))
    values = yaml.safe_load((CONF / "trainer/default.yaml").read_text(encoding="utf-8"))
    trainer = check(Trainer, values | {"precision": TRAINED[precision]}, "trainer")
    network = build(case.options(), "model")
    NetworkModel(network, trainer, threads=1).fit(training, FitContext(0, validation=validation))


def _loop(folder: str, case: Case, precision: str) -> None:
    network = build(case.options(), "model")
    stored = [image for _, image in ImageStore(Path(folder))]
    images = torch.from_numpy(np.stack(stored)[:, None].astype(np.float32))
    images = ((images - images.mean()) / images.std()).to(DEVICE)
    label = (torch.arange(len(images)) % 2).to(DEVICE)
    module = network.build(1, case.side, case.side, 2)
    module = module.to(DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(module.parameters(), lr=network.training.optimizer.lr)
    for _ in range(case.epochs):
        for chosen in torch.split(torch.randperm(case.images), case.batch):
            optimizer.zero_grad()
            with _autocast(precision):
                loss = cross_entropy(module(images[chosen]), label[chosen])
            torch.autograd.backward(loss)
            optimizer.step()


if __name__ == "__main__":
    main()
