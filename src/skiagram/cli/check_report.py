"""What `skiagram check` prints of a folder: counts, sizes, findings, problems and hints."""

import shlex
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from skiagram.cli.templates import fill_in
from skiagram.datasets.feature_table import FeatureFile
from skiagram.datasets.folder.identifiers import (
    names_patients,
    normalise_spelling,
    suspect_column,
    words_of,
)
from skiagram.datasets.folder.roles import part_of
from skiagram.datasets.folder.source import Folder
from skiagram.datasets.ingest import ImageNote, describe_files
from skiagram.datasets.telling_columns import PYRADIOMICS, is_of_one_label, names_an_outcome
from skiagram.errors import DataError, listed, printable, refusal
from skiagram.intake.file_patterns import propose_patients
from skiagram.intake.tables import AnyTable
from skiagram.steps.check import AnyChecked
from skiagram.tables.cells import number_of, stands_for_missing

_EXAMPLES = 5
_TYPED = 8  # columns in a line
_FEW_IDS = 0.2  # of the rows


def checked_text(checked: AnyChecked) -> str:
    """Return counts, what the files or the features are like, problems and findings."""
    source, card = checked.source, checked.source.card()
    # cases and patients by class and split
    entries = checked.entries
    found_splits = {*entries["split"]}
    splits = [split for split in ("train", "validation", "test") if split in found_splits]
    rows = []
    for label, name in [*enumerate(source.classes), (None, "all")]:
        of_class = entries if label is None else entries[entries["label"] == label]
        patients = of_class["patient"].nunique() if source.patients_known else "unknown"
        in_splits = [(of_class["split"] == split).sum() for split in splits]
        rows.append([name, len(of_class), patients, *in_splits])
    noun = "images" if card.has_images else "rows"
    counts = text_table(["class", noun, "patients", *splits], rows)
    if isinstance(source, FeatureFile):  # those that are not called like PyRadiomics' come first
        features = source.columns.features
        strange_first = sorted(features, key=lambda name: bool(PYRADIOMICS.fullmatch(name)))
        held = [f"Features ({len(features)}): {listed(strange_first)}."]
    else:
        held = [
            (f"{modality}:\n" if modality else "") + _sizes_of(images)
            for modality, images in checked.images.items()
            if images
        ] or ["No file can be read."]
    # what was settled, and what is in the files
    stated = "\n".join((*checked.notes, *card.known_issues, *describe_files(checked.every)))
    # what the audit says, the gravest first; notes are on images, and tell nothing without these
    findings = [
        each for each in checked.report.findings if card.has_images or each.severity != "note"
    ]
    gravest_first = sorted(findings, key=lambda finding: not finding.stops)
    audited = fill_in("findings.txt", design=source.design, findings=gravest_first)
    # what would stop a run
    lines = [f"  {line}" for line in problem_lines(checked.problems)]
    stops = [f"What would stop the run ({len(checked.problems)}):", *lines] if lines else []
    parts = [counts, *held, stated, audited if findings else "", "\n".join(stops)]
    return "\n\n".join(filter(None, parts))


def left_out(described: AnyTable) -> str:
    """Return which columns of the table stay behind and how to take them; no cell is quoted."""
    # Columns that tell who a patient is are named with the reason.
    left_columns = described.unused
    if not left_columns:
        return ""
    ids, split = "it tells patients or cases apart", "it tells the split"
    columns = described.source.columns
    label = described.frame[columns.label]
    patients = described.frame[columns.patient] if columns.patient else range(len(label))
    suspects = dict[str, str]()
    for name in left_columns:
        cells = described.frame[name].tolist()
        is_told = names_an_outcome(name) or is_of_one_label(cells, label, patients)
        why = "it may tell the outcome" if is_told else ""
        if described.frame[name].dtype.kind != "f":  # what can be a measurement alone tells nobody
            is_id = names_patients(name, also_cases=True)
            why = suspect_column(name, cells) or (ids if is_id else why)
            if all(map(part_of, cells)):
                why = split
        suspects[name] = why
    # The columns of each reason, then the line that takes the harmless ones.
    lines = ["Columns that are left out; nothing of them leaves the CSV:"]
    for why in dict.fromkeys(suspects[name] for name in left_columns):
        alike = [name or "one without a name" for name in left_columns if suspects[name] == why]
        lines.append(f"  {listed(alike)}" + (f": {why}" if why else ""))
    harmless = [name for name in left_columns if name and not suspects[name]]
    if harmless:
        some = shlex.quote(",".join(harmless[:_TYPED]))
        lines.append(f"To take some as covariates, for example: --covariates {some}")
    return "\n".join(lines)


def spelling_hints(described: AnyTable) -> str:
    """Return which classes and categories may be spelled in several ways, or stand for nothing."""
    columns = described.source.columns
    lines = []
    # Words of labels and covariates that differ in spelling, or stand for nothing.
    for name in (columns.label, *columns.covariates):
        values = {*described.frame[name]} - {""}
        spelled: dict[str, list[str]] = {}
        for value in sorted(value for value in values if number_of(value) is None):
            spelled.setdefault(normalise_spelling(value), []).append(value)
            if stands_for_missing(value):
                word = shlex.quote(value)
                lines.append(f"  {name}: {value} counts as known (`--missing {word}` empties it)")
        lines += [
            f"  {name}: {', '.join(alike)} differ in spelling alone"
            for alike in spelled.values()
            if len(alike) > 1
        ]
    return "\n".join(["Look at these words of the CSV:", *lines]) if lines else ""


def patient_hint(described: AnyTable) -> str:
    """Return what to do where nothing tells patients apart; empty where something does."""
    source = described.source
    if source.columns.patient is not None:
        return ""
    # A column, folders or names of files that may tell patients apart.
    frame, unused = described.frame, described.unused
    candidates = [name for name in unused if names_patients(name)]
    # Ids of several rows each, such as `lesion_id` of HAM10000; few ids are those of sites.
    candidates += [
        name
        for name in unused
        if words_of(name)[-1:] == ["id"]
        and _FEW_IDS * len(frame) < frame[name].nunique() < len(frame)
    ]
    named = next(iter(candidates), "")
    pattern = ""
    if isinstance(source, Folder) and not named and Path(source.folder).is_dir():
        files, labels = frame[source.columns.image_file], frame[source.columns.label]
        pattern = propose_patients(files.tolist(), labels.tolist())
    of_images = isinstance(source, Folder)
    return fill_in("patients.txt", of_images=of_images, column=named, pattern=pattern)


def text_in_pixels(images: Sequence[ImageNote]) -> str:
    """Return which images may hold text in their pixels by their headers; empty for none."""
    # How many files may hold text, by what their headers say.
    expected = Counter(image.text_expected for image in images if image.text_expected)
    if not expected:
        return ""
    return fill_in("text_in_pixels.txt", expected=expected.most_common())


def _sizes_of(images: Sequence[ImageNote]) -> str:
    # How large images are, and how far apart their pixels lie.
    volumes = [len(image.shape) == 4 for image in images]
    if any(volumes) and not all(volumes):
        return f"{sum(volumes)} volumes and {len(images) - sum(volumes)} plane images."
    axes = ["slices", "height", "width"] if all(volumes) else ["height", "width"]
    voxels, unit = ("voxels", "mm³") if all(volumes) else ("pixels", "mm²")
    sides = pd.DataFrame([image.shape[: len(axes)] for image in images], columns=axes)
    known = [image.spacing for image in images if image.spacing]
    unknown = (np.nan,) * len(known[0] if known else ())
    spacings = pd.DataFrame([image.spacing or unknown for image in images], dtype=float)
    further = ("slice", "row", "column")[3 - spacings.shape[1] :]
    measured = [sides, spacings.set_axis([f"{name} spacing, mm" for name in further], axis=1)]
    # the regions: their voxels, their size where the spacing is known, and their parts
    if any(image.region for image in images):
        regions = pd.DataFrame([image.region or (np.nan,) * 3 for image in images])
        size = regions[0] * spacings.prod(axis=1, min_count=1)
        in_words = {f"region, {voxels}": regions[0], f"region, {unit}": size}
        measured.append(pd.DataFrame(in_words | {"region, parts": regions[1]}))
    table = pd.concat(measured, axis=1).quantile([0, 0.5, 1], interpolation="nearest")
    rows = []
    for name, values in table.dropna(axis=1).items():
        rows.append([name, *(f"{each:,.0f}" if each >= 1000 else f"{each:.4g}" for each in values)])
    # What in the files differs from image to image.
    return fill_in(
        "sizes.txt",
        table=text_table([voxels, "minimum", "median", "maximum"], rows),
        volumes=all(volumes),
        colour=len(images[0].shape) == 3,
        depths=sorted({image.dtype for image in images}),
        sizes=len(sides.drop_duplicates()),
        spacings=len({tuple(np.round(spacing, 4)) for spacing in known}),
        unknown=len(images) - len(known) if len(known) else 0,
        number=len(images),
    )


def problem_lines(problems: Sequence[DataError]) -> Iterator[str]:
    """Yield a line for each kind of problem: the first one, how many are like it, and examples."""
    kinds: dict[tuple[str, str], list[DataError]] = {}
    for problem in problems:
        kinds.setdefault((problem.found, problem.remedy), []).append(problem)
    for first, *alike in kinds.values():
        yield str(first)
        if alike:
            examples = ", ".join(problem.where for problem in alike[:_EXAMPLES])
            others = f", for example in {examples}" if len(alike) > _EXAMPLES else f": {examples}"
            times = "once" if len(alike) == 1 else f"{len(alike)} times"
            yield f"  the same {times} more{others}"


def require_usable(data: AnyChecked, where: str, consequence: str) -> None:
    """Refuse a data set with problems, each kind of which is printed.

    Args:
        where: Its folder or table.
        consequence: What was not done for them.
    """
    if data.problems:
        print(*map(printable, problem_lines(data.problems)), sep="\n", file=sys.stderr)
        number = len(data.problems)
        raise refusal("cli.unusable_cases", where, number=number, consequence=consequence)


def text_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return columns of equal width; those that hold figures alone stand to the right."""
    body = [[str(cell) for cell in row] for row in rows]
    columns = []
    for title, *cells in zip(header, *body, strict=True):
        right = all(cell[:1].isdigit() for cell in cells)
        width = max(map(len, [title, *cells]))
        columns.append(
            [cell.rjust(width) if right else cell.ljust(width) for cell in (title, *cells)]
        )
    return "\n".join("  ".join(line).rstrip() for line in zip(*columns, strict=True))
