"""Makes a model of the deep arm from a network's options."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pandas as pd
import torch
from torch import Tensor, nn

from skiagram.arrays import Texts
from skiagram.case_features.covariates import Covariates, development_patients, tabulate_covariates
from skiagram.compute.workers import count_gpus
from skiagram.errors import refusal
from skiagram.finding.inputs import FindsIn
from skiagram.fitting.contract import Arm, FitContext, FitSummary, Labelled
from skiagram.fitting.reading import Reading, image_traits
from skiagram.models.deep.contract import (
    AnyNetwork,
    FinishesItself,
    ReadsTable,
    StartsFromCases,
    StartsFromWeights,
)
from skiagram.models.deep.fitted import (
    Architecture,
    FittedNetwork,
    Sizes,
    as_ensemble,
    load_network,
)
from skiagram.models.deep.inputs import (
    TableEncoder,
    encode_table,
    required_table,
    stored_images,
)
from skiagram.models.deep.layers import has_narrow_stride
from skiagram.preparation import PreparedData
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import read_table
from skiagram.seeding import derived_seed
from skiagram.tasks.cases import Cases
from skiagram.tasks.kinds import KINDS
from skiagram.tasks.task import Task
from skiagram.training.classifier import Classifier, multiply_adds, parameter_count
from skiagram.training.data import Examples, ImageSet, LabelledImages
from skiagram.training.devices import device
from skiagram.training.options import FALLING, Trainer, reads_validation
from skiagram.training.processes import started

if TYPE_CHECKING:
    from skiagram.training.module import ClassifierTraining


@dataclass(frozen=True)
class NetworkModel:
    """A network, how it is trained and where."""

    arm: ClassVar[Arm] = "deep"
    uses_validation: ClassVar[bool] = True
    finds_in: ClassVar[FindsIn | None] = None
    tasks: ClassVar[tuple[str, ...]] = ("class", *(kind.kind for kind in KINDS))

    network: AnyNetwork
    trainer: Trainer
    threads: int

    @property
    def title(self) -> str:
        """Name the network, and of a mean how many there are."""
        members = self.network.training.members
        return self.network.title + f", mean of {members}" * (members > 1)

    @property
    def gpus(self) -> int | None:
        """Count how many GPUs of this machine fits may use; None where they use none."""
        return None if self.trainer.accelerator == "cpu" else count_gpus()

    @property
    def one_by_one(self) -> bool:
        """Tell whether each fit has all devices, or its logger's folder, to itself."""
        trainer = self.trainer
        single = trainer.devices == 1 and trainer.num_nodes == 1 and trainer.strategy == "auto"
        return not single or trainer.logger is not None or started() is not None

    @property
    def final_epochs(self) -> int | Literal["chosen"] | None:
        """Say how long a fit on all cases trains where nothing stops it early.

        A learning rate that falls to 0 is let fall to its end; of any other the folds choose. None
        where validation cases set the learning rate: such a fit must have some.
        """
        options = self.network.training
        if reads_validation(options, self.trainer):
            return None
        return options.epochs if options.optimizer.schedule in FALLING else "chosen"

    @property
    def epochs_ahead(self) -> int | None:
        """Count the epochs of a fit that is made beside the folds, before these have chosen.

        They are all epochs, where each fold trains so many and no step depends on how many follow;
        else None: a fit for fewer epochs would be another one.
        """
        options = self.network.training
        follows = self.final_epochs == "chosen" and options.optimizer.schedule == "constant"
        alike = follows and not self.trainer.callbacks  # which may count the epochs
        return options.epochs if alike and options.patience >= options.epochs else None

    def read(self, prepared: PreparedData, task: Task) -> Reading[Any]:
        """Open the images that the network sees, and the covariates beside them.

        Covariates are described by the development cases, or as the prepared data say for new
        cases.

        Raises:
            OptionError: Modalities, regions or covariates are not there.
        """
        # Images of all modalities that the network reads, and covariates where it reads some.
        store, modalities = stored_images(self.network.training.input, prepared.images)
        table: FeatureTable | None = None
        covariates = prepared.covariates
        if isinstance(self.network, ReadsTable):
            cells = read_table(prepared.cases / "covariates.parquet")
            # They are encoded as in training, or described by the development cases.
            if covariates is None:
                patients = development_patients(Cases.read(prepared.cases / "cases.parquet"))
                family, where = Covariates(columns=self.network.columns), "model.columns"
                covariates = family.describe(cells, patients, where)
                table = family.encode(cells, patients, where)
            else:
                table = tabulate_covariates(cells, covariates)

        def of(case_id: Texts) -> ImageSet:
            return ImageSet(
                store, case_id, None if table is None else table.of(case_id), modalities
            )

        further = (f"{name} {images.sha256}" for name, images in modalities.items())
        return Reading(
            of=of,
            title=self.title,
            sources=(store.sha256, *further, *([] if table is None else [table.frame()])),
            preparation=prepared.candidates,
            traits=lambda: image_traits(store),
            covariates=() if table is None else covariates or (),
        )

    def fit(self, training: Labelled[ImageSet], context: FitContext) -> FittedNetwork:
        """Train until the validation loss no longer falls, without such cases for `epochs`.

        Args:
            training: Cases to learn from.
            context: Its validation cases decide when to stop; it has the seed, and a folder to
                resume from.

        Raises:
            ModelFailure: There is nothing to stop by, the loss is no longer finite, or memory ran
                out.
        """
        # Lightning takes seconds to import, which only a process that trains waits for.
        from skiagram.training.fit import epochs_of_a_refit
        from skiagram.training.module import ClassifierTraining
        from skiagram.training.outcome_training import OutcomeTraining, check_training

        # Cases that tell when to stop, or a fixed number of epochs.
        validation = context.validation
        if validation is None and context.epochs is None:
            raise refusal("models.no_validation_cases", self.title)
        options = self.network.training
        # Covariates are encoded by the training cases alone.
        encoder = None
        if isinstance(self.network, ReadsTable):
            encoder = TableEncoder.fit(required_table(training.inputs), self.title)

        def examples_of(part: Labelled[ImageSet]) -> Examples:
            table = encode_table(encoder, part.inputs)
            target, network_input = part.predicted.target(*part.truth), options.input
            return LabelledImages(
                part.inputs, target, options.image_size, table=table, network_input=network_input
            )

        # What the network learns from, and what stops it.
        examples = examples_of(training)
        held_out = None if validation is None else examples_of(validation)
        columns = 0 if encoder is None else encoder.width
        # Outcomes other than classes have losses of their own.
        module: Callable[..., ClassifierTraining] = ClassifierTraining
        if not training.predicted.loss_of_classes:
            check_training(options, self.title, training.predicted.scores)
            module = partial(OutcomeTraining, outcome=training.predicted)
        outputs = training.predicted.scores
        # What it is built for is saved beside the weights.
        architecture = Architecture(self.network, Sizes(examples.shape, outputs, columns))
        whole, curves = self._train(
            architecture, examples.moments(), examples, held_out, context, module
        )
        # Where validation cases set the learning rate, a fit without them cannot be repeated.
        repeatable = not reads_validation(options, self.trainer)
        summary = FitSummary(
            parameters=parameter_count(whole),
            multiply_adds=multiply_adds(whole, examples.shape, columns),
            images_seen=sum(map(len, curves)) * len(training),
            curves=mean_curves(curves),
            epochs=tuple(epochs_of_a_refit(options, curve) for curve in curves if repeatable),
            set_aside=0 if validation is None else len(validation),
        )
        return FittedNetwork(whole, architecture, summary, device(self.trainer), encoder)

    def load(self, folder: Path) -> FittedNetwork:
        """Load a network that `FittedNetwork.save` wrote, onto the CPU.

        Raises:
            DataError: It is of other options, missing or damaged.
        """
        return load_network(folder, self.network)

    def _train(
        self,
        architecture: Architecture,
        moments: tuple[Tensor, Tensor],
        examples: Examples,
        held_out: Examples | None,
        context: FitContext,
        module: "Callable[..., ClassifierTraining]",
    ) -> tuple[nn.Module, list[pd.DataFrame]]:
        """Train each member from a seed of its own.

        Args:
            architecture: What they are built from.
            moments: (channels,) mean and deviation of the training images.
            examples: What they learn from.
            held_out: What decides when to stop; None for nothing.
            context: Seed, folder and epochs of the fit.
            module: Makes the Lightning module that trains.

        Returns:
            The trained network, or the ensemble of them, and the curves of each.
        """
        from skiagram.training.fit import TrainingRun

        # Each member has its own seed and folder.
        options, members, curves = self.network.training, [], []
        for number in range(options.members):
            seed, folder = context.seed, context.folder
            if number:  # the first has the fit's own
                seed = derived_seed(seed, "member", number)
                folder = folder and folder / f"member{number}"
            # Fresh weights by the seed, those it starts from, and the layout that is quick.
            torch.manual_seed(derived_seed(seed, "weights"))
            network = architecture.build()
            if isinstance(self.network, StartsFromWeights):
                self.network.load_weights(network)
            side_by_side = self.trainer.channels_last and not has_narrow_stride(network)
            layout = architecture.layout if side_by_side else torch.contiguous_format
            network = network.to(memory_format=layout)
            copies = (moment.clone() for moment in moments)
            classifier = Classifier(network, *copies, planes=architecture.planes)
            n_classes, trainer = architecture.sizes.n_classes, self.trainer
            # The training of this member.
            fit = TrainingRun(options, trainer, n_classes, self.threads, seed, folder, module)
            if isinstance(self.network, StartsFromCases) and not fit.has_trained(context.epochs):
                torch.set_num_threads(self.threads)
                self.network.begin_from(classifier.to(device(trainer)), examples)
            examples.begin(classifier)
            epochs, ahead = context.epochs, context.ahead
            curves.append(fit.run(classifier, examples, held_out, epochs, ahead=ahead))
            if isinstance(self.network, FinishesItself):
                parts = (examples,) if held_out is None else (examples, held_out)
                self.network.finish(classifier.to(device(trainer)), *parts)
            members.append(classifier.cpu())
        return as_ensemble(members), curves


def mean_curves(curves: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Average the curves of members, of those that were still training in an epoch.

    Args:
        curves: A row an epoch of each member.
    """
    if len(curves) == 1:
        return curves[0]
    return pd.concat(curves).groupby("epoch", as_index=False).mean()
