"""Study `simplification`: how simple a model may become before it is worse by more than the margin.

In each outer fold the original is the model, or the mean of all, with the highest AUC on inner
folds. What it says of cases that it was not fitted on, mixed with their labels, is what simple
models learn. They are compared with the original on the cases that the outer fold holds out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.calibration import (
    average_calibrations,
    fit_calibration,
    held_out_calibrations,
    threshold_at_sensitivity,
)
from skiagram.compute.progress import Progress
from skiagram.encoders.encoder import COLUMN
from skiagram.evaluation.calibration_assessment import calibration_distance
from skiagram.features.table import FeatureTable
from skiagram.models.classical.estimator import choose_columns
from skiagram.models.contract import Fitted
from skiagram.models.fits import finite
from skiagram.options import STRICT
from skiagram.records import read_cases, read_record, read_table, write_record, write_table
from skiagram.seeding import derived_seed
from skiagram.splits import Partition, grouped_folds
from skiagram.statistics.discrimination import brier
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import proportion
from skiagram.statistics.variation import corrected_mean
from skiagram.studies.cost import (
    Clock,
    Time,
    TimedEncoder,
    TimedFamily,
    TimedStudy,
    Timing,
    feature_time,
    time_encoder,
    time_families,
)
from skiagram.studies.cross_validation import CrossValidation
from skiagram.studies.pipeline_steps import (
    Arm,
    ClassicalArm,
    CrossValidatedDataSet,
    DeepArm,
    EncoderArm,
    EncoderStudyOptions,
)
from skiagram.studies.simplification.reading import (
    ReadFeature,
    TreeLine,
    base_odds,
    explain_feature,
    list_definitions,
    read_features,
    read_tree,
)
from skiagram.studies.simplification.simple_models import (
    FewFeatures,
    RuleTree,
    SimpleModel,
    fit_few_features,
    fit_rule_tree,
    mix_targets,
)
from skiagram.studies.workspace import Workspace

if TYPE_CHECKING:
    from skiagram.models.deep.fitted import FittedNetwork

ORIGINAL, MEAN = "original", "mean of all"
_BYTES = 4  # of a weight of an encoder, whose file is no part of the model
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SimplifiedModel:
    """The original, or a simpler model, on cases that its fits never saw.

    Attributes:
        name: What it is, in one word or two; `original` first.
        title: Name for people.
        auc: Mean AUC over folds.
        difference: AUC minus the original's, mean over folds; 0 of the original itself.
        agreement: Share of cases for which both decide alike.
        brier: Mean Brier score over folds.
        ici: Mean distance of probabilities from the observed share; None with several classes.
        parameters: Learned numbers that are stored, mean over folds.
        size: Bytes of the stored model, and of its frozen encoder, mean over folds.
        inference: Milliseconds to score a case, its features included.
    """

    name: str
    title: str
    auc: Estimate
    difference: Estimate
    agreement: Estimate
    brier: Estimate
    ici: Estimate | None
    parameters: int
    size: int
    inference: Timing


@dataclass(frozen=True)
class SimplificationResult(CrossValidatedDataSet):
    """What the study found on one data set.

    Attributes:
        margin: Loss of AUC up to which a simpler model is good enough.
        originals: Title of the original in each fold.
        models: The original first.
        logistic: The logistic model on few features.
        base_odds: Class → its odds where every feature is at its mean.
        tree: The tree of rules, line by line.
        tree_class: Class whose probability the tree gives.
        feature_meaning: Feature of the tree → what it measures.
        images: Images that were scored when it was timed.
        repeats: Times that this was repeated.
        time: `wall`, or `processor` time.
        machine: What times were measured on.
    """

    margin: float
    originals: tuple[str, ...]
    models: tuple[SimplifiedModel, ...]
    logistic: tuple[ReadFeature, ...]
    base_odds: dict[str, float]
    tree: tuple[TreeLine, ...]
    tree_class: str
    feature_meaning: dict[str, str]
    images: int
    repeats: int
    time: Time
    machine: str


@dataclass(frozen=True)
class _FoldModel:
    """One model of one fold, kept as a piece.

    Attributes:
        name: What it is.
        title: Name for people.
        parameters: Learned numbers.
        size: Bytes.
        scoring: Milliseconds to score a case, without its features.
        features: Features that it reads.
    """

    name: str
    title: str
    parameters: int
    size: int
    scoring: Timing
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Fold:
    """One outer fold: its models, and the scores of the cases that it holds out.

    Attributes:
        models: The original first.
        scores: Name of a model → (m, n_classes).
    """

    models: tuple[_FoldModel, ...]
    scores: dict[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True)
class _Kept:
    models: tuple[_FoldModel, ...]


@options_class(**STRICT)
class Simplification(EncoderStudyOptions, TimedStudy):
    """Simpler models that learn from the best one, against it.

    Attributes:
        student: Option file of the small network that learns from the original; null for none.
        compressed: Option file, one of `networks`, of the network that is pruned and stored in
            eight bits; null for none.
        count: Features of the logistic model at most.
        depth: Questions of the tree at most, one after the other.
        least_cases: Training cases that an answer of the tree stands for at least.
        soft_share: Share of the original's probabilities in what is learned; the rest is the label.
        pruned: Share of the network's weights that are set to zero.
        margin: Loss of AUC up to which a simpler model is good enough.
    """

    student: str | None
    compressed: str | None
    count: Annotated[int, Field(ge=1)]
    depth: Annotated[int, Field(ge=1)]
    least_cases: Annotated[int, Field(ge=1)]
    soft_share: Annotated[float, Field(gt=0, le=1)]
    pruned: Annotated[float, Field(gt=0, lt=1)]
    margin: Annotated[float, Field(ge=0, lt=1)]

    def run(self, workspace: Workspace) -> SimplificationResult:
        """Fit all models of all folds that are not fitted yet, and compare them."""
        cv, data_set = self.cross_validation(workspace)
        _, task = read_cases(cv.prepared.data.folder / "cases")
        clock = self.clock(cv)
        partitions = cv.folds()
        with Progress("simplification", len(partitions)) as progress:
            folds = []
            for number, partition in enumerate(partitions):
                folds.append(self._fold(cv, number, partition, clock))
                progress.advance()
        described = time_families(cv, self.families(workspace), clock)
        models = _compare(cv, partitions, folds, described)
        logistic, tree = self._readable(cv, partitions, folds)
        definitions = list_definitions(self.families(workspace))
        shown = len(task.classes) - 1 if task.positive is None else task.positive
        return SimplificationResult(
            **vars(data_set),
            margin=self.margin,
            originals=tuple(fold.models[0].title for fold in folds),
            models=models,
            logistic=tuple(read_features(logistic, definitions, task)),
            base_odds=base_odds(logistic, task),
            tree=tuple(read_tree(tree, shown)),
            tree_class=task.classes[shown],
            feature_meaning={name: explain_feature(definitions, name)[0] for name in tree.features},
            images=clock.images,
            repeats=clock.repeats,
            time=clock.time,
            machine=clock.machine,
        )

    def _fold(self, cv: CrossValidation, number: int, fold: Partition, clock: Clock) -> _Fold:
        arms = self.members(cv.workspace)
        options = {name: arm.options(cv.workspace, name) for name, arm in arms.items()}
        if self.student:
            options[self.student] = cv.workspace.option_file("model", self.student)

        def make(folder: Path) -> None:
            run = _FoldRun(self, cv, number, fold, clock, arms, options).run()
            write_record(_Kept(run.models), folder / "models.json")
            columns = {
                f"{model.name}/{k}": run.scores[model.name][:, k]
                for model in run.models
                for k in range(cv.n_classes)
            }
            write_table(pd.DataFrame(columns), folder / "scores.parquet")

        inputs: dict[str, Any] = {f"of {name}": cv.inputs(arm) for name, arm in arms.items()}
        inputs |= clock.inputs() | {"models": options, "number": number}
        inputs |= {name: value for name, value in asdict(self).items() if name != "margin"}
        code = (_FoldRun, ClassicalArm, EncoderArm, DeepArm, *_COMPRESSION)
        piece = cv.workspace.make_once("simplified", inputs, make, *code)
        models = read_record(_Kept, piece / "models.json").models
        table = read_table(piece / "scores.parquet")
        scores = {
            model.name: table[[f"{model.name}/{k}" for k in range(cv.n_classes)]].to_numpy()
            for model in models
        }
        return _Fold(models, scores)

    def _readable(
        self, cv: CrossValidation, partitions: Sequence[Partition], folds: Sequence[_Fold]
    ) -> tuple[FewFeatures, RuleTree]:
        """Fit the models to print on all cases, from what the original said of held-out ones."""
        probability, rows = _probabilities(cv, partitions, folds, ORIGINAL)
        first = rows[: len(cv)]  # of the first repeat, every case once
        soft = np.empty((len(cv), cv.n_classes))
        soft[first] = probability[: len(cv)]
        target = mix_targets(soft, cv.label, self.soft_share)
        table = _feature_table(cv).of(cv.case_id)
        seed = derived_seed(self.plan.seed, "simplification", "all")
        return (
            fit_few_features(table, target, self.count),
            fit_rule_tree(table, target, self.depth, self.least_cases, seed),
        )


_COMPRESSION = ("skiagram.models.deep.compression.Compression",)


@dataclass(frozen=True)
class _FoldRun:
    """The models of one outer fold: the original, and all that learn from it."""

    study: Simplification
    cv: CrossValidation
    number: int
    fold: Partition
    clock: Clock
    arms: Mapping[str, Arm]
    options: Mapping[str, Mapping[str, Any]]

    def run(self) -> _Fold:
        models, scores = [], {}
        for model, values in self._models():
            models.append(model)
            scores[model.name] = finite(values)
        return _Fold(tuple(models), scores)

    def _models(self) -> Iterator[tuple[_FoldModel, Floats]]:
        soft, chosen = self._choose_original()
        fitted = {name: self._fit(name) for name in chosen}
        yield self._original(chosen, fitted)
        yield from self._readable_models(soft)
        if self.study.student:
            yield from self._students(self.study.student, soft)
        if self.study.compressed:
            name = self.study.compressed
            yield from self._compressed(name, fitted.get(name) or self._fit(name))

    def _choose_original(self) -> tuple[Floats, dict[str, Any]]:
        """Return the original's probabilities of the training cases, and the models it is made of.

        Returns:
            (training cases, n_classes) by fits that never saw the case; name → calibration.
        """
        cv, rows = self.cv, self.fold.training
        inner = grouped_folds(
            cv.label[rows], cv.patient_id[rows], cv.plan.inner_folds, cv.plan.seed,
            "simplification", self.number,
        )  # fmt: skip
        probabilities, calibrations = {}, {}
        for name in self.arms:
            probabilities[name], calibrations[name] = self._inner_probabilities(name, inner)
        members = dict(probabilities)
        if len(members) > 1:
            probabilities[MEAN] = np.mean(list(members.values()), axis=0)
        areas = {
            name: cv.auc(np.log(probability), rows) for name, probability in probabilities.items()
        }
        best = max(areas, key=lambda name: areas[name])
        chosen = list(members) if best == MEAN else [best]
        return probabilities[best], {name: calibrations[name] for name in chosen}

    def _inner_probabilities(self, name: str, inner: Sequence[Partition]) -> tuple[Floats, Any]:
        rows, arm = self.fold.training, self.arms[name]
        blind = []
        for k, part in enumerate(inner):
            stream = (f"outer{self.number}", f"inner{k}")
            fitted = self.cv.fit(arm, self.options[name], rows[part.training], *stream)
            blind.append(self._score(name, fitted, rows[part.held_out]))
        method = self.cv.plan.calibration
        fits = [
            fit_calibration(method, scores, self.cv.label[rows[part.held_out]])
            for scores, part in zip(blind, inner, strict=True)
        ]
        probability = np.empty((len(rows), self.cv.n_classes))
        for scores, part, calibration in zip(
            blind, inner, held_out_calibrations(fits), strict=True
        ):
            probability[part.held_out] = calibration.probabilities(scores)
        return np.clip(probability, 1e-6, None), average_calibrations(fits)

    def _fit(self, name: str, target: NDArray[np.float32] | None = None) -> Fitted[Any]:
        stream = f"outer{self.number}"
        arm, options = self._arm(name), self.options[name]
        return self.cv.fit(arm, options, self.fold.training, stream, target=target)

    def _score(self, name: str, fitted: Fitted[Any], rows: NDArray[np.int64]) -> Floats:
        inputs = self._inputs(name, self.cv.case_id[rows])
        with self.cv.workspace.compute.limit():
            return finite(fitted.scores(inputs))

    def _arm(self, name: str) -> Arm:
        """Return the arm of a model; the student is a network."""
        return self.arms.get(name) or DeepArm(self.study.trainer)

    def _inputs(self, name: str, case_id: NDArray[np.str_]) -> Any:
        return self._arm(name).reader(self.cv.prepared, self.options[name])(case_id)

    def _title(self, name: str) -> str:
        model = self._arm(name).model(self.options[name], self.cv.workspace.compute.threads)
        return str(model.title)

    @property
    def _few(self) -> NDArray[np.str_]:
        """Return the cases that are scored when this is timed."""
        return self.cv.case_id[: self.clock.images]

    def _original(
        self, chosen: Mapping[str, Any], fitted: Mapping[str, Fitted[Any]]
    ) -> tuple[_FoldModel, Floats]:
        parts = {
            name: calibration.probabilities(self._score(name, fitted[name], self.fold.held_out))
            for name, calibration in chosen.items()
        }
        names = _feature_table(self.cv).names
        scoring, size, features = Timing(0.0, 0.0, 0.0), 0, dict[str, None]()
        for name, model in fitted.items():
            scoring = scoring.plus(self._time(model, self._inputs(name, self._few)))
            size += _stored_bytes(model)
            features |= dict.fromkeys(self._features_read(name, names))
        titles = [self._title(name) for name in chosen]
        title = titles[0] if len(titles) == 1 else f"Mean of {', '.join(titles)}"
        parameters = sum(model.summary.parameters for model in fitted.values())
        for encoder in self._encoders_of(chosen):
            scoring = scoring.plus(encoder.milliseconds)
            parameters += encoder.parameters
            size += _BYTES * encoder.parameters
        original = _FoldModel(ORIGINAL, title, parameters, size, scoring, tuple(features))
        mean = np.clip(np.mean(list(parts.values()), axis=0), 1e-6, None)
        return original, np.log(mean)

    def _features_read(self, name: str, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the features of the images that a model reads; of a head those beside encodings.

        Args:
            name: The model.
            names: All features.
        """
        arm, families = self._arm(name), self.options[name].get("columns")
        if isinstance(arm, EncoderArm):
            beside = [family for family in families or () if COLUMN not in _words(family)]
            return choose_columns(names, beside) if arm.fused else ()
        return choose_columns(names, families) if isinstance(arm, ClassicalArm) else ()

    def _encoders_of(self, chosen: Iterable[str]) -> list[TimedEncoder]:
        """Return the encoders that some models rest on, each once."""
        arms = (self._arm(name) for name in chosen)
        encoders = dict.fromkeys(arm.encoder for arm in arms if isinstance(arm, EncoderArm))
        options = self.study.frozen(self.cv.workspace)
        return [time_encoder(self.cv, name, options[name], self.clock) for name in encoders]

    def _readable_models(self, soft: Floats) -> Iterator[tuple[_FoldModel, Floats]]:
        table, study = _feature_table(self.cv), self.study
        training = table.of(self.cv.case_id[self.fold.training])
        held_out = table.of(self.cv.case_id[self.fold.held_out])
        few = table.of(self._few)
        label = self.cv.label[self.fold.training]
        seed = derived_seed(self.cv.plan.seed, "simplification", self.number)
        for share, source in ((study.soft_share, "taught"), (0.0, "labels alone")):
            target = mix_targets(soft, label, share)
            fits: dict[str, SimpleModel] = {
                "features": fit_few_features(training, target, study.count),
                "rules": fit_rule_tree(training, target, study.depth, study.least_cases, seed),
            }
            titles = {
                "features": f"Logistic regression on {study.count} features",
                "rules": f"Tree of {study.depth} questions",
            }
            for name, model in fits.items():
                readable = _FoldModel(
                    f"{name}, {source}",
                    f"{titles[name]}, {source}",
                    model.n_parameters,
                    len(model.to_bytes()),
                    self._time(model, few),
                    model.features,
                )
                yield readable, model.scores(held_out)

    def _students(self, name: str, soft: Floats) -> Iterator[tuple[_FoldModel, Floats]]:
        label, few = self.cv.label[self.fold.training], self._inputs(name, self._few)
        for share, source in ((self.study.soft_share, "taught"), (0.0, "labels alone")):
            target = mix_targets(soft, label, share).astype(np.float32) if share else None
            fitted = self._fit(name, target)
            student = _FoldModel(
                f"network, {source}",
                f"{self._title(name)} ({name}), {source}",
                fitted.summary.parameters,
                _stored_bytes(fitted),
                self._time(fitted, few),
            )
            yield student, self._score(name, fitted, self.fold.held_out)

    def _compressed(self, name: str, fitted: Fitted[Any]) -> Iterator[tuple[_FoldModel, Floats]]:
        from skiagram.models.deep.compression import Compression, compress

        few, title = self._inputs(name, self._few), self._title(name)
        share = f"{self.study.pruned:.0%}".replace("%", " %")
        ways = {
            "whole": (Compression(0.0, eight_bits=False), "as it is"),
            "pruned": (Compression(self.study.pruned, eight_bits=False), f"{share} pruned"),
            "eight bits": (Compression(0.0, eight_bits=True), "in eight bits"),
            "pruned, eight bits": (
                Compression(self.study.pruned, eight_bits=True),
                f"{share} pruned, in eight bits",
            ),
        }
        for way, (compression, words) in ways.items():
            network, size, parameters = compress(cast("FittedNetwork", fitted), compression)
            compressed = _FoldModel(
                way, f"{title}, {words}", parameters, size, self._time(network, few)
            )
            yield compressed, self._score(name, network, self.fold.held_out)

    def _time(self, model: Any, inputs: Any) -> Timing:
        with self.cv.workspace.compute.limit():
            return self.clock.measure_repeated(lambda: model.scores(inputs), len(inputs))


def _words(family: str) -> list[str]:
    return family.split("_")[0].split(".")


def _feature_table(cv: CrossValidation) -> FeatureTable:
    return FeatureTable.read(cv.prepared.features / "features.parquet")


def _stored_bytes(model: Fitted[Any]) -> int:
    with TemporaryDirectory(prefix="skiagram-") as scratch:
        model.save(Path(scratch) / "model")
        files = (Path(scratch) / "model").rglob("*")
        return sum(file.stat().st_size for file in files if file.is_file())


def _probabilities(
    cv: CrossValidation, partitions: Sequence[Partition], folds: Sequence[_Fold], name: str
) -> tuple[Floats, NDArray[np.int64]]:
    """Return calibrated probabilities of all held-out cases, fold after fold, and their rows.

    A fold's calibration is the average of those of its repeat's other folds.
    """
    parts = []
    for first in range(0, len(folds), cv.plan.folds):
        some = range(first, first + cv.plan.folds)
        fits = [
            fit_calibration(
                cv.plan.calibration, folds[k].scores[name], cv.label[partitions[k].held_out]
            )
            for k in some
        ]
        for k, calibration in zip(some, held_out_calibrations(fits), strict=True):
            parts.append(np.clip(calibration.probabilities(folds[k].scores[name]), 1e-9, None))
    return np.concatenate(parts), np.concatenate([fold.held_out for fold in partitions])


def _compare(
    cv: CrossValidation,
    partitions: Sequence[Partition],
    folds: Sequence[_Fold],
    described: Sequence[TimedFamily],
) -> tuple[SimplifiedModel, ...]:
    """Return the figures of every model, the original's first."""
    names = [model.name for model in folds[0].models]
    areas = {
        name: np.array(
            [
                cv.auc(fold.scores[name], part.held_out)
                for fold, part in zip(folds, partitions, strict=True)
            ]
        )
        for name in names
    }
    probability = {name: _probabilities(cv, partitions, folds, name) for name in names}
    decisions = {name: _decide(cv, partitions, *probability[name]) for name in names}
    return tuple(
        _describe(
            cv, name, [fold.models[k] for fold in folds], areas, probability[name],
            decisions[name] == decisions[ORIGINAL], partitions, described,
        )
        for k, name in enumerate(names)
    )  # fmt: skip


def _decide(
    cv: CrossValidation, partitions: Sequence[Partition], probability: Floats,
    rows: NDArray[np.int64],
) -> NDArray[np.int64]:  # fmt: skip
    """Return the decision about each held-out case; thresholds come from the other folds."""
    if cv.positive is None:
        return np.asarray(probability.argmax(axis=1), dtype=np.int64)
    fold_of = np.repeat(np.arange(len(partitions)), [len(part.held_out) for part in partitions])
    risk, positive = probability[:, cv.positive], cv.label[rows] == cv.positive
    decisions = np.empty(len(rows), dtype=np.int64)
    for k in range(len(partitions)):
        repeat = fold_of // cv.plan.folds == k // cv.plan.folds
        others = repeat & (fold_of != k)
        threshold = threshold_at_sensitivity(risk[others], positive[others], cv.plan.sensitivity)
        decisions[fold_of == k] = risk[fold_of == k] >= threshold
    return decisions


def _describe(
    cv: CrossValidation,
    name: str,
    models: Sequence[_FoldModel],
    areas: Mapping[str, Floats],
    probabilities: tuple[Floats, NDArray[np.int64]],
    alike: NDArray[np.bool_],
    partitions: Sequence[Partition],
    described: Sequence[TimedFamily],
) -> SimplifiedModel:
    ratio = 1 / (cv.plan.folds - 1)
    probability, rows = probabilities
    label = cv.label[rows]
    _, patient = np.unique(cv.patient_id[rows], return_inverse=True)
    ends = np.cumsum([len(part.held_out) for part in partitions])[:-1]
    losses = [
        float(brier(part, own, np.ones((1, len(own))), cv.positive)[0])
        for part, own in zip(np.split(probability, ends), np.split(label, ends), strict=True)
    ]
    ici = None
    if cv.positive is not None:
        risk = probability[None, :, cv.positive]
        ici = calibration_distance(risk, label == cv.positive, patient).ici
    last = models[-1]
    inference = last.scoring
    if last.features:
        inference = inference.plus(feature_time(described, last.features))
    titles = dict.fromkeys(model.title for model in models)
    return SimplifiedModel(
        name=name,
        title=" / ".join(titles),
        auc=corrected_mean(areas[name], ratio, 0.0, 1.0),
        difference=corrected_mean(areas[name] - areas[ORIGINAL], ratio, -1.0, 1.0),
        agreement=proportion(alike.astype(np.float64), patient),
        brier=corrected_mean(np.array(losses), ratio, 0.0, 1.0 if ici else 2.0),
        ici=ici,
        parameters=round(float(np.mean([model.parameters for model in models]))),
        size=round(float(np.mean([model.size for model in models]))),
        inference=inference,
    )
