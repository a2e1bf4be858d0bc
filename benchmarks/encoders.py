"""Encoding images compared with timm's bare forward, and with what was encoded before.

    python -m benchmarks.encoders

Both use the same network with the same seeded weights, on one core. The bare side gets its tensors
ready made; ours reads the images from shards, scales and resizes them, and looks each one up.
"""

import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import timm
import torch
import yaml
from benchmarks.common import films
from benchmarks.ratio import Ratio, Side, Table, compare, show
from safetensors.torch import save_file

from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import IN_PROCESS
from skiagram.encoders.encoder import Encoder, LoadedNetwork
from skiagram.encoders.encoding import encode_folder, encode_images, resolve_preprocessing
from skiagram.image_store.shards import ShardWriter
from skiagram.options import build
from skiagram.preparation import PREPARATION, ImageKinds, Preparation
from skiagram.records.files import sha256_of, write_record

CONF = Path(__file__).resolve().parents[1] / "conf"
PEER = f"timm {version('timm')}, bare forward"
NETWORKS = {"vit_small_patch16_224": (8, 224), "resnet18": (8, 224)}
KINDS = ImageKinds((1,), ("float32",), (1, 9999), (1, 9999))
TARGET = 0.9
BEFORE, ADDED, SIDE = 500, 10, 64


def ratios() -> Iterator[Ratio]:
    """Yield how fast images are encoded beside the bare network."""
    for architecture, (count, side) in NETWORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            encoder = _encoder(Path(folder), architecture, side)
            images = _images(Path(folder) / "images", count, side)
            loaded = encoder.load()
            ready = resolve_preprocessing(KINDS, encoder, loaded)
            network = loaded.network
            batch = torch.rand(count, 3, side, side)

            def bare(network: object = network, batch: torch.Tensor = batch) -> None:
                with torch.inference_mode():
                    network(batch)  # type: ignore[operator]

            def ours(
                images: Path = images, ready: Encoder = ready, loaded: LoadedNetwork = loaded
            ) -> None:
                encode_folder(images, ready, loaded)

            title = f"{architecture}, {count} images of {side} × {side}"
            torch.set_num_threads(1)
            yield compare(title, Side("skiagram", ours, count), Side(PEER, bare, count), TARGET)


def tables() -> Iterator[Table]:
    """Yield what encoding images anew costs, ten more, and the same again."""
    with tempfile.TemporaryDirectory() as name:
        folder, rows = Path(name), []
        encoder = _encoder(folder, "vit_tiny_patch16_224", SIDE)
        for what, count in (
            (f"{BEFORE:,} images, none encoded before", BEFORE),
            (f"{ADDED} images added", BEFORE + ADDED),
            ("the same again, as where a head changes", BEFORE + ADDED),
        ):
            images = _images(folder / what, count, SIDE)
            store = PieceStore(folder / "pieces")
            known, started = _known(store), time.process_time()
            encode_images(images, encoder, IN_PROCESS, store, lambda _: None)
            seconds = time.process_time() - started
            rows.append((what, str(_known(store) - known), f"{seconds:.2f} s"))
        header = ("images", "encoded", "time")
        yield Table("What was encoded before is not encoded again", header, tuple(rows))


def _known(store: PieceStore) -> int:
    """Return how many images were encoded before."""
    tables = store.folder.glob("encodings-*/rows.npy")
    return sum(len(np.load(path, mmap_mode="r")) for path in tables)


def _encoder(folder: Path, architecture: str, side: int) -> Encoder:
    torch.manual_seed(0)
    sized = {"img_size": side} if architecture.startswith("vit") else {}
    body = timm.create_model(architecture, num_classes=0, **sized)
    path = folder / "weights.safetensors"
    save_file(body.state_dict(), path)
    values = yaml.safe_load((CONF / "encoder/vit_base.yaml").read_text())
    values |= {"architecture": architecture, "arguments": {}, "batch_size": 16}
    values["weights"] = {"file": str(path), "sha256": sha256_of(path)}
    values["preprocessing"]["size"] = side
    built: Encoder = build(values, "encoder")
    return built


def _images(folder: Path, count: int, side: int) -> Path:
    pixels = films(count, side, side)
    with ShardWriter(folder) as writer:
        for number, image in enumerate(pixels):
            writer.add(f"case-{number:05d}", image)
    write_record(Preparation(ImageKinds.of(pixels), None), folder / PREPARATION)
    return folder


if __name__ == "__main__":
    show(ratios(), tables())
