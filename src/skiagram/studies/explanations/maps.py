"""Maps of a network, or of an encoder with a head: made, tested, measured against known regions."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skiagram.encoders.encoder import read_encoding
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
from skiagram.options import build
from skiagram.seeding import derived_seed
from skiagram.statistics.estimate import Estimate
from skiagram.studies.candidates import Candidate, StudiedModel
from skiagram.studies.explanations.fits import (
    Blanking,
    FoldFit,
    Ground,
    MapOptions,
    MappedCase,
    fit_count,
    mean_auc,
    measure_blanking,
)
from skiagram.studies.explanations.galleries import ShownCase, choose_shown, show_cases
from skiagram.studies.explanations.regions import NAME, Floats, make_observer, places

if TYPE_CHECKING:
    from skiagram.explanation.saliency import Explained


@dataclass(frozen=True)
class MapExplanation:
    """One kind of map of one network.

    Attributes:
        fresh: (share of layers with fresh weights, similarity to the trained network's map).
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
        centre: Where the map that always points at the centre of what the network sees does; None
            without known regions.
    """

    auc: Estimate
    maps: tuple[MapExplanation, ...]
    blanking: Blanking | None
    cases: tuple[ShownCase, ...]
    centre: Location | None


# Name of each file → an array, one row or column a case; method → why it has no map, or nothing.
_Made = tuple[dict[str, NDArray[Any]], dict[str, str]]


@dataclass(frozen=True)
class MapTask:
    """Maps of some held-out cases of one fold."""

    fit: FoldFit
    case_id: tuple[str, ...]
    masks: tuple[Mask | None, ...]

    def examine(self) -> Path:
        """Return the piece: maps, what their tests gave, and what the network saw."""
        fit, options = self.fit, asdict(self.fit.maps)
        inputs = {"fit": fit.folder.name, "cases": list(self.case_id), "options": options}
        return fit.cv.workspace.make_once("maps", inputs, self._make, type(fit.candidate))

    def _make(self, folder: Path) -> None:
        model = self.fit.candidate
        made = self._of_network() if model.encoding is None else self._of_encoder(model)
        arrays, reasons = made
        for name, values in arrays.items():
            np.save(folder / f"{name}.npy", values, allow_pickle=False)
        (folder / "reasons.json").write_text(json.dumps(reasons), encoding="utf-8")

    def _of_network(self) -> _Made:
        from skiagram.explanation.saliency import ExplainedNetwork
        from skiagram.models.deep.fitted import load_classifier
        from skiagram.models.deep.inputs import encode_table

        fit = self.fit
        classifier, architecture = load_classifier(fit.folder / "model")
        network = ExplainedNetwork(classifier.eval(), int(fit.cv.positive or 0), architecture)
        training = architecture.options().training
        cases = fit.read(np.array(self.case_id))
        rows = np.arange(len(cases))
        images = cases.read(rows, training.image_size, training.input)
        made = self._examine(network, images, encode_table(fit.fitted.encoder, cases))
        if cases.store.region(self.case_id[0]) is not None:
            with_mask = replace(training.input, mask_channel=True)
            mask = cases.read(rows, training.image_size, with_mask)[:, -1] > 0.5
            made[0]["region"] = mask.numpy()
        return made

    def _of_encoder(self, head: Candidate) -> _Made:
        from skiagram.explanation.encoder_maps import EncoderReading, why_without_maps

        fit, store = self.fit, self.fit.cv.prepared.store
        encoding, record = read_encoding(fit.cv.prepared.encoding(str(head.encoding)))
        encoder: Any = build(record.encoder, "encoder")
        reason = why_without_maps(encoder, store, fused=head.read(fit.cv.prepared).is_fused)
        if reason:
            return {}, dict.fromkeys(map(str, fit.maps.methods), reason)
        reading = EncoderReading(encoder, encoder.load(), store)
        held_out = encoding.of(fit.cv.case_id[fit.fold.held_out])
        explained = reading.explain(fit.fitted, held_out, int(fit.cv.positive or 0))
        made = self._examine(explained, reading.pictures(self.case_id), None)
        if any(mask is not None for mask in self.masks):
            made[0]["region"] = reading.masks(self.masks, self.case_id)
        return made

    def _examine(self, model: "Explained", images: Any, table: Any) -> _Made:
        from skiagram.explanation.saliency import Resolution, examine, use_threads, why_undefined

        fit, options = self.fit, self.fit.maps
        reasons = {str(method): why_undefined(method, model) for method in options.methods}
        asked = [method for method in options.methods if not reasons[method]]
        resolution = Resolution(options.window, options.steps)
        seed = derived_seed(fit.cv.plan.seed, NAME, fit.candidate.name, fit.number)
        with fit.cv.workspace.compute.limit(), use_threads(fit.cv.workspace.compute.threads):
            maps = examine(
                model, images, table, asked, resolution, options.exchange, seed, self.case_id
            )
        arrays: dict[str, NDArray[Any]] = {
            **{f"map_{name}": values.astype(np.float32) for name, values in maps.maps.items()},
            **{f"similarity_{name}": values for name, values in maps.similarity.items()},
            **{f"areas_{name}": values for name, values in maps.areas.items()},
            "seen": images[:, 0].numpy(),
        }
        return arrays, reasons


def explain_network(
    ground: Ground, model: StudiedModel, folds: Sequence[FoldFit], gallery: int
) -> NetworkExplanation:
    """Make maps of a network, test them and say where they point."""
    options = folds[0].maps
    shown = choose_shown(ground, folds[: fit_count(folds)], gallery)
    tasks = []
    for fit in folds:
        held_out = set(fit.cv.case_id[fit.fold.held_out].tolist())
        wanted = list(ground.sample)
        if fit.number < fit_count(folds):
            wanted += [case for case, _ in shown]
        cases = sorted(held_out & set(wanted))
        if cases:
            tasks.append(MapTask(fit, tuple(cases), tuple(ground.mask(case) for case in cases)))
    mapped: dict[str, list[MappedCase]] = {}
    reasons: dict[str, str] = {}
    pieces = ground.cv.workspace.run(f"{NAME}: {model.model}", MapTask.examine, tasks, fits=False)
    for task, piece in zip(tasks, pieces, strict=True):
        spread = float(task.fit.ranking.std()) or 1.0
        seen = (piece / "seen.npy").exists()  # not where no map is defined for such inputs
        for row, case in enumerate(task.case_id if seen else ()):
            mapped.setdefault(case, []).append(MappedCase(piece, row, spread))
        reasons = json.loads((piece / "reasons.json").read_text(encoding="utf-8"))
    return NetworkExplanation(
        **vars(model),
        auc=mean_auc(folds),
        maps=tuple(judge_method(ground, options, mapped, m, reasons[m]) for m in options.methods),
        blanking=measure_blanking(ground, folds),
        cases=show_cases(ground, folds, gallery, mapped),
        centre=_locate_maps(ground, mapped, lambda fit: centre_map(fit.picture("seen").shape)),
    )


def judge_method(
    ground: Ground,
    options: MapOptions,
    mapped: Mapping[str, Sequence[MappedCase]],
    method: Method,
    reason: str,
) -> MapExplanation:
    """Test one kind of map of one network, over the cases of the sample."""
    if reason:
        return MapExplanation(method, TITLES[method], reason)
    cases = [mapped[case] for case in ground.sample]
    patient = ground.cv.patient_id[ground.rows(ground.sample)]

    def mean(name: str, *, scaled: bool) -> Floats:
        own = [[fit.read(name) / (fit.spread if scaled else 1) for fit in each] for each in cases]
        return np.array([np.mean(values, axis=0) for values in own])

    likeness = mean(f"similarity_{method}", scaled=False)
    areas = {name: mean(f"areas_{name}", scaled=True).T for name in (method, "random", "centre")}
    trainings = min(len(each) for each in cases)
    alike = compare_trainings(
        [[each[k].picture(f"map_{method}") for each in cases] for k in range(trainings)]
    )
    tests = judge_maps(likeness[:, -1], areas, method, alike, patient, options.unchanged)
    return MapExplanation(
        method=method,
        title=TITLES[method],
        reason="",
        tests=tests,
        trustworthy=is_trustworthy(tests),
        fresh=tuple(
            (share, mean_by_patient(likeness[:, stage], patient, -1.0, 1.0))
            for stage, share in enumerate(options.exchange.fresh_layers)
        ),
        location=_locate_maps(
            ground, mapped, lambda fit: fit.picture(f"map_{method}").astype(float)
        ),
    )


def _locate_maps(
    ground: Ground,
    mapped: Mapping[str, Sequence[MappedCase]],
    map_of: Callable[[MappedCase], Floats],
) -> Location | None:
    shown = [case for case in ground.marked if case in mapped]
    maps = {
        case: [(map_of(fit), fit.region(ground.mask(case))) for fit in mapped[case]]
        for case in shown
    }
    return _locate(ground, maps)


def _locate(
    ground: Ground, maps: Mapping[str, Sequence[tuple[Floats, Mask | None]]]
) -> Location | None:
    """Say where the maps of marked cases point; each map stands beside the region on its grid."""
    located: list[list[Located | None]] = []
    centre: list[Located] = []
    shown: list[str] = []
    for case, pairs in maps.items():
        first = pairs[0][1]
        if first is None or first.all():
            continue
        middle = locate(centre_map(first.shape), first)
        if middle is None:
            continue
        shown.append(case)
        centre.append(middle)
        located.append([None if mask is None else locate(map_, mask) for map_, mask in pairs])
    if not shown:
        return None
    return judge_location(located, centre, ground.cv.patient_id[ground.rows(shown)])


def locate_observer(ground: Ground, dataset: Mapping[str, Any]) -> Location | None:
    """Return where the ideal observer of a phantom points; None on real images."""
    observer = make_observer(dataset)
    if observer is None:
        return None
    maps = {}
    for case in ground.marked:
        image = ground.cv.prepared.store.image(case)
        seen = image.reshape(places(image)).astype(np.float64)
        maps[case] = [(observer.place_probability(seen), ground.mask(case))]
    return _locate(ground, maps)
