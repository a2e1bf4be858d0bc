"""Headers as files have them: what is refused names the field, and what can be read is read."""

import warnings
from pathlib import Path

import pytest

from skiagram.errors import DataError
from skiagram.readers.dicom_series import decode_series
from skiagram.readers.volume_files import decode_volume
from tests.readers.examples import series_files
from tests.readers.test_dicom import WINDOWED, read_stored
from tests.readers.test_suv import expected, factor, pet_files
from tests.readers.test_volume_files import meta_image_bytes, nrrd_bytes
from tests.yaml_rows import load_yaml

ROWS = load_yaml(Path(__file__).with_name("headers.yaml"))
READ = {
    "a DICOM image": lambda header: read_stored(**WINDOWED | header),
    "a DICOM series": lambda header: decode_series(series_files(**header), "s"),
    "a DICOM series with another first slice": lambda header: decode_series(
        [*series_files()[1:], *series_files(**header)[:1]], "s"
    ),
    "a PET series": lambda header: decode_series(pet_files(header), "p"),
    "the injection of a PET series": lambda header: decode_series(pet_files({}, header), "p"),
    "an NRRD volume": lambda header: decode_volume(nrrd_bytes(**header), "v"),
    "a MetaImage volume": lambda header: decode_volume(meta_image_bytes(**header), "v"),
}


@pytest.mark.parametrize("kind", READ)
def test_a_header_without_one_reading_is_refused_by_its_field(kind):
    for row in ROWS["refused"][kind]:
        with warnings.catch_warnings(action="ignore"), pytest.raises(DataError) as raised:
            READ[kind](row["header"])
        assert row["said"] in str(raised.value)
        assert "\n" not in str(raised.value)


def test_spacing_is_that_of_the_file_and_an_unusable_one_is_unknown():
    for row in ROWS["spacings"]:
        spacing = row["spacing"] and tuple(row["spacing"])
        assert read_stored(**row["header"]).spacing == spacing, row


@pytest.mark.parametrize("kind", ROWS["uptakes"])
def test_uptake_is_activity_over_what_is_left_of_the_dose_per_gram(kind):
    row = ROWS["uptakes"][kind]
    files = pet_files(*(row.get(part, {}) for part in ("fields", "injection", "slices")))
    half_life = {"half_life": row["half_life"]} if "half_life" in row else {}
    assert factor(files) == pytest.approx(expected(row["seconds"], **half_life), rel=1e-4)
    assert factor(files[::-1]) == pytest.approx(factor(files), rel=1e-6)
