"""Folders that tell classes, with parts of the data within or around them, or refused by name."""

import pytest

from skiagram.datasets.folder.csv_rows import CsvRow
from skiagram.errors import DataError
from skiagram.intake.class_folders import describe_depths, rows_of_classes, unite_development

PARTED = {"a.png": ("yes", "train"), "b.png": ("no", "test"), "c.png": ("yes", "validation")}


def names_of(order: str, words: dict[str, str]) -> list[str]:
    return [
        order.format(label=label, part=words[part]) + f"/{name}"
        for name, (label, part) in PARTED.items()
    ]


@pytest.mark.parametrize(
    "order",
    [
        "{part}/{label}",
        "{part}/images/{label}",
        "{label}/{part}",
        "archive/data/{part}/{label}",
    ],
)
@pytest.mark.parametrize(
    "words", ["train test validation", "Training Testing Val", "TRAIN TEST valid"]
)
def test_parts_of_the_data_are_told_on_either_side_of_the_class(order: str, words: str) -> None:
    names = names_of(order, dict(zip(("train", "test", "validation"), words.split(), strict=True)))
    rows = rows_of_classes(names, (), "films")
    assert [(row.cells["label"], row.cells["split"]) for row in rows] == [*PARTED.values()]


def test_where_a_test_set_has_no_labels_the_training_folder_is_named_alone() -> None:
    with pytest.raises(DataError) as refused:
        rows_of_classes(["train/yes/1.png", "train/no/2.png", "test/3.png"], (), "films")
    assert "`films/train`" in refused.value.remedy


@pytest.mark.parametrize("parts", [("train", "train"), ("train", "val"), ("val", "train")])
def test_parts_without_a_test_set_are_left_to_folds(parts: tuple[str, str]) -> None:
    names = [f"{part}/{label}/{part}.png" for part in parts for label in ("yes", "no")]
    rows = rows_of_classes(names, (), "films")
    assert [row.cells for row in rows] == [
        {"file": name, "label": name.split("/")[1]} for name in names
    ]


@pytest.mark.parametrize(
    ("names", "classes", "labels"),
    [
        (["yes/1.png", "no/2.png"], (), ["yes", "no"]),
        (["archive/yes/1.png", "archive/no/2.png"], (), ["yes", "no"]),
        (["images/yes/1.png", "images/no/2.png"], (), ["yes", "no"]),
        (["images/1.png", "drawings/2.png"], (), ["images", "drawings"]),
        (["yes/images/1.png", "no/images/x/2.png"], (), ["yes", "no"]),
        (["yes/p1/1.png", "no/p2/2.png"], (), ["yes", "no"]),
        (["bo\u0308se /1.png", "b\u00f6se/2.png", "gut/3.png"], (), ["b\u00f6se"] * 2 + ["gut"]),
        (
            ["s1/yes/1.png", "s1/no/2.png", "s2/yes/1.png", "s2/no/1.png"],
            ("yes",),
            ["yes", "no"] * 2,
        ),
        (
            ["yes/CC/1.png", "yes/ML/2.png", "no/CC/1.png", "no/ML/1.png"],
            ("no",),
            ["yes"] * 2 + ["no"] * 2,
        ),
        (
            ["lung/lung_aca/1.png", "lung/lung_n/2.png", "colon/colon_n/3.png"],  # LC25000
            ("lung_aca", "colon_n"),
            ["lung_aca", "lung_n", "colon_n"],
        ),
    ],
)
def test_the_folder_that_tells_the_class_is_found(
    names: list[str], classes: tuple[str, ...], labels: list[str]
) -> None:
    rows = rows_of_classes(names, classes, "films")
    assert [row.cells["label"] for row in rows] == labels
    assert not any("split" in row.cells for row in rows)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "no image that can be read"),
        (["yes/1.png", "no/2.png", "3.png"], "a folder for each class, such as `3.png`"),
        (["yes/1.png", "yes/2.png"], "in `yes` alone"),
        (["s1/yes/1.png", "s1/no/2.png", "s2/yes/1.png", "s2/no/1.png"], "s1, s2, or no, yes"),
        (
            ["train/yes/1.png", "val/no/2.png", "holdout/no/2.png"],
            "`train`, `val`, which are parts of the data, and `holdout/no/2.png`",
        ),
        (["yes/train/1.png", "no/test/2.png", "no/dev/2.png"], "`no/dev/2.png` does not fit"),
        (["train/1.png", "test/2.png"], "called `test`, `train`"),
        (["train/yes/1.png", "train/no/2.png", "more/yes/3.png"], "`more/yes/3.png` does not fit"),
    ],
)
def test_other_folders_are_refused_by_name(names: list[str], words: str) -> None:
    with pytest.raises(DataError) as raised:
        rows_of_classes(names, (), "films")
    assert words in str(raised.value)
    assert raised.value.remedy


@pytest.mark.parametrize(
    "names",
    [
        ("a/C-1__CT.nii.gz", "a/C-1__PT.nii.gz"),  # HECKTOR
        ("a/C-1__CT.nii.gz", "a/C-1.nii.gz"),  # its mask, which no word of the name tells
        ("a/s1/ct.nii.gz", "a/s1/mri.nii.gz"),
        ("a/sub-01/anat/sub-01_T1w.nii.gz", "a/sub-01/anat/sub-01_FLAIR.nii.gz"),  # BIDS
    ],
)
def test_a_second_modality_is_no_second_patient(names: tuple[str, str]) -> None:
    with pytest.raises(DataError, match="2 images of one patient") as refused:
        rows_of_classes([*names, "b/2.nii.gz"], (), "scans")
    assert "{modality}" in str(refused.value)


@pytest.mark.parametrize(
    ("parts", "united"),
    [
        ("train/a val/a test/b", "train train test"),  # as the OCT images of 2017
        ("train/a val/b test/c", "train val test"),
        ("train/a val/a test/a", "train val test"),  # ingest refuses it
    ],
)
def test_training_and_validation_with_shared_patients_are_one(parts: str, united: str) -> None:
    cells = [dict(zip(("split", "id"), part.split("/"), strict=True)) for part in parts.split()]
    rows, note = unite_development(
        [CsvRow(at, each) for at, each in enumerate(cells)], "split", "id"
    )
    assert " ".join(row.cells["split"] for row in rows) == united
    assert note.startswith("1 patients") == (united == "train train test")


@pytest.mark.parametrize("named", [(), ("sick",)])
def test_a_copy_of_the_data_set_within_itself_is_no_class(named: tuple[str, ...]) -> None:
    names = [f"{label}/{at}.png" for label in ("sick", "well") for at in range(2)]
    nested = [*names, *(f"cells/{name}" for name in names)]  # as Kaggle's malaria cells
    with pytest.raises(DataError, match="the folder `cells`, beside `sick`, `well`") as refused:
        rows_of_classes(nested, named, "films")
    assert "`--classes sick well`" in refused.value.remedy
    assert len(rows_of_classes(nested, ("sick", "well"), "films")) == len(nested)


def test_images_of_one_class_at_several_depths_are_told() -> None:
    names = [f"{label}/{label}/1.bmp" for label in ("im_A", "im_B")]
    assert describe_depths(rows_of_classes(names, (), "SIPaKMeD")) == ""
    crops = [f"{label}/{label}/CROPPED/1_{at}.bmp" for label in ("im_A", "im_B") for at in range(3)]
    note = describe_depths(rows_of_classes(names + crops, (), "SIPaKMeD"))
    assert "2 in folders such as `im_A/im_A` and 6 in folders such as `im_A/im_A/CROPPED`" in note
