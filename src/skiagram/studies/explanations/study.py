"""Study `explanations`: what the scores of each model rest on, and which explanations bear a test.

Models are trained on folds of the development cases, and every case is explained by fits that did
not see it; the sealed cases play no part. Importance is of groups of features, maps are of single
images. A map is shown as trustworthy only where it passed all tests; where the place of the disease
is known, it is said how often it points there.
"""

from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass as options_class

from skiagram.errors import OptionError
from skiagram.explanation.importance import import_shap
from skiagram.explanation.trust import Location
from skiagram.options import STRICT
from skiagram.records import Task, read_record
from skiagram.seeding import stream
from skiagram.studies.candidates import EncoderStudyOptions, FailedModel
from skiagram.studies.cross_validation import (
    CrossValidatedDataSet,
    CrossValidatedStudy,
    CrossValidation,
)
from skiagram.studies.explanations.fits import (
    FoldFit,
    Ground,
    ImportanceOptions,
    MapOptions,
)
from skiagram.studies.explanations.importance import ClassicalExplanation, explain_features
from skiagram.studies.explanations.maps import NetworkExplanation, explain_network, locate_observer
from skiagram.studies.explanations.regions import NAME, KnownRegions, blanked_data, find_regions
from skiagram.studies.pipeline_steps import encode_prepared
from skiagram.studies.workspace import Workspace


@dataclass(frozen=True)
class ExplanationsResult(CrossValidatedDataSet):
    """What the study found on one data set."""

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


@options_class(**STRICT)
class Explanations(EncoderStudyOptions, CrossValidatedStudy):
    """Importance for models of features, tested maps for networks and models on encoders.

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
        if self.baselines and self.importance.shap_cases:
            import_shap()
        by_gradients = {"grad_cam", "integrated_gradients"}
        if (self.networks or self.encoders) and by_gradients & {*self.maps.methods}:
            from skiagram.explanation.saliency import import_captum

            import_captum()
        cv, data_set = self.cross_validation(workspace)
        if cv.positive is None:
            raise OptionError(
                f"{cv.n_classes} classes", where="study.dataset", allowed="a task of two classes"
            )
        ground = self._ground(workspace, cv)
        numbers, options = range(len(cv.folds())), (self.features, self.importance, self.maps)
        fits = [
            [FoldFit(cv, candidate, number, *options) for number in numbers]
            for candidate in self.candidates(workspace)
        ]
        every = [fit for folds in fits for fit in folds]
        workspace.run(f"{NAME}: training", attrgetter("failure"), every, fits=False)
        classical: list[ClassicalExplanation] = []
        networks: list[NetworkExplanation] = []
        failed: list[FailedModel] = []
        for folds in fits:
            model = folds[0].candidate.studied(cv.prepared)
            reason = next((fit.failure for fit in folds if fit.failure), "")
            if reason:
                failed.append(FailedModel(**vars(model), reason=reason))
            elif model.arm == "classical":
                classical.append(explain_features(ground, model, folds, self.gallery))
            else:
                networks.append(explain_network(ground, model, folds, self.gallery))
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
        )

    def _ground(self, workspace: Workspace, cv: CrossValidation) -> Ground:
        cases: list[str] = cv.case_id.tolist()
        dataset = workspace.option_file("dataset", self.dataset)
        regions = find_regions(workspace, cv.prepared, dataset, cases)
        without = None
        if regions is not None and self.blanked:
            # Features of a region see nothing else: blanking tells nothing about them.
            families = self.families(workspace) if self.baselines and not regions.of_all else None
            given = workspace, cv.prepared, regions, cases, families, cv.plan.seed
            region, rest = (
                encode_prepared(
                    workspace, blanked_data(*given, outside=outside), self.frozen(workspace)
                )
                for outside in (False, True)
            )
            without = region, rest
        task = read_record(Task, cv.prepared.cases / "task.json")
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
