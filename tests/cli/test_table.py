"""The CSV of a folder is made of names and labels; what is missing or doubled is said."""

import csv
import errno
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skiagram.compute.files import write_files
from skiagram.options import build
from skiagram.preparation import ImageKinds, Preparation
from skiagram.records.feature_table import FeatureTable
from skiagram.records.files import write_record
from tests.datasets.own_folders import write_folder

LINE = "table films labels.csv out.csv --pattern"


def rows(*columns):
    """Return the cells of the table that was written, all of them or of some columns."""
    with Path("out.csv").open() as file:
        found = list(csv.DictReader(file))
    return [tuple(row[name] for name in columns or row) for row in found]


def test_images_masks_and_labels_meet_in_one_row(here, terminal):
    names = (
        *("p1/PET_image.nii", "p1/PET_mask.nii", "p1/T1_image.nii", "p1/T1_mask.nii"),
        *("p2/PET_image.nii", "p4/PET_image.nii", "p4/PET_mask.nii"),
    )
    write_folder(here, dict.fromkeys(names, b"x"))
    (here / "labels.csv").write_text("patient_id,outcome\np1,yes\np2,no\np3,no\n")
    line = f"{LINE} {{patient}}/{{modality}}_{{kind}}.nii"
    partners = (
        "1 of 3 patients of the files in films have no partner, first `p4` | "
        "1 of 3 patients of labels.csv have no partner, first `p3`"
    )
    terminal.says(line, partners, 4)
    assert not (here / "out.csv").exists()
    said = "no mask: p2/PET_image.nii | 1 patients of the files in"
    terminal.says(f"{line} --unmatched leave-out", said)
    assert rows("file", "mask", "outcome") == [
        ("p1/PET_image.nii", "p1/PET_mask.nii", "yes"),
        ("p1/T1_image.nii", "p1/T1_mask.nii", "yes"),
    ]
    terminal.says(line, "exists", 2)


def test_features_are_written_under_own_and_pyradiomics_names(here, terminal):
    # what a run leaves of two modalities' features
    family = {"_target_": "skiagram.features.first_order.FirstOrder", "region": "whole"}
    kinds = ImageKinds((1,), ("float32",), (8, 8), (8, 8))
    recorded = Preparation(kinds, features=(family,), modalities=("PET", "MR"))
    write_record(recorded, here / "data/preparation/preparation.json")
    plain = build(dict(family), "features").names()
    names = tuple(f"{modality}.{name}" for modality in ("PET", "MR") for name in plain)
    values = np.random.default_rng(0).normal(size=(3, len(names))).astype(np.float32)
    FeatureTable(np.array([*"abc"]), names, values).write(here / "data/features.parquet")
    terminal("features own.csv")
    terminal("features theirs.csv --names pyradiomics")
    own, theirs = (pd.read_csv(name) for name in ("own.csv", "theirs.csv"))
    assert tuple(own.columns) == ("case_id", *names)
    np.testing.assert_array_equal(own.to_numpy()[:, 1:].astype(np.float32), values)
    variance, kurtosis = (
        own[f"{name}"] for name in ("PET.first_order_variance", "MR.first_order_excess_kurtosis")
    )
    np.testing.assert_allclose(theirs["PET_original_firstorder_Variance"], variance)
    np.testing.assert_allclose(theirs["MR_original_firstorder_Kurtosis"], kurtosis + 3, rtol=1e-6)
    terminal.says("features own.csv", "own.csv exists", 2)


@pytest.mark.parametrize("failing", [0, 1])
def test_a_full_disk_leaves_nothing_half_written(failing, tmp_path, monkeypatch):
    """The same function writes what `table`, `seal`, `init` and `features` leave."""
    write, calls = Path.write_bytes, []

    def full(self, content):
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


def test_lesions_of_masks_are_counted_and_an_empty_mask_is_an_image_without_one(here, terminal):
    drawn = np.zeros((20, 30), np.uint8)
    drawn[3:5, 4:6] = drawn[10:14, 20:24] = 255
    touching = drawn.copy()
    touching[5:7, 4:6] = 100

    def save(pixels, *names):
        for name in names:
            Image.fromarray(pixels).save(f"films/{name}.png")

    (here / "films").mkdir()
    save(drawn, "p1_image", "p2_image", "p3_image", "p1_mask", "p4_mask")
    save(drawn * 0, "p2_mask")
    line = "table films out.csv --pattern {patient}_{kind}.png --marks masks"
    counted = "2 lesions in 1 of 3 images | Masks without an image: 1, first p4_mask.png"
    terminal.says(line, counted)
    assert rows("lesion") == [("present",), ("absent",), ("absent",)]
    (here / "out.csv").unlink()
    save(touching, "p1_mask")
    terminal.says(line, "p1_mask.png: 2 labels (100, 255)", 4)
    save(drawn * 0, "p1_mask")
    terminal.says(line, "no lesion of any image", 4)
    assert not (here / "out.csv").exists()


def test_a_case_is_abnormal_where_any_of_its_modalities_has_a_lesion(here, terminal):
    names = ("p1_PET.nii", "p1_CT.nii", "p2_PET.nii", "p2_CT.nii")
    write_folder(here, dict.fromkeys(names, b"x"))
    (here / "lesions.csv").write_text("file,x,y,z,radius\np1_CT,3,4,5,2\n")
    terminal("table films out.csv --pattern {patient}_{modality}.nii --marks lesions.csv")
    assert rows("file", "marks", "lesion") == [
        ("p1_CT.nii", "3 4 5 2", "present"),
        ("p1_PET.nii", "", "present"),
        ("p2_CT.nii", "", "absent"),
        ("p2_PET.nii", "", "absent"),
    ]
