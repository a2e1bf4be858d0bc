"""A study as researchers have it, with its faults: each is named by `check` as by the run."""

import csv
import struct
from pathlib import Path

import nibabel
import numpy as np
import pytest

from skiagram.audit.composition import describe_region, described_regions
from skiagram.cli.main import main
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.images import Region
from skiagram.options import build, read_option_file
from skiagram.readers.grid import VoxelGrid
from tests.datasets.own_folders import initialised
from tests.datasets.sources import ingested
from tests.readers.examples import nifti_bytes, segmentation, series_files, structure_set
from tests.terminal import Terminal

SHAPE = (4, 12, 14)
AXES = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
GRID = VoxelGrid(SHAPE, (3.0, 0.8, 0.9), (-10.0, 20.0, 5.5), AXES)
VALUES = np.random.default_rng(0).integers(0, 500, SHAPE).astype(np.int16)
MASK = np.zeros(SHAPE, np.uint8)
MASK[1:3, 1:4, 2:5] = 1
MOVED = VoxelGrid(SHAPE, GRID.spacing, (0.0, 0.0, 0.0), GRID.direction)
COARSE = VoxelGrid(SHAPE, (3.0, 1.6, 1.8), GRID.origin, GRID.direction)
TURNED = VoxelGrid(SHAPE, GRID.spacing, GRID.origin, (AXES[0], (0.0, -1.0, 0.0), AXES[2]))


def _four_axes() -> bytes:
    content = bytearray(nifti_bytes(VALUES, GRID))
    content[40:56] = struct.pack("<8h", 4, 14, 12, 2, 2, 1, 1, 1)
    return bytes(content)


def _contours() -> bytes:
    corners = [(1.0, 0.5, 1.5), (1.0, 0.5, 4.5), (1.0, 3.5, 4.5), (1.0, 3.5, 1.5)]
    return structure_set({"GTV": [GRID.positions(np.array(corners))]})


def _write_study(folder: Path) -> None:
    """Twenty patients; those of `FAULTS` have one fault each, others vary what is allowed."""
    rows = []
    for number in range(20):
        patient = f"p{number:02d}"
        path = folder / patient
        path.mkdir(parents=True)
        voxels = np.random.default_rng(number).integers(0, 500, SHAPE).astype(np.int16)
        (path / "image.nii").write_bytes(nifti_bytes(voxels, GRID))
        (path / "mask.nii").write_bytes(nifti_bytes(MASK, GRID))
        label = ("no", "yes")[number % 2]
        rows.append([f"{patient}/image.nii", f"{patient}/mask.nii", patient, label, ""])
    replaced = {
        "p01/mask.nii": nifti_bytes(MASK, MOVED),
        "p02/mask.nii": nifti_bytes(MASK, COARSE),
        "p03/mask.nii": nifti_bytes(MASK, TURNED),
        "p04/mask.nii": nifti_bytes(MASK * 0, GRID),
        "p05/mask.nii": nifti_bytes(MASK + (np.roll(MASK, 1, axis=0) * 2), GRID),
        "p06/image.nii": _four_axes(),
        "p07/mask.nii": nifti_bytes(MASK.astype(np.float64), GRID),  # allowed
        "p08/mask.nii": _contours(),  # allowed
        "p09/mask.nii": segmentation({"GTV": MASK > 0}, GRID),  # allowed
        "p10/mask.nii": nifti_bytes(MASK * 0.4, GRID),
        "p15/image.nii": nifti_bytes(VALUES, GRID)[:900],
    }
    for name, content in replaced.items():
        (folder / name).write_bytes(content)
    series = {
        "p11": [series_files(VALUES, GRID)[at] for at in (0, 2, 3)],
        "p12": [*series_files(VALUES, GRID)[:2], *series_files(VALUES, GRID, "1.2.4")[2:]],
        "p13": series_files(VALUES, GRID),  # allowed
    }
    for patient, files in series.items():
        (folder / patient / "series").mkdir()
        (folder / patient / "image.nii").unlink()
        rows[int(patient[1:])][0] = f"{patient}/series"
        for name, content in files:
            (folder / patient / "series" / name).write_bytes(content)
    rows[14][1] = ""
    (folder / "p14/mask.nii").unlink()
    rows[5][4] = ""
    rows[16][4] = "1"  # allowed
    with (folder.parent / "study.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "mask", "patient_id", "label", "label_value"])
        table.writerows(rows)


FAULTS = {
    "p01/mask.nii": "the first voxel",
    "p02/mask.nii": "spacing 3 × 1.6 × 1.8 mm, the image 3 × 0.8 × 0.9 mm",
    "p03/mask.nii": "mm away",
    "p04/mask.nii": "an empty mask",
    "p05/mask.nii": "labels (1, 2",
    "p06/image.nii": "4 axes (14 × 12 × 2 × 2)",
    "p10/mask.nii": "values between whole numbers",
    "p11/series": "1 missing slice:",
    "p12/series": "slices of 2 series",
    "p14/image.nii": "an image without a mask",
    "p15/image.nii": "the volume cannot be read",
}


@pytest.mark.slow
def test_check_names_every_fault_with_its_remedy_and_passes_what_is_sound(
    tmp_path: Path, terminal: Terminal
) -> None:
    _write_study(tmp_path / "study")
    arguments = [str(tmp_path / "study"), str(tmp_path / "study.csv"), "--positive", "yes"]
    said = terminal(["check", *arguments], 4)
    problems = said.split("What would stop the run")[1].splitlines()[1:]
    lines = [line for line in problems if line.startswith("  ")]
    assert len(lines) == len(FAULTS)
    for name, words in FAULTS.items():
        (line,) = [line for line in lines if line.strip().startswith(name)]
        assert words in line
        assert "Do this: " in line


@pytest.mark.slow
def test_a_study_runs_with_its_regions_once_its_faults_are_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_study(tmp_path / "study")
    table = (tmp_path / "study.csv").read_text().splitlines()
    patients = {name[:3] for name in FAULTS}
    kept = [row for row in table if row[:3] not in patients]
    (tmp_path / "study.csv").write_text("\n".join(kept) + "\n")
    arguments = ["study", "study.csv", "--positive", "yes", "--ignore-unlisted"]
    folders, _ = ingested(initialised(tmp_path, monkeypatch, *arguments), tmp_path / "out", "cv")
    store = ImageStore(folders.images)
    regions = [store.region(case_id) for case_id in store.case_ids]
    assert sorted(int(region.inside.sum()) for region in regions if region) == [9] + [18] * 8
    assert {store.image(case_id).shape for case_id in store.case_ids} == {(*SHAPE, 1)}
    assert store.spacing(store.case_ids[0]) == pytest.approx(GRID.spacing)
    (tmp_path / "study/p00/mask.nii").write_bytes(nifti_bytes(np.ones(SHAPE, np.uint8), GRID))
    assert main(["init", *arguments, "--renew"]) == 0


def test_a_spacing_that_no_file_says_is_asked_for_said_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    rows = ["file,patient_id,label"]
    (tmp_path / "study").mkdir()
    for number in range(12):
        voxels = np.random.default_rng(number).integers(0, 500, SHAPE).astype(np.int16)
        image = nibabel.Nifti1Image(voxels.transpose(2, 1, 0), None)
        nibabel.save(image, tmp_path / f"study/{number}.nii")
        rows.append(f"{number}.nii,p{number},{'ab'[number % 2]}")
    (tmp_path / "study.csv").write_text("\n".join(rows))
    (tmp_path / "conf/dataset").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    words = ["study", "study.csv", "--positive", "b"]
    assert "`--unstated-spacing`" in terminal(["check", *words], 4)
    assert main(["check", *words, "--unstated-spacing", "0"]) == 2
    words += ["--unstated-spacing", "3", "1", "1"]
    shown = terminal(["check", *words], None)
    assert "says no distance of pixels, 3 × 1 × 1 mm was stated" in shown
    assert main(["init", *words]) in (0, 4)
    source = build(read_option_file(tmp_path / "conf/dataset/study.yaml"), "dataset")
    assert source.open(None).image(0).spacing == (3, 1, 1)
    assert "3 × 1 × 1 mm" in source.card().known_issues[0]


@pytest.mark.slow
def test_check_says_size_spacing_and_region_of_volumes_as_the_audit_will(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _write_study(tmp_path / "study")
    stray = np.zeros(SHAPE, np.uint8)
    stray[::3, ::6, ::6] = 1
    (tmp_path / "study/p17/mask.nii").write_bytes(nifti_bytes(stray, GRID))
    arguments = [str(tmp_path / "study"), str(tmp_path / "study.csv"), "--positive", "yes"]
    main(["check", *arguments])
    said = capsys.readouterr().out
    lines = [line.split() for line in said.splitlines()]
    assert ["slices", "4", "4", "4"] in lines
    assert ["height", "12", "12", "12"] in lines
    assert ["slice", "spacing,", "mm", "3", "3", "3"] in lines
    assert ["region,", "voxels", "9", "18", "18"] in lines
    assert ["region,", "mm³", "19.44", "38.88", "38.88"] in lines
    parts = int((stray > 0).sum())
    assert ["region,", "parts", "1", "1", str(parts)] in lines
    assert "warning tiny_regions: Regions of fewer than 64 voxels: 9." in said
    assert "warning scattered_regions: Regions of 5 or more parts that do not touch: 1." in said
    assert "study/p17" in said.split("scattered_regions")[1] or "p17/" in said


@pytest.mark.slow
def test_check_sees_what_only_the_second_modality_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["file,mask,modality,patient_id,label"]
    (tmp_path / "study").mkdir()
    for number in range(12):
        for modality in ("PET", "MR"):
            seed = [number % 11, int(modality == "MR")] if modality == "MR" else [number, 0]
            voxels = np.random.default_rng(seed).integers(0, 500, SHAPE).astype(np.int16)
            mask = np.ones(SHAPE, np.uint8) if modality == "PET" else MASK
            image_name, mask_name = (
                f"p{number}_{modality}_{kind}.nii" for kind in ("image", "mask")
            )
            (tmp_path / "study" / image_name).write_bytes(nifti_bytes(voxels, GRID))
            (tmp_path / "study" / mask_name).write_bytes(nifti_bytes(mask, GRID))
            rows.append(f"{image_name},{mask_name},{modality},p{number},{'ab'[number % 2]}")
    (tmp_path / "study.csv").write_text("\n".join(rows))
    words = ["check", str(tmp_path / "study"), str(tmp_path / "study.csv"), "--positive", "b"]
    main([*words, "--images", "PET"])
    alone = capsys.readouterr().out
    assert "tiny_regions" not in alone
    assert "near_duplicates_across_patients" not in alone
    main([*words, "--images", "PET", "MR"])
    both = capsys.readouterr().out
    assert "tiny_regions: Regions of fewer than 64 voxels: 12." in both
    assert "large_regions: Regions of more than 90% of their image: 12." in both
    assert "near_duplicates_across_patients" in both  # patients 0 and 11 have one MR


def test_the_audit_of_a_run_finds_the_same_regions(tmp_path: Path) -> None:
    masks = [MASK > 0, np.indices(SHAPE).sum(axis=0) % 7 == 0]
    with ShardWriter(tmp_path) as writer:
        for number, inside in enumerate(masks):
            writer.add(f"case-{number}", VALUES[..., None], GRID.spacing, Region(inside))
    described = described_regions(ImageStore(tmp_path))
    assert described is not None
    assert described.tolist() == [list(describe_region(inside)) for inside in masks]
    assert describe_region(masks[0]) == (18, 1, MASK.size - 18)
