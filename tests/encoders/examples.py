"""Small seeded networks of timm's in files, and stores of images for them."""

from pathlib import Path

import numpy as np
import timm
import torch
from safetensors.torch import save_file

from skiagram.compute.context import NOTHING_KEPT
from skiagram.compute.files import sha256_of
from skiagram.encoders import encoding
from skiagram.image_store.shards import ShardWriter
from skiagram.options import build
from skiagram.preparation import PREPARATION, ImageKinds, Preparation
from skiagram.records.files import write_record
from tests.yaml_rows import load_yaml

CONF = Path(__file__).resolve().parents[2] / "conf"
VIT, SIDE = "test_vit", 32
SMALL = {
    VIT: {"img_size": SIDE},
    "test_convnext": {},
    "test_resnet": {},
}


def network(architecture=VIT, seed=3):
    """Return a seeded network of timm's, ready to use."""
    torch.manual_seed(seed)
    arguments = SMALL.get(architecture, {})
    body = timm.create_model(architecture, num_classes=0, **arguments)
    for parameter in body.parameters():  # none of them zero, as some are at the start
        parameter.data.add_(0.02 * torch.randn_like(parameter))
    return body.eval()


def weights_file(folder, architecture=VIT):
    path = folder / f"{architecture}.safetensors"
    save_file(network(architecture).state_dict(), path)
    return path


def options(path, architecture=VIT, **changed):
    values = load_yaml(CONF / "encoder/vit_base.yaml")
    of_images = {"size": SIDE, "fit": "stretch", "mean": None, "std": None, "interpolation": None}
    given = {
        "title": "a small network",
        "pooling": "head",
        "architecture": architecture,
        "arguments": {},
        "weights": {"file": str(path), "sha256": sha256_of(path)},
        "preprocessing": values["preprocessing"] | of_images | changed.pop("preprocessing", {}),
    }
    return values | given | changed


def encoder(path, architecture=VIT, **changed):
    return build(options(path, architecture, **changed), "encoder")


def encode_images(folder, given, context=NOTHING_KEPT, preparation=None):
    """Return the encoding of the images of a folder, and its record."""
    ready = encoding.FolderEncoder.of_images(folder, given, context, preparation)
    table = ready.encode(folder)
    return table, ready.record(table)


def count_encoded(monkeypatch):
    """Return a list that grows by the place of every image that a network sees from now on."""
    seen, whole = [], encoding._encode_images

    def counted(work):
        seen.extend(work.images)
        return whole(work)

    monkeypatch.setattr(encoding, "_encode_images", counted)
    return seen


def images(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=shape, dtype=np.uint8)


def store(folder, pictures, regions=None, spacing=None, names=None):
    with ShardWriter(folder) as writer:
        for place, picture in enumerate(pictures):
            name = names[place] if names else f"case-{place:03d}"
            region = regions[place] if regions else None
            writer.add(name, picture, spacing, region)
    kinds = ImageKinds.of(pictures)
    write_record(Preparation(kinds, image_digests="a" * 16), folder / PREPARATION)
    return folder
