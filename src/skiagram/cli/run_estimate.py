"""How long a run takes and how much disk, for `skiagram check`: measured where it can be."""

import time
from collections.abc import Iterator, Sequence
from contextlib import chdir, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pydantic.dataclasses import dataclass

from skiagram.cli.check_report import text_table
from skiagram.cli.fitting_choices import fitting_choices, put
from skiagram.compute.scratch import scratch_folder
from skiagram.datasets.contract import SpacedImage, pixel_side
from skiagram.datasets.file_trees import FileTree
from skiagram.datasets.folder.source import Folder
from skiagram.datasets.folder.survey import ExaminedFile, Survey, marked_files
from skiagram.datasets.volumes.case_images import Reading, decode_case, read_case_files
from skiagram.errors import SkiagramError
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import FeatureFamily, families_of_images
from skiagram.features.windows import Windows
from skiagram.finding.candidates import NoProposal, Proposal
from skiagram.finding.marks import HitRule
from skiagram.image_store.shards import Spacing
from skiagram.models.cross_validation import Plan
from skiagram.models.tuned import fits_of
from skiagram.options import (
    PARAMS,
    PLAN,
    STRICT,
    build,
    check,
    find_value,
    read_option_file,
    with_choices,
)
from skiagram.projects.files import CHOICES, read_shipped, shipped_files
from skiagram.records.cases import Design
from skiagram.records.places import tabulate_places
from skiagram.restoration.restore import ByModality, prepare_region
from skiagram.restoration.steps import Steps

_SAMPLE = 8
_PATIENCE = 5.0  # seconds after which no further image is tried
_NETWORK_SECONDS = 5e-7  # a pixel, epoch and core: 1e-7 in small_cnn, 4e-7 to 8e-7 in article_cnn
_FINDER_SECONDS = 2e-7  # a fit and number that describes a place: 1.2e-7 of 12 million
_ENCODER_SECONDS = 7e-7  # a pixel that EfficientNet-Lite0 sees, on one core
_WINDOWS = 16  # that are described
_RESTORED_BYTES = 4
Place = tuple[str, tuple[float, ...], float]  # file, [slice,] row and column, radius


@dataclass(**STRICT)
class RunChoices:
    """The choices of a project, names of option files, that tell how long a run takes."""

    restoration: str
    proposal: str
    features: str
    baselines: tuple[str, ...]
    encoders: tuple[str, ...]
    networks: tuple[str, ...]
    plan: Plan


def usual_plan() -> Plan:
    """Return the plan of the project in this folder, or of a new one where there is none."""
    if Path("params.yaml").is_file():
        return read_choices().plan
    plan = with_choices(read_shipped("conf/plan.yaml")["plan"], read_shipped(CHOICES))
    return check(Plan, plan, "plan")


def read_choices() -> RunChoices:
    """Return the choices of the project in this folder."""
    params, written = read_option_file(Path(PARAMS)), read_option_file(Path(PLAN))
    plan = with_choices(find_value(written, "plan", PLAN), params)
    names = ("restoration", "proposal", "features", "baselines", "encoders", "networks")
    values = {name: find_value(params, name, PARAMS) for name in names}
    return check(RunChoices, values | {"plan": plan}, PARAMS)


@contextmanager
def fitting_project(survey: Survey, source: Folder, design: Design) -> Iterator[None]:
    """Work in a project with the choices that `skiagram run` makes, which is gone afterwards."""
    with scratch_folder("estimate") as place, chdir(place):
        for name, content in shipped_files().items():
            if name == PARAMS or name.startswith("conf/"):
                Path(name).parent.mkdir(parents=True, exist_ok=True)
                Path(name).write_bytes(content)
        fitting = fitting_choices(
            source.name, survey, design, source.outcome, source.columns.covariates
        )
        for path, text in fitting.files.items():
            path.write_text(text, encoding="utf-8")
        for file, options in {"params.yaml": fitting.params, **fitting.options}.items():
            values = read_option_file(Path(file))
            for dotted, value in options.items():
                put(values, dotted, value)
            Path(file).write_text(yaml.safe_dump(values), encoding="utf-8")
        yield


def _option_file(group: str, name: str) -> dict[str, Any]:
    return read_option_file(Path("conf", group, f"{name}.yaml"))


def time_text(
    survey: Survey,
    choices: RunChoices,
    source: Folder,
    design: Design,
) -> str:
    """Return how long each stage will take, and how that is known; what finders can reach."""
    examined, files = survey.examined, survey.files
    pixels = sum(float(np.prod(file.shape)) for file in examined)
    reading = sum(file.seconds for file in examined)
    rows = [["ingest, audit", _duration(reading), "measured on all files"]]
    resampled = replace(source.reading, mask_grid="resample")
    seconds, tried = _measure(examined, files, choices, resampled)
    if not tried:
        why = "the restoration needs all images, or the features fit none of those tried"
        rows.append(["restore, extract", "unknown", why])
    for stage, each in zip(("restore", "extract"), seconds, strict=False):
        rows.append([stage, _duration(each * pixels), f"measured on {tried} files"])
    ceiling = ""
    if any(survey.marks.values()):
        ceiling, more = _search(survey, choices, source.reading, design)
        rows += more
    searched = any(survey.marks.values())
    rows += [_encoder(name, examined, searched) for name in choices.encoders]
    rows += [_network(name, examined, choices.plan, design) for name in choices.networks]
    table = text_table(["stage", "at most about", "basis"], rows)
    return f"{table}{ceiling}"


def _search(
    survey: Survey, choices: RunChoices, reading: Reading, design: Design
) -> tuple[str, list[list[str]]]:
    """Return what the proposed places reach at best, and the rows of what searching takes."""
    proposal: Proposal = build(_option_file("proposal", choices.proposal), "proposal")
    if isinstance(proposal, NoProposal):
        return "\n\nLesions are marked; choose a `proposal` in params.yaml to search for them.", []
    rule = check(HitRule, read_option_file(Path("conf/hit.yaml"))["hit"], "hit")
    windows = check(Windows, read_option_file(Path("conf/extract.yaml"))["windows"], "windows")
    marked = marked_files(survey)
    places: list[Place] = []
    lesions: list[Place] = []
    spacing: dict[str, Spacing | None] = {}
    spent = describing = pixels = 0.0
    families = _families(choices)
    for file in marked:
        try:
            files = read_case_files(survey.files, file.reference)
            image = decode_case(files, file.reference, replace(reading, mask_grid="resample"))
        except SkiagramError:
            continue  # the run will name it
        spacing[file.name], side = image.spacing, pixel_side(image.spacing)
        lesions += [
            (file.name, mark.centre, mark.radius * side) for mark in survey.marks[file.name]
        ]
        started = time.perf_counter()
        places_of_image = proposal.places(image.pixels, image.spacing)
        spent += time.perf_counter() - started
        pixels += float(np.prod(file.shape))
        places += [(file.name, *place) for place in places_of_image]
        if not describing and places_of_image:
            describing = _describing_seconds(
                image, [place for place, _ in places_of_image], families, windows
            )
        if spent > _PATIENCE:
            break
    if not spacing:
        return "", []
    reached = rule.reached(tabulate_places(places), tabulate_places(lesions), spacing)
    tried = f"{len(spacing)} of {len(marked)} images with lesions"
    ceiling = (
        f"\n\n`{choices.proposal}` proposes {len(places) / len(spacing):.0f} places an image; they "
        f"reach {int(reached.sum())} of {len(reached)} lesions ({tried}): no finder at candidates "
        "finds more."
    )
    number = len(places) / pixels * sum(float(np.prod(file.shape)) for file in survey.examined)
    columns = len(windows.widths) * sum(len(family.names()) for family in families)
    rows = [
        ["propose", _duration(spent * number / max(len(places), 1)), f"measured on {tried}"],
        ["extract at places", _duration(describing * number), f"{number:.0f} places"],
    ]
    for name in choices.baselines:
        options, searched = fits_of(_option_file("model", name))
        fits = choices.plan.count_fits(design) * searched
        if options["_target_"].endswith(".CandidateFinder"):
            numbers = columns * sum(view != "place" for view in options["views"])
            seconds = fits * number * numbers * _FINDER_SECONDS
            rows.append([f"train {name}", _duration(seconds), f"{fits} fits, {numbers} features"])
    return ceiling, rows


def _describing_seconds(
    image: SpacedImage,
    centres: Sequence[tuple[float, ...]],
    families: Sequence[FeatureFamily],
    windows: Windows,
) -> float:
    """Return the seconds that the features of one place take."""
    some = np.array(centres[:: -(-len(centres) // _WINDOWS)])
    for _ in range(2):  # the first call may compile, or read what was compiled
        started = time.perf_counter()
        for width in windows.widths:
            cuts = windows.cut(image.pixels, image.spacing, some, width)
            sides = np.full(some.shape, width / windows.side)
            batch = FeatureBatch(cuts, spacing=None if image.spacing is None else sides)
            for family in families:
                family.extract(batch)
    return (time.perf_counter() - started) / len(some)


def _measure(
    examined: Sequence[ExaminedFile], files: FileTree, choices: RunChoices, reading: Reading
) -> tuple[list[float], int]:
    """Return the seconds a pixel of restoring and extracting, and on how many files they were.

    They are empty where no file can be treated on its own.
    """
    restoration = build(_option_file("restoration", choices.restoration), "restoration")
    if isinstance(restoration, ByModality):  # much the same is done to each
        restoration = next(iter(restoration.modalities.values()))
    if restoration.needs_training_mean:
        return [], 0
    families = _families(choices)
    spent, pixels, tried = np.zeros(2), 0.0, 0
    for file in examined[:: max(1, len(examined) // _SAMPLE)]:
        try:
            image = decode_case(read_case_files(files, file.reference), file.reference, reading)
            if not tried:  # the first call may compile, or read what was compiled
                _seconds(image, restoration, families)
            spent += _seconds(image, restoration, families)
        except SkiagramError:
            continue  # the run will name it
        pixels += float(np.prod(file.shape))
        tried += 1
        if spent.sum() > _PATIENCE:
            break
    return (spent / pixels).tolist() if tried else [], tried


def _families(choices: RunChoices) -> list[FeatureFamily]:
    names = choices.features.replace(" ", "").split(",")  # comma-separated
    read = [_option_file("features", name) for name in names]
    options = [
        option for file in read for option in ([file] if "_target_" in file else file.values())
    ]
    return families_of_images([build(option, "features") for option in options])


def _seconds(
    image: SpacedImage, restoration: Steps, families: Sequence[FeatureFamily]
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


def _encoder(name: str, examined: Sequence[ExaminedFile], searched: bool) -> list[str]:
    options = _option_file("encoder", name)
    side = options["preprocessing"]["size"]
    if not isinstance(side, int) or "efficientnet_lite0" not in options.get("architecture", ""):
        return [f"encode {name}", "unknown", "the time of this network was not measured"]
    volumes = [file.shape[0] if searched else 3 for file in examined if len(file.shape) == 4]
    pictures = len(examined) - len(volumes) + sum(volumes)  # all slices, or three planes
    looks = 2 if options.get("mirrored") else 1
    how = (
        f"{pictures} pictures of {side} × {side} pixels, {_ENCODER_SECONDS * 1e6:.1g} µs per pixel"
        f"{' and view' if looks > 1 else ''}"
    )
    return [f"encode {name}", _duration(looks * pictures * side**2 * _ENCODER_SECONDS), how]


def _network(name: str, examined: Sequence[ExaminedFile], plan: Plan, design: Design) -> list[str]:
    options, searched = fits_of(_option_file("model", name))
    training = options["training"]
    side, epochs = training["image_size"], training["epochs"]
    shown, share = len(examined), ""
    if "steps" in options:  # a finder, which learns from crops
        shown = options["steps"] * training["batch_size"]
        share = f" of {shown} crops"
        if isinstance(side, int):
            side = [side] * (3 if len(examined[0].shape) == 4 else 2)
    if isinstance(side, list):
        size = float(np.prod(side))
    else:
        size = side**2 if side else float(np.mean([np.prod(file.shape[:2]) for file in examined]))
    fits, members = plan.count_fits(design) * searched, training["members"]
    seconds = fits * members * epochs * shown * size * _NETWORK_SECONDS
    networks = f" of {members} networks each" if members > 1 else ""
    how = f"{fits} fits{networks}, at most {epochs} epochs{share}, 0.5 µs per pixel"
    return [f"train {name}", _duration(seconds), how]


def disk_text(examined: Sequence[ExaminedFile]) -> str:
    """Return how much disk the images will take."""
    stored = sum(file.stored_bytes for file in examined)
    restored = sum(_RESTORED_BYTES * float(np.prod(file.shape)) for file in examined)
    return (
        f"Disk: {_size(stored)} for images and {_size(restored)} for restored images; twice as "
        "much on a file system without reflinks, because of DVC's cache."
    )


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
