"""Study `explanations`: what the scores of each model rest on, and which explanations bear a test.

Models are trained on folds of the development cases, and every case is explained by fits that did
not see it; the sealed cases play no part. Importance is of groups of features, maps are of single
images. A map is shown as trustworthy only where it passed all tests; where the place of the disease
is known, it is said how often it points there.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.progress import Progress
from skiagram.errors import ModelFailure, OptionError
from skiagram.evaluation.discrimination import roc_auc
from skiagram.evaluation.results import Estimate
from skiagram.evaluation.stability import corrected_mean
from skiagram.explanation.importance import (
    Agreement,
    LocalEffect,
    Loss,
    accumulate_local_effects,
    auc_loss,
    compare_rankings,
    estimate_effects,
    estimate_loss,
    has_shapley_values,
    import_shap,
    linear_effects,
    rank_features,
    shapley_values,
)
from skiagram.explanation.trust import (
    TITLES,
    Located,
    Location,
    MapTest,
    Mask,
    Method,
    centre_map,
    compare_trainings,
    is_trustworthy,
    judge_location,
    judge_maps,
    locate,
    mean_by_patient,
)
from skiagram.features.table import FeatureTable
from skiagram.image_store.shards import is_volume
from skiagram.options import STRICT
from skiagram.records import Task, read_record
from skiagram.seeding import stream
from skiagram.studies.cross_validation import CrossValidatedStudy, CrossValidation
from skiagram.studies.explained_fits import (
    NAME,
    Floats,
    FoldFit,
    ImportanceOptions,
    KnownRegions,
    MapOptions,
    MappedCase,
    MapTask,
    Rows,
    blanked_data,
    draw_rows,
    examine_features,
    examine_maps,
    find_regions,
    make_observer,
    places,
    resample_patients,
    train_fold,
)
from skiagram.studies.pipeline_steps import (
    CrossValidatedDataSet,
    PreparedData,
    StudiedModel,
)
from skiagram.studies.workspace import Workspace

Kind = Literal["right", "wrong", "doubtful"]
_LONGEST = 96  # pixels a side of a picture in the result


@dataclass(frozen=True)
class Picture:
    """A grey picture, at most 96 pixels a side.

    Attributes:
        height: Pixels.
        width: Pixels.
        grey: Base64 of height × width bytes, row after row.
    """

    height: int
    width: int
    grey: str


@dataclass(frozen=True)
class Contribution:
    """What one feature adds to the score of one case.

    Attributes:
        feature: Name of the feature.
        value: Shapley value; above 0 it speaks for the positive class.
    """

    feature: str
    value: float


@dataclass(frozen=True)
class ShownCase:
    """One case with its explanation.

    Attributes:
        kind: Whether it was classified surely and rightly, surely and wrongly, or with doubt.
        true: Its class.
        named: Class that the model named.
        score: Score of the positive class minus that of the other one, by a fit without the case.
        image: What the model saw; of a volume one slice, of channels the first.
        region: The known region; None without one.
        maps: Method → its map, dark where it speaks against the positive class or is silent.
        contributions: Features that move the score most; empty for a network.
    """

    kind: Kind
    true: str
    named: str
    score: float
    image: Picture
    region: Picture | None
    maps: dict[str, Picture]
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True)
class Blanking:
    """What is left of the AUC without a part of each image.

    Attributes:
        region: Loss where the region is blanked; in an image without one, that of another image.
        rest: Loss where all else is blanked.
    """

    region: Loss
    rest: Loss


@dataclass(frozen=True)
class GroupImportance:
    """A group of features.

    Attributes:
        group: Its name.
        features: How many it has.
        loss: AUC lost where it is permuted.
    """

    group: str
    features: int
    loss: Loss


@dataclass(frozen=True)
class FeatureImportance:
    """A feature with all that goes with it.

    Attributes:
        feature: Its name.
        relatives: Features that stood in its cluster in most fits.
        loss: AUC lost where its cluster is permuted.
        effects: Accumulated local effect, a fit each.
    """

    feature: str
    relatives: tuple[str, ...]
    loss: Loss
    effects: tuple[LocalEffect, ...]


@dataclass(frozen=True)
class Coefficient:
    """The weight of a feature in a linear model.

    Attributes:
        feature: Its name.
        effect: Change of the score with one standard deviation of the feature.
        same_sign: Share of the resamples in which it has the same sign.
    """

    feature: str
    effect: Estimate
    same_sign: float


@dataclass(frozen=True)
class ClassicalExplanation(StudiedModel):
    """What a model of features rests on.

    Attributes:
        auc: Mean AUC over folds.
        families: Families, the most important first.
        features: The first few features, of those that go together only one.
        coefficients: The largest weights; empty where the score is no weighted sum.
        resamples: Resamples of patients that their intervals rest on.
        shapley: Feature → mean absolute Shapley value, the largest; empty where none are known.
        shapley_reason: Why there are none; empty otherwise.
        clusters: Permutation by clusters: how alike the fits rank the features.
        shapley_agreement: Shapley values: how alike the fits rank the features.
        blanking: None without known regions, or where features are of the region alone.
        cases: Cases to look at.
    """

    auc: Estimate
    families: tuple[GroupImportance, ...]
    features: tuple[FeatureImportance, ...]
    coefficients: tuple[Coefficient, ...]
    resamples: int
    shapley: tuple[Contribution, ...]
    shapley_reason: str
    clusters: Agreement | None
    shapley_agreement: Agreement | None
    blanking: Blanking | None
    cases: tuple[ShownCase, ...]


@dataclass(frozen=True)
class MapExplanation:
    """One kind of map of one network.

    Attributes:
        method: Its kind.
        title: Name for people.
        reason: Why the network has none; empty otherwise.
        tests: How it did in the tests.
        trustworthy: Whether it passed all of them.
        fresh: (share of layers with fresh weights, similarity to the trained network's map).
        location: Where it points; None without known regions.
    """

    method: Method
    title: str
    reason: str
    tests: tuple[MapTest, ...] = ()
    trustworthy: bool = False
    fresh: tuple[tuple[float, Estimate], ...] = ()
    location: Location | None = None


@dataclass(frozen=True)
class NetworkExplanation(StudiedModel):
    """What a network looks at.

    Attributes:
        auc: Mean AUC over folds.
        maps: One a method.
        blanking: None without known regions.
        cases: Cases to look at.
    """

    auc: Estimate
    maps: tuple[MapExplanation, ...]
    blanking: Blanking | None
    cases: tuple[ShownCase, ...]


@dataclass(frozen=True)
class FailedModel(StudiedModel):
    """A model that could not be trained.

    Attributes:
        reason: Why.
    """

    reason: str


@dataclass(frozen=True)
class ExplanationsResult(CrossValidatedDataSet):
    """What the study found on one data set.

    Attributes:
        positive: Name of the class looked for.
        word: What known regions are called; empty where none are known.
        located: Cases on which it is counted where maps point.
        mapped: Cases with maps.
        repeats: Trainings of each model by which each case is explained.
        unchanged: Likeness from which on a map counts as unchanged.
        classical: Models of features.
        networks: Networks.
        failed: Models that could not be trained.
        observer: Where the ideal observer points; None on real images.
        centre: Where the map that always points at the centre does; None without known regions.
    """

    positive: str
    word: str
    located: int
    mapped: int
    repeats: int
    unchanged: float
    classical: tuple[ClassicalExplanation, ...]
    networks: tuple[NetworkExplanation, ...]
    failed: tuple[FailedModel, ...]
    observer: Location | None
    centre: Location | None


@dataclass(frozen=True)
class Ground:
    """What all models of the study are explained on.

    Attributes:
        cv: Development cases.
        task: Names of the classes.
        regions: Known regions; None where there are none.
        without: Images with the region blanked and with all else blanked; None for none.
        sample: Cases with maps.
    """

    cv: CrossValidation
    task: Task
    regions: KnownRegions | None
    without: tuple[PreparedData, PreparedData] | None
    sample: tuple[str, ...]

    def mask(self, case: str) -> Mask | None:
        """Return the known region of a case."""
        return None if self.regions is None else self.regions.masks.get(case)

    def rows(self, cases: Sequence[str]) -> Rows:
        """Return the rows of some cases."""
        position = {case: row for row, case in enumerate(self.cv.case_id.tolist())}
        return np.array([position[case] for case in cases], dtype=np.int64)

    @property
    def marked(self) -> tuple[str, ...]:
        """Return the cases of the sample with a known region."""
        return tuple(case for case in self.sample if self.mask(case) is not None)


@options_class(**STRICT)
class Explanations(CrossValidatedStudy):
    """Importance for models of features, tested maps for networks.

    Attributes:
        importance: How importance of features is measured.
        maps: How maps are made and tested.
        blanked: Whether models score images without the region and without all else.
        gallery: Cases shown of each kind and model.
    """

    importance: ImportanceOptions
    maps: MapOptions
    blanked: bool
    gallery: Annotated[int, Field(ge=0)]

    def run(self, workspace: Workspace) -> ExplanationsResult:
        """Train and explain what is not explained yet.

        Raises:
            OptionError: There are more than two classes, or a package is missing.
        """
        if self.baselines and self.importance.shap_cases:
            import_shap()
        if self.networks and set(self.maps.methods) != {"attention_rollout"}:
            from skiagram.explanation.saliency import import_captum

            import_captum()
        cv, data_set = self.cross_validation(workspace)
        if cv.positive is None:
            raise OptionError(
                f"{cv.n_classes} classes", where="study.dataset", allowed="a task of two classes"
            )
        ground = self._ground(workspace, cv)
        fits = {
            name: [
                FoldFit(
                    cv,
                    arm,
                    name,
                    workspace.option_file("model", name),
                    number,
                    self.features,
                    self.importance,
                    self.maps,
                )
                for number in range(len(cv.folds()))
            ]
            for name, arm in self.arms.items()
        }
        every = [fit for folds in fits.values() for fit in folds]
        with Progress(f"{NAME}: training", len(every)) as progress:
            for _ in workspace.compute.map(train_fold, every):
                progress.advance()
        classical: list[ClassicalExplanation] = []
        networks: list[NetworkExplanation] = []
        failed: list[FailedModel] = []
        for name, folds in fits.items():
            model = StudiedModel(
                name, folds[0].arm.model(folds[0].options, 1).title, folds[0].arm.name
            )
            reason = next((fit.failure for fit in folds if fit.failure), "")
            if reason:
                failed.append(FailedModel(**vars(model), reason=reason))
            elif model.arm == "classical":
                classical.append(explain_features(self, ground, model, folds))
            else:
                networks.append(explain_network(self, ground, model, folds))
        return ExplanationsResult(
            **vars(data_set),
            positive=ground.task.classes[cv.positive],
            word="" if ground.regions is None else ground.regions.word,
            located=len(ground.marked),
            mapped=len(ground.sample),
            repeats=self.plan.repeats,
            unchanged=self.maps.unchanged,
            classical=tuple(classical),
            networks=tuple(networks),
            failed=tuple(failed),
            observer=locate_observer(ground, workspace.option_file("dataset", self.dataset)),
            centre=locate_centre(ground),
        )

    def _ground(self, workspace: Workspace, cv: CrossValidation) -> Ground:
        cases: list[str] = cv.case_id.tolist()
        dataset = workspace.option_file("dataset", self.dataset)
        regions = find_regions(workspace, cv.prepared, dataset, cases)
        without = None
        if regions is not None and self.blanked:
            # Features of a region see nothing else: blanking tells nothing about them.
            families = self.families(workspace) if self.baselines and not regions.of_all else None
            region, rest = (
                blanked_data(
                    workspace, cv.prepared, regions, cases, families, cv.plan.seed, outside=outside
                )
                for outside in (False, True)
            )
            without = region, rest
        task = read_record(Task, cv.prepared.data.folder / "cases/task.json")
        sample = choose_cases(cv, regions, self.maps.cases)
        return Ground(cv, task, regions, without, sample)


def choose_cases(cv: CrossValidation, regions: KnownRegions | None, most: int) -> tuple[str, ...]:
    """Draw cases for maps: half with a known region, else of the positive class; half others."""
    order = stream(cv.plan.seed, NAME, "cases").permutation(len(cv))
    first = cv.label == cv.positive
    if regions is not None and not regions.of_all:
        first = np.isin(cv.case_id, list(regions.masks))
    wanted = [row for row in order if first[row]][: -(-most // 2)]
    wanted += [row for row in order if not first[row]][: most // 2]
    chosen: list[str] = sorted(cv.case_id[np.array(wanted, dtype=np.int64)].tolist())
    return tuple(chosen)


def mean_auc(folds: Sequence[FoldFit]) -> Estimate:
    """Return the mean AUC over folds."""
    values = [
        float(roc_auc(fit.ranking, fit.positive, np.ones((1, len(fit.positive))))[0])
        for fit in folds
    ]
    return corrected_mean(np.array(values), 1 / (folds[0].cv.plan.folds - 1), 0.0, 1.0)


def measure_loss(folds: Sequence[FoldFit], changed: Sequence[Floats]) -> Loss:
    """Return the AUC lost by changes.

    Args:
        folds: Fits, repeat after repeat.
        changed: Fit → (changes, m) scores of its held-out cases.
    """
    plan = folds[0].cv.plan
    losses = [
        auc_loss(fit.ranking, scores, fit.positive, fit.patient)
        for fit, scores in zip(folds, changed, strict=True)
    ]
    return estimate_loss(losses, plan.repeats, 1 / (plan.folds - 1))


def measure_blanking(ground: Ground, folds: Sequence[FoldFit]) -> Blanking | None:
    """Return what is left of the AUC without the region and without all else."""
    if ground.without is None or ground.regions is None:
        return None
    if ground.regions.of_all and folds[0].arm.name == "classical":
        return None
    region, rest = (
        measure_loss(folds, [fit.blanked_ranking(images)[None] for fit in folds])
        for images in ground.without
    )
    return Blanking(region, rest)


@dataclass(frozen=True)
class FoldImportance:
    """What was measured of a model of features on one fold.

    Attributes:
        families: Family → its features.
        clusters: First feature of a cluster → its features.
        of_families: Family → (orders, m) scores of the held-out cases with the family permuted.
        of_clusters: The same of clusters.
        shapley: (features,) mean absolute Shapley values; None where none are known.
    """

    families: dict[str, tuple[str, ...]]
    clusters: dict[str, tuple[str, ...]]
    of_families: dict[str, Floats]
    of_clusters: dict[str, Floats]
    shapley: Floats | None

    @classmethod
    def read(cls, piece: Path) -> "FoldImportance":
        """Read what `examine_features` left."""
        groups = json.loads((piece / "groups.json").read_text(encoding="utf-8"))
        families, clusters = (
            {name: tuple(members) for name, members in groups[kind].items()}
            for kind in ("families", "clusters")
        )
        values = piece / "shapley.npy"
        return cls(
            families,
            clusters,
            dict(zip(families, np.load(piece / "families.npy"), strict=True)),
            dict(zip(clusters, np.load(piece / "clusters.npy"), strict=True)),
            np.abs(np.load(values)).mean(axis=0) if values.exists() else None,
        )

    @cached_property
    def cluster_of(self) -> dict[str, str]:
        """Return feature → the first feature of its cluster."""
        return {name: first for first, members in self.clusters.items() for name in members}


def explain_features(
    study: Explanations, ground: Ground, model: StudiedModel, folds: Sequence[FoldFit]
) -> ClassicalExplanation:
    """Say what a model of features rests on."""
    options, measured = study.importance, []
    with Progress(f"{NAME}: {model.model}", len(folds)) as progress:
        for piece in ground.cv.workspace.compute.map(examine_features, folds):
            measured.append(FoldImportance.read(piece))
            progress.advance()
    names: tuple[str, ...] = folds[0].fitted.features
    families = [
        GroupImportance(
            family,
            len(members),
            measure_loss(folds, [measures.of_families[family] for measures in measured]),
        )
        for family, members in measured[0].families.items()
    ]
    importance = np.array(
        [
            _feature_importance(fit, measures, names)
            for fit, measures in zip(folds, measured, strict=True)
        ]
    )
    average = dict(zip(names, importance.mean(axis=0).tolist(), strict=True))
    first = rank_features(average, [measures.clusters for measures in measured])[: options.first]
    features = tuple(
        FeatureImportance(
            name,
            _relatives(name, measured),
            measure_loss(
                folds, [measures.of_clusters[measures.cluster_of[name]] for measures in measured]
            ),
            _local_effects(folds, name, options.bins),
        )
        for name in first
    )
    size = np.array([measures.shapley for measures in measured if measures.shapley is not None])
    mean = size.mean(axis=0) if len(size) else np.empty(0)
    coefficients, resamples = estimate_coefficients(study, ground.cv, folds[0])
    return ClassicalExplanation(
        **vars(model),
        auc=mean_auc(folds),
        families=tuple(
            sorted(families, key=lambda explained: -(explained.loss.over_folds.value or 0.0))
        ),
        features=features,
        coefficients=coefficients,
        resamples=resamples,
        shapley=tuple(
            Contribution(names[k], float(mean[k])) for k in np.argsort(-mean)[: options.first]
        ),
        shapley_reason="" if len(size) else _why_no_shapley(options),
        clusters=compare_rankings(importance, options.first),
        shapley_agreement=compare_rankings(size, options.first) if len(size) else None,
        blanking=measure_blanking(ground, folds),
        cases=show_cases(study, ground, folds, {}),
    )


def _feature_importance(
    fit: FoldFit, measured: FoldImportance, names: Sequence[str]
) -> list[float]:
    """Return the AUC lost with the cluster of each feature."""
    lost = {
        first: auc_loss(fit.ranking, scores, fit.positive, fit.patient).mean
        for first, scores in measured.of_clusters.items()
    }
    return [lost[measured.cluster_of[name]] for name in names]


def _why_no_shapley(options: ImportanceOptions) -> str:
    if not options.shap_cases:
        return "none were asked for"
    return "exact values are known for linear models, single trees, forests and boosting alone"


def _relatives(name: str, measured: Sequence[FoldImportance]) -> tuple[str, ...]:
    """Return the features that stand in the cluster of one in most fits."""
    return tuple(
        other
        for other in measured[0].cluster_of
        if other != name
        and 2
        * sum(measures.cluster_of[other] == measures.cluster_of[name] for measures in measured)
        > len(measured)
    )


def _local_effects(folds: Sequence[FoldFit], name: str, bins: int) -> tuple[LocalEffect, ...]:
    effects = []
    for fit in folds[: fit_count(folds)]:
        fitted = fit.fitted
        table = fit.read(fit.cv.case_id[fit.fold.held_out]).columns(fitted.features)
        with fit.cv.workspace.compute.limit():
            effect = accumulate_local_effects(fit.model_ranking(fitted), table, name, bins)
        if effect is not None:
            effects.append(effect)
    return tuple(effects)


def fit_count(folds: Sequence[FoldFit]) -> int:
    """Return how many fits the first repeat has."""
    return folds[0].cv.plan.folds


def estimate_coefficients(
    study: Explanations, cv: CrossValidation, fit: FoldFit
) -> tuple[tuple[Coefficient, ...], int]:
    """Return the largest weights of a linear model fitted on all cases, and the resamples made.

    Args:
        study: The study.
        cv: All development cases.
        fit: Any fit of the model.
    """
    count, first = study.importance.resamples, study.importance.first

    def effects(rows: Rows, *name: str) -> Floats | None:
        try:
            fitted: Any = cv.fit(fit.arm, fit.options, rows, NAME, *name)
        except ModelFailure:
            return None
        table = fit.read(cv.case_id).columns(fitted.features)
        return linear_effects(fit.model_ranking(fitted), table)

    def make(folder: Path) -> None:
        own = effects(np.arange(len(cv)), "coefficients")
        drawn = (
            []
            if own is None
            else [effects(rows, "coefficients") for rows in resample_patients(cv, count)]
        )
        fitted = [drawing for drawing in drawn if drawing is not None]
        np.save(folder / "own.npy", np.empty(0) if own is None else own, allow_pickle=False)
        np.save(folder / "resampled.npy", np.array(fitted), allow_pickle=False)

    if count == 0 or linear_effects(fit.model_ranking(fit.fitted), _held_out(fit)) is None:
        return (), 0
    inputs = fit.cv.inputs(fit.arm) | {"model": fit.options, "resamples": count}
    folder = cv.workspace.make_once("coefficients", inputs, make, type(fit.arm), type(fit.fitted))
    own, resampled = np.load(folder / "own.npy"), np.load(folder / "resampled.npy")
    if len(own) == 0 or len(resampled) < 2:
        return (), 0
    names = fit.fitted.features
    coefficients = [
        Coefficient(name, effect, float(np.mean(np.sign(column) == np.sign(value))))
        for name, value, effect, column in zip(
            names, own, estimate_effects(own, resampled), resampled.T, strict=True
        )
    ]
    largest = sorted(coefficients, key=lambda coefficient: -abs(coefficient.effect.value or 0.0))
    return tuple(largest[:first]), len(resampled)


def _held_out(fit: FoldFit) -> FeatureTable:
    table: FeatureTable = fit.read(fit.cv.case_id[fit.fold.held_out]).columns(fit.fitted.features)
    return table


def explain_network(
    study: Explanations, ground: Ground, model: StudiedModel, folds: Sequence[FoldFit]
) -> NetworkExplanation:
    """Make maps of a network, test them and say where they point."""
    shown = choose_shown(ground, folds[: fit_count(folds)], study.gallery)
    tasks = []
    for fit in folds:
        held_out = set(fit.cv.case_id[fit.fold.held_out].tolist())
        wanted = list(ground.sample)
        if fit.number < fit_count(folds):
            wanted += [case for case, _ in shown]
        cases = sorted(held_out & set(wanted))
        if cases:
            tasks.append(MapTask(fit, tuple(cases)))
    mapped: dict[str, list[MappedCase]] = {}
    reasons: dict[str, str] = {}
    with Progress(f"{NAME}: {model.model}", len(tasks)) as progress:
        for task, piece in zip(
            tasks, ground.cv.workspace.compute.map(examine_maps, tasks), strict=True
        ):
            spread = float(task.fit.ranking.std()) or 1.0
            for row, case in enumerate(task.case_id):
                mapped.setdefault(case, []).append(MappedCase(piece, row, spread))
            reasons = json.loads((piece / "reasons.json").read_text(encoding="utf-8"))
            progress.advance()
    return NetworkExplanation(
        **vars(model),
        auc=mean_auc(folds),
        maps=tuple(judge_method(study, ground, mapped, m, reasons[m]) for m in study.maps.methods),
        blanking=measure_blanking(ground, folds),
        cases=show_cases(study, ground, folds, mapped),
    )


def judge_method(
    study: Explanations,
    ground: Ground,
    mapped: Mapping[str, Sequence[MappedCase]],
    method: Method,
    reason: str,
) -> MapExplanation:
    """Test one kind of map of one network, over the cases of the sample."""
    if reason:
        return MapExplanation(method, TITLES[method], reason)
    cases = [mapped[case] for case in ground.sample]
    patient = ground.cv.patient_id[ground.rows(ground.sample)]
    likeness = np.array(
        [np.mean([fit.read(f"similarity_{method}") for fit in each], axis=0) for each in cases]
    )
    areas = {
        name: np.array(
            [np.mean([fit.read(f"areas_{name}") / fit.spread for fit in each], axis=0)
             for each in cases]
        ).T
        for name in (method, "random", "centre")
    }  # fmt: skip
    trainings = min(len(each) for each in cases)
    alike = compare_trainings(
        [[each[k].picture(f"map_{method}") for each in cases] for k in range(trainings)]
    )
    tests = judge_maps(likeness[:, -1], areas, method, alike, patient, study.maps.unchanged)
    return MapExplanation(
        method=method,
        title=TITLES[method],
        reason="",
        tests=tests,
        trustworthy=is_trustworthy(tests),
        fresh=tuple(
            (share, mean_by_patient(likeness[:, stage], patient, -1.0, 1.0))
            for stage, share in enumerate(study.maps.exchange.fresh_layers)
        ),
        location=_locate_maps(ground, mapped, method),
    )


def _locate_maps(
    ground: Ground, mapped: Mapping[str, Sequence[MappedCase]], method: Method
) -> Location | None:
    located: list[list[Located | None]] = []
    centre: list[Located] = []
    shown: list[str] = []
    for case in ground.marked:
        regions = [fit.region(ground.mask(case)) for fit in mapped[case]]
        if regions[0] is None or regions[0].all():
            continue
        middle = locate(centre_map(regions[0].shape), regions[0])
        if middle is None:
            continue
        shown.append(case)
        centre.append(middle)
        located.append(
            [
                None if mask is None else locate(fit.picture(f"map_{method}").astype(float), mask)
                for fit, mask in zip(mapped[case], regions, strict=True)
            ]
        )
    if not shown:
        return None
    return judge_location(located, centre, ground.cv.patient_id[ground.rows(shown)])


def locate_observer(ground: Ground, dataset: Mapping[str, Any]) -> Location | None:
    """Return where the ideal observer of a phantom points; None on real images."""
    observer = make_observer(dataset)
    if observer is None or not ground.marked:
        return None

    def map_of(case: str) -> Floats:
        image = ground.cv.prepared.images.image(case)
        return observer.place_probability(image.reshape(places(image)).astype(np.float64))

    return _locate_fixed(ground, map_of)


def locate_centre(ground: Ground) -> Location | None:
    """Return where the map that always points at the centre does; None without known regions."""
    if not ground.marked:
        return None
    return _locate_fixed(
        ground, lambda case: centre_map(places(ground.cv.prepared.images.image(case)))
    )


def _locate_fixed(ground: Ground, map_of: Callable[[str], Floats]) -> Location | None:
    located, centre, shown = [], [], []
    for case in ground.marked:
        mask = ground.mask(case)
        middle = None if mask is None or mask.all() else locate(centre_map(mask.shape), mask)
        if mask is not None and middle is not None:
            located.append([locate(map_of(case), mask)])
            centre.append(middle)
            shown.append(case)
    if not shown:
        return None
    return judge_location(located, centre, ground.cv.patient_id[ground.rows(shown)])


def choose_shown(ground: Ground, folds: Sequence[FoldFit], most: int) -> list[tuple[str, Kind]]:
    """Choose the surest right, the surest wrong and the most doubtful cases, a patient once a kind.

    Args:
        ground: All cases.
        folds: Fits of the first repeat.
        most: Cases of each kind.
    """
    ranking = np.empty(len(ground.cv))
    for fit in folds:
        ranking[fit.fold.held_out] = fit.ranking
    right = (ranking > 0) == (ground.cv.label == ground.cv.positive)
    chosen: list[tuple[str, Kind]] = []
    kinds: tuple[tuple[Kind, NDArray[np.bool_], Floats], ...] = (
        ("right", right, -np.abs(ranking)),
        ("wrong", ~right, -np.abs(ranking)),
        ("doubtful", np.ones(len(right), dtype=np.bool_), np.abs(ranking)),
    )
    for kind, fitting, order in kinds:
        patients: set[str] = set()
        classes: dict[int, int] = {}
        for row in np.argsort(order, kind="stable"):
            patient, label = str(ground.cv.patient_id[row]), int(ground.cv.label[row])
            full = kind != "doubtful" and classes.get(label, 0) >= -(-most // 2)
            if not fitting[row] or patient in patients or full or len(patients) >= most:
                continue
            patients.add(patient)
            classes[label] = classes.get(label, 0) + 1
            chosen.append((str(ground.cv.case_id[row]), kind))
    return chosen


def show_cases(
    study: Explanations,
    ground: Ground,
    folds: Sequence[FoldFit],
    mapped: Mapping[str, Sequence[MappedCase]],
) -> tuple[ShownCase, ...]:
    """Return the cases to look at, with maps of a network or contributions of features."""
    first = folds[: fit_count(folds)]
    cases = []
    for case, kind in choose_shown(ground, first, study.gallery):
        row = int(ground.rows([case])[0])
        fit = next(fit for fit in first if row in fit.fold.held_out)
        score = float(fit.ranking[np.flatnonzero(fit.fold.held_out == row)[0]])
        positive = int(ground.cv.positive or 0)
        if mapped:
            explained = mapped[case][0]
            image, mask = explained.picture("seen"), explained.region(ground.mask(case))
            folder = explained.folder
            methods = [m for m in study.maps.methods if (folder / f"map_{m}.npy").exists()]
            maps = {method: explained.picture(f"map_{method}") for method in methods}
        else:
            stored = ground.cv.prepared.images.image(case)
            image, mask, maps = _grey(stored), ground.mask(case), {}
        cut = _slice_of(image, mask)
        cases.append(
            ShownCase(
                kind=kind,
                true=ground.task.classes[int(ground.cv.label[row])],
                named=ground.task.classes[positive if score > 0 else 1 - positive],
                score=score,
                image=draw_picture(cut(image), *np.percentile(image, (1, 99))),
                region=None if mask is None else draw_picture(cut(mask).astype(float), 0.0, 1.0),
                maps={
                    method: draw_picture(cut(values), 0.0, float(np.percentile(values, 99.5)))
                    for method, values in maps.items()
                },
                contributions=() if mapped else _contributions(study, fit, case),
            )
        )
    return tuple(cases)


def _grey(image: NDArray[Any]) -> Floats:
    if is_volume(image):
        return image[..., 0].astype(np.float64)
    grey: Floats = image.reshape(*image.shape[:2], -1).astype(np.float64).mean(axis=2)
    return grey


def _slice_of(image: NDArray[Any], mask: Mask | None) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Return what cuts the shown slice out of a volume: the region's largest, else the middle."""
    if image.ndim == 2:
        return lambda values: values
    place = len(image) // 2
    if mask is not None and mask.any():
        place = int(mask.reshape(len(mask), -1).sum(axis=1).argmax())
    return lambda values: values[place]


def _contributions(study: Explanations, fit: FoldFit, case: str) -> tuple[Contribution, ...]:
    fitted, options = fit.fitted, study.importance
    if not options.shap_cases or not has_shapley_values(fitted):
        return ()
    training = fit.read(fit.cv.case_id[fit.fold.training]).columns(fitted.features)
    some = draw_rows(fit.stream("background"), training, options.background)
    shares = shapley_values(
        fitted, training.select(some), fit.read(np.array([case])), int(fit.cv.positive or 0)
    ).values[0]
    largest = np.argsort(-np.abs(shares), kind="stable")[: min(3, len(shares))]
    return tuple(Contribution(fitted.features[k], float(shares[k])) for k in largest)


def draw_picture(values: NDArray[Any], low: float, high: float) -> Picture:
    """Return a grey picture of an array, white from `high` on, black up to `low`."""
    step = -(-max(values.shape) // _LONGEST)
    height, width = (side - side % step if side >= step else side for side in values.shape)
    cut = values[:height, :width].astype(np.float64)
    if step > 1 and min(height, width) >= step:
        cut = cut.reshape(height // step, step, width // step, step).mean(axis=(1, 3))
    share = np.clip((cut - low) / (high - low if high > low else 1.0), 0.0, 1.0)
    grey = np.round(255 * share).astype(np.uint8)
    height, width = grey.shape
    return Picture(height, width, base64.b64encode(grey.tobytes()).decode("ascii"))
