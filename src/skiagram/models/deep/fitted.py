"""A trained network: scores, and its form on disk (safetensors and JSON, nothing pickled)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from skiagram.arrays import Floats
from skiagram.errors import refusal
from skiagram.fitting.contract import FitSummary, FittedToCases, Requirements
from skiagram.models.deep.contract import (
    AnyNetwork,
    ReadsTable,
)
from skiagram.models.deep.inputs import TableEncoder, encode_table
from skiagram.records.files import read_record, write_record
from skiagram.training.classifier import Classifier
from skiagram.training.data import VOLUME_AXES, ImageSet, described
from skiagram.training.processes import memory_failures

WEIGHTS = "weights.safetensors"
ARCHITECTURE = "architecture.json"


@dataclass(frozen=True)
class Sizes:
    """What a network is built for.

    Attributes:
        shape: (channels, height, width) of what it sees of a case, or (channels, depth, height,
            width): modalities are channels, and so is the mask, the last one.
        columns: Numbers of the table that it reads beside an image; 0 where it reads none.
    """

    shape: tuple[int, ...]
    n_classes: int
    columns: int = 0


@dataclass(frozen=True)
class Architecture:
    """What a network is built from: its options, and what it is built for."""

    network: AnyNetwork
    sizes: Sizes

    def build(self) -> nn.Module:
        """Build the network, freshly initialised from torch's global generator.

        Raises:
            ModelFailure: The network is not defined for such images, or planes of unequal sides are
                asked for.
        """
        # Three planes through a volume are channels of one image.
        network, sizes = self.network, self.sizes
        shape, n_classes = sizes.shape, sizes.n_classes
        if self.planes:
            stored_channels, *plane_sides = shape
            if len(shape) != VOLUME_AXES or len(set(plane_sides)) > 1:
                raise refusal(
                    "models.unequal_planes",
                    network.title,
                    sides=plane_sides,
                )
            shape = 3 * stored_channels, plane_sides[0], plane_sides[0]
        # With or without covariates.
        if isinstance(network, ReadsTable):
            return network.build(shape, n_classes, sizes.columns)
        return network.build(shape, n_classes)

    @property
    def planes(self) -> bool:
        return self.network.training.input.three_planes

    @property
    def layout(self) -> torch.memory_format:
        """Choose the layout in which the channels of a pixel stand side by side."""
        volumes = len(self.sizes.shape) == VOLUME_AXES and not self.planes
        return torch.channels_last_3d if volumes else torch.channels_last


class FittedNetwork(FittedToCases[ImageSet]):
    """A trained network on one device; `encoder` makes numbers of the table that it reads."""

    def __init__(
        self,
        classifier: nn.Module,
        architecture: Architecture,
        summary: FitSummary,
        device: torch.device,
        encoder: TableEncoder | None = None,
    ) -> None:
        """Take a trained network onto a device, ready to score.

        Args:
            classifier: The network, or the ensemble of several.
            architecture: What it was built from.
            summary: What the fit cost.
            device: On which it scores.
            encoder: Makes numbers of the table that it reads; None of networks on images alone.
        """
        self.summary = summary
        self.encoder = encoder
        # One layout for all: a loaded network then scores bit for bit as before it was saved.
        self.classifier = classifier.to(device, memory_format=architecture.layout).eval()  # type: ignore[call-overload]
        self.architecture, self.network = architecture, architecture.network
        self._training = self.network.training
        self._device = device
        # New images must have the size of training where none is brought to one size.
        training, (height, width) = self._training, architecture.sizes.shape[-2:]
        resized = (training.image_size, training.input.box, training.input.three_planes)
        self.requires = Requirements(
            columns=() if encoder is None else encoder.names,
            shape=None if any(resized) else (height, width),
            batch=training.batch_size,
            whole_machine=True,
        )

    def scores(self, inputs: ImageSet) -> Floats:
        """Compute logits of the cases, in batches as large as those of training.

        Regions of interest and modalities come with the images: `inputs.stored_images` opens them.

        Args:
            inputs: The cases, of the shape that training saw.

        Returns:
            (n, n_classes) float64.

        Raises:
            ModelFailure: Images have another shape, or memory ran out.
            DataError: A pixel is missing.
        """
        # A network reads the size that it was trained on.
        shape = inputs.shape(self._training.image_size, self._training.input)
        trained = self.architecture.sizes.shape
        if shape != trained:
            detail, allowed = str(inputs.case_id[0]), f"{trained}, as in training"
            raise refusal(
                "models.unfit_shape",
                found=described(shape),
                allowed=allowed,
                detail=detail,
            )
        # In batches, as many as training had at once.
        rows, size = np.arange(len(inputs)), self._training.batch_size
        batches = [rows[start : start + size] for start in range(0, len(rows), size)]
        table = encode_table(self.encoder, inputs)
        logits = []
        with torch.inference_mode(), memory_failures("scoring", size):
            for batch in batches:
                images = inputs.read(batch, self._training.image_size, self._training.input)
                table_inputs = () if table is None else (table[torch.from_numpy(batch)],)
                logits.append(np.asarray(self.logits(images, *table_inputs).double().numpy()))
        return np.concatenate(logits)

    def logits(self, *inputs: Tensor) -> Tensor:
        """Compute (n, n_classes) logits, on the CPU, of images and of their table if any."""
        logits: Tensor = self.classifier(*(part.to(self._device) for part in inputs))
        return logits.cpu()

    def save(self, folder: Path) -> None:
        """Write weights, sizes and, where it reads a table, the steps that make numbers of it."""
        folder.mkdir(parents=True, exist_ok=True)
        state = self.classifier.state_dict().items()
        weights = {name: value.detach().cpu().contiguous() for name, value in state}
        (folder / WEIGHTS).write_bytes(save(weights))
        write_record(self.architecture.sizes, folder / ARCHITECTURE)
        if self.encoder is not None:
            self.encoder.save(folder)


def load_network(folder: Path, network: AnyNetwork) -> FittedNetwork:
    """Load a network of some options that `FittedNetwork.save` wrote, onto the CPU.

    Args:
        folder: What it wrote.
        network: Its options, from the config that it was trained with.

    Raises:
        DataError: Its files are missing or damaged, or of other options.
    """
    # Built as it was, then given its weights.
    try:
        architecture = Architecture(network, read_record(Sizes, folder / ARCHITECTURE))
        (channels, *_), planes = architecture.sizes.shape, architecture.planes
        unscaled = torch.zeros(channels), torch.ones(channels)
        members = range(network.training.members)
        networks = [Classifier(architecture.build(), *unscaled, planes=planes) for _ in members]
        classifier = as_ensemble(networks)
        weights = load_file(folder / WEIGHTS)
        if any(value.dtype == torch.float64 for value in weights.values()):  # precision 64-true
            classifier = classifier.double()
        classifier.load_state_dict(weights)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise refusal("models.unreadable_network", str(folder), error=error) from error
    # What makes numbers of the table that it reads, where it reads one.
    columns = architecture.sizes.columns
    encoder = TableEncoder.load(folder) if columns else None
    if encoder is not None and encoder.width != columns:
        raise refusal("models.other_columns", str(folder), wide=encoder.width, read=columns)
    summary = FitSummary(0, None, 0)
    return FittedNetwork(classifier, architecture, summary, torch.device("cpu"), encoder)


class Ensemble(nn.Module):
    """Averages the probabilities of its members, or their single scores."""

    def __init__(self, members: Sequence[Classifier]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, images: Tensor, *table: Tensor) -> Tensor:
        """Score images by all members: logarithms of mean probabilities, or mean single scores.

        Args:
            images: (n, channels, [depth,] height, width).
            table: (n, columns); none for networks on images.

        Returns:
            (n, n_classes), or (n, 1) where there are no classes.
        """
        scores = torch.stack([member(images, *table) for member in self.members])
        if scores.shape[-1] == 1:  # no classes: a single score
            return scores.mean(dim=0)
        each = scores.log_softmax(dim=-1)
        return each.logsumexp(dim=0) - math.log(len(self.members))


def as_ensemble(members: Sequence[Classifier]) -> nn.Module:
    """Join the members of one training; the only one stays itself."""
    return members[0] if len(members) == 1 else Ensemble(members)
