"""A whole radiomics study, 51 patients with PET and MR, beside MIRP on some of its patients.

    SKIAGRAM_DATA=<folder with sts/> python -m benchmarks.radiomics_study [PATIENTS]

Files to feature table, one thread, seconds of the processor: ours reads, checks, resamples and
describes all patients as the stages ingest, restore and extract do. The peer does some patients
with the same voxels, grey levels and families, but without morphology, where it compares all pairs
of voxels (Moran's I and Geary's C).
"""

import logging
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from functools import partial
from importlib.metadata import version
from io import StringIO
from pathlib import Path

from benchmarks.common import GREY_LEVELS
from threadpoolctl import threadpool_limits

from skiagram.case_features.extraction import build_families, extract_modalities
from skiagram.cli.main import main as skiagram
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.image_store.store import modality_folders
from skiagram.options import build, read_option_file
from skiagram.restoration.restore import restore_modalities
from skiagram.tasks.cases import Cases

CONF = Path(__file__).resolve().parents[1] / "conf"
FAMILIES = (
    *("morphology", "first_order", "intensity_histogram", "intensity_volume_histogram"),
    *("local_intensity", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm"),
)
PEER_FAMILIES = (
    *("statistics", "intensity_histogram", "intensity_volume_histogram", "local_intensity"),
    *("glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm"),
)
PATTERNS = ("nifti/{patient}/{modality}_{kind}.nii.gz", "dicom/{patient}/{modality}/{kind}")
SPACING = {"PET": (3.0, 3.0, 3.0), "MR_T1": (3.0, 1.0, 1.0)}  # mm, region_pet_mr.yaml


def options(group: str, name: str) -> dict[str, object]:
    """Return the values of a config."""
    return read_option_file(CONF / group / f"{name}.yaml")


def name_files(study: Path) -> None:
    """Write the data set's config and manifest here, as the README's two commands do."""
    Path("conf/dataset").mkdir(parents=True)
    with redirect_stdout(StringIO()):
        labels = str(study / "outcome.csv")
        skiagram(["table", str(study), labels, "sts.csv", "--pattern", *PATTERNS])
        words = ["--label", "lung_metastasis", "--positive", "1", "--images", "PET", "MR_T1"]
        skiagram(["init", str(study), "sts.csv", "--name", "sts", *words])


def describe(place: Path) -> tuple[int, int]:
    """Do what ingest, restore and extract do; return numbers of cases and features."""
    source = build(read_option_file(Path("conf/dataset/sts.yaml")), "dataset")
    folders = IngestFolders(*(place / name for name in ("images", "cases", "sealed")))
    ingest(source, "cv", Path(os.environ["SKIAGRAM_DATA"]), folders)
    restoration = build(options("restoration", "region_pet_mr"), "restoration")
    cases = Cases.read(folders.cases / "cases.parquet")
    restore_modalities(folders.images, restoration, place / "restored", cases)
    families = build_families({name: options("features", name) for name in FAMILIES})
    table = extract_modalities(place / "restored", families)
    table.write(place / "features.parquet")
    assert set(modality_folders(place / "restored")) == {"PET", "MR_T1"}
    return table.values.shape


def describe_with_mirp(image: Path, mask: Path, spacing: tuple[float, ...]) -> None:
    """Resample one image and compute the same families with MIRP."""
    from mirp import extract_features

    extract_features(
        image=str(image), mask=str(mask), new_spacing=spacing,
        base_feature_families=list(PEER_FAMILIES),
        base_discretisation_method="fixed_bin_number", base_discretisation_n_bins=GREY_LEVELS,
        ivh_discretisation_method="fixed_bin_number", ivh_discretisation_n_bins=1000,
        glcm_distance=[1.0, 2.0, 4.0], glcm_spatial_method="3d_average",
        glrlm_spatial_method="3d_average", glszm_spatial_method="3d", gldzm_spatial_method="3d",
        ngtdm_spatial_method="3d", ngldm_spatial_method="3d",
    )  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    """Return the processor's seconds of some work."""
    started = time.process_time()
    work()
    return time.process_time() - started


def main() -> None:
    """Measure the study, and the peer on some patients."""
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    study = Path(os.environ["SKIAGRAM_DATA"]) / "sts"
    shapes: list[tuple[int, int]] = []
    with threadpool_limits(1), tempfile.TemporaryDirectory() as place, chdir(place):
        name_files(study)
        taken_here = seconds(lambda: shapes.append(describe(Path(place))))
    cases, features = shapes[0]
    print(
        f"skiagram: {cases} patients, PET and MR, {features} features: {taken_here:.1f} s",
        flush=True,
    )
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    folders = sorted((study / "nifti").iterdir())[:patients]
    with threadpool_limits(1):
        _describe_with_mirp(folders[0], "PET")  # what it compiles and imports is not counted
        for folder in folders:
            taken = [seconds(partial(_describe_with_mirp, folder, name)) for name in SPACING]
            told = ", ".join(
                f"{name} {one:.1f} s" for name, one in zip(SPACING, taken, strict=True)
            )
            print(f"MIRP {version('mirp')}, {folder.name}: {told}", flush=True)


def _describe_with_mirp(folder: Path, modality: str) -> None:
    image, mask = (folder / f"{modality}_{kind}.nii.gz" for kind in ("image", "mask"))
    describe_with_mirp(image, mask, SPACING[modality])


if __name__ == "__main__":
    main()
