"""A study as researchers have it, with its faults: each is named by `check` as by the run."""

import struct

import nibabel
import numpy as np
import pandas as pd
import pytest

from skiagram.audit.composition import describe_region, described_regions
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.images import Region
from skiagram.options import build, read_option_file
from skiagram.readers.grid import VoxelGrid
from tests.datasets.sources import ingested
from tests.readers.examples import nifti_bytes, segmentation, series_files, structure_set

SHAPE = (4, 12, 14)
AXES = ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
GRID = VoxelGrid(SHAPE, (3.0, 0.8, 0.9), (-10.0, 20.0, 5.5), AXES)
MASK = np.zeros(SHAPE, np.uint8)
MASK[1:3, 1:4, 2:5] = 1
MOVED = VoxelGrid(SHAPE, GRID.spacing, (0.0, 0.0, 0.0), GRID.direction)
COARSE = VoxelGrid(SHAPE, (3.0, 1.6, 1.8), GRID.origin, GRID.direction)
TURNED = VoxelGrid(SHAPE, GRID.spacing, GRID.origin, (AXES[0], (0.0, -1.0, 0.0), AXES[2]))


def voxels(*seed):
    return np.random.default_rng(seed).integers(0, 500, SHAPE).astype(np.int16)


VALUES = voxels(0)
FOUR_AXES = bytearray(nifti_bytes(VALUES, GRID))
FOUR_AXES[40:56] = struct.pack("<8h", 4, 14, 12, 2, 2, 1, 1, 1)
CORNERS = np.array([(1.0, 0.5, 1.5), (1.0, 0.5, 4.5), (1.0, 3.5, 4.5), (1.0, 3.5, 1.5)])
SERIES, OTHER = series_files(VALUES, GRID), series_files(VALUES, GRID, "1.2.4")
# Twenty patients, of whom these differ: a file, what it holds, what `check` says, if anything.
FAULTS = [
    ("p01/mask.nii", nifti_bytes(MASK, MOVED), "the first voxel"),
    (
        "p02/mask.nii",
        nifti_bytes(MASK, COARSE),
        "spacing 3 × 1.6 × 1.8 mm, the image 3 × 0.8 × 0.9 mm",
    ),
    ("p03/mask.nii", nifti_bytes(MASK, TURNED), "mm away"),
    ("p04/mask.nii", nifti_bytes(MASK * 0, GRID), "an empty mask"),
    ("p05/mask.nii", nifti_bytes(MASK + np.roll(MASK, 1, axis=0) * 2, GRID), "labels (1, 2"),
    ("p06/image.nii", bytes(FOUR_AXES), "4 axes (14 × 12 × 2 × 2)"),
    ("p07/mask.nii", nifti_bytes(MASK.astype(np.float64), GRID), ""),
    ("p08/mask.nii", structure_set({"GTV": [GRID.positions(CORNERS)]}), ""),
    ("p09/mask.nii", segmentation({"GTV": MASK > 0}, GRID), ""),
    ("p10/mask.nii", nifti_bytes(MASK * 0.4, GRID), "values between whole numbers"),
    ("p11/series", [SERIES[at] for at in (0, 2, 3)], "1 missing slice:"),
    ("p12/series", [*SERIES[:2], *OTHER[2:]], "slices of 2 series"),
    ("p13/series", SERIES, ""),
    ("p14/image.nii", nifti_bytes(voxels(14), GRID), "an image without a mask"),
    ("p15/image.nii", nifti_bytes(VALUES, GRID)[:900], "the volume cannot be read"),
]
LINE = "study study.csv --positive yes"


@pytest.fixture
def study(here):
    """Write the study and its table; return its folder."""
    folder = here / "study"
    table = pd.DataFrame({"patient_id": [f"p{at:02d}" for at in range(20)]})
    table["file"] = table["patient_id"] + "/image.nii"
    table["mask"] = table["patient_id"] + "/mask.nii"
    table["label"], table["label_value"] = ["no", "yes"] * 10, ""
    for at, patient in enumerate(table["patient_id"]):
        (folder / patient).mkdir(parents=True)
        (folder / patient / "image.nii").write_bytes(nifti_bytes(voxels(at), GRID))
        (folder / patient / "mask.nii").write_bytes(nifti_bytes(MASK, GRID))
    for name, content, _ in FAULTS:
        path = folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
            continue
        path.mkdir()
        path.with_name("image.nii").unlink()
        table.loc[int(path.parent.name[1:]), "file"] = name
        for file, slices in content:
            (path / file).write_bytes(slices)
    table.loc[14, "mask"], table.loc[16, "label_value"] = "", "1"
    (folder / "p14/mask.nii").unlink()
    table.to_csv("study.csv", index=False)
    return folder


@pytest.mark.slow
def test_check_names_every_fault_with_its_remedy_and_passes_what_is_sound(study, terminal):
    said = terminal(f"check {LINE}", 4)
    problems = said.split("What would stop the run")[1].splitlines()[1:]
    lines = [line for line in problems if line.startswith("  ")]
    faults = [(name, words) for name, _, words in FAULTS if words]
    assert len(lines) == len(faults)
    for name, words in faults:
        (line,) = [line for line in lines if line.strip().startswith(name)]
        assert words in line
        assert "Do this: " in line


@pytest.mark.slow
def test_a_study_runs_with_its_regions_once_its_faults_are_out(study, here, terminal, initialised):
    table = pd.read_csv("study.csv", dtype=str)
    faulty = {name[:3] for name, _, words in FAULTS if words}
    table[~table["patient_id"].isin(faulty)].to_csv("study.csv", index=False)
    words = [*LINE.split(), "--ignore-unlisted"]
    folders, _ = ingested(initialised(words), here / "out", "cv")
    store = ImageStore(folders.images)
    regions = [store.region(case_id) for case_id in store.case_ids]
    assert sorted(int(region.inside.sum()) for region in regions) == [9] + [18] * 8
    assert {store.image(case_id).shape for case_id in store.case_ids} == {(*SHAPE, 1)}
    assert store.spacing(store.case_ids[0]) == pytest.approx(GRID.spacing)
    (study / "p00/mask.nii").write_bytes(nifti_bytes(np.ones(SHAPE, np.uint8), GRID))
    terminal(["init", *words, "--renew"])


@pytest.mark.slow
def test_check_says_size_spacing_and_region_of_volumes_as_the_audit_will(study, terminal):
    stray = np.zeros(SHAPE, np.uint8)
    stray[::3, ::6, ::6] = 1
    (study / "p17/mask.nii").write_bytes(nifti_bytes(stray, GRID))
    parts = int(stray.sum())
    says = (
        "slices 4 4 4 | height 12 12 12 | slice spacing, mm 3 3 3 | region, voxels 9 18 18 | "
        f"region, mm³ 19.44 38.88 38.88 | region, parts 1 1 {parts} | "
        "warning tiny_regions: Regions of fewer than 64 voxels: 9. | warning scattered_regions: "
        "Regions of 5 or more parts that do not touch: 1. ... p17/"
    )
    terminal.says(f"check {LINE}", says, None)


def test_a_spacing_that_no_file_says_is_asked_for_said_and_kept(here, terminal):
    (here / "study").mkdir()
    for number in range(12):
        image = nibabel.Nifti1Image(voxels(number).transpose(2, 1, 0), None)
        nibabel.save(image, here / f"study/{number}.nii")
    rows = [f"{at}.nii,p{at},{('no', 'yes')[at % 2]}" for at in range(12)]
    (here / "study.csv").write_text("\n".join(["file,patient_id,label", *rows]))
    (here / "conf/dataset").mkdir(parents=True)
    terminal.says(f"check {LINE}", "`--unstated-spacing`", 4)
    terminal(f"check {LINE} --unstated-spacing 0", 2)
    stated = f"{LINE} --unstated-spacing 3 1 1"
    said = "says no distance of pixels, 3 × 1 × 1 mm was stated"
    terminal.says(f"check {stated}", said, None)
    terminal(f"init {stated}", None)
    source = build(read_option_file(here / "conf/dataset/study.yaml"), "dataset")
    assert source.open(None).image(0).spacing == (3, 1, 1)
    assert "3 × 1 × 1 mm" in source.card().known_issues[0]


@pytest.mark.slow
def test_check_sees_what_only_the_second_modality_shows(here, terminal):
    rows = ["file,mask,modality,patient_id,label"]
    (here / "study").mkdir()
    for number in range(12):
        label = ("no", "yes")[number % 2]
        for modality, mask in (("PET", np.ones(SHAPE, np.uint8)), ("MR", MASK)):
            # patients 0 and 11 have one MR
            drawn = voxels(number % 11, 1) if modality == "MR" else voxels(number, 0)
            image, region = (f"p{number}_{modality}_{kind}.nii" for kind in ("image", "mask"))
            (here / "study" / image).write_bytes(nifti_bytes(drawn, GRID))
            (here / "study" / region).write_bytes(nifti_bytes(mask, GRID))
            rows.append(f"{image},{region},{modality},p{number},{label}")
    (here / "study.csv").write_text("\n".join(rows))
    alone = "!tiny_regions | !near_duplicates_across_patients"
    terminal.says(f"check {LINE} --images PET", alone, None)
    both = (
        "tiny_regions: Regions of fewer than 64 voxels: 12. | "
        "large_regions: Regions of more than 90% of their image: 12. | "
        "near_duplicates_across_patients"
    )
    terminal.says(f"check {LINE} --images PET MR", both, None)


def test_the_audit_of_a_run_finds_the_same_regions(tmp_path):
    masks = [MASK > 0, np.indices(SHAPE).sum(axis=0) % 7 == 0]
    with ShardWriter(tmp_path) as writer:
        for number, inside in enumerate(masks):
            writer.add(f"case-{number}", VALUES[..., None], GRID.spacing, Region(inside))
    described = described_regions(ImageStore(tmp_path))
    assert described.tolist() == [list(describe_region(inside)) for inside in masks]
    assert describe_region(masks[0]) == (18, 1, MASK.size - 18)
