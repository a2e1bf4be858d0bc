"""New cases as prepared data: the steps after restore, run on a block of them.

Their images lie in a folder of their own, with the images that a model compares them with. No case
has a label: all are as test cases are before the seal is opened.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from skiagram.arrays import Floats, Texts
from skiagram.case_features.case_histories import CaseHistories
from skiagram.case_features.earlier import Earlier, Previous
from skiagram.case_features.extraction import extract_modalities, join_histories
from skiagram.case_features.measured import Measured
from skiagram.case_features.windows import Windows, describe_places
from skiagram.compute.scratch import scratch_folder
from skiagram.deploy.inputs import PreparedImage
from skiagram.encoders.encoder import RECORD, TABLE
from skiagram.errors import refusal
from skiagram.finding.candidates import Proposal, propose
from skiagram.finding.inputs import CANDIDATES
from skiagram.fitting.reading import Reading
from skiagram.image_store.shards import ShardWriter, values_digest
from skiagram.image_store.store import ImageStore, write_modalities
from skiagram.preparation import Covariate, PreparedData
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import write_table
from skiagram.records.places import MARKS, tabulate_places
from skiagram.tasks.cases import SEALED, Cases

if TYPE_CHECKING:
    from skiagram.encoders.encoding import FolderEncoder

ENCODING = "encoding"  # what the encoder of a model is called here, whatever the project called it


class Described(NamedTuple):
    """What the steps after restore made of images, or of places in them where there are windows."""

    places: pd.DataFrame
    features: FeatureTable
    encoding: FeatureTable | None


@dataclass
class PreparedCases:
    """Some new cases, restored.

    Attributes:
        folder: Where they lie; `restored` is their store, with their images if they have any.
        case_id: The cases to score. After them, the store holds images of other visits and sides.
        cells: Case of the store → column → cell of its covariates.
        previous: Case → its images of the visit before; empty without any.
        partner: Case → the other image of the same patient.
        measured: Case → features that came with it, by name; empty for images alone.
        described: What the steps of a model made of the images, by `Preparing.steps`.
        readings: What a model reads of the cases, by the model.
        scores: (n, n_classes) raw scores per repeat, once the cases were scored.
        marks: A finder's by repeat, once the cases were scored.
        restored: Folder of the store.
        scored: (n,) the cases to score, as a model is asked for them.
    """

    folder: Path
    case_id: tuple[str, ...]
    cells: Mapping[str, Mapping[str, str]]
    previous: Previous
    partner: Mapping[str, str]
    measured: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    described: dict[str, Described] = field(default_factory=dict)
    readings: dict[int, Reading[Any]] = field(default_factory=dict)
    scores: list[Floats] = field(default_factory=list)
    marks: dict[int, pd.DataFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Say where images lie, and which cases a model is asked for."""
        self.restored = self.folder / "restored"
        self.scored: Texts = np.array(self.case_id, dtype=str)


@dataclass(frozen=True)
class Preparing:
    """The steps between restored images and what one model reads, as its folder says.

    Attributes:
        folder: Of the model.
        families: Feature families of single images, or of windows.
        earlier: How a case is compared with its visit before; None where the model reads no change.
        covariates: Those that the model reads.
        measured: Features that the model reads and no image gives; None where it reads none.
        encoder: What makes numbers of images and places; None without an encoder.
        proposal: What proposes places; None where the model looks at none.
        windows: What feature families describe around places; None without any.
        finds: Whether the model searches images: it reads which cases there are, and where to look.
    """

    folder: Path
    families: Sequence[Any] = ()
    earlier: Earlier | None = None
    covariates: tuple[Covariate, ...] = ()
    measured: Measured | None = None
    encoder: "FolderEncoder | None" = None
    proposal: Proposal | None = None
    windows: Windows | None = None
    finds: bool = False

    @property
    def steps(self) -> str:
        """Return what tells the steps of `describe` from others; an encoder is its model's own."""
        encoder = None if self.encoder is None else id(self.encoder)
        return repr((tuple(self.families), self.proposal, self.windows, encoder))

    def describe(self, images: Path) -> Described:
        """Propose, extract and encode as the stages do."""
        # Detectors describe places, other models images as a whole.
        store = ImageStore(images)
        if self.proposal is None:
            encoding = None if self.encoder is None else self.encoder.encode(images)
            features = extract_modalities(images, self.families)
            return Described(tabulate_places([]), features, encoding)
        places = propose(store, self.proposal)
        encoding = None if self.encoder is None else self.encoder.encode_places(images, places)
        if encoding is not None and not self.families:
            return Described(places, encoding, encoding)
        if self.windows is None:
            raise ValueError("features of places need windows")
        features = describe_places(store, places, self.families, self.windows)
        return Described(places, features, encoding)

    def lay_out(self, cases: PreparedCases, described: Described) -> PreparedData:
        """Return what the model reads, where it looks for it."""
        # Covariates as ingest writes them.
        columns = dict.fromkeys(covariate.column for covariate in self.covariates)
        cells = {name: [row[name] for row in cases.cells.values()] for name in columns}
        covariate_table = pd.DataFrame({"case_id": [*cases.cells], **cells})
        folder = Path(mkdtemp(dir=cases.folder))
        if self.covariates:
            write_table(covariate_table, folder / "cases/covariates.parquet")
        if self.finds:
            # The tables that ingest writes, without a label or a lesion.
            case_id = np.array([*cases.cells], dtype=str)
            pairs = {case: min(pair) for pair in cases.partner.items() for case in pair}
            patient = np.array([pairs.get(case, case) for case in case_id.tolist()], dtype=str)
            split, label = np.full(len(case_id), "test"), np.full(len(case_id), SEALED)
            Cases(case_id, patient, split, label).write(folder / "cases/cases.parquet")
            write_table(tabulate_places([]), folder / "cases" / MARKS)
            write_table(described.places, folder / CANDIDATES)
        # The encoding, with the record of its encoder.
        encodings = {}
        if described.encoding is not None:
            encodings[ENCODING] = folder / ENCODING
            described.encoding.write(
                folder / ENCODING / (TABLE if self.proposal is None else CANDIDATES)
            )
            shutil.copyfile(self.folder / RECORD, folder / ENCODING / RECORD)
        # Features, with those that come with the cases.
        features = described.features
        if self.proposal is None:
            if self.measured is not None and not cases.measured:
                raise refusal("deploy.reads_features", str(self.folder))
            # Where no case has a visit before, each is said to have none.
            case_ids = features.case_id.tolist()
            rows = [{"case_id": case, **values} for case, values in cases.measured.items()]
            histories = CaseHistories(
                covariate_table,
                previous={case: cases.previous.get(case, ()) for case in case_ids},
                measured=pd.DataFrame(rows) if rows else None,
                described=self.covariates,
            )
            families = [family for family in (self.measured, self.earlier) if family is not None]
            features = join_histories(features, families, histories)
        return PreparedData(
            cases=folder / "cases",
            images=cases.restored,
            features=features.frame(),
            preparation=self.folder,
            candidates=folder,
            candidates_features=features.frame(),
            encodings=encodings,
            covariates=self.covariates,
        )


@contextmanager
def stored(batch: Sequence[PreparedImage]) -> Iterator[PreparedCases]:
    """Write some cases where a model reads them; they are gone afterwards."""
    # All images: those to be scored, and others that these are compared with.
    every = {prepared.name: prepared for prepared in batch}
    for prepared in batch:
        for other in filter(None, (*prepared.earlier, prepared.other)):
            every.setdefault(other.name, other)
    # Names of users' files are no case ids: images are numbered.
    at = {name: f"image-{row:06d}" for row, name in enumerate(every)}
    with scratch_folder("predict") as folder:
        cases = PreparedCases(
            folder=folder,
            case_id=tuple(at[prepared.name] for prepared in batch),
            cells={at[name]: prepared.covariates for name, prepared in every.items()},
            previous={at[image.name]: [at[each.name] for each in image.earlier] for image in batch},
            partner={
                at[image.name]: at[image.other.name] for image in batch if image.other is not None
            },
            measured={at[name]: image.measured for name, image in every.items() if image.measured},
        )
        # A store for each modality; cases without an image are noted in it.
        first, *others = next(iter(every.values())).images or [""]
        for modality in (first, *others):
            place = cases.restored if modality == first else cases.restored / modality
            with ShardWriter(place) as writer:
                for case, prepared_image in zip(cases.cells, every.values(), strict=True):
                    image = prepared_image.images.get(modality)
                    if image is None:
                        values = np.array([*prepared_image.measured.values()], np.float64)
                        writer.add_case(case, values_digest(values))
                    else:
                        writer.add(case, image.pixels, image.spacing, image.region)
        write_modalities(cases.restored, [first, *others])
        yield cases
