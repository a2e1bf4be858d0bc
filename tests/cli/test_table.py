"""The CSV of a folder is made of names and labels; what is missing or doubled is said."""

import csv
import errno
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skiagram.cli.main import main
from skiagram.compute.files import write_files
from skiagram.options import build
from skiagram.preparation import ImageKinds, Preparation
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import write_record
from tests.terminal import Terminal

LABELS = "patient_id,outcome,age\np1,yes,50\np2,no,60\np3,no,70\n"


def _folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        path = tmp_path / "scans" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "labels.csv").write_text(LABELS)
    return tmp_path


def _line(folder: Path, *patterns: str) -> list[str]:
    places = [str(folder / name) for name in ("scans", "labels.csv", "out.csv")]
    return ["table", *places, "--pattern", *patterns]


def _rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "out.csv").open() as file:
        return list(csv.DictReader(file))


def test_images_masks_and_labels_meet_in_one_row(tmp_path: Path, terminal: Terminal) -> None:
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
    said = terminal(_line(folder, *patterns), 4)
    assert f"1 of 3 patients of the files in {folder / 'scans'} have no partner, first `p4`" in said
    assert f"1 of 3 patients of {folder / 'labels.csv'} have no partner, first `p3`" in said
    assert not (folder / "out.csv").exists()
    said = terminal(_line(folder, *patterns, "--unmatched", "leave-out"))
    assert [(row["file"], row["mask"], row["outcome"]) for row in _rows(folder)] == [
        ("nifti/p1/MR_T1_image.nii.gz", "nifti/p1/MR_T1_mask.nii.gz", "yes"),
        ("nifti/p1/PET_image.nii.gz", "nifti/p1/PET_mask.nii.gz", "yes"),
        ("dicom/p2/MR_T1/image", "dicom/p2/MR_T1/mask/rs.dcm", "no"),
    ]
    assert "no mask: nifti/p2/PET_image.nii.gz" in said
    assert "1 patients of the files in" in said
    assert "exists" in terminal(_line(folder, *patterns), 2)


def _run_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> FeatureTable:
    """Write what a run leaves of two modalities' features and stand in its folder."""
    family = {"_target_": "skiagram.features.first_order.FirstOrder", "region": "whole"}
    kinds = ImageKinds((1,), ("float32",), (8, 8), (8, 8))
    recorded = Preparation(kinds, None, features=(family,), modalities=("PET", "MR"))
    write_record(recorded, folder / "data/preparation/preparation.json")
    plain = build(dict(family), "features").names()
    names = [f"{modality}.{name}" for modality in ("PET", "MR") for name in plain]
    values = np.random.default_rng(0).normal(size=(3, len(names))).astype(np.float32)
    table = FeatureTable(np.array(["a", "b", "c"]), tuple(names), values)
    table.write(folder / "data/features.parquet")
    monkeypatch.chdir(folder)
    return table


def test_features_are_written_under_own_and_pyradiomics_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    table = _run_of(tmp_path, monkeypatch)
    assert main(["features", "own.csv"]) == 0
    assert main(["features", "theirs.csv", "--names", "pyradiomics"]) == 0
    own, theirs = (pd.read_csv(tmp_path / name) for name in ("own.csv", "theirs.csv"))
    assert tuple(own.columns) == ("case_id", *table.names)
    np.testing.assert_array_equal(own.to_numpy()[:, 1:].astype(np.float32), table.values)
    entropy = own["PET.first_order_variance"]
    np.testing.assert_allclose(theirs["PET_original_firstorder_Variance"], entropy)
    kurtosis = own["MR.first_order_excess_kurtosis"]
    np.testing.assert_allclose(theirs["MR_original_firstorder_Kurtosis"], kurtosis + 3, rtol=1e-6)
    assert "own.csv exists" in terminal(["features", "own.csv"], 2)


@pytest.mark.parametrize("failing", [0, 1])
def test_a_full_disk_leaves_nothing_half_written(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same function writes what `table`, `seal`, `init` and `features` leave."""
    write, calls = Path.write_bytes, []

    def full(self: Path, content: bytes) -> int:
        calls.append(self)
        if len(calls) - 1 == failing:
            write(self, content[:3])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    (tmp_path / "a.csv").write_text("earlier")
    with pytest.raises(OSError, match=r"No space.*(a\.csv|b\.age)"):
        write_files({tmp_path / "a.csv": b"newer", tmp_path / "b.age": b"labels"})
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "earlier"


def test_lesions_of_masks_are_counted_and_an_empty_mask_is_an_image_without_one(
    tmp_path: Path, terminal: Terminal
) -> None:
    (tmp_path / "scans").mkdir()
    drawn = np.zeros((20, 30), np.uint8)
    drawn[3:5, 4:6] = drawn[10:14, 20:24] = 255
    touching = drawn.copy()
    touching[5:7, 4:6] = 100
    for name, pixels in {
        **dict.fromkeys(("p1_image", "p2_image", "p3_image"), drawn),
        **{"p1_mask": drawn, "p2_mask": drawn * 0, "p4_mask": drawn},
    }.items():
        Image.fromarray(pixels).save(tmp_path / f"scans/{name}.png")
    line = ["table", str(tmp_path / "scans"), str(tmp_path / "out.csv")]
    line += ["--pattern", "{patient}_{kind}.png", "--marks", "masks"]
    said = terminal(line)
    assert [row["lesion"] for row in _rows(tmp_path)] == ["present", "absent", "absent"]
    assert "2 lesions in 1 of 3 images" in said
    assert "Masks without an image: 1, first p4_mask.png" in said
    (tmp_path / "out.csv").unlink()
    Image.fromarray(touching).save(tmp_path / "scans/p1_mask.png")
    assert "p1_mask.png: 2 labels (100, 255)" in terminal(line, 4)
    Image.fromarray(drawn * 0).save(tmp_path / "scans/p1_mask.png")
    assert "no lesion of any image" in terminal(line, 4)
    assert not (tmp_path / "out.csv").exists()


def test_a_case_is_abnormal_where_any_of_its_modalities_has_a_lesion(tmp_path: Path) -> None:
    folder = _folder(tmp_path, *(f"{name}.nii" for name in ("p1_PET", "p1_CT", "p2_PET", "p2_CT")))
    (folder / "lesions.csv").write_text("file,x,y,z,radius\np1_CT,3,4,5,2\n")
    line = ["table", str(folder / "scans"), str(folder / "out.csv")]
    line += ["--pattern", "{patient}_{modality}.nii", "--marks", str(folder / "lesions.csv")]
    assert main(line) == 0
    assert [(row["file"], row["marks"], row["lesion"]) for row in _rows(folder)] == [
        ("p1_CT.nii", "3 4 5 2", "present"),
        ("p1_PET.nii", "", "present"),
        ("p2_CT.nii", "", "absent"),
        ("p2_PET.nii", "", "absent"),
    ]


def test_two_tables_join_by_patients_where_a_join_of_texts_loses_rows(
    tmp_path: Path, terminal: Terminal
) -> None:
    features = pd.DataFrame({"PatientID": ["095", "102", "7"], "original_shape_Volume": [1, 2, 3]})
    features.to_csv(tmp_path / "features.csv", index=False)
    (tmp_path / "outcome.csv").write_text('"PatientID";"Event"\n95;1\n102;0\n8;1\n')
    line = ["table", *(str(tmp_path / name) for name in ("features.csv", "outcome.csv", "out.csv"))]
    error = terminal(line, 4)
    assert "1 of 3 patients have the same id" in error
    assert "'095' here, '95' there" in error
    assert "2 of 3 patients of" in terminal([*line, "--similar-patients", "apart"], 4)
    error = terminal([*line, "--similar-patients", "same"], 4)
    assert f"1 of 3 patients of {tmp_path / 'features.csv'} have no partner, first `7`" in error
    assert f"1 of 3 patients of {tmp_path / 'outcome.csv'} have no partner, first `8`" in error
    assert main([*line, "--similar-patients", "same", "--unmatched", "leave-out"]) == 0
    assert [tuple(row.values()) for row in _rows(tmp_path)] == [
        ("095", "1", "1"),
        ("102", "2", "0"),
    ]


def test_a_joined_table_may_call_its_patients_by_a_usual_name(
    tmp_path: Path, terminal: Terminal
) -> None:
    (tmp_path / "ages.csv").write_text("person,age\nA,61\nB,47\n")
    (tmp_path / "labels.csv").write_text("patient_id,label\nB,no\nA,yes\n")
    files = [str(tmp_path / name) for name in ("ages.csv", "labels.csv", "out.csv")]
    terminal(["table", *files, "--patient", "person"])
    assert [[*row.values()] for row in _rows(tmp_path)] == [["A", "61", "yes"], ["B", "47", "no"]]
    (tmp_path / "out.csv").unlink()
    assert "ages.csv: no column `prson`" in terminal(["table", *files, "--patient", "prson"], 4)
