"""Whether new cases are like those that a model learned from, and what tells the two apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from skiagram.audit.traits import image_traits, sample_cases
from skiagram.deploy.model import DeployedModel
from skiagram.deploy.new_cases import NewCase
from skiagram.deploy.prepared_cases import PreparedCases
from skiagram.errors import refusal
from skiagram.evaluation.evaluation_set import CaseTraits
from skiagram.evaluation.figure_table import FigureTable
from skiagram.evaluation.shift import compare_cases
from skiagram.image_store.store import ImageStore
from skiagram.images import Image, Spacing
from skiagram.records.files import read_table
from skiagram.tasks.cases import Cases, read_cases

_NEW = "new-"  # before the names of new cases


@dataclass(frozen=True)
class TrainingComparison:
    """New cases beside those of the run that trained a model.

    Attributes:
        project: Folder of the run.
        known: Its development cases, or those of some patients where they are many.
        features: Name of a new case → the features that the model read.
    """

    project: Path
    model: DeployedModel
    known: Cases
    features: dict[str, "pd.Series[float]"] = field(default_factory=dict)

    @classmethod
    def open(cls, project: Path, model: DeployedModel) -> "TrainingComparison":
        """Read the development cases of the run.

        Raises:
            DataError: There is no such run, or its classes are others.
        """
        if not (project / "data/cases/cases.parquet").is_file():
            raise refusal("deploy.no_cases", str(project))
        cases, task = read_cases(project / "data/cases")
        if task.classes != model.task.classes:
            raise refusal(
                "deploy.other_classes",
                str(project),
                run_classes=", ".join(task.classes),
                model_classes=", ".join(model.task.classes),
            )
        return cls(project, model, cases.select(sample_cases(cases)))

    def watch(self, names: Sequence[str], cases: PreparedCases) -> None:
        """Keep the features of cases that were scored."""
        space = self.model.scorer.space(cases)
        for name, row in zip(names, space.values, strict=True):
            self.features[name] = pd.Series(row, index=list(space.names))

    def tell_apart(self, every: Sequence[NewCase]) -> FigureTable:
        """Compare the scored new cases with the training cases, as an evaluation does its sides.

        The features that both sides have are compared, and the traits of their images of the first
        modality, as ingested.
        """
        # Training cases and those new ones that could be scored.
        training_cases, cases = self.known, [case for case in every if case.name in self.features]
        store = ImageStore(self.project / "data/images")
        names = training_cases.case_id.tolist()
        # Traits of both kinds of images.
        modality = self.model.preparer.preparation.first_modality
        now = [f"{_NEW}{case.name}" for case in cases]
        traits = pd.DataFrame({"case_id": [*names, *now]})
        if store.has_images:
            images = (self.model.preparer.read(case, modality) for case in cases)
            training_images = ((store.image(name), store.spacing(name)) for name in names)
            new_images = ((image.pixels, image.spacing) for image in images)
            parts = [_tabulate_traits(names, training_images), _tabulate_traits(now, new_images)]
            traits = pd.concat(parts, ignore_index=True)
        # The features that the run kept of its own cases, where the model reads such
        table = self.project / "data/features.parquet"
        before = read_table(table) if table.is_file() else pd.DataFrame({"case_id": names})
        theirs = pd.DataFrame([self.features[case.name] for case in cases])
        theirs.insert(0, "case_id", now)
        before = before[before["case_id"].isin(names)]
        both = pd.concat([before, theirs], join="inner", ignore_index=True)
        if both.shape[1] == 1:  # a network, which reads the images themselves
            both, traits = traits.dropna(axis="columns"), traits[["case_id"]]
        # Frames of a file are of one patient, as nothing else is known.
        files = (next((image.file for image in case.images.values()), "") for case in cases)
        whose = [
            case.cells.get("patient_id") or file or case.name
            for case, file in zip(cases, files, strict=True)
        ]
        patient = np.array(
            [*training_cases.patient_id.tolist(), *(f"{_NEW}{each}" for each in whose)]
        )
        return compare_cases(
            CaseTraits(both, traits),
            np.array([*names, *now]),
            np.repeat([False, True], [len(names), len(now)]),
            np.unique(patient, return_inverse=True)[1].astype(np.int64),
        )


def _tabulate_traits(
    names: Sequence[str], images: Iterable[tuple[Image, Spacing | None]]
) -> pd.DataFrame:
    """Tabulate the traits of each image, a row an image; those of several numbers are counted."""
    rows = []
    for name, (pixels, spacing) in zip(names, images, strict=True):
        row: dict[str, str | float] = {"case_id": name}
        for trait, values in image_traits(pixels, spacing).items():
            titles = [f"{trait} {k}" for k in range(1, 1 + len(values))]
            row |= zip(titles if len(values) > 1 else [trait], values, strict=True)
        rows.append(row)
    return pd.DataFrame(rows)
