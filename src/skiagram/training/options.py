"""Options of training: what an option file of a network or of the trainer may say."""

from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.options import STRICT


@dataclass(**STRICT)
class Optimizer:
    """How weights follow the gradient.

    Attributes:
        name: `adam` (Kingma & Ba 2015), `adamw` (Loshchilov & Hutter 2019) or `sgd` with
            momentum .9.
        lr: Learning rate of the first epoch.
        weight_decay: Pull towards 0; decoupled from the gradient under `adamw`.
        schedule: `constant`, or `cosine` down to 0 over all epochs.
    """

    name: Literal["adam", "adamw", "sgd"]
    lr: Annotated[float, Field(gt=0, le=10)]
    weight_decay: Annotated[float, Field(ge=0)]
    schedule: Literal["constant", "cosine"]


@dataclass(**STRICT)
class Augmentation:
    """Random views of training images; each is a function of seed, epoch and case.

    Attributes:
        horizontal_flip: Mirror left and right in half of the views.
        vertical_flip: Mirror top and bottom in half of the views.
        shift: Largest shift as a share of the image's side, each way.
        rotation: Largest rotation in degrees, each way.
        zoom: Largest change of scale as a share, each way.
    """

    horizontal_flip: bool
    vertical_flip: bool
    shift: Annotated[float, Field(ge=0, le=0.5)]
    rotation: Annotated[float, Field(ge=0, le=180)]
    zoom: Annotated[float, Field(ge=0, lt=1)]


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
        image_size: Side in pixels that all images are resized to; null keeps them as they are.
        augmentation: Random views of training images; null for none.
    """

    optimizer: Optimizer
    batch_size: Annotated[int, Field(ge=1)]
    epochs: Annotated[int, Field(ge=1)]
    patience: Annotated[int, Field(ge=1)]
    class_weights: Literal["balanced"] | None
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    image_size: Annotated[int, Field(ge=1)] | None
    augmentation: Augmentation | None


@dataclass(**STRICT)
class Trainer:
    """Where networks are trained; every value is Lightning's own.

    Attributes:
        accelerator: Kind of device.
        devices: Number of devices a node, or `auto`.
        num_nodes: Number of machines; above 1, torchrun or srun starts the processes.
        strategy: How several devices share the work: `ddp` runs the whole stage on each,
            `ddp_spawn` starts processes for each fit alone; `auto` is `ddp` if there are several.
        precision: Arithmetic of the forward and backward pass.
    """

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"]
    devices: Annotated[int, Field(ge=1)] | Literal["auto"]
    num_nodes: Annotated[int, Field(ge=1)]
    strategy: Literal["auto", "ddp", "ddp_spawn"]
    precision: Literal["32-true", "16-mixed", "bf16-mixed", "64-true"]
