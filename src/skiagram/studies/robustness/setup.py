"""What all parts of the study share: where to work, what is extracted, which models are trained."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from skiagram.errors import OptionError
from skiagram.evaluation.reference import Reference
from skiagram.models.plan import Plan
from skiagram.progress import Progress
from skiagram.records import Design
from skiagram.studies.opened import Opened, opened
from skiagram.studies.passes import Options, Prepared, ingested, prepared
from skiagram.studies.place import Place
from skiagram.studies.robustness.cohorts import Cohort
from skiagram.studies.robustness.fits import Fit, score
from skiagram.studies.robustness.measures import Judged, judged
from skiagram.training.options import Trainer


@dataclass(frozen=True)
class DataSet:
    """A data set that is ready for models, and its labels."""

    prepared: Prepared
    opened: Opened


@dataclass(frozen=True)
class Setup:
    """What all parts of the study share.

    Attributes:
        place: Where to work.
        restoration: `_target_` and options.
        families: Name → `_target_` and options of each feature family.
        models: Option file of each model → its arm.
        plan: Folds, repeats and seed.
        trainer: Where networks are trained.
    """

    place: Place
    restoration: Options
    families: dict[str, Options]
    models: dict[str, str]
    plan: Plan
    trainer: Trainer

    def data_set(self, name: str, design: Design) -> DataSet:
        """Ingest, restore and describe a data set.

        Raises:
            OptionError: It has more than two classes.
        """
        data = ingested(self.place, self.place.option_file("dataset", name), design)
        labels = opened(data, self.plan.seed, 1)
        classes = labels.setting.cases.classes
        if labels.setting.cases.positive is None:
            raise OptionError(
                f"{len(classes)} classes", where=f"study, data set {name}", allowed="two classes"
            )
        return DataSet(prepared(self.place, data, self.restoration, self.families), labels)

    def judge(
        self,
        images: Prepared,
        cohorts: Sequence[Cohort],
        views: Sequence[Prepared],
        cases: Reference,
        what: str,
    ) -> list[Judged]:
        """Train every model on every cohort and line its scores up with the cases.

        Args:
            images: Images and features to train on.
            cohorts: Whom fits are trained on.
            views: What they score, a condition each.
            cases: Whom they score: a single cohort all of them, else each its own test cases.
            what: What is under way, for a person who watches.
        """
        single = len(cohorts) == 1
        tested = [cases.case_id if single else np.sort(one.cases.test().case_id) for one in cohorts]
        fits = [
            Fit(
                self.place, images, cohort, name, self.place.option_file("model", name), arm,
                self.plan, self.trainer, case_id, tuple(views),
            )
            for name, arm in self.models.items()
            for cohort, case_id in zip(cohorts, tested, strict=True)
        ]  # fmt: skip
        found = []
        with Progress(what, len(fits)) as progress:
            for one in self.place.compute.map(score, fits):
                found.append(one)
                progress.advance()
        each = len(cohorts)
        ids = [case_id.tolist() for case_id in tested]
        return [judged(found[at : at + each], ids, cases) for at in range(0, len(found), each)]
