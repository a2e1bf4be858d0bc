"""Study `simplification`: how simple a model may become before it is worse by more than the margin.

In each outer fold the original is the model, or the mean of all, with the highest AUC on inner
folds. What it says of cases that it was not fitted on, mixed with their labels, is what simple
models learn. They are compared with the original on the cases that the outer fold holds out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, cast

import numpy as np
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
from skiagram.features.extraction import build_families
from skiagram.features.family import definitions_of
from skiagram.features.feature import find_definition
from skiagram.features.table import FeatureTable
from skiagram.models.classical.estimator import choose_columns
from skiagram.models.contract import Fitted
from skiagram.models.fits import finite
from skiagram.options import STRICT
from skiagram.records import read_cases, read_record
from skiagram.seeding import derived_seed
from skiagram.splits import Partition, grouped_folds
from skiagram.statistics.discrimination import brier
from skiagram.statistics.estimate import Estimate
from skiagram.statistics.proportions import proportion
from skiagram.studies.candidates import (
    Candidate,
    EncoderStudyOptions,
    Network,
)
from skiagram.studies.cost import (
    Clock,
    Time,
    TimedFamily,
    TimedStudy,
    Timing,
    feature_time,
    time_encoder,
    time_families,
)
from skiagram.studies.cross_validation import CrossValidatedDataSet, CrossValidation, Rows
from skiagram.studies.simplification.simple_models import (
    FewFeatures,
    ReadFeature,
    RuleTree,
    SimpleModel,
    TreeLine,
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
        difference: AUC minus the original's, mean over folds; 0 of the original itself.
        ici: Mean distance of probabilities from the observed share; None with several classes.
        size: Bytes of the stored model, and of its frozen encoder, mean over folds.
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
        base_odds: Class → its odds where every feature is at its mean.
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
    """One model of one fold, kept as a piece."""

    name: str
    title: str
    parameters: int
    size: int
    scoring: Timing
    features: tuple[str, ...] = ()


class _Fold(NamedTuple):
    """One outer fold: its models, the original first; (m, n_classes) held-out scores by name."""

    models: tuple[_FoldModel, ...]
    scores: dict[str, Floats]


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
        cv, data_set = self.cross_validation(workspace)
        _, task = read_cases(cv.prepared.cases)
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
        definitions = definitions_of(build_families(self.families(workspace)))
        meant = {name: find_definition(name, definitions) for name in tree.features}
        shown = len(task.classes) - 1 if task.positive is None else task.positive
        return SimplificationResult(
            **vars(data_set),
            margin=self.margin,
            originals=tuple(fold.models[0].title for fold in folds),
            models=models,
            logistic=tuple(logistic.read(definitions, task)),
            base_odds=logistic.base_odds(task),
            tree=tuple(tree.lines(shown)),
            tree_class=task.classes[shown],
            feature_meaning={name: one.meaning if one else "" for name, one in meant.items()},
            images=clock.images,
            repeats=clock.repeats,
            time=clock.time,
            machine=clock.machine,
        )

    def _fold(self, cv: CrossValidation, number: int, fold: Partition, clock: Clock) -> _Fold:
        candidates = {each.name: each for each in self.candidates(cv.workspace)}
        student = None
        if self.student:
            options = cv.workspace.option_file("model", self.student)
            student = Network(self.student, options, self.trainer)

        def make(folder: Path) -> None:
            made = list(_FoldRun(self, cv, number, fold, clock, candidates, student).models())
            (folder / "models.json").write_text(json.dumps([asdict(model) for model, _ in made]))
            scores = np.stack([finite(values) for _, values in made])
            np.save(folder / "scores.npy", scores, allow_pickle=False)

        inputs: dict[str, Any] = {name: cv.inputs(each) for name, each in candidates.items()}
        inputs |= {"student": student and student.options, "number": number} | asdict(clock)
        inputs |= {name: value for name, value in asdict(self).items() if name != "margin"}
        code = (_FoldRun, Network, *_COMPRESSION)
        piece = cv.workspace.make_once("simplified", inputs, make, *code)
        models = read_record(tuple[_FoldModel, ...], piece / "models.json")
        names = (model.name for model in models)
        return _Fold(models, dict(zip(names, np.load(piece / "scores.npy"), strict=True)))

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
    candidates: Mapping[str, Candidate]
    student: Network | None

    def models(self) -> Iterator[tuple[_FoldModel, Floats]]:
        """Yield each model with its scores of the held-out cases, the original first."""
        soft, chosen = self._choose_original()
        fitted = {name: self._fit(self.candidates[name]) for name in chosen}
        yield self._original(chosen, fitted)
        yield from self._readable_models(soft)
        if self.student:
            yield from self._students(self.student, soft)
        if self.study.compressed:
            candidate = self.candidates[self.study.compressed]
            yield from self._compressed(
                candidate, fitted.get(candidate.name) or self._fit(candidate)
            )

    def _choose_original(self) -> tuple[Floats, dict[str, Any]]:
        """Return the original's probabilities of the training cases, and the models it is made of.

        Returns:
            (training cases, n_classes) by fits that never saw the case; name → calibration.
        """
        cv, rows, plan = self.cv, self.fold.training, self.cv.plan
        inner = grouped_folds(
            cv.label[rows], cv.patient_id[rows], plan.inner_folds, plan.seed, "simplification",
            self.number,
        )  # fmt: skip
        probabilities, calibrations = {}, {}
        for name, candidate in self.candidates.items():
            probabilities[name], calibrations[name] = self._inner_probabilities(candidate, inner)
        if len(probabilities) > 1:
            probabilities[MEAN] = np.mean(list(probabilities.values()), axis=0)
        best = max(probabilities, key=lambda name: cv.auc(np.log(probabilities[name]), rows))
        chosen = calibrations if best == MEAN else {best: calibrations[best]}
        return probabilities[best], chosen

    def _inner_probabilities(
        self, candidate: Candidate, inner: Sequence[Partition]
    ) -> tuple[Floats, Any]:
        cv, rows = self.cv, self.fold.training
        blind, fits = [], []
        for k, part in enumerate(inner):
            names, held_out = (f"outer{self.number}", f"inner{k}"), rows[part.held_out]
            fitted = cv.fit(candidate, rows[part.training], *names)
            blind.append(self._score(candidate, fitted, held_out))
            fits.append(fit_calibration(cv.plan.calibration, blind[-1], cv.label[held_out]))
        probability = np.empty((len(rows), cv.n_classes))
        for scores, part, calibration in zip(
            blind, inner, held_out_calibrations(fits), strict=True
        ):
            probability[part.held_out] = calibration.probabilities(scores)
        return np.clip(probability, 1e-6, None), average_calibrations(fits)

    def _fit(self, candidate: Candidate, target: NDArray[np.float32] | None = None) -> Fitted[Any]:
        return self.cv.fit(candidate, self.fold.training, f"outer{self.number}", target=target)

    def _score(self, candidate: Candidate, fitted: Fitted[Any], rows: Rows) -> Floats:
        return self.cv.scores(candidate, fitted, self.cv.case_id[rows])

    def _few(self, candidate: Candidate) -> Any:
        """Return the inputs of the cases that are scored when this is timed."""
        return candidate.read(self.cv.prepared).of(self.cv.case_id[: self.clock.images])

    def _original(
        self, chosen: Mapping[str, Any], fitted: Mapping[str, Fitted[Any]]
    ) -> tuple[_FoldModel, Floats]:
        candidates = [self.candidates[name] for name in chosen]
        names, parts = _feature_table(self.cv).names, []
        scoring, size, features = Timing(0.0, 0.0, 0.0), 0, dict[str, None]()
        for each in candidates:
            model = fitted[each.name]
            scores = self._score(each, model, self.fold.held_out)
            parts.append(chosen[each.name].probabilities(scores))
            scoring = scoring.plus(self._time(model, self._few(each)))
            size += _stored_bytes(model)
            features |= dict.fromkeys(_features_read(each, names))
        titles = [each.studied(self.cv.prepared).title for each in candidates]
        title = titles[0] if len(titles) == 1 else f"Mean of {', '.join(titles)}"
        parameters = sum(model.summary.parameters for model in fitted.values())
        encoders = dict.fromkeys(one.encoding for one in candidates if one.encoding)
        options = self.study.frozen(self.cv.workspace)
        for name in encoders:  # each once
            encoder = time_encoder(self.cv, name, options[name], self.clock)
            scoring = scoring.plus(encoder.milliseconds)
            parameters += encoder.parameters
            size += _BYTES * encoder.parameters
        original = _FoldModel(ORIGINAL, title, parameters, size, scoring, tuple(features))
        mean = np.clip(np.mean(parts, axis=0), 1e-6, None)
        return original, np.log(mean)

    @property
    def _sources(self) -> tuple[tuple[float, str], ...]:
        return (self.study.soft_share, "taught"), (0.0, "labels alone")

    def _readable_models(self, soft: Floats) -> Iterator[tuple[_FoldModel, Floats]]:
        cv, study, table = self.cv, self.study, _feature_table(self.cv)
        training, held_out, few = (
            table.of(cv.case_id[rows])
            for rows in (self.fold.training, self.fold.held_out, slice(self.clock.images))
        )
        seed = derived_seed(cv.plan.seed, "simplification", self.number)
        for share, source in self._sources:
            target = mix_targets(soft, cv.label[self.fold.training], share)
            fits: dict[tuple[str, str], SimpleModel] = {
                ("features", f"Logistic regression on {study.count} features"): fit_few_features(
                    training, target, study.count
                ),
                ("rules", f"Tree of {study.depth} questions"): fit_rule_tree(
                    training, target, study.depth, study.least_cases, seed
                ),
            }
            for (name, title), model in fits.items():
                size, time = len(model.to_bytes()), self._time(model, few)
                words = f"{name}, {source}", f"{title}, {source}"
                readable = _FoldModel(*words, model.n_parameters, size, time, model.features)
                yield readable, model.scores(held_out)

    def _students(self, student: Network, soft: Floats) -> Iterator[tuple[_FoldModel, Floats]]:
        label, few = self.cv.label[self.fold.training], self._few(student)
        for share, source in self._sources:
            target = mix_targets(soft, label, share).astype(np.float32) if share else None
            fitted = self._fit(student, target)
            title = f"{student.studied(self.cv.prepared).title} ({student.name}), {source}"
            size, time = _stored_bytes(fitted), self._time(fitted, few)
            network = _FoldModel(f"network, {source}", title, fitted.summary.parameters, size, time)
            yield network, self._score(student, fitted, self.fold.held_out)

    def _compressed(
        self, candidate: Candidate, fitted: Fitted[Any]
    ) -> Iterator[tuple[_FoldModel, Floats]]:
        from skiagram.models.deep.compression import Compression, compress

        few, title, pruned = (
            self._few(candidate),
            candidate.studied(self.cv.prepared).title,
            self.study.pruned,
        )
        share = f"{pruned:.0%}".replace("%", " %")
        ways = (
            ("whole", 0.0, False, "as it is"),
            ("pruned", pruned, False, f"{share} pruned"),
            ("eight bits", 0.0, True, "in eight bits"),
            ("pruned, eight bits", pruned, True, f"{share} pruned, in eight bits"),
        )
        for way, part, eight_bits, words in ways:
            compression = Compression(part, eight_bits=eight_bits)
            network, size, parameters = compress(cast("FittedNetwork", fitted), compression)
            time = self._time(network, few)
            compressed = _FoldModel(way, f"{title}, {words}", parameters, size, time)
            yield compressed, self._score(candidate, network, self.fold.held_out)

    def _time(self, model: Any, inputs: Any) -> Timing:
        with self.cv.workspace.compute.limit():
            return self.clock.measure_repeated(lambda: model.scores(inputs), len(inputs))


def _features_read(candidate: Candidate, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the features of the images that a model reads; of a head those beside encodings."""
    families = candidate.options.get("columns")
    if candidate.encoding is not None:
        words = {family: family.split("_")[0].split(".") for family in families or ()}
        beside = [family for family in words if COLUMN not in words[family]]
        return choose_columns(names, beside) if beside else ()
    return choose_columns(names, families) if candidate.arm == "classical" else ()


def _feature_table(cv: CrossValidation) -> FeatureTable:
    return FeatureTable.read(cv.prepared.features)


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
        some = slice(first, first + cv.plan.folds)
        scores = [fold.scores[name] for fold in folds[some]]
        fits = [
            fit_calibration(cv.plan.calibration, own, cv.label[part.held_out])
            for own, part in zip(scores, partitions[some], strict=True)
        ]
        for own, calibration in zip(scores, held_out_calibrations(fits), strict=True):
            parts.append(np.clip(calibration.probabilities(own), 1e-9, None))
    return np.concatenate(parts), np.concatenate([fold.held_out for fold in partitions])


def _compare(
    cv: CrossValidation,
    partitions: Sequence[Partition],
    folds: Sequence[_Fold],
    described: Sequence[TimedFamily],
) -> tuple[SimplifiedModel, ...]:
    reference: tuple[Floats, NDArray[np.int64]] | None = None
    ends = np.cumsum([len(part.held_out) for part in partitions])[:-1]
    compared = []
    for k, name in enumerate(folds[0].scores):
        probability, rows = _probabilities(cv, partitions, folds, name)
        label, patient = cv.label[rows], np.unique(cv.patient_id[rows], return_inverse=True)[1]
        areas = np.array(
            [
                cv.auc(fold.scores[name], part.held_out)
                for fold, part in zip(folds, partitions, strict=True)
            ]
        )
        decisions = _decide(cv, partitions, probability, rows)
        reference = reference or (areas, decisions)
        losses = [
            float(brier(part, own, np.ones((1, len(own))), cv.positive)[0])
            for part, own in zip(np.split(probability, ends), np.split(label, ends), strict=True)
        ]
        ici = None
        if cv.positive is not None:
            risk = probability[None, :, cv.positive]
            ici = calibration_distance(risk, label == cv.positive, patient).ici
        models = [fold.models[k] for fold in folds]
        inference = models[-1].scoring
        if models[-1].features:
            inference = inference.plus(feature_time(described, models[-1].features))
        compared.append(
            SimplifiedModel(
                name=name,
                title=" / ".join(dict.fromkeys(model.title for model in models)),
                auc=cv.mean(areas, 0.0, 1.0),
                difference=cv.mean(areas - reference[0], -1.0, 1.0),
                agreement=proportion((decisions == reference[1]).astype(np.float64), patient),
                brier=cv.mean(np.array(losses), 0.0, 1.0 if ici else 2.0),
                ici=ici,
                parameters=round(float(np.mean([model.parameters for model in models]))),
                size=round(float(np.mean([model.size for model in models]))),
                inference=inference,
            )
        )
    return tuple(compared)


def _decide(
    cv: CrossValidation, partitions: Sequence[Partition], probability: Floats, rows: Rows
) -> NDArray[np.int64]:
    """Return the decision about each held-out case; thresholds come from the other folds."""
    if cv.positive is None:
        return np.asarray(probability.argmax(axis=1), dtype=np.int64)
    fold_of = np.repeat(np.arange(len(partitions)), [len(part.held_out) for part in partitions])
    risk, positive = probability[:, cv.positive], cv.label[rows] == cv.positive
    repeat, decisions = fold_of // cv.plan.folds, np.empty(len(rows), dtype=np.int64)
    for k in range(len(partitions)):
        others = (repeat == k // cv.plan.folds) & (fold_of != k)
        threshold = threshold_at_sensitivity(risk[others], positive[others], cv.plan.sensitivity)
        decisions[fold_of == k] = risk[fold_of == k] >= threshold
    return decisions
