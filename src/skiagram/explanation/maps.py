"""Maps of a network: made, tested, measured against known regions."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skiagram.arrays import Floats, Singles
from skiagram.compute.workers import use_threads
from skiagram.explanation.explained_model import STREAM, ExplainedModel, FoldFit
from skiagram.explanation.record import MapExplanation, Maps
from skiagram.explanation.regions import places, resize_mask
from skiagram.explanation.trust import (
    TITLES,
    Located,
    Location,
    Mask,
    Method,
    centre_map,
    compare_trainings,
    judge_location,
    judge_maps,
    locate,
)
from skiagram.seeding import derived_seed, stream
from skiagram.sources.phantom.image_model import IdealObserver


@dataclass(frozen=True)
class MappedCase:
    """What one fit gave for one case.

    Attributes:
        seen: (…) the first channel of what the network saw.
        region: Known region on the network's grid; None without.
        maps: Method → (…) its map.
        similarity: Method → likeness to the map of fresh weights.
        areas: Method, `random` or `centre` → (2,) mean score while cells are deleted in this order,
            and while they are inserted, in standard deviations of the held-out scores.
    """

    seen: NDArray[Any]
    region: Mask | None
    maps: Mapping[Method, Singles]
    similarity: Mapping[str, float]
    areas: Mapping[str, Floats]


def map_fold(
    model: ExplainedModel, fold: tuple[FoldFit, tuple[str, ...]]
) -> tuple[dict[str, MappedCase], dict[Method, str]]:
    """Make and test the maps of some held-out cases of one fit.

    Returns:
        Case → its maps, and method → why it has no map, or nothing.
    """
    from skiagram.explanation.saliency import ExplainedNetwork, examine, why_undefined
    from skiagram.models.deep.inputs import encode_table

    # What the network reads of the cases, and their regions on its grid
    (fit, case_id), options = fold, model.options.maps
    fitted = fit.fitted
    network = ExplainedNetwork(deepcopy(fitted.classifier), model.positive, fitted.architecture)
    training = fitted.network.training
    cases = model.known.inputs.select(model.rows(case_id))
    rows = np.arange(len(cases))
    images = cases.read(rows, training.image_size, training.input)
    shape = images.shape[2:]
    if cases.store.region(case_id[0]) is None:
        masks = map(model.mask, case_id)
        regions = [None if mask is None else resize_mask(mask, shape) for mask in masks]
    else:
        with_mask = replace(training.input, mask_channel=True)
        seen_masks = (cases.read(rows, training.image_size, with_mask)[:, -1] > 0.5).numpy()
        regions = [mask if mask.any() and not mask.all() else None for mask in seen_masks]
    table = encode_table(fitted.encoder, cases)
    # The maps that are defined, and their tests
    reasons = {method: why_undefined(method, network) for method in options.methods}
    methods = [method for method in options.methods if not reasons[method]]
    seed = derived_seed(model.plan.seed, STREAM, model.name, fit.number)
    with model.context.compute.limit(), use_threads(model.context.compute.threads):
        examined = examine(network, images, table, methods, options, seed, case_id)
    # Areas in standard deviations of the fit's scores.
    spread = float(fit.ranking.std()) or 1.0
    mapped = {
        case: MappedCase(
            images[row, 0].numpy(),
            regions[row],
            {method: examined.maps[method][row].astype(np.float32) for method in methods},
            {name: float(values[row]) for name, values in examined.similarity.items()},
            {name: values[:, row] / spread for name, values in examined.areas.items()},
        )
        for row, case in enumerate(case_id)
    }
    return mapped, reasons


@dataclass(frozen=True)
class MappedModel:
    """The maps of a model, of a sample of cases by all fits.

    Attributes:
        cases: Case → its maps, a fit after the other.
    """

    model: ExplainedModel
    sample: tuple[str, ...]
    cases: Mapping[str, Sequence[MappedCase]]
    reasons: Mapping[Method, str]

    @classmethod
    def make(cls, model: ExplainedModel) -> "MappedModel":
        """Make the maps of a sample by all fits."""
        # half of the sample with a known region, else of the positive class; half others
        development_cases, regions, most = model.known, model.regions, model.options.maps.cases
        order = stream(model.plan.seed, STREAM, "cases").permutation(len(development_cases))
        first = development_cases.label == model.positive
        if regions is not None and not regions.of_all:
            first = np.isin(development_cases.case_id, list(regions.masks))
        drawn = [row for row in order if first[row]][: -(-most // 2)]
        drawn += [row for row in order if not first[row]][: most // 2]
        sample = tuple(sorted(development_cases.case_id[np.array(drawn, dtype=np.int64)].tolist()))
        # each fit makes the maps of those that it did not see
        folds = []
        for fit in model.fits:
            cases = set(sample) & set(development_cases.case_id[fit.held_out].tolist())
            if cases:
                folds.append((fit, tuple(sorted(cases))))
        mapped: dict[str, list[MappedCase]] = {}
        reasons: Mapping[Method, str] = {}
        for fold_cases, fold_reasons in model.context.compute.map(partial(map_fold, model), folds):
            reasons = fold_reasons
            for case, maps in fold_cases.items():
                mapped.setdefault(case, []).append(maps)
        return cls(model, sample, mapped, reasons)

    def explain(self, observer: IdealObserver | None) -> Maps:
        """Test the maps and say where they point; so does the ideal observer of generated data."""
        # The ideal observer knows where the object probably is.
        options, observer_maps = self.model.options.maps, {}
        if observer is not None:
            for case in self._marked:
                image = self.model.prepared.store.image(case)
                pixels = image.reshape(places(image)).astype(np.float64)
                observer_maps[case] = [(observer.place_probability(pixels), self.model.mask(case))]
        return Maps(
            methods=tuple(self._judge(method) for method in options.methods),
            cases=len(self.sample),
            unchanged=options.unchanged,
            centre=self._locate_maps(lambda fit: centre_map(fit.seen.shape)),
            observer=self._locate(observer_maps),
        )

    def _judge(self, method: Method) -> MapExplanation:
        """Test one kind of map, over the cases of the sample."""
        # Why a method says nothing of this network.
        if self.reasons[method]:
            return MapExplanation(method, TITLES[method], self.reasons[method])
        model, options = self.model, self.model.options.maps
        cases = [self.cases[case] for case in self.sample]
        patient = model.known.patient_id[model.rows(self.sample)]

        def mean(values: Callable[[MappedCase], Any]) -> Floats:
            return np.array([np.mean([values(fit) for fit in each], axis=0) for each in cases])

        likeness = mean(lambda fit: fit.similarity[method])
        areas = {
            name: mean(lambda fit, name=name: fit.areas[name]).T  # type: ignore[misc]
            for name in (method, "random", "centre")
        }
        # Maps of the same case by several trainings.
        trainings = min(len(each) for each in cases)
        alike = compare_trainings(
            [[each[k].maps[method].astype(float) for each in cases] for k in range(trainings)]
        )
        tests = judge_maps(likeness, areas, method, alike, patient, options.unchanged)
        return MapExplanation(
            method=method,
            title=TITLES[method],
            reason="",
            tests=tests,
            trustworthy=all(test.state == "passed" for test in tests),
            location=self._locate_maps(lambda fit: fit.maps[method].astype(float)),
        )

    @property
    def _marked(self) -> list[str]:
        """List the cases of the sample with a known region."""
        return [case for case in self.sample if self.model.mask(case) is not None]

    def _locate_maps(self, map_of: Callable[[MappedCase], Floats]) -> Location | None:
        shown = [case for case in self._marked if case in self.cases]
        return self._locate(
            {case: [(map_of(fit), fit.region) for fit in self.cases[case]] for case in shown}
        )

    def _locate(self, maps: Mapping[str, Sequence[tuple[Floats, Mask | None]]]) -> Location | None:
        """Say where the maps of marked cases point; each stands beside the region on its grid."""
        located: list[list[Located | None]] = []
        centre: list[Located] = []
        shown: list[str] = []
        # Only regions that leave something outside can be pointed at.
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
        return judge_location(located, centre, self.model.known.patient_id[self.model.rows(shown)])
