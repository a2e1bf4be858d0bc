"""What names of files tell: folders of classes, patterns, other names in tables, headers."""

import shlex
from argparse import ArgumentParser
from typing import NamedTuple

import pytest

from skiagram.cli.file_arguments import add_file_arguments, read_file_options
from skiagram.errors import SkiagramError
from skiagram.intake.images import read_folder
from tests.datasets.own_folders import dicom, png
from tests.readers.examples import VALUES, series_files


class Names(NamedTuple):
    """A folder, a line, and what they give.

    Attributes:
        files: Names; `NAME=ID` is a DICOM file of a patient or, with an id of digits and points, of
            a series.
        gives: Columns, then the cells of each row, `-` for an empty one; `:patient` and the like
            are the columns that have this role, whatever they are called. After `!` the error.
        line: Options of `check`.
        table: The CSV, lines separated by blanks.
        note: What is said besides.
    """

    files: str
    gives: str
    line: str = ""
    table: str = ""
    note: str = ""


def read(place, names):
    folder, words = place / "films", [str(place / "films")]
    folder.mkdir()
    for at, spec in enumerate(names.files.split()):
        name, _, identity = spec.partition("=")
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = png(at)
        if identity.startswith("1."):
            [(_, content)] = series_files(VALUES[:1], series=identity)
        elif path.suffix == ".dcm":
            content = dicom(at, PatientID=identity)
        path.write_bytes(content)
    if names.table:
        (place / "films.csv").write_text("\n".join(names.table.split()))
        words.append(str(place / "films.csv"))
    parser = ArgumentParser()
    add_file_arguments(parser)
    return read_folder(read_file_options(parser.parse_args([*words, *shlex.split(names.line)])))


def told(described, columns):
    """Return some cells of each row."""
    roles = described.source.columns
    named = [getattr(roles, name[1:]) if name.startswith(":") else name for name in columns]
    rows = described.frame.to_dict("records")
    return {tuple(row.get(name or "") or "-" for name in named) for row in rows}


LABELS = "patient_id,outcome p1,yes p2,no p3,no"
OUTCOME = "--label outcome --pattern"
EYES = "10_left.jpg 10_right.jpg 13_left.jpg"
EYE = "--label level --pattern {patient}_{region}.jpg"
BREASTS = "2058_6c61_MG_R_CC_ANON.png 2093_6c61_MG_L_CC_ANON.png"
CLASSES = {
    "a folder for each class": Names(
        "yes/1.png no/2.png", "file label | yes/1.png yes | no/2.png no"
    ),
    "folders around all": Names("a/b/yes/1.png a/b/no/2.png", "label | yes | no"),
    "of all images": Names("images/yes/1.png images/no/2.png", "label | yes | no"),
    "of images as classes": Names("images/1.png drawings/2.png", "label | images | drawings"),
    "of images within classes": Names("yes/images/1.png no/images/x/2.png", "label | yes | no"),
    "of patients within classes": Names("yes/p1/1.png no/p2/2.png", "label | yes | no"),
    "two spellings of a letter": Names(
        "bo\u0308se/1.png b\u00f6se/2.png gut/3.png", "label | b\u00f6se | gut"
    ),
    "parts around classes": Names(
        "train/yes/1.png Testing/no/2.png valid/yes/3.png",
        "file label split | train/yes/1.png yes train | Testing/no/2.png no test "
        "| valid/yes/3.png yes validation",
    ),
    "parts within classes": Names(
        "yes/TRAIN/1.png no/test/2.png yes/val/3.png",
        "label split | yes train | no test | yes validation",
    ),
    "parts around images and classes": Names(
        "a/train/images/yes/1.png a/test/images/no/2.png", "label split | yes train | no test"
    ),
    "parts without a test set": Names(
        "train/yes/1.png train/no/2.png val/yes/3.png",
        "label :split | yes - | no -",
        note="Folders tell parts of the data, but no test set",
    ),
    "classes that the line names": Names(
        "s1/yes/1.png s1/no/2.png s2/yes/1.png s2/no/1.png", "label | yes | no", "--positive yes"
    ),
    "outer classes that the line names": Names(
        "yes/CC/1.png yes/ML/2.png no/CC/1.png no/ML/1.png", "label | yes | no", "--positive no"
    ),
    "LC25000": Names(
        "lung/lung_aca/1.png lung/lung_n/2.png colon/colon_n/3.png",
        "file label | lung/lung_aca/1.png lung_aca | colon/colon_n/3.png colon_n",
        "--classes lung_aca colon_n",
    ),
    "either level": Names(
        "s1/yes/1.png s1/no/2.png s2/yes/1.png s2/no/1.png",
        "! the classes may be s1, s2, or no, yes.*--positive",
    ),
    "no image": Names("", "! an empty folder"),
    "an image in no folder": Names("yes/1.png no/2.png 3.png", "! such as `3.png`.*--pattern"),
    "one class": Names("yes/1.png yes/2.png", "! in `yes` alone"),
    "a part of another name": Names(
        "train/yes/1.png val/no/2.png holdout/no/3.png",
        "! `train`, `val`, which are parts of the data, and `holdout/no/3.png`",
    ),
    "a part of another name within": Names(
        "yes/train/1.png no/test/2.png no/dev/3.png", "! `no/dev/3.png` does not fit"
    ),
    "parts alone": Names("train/1.png test/2.png", "! called `test`, `train`"),
    "a part beside a folder": Names(
        "train/yes/1.png train/no/2.png more/yes/3.png", "! `more/yes/3.png` does not fit"
    ),
    "a test set without labels": Names(
        "train/yes/1.png train/no/2.png test/3.png", "! one part that has labels alone: .*/train`"
    ),
    "a copy of the data set within itself": Names(
        "sick/1.png well/2.png cells/sick/1.png cells/well/2.png",
        "! the folder `cells`, beside `sick`, `well`.*`--classes sick well`",
    ),
    "the same, with all classes named": Names(
        "sick/1.png well/2.png cells/sick/1.png cells/well/2.png",
        "file | sick/1.png | well/2.png",
        "--classes sick well",
    ),
    "images of one class at several depths": Names(
        "A/A/1.png B/B/1.png A/A/CROPPED/2.png B/B/CROPPED/2.png",
        "label | A | B",
        note="2 in folders such as `A/A` and 2 in folders such as `A/A/CROPPED`",
    ),
    "two modalities": Names(
        "a/C-1__CT.png a/C-1__PT.png b/2.png", "! 2 images of one patient.*{modality}"
    ),
    "a modality and a mask": Names("a/C-1__CT.png a/C-1.png b/2.png", "! 2 images of one patient"),
    "names that are modalities": Names(
        "a/s/ct.png a/s/mri.png b/2.png", "! 2 images of one patient"
    ),
}  # fmt: skip
PATTERNS = {
    "images, masks and labels": Names(
        "p1/PET_image.png p1/PET_mask.png p1/T1_image.png p1/T1_mask.png p2/PET_image.png "
        "p2/PET_mask.png",
        "file mask modality patient_id outcome | p1/PET_image.png p1/PET_mask.png PET p1 yes "
        "| p1/T1_image.png p1/T1_mask.png T1 p1 yes | p2/PET_image.png p2/PET_mask.png PET p2 no",
        f"{OUTCOME} {{patient}}/{{modality}}_{{kind}}.png --images PET T1",
        LABELS.removesuffix(" p3,no"),
    ),
    "who has no partner": Names(
        "p1.png p2.png p4.png",
        "! 1 of 3 patients of the files in .* first `p4`.*1 of 3 patients of .* first `p3`",
        f"{OUTCOME} {{patient}}.png", LABELS,
    ),
    "who has no partner, left out": Names(
        "p1.png p2.png p4.png", "file :patient | p1.png p1 | p2.png p2",
        f"{OUTCOME} {{patient}}.png --unmatched leave-out", LABELS, "1 patients of",
    ),
    "an image without a mask": Names(
        "p1_image.png p1_mask.png p2_image.png p3_image.png p3_mask.png",
        "file mask | p1_image.png p1_mask.png | p3_image.png p3_mask.png",
        f"{OUTCOME} {{patient}}_{{kind}}.png", LABELS, "no mask: p2_image.png",
    ),
    "image and mask of one pattern first": Names(
        "n/p1_mask.png n/p2_image.png n/p2_mask.png n/p3_image.png d/p1/image/1.png "
        "d/p3/image/1.png d/p3/mask/rs.png",
        "file mask | d/p1/image n/p1_mask.png | n/p2_image.png n/p2_mask.png "
        "| d/p3/image d/p3/mask/rs.png",
        f"{OUTCOME} n/{{patient}}_{{kind}}.png d/{{patient}}/{{kind}} --ignore-unlisted", LABELS,
        "Images of one pattern with masks of another: 1, first d/p1/image with n/p1_mask.png",
    ),
    "nothing fits": Names(
        "p1.png", "! no file fits. Allowed: {patient}.PNG.*a file here is `p1.png`, and upper",
        f"{OUTCOME} {{patient}}.PNG", LABELS,
    ),
    "no image fits": Names(
        "p1.png", "! no file with the kind `image` fits",
        f"{OUTCOME} {{patient}}_{{kind}}.png", LABELS,
    ),
    "no such field": Names("p1.png", "! `{case}.png` was given", f"{OUTCOME} {{case}}.png", LABELS),
    "several files as one mask": Names(
        "p1/image/1.png p1/mask/a.png p1/mask/b.png", "! p1/mask: a folder of 2 files",
        f"{OUTCOME} {{patient}}/{{kind}}", LABELS,
    ),
    "labels in names": Names(
        "yes/p1_left.png no/p1_right.png no/p2_left.png",
        "patient_id label region | p1 yes left | p1 no right | p2 no left",
        "--pattern {label}/{patient}_{region}.png",
    ),
    "parts in names": Names(
        "Training/yes/p1.png val/no/p2.png test/no/p3.png",
        "patient_id label split | p1 yes train | p2 no validation | p3 no test",
        "--pattern {split}/{label}/{patient}.png",
    ),
    "labels in the names of one pattern alone": Names(
        "yes/p1.png no/p2.png", "! LABELS: is not given",
        "--pattern {label}/{patient}.png no/{patient}.png",
    ),
    "two labels": Names(
        "yes/p1.png no/p1.png", "! `yes`, and `no` elsewhere", "--pattern {label}/{patient}.png"
    ),
    "parts of names that tell nothing": Names(
        "s0/p1.png s1/p2.png s7/p3.png",
        "file patient_id | s0/p1.png p1 | s1/p2.png p2 | s7/p3.png p3",
        f"{OUTCOME} s{{any}}/{{patient}}.png", LABELS,
    ),
    "two files of a patient": Names(
        "s0/p1.png s1/p1.png", "! a second file of patient `p1`, beside s0/p1.png",
        f"{OUTCOME} s{{any}}/{{patient}}.png", LABELS,
    ),
    "several images of a patient": Names(
        "a-1-1.png a-1-2.png b-2-1.png", "file patient_id label | a-1-1.png 1 a | a-1-2.png 1 a "
        "| b-2-1.png 2 b", "--pattern {label}-{patient}-{any}.png",
    ),
    "nobody in names": Names(
        "a/yes/1.png a/yes/2.png b/no/2.png", "file label :patient | a/yes/1.png yes - "
        "| a/yes/2.png yes - | b/no/2.png no -", "--pattern {any}/{label}/{any}.png",
    ),
    "nobody in names, and a table of patients": Names(
        "yes/p1.png no/p2.png", "! no {patient}, and a row of the table is a patient",
        f"{OUTCOME} {{label}}/{{any}}.png", LABELS,
    ),
    "nobody in names of images and masks": Names(
        "yes/1_image.png yes/1_mask.png", "! without {patient} and {kind}, where nothing tells",
        "--pattern {label}/{any}_{kind}.png",
    ),
    "a name that fits in two ways": Names(
        "yes/0_L_CC.png no/2_R.png",
        "! two ways: .*patient `0`, region `L_CC`; or .*patient `0_L`, region `CC`.*--cut first",
        "--pattern {label}/{patient}_{region}.png",
    ),
    "cut at the first place": Names(
        "yes/0_L_CC.png no/2_R.png", "patient_id region | 0 L_CC | 2 R",
        "--pattern {label}/{patient}_{region}.png --cut first",
    ),
    "cut at the last place": Names(
        "yes/0_L_CC.png no/2_R.png", "patient_id region | 0_L CC | 2 R",
        "--pattern {label}/{patient}_{region}.png --cut last",
    ),
    "a row an image": Names(
        EYES, "file patient_id region level | 10_left.jpg 10 left 0 | 10_right.jpg 10 right 2 "
        "| 13_left.jpg 13 left 1", EYE, "image,level 10_left,0 10_right,2 13_left,1",
    ),
    "an image without a row": Names(
        EYES, "! 1 of 3 images of the files .* no partner, first `13_left.jpg`", EYE,
        "image,level 10_left,0 10_right,2",
    ),
    "a row without an image": Names(
        EYES, "! 1 of 4 images of .*csv have no partner, first `15_left`", EYE,
        "image,level 10_left,0 10_right,2 13_left,1 15_left,0",
    ),
    "rows and images without a partner, left out": Names(
        EYES, "file level | 10_left.jpg 0 | 10_right.jpg 2", f"{EYE} --unmatched leave-out",
        "image,level 10_left,0 10_right,2 15_left,0", "1 images of the files in",
    ),
    "two rows of an image": Names(
        EYES, "! 2 rows of image `10_left.jpg`, in lines 2, 3", EYE,
        "image,level 10_left,0 10_left.jpg,2",
    ),
    "INbreast, whose table says how names begin": Names(
        BREASTS, "patient_id region Birads | 6c61 R_CC 2 | 6c61 L_CC 4a",
        "--label Birads --file File --pattern {any}_{patient}_MG_{region}_ANON.png",
        "Patient;File;Birads removed;2058;2 removed;2093;4a",
    ),
    "KiTS19, whose masks lie beside": Names(
        "p1/imaging.png p1/segmentation.png p2/imaging.png p2/segmentation.png",
        "! 2 of 4 image files are masks by their names",
        f"{OUTCOME} {{patient}}/imaging.png", "patient_id,outcome p1,yes p2,no",
    ),
    "masks beside, left out": Names(
        "p1/imaging.png p1/segmentation.png p2/imaging.png p2/segmentation.png",
        "file :mask | p1/imaging.png - | p2/imaging.png -",
        f"{OUTCOME} {{patient}}/imaging.png --masks leave-out", "patient_id,outcome p1,yes p2,no",
    ),
    "masks beside, as regions": Names(
        "p1/imaging.png p1/segmentation.png p2/imaging.png p2/segmentation.png",
        "file :mask | p1/imaging.png p1/segmentation.png | p2/imaging.png p2/segmentation.png",
        f"{OUTCOME} {{patient}}/imaging.png --masks regions", "patient_id,outcome p1,yes p2,no",
    ),
    "several rows of a patient": Names(
        "p1_a.png p2_b.png", "! 2 rows of patient `p1`, in lines 2, 3.*`--patient study_id`",
        "--pattern {patient}_{any}.png", "patient_id,study_id,label p1,a,yes p1,c,no p2,b,no",
    ),
    "studies of patients": Names(
        "p1_a.png p1_c.png p2_b.png", "file :patient | p1_a.png p1 | p1_c.png p1 | p2_b.png p2",
        "--pattern {any}_{patient}.png --patient study_id",
        "patient_id,study_id,label p1,a,yes p1,c,no p2,b,no",
    ),
}  # fmt: skip
IDS = "ID,label p1,yes p2,no"
HINTS = {  # a table with a row a patient, without a pattern
    line: Names(
        " ".join(name.format(at=at) for at in (1, 2)),
        f"! where it is a patient, add `--patient ID --pattern '{line}'`", "", IDS,
    )
    for line, name in {
        "{patient}/image.png": "p{at}/image.png",
        "{patient}_T1.png": "p{at}_T1.png",
        "{any}/{patient}/x.png": "{at}/p{at}/x.png",
        "{patient}/{any}.png": "p{at}/scan{at}.png",
    }.items()
} | {
    "none": Names("q1.png q2.png", r"! no column `file`.*: add a column .*`q1.png`", "", IDS),
    "an image beside a mask of another name": Names(
        "p1/aggregated_seg.png p1/imaging.png p2/aggregated_seg.png p2/imaging.png",
        "! --pattern '{patient}/imaging.png'", "", IDS,
    ),
    "the column of files": Names(
        "a/q1.png b/q2.png", "! for example `--file img_id`", "",
        "img_id,patient_id,label q1.png,p1,yes q2.png,p2,no",
    ),
    "its line": Names(
        "p1/scan1.png p2/scan2.png", "file :patient | p1/scan1.png p1 | p2/scan2.png p2",
        "--patient ID --pattern {patient}/{any}.png", IDS,
    ),
}  # fmt: skip
UID = "1.3.6.1.4.1.17"


FOUND = {
    "without the ending": ("I_1.jpg", "I_1"),
    "in a folder": ("part_1/I_1.jpg", "I_1"),
    "with more folders": ("train/p1/v.jpg", "small/train/p1/v.jpg"),
    "with one folder more": ("1.jpg", "train/1.jpg"),
    "as Windows writes it": ("a/b/1.png", r"a\b\1.png"),
    "without a double ending": ("scans/p1.nii.gz", "p1"),
    "from the root": ("1.png", "/kaggle/input/1.png"),
    "relative to the table": ("1.png", "../films/1.png"),
    "other accents": ("a\u0308.png", "\u00e4.png"),
    "another case": ("Scans/A.PNG", "scans/a.png"),
}
TABLES = {
    **{
        f"a file {how}": Names(
            f"{file} other.png", f":file label | {file} a | other.png b", "",
            f"file,label {name},a other.png,b", f"`{name}` as `{file}`",
        )
        for how, (file, name) in FOUND.items()
    },
    "a folder of a series": Names(
        "p1/s/1.dcm=P1 p1/s/2.dcm=P1 o.dcm=P2", "file label | p1/s a | o.dcm b", "",
        "file,label data/p1/s,a o.dcm,b", "`data/p1/s` as `p1/s`",
    ),
    "a name of another folder": Names(
        "test/1.jpg 2.jpg", "file | train/1.jpg | 2.jpg", "", "file,label train/1.jpg,a 2.jpg,b",
        "1 of 2 rows name no file of the folder",
    ),
    "another ending": Names(
        "a.png b.png", "file | a.jpg | b.png", "", "file,label a.jpg,a b.png,b"
    ),
    "two of another case": Names(
        "A.png Aa.png AA.png b.png", "file | aa.png | b.png", "", "file,label aa.png,a b.png,b"
    ),
    "a name of two files": Names(
        "a/1.png b/1.png", "! `1` may be `a/1.png` or `b/1.png`", "", "file,label 1,a"
    ),
    "TCIA's series, by their headers": Names(
        f"P1/07-20-DDSM/1.0-images/1-1.dcm={UID} P1/07-21-DDSM/1.0-images/1-1.dcm={UID}8",
        "file | P1/07-20-DDSM/1.0-images/1-1.dcm | P1/07-21-DDSM/1.0-images/1-1.dcm",
        "", f"file,label,patient P1/1.3.6.1.4.1.7/{UID}/000000.dcm,a,P "
        f"P1/1.3.6.1.4.1.7/{UID}8/0.dcm,b,P",
    ),
    "Kaggle's series, by their folders": Names(
        f"jpeg/{UID}/1-249.jpg jpeg/{UID}8/1-1.jpg",
        f"file | jpeg/{UID}/1-249.jpg | jpeg/{UID}8/1-1.jpg", "",
        f"file,label P1/1.3.6.1.4.1.7/{UID}/0.dcm,a P1/1.3.6.1.4.1.7/{UID}8/0.dcm,b",
    ),
    "two files of a series": Names(
        f"jpeg/{UID}/1-249.jpg jpeg/{UID}/2-249.jpg", "! may be", "",
        f"file,label P1/1.3.6.1.4.1.7/{UID}/0.dcm,a",
    ),
    "RSNA's rows of an image and a finding": Names(
        "ID_1.png ID_2.png ID_3.png", "! `any`, `epidural` of each of 3 images.*--findings",
        "--file ID --label L",
        "ID,L " + " ".join(f"ID_{at}_{each},0" for at in (1, 2, 3) for each in ("any", "epidural")),
    ),
    "columns in upper case": Names(
        "1.png 2.png", ":file :label :patient :split :mask | 1.png y p1 train 1.png "
        "| 2.png n p2 test 2.png", "",
        "File,Label,PatientID,Split,Mask 1.png,y,p1,train,1.png 2.png,n,p2,test,2.png",
    ),
    "running numbers beside paths": Names(
        "1.png 2.png", ":file label | 2.png y | 1.png n", "", "image,path,label 1,2.png,y 2,1.png,n"
    ),
    "rows without files": Names(
        "1.png 2.png", "file | 1.png | 2.png | 3.png", "", "file,label 1.png,y 2.png,n 3.png,n",
        "1 of 3 rows name no file of the folder, the first `3.png`; `--unmatched leave-out`",
    ),
    "rows without files, left out": Names(
        "1.png 2.png", "file | 1.png | 2.png", "--unmatched leave-out",
        "file,label 1.png,y 2.png,n 3.png,n", "they are left out.",
    ),
    "no row with a file": Names(
        "1.png", "! 2 of 2 rows name no file", "--unmatched leave-out", "file,label a.png,y b.png,n"
    ),
    "parts in names of files": Names(
        "train/1.png test/2.png", "file :split | train/1.png train | test/2.png test", "",
        "file,label train/1.png,y test/2.png,n", "Folders in the names of files (`file`)",
    ),
    "parts in some names": Names(
        "train/1.png test/2.png 3.png", "! 2 names of files .* and 1 have none or several", "",
        "file,label train/1.png,y test/2.png,n 3.png,n",
    ),
    "parts in a column of another name": Names(
        "1.png 2.png", ":file :split | 1.png Training | 2.png TEST", "",
        "file,label,Partition 1.png,y,Training 2.png,n,TEST", "The column `Partition` tells",
    ),
    "the same column, as something else": Names(
        "1.png 2.png", ":file :split | 1.png - | 2.png -", "--site Partition",
        "file,label,Partition 1.png,y,Training 2.png,n,TEST",
    ),
    "parts without a test set": Names(
        "1.png 2.png", ":file :split | 1.png - | 2.png -", "",
        "file,label,split 1.png,y,train 2.png,n,val", "no test set, so that folds test every case",
    ),
    "patients in training and validation": Names(
        "1.png 2.png 3.png", "file split | 1.png train | 2.png train | 3.png test", "",
        "file,label,split,patient 1.png,y,train,a 2.png,n,val,a 3.png,n,test,b",
        "1 patients have images in training and in validation",
    ),
    "a patient in test, too": Names(
        "1.png 2.png 3.png", "file split | 1.png train | 2.png val | 3.png test", "",
        "file,label,split,patient 1.png,y,train,a 2.png,n,val,a 3.png,n,test,a",
    ),
    "other patients in validation": Names(
        "1.png 2.png 3.png", "file split | 1.png train | 2.png val | 3.png test", "",
        "file,label,split,patient 1.png,y,train,a 2.png,n,val,b 3.png,n,test,c",
    ),
}  # fmt: skip
FOUR = "no/0.dcm={} yes/1.dcm={} no/2.dcm={} yes/3.dcm={}"
COLUMN = "file,label,{} no/0.dcm,0,{} yes/1.dcm,1,{} no/2.dcm,0,{} yes/3.dcm,1,{}"
PEOPLE = FOUR.format("P1", "P2", "P1", "P3")
NUMBERED = COLUMN.format("case_id", *"1234")
HEADERS = {
    "patients of headers": Names(
        PEOPLE, "file :patient | no/0.dcm P1 | yes/1.dcm P2 | no/2.dcm P1 | yes/3.dcm P3",
        note="(Patient ID): 3 of 4 images",
    ),
    "a header without one": Names(
        FOUR.format("", "P2", "P1", "P3"), ":patient | -",
        note="1 of 4 DICOM headers name no patient",
    ),
    "an anonymous one": Names(
        FOUR.format("Anonymous^Patient", "P2", "P1", "P3"), ":patient | -",
        note="1 of 4 DICOM headers name no patient",
    ),
    "one for all": Names(
        FOUR.format(*["P1"] * 4), ":patient | -", note="All DICOM headers have the same",
    ),
    "beside other files": Names(f"{PEOPLE} yes/9.png", ":patient | -"),
    **{
        f"a column {column} before headers": Names(
            FOUR.format("P1", "P2", "p1", "P3"), ":patient | Q1 | Q2 | q-1",
            "--similar-patients apart", COLUMN.format(column, "Q1", "Q2", "q-1", "Q2"),
        )
        for column in ("patient", "case_id")
    },
    "a column that divides patients of headers": Names(
        PEOPLE, "! column `patient`: 2 patients for 1 of the 3 whom .* headers name.*--patient", "",
        COLUMN.format("patient", "Q0", "Q1", "Q2", "Q3"),
    ),
    "such a column that the line names": Names(
        PEOPLE, ":patient | Q0 | Q1 | Q2 | Q3", "--patient patient",
        COLUMN.format("patient", "Q0", "Q1", "Q2", "Q3"),
    ),
    "numbers of cases before headers": Names(
        PEOPLE, "file :patient | no/0.dcm P1 | yes/1.dcm P2 | no/2.dcm P1 | yes/3.dcm P3", "",
        NUMBERED, "`case_id` has 2 ids for 1 of them",
    ),
    **{
        f"numbers of cases, {who} in headers": Names(
            FOUR.format(*people), ":patient | 1 | 2 | 3 | 4", "", NUMBERED,
        )
        for who, people in {
            "one": ["removed"] * 4, "nobody": ["", "P2", "P1", "P2"],
        }.items()
    },
}  # fmt: skip
EVERY = (
    CLASSES
    | PATTERNS
    | {f"a hint: {line}": names for line, names in HINTS.items()}
    | TABLES
    | HEADERS
)


@pytest.mark.parametrize("case", EVERY)
def test_names_of_files_tell_rows_or_are_refused(case, tmp_path):
    names = EVERY[case]
    if names.gives.startswith("!"):
        with pytest.raises(SkiagramError, match=f"(?s){names.gives[2:]}") as refused:
            read(tmp_path, names)
        assert refused.value.remedy or refused.value.allowed
        return
    columns, *rows = (row.split() for row in names.gives.split(" | "))
    described = read(tmp_path, names)
    assert told(described, columns) == {tuple(row) for row in rows}
    assert any(names.note in note for note in [*described.notes, ""]), described.notes
