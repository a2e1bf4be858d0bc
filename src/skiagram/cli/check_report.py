"""What `skiagram check` prints: the survey of a folder, and a run's time and disk.

Times are measured on the images themselves where they can be.
"""

import dataclasses
import re
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from pydantic.dataclasses import dataclass

from skiagram.datasets.burnt_in_text import cut_out_mark
from skiagram.datasets.contract import SpacedImage
from skiagram.datasets.file_trees import FileTree
from skiagram.datasets.folder.csv_rows import Row
from skiagram.datasets.folder.identifiers import names_patients, suspect_column
from skiagram.datasets.folder.source import Folder
from skiagram.datasets.folder.survey import ExaminedFile, Survey, read_pixels
from skiagram.datasets.folder.table import Columns
from skiagram.datasets.volumes.case_images import decode_case, read_case_files
from skiagram.errors import SkiagramError
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import FeatureFamily, families_of_images
from skiagram.models.cross_validation import Plan
from skiagram.options import STRICT, build, check, read_option_file
from skiagram.records import Design
from skiagram.restoration.contract import Restoration
from skiagram.restoration.restore import ByModality, prepare_region

_SAMPLE = 8
_PATIENCE = 5.0  # seconds after which no further image is tried
_NETWORK_SECONDS = 5e-7  # a pixel, epoch and core: 1e-7 in small_cnn, 4e-7 to 8e-7 in article_cnn
_RESTORED_BYTES = 4
_EXAMPLES = 5
_MOST_PICTURES = 24
_REFERENCE = re.compile(r"\$\{params:(\w+)\}")


@dataclass(**STRICT)
class RunChoices:
    """The choices of a project that tell how long a run takes.

    Attributes:
        restoration: Option file of the restoration.
        features: Option files of the feature families, comma-separated.
        networks: Option files of the networks.
        plan: How every model is fitted.
    """

    restoration: str
    features: str
    networks: tuple[str, ...]
    plan: Plan


@dataclasses.dataclass(frozen=True)
class Rates:
    """Seconds a pixel of two stages, and on how many images they were measured."""

    restore: float
    extract: float
    images: int


def survey_text(survey: Survey, source: Folder, design: Design) -> str:
    """Return counts, sizes, problems and findings."""
    parts = [_counts(survey, source), _sizes(survey), _findings(survey, design), _problems(survey)]
    return "\n\n".join(part for part in parts if part)


def left_out_text(rows: Sequence[Row], columns: Columns) -> str:
    """Return which columns of the table stay behind and how to take them; no cell is quoted."""
    used = columns.used()
    left = [name for name in rows[0].cells if name not in used]
    suspects = {name: suspect_column(name, [row.cells[name] for row in rows]) for name in left}
    suspects |= dict.fromkeys(("case_id", "patient_id"), "it tells patients or cases apart")
    suspects |= {"split": "it tells the split"}
    if not left:
        return ""
    lines = ["Columns that are left out; nothing of them leaves the CSV:"]
    lines += [f"  {name}" + (f": {why}" if (why := suspects[name]) else "") for name in left]
    harmless = [name for name in left if suspects[name] is None]
    if harmless:
        lines.append(f"To take some as covariates: --covariates '{','.join(harmless)}'")
    return "\n".join(lines)


def patient_hint(rows: Sequence[Row], columns: Columns) -> str:
    """Return what to do where no column tells patients apart; empty where one does."""
    if columns.patient is not None:
        return ""
    named = [name for name in rows[0].cells if names_patients(name) and name not in columns.used()]
    remedy = (
        f"The column `{named[0]}` may tell them apart: --patient '{named[0]}'"
        if named
        else "If a column tells them apart, name it: --patient COLUMN"
    )
    return (
        "Patients are unknown: images of one person can be in training and in test, which makes "
        "every\nfigure too good. " + remedy + ".\nIts ids stay in the manifest; `skiagram init "
        "--patient-key` keeps them and the file names under a key."
    )


def text_in_pixels(examined: Sequence[ExaminedFile]) -> str:
    """Return which images may hold text in their pixels; empty where none does."""
    marked = [file for file in examined if file.text]
    expected = Counter(file.text_expected for file in examined if file.text_expected)
    if not marked and not expected:
        return ""
    lines = ["Text in the pixels may name a patient, and models learn from labels of a device:"]
    if marked:
        names = ", ".join(file.name for file in marked[:_EXAMPLES])
        lines.append(
            f"  {len(marked)} of {len(examined)} images have marks in their borders that look like "
            f"text, for example {names}"
        )
    lines += [
        f"  {number} DICOM files are by their header {kind}: look at some of them"
        for kind, number in expected.most_common()
    ]
    lines += [
        "  Look at them (--text-examples), then choose `burnt_in_text: mask` or `refuse` in the "
        "option file.",
        "  No search finds all text. De-identify before files leave the hospital, for example with "
        "RSNA's CTP, which blanks regions by device, or dicognito for the headers.",
    ]
    return "\n".join(lines)


def write_text_examples(survey: Survey, folder: Path) -> int:
    """Write a picture of the first marks of some files, with what is around; return how many.

    Args:
        survey: What was found.
        folder: A folder that does not exist yet.
    """
    marked = [file for file in survey.examined if file.text]
    folder.mkdir(parents=True)
    chosen = marked[:: -(-len(marked) // _MOST_PICTURES)] if marked else []
    for number, file in enumerate(chosen):
        mark = cut_out_mark(read_pixels(survey.files, file.reference), file.text[0])
        Pillow.fromarray(mark).save(folder / f"mark-{number:02d}.png")
    return len(chosen)


def _counts(survey: Survey, source: Folder) -> str:
    splits = [split for split in ("train", "validation", "test") if _in_split(survey, split)]
    known = source.columns.patient is not None
    rows = []
    for label, name in [*enumerate(source.classes), (None, "all")]:
        entries = [entry for entry in survey.entries if label is None or entry.label == label]
        patients = len({entry.patient for entry in entries}) if known else "unknown"
        in_splits = [sum(entry.split == split for entry in entries) for split in splits]
        rows.append([name, len(entries), patients, *in_splits])
    return text_table(["class", "images", "patients", *splits], rows)


def _in_split(survey: Survey, split: str) -> bool:
    return any(entry.split == split for entry in survey.entries)


def _sizes(survey: Survey) -> str:
    if not survey.examined:
        return "No file can be read."
    tables = []
    for modality, files in survey.by_modality.items():
        if files:
            tables.append(f"{modality}:\n{_sizes_of(files)}" if modality else _sizes_of(files))
    return "\n\n".join(tables)


def _sizes_of(files: Sequence[ExaminedFile]) -> str:
    """Return sizes, spacings and regions of the images of one modality."""
    volumes = [len(file.shape) == 4 for file in files]
    if any(volumes) and not all(volumes):
        return f"{sum(volumes)} volumes and {len(files) - sum(volumes)} plane images."
    axes = ("slices", "height", "width") if all(volumes) else ("height", "width")
    sides = np.array([file.shape[: len(axes)] for file in files])
    rows = [[axis, *_low_middle_high(sides.T[k])] for k, axis in enumerate(axes)]
    voxels = "voxels" if all(volumes) else "pixels"
    spaced = [file.spacing for file in files if file.spacing is not None]
    spacings = np.array(spaced, dtype=np.float64) if spaced else np.empty((0, 0))
    for k, name in enumerate(("slice", "row", "column")[-spacings.shape[1] :] if spaced else ()):
        rows.append([f"{name} spacing, mm", *_low_middle_high(spacings[:, k])])
    rows += _region_rows(files, voxels)
    depths = sorted({file.depth for file in files})
    sizes, steps = len(np.unique(sides, axis=0)), len(np.unique(spacings.round(4), axis=0))
    kind = "colour" if 2 * sum(file.channels == 3 for file in files) > len(files) else "gray"
    what = "volumes, " if all(volumes) else ""
    notes = [f"{what}{kind}, {', '.join(depths)}, {sizes} size{'s' if sizes > 1 else ''}"]
    if spaced and len(spaced) < len(files):
        notes.append(f"The spacing of {len(files) - len(spaced)} of {len(files)} is unknown.")
    if steps > 1 and all(volumes):
        notes.append(
            f"{steps} different spacings: resample to one (`region.resampling` of a restoration) "
            "before texture is compared."
        )
    if len(depths) > 1:
        notes.append("Several pixel types: intensities of different files may not be comparable.")
    if sizes > 1 and not all(volumes):
        notes.append(
            "Networks need images of one size: set `training.image_size` in their option files."
        )
    return "\n".join([text_table([voxels, "minimum", "median", "maximum"], rows), *notes])


def _region_rows(files: Sequence[ExaminedFile], voxels: str) -> list[list[str]]:
    """Return size and parts of the regions of interest; nothing where there are none."""
    regions = [(file.region, file.spacing) for file in files if file.region is not None]
    if not regions:
        return []
    described = np.array([region for region, _ in regions])
    rows = [[f"region, {voxels}", *_low_middle_high(described[:, 0])]]
    sizes = [
        region[0] * float(np.prod(spacing)) for region, spacing in regions if spacing is not None
    ]
    if sizes:
        unit = "mm³" if voxels == "voxels" else "mm²"
        rows.append([f"region, {unit}", *_low_middle_high(np.array(sizes))])
    rows.append(["region, parts", *_low_middle_high(described[:, 1])])
    return rows


def _low_middle_high(values: NDArray[Any]) -> list[str]:
    chosen = np.percentile(values, [0, 50, 100], method="nearest")
    return [f"{value:,.0f}" if value >= 1000 else f"{value:.4g}" for value in chosen.tolist()]


def _findings(survey: Survey, design: Design) -> str:
    """Return what the audit will say."""
    lines = []
    for finding in sorted(survey.findings, key=lambda finding: not finding.stops):
        grade = "STOP" if finding.stops else finding.severity
        lines.append(f"  {grade} {finding.name}: {finding.summary}")
        if finding.remedy:
            lines.append(f"       Do this: {finding.remedy}.")
        if finding.examples:
            lines.append(f"       For example: {', '.join(finding.examples)}")
    heading = f"What the audit will report (design {design}, files that can be read):"
    return "\n".join([heading, *lines]) if lines else ""


def _problems(survey: Survey) -> str:
    if not survey.problems:
        return ""
    lines = [f"  {problem}" for problem in survey.problems]
    return "\n".join([f"What would stop the run ({len(lines)}):", *lines])


def time_text(
    examined: Sequence[ExaminedFile],
    files: FileTree,
    project: Path,
    choices: RunChoices,
    design: Design,
) -> str:
    """Return how long each stage will take, and how that is known.

    Args:
        examined: Every usable file.
        files: The files.
        project: Folder of `conf/`.
        choices: The project's choices.
        design: What the run would evaluate by.
    """
    pixels = sum(float(np.prod(file.shape)) for file in examined)
    reading = sum(file.seconds for file in examined)
    rows = [["ingest, audit", _duration(reading), "measured on all files"]]
    rates = _measure(examined, files, project, choices)
    if rates is None:
        why = "the restoration needs all images, or the features fit none of those tried"
        rows.append(["restore, extract", "unknown", why])
    else:
        how = f"measured on {rates.images} files"
        rows.append(["restore", _duration(rates.restore * pixels), how])
        rows.append(["extract", _duration(rates.extract * pixels), how])
    rows += [_network(name, examined, project, choices, design) for name in choices.networks]
    table = text_table(["stage", "at most about", "basis"], rows)
    return f"Time of a run on one core, with the choices in params.yaml:\n{table}"


def disk_text(examined: Sequence[ExaminedFile]) -> str:
    """Return how much disk the images will take."""
    stored = sum(file.stored_bytes for file in examined)
    restored = sum(_RESTORED_BYTES * float(np.prod(file.shape)) for file in examined)
    return (
        f"Disk: {_size(stored)} for images and {_size(restored)} for restored images; twice as "
        "much on a file system without reflinks, because of DVC's cache."
    )


def _measure(
    examined: Sequence[ExaminedFile], files: FileTree, project: Path, choices: RunChoices
) -> Rates | None:
    """Time the chosen options on a few files; None where none can be treated on its own."""
    restoration: Restoration | ByModality = option(project, "restoration", choices.restoration)
    if isinstance(restoration, ByModality):  # much the same is done to each
        restoration = next(iter(restoration.modalities.values()))
    if restoration.needs_training_mean:
        return None
    chosen = [
        option(project, "features", name) for name in choices.features.replace(" ", "").split(",")
    ]
    families = families_of_images(chosen)
    spent, pixels, tried = np.zeros(2), 0.0, 0
    for file in examined[:: max(1, len(examined) // _SAMPLE)]:
        try:
            image = decode_case(read_case_files(files, file.reference), file.reference, "resample")
            if not tried:  # the first call may compile, or read what was compiled
                _seconds(image, restoration, families)
            spent += _seconds(image, restoration, families)
        except SkiagramError:
            continue  # the run will name it
        pixels += float(np.prod(file.shape))
        tried += 1
        if spent.sum() > _PATIENCE:
            break
    if not tried:
        return None
    return Rates(float(spent[0] / pixels), float(spent[1] / pixels), tried)


def _seconds(
    image: SpacedImage, restoration: Restoration, families: Sequence[FeatureFamily]
) -> tuple[float, float]:
    started = time.perf_counter()
    pixels, spacing, region = restoration.restore(image.pixels[None])[0][0], image.spacing, None
    if image.region is not None:
        region = image.region
        if restoration.region is not None and spacing is not None:
            pixels, spacing, region = prepare_region(restoration.region, pixels, spacing, region)
    between = time.perf_counter()
    masks = None if region is None else region.inside[None]
    for family in families:
        known = None if spacing is None else np.array([spacing])
        family.extract(FeatureBatch(pixels[None], masks, known))
    return between - started, time.perf_counter() - between


def _network(
    name: str,
    examined: Sequence[ExaminedFile],
    project: Path,
    choices: RunChoices,
    design: Design,
) -> list[str]:
    training = option_file(project, "model", name)["training"]
    side, epochs = training["image_size"], training["epochs"]
    if isinstance(side, list):
        size = float(np.prod(side))
    else:
        size = side**2 if side else float(np.mean([np.prod(file.shape[:2]) for file in examined]))
    fits, members = choices.plan.count_fits(design), training["members"]
    seconds = fits * members * epochs * len(examined) * size * _NETWORK_SECONDS
    networks = f" of {members} networks each" if members > 1 else ""
    how = f"{fits} fits{networks}, at most {epochs} epochs, 0.5 µs per pixel"
    return [f"train {name}", _duration(seconds), how]


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else "< 1 s"


def _size(n_bytes: float) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {unit}"
    return f"{n_bytes / 1e3:.0f} kB"


def read_choices(project: Path) -> RunChoices | None:
    """Return the choices of a project; None where there is none.

    Raises:
        OptionError: `params.yaml` or `conf/plan.yaml` holds a wrong value.
    """
    path = project / "params.yaml"
    if not path.is_file():
        return None
    params = read_option_file(path, path.name)
    plan = read_option_file(project / "conf" / "plan.yaml", "conf/plan.yaml")["plan"]
    plan = {name: _interpolated(value, params) for name, value in plan.items()}
    chosen = {name: params[name] for name in ("restoration", "features", "networks")}
    return check(RunChoices, chosen | {"plan": plan}, "params.yaml")


def _interpolated(value: Any, params: dict[str, Any]) -> Any:
    """Return a value of `conf/plan.yaml`; `${params:name}` stands for one of `params.yaml`."""
    reference = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return params[reference[1]] if reference else value


def option_file(project: Path, group: str, name: str) -> Any:
    """Return the values of one option file as they stand."""
    path = project / "conf" / group / f"{name}.yaml"
    return read_option_file(path, f"conf/{group}/{name}.yaml")


def option(project: Path, group: str, name: str) -> Any:
    """Return the dataclass of one option file.

    Raises:
        OptionError: The file holds a wrong value.
    """
    return build(option_file(project, group, name), group)


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
