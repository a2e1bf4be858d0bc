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
from skiagram.intake.file_options import FileOptions
from skiagram.intake.named_files import compose_table
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
    assert "no label: nifti/p4/PET_image.nii.gz" in said
    assert "No image of patient p3" in said


def test_image_and_mask_of_one_pattern_belong_together_and_others_are_said(
    tmp_path: Path, terminal: Terminal
) -> None:
    """A DICOM image takes no NIfTI mask in silence."""
    folder = _folder(
        tmp_path,
        "nifti/p1_mask.nii.gz",
        "nifti/p2_image.nii.gz",
        "nifti/p2_mask.nii.gz",
        "nifti/p3_image.nii.gz",
        "dicom/p1/image/1.dcm",
        "dicom/p3/image/1.dcm",
        "dicom/p3/mask/rs.dcm",
    )
    said = terminal(_line(folder, "nifti/{patient}_{kind}.nii.gz", "dicom/{patient}/{kind}"))
    assert [(row["file"], row["mask"]) for row in _rows(folder)] == [
        ("dicom/p1/image", "nifti/p1_mask.nii.gz"),
        ("nifti/p2_image.nii.gz", "nifti/p2_mask.nii.gz"),
        ("dicom/p3/image", "dicom/p3/mask/rs.dcm"),
    ]
    words = "Images of one pattern with masks of another: 1, first dicom/p1/image with "
    assert f"{words}nifti/p1_mask.nii.gz. Look whether they belong together." in said


def test_images_without_masks_make_a_table_without_the_column(tmp_path: Path) -> None:
    folder = _folder(tmp_path, "p1.png", "p2.png", "p3.png")
    assert main(_line(folder, "{patient}.png")) == 0
    assert list(_rows(folder)[0]) == ["file", "patient_id", "outcome", "age"]
    assert len(_rows(folder)) == 3


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (("{patient}/{modality}_{kind}.nii",), "no file with the kind `image` fits"),
        (("{patient}.PNG",), "no file fits. Allowed: {patient}.PNG. Do this: correct --pattern; "),
        (("{patient}.PNG",), "; a file here is `p1.png`, and upper and lower case count."),
        (("{case}.png",), "`{case}.png` was given"),
        (("{patient}_{kind}.png", "{patient}.jpg"), ""),
    ],
)
def test_a_pattern_that_fits_nothing_writes_nothing(
    tmp_path: Path, terminal: Terminal, patterns: tuple[str, ...], message: str
) -> None:
    folder = _folder(tmp_path, "p1.png")
    assert message in terminal(_line(folder, *patterns), None)
    assert not (folder / "out.csv").exists()


def test_a_folder_of_several_masks_and_a_table_that_exists_are_refused(
    tmp_path: Path, terminal: Terminal
) -> None:
    folder = _folder(tmp_path, "p1/image/1.dcm", "p1/mask/a.dcm", "p1/mask/b.dcm")
    assert "p1/mask: a folder of 2 files" in terminal(_line(folder, "{patient}/{kind}"), 4)
    (folder / "out.csv").write_text("mine")
    assert main(_line(folder, "{patient}/{kind}")) == 2
    assert (folder / "out.csv").read_text() == "mine"


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
    with pytest.raises(OSError, match="No space"):
        write_files({tmp_path / "a.csv": b"newer", tmp_path / "b.age": b"labels"})
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text() == "earlier"


def test_names_that_tell_the_label_need_no_table_of_labels(
    tmp_path: Path, terminal: Terminal
) -> None:
    folder = _folder(tmp_path, "yes/p1_left.png", "no/p1_right.png", "no/p2_left.png")
    line = ["table", str(folder / "scans"), str(folder / "out.csv"), "--pattern"]
    assert main([*line, "{label}/{patient}_{region}.png"]) == 0
    assert [(row["patient_id"], row["label"], row["region"]) for row in _rows(folder)] == [
        ("p1", "yes", "left"), ("p1", "no", "right"), ("p2", "no", "left"),
    ]  # fmt: skip
    (folder / "out.csv").unlink()
    _folder(tmp_path, "Training/yes/p1.png", "val/no/p2.png", "test/no/p3.png")
    assert main([*line, "{split}/{label}/{patient}.png"]) == 0
    parts = {row["patient_id"]: row["split"] for row in _rows(folder)}
    assert parts == {"p1": "train", "p2": "validation", "p3": "test"}
    (folder / "out.csv").unlink()
    assert main([*line, "{label}/{patient}_*.png"]) == 4
    assert "{label}" in terminal([*line, "no/{patient}_{region}.png"], 2)
    _folder(tmp_path, "yes/p2_left.png")
    assert "`no`" in terminal([*line, "{label}/{patient}_{region}.png"], 4)


def test_a_table_with_a_row_an_image_goes_with_patients_that_names_tell(
    tmp_path: Path, terminal: Terminal
) -> None:
    folder = _folder(
        tmp_path, *(f"{at}_{side}.jpeg" for at in (10, 13) for side in ("left", "right"))
    )
    graded = "image,level\n10_left,0\n10_right,2\n13_left,1\n"  # as EyePACS
    (folder / "labels.csv").write_text(graded)
    line = _line(folder, "{patient}_{region}.jpeg")
    assert "1 of 4 images have no row, first `13_right.jpeg`" in terminal(line, 4)
    (folder / "labels.csv").write_text(f"{graded}13_right,3\n15_left,0\n")
    assert "1 of 5 rows name no image that fits --pattern, first `15_left`" in terminal(line, 4)
    terminal([*line, "--unmatched", "leave-out"])
    assert [(row["patient_id"], row["region"], row["level"]) for row in _rows(folder)] == [
        ("10", "left", "0"), ("10", "right", "2"), ("13", "left", "1"), ("13", "right", "3"),
    ]  # fmt: skip
    (folder / "labels.csv").write_text(f"{graded}10_left.jpeg,1\n")
    (folder / "out.csv").unlink()
    assert "a second row of `10_left.jpeg`" in terminal(line, 4)


def test_a_named_column_of_files_may_hold_how_their_names_begin(tmp_path: Path) -> None:
    for name in ("20586908_6c61_MG_R_CC_ANON.dcm", "20586934_6c61_MG_L_CC_ANON.dcm"):
        (tmp_path / name).touch()
    table = "Patient ID;File Name;Bi-Rads\nremoved;20586908;2\nremoved;20586934;4a\n"
    (tmp_path / "INbreast.csv").write_text(table)
    pattern = ["{any}_{patient}_MG_{region}_ANON.dcm"]
    options = FileOptions(tmp_path, tmp_path / "INbreast.csv", file="File Name", pattern=pattern)
    rows = csv.DictReader(compose_table(options).text.splitlines())
    assert [(row["patient_id"], row["region"], row["Bi-Rads"]) for row in rows] == [
        ("6c61", "L_CC", "4a"), ("6c61", "R_CC", "2"),
    ]  # fmt: skip


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


@pytest.mark.parametrize(
    ("cut", "expected"), [("first", ("000", "L_CC")), ("last", ("000_L", "CC")), (None, None)]
)
def test_a_name_that_fits_in_two_ways_is_cut_as_told(
    cut: str | None,
    expected: tuple[str, str] | None,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = _folder(tmp_path, "yes/000_L_CC.png", "no/p2_left.png")
    line = ["table", str(folder / "scans"), str(folder / "out.csv")]
    line += ["--pattern", "{label}/{patient}_{region}.png", *(["--cut", cut] if cut else [])]
    assert main(line) == (0 if expected else 4)
    if expected:
        [ambiguous] = [row for row in _rows(folder) if row["file"].startswith("yes")]
        assert (ambiguous["patient_id"], ambiguous["region"]) == expected
        return
    error = capsys.readouterr().err
    assert "patient `000`, region `L_CC`" in error
    assert "patient `000_L`, region `CC`" in error
    assert "`--cut first`" in error


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


def test_parts_of_names_that_tell_nothing_are_passed_over(
    tmp_path: Path, terminal: Terminal
) -> None:
    folder = _folder(tmp_path, "subset0/p1.mhd", "subset1/p2.mhd", "subset7/p3.mhd")
    assert main(_line(folder, "subset{any}/{patient}.mhd")) == 0
    assert [row["file"] for row in _rows(folder)][:2] == ["subset0/p1.mhd", "subset1/p2.mhd"]
    (folder / "out.csv").unlink()
    _folder(tmp_path, "subset8/p3.mhd")
    assert "a second file of patient `p3`, beside subset7/p3.mhd" in terminal(
        _line(folder, "subset{any}/{patient}.mhd"), 4
    )
