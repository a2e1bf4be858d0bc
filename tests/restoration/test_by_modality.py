"""Cases with several images: each modality has its steps, and its features their own names."""

import re
from pathlib import Path

import pytest
from numpy.testing import assert_array_equal

from skiagram.case_features.extraction import extract, extract_modalities
from skiagram.errors import DataError, OptionError
from skiagram.features.first_order import FirstOrder
from skiagram.image_store.store import ImageStore, modality_folders, write_modalities
from skiagram.options import build, read_option_file
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.files import read_record
from skiagram.restoration.regions import RegionPreparation, Resampling
from skiagram.restoration.restore import ByModality, restore_modalities
from skiagram.restoration.steps import Steps
from skiagram.tasks.cases import Cases
from tests.two_modalities import ingest_study, write_study


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """An ingested study of two images a case."""
    project = tmp_path_factory.mktemp("project")
    write_study(project, 4)
    return ingest_study(project, "cv")


def _steps(spacing):
    resampling = Resampling(spacing=(None, spacing, spacing), order="linear", rounding=False)
    region = RegionPreparation(
        resampling=resampling, normalisation=None, resegmentation=None, margin=2.0
    )
    return Steps(missing=None, outliers=None, denoising=None, region=region)


@pytest.mark.slow
def test_each_modality_is_restored_and_described_as_if_it_were_alone(folders, tmp_path):
    assert read_record(Preparation, folders.images / PREPARATION).modalities == ("PET", "MR")
    cases = Cases.read(folders.cases / "cases.parquet")
    steps = {"PET": _steps(2.0), "MR": _steps(None)}
    restored = tmp_path / "restored"
    restore_modalities(folders.images, ByModality(modalities=steps), restored, cases)
    stores = {name: ImageStore(path) for name, path in modality_folders(restored).items()}
    assert {len(store) for store in stores.values()} == {4}
    assert stores["PET"].spacing(cases.case_id[0]) == (3.0, 2.0, 2.0)
    assert stores["MR"].spacing(cases.case_id[0]) == (3.0, 2.0, 2.0)
    families = [FirstOrder(region="whole")]
    table = extract_modalities(restored, families)
    for name, store in stores.items():
        alone = extract(store, families).of(table.case_id)
        beside = table.columns([f"{name}.{feature}" for feature in alone.names])
        assert_array_equal(beside.values, alone.values)


@pytest.mark.slow
def test_steps_that_do_not_fit_the_modalities_are_refused(folders, tmp_path):
    cases = Cases.read(folders.cases / "cases.parquet")
    steps = ByModality(modalities={"CT": _steps(None)})
    with pytest.raises(OptionError, match=r"steps for CT.*Allowed: PET, MR"):
        restore_modalities(folders.images, steps, tmp_path / "r", cases)
    with pytest.raises(DataError, match=r"the modality `\.\./x`"):
        write_modalities(tmp_path, ["PET", "../x"])


@pytest.mark.parametrize(
    ("old", "new", "images", "message", "code"),
    [
        ("p01/MR_image.nii.*", "", "--images PET MR", "a case without an image of `MR`", 4),
        (",MR,p01", ",MR,p00", "--images PET MR", "a second image of `MR`", 4),
        ("", "", "--images CT", "no image of `CT`", 2),
        ("", "", "", "2 modalities", 2),
    ],
)
def test_a_table_without_one_image_per_case_and_modality_is_refused(
    here, terminal, old, new, images, message, code
):
    write_study(here, 4)
    text = re.sub(old, new, Path("study.csv").read_text()).replace("\n\n", "\n")
    Path("study.csv").write_text(text)
    line = f"check study study.csv --positive b --ignore-unlisted {images}"
    terminal.says(line, message, code)


@pytest.mark.slow
def test_the_option_file_for_pet_and_mr_can_be_built():
    conf = Path(__file__).parents[2] / "conf/restoration/region_pet_mr.yaml"
    assert set(build(read_option_file(conf), "restoration").modalities) == {"PET", "MR_T1"}
