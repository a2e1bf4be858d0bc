"""An encoder of whole volumes: a network over three axes with weights from a file.

The network is one of torchvision's for video, which take time for depth (Tran et al. 2018, CVPR: a
ResNet over three axes; Liu et al. 2022, CVPR: a Swin transformer), or one of this program's that
reads volumes. It ends before its last linear layer, as encoders of pictures do.
"""

from typing import Annotated, Any, Literal

import numpy as np
import torch
from pydantic import Field
from pydantic.dataclasses import dataclass
from torch import Tensor
from torch.nn.functional import pad

from skiagram.compute.files import sha256_of
from skiagram.encoders.encoder import WEIGHTS, LoadedNetwork, PublishedEncoder, Scaling
from skiagram.encoders.weights import give_weights, one_line, read_tensors
from skiagram.errors import ModelFailure, OptionError, refusal
from skiagram.images import Image, Region, Spacing, ends_of, is_volume
from skiagram.models.deep.backbone import build_inner
from skiagram.models.deep.contract import ReadsTable, ReadsVolumes
from skiagram.models.deep.layers import cut_last_layer, torchvision_builder
from skiagram.strict import STRICT
from skiagram.training.network_input import resize_volume
from skiagram.training.options import Optimizer, Training

NETWORK, _SIZE = "encoder.network", "encoder.preprocessing.size"
_COLOURS = 3  # channels of videos
_UNLIKE = ("s3d",)  # ends in a convolution
_CLASSES = 2  # of the layer that is cut off
_NOT_TRAINED = Training(  # which options of this program's networks ask for
    optimizer=Optimizer(name="sgd", lr=1.0, weight_decay=0.0, schedule="constant"),
    batch_size=1,
    epochs=1,
    patience=1,
    class_weights=None,
    label_smoothing=0.0,
    image_size=None,
    augmentation=None,
    mixup=0.0,
    gradient_clip=None,
    members=1,
)
Side = Annotated[int, Field(ge=2)]


@dataclass(**STRICT)
class VolumePreprocessing(Scaling):
    """How a volume becomes what the network reads.

    Attributes:
        size: Slices, rows and columns that the network reads.
        fit: `pad` keeps the proportions in mm and fills up with black, `stretch` does not keep
            them.
        margin: Where volumes have a region of interest: the box around it is cut out, wider by this
            share of its side on each side; null takes the whole volume.
    """

    mean: Annotated[tuple[float, ...], Field(min_length=1)]
    std: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)]
    size: tuple[Side, Side, Side]
    fit: Literal["pad", "stretch"]
    margin: Annotated[float, Field(ge=0)] | None


@dataclass(**STRICT)
class VolumeEncoder(PublishedEncoder):
    """A network on volumes with weights from a file.

    Attributes:
        preprocessing: How a volume becomes what the network reads.
        network: Name of one of torchvision's video networks; or `_target_` and options of one of
            this program's that reads volumes, without its training.
    """

    preprocessing: VolumePreprocessing
    network: str | dict[str, Any]

    def load(self) -> LoadedNetwork:
        # The whole network with fresh weights: torchvision's, or one of this program.
        how = self.preprocessing
        # A network of torchvision's for videos, or one of this program's.
        if isinstance(self.network, str):
            from torchvision.models import video

            title, channels = self.network, _COLOURS
            or_program = "; or `_target_` and options of a network of this program's"
            network = torchvision_builder(title, video, _UNLIKE, NETWORK, or_program)()
        else:
            title, channels = str(self.network["_target_"]), 1
            not_used = "is not used", "leave it out: nothing is trained"
            own = build_inner(self.network, _NOT_TRAINED, NETWORK, not_used)
            if not isinstance(own, ReadsVolumes) or isinstance(own, ReadsTable):
                raise refusal("models.no_volume_network", NETWORK, kind=OptionError, title=title)
            try:
                network = own.build_for_volumes(channels, *how.size, _CLASSES)
            except ModelFailure as error:
                raise OptionError(error.found, where=_SIZE, allowed=error.allowed) from error
        how.check_channels(channels)
        # Weights go into all but the last layer, which is cut off.
        path = self.weights.locate(WEIGHTS)
        last, _ = cut_last_layer(network)
        tensors = read_tensors(path)
        # A program may put one word before all names: `network.` this one, beside mean and
        # deviation of its own images; `module.` stands there after training on several devices.
        first = next(iter(network.state_dict()))
        for prefix in ("network.", "module.", "encoder.", "backbone."):
            if first not in tensors and f"{prefix}{first}" in tensors:
                tensors = {
                    name.removeprefix(prefix): tensor
                    for name, tensor in tensors.items()
                    if name.startswith(prefix)
                }
        give_weights(network, tensors, title, str(path), (last,))
        network.eval().requires_grad_(False)
        # A first look tells how many numbers it makes.
        try:
            with torch.inference_mode():
                numbers = network(torch.zeros(1, channels, *how.size)).shape[1]
        except (RuntimeError, AssertionError, ValueError) as error:
            raise refusal(
                "models.unfit_volumes", _SIZE, kind=OptionError, title=title, reason=one_line(error)
            ) from error
        return LoadedNetwork(network, channels, int(numbers), sha256_of(path), how)

    def see(
        self, image: Image, region: Region | None, spacing: Spacing | None, channels: int
    ) -> list[Tensor]:
        """Return the volume, cut to the box around the region."""
        if not is_volume(image):
            raise refusal("models.plane_image")
        how, voxels = self.preprocessing, image[..., 0]
        # Without a region, or a margin, the whole volume is seen.
        if region is not None and how.margin is not None:
            # The box around the region with its margin, as far as the volume reaches.
            cuts = []
            for (start, stop), length in zip(
                ends_of(region.inside), region.inside.shape, strict=True
            ):
                more = int(np.ceil((stop - start) * how.margin))
                cuts.append(slice(max(0, start - more), min(length, stop + more)))
            box = tuple(cuts)
            voxels = voxels[box]
        sides: tuple[int, ...] = how.size
        if how.fit == "pad":
            # The largest sides of the volume's own proportions that the size holds.
            has_spacing = spacing is not None and bool(np.isfinite(spacing).all())
            lengths = [
                side * (spacing[axis] if has_spacing and spacing else 1)
                for axis, side in enumerate(voxels.shape)
            ]
            scale = min(whole / length for whole, length in zip(how.size, lengths, strict=True))
            sides = tuple(max(1, round(length * scale)) for length in lengths)
        # The volume in this size, centred in what the network reads.
        volume = torch.from_numpy(np.ascontiguousarray(voxels, np.float32))[None]
        volume = resize_volume(volume, sides).clamp(0, 1)
        around: list[int] = []
        for whole, side in zip(reversed(how.size), reversed(sides), strict=True):
            around += [(whole - side) // 2, whole - side - (whole - side) // 2]
        return [how.standardise(pad(volume, around), channels)]
