"""Study `ablation`: what each step of restoration does to images and to models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.evaluation.reported import ModelScores, Scores
from skiagram.evaluation.results import Estimate
from skiagram.models.plan import Plan
from skiagram.options import STRICT
from skiagram.records import Design
from skiagram.studies.ablation.results import AblationResult, Change, DataSetResult, VariantResult
from skiagram.studies.contenders import plan_scores
from skiagram.studies.fidelity import fidelity
from skiagram.studies.opened import Opened, opened
from skiagram.studies.passes import DataSet, Options, Prepared, ingested, prepared
from skiagram.studies.place import Place
from skiagram.training.options import Trainer


@dataclass(frozen=True)
class _Pass:
    """One variant's images and what the models made of them."""

    variant: str
    images: Prepared
    models: list[ModelScores]


@options_class(**STRICT)
class Ablation:
    """Every variant of restoration on every data set, each model trained anew.

    Attributes:
        datasets: Option file of each data set → its design.
        variants: Name → `_target_` and options of a restoration; the first is the reference.
        features: Option files of the feature families.
        baselines: Option files of classical models.
        networks: Option files of networks.
        plan: Folds, repeats and seed.
        trainer: Where networks are trained.
        replicates: Bootstrap resamples where an interval needs them.
    """

    datasets: Annotated[dict[str, Design], Field(min_length=1)]
    variants: Annotated[dict[str, dict[str, Any]], Field(min_length=2)]
    features: Annotated[tuple[str, ...], Field(min_length=1)]
    baselines: tuple[str, ...]
    networks: tuple[str, ...]
    plan: Plan
    trainer: Trainer
    replicates: Annotated[int, Field(ge=100)]

    def run(self, place: Place) -> AblationResult:
        """Run all passes that are not finished yet and compare them."""
        found = tuple(self._data_set(place, name, design) for name, design in self.datasets.items())
        return AblationResult(self.variants, found)

    def _data_set(self, place: Place, name: str, design: Design) -> DataSetResult:
        data = ingested(place, place.option_file("dataset", name), design)
        passes = [
            self._pass(place, data, variant, options) for variant, options in self.variants.items()
        ]
        labels = opened(data, self.plan.seed, self.replicates)
        reference = {
            model.outcome.model: labels.scores(model)
            for model in passes[0].models
            if model.outcome.status == "finished"
        }
        return DataSetResult(
            dataset=name,
            title=labels.card.title,
            part=labels.setting.part,
            cases=len(labels.setting.cases),
            patients=int(labels.setting.cases.patient.max()) + 1,
            variants=tuple(_variant(one, labels, reference) for one in passes),
        )

    def _pass(self, place: Place, data: DataSet, variant: str, restoration: Options) -> _Pass:
        families = {name: place.option_file("features", name) for name in self.features}
        images = prepared(place, data, restoration, families)
        arms = dict.fromkeys(self.baselines, "classical") | dict.fromkeys(self.networks, "deep")
        models = [
            plan_scores(
                place, images, name, arm, place.option_file("model", name), self.plan, self.trainer
            )
            for name, arm in arms.items()
        ]
        return _Pass(variant, images, models)


def _variant(one: _Pass, labels: Opened, reference: Mapping[str, Scores]) -> VariantResult:
    known = labels.setting.ideal is not None
    psnr, ssim = fidelity(one.images.data.folder, one.images.images) if known else (None, None)
    changes = tuple(_change(model, labels, reference) for model in one.models)
    return VariantResult(one.variant, psnr, ssim, changes)


def _change(model: ModelScores, labels: Opened, reference: Mapping[str, Scores]) -> Change:
    outcome = model.outcome
    if outcome.status == "failed":
        missing = Estimate(None, reason=outcome.reason)
        return Change(outcome.model, outcome.title, outcome.arm, missing, missing, None)
    scores, other = labels.scores(model), reference.get(outcome.model)
    if other is None:
        change = Estimate(None, reason="failed under the reference")
    else:
        change = labels.difference(scores, other)
    return Change(
        model=outcome.model,
        title=outcome.title,
        arm=outcome.arm,
        auc=labels.auc(scores),
        difference=change,
        efficiency=labels.efficiency(scores),
    )
