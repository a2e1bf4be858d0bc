"""Cases with several images: each modality has its steps, and its features their own names."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.case_features.extraction import extract, extract_modalities
from skiagram.cli.main import main
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.errors import DataError, OptionError
from skiagram.features.first_order import FirstOrder
from skiagram.image_store.store import ImageStore, modality_folders, write_modalities
from skiagram.options import build, read_option_file
from skiagram.preparation import PREPARATION, Preparation
from skiagram.readers.grid import VoxelGrid
from skiagram.records.files import read_record
from skiagram.restoration.regions import RegionPreparation, Resampling
from skiagram.restoration.restore import ByModality, restore_modalities
from skiagram.restoration.steps import Steps
from skiagram.tasks.cases import Cases
from tests.readers.examples import nifti_bytes

REPOSITORY = Path(__file__).parents[2]
AXES = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
GRIDS = {
    "PET": VoxelGrid((5, 8, 9), (3.0, 4.0, 4.0), (0.0, 0.0, 0.0), AXES),
    "MR": VoxelGrid((5, 16, 18), (3.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXES),
}


def _write_study(folder, patients=4):
    lines = ["file,mask,modality,patient_id,label"]
    for number in range(patients):
        for at, (modality, grid) in enumerate(GRIDS.items()):
            generator = np.random.default_rng([number, at])
            mask = np.zeros(grid.shape, np.uint8)
            mask[1:4, 2:-2, 2:-2] = 1
            voxels = generator.normal(10 * (at + 1), 1, grid.shape).astype(np.float32)
            names = [f"p{number}_{modality}_{kind}.nii" for kind in ("image", "mask")]
            folder.mkdir(exist_ok=True)
            (folder / names[0]).write_bytes(nifti_bytes(voxels, grid))
            (folder / names[1]).write_bytes(nifti_bytes(mask, grid))
            lines.append(f"{names[0]},{names[1]},{modality},p{number},{'ab'[number % 2]}")
    (folder.parent / "study.csv").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """An ingested study of two images a case."""
    project = tmp_path_factory.mktemp("project")
    _write_study(project / "study")
    (project / "conf/dataset").mkdir(parents=True)
    shutil.copytree(REPOSITORY / "conf/restoration", project / "conf/restoration")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        patch.delenv("SKIAGRAM_DATA", raising=False)
        arguments = ["study", "study.csv", "--positive", "b", "--images", "PET", "MR"]
        assert main(["init", *arguments]) == 0
        source = build(read_option_file(project / "conf/dataset/study.yaml"), "dataset")
        made = IngestFolders(*(project / name for name in ("images", "cases", "sealed")))
        ingest(source, "cv", None, made)
        yield made


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
    restored, record = tmp_path / "restored", tmp_path / "treatment.parquet"
    restore_modalities(folders.images, ByModality(modalities=steps), restored, record, cases)
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
    means = table.columns(["PET.first_order_mean", "MR.first_order_mean"]).values
    assert_allclose(means, [[10, 20]] * 4, atol=0.5)


@pytest.mark.slow
def test_steps_that_do_not_fit_the_modalities_are_refused(folders, tmp_path):
    cases = Cases.read(folders.cases / "cases.parquet")
    steps = ByModality(modalities={"CT": _steps(None)})
    with pytest.raises(OptionError, match=r"steps for CT.*Allowed: PET, MR"):
        restore_modalities(folders.images, steps, tmp_path / "r", tmp_path / "t.parquet", cases)
    with pytest.raises(DataError, match=r"the modality `\.\./x`"):
        write_modalities(tmp_path, ["PET", "../x"])


@pytest.mark.parametrize(
    ("change", "images", "message"),
    [
        (("p1_MR_image.nii", None), ("PET", "MR"), "a case without an image of `MR`"),
        ((",MR,p1", ",MR,p0"), ("PET", "MR"), "a second image of `MR`"),
        ((",PET,p0", ",PET,p0"), ("CT",), "no image of `CT`"),
        ((",PET,p0", ",PET,p0"), (), "2 modalities"),
    ],
)
def test_a_table_without_one_image_per_case_and_modality_is_refused(
    tmp_path,
    capsys,
    change,
    images,
    message,
):
    _write_study(tmp_path / "study")
    old, new = change
    lines = (tmp_path / "study.csv").read_text().splitlines()
    kept = [line.replace(old, new or "") for line in lines if new is not None or old not in line]
    (tmp_path / "study.csv").write_text("\n".join(kept) + "\n")
    arguments = [str(tmp_path / "study"), str(tmp_path / "study.csv"), "--positive", "b"]
    code = main(
        ["check", *arguments, "--ignore-unlisted", *(["--images", *images] if images else [])]
    )
    assert code in (2, 4)
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_the_option_file_for_pet_and_mr_can_be_built():
    conf = Path(__file__).parents[2] / "conf/restoration/region_pet_mr.yaml"
    assert set(build(read_option_file(conf), "restoration").modalities) == {"PET", "MR_T1"}
