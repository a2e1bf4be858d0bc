"""A small encoder trained without labels on nodules, skin and mammograms, by SimCLR.

    SKIAGRAM_DATA=FOLDER python pretraining/simclr.py WEIGHTS.safetensors

The recipe is that of Chen et al. 2020 (arXiv 2002.05709): two random views of each image, and a
loss that is small where the views of one image are nearer to one another than to those of all
others. Read are LIDC's nodules, the training part of the skin images and squares of mini-MIAS
films; no label, and no image of the data sets on which the encoder is then measured. About ten
minutes of one core. Prints the loss of every epoch and the SHA-256 of the weights, which repeat on
one kind of machine.
"""

import hashlib
import math
import os
import sys
from pathlib import Path

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from PIL import Image as Pictures
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, interpolate, normalize

from skiagram.seeding import derived_seed, stream

ARCHITECTURE = "resnet10t"
CHANNELS = (32, 64, 128, 256)  # half of the architecture's
SEED = 0
SIDE = 64  # pixels of the images as they are held
VIEW = 32  # pixels of a view
EPOCHS, BATCH = 16, 256
RATE, DECAY, WARM_UP = 2e-3, 1e-4, 2  # of AdamW; epochs until the rate is whole
TEMPERATURE = 0.2
SQUARES, SQUARE = 8, 160  # per film; side in pixels
TISSUE = 40  # grey level: a darker square is air
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main(target: Path) -> None:
    """Train the encoder and write its weights."""
    torch.manual_seed(derived_seed(SEED, "pretraining"))
    torch.set_num_threads(1)
    images = torch.cat([_nodules(), _skin(), _mammograms()])
    encoder = timm.create_model(ARCHITECTURE, num_classes=0, channels=CHANNELS)
    width = encoder.num_features
    head = nn.Sequential(
        nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Linear(width, 128)
    )
    network = nn.Sequential(encoder, head)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    steps = len(images) // BATCH
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: _rate(step / steps / EPOCHS)
    )
    _say(f"{len(images)} images, {sum(p.numel() for p in encoder.parameters())} numbers")
    for epoch in range(EPOCHS):
        order = stream(SEED, "pretraining", "order", epoch).permutation(len(images))
        total = 0.0
        for step in range(steps):
            batch = images[torch.from_numpy(order[step * BATCH : (step + 1) * BATCH])]
            views = torch.cat([random_views(batch), random_views(batch)])
            loss = contrastive_loss(network(views))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        _say(f"epoch {epoch}: loss {total / steps:.4f}")
    content = save({name: value.contiguous() for name, value in encoder.state_dict().items()})
    target.write_bytes(content)
    _say(f"sha256: {hashlib.sha256(content).hexdigest()}")


def contrastive_loss(numbers: Tensor) -> Tensor:
    """Return the normalised cross-entropy of Chen et al. of (2 n, width) numbers of views."""
    unit = normalize(numbers, dim=1)
    likeness = unit @ unit.T / TEMPERATURE
    likeness.fill_diagonal_(-math.inf)
    n = len(numbers) // 2
    return cross_entropy(likeness, torch.arange(2 * n).roll(n))


def random_views(images: Tensor) -> Tensor:
    """Cut, turn, mirror, recolour, blur and add noise to (n, 3, side, side) uint8 images."""
    n = len(images)
    scale = torch.empty(n).uniform_(0.2, 1.0).sqrt()
    angle = torch.empty(n).uniform_(-math.pi, math.pi) * (torch.rand(n) < 0.5)
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    shift = (1 - scale)[:, None] * torch.empty(n, 2).uniform_(-1, 1)
    rows = [
        torch.stack([mirror * scale * angle.cos(), -scale * angle.sin(), shift[:, 0]], dim=1),
        torch.stack([mirror * scale * angle.sin(), scale * angle.cos(), shift[:, 1]], dim=1),
    ]
    grid = affine_grid(torch.stack(rows, dim=1), [n, 3, VIEW, VIEW], align_corners=False)
    views = grid_sample(images.float() / 255, grid, padding_mode="reflection", align_corners=False)
    grey = views.mean(dim=1, keepdim=True)
    views = torch.where(torch.rand(n, 1, 1, 1) < 0.2, grey.expand_as(views), views)
    views = views * torch.empty(n, 3, 1, 1).uniform_(0.9, 1.1)  # hue, of colour images
    centre = views.mean(dim=(1, 2, 3), keepdim=True)
    views = (views - centre) * torch.empty(n, 1, 1, 1).uniform_(0.6, 1.4) + centre
    views = views + torch.empty(n, 1, 1, 1).uniform_(-0.2, 0.2)
    small = interpolate(views, scale_factor=0.5, mode="area")
    blurred = interpolate(small, size=(VIEW, VIEW), mode="bilinear")
    views = torch.where(torch.rand(n, 1, 1, 1) < 0.3, blurred, views)
    views = views + torch.randn_like(grey) * torch.empty(n, 1, 1, 1).uniform_(0, 0.05)
    mean, deviation = (torch.tensor(one).view(1, 3, 1, 1) for one in (MEAN, DEVIATION))
    return (views.clamp(0, 1) - mean) / deviation


def _rate(share: float) -> float:
    warm = WARM_UP / EPOCHS
    if share < warm:
        return share / warm
    return 0.5 * (1 + math.cos(math.pi * (share - warm) / (1 - warm)))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _data() -> Path:
    return Path(os.environ["SKIAGRAM_DATA"])


def _held(images: NDArray[np.float32]) -> Tensor:
    """Return (n, height, width[, 3]) images of 0 to 1 as (n, 3, SIDE, SIDE) uint8."""
    planes = torch.from_numpy(images)
    planes = planes[:, None] if planes.ndim == 3 else planes.permute(0, 3, 1, 2)
    sized = interpolate(planes, size=(SIDE, SIDE), mode="bilinear", antialias=True)
    return (sized.clamp(0, 1) * 255).round().to(torch.uint8).expand(-1, 3, -1, -1).contiguous()


def _nodules() -> Tensor:
    with np.load(_data() / "lidc_nodules.npz") as file:
        images = file["images"].astype(np.float32)
    low, high = np.percentile(images, [0.5, 99.5], axis=(1, 2), keepdims=True)
    return _held(((images - low) / np.maximum(high - low, 1)).astype(np.float32))


def _skin() -> Tensor:
    with np.load(_data() / "dermamnist_lossy.npz") as file:
        return _held(file["train_images"].astype(np.float32) / 255)


def _mammograms() -> Tensor:
    """Return squares at random places that are not air."""
    squares = []
    for path in sorted((_data() / "mini-mias").glob("mdb*.png")):
        with Pictures.open(path) as picture:
            film = np.asarray(picture)
        draw = stream(SEED, "pretraining", path.stem)
        found = 0
        while found < SQUARES:
            y, x = draw.integers(0, film.shape[0] - SQUARE, 2)
            square = film[y : y + SQUARE, x : x + SQUARE]
            if square.mean() > TISSUE:
                squares.append(square)
                found += 1
    return _held(np.stack(squares).astype(np.float32) / 255)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
