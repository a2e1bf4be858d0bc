"""What is extracted and how: the parameters of PyRadiomics' file, each with its default there.

Names and defaults are those of PyRadiomics 3 (`paramSchema.yaml`). What would change a value and
skiagram lacks is refused; columns that it lacks are named in `remarks`.
"""
# ruff: noqa: N815 - the names are PyRadiomics'

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass as record
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.declared import read_declared
from skiagram.errors import refusal
from skiagram.features.discretisation import MAX_LEVELS, Discretisation
from skiagram.features.family import FeatureFamily
from skiagram.features.first_order import FirstOrder
from skiagram.features.glcm import Glcm
from skiagram.features.gldzm import Gldzm
from skiagram.features.glrlm import Glrlm
from skiagram.features.glszm import Glszm
from skiagram.features.intensity_histogram import IntensityHistogram
from skiagram.features.morphology import Morphology
from skiagram.features.ngldm import Ngldm
from skiagram.features.ngtdm import Ngtdm
from skiagram.interpolation import Interpolation
from skiagram.options import check, read_option_file
from skiagram.strict import STRICT, AboveZero, OneOrMore, ZeroOrMore

Parameters = Mapping[str, Any] | str | Path
Names = Literal["ibsi", "pyradiomics"]
ImageType = Literal[
    "Original",
    "LoG",
    "Wavelet",
    "Square",
    "SquareRoot",
    "Logarithm",
    "Exponential",
    "Gradient",
]
_THEIRS = read_declared("skiagram.radiomics", "pyradiomics.yaml")
FAMILIES: dict[str, str] = _THEIRS["families"]  # of the IBSI → PyRadiomics' class
INTERPOLATORS: dict[str | int, Interpolation] = _THEIRS["interpolators"]


@dataclass(**STRICT)
class Settings:
    """PyRadiomics' settings.

    Attributes:
        binWidth: Width of the bins of grey levels, intensity units.
        binCount: Number of the bins, in place of a width.
        label: Value of the region's voxels; None for all that is not 0, under PyRadiomics' names 1.
        resampledPixelSpacing: Wanted spacing of columns, rows and slices, mm; 0 leaves an axis.
        interpolator: Of the intensities; that of the region is the nearest voxel.
        padDistance: Voxels around the region that are resampled.
        preCrop: Whether images are cut to the region and `padDistance` before filters.
        normalize: Whether the whole image is brought to mean 0 and standard deviation 1.
        normalizeScale: What the standard deviation becomes.
        removeOutliers: Standard deviations beyond which a normalised image is cut off.
        resegmentRange: Intensities that stay in the region; one number is the lower bound.
        resegmentMode: What the range counts: intensities, shares of the maximum, deviations.
        resegmentShape: Whether shape is measured on what is left.
        force2D: Whether neighbours are looked for within slices alone.
        minimumROIDimensions: Axes along which a region must have several voxels.
        minimumROISize: Voxels that a region must have.
        correctMask: Whether a mask on other voxels than the image's is brought to them.
        voxelArrayShift: What is added to intensities before they are squared.
        gldm_a: Levels that a dependent neighbour may differ by.
        sigma: Of the Laplacian of Gaussian, mm.
        wavelet: Name of the wavelet.
        level: Decompositions by wavelets.
        start_level: Decompositions that are left out.
        gradientUseSpacing: Whether a gradient is per mm.
    """

    binWidth: AboveZero = 25.0
    binCount: Annotated[int, Field(ge=2, le=MAX_LEVELS)] | None = None
    label: OneOrMore | None = None
    resampledPixelSpacing: tuple[float, ...] | None = None
    interpolator: str | int = "sitkBSpline"
    padDistance: ZeroOrMore = 5
    preCrop: bool = False
    normalize: bool = False
    normalizeScale: AboveZero = 1.0
    removeOutliers: AboveZero | None = None
    resegmentRange: Annotated[tuple[float, ...], Field(min_length=1, max_length=2)] | None = None
    resegmentMode: Literal["absolute", "relative", "sigma"] = "absolute"
    resegmentShape: bool = False
    force2D: bool = False
    minimumROIDimensions: Annotated[int, Field(ge=1, le=3)] = 2
    minimumROISize: Annotated[int, Field(gt=0)] | None = None
    correctMask: bool = False
    voxelArrayShift: int = 0
    gldm_a: ZeroOrMore = 0
    sigma: tuple[AboveZero, ...] = ()
    wavelet: str = "coif1"
    level: OneOrMore = 1
    start_level: ZeroOrMore = 0
    gradientUseSpacing: bool = True


@record(frozen=True)
class ExtractionPlan:
    """What to extract of every case.

    Attributes:
        names: Whose names and definitions.
        settings: Of the preparation.
        image_types: Each image that is described, with the settings that are its own.
        families: Family → PyRadiomics' names of the chosen features; None for all.
        remarks: What was asked for and skiagram lacks, a sentence each.
    """

    names: Names
    settings: Settings
    image_types: tuple[tuple[ImageType, Settings], ...]
    families: Mapping[str, tuple[str, ...] | None]
    remarks: tuple[str, ...] = ()

    def chooses(self, family: str, theirs: str) -> bool:
        """Tell whether a feature is wanted, by PyRadiomics' name; empty where it has none."""
        chosen = self.families[family]
        if chosen is not None:
            return theirs in chosen
        return self.names == "ibsi" or bool(theirs and theirs not in _THEIRS["not_by_default"])

    def build(self, settings: Settings) -> dict[str, FeatureFamily]:
        """Return the chosen families, as the settings of an image type ask for them."""
        pyradiomics = self.names == "pyradiomics"
        # how intensities become grey levels
        if settings.binCount is not None:
            levels = Discretisation(bin_number=settings.binCount, bin_width=None)
        else:
            levels = Discretisation(
                bin_number=None, bin_width=settings.binWidth, multiples=pyradiomics
            )
        region_options: dict[str, Any] = {"region": "whole", "levels": levels}
        texture = {**region_options, "dimension": "2.5D" if settings.force2D else "3D"}
        # How each family is computed, as PyRadiomics or IBSI has it.
        every: dict[str, Callable[[], FeatureFamily]] = {
            "morphology": lambda: Morphology(unit="mm", autocorrelation=False),
            "first_order": lambda: FirstOrder(region="whole"),
            "intensity_histogram": lambda: IntensityHistogram(**region_options),
            "glcm": lambda: Glcm(**texture, distances=(1,), aggregation="averaged"),
            "glrlm": lambda: Glrlm(**texture, aggregation="averaged"),
            "glszm": lambda: Glszm(**texture),
            "gldzm": lambda: Gldzm(**texture),
            "ngtdm": lambda: Ngtdm(**texture, isolated=pyradiomics),
            "ngldm": lambda: Ngldm(**texture, distance=1, coarseness=settings.gldm_a),
        }
        return {name: every[name]() for name in self.families}


def make_plan(
    parameters: Parameters | None = None,
    *,
    names: Names | None = None,
    families: Sequence[str] | str | None = None,
    bin_width: float | None = None,
    bin_count: int | None = None,
    resampled_spacing: Sequence[float] | None = None,
    label: int | None = None,
) -> ExtractionPlan:
    """Make the plan that a parameter file, or its content, and single settings ask for.

    Args:
        names: None for `pyradiomics` with a parameter file, `ibsi` without.
        families: One or several of `FAMILIES`, in place of the file's `featureClass`; None for
            the file's.
        bin_width: As the following a setting that goes before that of the file; None leaves it.
        resampled_spacing: Of slices, rows and columns, mm; 0 leaves an axis, such as the slices of
            a plane image.

    Raises:
        OptionError: An unknown parameter, or one that would change values and that skiagram lacks.
    """
    # Single options that contradict each other.
    names = names or ("ibsi" if parameters is None else "pyradiomics")
    if names not in get_args(Names):
        raise refusal(
            "radiomics.unknown_names",
            names=names,
        )
    if bin_width is not None and bin_count is not None:
        raise refusal(
            "radiomics.width_and_count",
            bin_width=bin_width,
            bin_count=bin_count,
        )
    if resampled_spacing is not None:
        _check_spacing(resampled_spacing, "resampled_spacing", "slices, rows and columns")
    # the parts of the file
    form = "parts of the form `imageType:`, with lines of the form `name: value` below"
    if not (parameters is None or isinstance(parameters, Mapping)):
        parameters = read_option_file(Path(parameters))
    whole = _named(parameters, "parameters", form)
    unknown = set(whole) - {"setting", "imageType", "featureClass", "voxelSetting"}
    if unknown:
        raise refusal("radiomics.no_part", part=min(unknown))
    remarks = ["Voxel-wise maps are not made."] if whole.get("voxelSetting") else []
    # its settings, and those that go before them
    values = _named(whole.get("setting"), "setting", "lines of the form `binWidth: 25`")
    single = {
        "binWidth": bin_width,
        "binCount": bin_count,
        "resampledPixelSpacing": None if resampled_spacing is None else [*resampled_spacing][::-1],
        "label": label,
    }
    values |= {name: value for name, value in single.items() if value is not None}
    if names == "pyradiomics":
        values.setdefault("label", 1)
    settings = _settings(values, "setting")
    # the images, and the features of each
    types, type_remarks = _image_types(whole.get("imageType"), values, settings)
    form = "lines of the form `glcm: [Contrast]`, or `glcm:` for all features"
    classes = _named(whole.get("featureClass"), "featureClass", form)
    chosen, further = _families(classes, names, families)
    return ExtractionPlan(names, settings, types, chosen, (*remarks, *type_remarks, *further))


def _image_types(
    part: Any, values: Mapping[str, Any], settings: Settings
) -> tuple[tuple[tuple[ImageType, Settings], ...], list[str]]:
    """Return the types of images of a file, each with its settings, and those that are not made.

    Args:
        part: `imageType` of the file.
        values: Settings of all types, from which those of one may differ.
        settings: The same, checked.
    """
    types: list[tuple[ImageType, Settings]] = []
    remarks = []
    form = "lines of the form `Original: {}`"
    # A file without types of images means the image itself.
    kinds = _named(part, "imageType", form) or {"Original": {}}
    for kind, special in kinds.items():
        if kind in _THEIRS["other_types"]:
            remarks.append(f"skiagram makes no images of type {kind}.")
            continue
        image_type: ImageType | None = next((n for n in get_args(ImageType) if n == kind), None)
        if image_type is None:
            raise refusal(
                "radiomics.no_image_type",
                image_type=kind,
                types=get_args(ImageType),
            )
        # A type may have settings of its own.
        where = f"imageType.{kind}"
        own = _named(special, where, "lines of the form `binWidth: 25`, or {}")
        specially = _settings({**values, **own}, where) if own else settings
        if kind == "LoG" and not specially.sigma:
            raise refusal("radiomics.no_sigma", where)
        types.append((image_type, specially))
    return tuple(types), remarks


def _named(part: Any, where: str, form: str) -> dict[str, Any]:
    """Read what a part of a parameter file names; an empty part names nothing."""
    if part is None or part == []:
        return {}
    if not isinstance(part, Mapping) or not all(isinstance(name, str) for name in part):
        kind = "names that are no words" if isinstance(part, Mapping) else f"`{str(part)[:40]}`"
        raise refusal("radiomics.no_names", where, part=kind, form=form)
    return dict(part)


def _settings(values: Mapping[str, Any], where: str) -> Settings:
    # Settings for which there is one definition here.
    for name, only in _THEIRS["only"].items():
        if name in values and values[name] not in only:
            raise refusal(
                "radiomics.one_definition",
                f"{where}.{name}",
                value=values[name],
                allowed=only,
            )
    # All others, without those that change nothing.
    rest = {
        name: value
        for name, value in values.items()
        if name not in _THEIRS["only"]
        and name not in _THEIRS["without_effect"]
        and not name.startswith("lbp")
    }
    rest = {name: value for name, value in rest.items() if value is not None}
    settings = check(Settings, rest, where)
    if settings.interpolator not in INTERPOLATORS:
        raise refusal(
            "radiomics.interpolator",
            f"{where}.interpolator",
            interpolator=settings.interpolator,
        )
    if settings.wavelet != Settings.wavelet:
        import pywt

        if settings.wavelet not in pywt.wavelist(kind="discrete"):
            raise refusal(
                "radiomics.no_wavelet",
                f"{where}.wavelet",
                wavelet=settings.wavelet[:40],
                families=pywt.families(),
            )
    if settings.resampledPixelSpacing is not None:
        asked = f"{where}.resampledPixelSpacing"
        _check_spacing(settings.resampledPixelSpacing, asked, "columns, rows and slices")
    return settings


def _check_spacing(spacing: Sequence[float], where: str, axes: str) -> None:
    if len(spacing) != 3 or min(spacing) < 0:
        raise refusal(
            "radiomics.resampled_spacing",
            where,
            distances=", ".join(f"{distance:g}" for distance in spacing) or "nothing",
            axes=axes,
        )


def _families(
    classes: Mapping[str, Any] | None, names: Names, families: Sequence[str] | str | None
) -> tuple[dict[str, tuple[str, ...] | None], list[str]]:
    """Return the chosen features of each family, and what skiagram lacks."""
    # Families that are named go before those of a file.
    if isinstance(families, str):
        families = (families,)
    if families is not None:
        unknown = [name for name in families if name not in FAMILIES]
        if unknown:
            raise refusal(
                "radiomics.no_family",
                family=unknown[0],
                families=FAMILIES,
            )
        return dict.fromkeys(families), []
    # Without a file all families; with one, its classes.
    if not classes:
        return {
            family: None for family, class_name in FAMILIES.items() if class_name or names == "ibsi"
        }, _without(dict.fromkeys(_THEIRS["classes"]) if names == "pyradiomics" else {})
    if unknown := [name for name in classes if name not in (*_THEIRS["classes"], "shape2D")]:
        raise refusal("radiomics.no_class", name=unknown[0])
    remarks = ["skiagram has no features of class shape2D."] if "shape2D" in classes else []
    for name, features in classes.items():
        listed = isinstance(features, list | tuple) and all(
            isinstance(each, str) for each in features
        )
        if not (features is None or listed):
            raise refusal(
                "radiomics.no_list_of_features",
                f"featureClass.{name}",
                features=str(features)[:40],
                name=name,
            )
    # The features of each family, by the class of PyRadiomics that it stands for.
    features_by_class = {
        name: tuple(chosen) if chosen else None for name, chosen in classes.items()
    }
    features_by_class.pop("shape2D", None)
    chosen: dict[str, tuple[str, ...] | None] = {}
    for family, class_name in FAMILIES.items():
        if class_name in features_by_class:
            theirs = features_by_class[class_name]
            chosen[family] = (
                None if theirs is None else tuple(f"{class_name}_{feature}" for feature in theirs)
            )
    return chosen, [*remarks, *_without(features_by_class)]


def _without(features_by_class: Mapping[str, tuple[str, ...] | None]) -> list[str]:
    """Say which of the features asked for skiagram lacks; refuse names that PyRadiomics has not.

    Args:
        features_by_class: PyRadiomics' class → its features; None for all.

    Returns:
        Remarks.

    Raises:
        OptionError: PyRadiomics has no such feature.
    """
    # Names that are known, as skiagram has them or as it lacks them.
    settings = Settings()
    plan = ExtractionPlan("pyradiomics", settings, (), dict.fromkeys(FAMILIES))
    families, remarks = plan.build(settings), []
    for class_name, theirs in features_by_class.items():
        present = {
            definition.pyradiomics.removeprefix(f"{class_name}_")
            for family, kind in FAMILIES.items()
            if kind == class_name
            for definition in families[family].definitions()
        }
        # What PyRadiomics has and skiagram has not, as far as it is asked for.
        missing = [
            feature
            for feature in _THEIRS["lacked"].get(class_name, ())
            if theirs is None or feature in theirs
        ]
        available = present.union(missing, _THEIRS["derived"].get(class_name, ()))
        # What neither has is a slip of the pen.
        if theirs is not None and (
            unknown := [feature for feature in theirs if feature not in available]
        ):
            raise refusal(
                "radiomics.no_feature",
                f"featureClass.{class_name}",
                feature=unknown[0],
                allowed=sorted(available - {""}),
            )
        if missing:
            remarks.append(
                f"skiagram lacks these features of class {class_name}: {', '.join(missing)}."
            )
    return remarks
