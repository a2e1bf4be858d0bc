"""Encoding by a frozen network beside a plain loop of timm.

    python -m benchmarks.encoding

EfficientNet-Lite0 on films of 28 × 28 pixels, enlarged to 224 × 224, in batches of 32. The peer
enlarges and standardises them, and computes timm's features of the whole network, channels last.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import timm
import torch
from benchmarks.common import films
from benchmarks.ratio import Side, Table, compare, show, tabulate
from torch.nn.functional import interpolate

from skiagram.encoders.encoding import FolderEncoder, resolve_preprocessing
from skiagram.encoders.timm_encoder import TimmMaps
from skiagram.image_store.shards import ShardWriter
from skiagram.options import build, read_option_file
from skiagram.preparation import ImageKinds, Preparation

OPTIONS = Path(__file__).resolve().parents[1] / "conf/encoder/efficientnet_lite0.yaml"
PEER = f"timm {version('timm')}"
IMAGES, SIDE = 64, 224


def encode_by_timm(network: torch.nn.Module, images: torch.Tensor, batch_size: int) -> None:
    """Enlarge, standardise and encode gray images, (n, 1, height, width)."""
    with torch.inference_mode():
        for batch in images.split(batch_size):
            picture = interpolate(batch, (SIDE, SIDE), mode="bicubic").expand(-1, 3, -1, -1)
            standardised = (picture / 4095 - 0.5) / 0.5
            network(standardised.contiguous(memory_format=torch.channels_last))


def tables() -> Iterator[Table]:
    """Compare one look at each image; mirror images, the default, take a second one."""
    torch.set_num_threads(1)
    encoder: TimmMaps = replace(build(read_option_file(OPTIONS), "encoder"), mirrored=False)
    network = timm.create_model(encoder.architecture, num_classes=0).eval()
    network = network.to(memory_format=torch.channels_last)
    images = films(IMAGES, 28, 28)
    peer = partial(encode_by_timm, network, torch.from_numpy(images)[:, None], encoder.batch_size)
    loaded = encoder.load()
    ready = resolve_preprocessing(Preparation(ImageKinds.of(images), None), encoder, loaded)
    with TemporaryDirectory() as folder:
        with ShardWriter(Path(folder)) as writer:
            for number, image in enumerate(images):
                writer.add(f"image{number:03d}", image)
        work = partial(FolderEncoder(ready, loaded).encode, Path(folder))
        title = f"EfficientNet-Lite0, {IMAGES} images of 28 × 28, enlarged to {SIDE} × {SIDE}"
        sides = Side("skiagram", work, IMAGES), Side(PEER, peer, IMAGES)
        yield tabulate([compare(title, *sides)])


if __name__ == "__main__":
    show(tables())
