"""Options of training: what a config of a network or of the trainer may say.

The learning rate of each step follows from them.
"""

import importlib
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag
from pydantic.dataclasses import dataclass

from skiagram.declared import read_declared
from skiagram.errors import refusal
from skiagram.strict import STRICT, AboveZero, FromZero, OneOrMore, ShareAboveZero, ShareBelowOne


def _names_its_class(part: dict[str, Any]) -> dict[str, Any]:
    """Refuse a part that names no class; whether there is such a class is seen where it is made."""
    if not isinstance(part.get("_target_"), str):
        raise ValueError(  # noqa: TRY004 - what pydantic reports
            "`_target_` must name the class, for example package.module.Class"
        )
    return part


Part = Annotated[dict[str, Any], AfterValidator(_names_its_class)]  # a class and its arguments
Limit = OneOrMore | ShareAboveZero  # batches, or a share of them


CLOCK = "a Timer stops by the clock, so that no two runs give equal weights"
NO_CLOCK = "leave it out and lower training.epochs; a run that is killed goes on where it was"


def _without_clock(part: dict[str, Any]) -> dict[str, Any]:
    """Refuse Lightning's Timer by either of its packages' names."""
    if re.fullmatch(r"(pytorch_)?lightning\..*\.Timer", str(part["_target_"])):
        raise ValueError(f"{CLOCK}: {NO_CLOCK}")
    return part


def make_part(part: Mapping[str, Any], where: str, *objects: Any) -> Any:
    """Make an object of PyTorch or Lightning from its option: `_target_` and its arguments.

    Args:
        part: `_target_`, the class with its module, and its arguments by name.
        where: Option that it stands in.
        objects: Further arguments, before those.

    Raises:
        OptionError: There is no such class, or it does not take these arguments.
    """
    module_name, _, class_name = str(part["_target_"]).rpartition(".")
    arguments = {name: value for name, value in part.items() if name != "_target_"}
    try:
        return getattr(importlib.import_module(module_name), class_name)(*objects, **arguments)
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise refusal(
            "training.cannot_be_made", where, part=part["_target_"], error=error
        ) from error


@dataclass(**STRICT)
class Optimizer:
    """How weights follow the gradient.

    Attributes:
        name: `adam` (Kingma & Ba 2015), `adamw` (Loshchilov & Hutter 2019) or `sgd` with
            momentum .9.
        lr: Learning rate of the first epoch; under `one_cycle` the largest.
        weight_decay: Pull towards 0; decoupled from the gradient under `adamw`.
        schedule: `constant`; `cosine` down to 0 over all epochs; `one_cycle`, step by step up to
            `lr` and down again (Smith & Topin 2019); or a scheduler of PyTorch, called after each
            epoch: `_target_`, for example `torch.optim.lr_scheduler.StepLR`, and its arguments.
    """

    name: Literal["adam", "adamw", "sgd"]
    lr: Annotated[float, Field(gt=0, le=10)]
    weight_decay: FromZero
    schedule: Literal["constant", "cosine", "one_cycle"] | Part


FALLING = ("cosine", "one_cycle")


@dataclass(**STRICT)
class Augmentation:
    """Random views of training images; each is a function of seed, epoch and case.

    All slices of a volume are turned and moved alike, each in its plane.

    Attributes:
        horizontal_flip: Mirror left and right in half of the views; not where the side matters.
        vertical_flip: Mirror top and bottom in half of the views; null: where `upside_down` of
            params.yaml says so.
        shift: Largest shift as a share of the image's side, each way.
        rotation: Largest rotation in degrees, each way.
        shear: Largest slant each way: pixels across for each pixel down.
        zoom: Largest change of scale as a share, each way.
        contrast: Largest change of an image's spread around its mean as a share, each way.
        brightness: Largest change of its mean in standard deviations of the image, each way.
        quarter_turn: Turn half of the views by a quarter besides; of square images.
    """

    horizontal_flip: bool
    vertical_flip: bool | None
    shift: Annotated[float, Field(ge=0, le=0.5)]
    rotation: Annotated[float, Field(ge=0, le=180)]
    shear: Annotated[float, Field(ge=0, le=2)]
    zoom: ShareBelowOne
    contrast: ShareBelowOne = 0.0
    brightness: FromZero = 0.0
    quarter_turn: bool = False


@dataclass(**STRICT)
class VolumeAugmentation:
    """Random views of training volumes; each is a function of seed, epoch and case.

    Attributes:
        depth_flip: Reverse the slices in half of the views; not where head and foot differ.
        vertical_flip: Mirror top and bottom in half of the views.
        horizontal_flip: Mirror left and right in half of the views; not where the side matters.
        shift: Largest shift along each axis as a share of its side, each way, in whole voxels.
        rotation: Largest rotation about each axis in degrees, each way. Voxels count as cubes.
        zoom: Largest change of scale as a share, each way.
        contrast: Largest change of a volume's spread around its mean as a share, each way.
        brightness: Largest change of its mean in standard deviations of the volume, each way.
    """

    depth_flip: bool
    vertical_flip: bool
    horizontal_flip: bool
    shift: Annotated[float, Field(ge=0, le=0.5)]
    rotation: Annotated[float, Field(ge=0, le=180)] = 0.0
    zoom: ShareBelowOne = 0.0
    contrast: ShareBelowOne = 0.0
    brightness: FromZero = 0.0


PRESETS = {
    name: Augmentation(**ranges)
    for name, ranges in read_declared("skiagram.training", "augmentations.yaml").items()
}


def _kind(augmentation: object) -> str:
    """Tell which kind of ranges is meant, so that what is wrong is said of that kind alone."""
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
class RegionBox:
    """The box around a region of interest.

    Attributes:
        margin: Distance around the region that is kept along each axis.
        unit: Of the margin: `mm`, or `voxels` of the restored image.
        equal_sides: All sides as long as the longest one, in that unit, so that a box that is
            brought to equal numbers of voxels keeps its proportions; false: each as the region has
            it.
    """

    margin: FromZero
    unit: Literal["mm", "voxels"] = "mm"
    equal_sides: bool = True


@dataclass(**STRICT)
class NetworkInput:
    """What a network sees of a case.

    Attributes:
        modalities: Of cases that have several images, those it sees, in the order of its channels;
            null: all of them, in the data set's order.
        box: Only the box around the region of interest; what of it lies outside the image repeats
            the border. null: the whole image.
        sizing: How images come to `image_size`: `resample` interpolates; `pad` keeps pixels as
            they are, centred, repeats the border where an image is smaller and cuts it where it is
            larger.
        mask_channel: The region of interest, 0 and 1, as the last channel; with several modalities
            that of the first.
        three_planes: The three planes through the centre of a volume as channels of one image, so
            that any network on images reads it (2.5D).
    """

    modalities: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    box: RegionBox | None = None
    sizing: Literal["resample", "pad"] = "resample"
    mask_channel: bool = False
    three_planes: bool = False

    @property
    def reads_regions(self) -> bool:
        return self.mask_channel or self.box is not None


WHOLE_IMAGE = NetworkInput()
ImageSize = int | tuple[int, ...] | None


@dataclass(**STRICT)
class Training:
    """How a network is trained, and what it sees.

    Attributes:
        optimizer: Optimizer and learning rate.
        batch_size: Images a step, on each device.
        epochs: Passes over the training images at most.
        patience: Epochs without a lower validation loss after which training stops.
        class_weights: `balanced` weighs a class by the inverse of its frequency; null: all equal.
        label_smoothing: Share of each target spread over all classes.
        image_size: Side in pixels that all images are brought to, and all three of volumes; or a
            list of sides, the slices of volumes first, then rows and columns; null keeps them as
            they are.
        augmentation: Random views of training images: their ranges; `article`, the articles' wide
            ones; `medical`, gentle ones without flips; or null for none. Ranges with a `depth_flip`
            are for volumes.
        mixup: α of the Beta(α, α) distribution of the share by which each image is mixed with
            another of its batch, labels alike (Zhang et al. 2018); 0 mixes none.
        gradient_clip: Largest norm of the gradient over all weights; null for any.
        members: Networks trained alike from seeds of their own; their probabilities are averaged.
        input: Which images, which part of them, and whether with the mask.
        planned_epochs: Where a run had no time for them, so that `epochs` are fewer; else null.
    """

    optimizer: Optimizer
    batch_size: OneOrMore
    epochs: OneOrMore
    patience: OneOrMore
    class_weights: Literal["balanced"] | None
    label_smoothing: ShareBelowOne
    image_size: (
        OneOrMore | Annotated[tuple[OneOrMore, ...], Field(min_length=2, max_length=3)] | None
    )
    augmentation: AnyAugmentation | None
    mixup: FromZero
    gradient_clip: AboveZero | None
    members: OneOrMore
    input: NetworkInput = WHOLE_IMAGE
    planned_epochs: OneOrMore | None = None

    @property
    def views(self) -> Augmentation | VolumeAugmentation | None:
        """Return the ranges of the random views; None where images are shown as they are."""
        if isinstance(self.augmentation, str):
            return PRESETS[self.augmentation]
        return self.augmentation


@dataclass(**STRICT)
class Trainer:
    """Where and how networks are computed; all but `channels_last` and `compile` are Lightning's.

    `refused` has what is Lightning's and would break a promise, with the reason.

    Attributes:
        accelerator: Kind of device.
        devices: Number of devices a node, or `auto`.
        num_nodes: Number of machines; above 1, torchrun or srun starts the processes.
        strategy: How several devices share the work: `ddp` runs the whole stage on each,
            `ddp_spawn` starts processes for each fit alone; `auto` is `ddp` if there are several.
        precision: Arithmetic of the forward and backward pass.
        channels_last: Keep the channels of a pixel side by side, which convolutions are fastest on.
        compile: Let `torch.compile` fuse operations; the first batch takes a minute.
        accumulate_grad_batches: Batches whose gradients are added up for one step.
        callbacks: Further callbacks of Lightning, each by `_target_` and its arguments; none that
            stops by the clock.
        logger: A logger of Lightning, by `_target_` and its arguments; it also gets the learning
            rate of each epoch. Null for none.
        max_epochs: No network trains longer; null: each as long as its `training.epochs` says.
        min_epochs: No early stopping before.
        max_steps: Steps of the optimizer after which training ends.
        min_steps: No early stopping before so many steps.
        limit_train_batches: Batches of each epoch that are learnt from, or their share.
        limit_val_batches: Batches of validation cases that are looked at, or their share.
        fast_dev_run: One epoch of one batch, or of so many.
        gradient_clip_algorithm: How `training.gradient_clip` cuts.
        sync_batchnorm: Batch normalisation over all devices.
        inference_mode: Score by `torch.inference_mode` in place of `torch.no_grad`.
        detect_anomaly: Name the operation that makes a gradient no number; slow.
        log_every_n_steps: Steps between two lines of a logger.
        enable_progress_bar: Lightning's own, beside this program's.
        enable_model_summary: Print the layers before each fit.
        enable_autolog_hparams: Let the logger have the module's arguments.
        model_registry: Where Lightning uploads checkpoints.
    """

    refused: ClassVar[Mapping[str, str]] = read_declared(
        "skiagram.training", "refused_options.yaml"
    )

    accelerator: Literal["auto", "cpu", "gpu", "cuda", "mps"]
    devices: OneOrMore | Literal["auto"]
    num_nodes: OneOrMore
    strategy: Literal["auto", "ddp", "ddp_spawn"]
    precision: Literal["32-true", "16-mixed", "bf16-mixed", "64-true"]
    channels_last: bool
    compile: bool
    accumulate_grad_batches: OneOrMore = 1
    callbacks: tuple[Annotated[Part, AfterValidator(_without_clock)], ...] = ()
    logger: Part | None = None
    max_epochs: OneOrMore | None = None
    min_epochs: OneOrMore | None = None
    max_steps: OneOrMore | None = None
    min_steps: OneOrMore | None = None
    limit_train_batches: Limit | None = None
    limit_val_batches: Limit | None = None
    fast_dev_run: bool | OneOrMore = False
    gradient_clip_algorithm: Literal["norm", "value"] | None = None
    sync_batchnorm: bool = False
    inference_mode: bool = True
    detect_anomaly: bool = False
    log_every_n_steps: OneOrMore | None = None
    enable_progress_bar: bool = False
    enable_model_summary: bool = False
    enable_autolog_hparams: bool = True
    model_registry: str | None = None

    def lightning(self) -> dict[str, Any]:
        """List arguments of Lightning's Trainer: those that are set, without what is made of parts.

        What is not set is left to Lightning, so that its defaults are those of its own
        documentation.
        """
        own = {"channels_last", "compile", "callbacks", "logger", "max_epochs", "fast_dev_run"}
        chosen = {k: v for k, v in vars(self).items() if k not in own and v is not None}
        if self.fast_dev_run:  # Lightning's own would keep no weights, which scores need
            batches = int(self.fast_dev_run)
            chosen |= {"limit_train_batches": batches, "limit_val_batches": batches}
        return chosen

    def in_one_process(self) -> "Trainer":
        """Take the same for a program that must not be started again for each device."""
        shared = (self.devices, self.num_nodes) != (1, 1) or self.strategy == "ddp"
        return replace(self, strategy="ddp_spawn") if shared else self


def decide_vertical_flips(options: Mapping[str, Any], *, upside_down: bool) -> dict[str, Any]:
    """Decide every `vertical_flip` that is null in the options of a network.

    Args:
        options: Those of a config, at any depth.
        upside_down: Whether the network also learns from images turned upside down.

    Returns:
        A copy.
    """
    decided: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, Mapping):
            decided[name] = decide_vertical_flips(value, upside_down=upside_down)
        else:
            is_open = name == "vertical_flip" and value is None
            decided[name] = upside_down if is_open else value
    return decided


def reads_validation(training: Training, trainer: Trainer) -> bool:
    """Tell whether a schedule or a callback follows the figures of validation cases.

    Without such cases a fit of these options cannot be repeated.

    Args:
        training: Names the schedule of the learning rate.
        trainer: Names further callbacks.
    """
    schedule = training.optimizer.schedule
    parts = (*trainer.callbacks, *([] if isinstance(schedule, str) else [schedule]))
    return any(
        str(part["_target_"]).endswith(".ReduceLROnPlateau")
        or str(part.get("monitor", "")).startswith("validation_")
        for part in parts
    )
