"""The CSV of a folder is made of names and labels; what is missing or doubled is said."""

import csv
from pathlib import Path

import pytest

from skiagram.cli.main import main

LABELS = "patient_id,outcome,age\np1,yes,50\np2,no,60\np3,no,70\n"


def _folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        path = tmp_path / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "labels.csv").write_text(LABELS)
    return tmp_path


def _run(folder: Path, *patterns: str) -> int:
    places = [str(folder / name) for name in ("scans", "labels.csv", "out.csv")]
    return main(["table", *places, "--pattern", *patterns])


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "out.csv").open() as file:
        return list(csv.DictReader(file))


def test_images_masks_and_labels_meet_in_one_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _folder(
        tmp_path,
        "nifti/p1/PET_image.nii.gz", "nifti/p1/PET_mask.nii.gz",
        "nifti/p1/MR_T1_image.nii.gz", "nifti/p1/MR_T1_mask.nii.gz",
        "nifti/p2/PET_image.nii.gz",
        "nifti/p4/PET_image.nii.gz", "nifti/p4/PET_mask.nii.gz",
        "dicom/p2/MR_T1/image/1.dcm", "dicom/p2/MR_T1/image/2.dcm", "dicom/p2/MR_T1/mask/rs.dcm",
        "dicom/p1/PET/image/1.dcm", "dicom/p1/PET/mask/rs.dcm",
    )  # fmt: skip
    patterns = ("nifti/{patient}/{modality}_{kind}.nii.gz", "dicom/{patient}/{modality}/{kind}")
    assert _run(folder, *patterns) == 0
    assert [(row["file"], row["mask"], row["outcome"]) for row in _rows(folder)] == [
        ("nifti/p1/MR_T1_image.nii.gz", "nifti/p1/MR_T1_mask.nii.gz", "yes"),
        ("nifti/p1/PET_image.nii.gz", "nifti/p1/PET_mask.nii.gz", "yes"),
        ("dicom/p2/MR_T1/image", "dicom/p2/MR_T1/mask/rs.dcm", "no"),
    ]
    said = capsys.readouterr().out
    assert "no mask: nifti/p2/PET_image.nii.gz" in said
    assert "no label: nifti/p4/PET_image.nii.gz" in said
    assert "No image of patient p3" in said


def test_images_without_masks_make_a_table_without_the_column(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "p1.png", "p2.png", "p3.png")
    assert _run(folder, "{patient}.png") == 0
    assert list(_rows(folder)[0]) == ["file", "patient_id", "outcome", "age"]
    assert len(_rows(folder)) == 3


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (("{patient}/{modality}.nii",), "no file with the kind `image` fits"),
        (("{case}.png",), "`{case}.png` was given"),
        (("{patient}_{kind}.png", "{patient}.jpg"), ""),
    ],
)
def test_a_pattern_that_fits_nothing_writes_nothing(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    patterns: tuple[str, ...],
    message: str,
) -> None:
    folder = _folder(tmp_path, "p1.png")
    assert _run(folder, *patterns) in (2, 4)
    assert message in capsys.readouterr().err
    assert not (folder / "out.csv").exists()


def test_a_folder_of_several_masks_and_a_table_that_exists_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = _folder(tmp_path, "p1/image/1.dcm", "p1/mask/a.dcm", "p1/mask/b.dcm")
    assert _run(folder, "{patient}/{kind}") == 4
    assert "p1/mask: a folder of 2 files" in capsys.readouterr().err
    (folder / "out.csv").write_text("mine")
    assert _run(folder, "{patient}/{kind}") == 2
    assert (folder / "out.csv").read_text() == "mine"
