"""Options of training: what an option file of a network or of the trainer may say."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag
from pydantic.dataclasses import dataclass

from skiagram.options import STRICT


@dataclass(**STRICT)
class Optimizer:
    """How weights follow the gradient.

    Attributes:
        name: `adam` (Kingma & Ba 2015), `adamw` (Loshchilov & Hutter 2019) or `sgd` with
            momentum .9.
        lr: Learning rate of the first epoch; under `one_cycle` the largest.
        weight_decay: Pull towards 0; decoupled from the gradient under `adamw`.
        schedule: `constant`; `cosine` down to 0 over all epochs; or `one_cycle`, step by step up to
            `lr` and down again (Smith & Topin 2019).
    """

    name: Literal["adam", "adamw", "sgd"]
    lr: Annotated[float, Field(gt=0, le=10)]
    weight_decay: Annotated[float, Field(ge=0)]
    schedule: Literal["constant", "cosine", "one_cycle"]


@dataclass(**STRICT)
class Augmentation:
    """Random views of training images; each is a function of seed, epoch and case.

    All slices of a volume are turned and moved alike, each in its plane.

    Attributes:
        horizontal_flip: Mirror left and right in half of the views; not where the side matters.
        vertical_flip: Mirror top and bottom in half of the views.
        shift: Largest shift as a share of the image's side, each way.
        rotation: Largest rotation in degrees, each way.
        shear: Largest slant each way: pixels across for each pixel down.
        zoom: Largest change of scale as a share, each way.
    """

    horizontal_flip: bool
    vertical_flip: bool
    shift: Annotated[float, Field(ge=0, le=0.5)]
    rotation: Annotated[float, Field(ge=0, le=180)]
    shear: Annotated[float, Field(ge=0, le=2)]
    zoom: Annotated[float, Field(ge=0, lt=1)]


@dataclass(**STRICT)
class VolumeAugmentation:
    """Random views of training volumes; each is a function of seed, epoch and case.

    Attributes:
        depth_flip: Reverse the slices in half of the views; not where head and foot differ.
        vertical_flip: Mirror top and bottom in half of the views.
        horizontal_flip: Mirror left and right in half of the views; not where the side matters.
        shift: Largest shift along each axis as a share of its side, each way, in whole voxels.
    """

    depth_flip: bool
    vertical_flip: bool
    horizontal_flip: bool
    shift: Annotated[float, Field(ge=0, le=0.5)]


PRESETS: Mapping[str, Augmentation] = {
    "article": Augmentation(
        horizontal_flip=True, vertical_flip=False, shift=0.2, rotation=40.0, shear=0.2, zoom=0.2
    ),
    "medical": Augmentation(
        horizontal_flip=False, vertical_flip=False, shift=0.05, rotation=10.0, shear=0.05, zoom=0.1
    ),
}


def _kind(augmentation: object) -> str:
    if isinstance(augmentation, str):
        return "preset"
    volumes = isinstance(augmentation, VolumeAugmentation) or (
        isinstance(augmentation, Mapping) and "depth_flip" in augmentation
    )
    return "volumes" if volumes else "images"


AnyAugmentation = Annotated[
    Annotated[Augmentation, Tag("images")]
    | Annotated[VolumeAugmentation, Tag("volumes")]
    | Annotated[Literal["article", "medical"], Tag("preset")],
    Discriminator(_kind),  # what is wrong is then said of the one kind that was meant
]


@dataclass(**STRICT)
class Training:
    """How a network is trained.

    Attributes:
        optimizer: Optimizer and learning rate.
        batch_size: Images a step, on each device.
        epochs: Passes over the training images at most.
        patience: Epochs without a lower validation loss after which training stops.
        class_weights: `balanced` weighs a class by the inverse of its frequency; null: all equal.
        label_smoothing: Share of each target spread over all classes.
        image_size: Side in pixels that all images are resized to, and all three of volumes; null
            keeps them as they are.
        augmentation: Random views of training images: their ranges; `article`, the articles' wide
            ones; `medical`, gentle ones without flips; or null for none. Ranges with a `depth_flip`
            are for volumes.
        mixup: α of the Beta(α, α) distribution of the share by which each image is mixed with
            another of its batch, labels alike (Zhang et al. 2018); 0 mixes none.
        gradient_clip: Largest norm of the gradient over all weights; null for any.
        members: Networks trained alike from seeds of their own; their probabilities are averaged.
    """

    optimizer: Optimizer
    batch_size: Annotated[int, Field(ge=1)]
    epochs: Annotated[int, Field(ge=1)]
    patience: Annotated[int, Field(ge=1)]
    class_weights: Literal["balanced"] | None
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    image_size: Annotated[int, Field(ge=1)] | None
    augmentation: AnyAugmentation | None
    mixup: Annotated[float, Field(ge=0)]
    gradient_clip: Annotated[float, Field(gt=0)] | None
    members: Annotated[int, Field(ge=1)]

    @property
    def views(self) -> Augmentation | VolumeAugmentation | None:
        """Return the ranges of the random views; None where images are shown as they are."""
        if isinstance(self.augmentation, str):
            return PRESETS[self.augmentation]
        return self.augmentation


@dataclass(**STRICT)
class Trainer:
    """Where and how networks are computed; values are Lightning's own up to `precision`.

    Attributes:
        accelerator: Kind of device.
        devices: Number of devices a node, or `auto`.
        num_nodes: Number of machines; above 1, torchrun or srun starts the processes.
        strategy: How several devices share the work: `ddp` runs the whole stage on each,
            `ddp_spawn` starts processes for each fit alone; `auto` is `ddp` if there are several.
        precision: Arithmetic of the forward and backward pass.
        channels_last: Keep the channels of a pixel side by side, which convolutions are fastest on.
        compile: Let `torch.compile` fuse operations; the first batch takes a minute.
    """

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"]
    devices: Annotated[int, Field(ge=1)] | Literal["auto"]
    num_nodes: Annotated[int, Field(ge=1)]
    strategy: Literal["auto", "ddp", "ddp_spawn"]
    precision: Literal["32-true", "16-mixed", "bf16-mixed", "64-true"]
    channels_last: bool
    compile: bool
