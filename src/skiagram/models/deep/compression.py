"""Smaller networks: weights set to zero, weights in eight bits, packed into one file.

Pruning by size over all layers: Han, Pool, Tran and Dally 2015, *Learning both Weights and
Connections for Efficient Neural Networks*, NIPS 28. Symmetric eight-bit weights, a scale per output
channel: Krishnamoorthi 2018, *Quantizing deep convolutional networks for efficient inference*,
arXiv:1806.08342, §2. Activations stay in 32 bits. The packed file holds all that scoring needs, and
it is what is scored: its weights are unpacked, so no figure is of a network that cannot be stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from torch import Tensor

from skiagram.models.deep.fitted import WEIGHTS, FittedNetwork, load_classifier

_MAX_BYTE = 127  # of a signed byte, used symmetrically
_MASK, _SCALE, _VALUES, _SHAPE = ":mask", ":scale", ":values", ":shape"


@dataclass(frozen=True)
class Compression:
    """What is done to the weights of a network.

    Attributes:
        pruned: Share of the weights that are set to zero, those nearest to it, in [0, 1).
        eight_bits: Whether weights are stored in eight bits instead of 32.
    """

    pruned: float
    eight_bits: bool

    def pack(self, state: Mapping[str, Tensor]) -> bytes:
        """Return a safetensors file of a state dict, its matrices and kernels compressed."""
        least = _least_size(state, self.pruned)
        packed: dict[str, Tensor] = {}
        for name, value in state.items():
            if is_weight(name, value):
                packed |= self._pack_weight(name, value.detach().cpu().float(), least)
            else:
                packed[name] = value.detach().cpu().contiguous()
        return save(packed)

    def _pack_weight(self, name: str, weight: Tensor, least: float) -> dict[str, Tensor]:
        keep = weight.abs() > least if self.pruned else torch.ones_like(weight, dtype=torch.bool)
        packed = {name + _SHAPE: torch.tensor(weight.shape, dtype=torch.int32)}
        if self.pruned:
            bits = np.packbits(keep.numpy().ravel())
            packed[name + _MASK] = torch.from_numpy(bits)
        if self.eight_bits:
            scale = (weight * keep).flatten(1).abs().amax(dim=1) / _MAX_BYTE
            scale[scale == 0] = 1.0
            whole = (weight / scale.view(-1, *[1] * (weight.ndim - 1))).round()
            packed[name + _SCALE] = scale
            packed[name + _VALUES] = whole.clamp(-_MAX_BYTE, _MAX_BYTE)[keep].to(torch.int8)
        else:
            packed[name + _VALUES] = weight[keep]
        return packed


def unpack(file: bytes) -> dict[str, Tensor]:
    """Return the state dict of a network that `Compression.pack` compressed."""
    packed = load(file)
    state = {name: value for name, value in packed.items() if ":" not in name}
    for key in packed:
        if key.endswith(_SHAPE):
            name = key.removesuffix(_SHAPE)
            state[name] = _unpack_weight(packed, name)
    return state


def _unpack_weight(packed: Mapping[str, Tensor], name: str) -> Tensor:
    shape = packed[name + _SHAPE].tolist()
    weight = torch.zeros(shape)
    keep = torch.ones(shape, dtype=torch.bool)
    if name + _MASK in packed:
        bits = np.unpackbits(packed[name + _MASK].numpy(), count=weight.numel())
        keep = torch.from_numpy(bits.astype(np.bool_)).view(shape)
    weight[keep] = packed[name + _VALUES].float()
    if name + _SCALE in packed:
        weight *= packed[name + _SCALE].view(-1, *[1] * (len(shape) - 1))
    return weight


def count_stored(file: bytes) -> int:
    """Return how many numbers a packed network holds that are not zero by pruning."""
    packed = load(file)
    learned = [
        value.numel()
        for key, value in packed.items()
        if key.endswith(_VALUES) or (":" not in key and value.is_floating_point())
    ]
    return sum(learned)


def is_weight(name: str, value: Tensor) -> bool:
    """Return whether a tensor of a state dict is a matrix or a kernel of learned numbers."""
    return name.endswith("weight") and value.is_floating_point() and value.ndim > 1


def _least_size(state: Mapping[str, Tensor], share: float) -> float:
    sizes: list[NDArray[np.float32]] = [
        value.detach().cpu().float().abs().numpy().ravel()
        for name, value in state.items()
        if is_weight(name, value)
    ]
    if not share or not sizes:
        return -1.0
    every = np.sort(np.concatenate(sizes))
    return float(every[max(0, int(np.ceil(share * len(every))) - 1)])


def compress(fitted: FittedNetwork, compression: Compression) -> tuple[FittedNetwork, int, int]:
    """Return a network with its packed weights, the bytes of its file, and its learned numbers."""
    with TemporaryDirectory(prefix="skiagram-") as scratch:
        folder = Path(scratch)
        fitted.save(folder)
        classifier, architecture = load_classifier(folder)
        file = compression.pack(classifier.state_dict())
        classifier.load_state_dict(unpack(file))
        beside = sum(file.stat().st_size for file in folder.iterdir() if file.name != WEIGHTS)
    network = FittedNetwork(
        classifier, architecture, fitted.summary, torch.device("cpu"), fitted.encoder
    )
    return network, len(file) + beside, count_stored(file)
