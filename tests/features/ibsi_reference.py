"""The IBSI's reference values and the configurations that they belong to.

Zwanenburg et al., Radiology 295:328, 2020; reference manual arXiv:1612.07003, chapters 5 and 6.
Names of features as in the manual's submission table.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from skiagram.features.batch import FeatureBatch
from skiagram.features.discretisation import Discretisation
from skiagram.features.first_order import FirstOrder
from skiagram.features.glcm import Glcm
from skiagram.features.gldzm import Gldzm
from skiagram.features.glrlm import Glrlm
from skiagram.features.glszm import Glszm
from skiagram.features.intensity_histogram import IntensityHistogram
from skiagram.features.intensity_volume_histogram import IntensityVolumeHistogram
from skiagram.features.local_intensity import LocalIntensity
from skiagram.features.morphology import Morphology
from skiagram.features.ngldm import Ngldm
from skiagram.features.ngtdm import Ngtdm
from skiagram.options import check
from skiagram.restoration.regions import RegionOfInterest, RegionPreparation
from tests.yaml_rows import load_yaml, read_rows

DIMENSIONS = (("2D", "_2D"), ("2.5D", "_2_5D"), ("3D", "_3D"))
WAYS = (("averaged", "_avg"), ("merged", "_comb"))
FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Reference:
    """A published value, and by how much a result may differ."""

    tag: str
    value: float
    tolerance: float

    def met_by(self, found):
        """Return whether a result, rounded as published values are, is within the tolerance."""
        near = float(f"{found:.3g}")
        digits = 1e-9 * max(1.0, abs(self.value))
        return min(abs(near - self.value), abs(found - self.value)) <= self.tolerance + digits


@dataclass(frozen=True)
class Configuration:
    """How the CT phantom is processed."""

    preparation: RegionPreparation
    levels: Discretisation
    curve: IntensityVolumeHistogram

    @classmethod
    def of(cls, preparation, levels, curve):
        """Return the configuration of a row of options."""
        return cls(
            check(RegionPreparation, preparation, "preparation"),
            check(Discretisation, levels, "levels"),
            check(IntensityVolumeHistogram, curve, "curve"),
        )


CONFIGURATIONS = read_rows(__file__, "configurations", Configuration.of)
PHANTOM = np.array(load_yaml(Path(__file__).with_suffix(".yaml"))["phantom"])


@cache
def read(path):
    """Return a NIfTI file's values (depth, height, width) and their spacing in mm."""
    import nibabel

    image = nibabel.load(path)
    spacing = tuple(round(float(step), 6) for step in image.header.get_zooms()[2::-1])
    return np.ascontiguousarray(image.get_fdata().T), spacing


def references(path):
    """Return the published values of a file of `1_reference_values`."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [Reference(row["tag"], float(row["value"]), float(row["tolerance"])) for row in rows]


def families(levels, curve):
    """Return every family of the manual once, with the end of its features' tags."""
    yield "", Morphology(unit="mm", autocorrelation=True)
    yield "", LocalIntensity()
    yield "", FirstOrder(region="whole")
    yield "", IntensityHistogram(levels=levels, region="whole")
    yield "", curve
    for dimension, end in DIMENSIONS:
        texture = {"levels": levels, "region": "whole", "dimension": dimension}
        for aggregation, how in WAYS:
            yield end + how, Glcm(**texture, distances=(1,), aggregation=aggregation)
            yield end + how, Glrlm(**texture, aggregation=aggregation)
        for family in (Glszm, Gldzm, Ngtdm):
            yield end, family(**texture)
        yield end, Ngldm(**texture, distance=1, coarseness=0)


@cache
def tags(family):
    """Return the tags of a family's features, without what tells the aggregation.

    MIRP calls its features alike.
    """
    with (FOLDER / "tags.csv").open(encoding="utf-8") as file:
        rows = [(row["feature"], row["tag"]) for row in csv.DictReader(file)]
    return {feature: tag for feature, tag in rows if feature.startswith(f"{family}_")}


def features(region, levels, curve):
    """Compute every feature of a region, by tag."""
    batch = FeatureBatch(
        region.image[None, ..., None].astype(np.float32),
        region.inside[None],
        np.array([region.spacing]),
        region.outline[None],
    )
    found = {}
    for end, family in families(levels, curve):
        known = tags(family.prefix)
        row = dict(zip(family.names(), family.extract(batch)[0], strict=True))
        found |= {tag + end: float(row[name]) for name, tag in known.items()}
    return found


def diagnostics(image, mask, spacing, preparation):
    """Return what the manual asks about the steps of the processing, and the prepared region."""
    before = RegionOfInterest(image, mask, mask, spacing)
    resampled = before
    if preparation.resampling is not None:
        values, outline, wanted = preparation.resampling.resample(image, mask, spacing)
        resampled = RegionOfInterest(values, outline, outline, wanted)
    after = preparation.prepare(image, mask, spacing)
    found = _of_image(before, "init_img") | _of_image(resampled, "interp_img")
    for region, end in ((before, "init_roi"), (resampled, "interp_roi"), (after, "reseg_roi")):
        found |= _of_region(region, end)
    return found, after


def _of_image(region, end):
    image = region.image
    found = {"mean_int": image.mean(), "min_int": image.min(), "max_int": image.max()}
    for axis, name in enumerate("zyx"):
        found[f"img_dim_{name}"] = image.shape[axis]
        found[f"vox_dim_{name}"] = region.spacing[axis]
    return {f"{name}_{end}": float(value) for name, value in found.items()}


def _of_region(region, end):
    values = region.image[region.inside]
    found = {
        "int_mask_mean_int": values.mean(),
        "int_mask_min_int": values.min(),
        "int_mask_max_int": values.max(),
    }
    for kind, mask in (("int", region.inside), ("morph", region.outline)):
        found[f"{kind}_mask_vox_count"] = mask.sum()
        for axis, name in enumerate("zyx"):
            places = np.nonzero(mask)[axis]
            found[f"{kind}_mask_dim_{name}"] = mask.shape[axis]
            found[f"{kind}_mask_bb_dim_{name}"] = float(np.ptp(places) + 1)
    return {f"{name}_{end}": float(value) for name, value in found.items()}
