"""Every response map and every reference value of the IBSI's second chapter.

Whybra et al., Radiology 310(2), 2024; reference manual arXiv:2006.05470, chapter 4.
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from skiagram.features.first_order import first_order_statistics
from skiagram.options import build
from skiagram.restoration.regions import (
    RegionPreparation,
    Resampling,
    Resegmentation,
)
from tests.features.ibsi_reference import Reference, read, tags
from tests.yaml_rows import load_yaml

pytestmark = pytest.mark.slow


MARGIN = 40.0  # mm around the region of a volume: far more than a filter here looks for
FILTERS = load_yaml(Path(__file__).with_name("ibsi_filters.yaml"))
MAPS = FILTERS["maps"]


def filter_of(*, kind, **options):
    return build(FILTERS["kinds"][kind] | options, "filter")


@pytest.mark.parametrize("name", MAPS)
def test_a_response_map(name, real_data):
    folder = real_data / "ibsi"
    phantom = MAPS[name]["phantom"]
    chosen = filter_of(**{name: value for name, value in MAPS[name].items() if name != "phantom"})
    image, spacing = read(folder / "2_digital_phantoms" / phantom / "image" / f"{phantom}.nii.gz")
    expected, _ = read(folder / "2_response_maps" / f"{name}-ValidCRM.nii.gz")
    found = chosen.respond(image, spacing)
    assert np.abs(found - expected).max() <= 0.01 * np.ptp(expected)


def test_every_response_map_is_asked(real_data):
    files = (real_data / "ibsi" / "2_response_maps").glob("*.nii.gz")
    assert {file.name.split("-")[0] for file in files} == set(MAPS)


@cache
def prepared(folder, axes):
    image, spacing = read(folder / "1_ct_phantom/image/phantom.nii.gz")
    mask, _ = read(folder / "1_ct_phantom/mask/mask.nii.gz")
    resampling = Resampling(spacing=(1.0, 1.0, 1.0), order="cubic", rounding=True)
    return RegionPreparation(
        resampling=resampling if axes == 3 else None,
        normalisation=None,
        resegmentation=Resegmentation(lowest=-1000.0, highest=400.0, deviations=None),
        margin=MARGIN if axes == 3 else None,
    ).prepare(image, mask > 0, spacing)


@pytest.mark.parametrize("name", FILTERS["values"])
def test_values_of_a_filtered_region(name, real_data):
    folder, options = real_data / "ibsi", FILTERS["values"][name]
    with (folder / "2_reference_values.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row["filter_id"] == name]
    asked = [
        Reference(row["feature_tag"], float(row["consensus_value"]), float(row["tolerance"]))
        for row in rows
        if row["consensus_value"]  # one value has found none
    ]
    assert len(asked) == (17 if name == "8.B" else 18)
    region = prepared(folder, 2 if name.endswith("A") else 3)
    image = region.image
    if options is not None:
        image = filter_of(**options).respond(image, region.spacing)
    statistics = first_order_statistics(image[region.inside][None])
    of_tag = {tag: feature for feature, tag in tags("first_order").items()}
    found = {
        one.tag: float(statistics[of_tag[one.tag].removeprefix("first_order_")][0]) for one in asked
    }
    assert [(one, found[one.tag]) for one in asked if not one.met_by(found[one.tag])] == []
