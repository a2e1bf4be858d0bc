"""Step check: a data set is ingested into a scratch folder, past whatever is wrong, and audited.

What a check says is what ingest and audit say. What else tells the label of a file, such as its
place among the others, is probed here alone, since names of files never leave ingest.
"""

import re
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Generic, Literal, TypeVar, cast

import numpy as np
import pandas as pd

from skiagram.arrays import Floats, Texts, Whole
from skiagram.audit.composition import described_regions
from skiagram.audit.findings import PAIR, AuditReport
from skiagram.audit.run import judge
from skiagram.audit.shortcuts import MIN_PATIENTS
from skiagram.composition import Composition
from skiagram.compute.scratch import scratch_folder
from skiagram.compute.workers import ALL_PROCESSORS, IN_PROCESS
from skiagram.datasets.checks import NO_TEST_SPLIT, Problems
from skiagram.datasets.choices import find_data
from skiagram.datasets.contract import OpenSource
from skiagram.datasets.feature_table import FeatureFile
from skiagram.datasets.folder.source import ColourImage, Folder
from skiagram.datasets.folder.table import (
    find_image_problems,
    references_of,
    split_modalities,
)
from skiagram.datasets.ingest import (
    ImageNote,
    IngestedData,
    IngestFolders,
    ingest_opened,
    predicted_of,
)
from skiagram.errors import DataError, refusal
from skiagram.intake.file_options import FileOptions
from skiagram.options import build
from skiagram.projects.stage_code import digest_files
from skiagram.readers.case_images import (
    ImageReference,
    decode_case,
    is_image_file,
    read_case_files,
)
from skiagram.readers.files import read_file
from skiagram.readers.image_files import TransparentImage
from skiagram.readers.masks import EmptyMask
from skiagram.records.files import read_table
from skiagram.records.places import MARKS
from skiagram.sealing.archive import open_tree
from skiagram.steps.audit import read_evidence, write_audit
from skiagram.steps.checked import offer_checked, remove_checked, renew_checked
from skiagram.tasks.cases import Cases
from skiagram.tasks.task import Task

_LOOKED_AT = 6  # rows, of which the first that can be read tells whether images are in colour
_SHOWN = 5  # names in a sentence
_LAST_NUMBER = re.compile(r"(\d+)\D*$")


AnySource = Folder | FeatureFile
D = TypeVar("D", bound=AnySource, covariant=True)
S = TypeVar("S", bound=AnySource)


@dataclass(frozen=True)
class CheckedData(Generic[D]):
    """What ingest and audit say of a table of images or of features.

    Attributes:
        source: Of images with the channels that these have.
        opened: What was checked.
        entries: Of usable rows, whether their images can be read or not.
        problems: What would stop ingest.
        refused: Name of an image that cannot be used → why.
        images: Modality → its usable images, in the order of the entries; its name is empty where
            a case has one image.
        cases: The case table; None where no image can be used.
        radii: Of the lesions of development cases, mm, or pixels where no distance is known.
        file_of: Case id → name of its file.
        report: Of the audit; its examples are names of files.
        notes: What was settled of images without a lesion, of a few in colour, and of copies.
        frame: The table without the images that are left out since they have no lesion.
        checksums: File → SHA-256; empty where it cannot be read, and none of features.
    """

    source: D
    opened: OpenSource
    entries: pd.DataFrame
    problems: list[DataError]
    refused: Mapping[str, DataError]
    images: dict[str, list[ImageNote]]
    cases: Cases | None = None
    radii: tuple[float, ...] = ()
    file_of: Mapping[str, str] = field(default_factory=dict)
    report: AuditReport = field(default_factory=lambda: AuditReport((), ()))
    notes: tuple[str, ...] = ()
    frame: pd.DataFrame = field(default_factory=pd.DataFrame)
    checksums: Mapping[str, str] = field(default_factory=dict)

    @property
    def first(self) -> list[ImageNote]:
        """The images that are audited and shown."""
        return next(iter(self.images.values()), [])

    @property
    def every(self) -> list[ImageNote]:
        """The images of all modalities."""
        return [image for images in self.images.values() for image in images]

    @property
    def runnable(self) -> bool:
        """Whether neither ingest nor the audit would stop."""
        return not self.problems and not self.report.stopping


AnyChecked = CheckedData[AnySource]


def check_data(source: S, opened: OpenSource, run: Composition | None) -> CheckedData[S]:
    """Ingest a data set, past whatever is wrong, and audit it.

    Args:
        run: Options of the project in this folder, where what is made stays for the stages of its
            run; None for a scratch folder.
    """
    task = Task(predicted_of(source), source.design)
    # Ingest goes on past each problem and collects them.
    problems = Problems(collects=True)
    with scratch_folder("check") if run is None else nullcontext(renew_checked()) as place:
        folders = IngestFolders.under(place / "ingest")
        ingested = ingest_opened(source, opened, task, folders, ALL_PROCESSORS, problems)
        # what the images of each kind hold, and their regions, in the order of the source
        images = {}
        for modality, stored in ingested.stored.items():
            notes = stored.notes
            regions = described_regions(stored.store) if notes else None
            if regions is not None:
                pairs = zip(notes, regions.tolist(), strict=True)
                notes = [note._replace(region=tuple(region)) for note, region in pairs]
            images[modality] = sorted(notes, key=lambda note: note.position)
        # all problems, those of single images at the end and in the order of the source
        every = [name for kind in opened.kinds().values() for name in kind.entries["name"]]
        refused = problems.images
        place_of = {str(refused[name]): at for at, name in enumerate(every) if name in refused}
        order = sorted(problems.found, key=lambda text: place_of.get(text, -1))
        found = [problems.found[text] for text in order]
        if ingested.listed.empty:
            return CheckedData(source, opened, opened.entries, found, problems.images, images)
        # The audit of what could be read.
        cases = Cases.read(folders.cases / "cases.parquet")
        file_of = dict(zip(cases.case_id.tolist(), ingested.listed["name"], strict=True))
        report = _audit(ingested, cases, folders, run)
        # of each finding a few files in place of cases
        findings = []
        for finding in report.findings:
            examples = [
                PAIR.join(file_of[case] for case in example.split(PAIR))
                for example in finding.examples
            ]
            findings.append(replace(finding, examples=tuple(sorted(examples))))
        marks = read_table(folders.cases / MARKS)
        return CheckedData(
            source,
            opened,
            opened.entries,
            found,
            problems.images,
            images,
            cases,
            tuple(marks["radius"].tolist()),
            file_of,
            replace(report, findings=tuple(findings)),
            (ingested.sentence,),
        )


def _audit(
    ingested: IngestedData, cases: Cases, folders: IngestFolders, run: Composition | None
) -> AuditReport:
    """Audit the kinds of images of which each case has one."""
    # The kinds of images that have the same cases as the first.
    first, *_ = ingested.stored.values()
    stores = [
        stored.store
        for stored in ingested.stored.values()
        if np.array_equal(stored.rows, first.rows)
    ]
    acquisition = () if run is None else run.read_shared("audit")["acquisition"]
    evidence = read_evidence(folders.cases, stores, acquisition, ingested.copies)
    if run is not None:
        report = write_audit(evidence, folders.cases.parents[1] / "audit")
        if ingested.listed["key"].isna().any():
            return report
    # What the order of the files may tell, which no stage knows.
    listed, traits = ingested.listed, evidence.traits
    if listed["key"].notna().all() and traits is not None:
        names, positions = listed["name"].tolist(), listed.index.to_numpy()
        order = file_order(names, positions, cases.patient_id)[traits.rows]
        with_order = replace(traits, images={**traits.images, "file_order": order})
        evidence = replace(evidence, traits=with_order)
    return judge(evidence)


def offer_check(checked: AnyChecked, files: Mapping[str, str] | None) -> None:
    """Offer what a check has made to the stages of this project, if they would read the same.

    They would not where images were left out, or names of patients stand under a key.

    Args:
        checked: The data set, whose config is written.
        files: File → checksum, of those that the config does not tell; None for none.
    """
    source = checked.source
    # The data set as the stages open it, against what was checked.
    project = Composition(Path())
    dataset = project.read_file("dataset", source.name)
    opened, read = checked.opened, build(dataset, "dataset").open(find_data())
    tables = [{"": each.entries, **each.known} for each in (opened, read)]
    if any(not table.equals(tables[1].get(name)) for name, table in tables[0].items()) or any(
        opened.content_key(at) != read.content_key(at) for at in range(len(tables[0][""]))
    ):
        remove_checked(Path())
        return
    # The inputs by which the stages know it.
    line = digest_files(files) if files else ""
    offer_checked("ingest", dataset=dataset, design=source.design, files=line)
    offer_checked("audit", acquisition=project.read_shared("audit")["acquisition"])


def check_table(
    source: S,
    frame: pd.DataFrame,
    options: FileOptions | None = None,
    run: Composition | None = None,
) -> CheckedData[S]:
    """Check the images that a table lists, or its rows of features.

    Args:
        source: How to read the table; its copy in the project and the channels are not looked at.
        frame: The table.
        options: Of the line, which may leave open what else is a problem; None for nothing.
        run: As of `check_data`.
    """
    if isinstance(source, Folder):
        checked = cast("CheckedData[S]", _check_images(source, frame, options, run))
    else:
        checked = replace(check_data(source, source.open_rows(frame), run), frame=frame)
    # rows that cannot be used may be the only test cases
    rows = checked.opened.problems
    others = [each for each in checked.problems if not rows or each.found != NO_TEST_SPLIT]
    return replace(checked, problems=[*rows, *others], notes=tuple(filter(None, checked.notes)))


def _check_images(
    source: Folder, frame: pd.DataFrame, options: FileOptions | None, run: Composition | None
) -> CheckedData[Folder]:
    """Check images, and settle which of them are read and in which colours."""
    # each file that the table names has its SHA-256; empty where it cannot be read
    tree = open_tree(Path(source.folder), source.folder, is_image_file)
    columns = source.columns
    names: dict[str, None] = {}
    for part in split_modalities(frame, columns, source.modalities).values():
        wrong = find_image_problems(part, columns)
        for at, reference in enumerate(references_of(part, columns)):
            names |= dict.fromkeys(reference.files) if at not in wrong else {}
    tree.announce([*names])

    def digest_file(name: str) -> str:
        try:
            return read_case_files(tree, ImageReference(name)).checksums[name]
        except DataError:  # ingest says why
            return ""

    # Checksums; an archive is read in its own order, by one process.
    workers = IN_PROCESS if tree.in_order else ALL_PROCESSORS
    digests = workers.map(digest_file, names, releases_lock=True)
    checksums = dict(zip(names, digests, strict=True))
    sealed = None
    if source.sealed_labels is not None:
        sealed = read_file(Path(source.sealed_labels), source.sealed_labels)
    # in the colours of the first file that can be read, and again where most of all have others
    first, channels = frame.iloc[:_LOOKED_AT], list[Literal[1, 3]]()
    wrong = find_image_problems(first, columns)
    for at, each in enumerate(references_of(first, columns)):
        reference = replace(each, masks=())
        with suppress(DataError):  # ingest says it
            if at not in wrong and not channels:
                files = read_case_files(tree, reference)
                pixels = decode_case(files, reference, source.reading).pixels
                channels.append(3 if pixels.ndim == 3 else 1)
    source = replace(source, channels=channels[0] if channels else 1)
    opened = source.open_rows(tree, frame, checksums, sealed)
    # All rows are read, and once more where most images have other colours.
    data = check_data(source, opened, run)
    few_gray = options is not None and options.gray is None
    settled, colours = _settle_colour(data, few_gray=few_gray)
    if settled != source:
        data = check_data(settled, settled.open_rows(tree, frame, checksums, sealed), run)
    # images whose mask is empty are left out where masks beside images are their regions
    data = replace(data, frame=frame, checksums=checksums, notes=(colours, *data.notes))
    if options is not None and options.masks == "regions" and len(data.images) == 1:
        data = _leave_out_lesionless(data)
    return data


def _settle_colour(data: CheckedData[Folder], *, few_gray: bool) -> tuple[Folder, str]:
    """Return the data set with the channels that most images have, and a sentence on the others.

    Args:
        few_gray: Whether a few in colour, or with transparent pixels, become gray.
    """
    # Images in colour and with transparent pixels.
    source, opened = data.source, data.opened
    refused = [name for name, why in data.refused.items() if isinstance(why, ColourImage)]
    transparent = [name for name, why in data.refused.items() if isinstance(why, TransparentImage)]
    in_colour = [
        image.name for image in data.every if len(image.shape) == 3 and not image.made_colour
    ]
    # A few among gray images become gray; else most images decide.
    number = sum(len(kind.entries) for kind in opened.kinds().values())
    odd = {*refused, *in_colour, *transparent}
    if few_gray and not source.gray and odd and 2 * len(odd) < number:
        names = [name for name in opened.entries["name"] if name in odd]
        shown = ", ".join(f"`{name}`" for name in names[:_SHOWN])
        more = f" and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
        note = (
            f"{len(odd)} of {number} images are in colour or have transparent pixels, while most "
            f"are gray. They become gray (`--gray refuse` refuses them): {shown}{more}."
        )
        return replace(source, gray=True, channels=1), note
    colour = len(in_colour) + len(refused)
    most = 2 * colour > len(data.every) + len(refused)
    return replace(source, channels=3 if most else 1), ""


def _leave_out_lesionless(data: CheckedData[Folder]) -> CheckedData[Folder]:
    """Leave out the images whose mask is empty, and say how many they are.

    It is a problem where a class would lose each of its images.
    """
    source, frame, (colours, *others) = data.source, data.frame, data.notes
    # Which classes have images without a lesion.
    problems = [problem for problem in data.problems if not isinstance(problem, EmptyMask)]
    empty = {name for name, why in data.refused.items() if isinstance(why, EmptyMask)}
    named = zip(data.entries["name"], data.entries["label"], strict=True)
    labels = {name: source.classes[label] for name, label in named}
    lesionless, every = Counter(labels[name] for name in empty), Counter(labels.values())
    bare = [name for name in source.classes if lesionless[name] and lesionless[name] == every[name]]
    note = ""
    # A class without any lesion cannot be compared by lesions.
    if bare:
        kept = [shlex.quote(name) for name in source.classes if name not in bare]
        ways = [f"`--classes {' '.join(kept)}` leaves it out"] if len(kept) > 1 else []
        ways.append("`--masks leave-out` takes all images whole")
        problems.append(
            refusal(
                "steps.class_without_lesion",
                source.folder,
                name=bare[0],
                number=lesionless[bare[0]],
                ways=ways,
            )
        )
    elif empty:
        counted = ", ".join(f"{number} of `{name}`" for name, number in sorted(lesionless.items()))
        note = f"Left out, without a lesion in their masks: {counted}, such as `{min(empty)}`."
    # The rows of those images go.
    names = [reference.name for reference in references_of(frame, source.columns)]
    frame = frame[[name not in empty for name in names]]
    entries = data.entries[~data.entries["name"].isin(empty)]
    notes = (colours, note, *others)
    return replace(data, frame=frame, problems=problems, entries=entries, notes=notes)


def file_order(names: Sequence[str], place: Whole, patient: Texts) -> Floats:
    """Return (n, 3) places in [0, 1] by the table, the name and the name's last number.

    They are places among the files of one folder, the innermost with ten patients or more: where a
    folder is a class, the folder itself would tell the class in every data set.
    """
    numbers = [_LAST_NUMBER.search(name) for name in names]
    last = [float(number[1]) if number else -1.0 for number in numbers]
    keys = [place.astype(np.float64), np.unique(names, return_inverse=True)[1], np.array(last)]
    within: dict[PurePosixPath, list[int]] = {}
    for row, name in enumerate(names):
        for folder in PurePosixPath(name).parents:
            within.setdefault(folder, []).append(row)
    places = np.zeros((len(names), len(keys)))
    for _, rows in sorted(within.items(), key=lambda item: len(item[0].parts)):
        if len(set(patient[rows])) >= MIN_PATIENTS:  # a folder within another one comes later
            in_folder = pd.DataFrame({at: key[rows] for at, key in enumerate(keys)})
            places[rows] = in_folder.rank(method="min").to_numpy() / len(rows)
    return places
