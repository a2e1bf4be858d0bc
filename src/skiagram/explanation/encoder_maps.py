"""Maps of a frozen encoder with a head: the head's score as a function of the picture encoded.

The picture is what the encoder reads of an image: scaled, cut, resized and standardised. Where the
head's score is linear in the encoding, head and encoder are one differentiable function; of another
head only occlusion has maps.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skiagram.encoders.encoder import (
    Encoder,
    Intensity,
    LoadedNetwork,
    PictureEncoder,
    Window,
)
from skiagram.explanation.saliency import Explained
from skiagram.explanation.trust import Mask
from skiagram.features.table import FeatureTable
from skiagram.image_store.shards import is_volume
from skiagram.image_store.store import ImageStore, modality_folders
from skiagram.models.classical.estimator import FittedClassical
from skiagram.models.fits import finite

_LINEAR = 1e-6  # of the scores' spread: how far rounding may part a linear head's scores


class EncodedScores(nn.Module):
    """A frozen network with a fitted head on it.

    Args:
        network: Maps (n, channels, height, width) to (n, numbers).
        linear: (classes, numbers + 1) weights and, last, offsets that give the head's scores; None
            for a head that is not linear.
    """

    def __init__(
        self,
        network: nn.Module,
        head: FittedClassical,
        columns: tuple[str, ...],
        linear: NDArray[np.float64] | None,
    ) -> None:
        super().__init__()
        self.network, self.linear = network, linear is not None
        self._head, self._columns = head, columns
        weights = np.zeros((0, len(columns) + 1)) if linear is None else linear
        self.register_buffer("weights", torch.from_numpy(weights))

    def forward(self, pictures: Tensor) -> Tensor:
        """Return (n, classes) scores of the head, float64."""
        encoding = self.network(pictures)
        if self.linear:
            weights = cast(Tensor, self.weights)
            return cast(Tensor, encoding.double() @ weights[:, :-1].T + weights[:, -1])
        table = FeatureTable(
            np.arange(len(encoding)).astype(str), self._columns, encoding.detach().cpu().numpy()
        )
        return torch.from_numpy(finite(self._head.scores(table)))


@dataclass(frozen=True)
class ExplainedEncoder(Explained):
    """A frozen encoder with a head.

    Attributes:
        shape: (channels, height, width) of what the encoder reads.
    """

    classifier: EncodedScores
    positive: int
    shape: tuple[int, ...]

    @property
    def differentiable(self) -> bool:
        return self.classifier.linear

    def example(self) -> tuple[Tensor, ...]:
        return (torch.zeros(1, *self.shape),)

    def randomise(self, share: float, seed: int) -> Self:
        """Return it with fresh weights in the encoder's last layers; the head stays."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            changed = copy.deepcopy(self)
            renew_weights(changed.classifier.network, share)
        return changed


def renew_weights(network: nn.Module, share: float) -> None:
    """Give the last layers of a network fresh weights.

    A layer is begun anew as PyTorch begins it; numbers that no layer knows how to begin, such as
    places of tokens, change places among themselves. The share is of the layers with weights,
    counted from the output, in (0, 1].
    """
    layers = [part for part in network.modules() if any(True for _ in part.parameters(False))]
    for layer in layers[len(layers) - int(np.ceil(share * len(layers))) :]:
        begin = getattr(layer, "reset_parameters", None)
        if begin is not None:
            begin()
            continue
        with torch.no_grad():
            for values in layer.parameters(recurse=False):
                order = torch.randperm(values.numel())
                values.copy_(values.flatten()[order].reshape(values.shape))


def linear_scores(
    head: FittedClassical, columns: tuple[str, ...], encoding: FeatureTable
) -> NDArray[np.float64] | None:
    """Return (classes, numbers + 1) weights and, last, offsets that give a head's scores.

    They are checked on encodings of some cases; None for no linear head.
    """
    values = encoding.columns(columns).values.astype(np.float64)
    centre, step = values.mean(axis=0), values.std(axis=0) + 1.0
    moved = np.concatenate([centre[None], centre + np.diag(step)]).astype(np.float32)
    scores = finite(head.scores(FeatureTable(np.arange(len(moved)).astype(str), columns, moved)))
    first = moved[0].astype(np.float64)
    weights = (scores[1:] - scores[0]).T / (np.diagonal(moved[1:]).astype(np.float64) - first)
    offset = scores[0] - weights @ first
    given = finite(head.scores(encoding))
    expected = values @ weights.T + offset
    if np.abs(expected - given).max() > _LINEAR * max(1.0, float(np.abs(given).max())):
        return None
    return np.hstack([weights, offset[:, None]])


@dataclass(frozen=True)
class EncoderReading:
    """What an encoder reads of images."""

    encoder: PictureEncoder
    loaded: LoadedNetwork
    store: ImageStore

    def explain(
        self, head: FittedClassical, encoding: FeatureTable, positive: int
    ) -> ExplainedEncoder:
        """Return the encoder with a fitted head, of the encoding alone."""
        how, columns = self.encoder.preprocessing, encoding.names
        size = how.size or 0
        network = cast(nn.Module, self.loaded.network)
        scores = EncodedScores(network, head, columns, linear_scores(head, columns, encoding))
        return ExplainedEncoder(scores.eval(), positive, (self.loaded.channels, size, size))

    def pictures(self, case_id: Sequence[str]) -> Tensor:
        """Return (n, channels, size, size): what the network reads of cases."""
        return torch.stack([self._see(case, self.store.image(case)) for case in case_id])

    def masks(self, masks: Sequence[Mask | None], case_id: Sequence[str]) -> NDArray[np.bool_]:
        """Return (n, size, size): regions as they lie in the pictures; none for a case without."""
        size = self.encoder.preprocessing.size or 0
        placed = np.zeros((len(case_id), size, size), dtype=np.bool_)
        # The same cut and size, and intensities as they are.
        asis = replace(
            self.encoder.preprocessing,
            mean=(0.0,),
            std=(1.0,),
            intensity=Intensity(window=Window(low=0.0, high=1.0), percentiles=None),
        )
        reading = replace(self, encoder=replace(self.encoder, preprocessing=asis))
        for row, (mask, case) in enumerate(zip(masks, case_id, strict=True)):
            if mask is not None:
                seen = reading._see(case, mask.astype(np.float32))[0]
                placed[row] = (seen > min(0.5, float(seen.max()) / 2)).numpy()
        return placed

    def _see(self, case: str, image: NDArray[np.generic]) -> Tensor:
        scaled = self.encoder.preprocessing.intensity.scale(image)
        region, spacing = self.store.region(case), self.store.spacing(case)
        return self.encoder.see(scaled, region, spacing, self.loaded.channels)[0]


def why_without_maps(encoder: Encoder, images: ImageStore, *, fused: bool) -> str:
    """Return why no map of an encoder with a head is defined; empty where some are."""
    if fused:
        return "the head reads features beside the encoding, which are no part of a picture"
    if not isinstance(encoder, PictureEncoder):
        return "the encoder reads no pictures"
    if is_volume(images.image(images.case_ids[0])):
        return "the encoder reads several pictures of a volume"
    if len(modality_folders(images.folder)) > 1:
        return "the encoder reads a picture of each modality"
    return ""
