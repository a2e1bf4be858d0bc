"""Makes a model of the deep arm from a network's options."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from skiagram.errors import ModelFailure
from skiagram.models.contract import Arm, FitContext, FitSummary, Labelled
from skiagram.models.deep.contract import Network, StartsFromWeights
from skiagram.models.deep.fitted import Architecture, FittedNetwork
from skiagram.seeding import derived_seed
from skiagram.training.classifier import Classifier, multiply_adds, parameter_count
from skiagram.training.data import Examples
from skiagram.training.fit import Fit, device
from skiagram.training.images import ImageSet
from skiagram.training.options import Trainer


@dataclass(frozen=True)
class Learner:
    """A network, how it is trained and where.

    Attributes:
        network: Options of the network.
        trainer: Devices, strategy and precision.
        threads: Threads of one process.
    """

    arm: ClassVar[Arm] = "deep"
    uses_validation: ClassVar[bool] = True

    network: Network
    trainer: Trainer
    threads: int

    @property
    def title(self) -> str:
        """Return the network's name for people."""
        return self.network.title

    def fit(
        self,
        training: Labelled[ImageSet],
        validation: Labelled[ImageSet] | None,
        context: FitContext,
    ) -> FittedNetwork:
        """Train until the validation loss no longer falls; resume from `context.folder`.

        Raises:
            ModelFailure: No validation cases, images that the network refuses, a loss that is no
                longer finite, or no memory left.
            DataError: An image has missing pixels, or the weights to start from cannot be had.
        """
        if validation is None:
            raise ModelFailure("no validation cases", where=self.title)
        options = self.network.training
        examples = Examples(training.inputs, training.label, options.image_size)
        held_out = Examples(validation.inputs, validation.label, options.image_size)
        shape = training.inputs.shape(options.image_size)
        architecture = Architecture.of(self.network, shape, training.n_classes)
        torch.manual_seed(derived_seed(context.seed, "weights"))
        network = architecture.build()
        if isinstance(self.network, StartsFromWeights):
            self.network.load_weights(network)
        classifier = Classifier(network, *training.inputs.moments(options.image_size))
        fit = Fit(
            options,
            self.trainer,
            training.n_classes,
            self.threads,
            context.seed,
            context.folder,
        )
        curves = fit.run(classifier, examples, held_out)
        summary = FitSummary(
            parameters=parameter_count(classifier),
            multiply_adds=multiply_adds(classifier.cpu(), shape),
            images_seen=len(curves) * len(training),
            curves=curves,
        )
        return FittedNetwork(classifier, architecture, summary, device(self.trainer))
