"""Which networks a run has time for on this machine, and for how many epochs each is trained.

Steps of training are measured on random images of the size that a network sees. What a run takes
follows from the cases, the epochs and the number of fits.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import torch

from skiagram.compute.workers import use_threads
from skiagram.models.deep.fitted import Architecture, Sizes
from skiagram.options import build
from skiagram.training.augmentation import augment, draws
from skiagram.training.classifier import Staged

_STEP = 0.002  # seconds of a step that Lightning takes for itself
_STANDARD = 0.030  # seconds of the standard step on an idle core of a server (Intel Xeon, 2023)
_START = 12.0  # seconds until libraries are imported in the processes that train
_LEAST_SHARE = 1 / 2  # of its epochs; a network that has time for fewer is left out
_MEMBERS, _SPARE_SHARE = 3, 1 / 2  # of a mean of networks, and of the time that all may then take


class ImageSeconds(NamedTuple):
    """How long a network needs for an image.

    Attributes:
        learning: Seconds to learn from it once, with all layers that ever learn.
        scoring: Seconds to score it.
        saved: Seconds that all epochs take less in which the head learns alone.
    """

    learning: float
    scoring: float
    saved: float = 0.0


@dataclass(frozen=True)
class NetworkTime:
    """How long one network trains, with all processors at work.

    Attributes:
        name: Of its config.
        epochs: For each fit.
        epoch: Seconds of an epoch of all fits.
        once: Seconds of all fits that do not depend on the epochs.
        members: Networks from seeds of their own whose probabilities are averaged.
    """

    name: str
    epochs: int
    epoch: float
    once: float
    members: int = 1

    @property
    def seconds(self) -> float:
        """Add up the seconds of all fits; the processes that train start once for all members."""
        return _START + self.members * (self.once + self.epochs * self.epoch)


def measure_trainings(
    networks: Sequence[Mapping[str, Any]], shapes: Sequence[tuple[int, ...]], kind: str
) -> list[ImageSeconds]:
    """Measure how long each network needs for an image, of two classes.

    An accelerator is asked by another process: it may serve one at a time, and this one stays.

    Args:
        networks: `_target_` and options of each.
        shapes: Of what each sees, as of `measure_training`.
        kind: Of the device that trains.
    """
    asked = [(options, shape, 2, kind) for options, shape in zip(networks, shapes, strict=True)]
    if kind == "cpu":
        return [measure_training(*each) for each in asked]
    from joblib.externals.loky import get_reusable_executor

    with get_reusable_executor(max_workers=1) as other_process:
        return [other_process.submit(measure_training, *each).result() for each in asked]


def measure_training(
    options: Mapping[str, Any], shape: tuple[int, ...], n_classes: int, kind: str = "cpu"
) -> ImageSeconds:
    """Measure the seconds that a fit needs for one image.

    Args:
        options: `_target_` and options of a network.
        shape: (channels, height, width) or (channels, depth, height, width) of what it sees.
        n_classes: Logits.
        kind: Of the device that trains, as PyTorch names it; a processor has one thread of a fit.

    Raises:
        ModelFailure: The network is not defined for such images.
    """
    # As in a fit: one thread, and the same precision.
    device = torch.device(kind)
    if kind == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32, as in a training
    with use_threads(1):  # as a fit has, beside others
        architecture = Architecture(build(options, "network"), Sizes(shape, n_classes))
        network = architecture.build().to(device).to(memory_format=architecture.layout).train()
        training = architecture.network.training
        # Random images take as long as real ones.
        images = torch.rand(training.batch_size, *shape)
        images = images.to(device, memory_format=architecture.layout)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.0)

        def learn() -> None:
            optimizer.zero_grad()
            uniform = draws(0, 0, [str(row) for row in range(len(images))]).to(device)
            shown = images if training.views is None else augment(images, uniform, training.views)
            network(shown).square().mean().backward()
            optimizer.step()
            wait()

        def score() -> None:
            with torch.inference_mode():
                network(images)
            wait()

        def wait() -> None:
            if kind == "cuda":  # it works on while the processor goes on
                torch.cuda.synchronize()

        # Epochs of the head alone skip the way back through all other layers, most of the work.
        saved, frozen_epochs = 0.0, 0
        if isinstance(network, Staged) and network.frozen_epochs:
            frozen_epochs = network.frozen_epochs
            saved = -frozen_epochs * _measure(learn, kind)
            network.begin_epoch(frozen_epochs)
        learning = _measure(learn, kind)
        saved += frozen_epochs * learning
        network.eval()
        seconds = ImageSeconds(learning + _STEP, _measure(score, kind), saved)
    # The time of an image is that of a batch over its size.
    return ImageSeconds(*(each / len(images) for each in seconds))


def _measure(step: Callable[[], None], kind: str) -> float:
    """Measure the seconds of a call, after one that is not counted; of a processor on an idle core.

    Other work on the machine makes a core up to twice as slow, by caches and hyper-threads that are
    shared. So a call is held against a standard step at its side, whose seconds on an idle core are
    known, and the same epochs are planned however busy the machine is.

    Args:
        step: What is measured; it ends when the device has done it.
        kind: Of the device.
    """
    if kind != "cpu":
        return min([_seconds(step, time.perf_counter) for _ in range(3)][1:])
    # The standard step learns from a batch by two layers of convolutions.
    first, second = (torch.nn.Conv2d(32, 32, 3, padding=1) for _ in range(2))
    layers = torch.nn.Sequential(first, torch.nn.BatchNorm2d(32), torch.nn.ReLU(), second)
    layers = layers.to(memory_format=torch.channels_last)
    batch = torch.ones(16, 32, 48, 48).to(memory_format=torch.channels_last)

    # by turns; of both the quickest call after the first
    works: tuple[Callable[[], object], ...] = (
        step,
        lambda: layers(batch).square().mean().backward(),
    )
    seconds = [[_seconds(work, time.thread_time) for work in works] for _ in range(4)]
    measured, standard = np.min(seconds[1:], axis=0).tolist()
    # A core that is more than twice as slow is a slow one, not a busy one.
    slowness = max(1.0, standard / (2 * _STANDARD))
    return float(measured / standard * _STANDARD * slowness)


def _seconds(step: Callable[[], object], clock: Callable[[], float]) -> float:
    begin = clock()
    step()
    return clock() - begin


def foresee_time(
    name: str, epochs: int, each: ImageSeconds, learned: float, validated: float
) -> NetworkTime:
    """Estimate how long all fits of a network take.

    Args:
        name: Of its config.
        epochs: Of each fit.
        each: Of one image.
        learned: Images that all fits learn from in an epoch, for each processor.
        validated: Images that all fits score after an epoch, for each processor.
    """
    # every image is scored before the first epoch, where a network starts from it, and at the end
    once = 2 * (learned + validated) * each.scoring - learned * each.saved
    return NetworkTime(name, epochs, learned * each.learning + validated * each.scoring, once)


def plan_networks(
    networks: Sequence[NetworkTime], budget: float, *, keeps_one: bool
) -> list[NetworkTime]:
    """Choose the networks that a run has time for, and how long each is trained.

    Where there is no time for all epochs, all networks are trained for the same share of theirs.
    Where that is less than half, the least valuable one is left out, or one that is too slow.

    Args:
        networks: Networks with all of their epochs, the most valuable first.
        budget: Seconds for all of them.
        keeps_one: Whether the quickest network is kept however slow it is, with half of its epochs,
            as nothing else stands for deep networks.
    """
    # As many networks as there is time for, and of as many the most valuable.
    choices = (
        chosen
        for number in range(len(networks), 0, -1)
        for chosen in combinations(networks, number)
    )
    for chosen in choices:
        seconds_left = budget - sum(replace(network, epochs=0).seconds for network in chosen)
        share = seconds_left / sum(network.epochs * network.epoch for network in chosen)
        # in steps of a sixth, so that a measured second more or less changes nothing
        planned = []
        for network in chosen:
            epochs = min(network.epochs, int(share * network.epochs))
            if epochs < network.epochs:
                epochs -= epochs % max(1, network.epochs // 6)
            planned.append(replace(network, epochs=epochs))
        if all(
            short.epochs >= max(1, _LEAST_SHARE * network.epochs)
            for short, network in zip(planned, chosen, strict=True)
        ):
            return planned
    # Where there is time for none, the quickest one with its least number of epochs.
    if not keeps_one or not networks:
        return []
    quickest = min(networks, key=lambda network: network.seconds)
    return [replace(quickest, epochs=max(1, round(_LEAST_SHARE * quickest.epochs)))]


def add_members(
    planned: Sequence[NetworkTime], budget: float, fresh: Mapping[str, int]
) -> list[NetworkTime]:
    """Make small networks means of three, where most of the time is spare.

    Args:
        planned: The most valuable first.
        budget: Seconds for all of them.
        fresh: Name → all epochs, of networks that start from random weights, which differ most.

    Returns:
        All of the planned ones, in their order.
    """
    # Only networks with all of their epochs become means of several.
    total = sum(network.seconds for network in planned)
    networks = list[NetworkTime]()
    for network in planned:
        # Networks that others trained start alike, so that their mean gains little.
        mean_of_several = replace(network, members=_MEMBERS)
        further = mean_of_several.seconds - network.seconds
        whole = fresh.get(network.name) == network.epochs
        if whole and total + further <= _SPARE_SHARE * budget:
            networks.append(mean_of_several)
            total += further
        else:
            networks.append(network)
    return networks
