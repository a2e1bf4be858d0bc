"""`skiagram extract`: every row of a table, again after a stop, with a reason where it fails."""

import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import tifffile

from skiagram.radiomics.extraction import describe
from skiagram.readers.case_images import (
    ImageReference,
    decode_case,
    is_image_file,
    read_case_files,
)
from skiagram.readers.dicom import describe_padding
from skiagram.readers.file_trees import FolderTree
from tests.radiomics.volume import make_volume, write_volume
from tests.readers.examples import SHAPE, VALUES, segmentation, series_files
from tests.terminal import assert_says

MEAN = "original_firstorder_Mean"
LINE = "extract table.csv -o features.csv --jobs 1 --param Params.yaml"
PARAMETERS = "setting: {binWidth: 20}\nfeatureClass: {firstorder: [Mean, Kurtosis]}\n"
WIDE = "setting: {binWidth: 9000}\nfeatureClass: {glcm: [Contrast]}\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a folder of images: a volume of two labels, slices with regions, pages."""
    place = tmp_path_factory.mktemp("images")
    write_volume(place, "image.nii.gz", "mask.nii.gz")
    moved = nib.Nifti1Image(np.ones((3, 3, 3), dtype=np.uint8), np.eye(4))
    nib.save(moved, place / "moved.nii")
    # a DICOM series, of which 0 is padding, and a segmentation of two regions
    (place / "ct").mkdir()
    values, gtv = 50 + VALUES % 7, np.zeros(SHAPE, np.bool_)
    values[1, 1, 2], gtv[1:3, 1:4, 2:5] = 0, True
    for name, content in series_files(values, PixelPaddingValue=0):
        (place / "ct" / name).write_bytes(content)
    core = gtv.copy()
    core[1, 1, 2] = False
    (place / "seg.dcm").write_bytes(segmentation({"GTV": gtv, "core": core}))
    page = np.arange(30, dtype=np.uint8).reshape(5, 6)
    tifffile.imwrite(place / "pages.tif", np.stack([page, page + 100]))
    tifffile.imwrite(place / "mask.tif", np.ones((2, 5, 6), np.uint8))
    return place


@pytest.fixture
def place(files, monkeypatch):
    """Work in the folder of images, with a table of which one row fails; return the folder."""
    monkeypatch.chdir(files)
    for written in files.glob("*.csv*"):
        written.unlink()
    write("a,image,mask,\nb,image,mask,2\nc,lost,mask,1")
    return files


def write(rows, columns="Patient,Image,Mask,Label", parameters=PARAMETERS):
    """Write the table, `image` and `mask` for their files' names, and the parameters."""
    for name in ("image", "mask"):
        rows = re.sub(rf"\b{name}([,;])", rf"{name}.nii.gz\1", rows)
    Path("table.csv").write_text(f"{columns}\n{rows}\n".replace("lost,", "lost.nii,"))
    Path("Params.yaml").write_text(parameters)


def mean(*labels):
    pixels, drawn = make_volume()
    return float(pixels[np.isin(drawn, labels)].mean())


class Table(NamedTuple):
    """Columns and rows of a table, and what becomes of each row: a mean, or why there is none."""

    columns: str
    rows: str
    gives: tuple[float | str, ...]
    notes: str = ""
    line: str = LINE
    parameters: str = PARAMETERS


REGIONS = "name one of them in a column `region` of the table."
PADDED = (
    "the region has voxels of a stored value that the header calls padding (0; Pixel Padding | "
    "where a DICOM header calls tissue padding, remove the tag | !filters"
)
TABLES = {
    "a row that fails": Table(
        "Patient,Image,Mask,Label",
        "a,image,mask,\nb,image,mask,2\nc,lost,mask,1",
        (mean(1), mean(2), "lost.nii"),
    ),
    # reasons and notes name what this command takes, and no line of the code
    "reasons and notes": Table(
        "Image,Mask,Label",
        "image,moved.nii,\nimage,mask,9\nimage,mask,1",
        ("`correctMask: true`", "the column `label_value`", 0.0),
        "Note: A bin of 9000 is wider | !.py",
        parameters=WIDE,
    ),
    # as `skiagram table` writes them
    "all labels and several masks": Table(
        "file,mask,label_value",
        "image,mask,all\nimage,mask,2\nimage,mask; mask,1",
        (mean(1, 2), mean(2), mean(1)),
    ),
    "classes": Table("file,mask,label", "image,mask,2\nimage,mask,alive", (mean(1), mean(1))),
    "classes and values": Table(
        "file,mask,Label,label_value", "image,mask,2,1\nimage,mask,1,2", (mean(1), mean(2))
    ),
    "regions without a column": Table(
        "Image,Mask", "ct,seg.dcm", (REGIONS,), line=f"{LINE} --names ibsi"
    ),
    "regions": Table("Image,Mask,region", "ct,seg.dcm,core\nct,seg.dcm,GTV", (904 / 17, PADDED)),
    "frames": Table(
        "Image,Mask,frame", "pages.tif,mask.tif,2\npages.tif,mask.tif,1", (114.5, 14.5)
    ),
    "a row without a mask": Table(
        "Patient,Image,Mask", "a,image,mask\nb,image,", (mean(1), "no mask, while other rows")
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_row_has_its_features_or_its_reason_and_stops_no_other(case, place, terminal):
    given = TABLES[case]
    write(given.rows, given.columns, given.parameters)
    fails = any(isinstance(value, str) for value in given.gives)
    terminal.says(given.line, given.notes, 4 if fails else 0)
    found = pd.read_csv("features.csv")
    features = found.columns[found.columns.str.startswith("original")]
    for row, value in zip(found.to_dict("records"), given.gives, strict=True):
        values = [row[name] for name in features]
        if isinstance(value, str):
            assert np.isnan(values).all()
            assert_says(row["Reason"], value)
        elif MEAN in row:
            assert row[MEAN] == pytest.approx(value)
        else:
            assert np.isfinite(values).all()
    assert [path.name for path in place.glob("features*")] == ["features.csv"]


def test_columns_of_the_table_come_first(place, terminal):
    terminal(LINE, 4)
    assert pd.read_csv("features.csv").columns.tolist() == [
        *("Patient", "Image", "Mask", "Label", "Reason"),
        *("original_firstorder_Kurtosis", MEAN),
    ]


def test_windows_paths_are_read(place, terminal):
    (place / "scans").mkdir(exist_ok=True)
    for name in ("image.nii.gz", "mask.nii.gz"):
        (place / "scans" / name).write_bytes((place / name).read_bytes())
    image = "scans\\image.nii.gz"
    Path("table.csv").write_text(f"Image,Mask,Label\n{image},scans\\mask.nii.gz,1\n")
    terminal(LINE)
    found = pd.read_csv("features.csv")
    assert found["Image"].tolist() == [image]
    assert found[MEAN].tolist() == pytest.approx([mean(1)])


def test_a_stopped_table_goes_on(place, monkeypatch, terminal):
    described = []
    real = describe

    def describe_one(*arguments):
        described.append("")
        if len(described) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr("skiagram.cli.image_table.describe", describe_one)
    terminal(LINE, 130)
    assert not Path("features.csv").exists()
    terminal(LINE, 4)
    assert len(described) == 3  # the first of two that can be described, once
    assert len(pd.read_csv("features.csv")) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Picture,Mask\na,b\n", "Image"),
        ("Image,Mask,Label\na,b,lesion\n", "`lesion`, column `Label`"),
        ("file,mask,frame\na,b,first\n", "line 2: `first`, column `frame`"),
        ("Image,Mask\n", "no rows"),
    ],
)
def test_a_bad_table_is_one_line(place, content, said, terminal):
    Path("table.csv").write_text(content)
    shown = terminal("extract table.csv -o new.csv", 4)
    assert said in shown
    assert shown.count("\n") == 1


def test_the_table_that_table_writes_is_read_with_its_folder(place, tmp_path, terminal):
    """One door writes `file` and `mask`, the other one reads them."""
    for kind in ("image", "mask"):
        (tmp_path / f"p1_{kind}.nii.gz").write_bytes((place / f"{kind}.nii.gz").read_bytes())
    Path("labels.csv").write_text("patient,outcome\np1,yes\n")
    terminal(f"table {tmp_path} labels.csv scans.csv --pattern {{patient}}_{{kind}}.nii.gz")
    terminal(f"{LINE.replace('table.csv', 'scans.csv')} --folder {tmp_path}")
    found = pd.read_csv("features.csv")
    assert found[["Image", "Mask", "outcome"]].to_numpy().tolist() == [
        ["p1_image.nii.gz", "p1_mask.nii.gz", "yes"]
    ]
    assert np.isfinite(found[MEAN]).all()


def test_one_image_is_printed_or_written_and_its_label_is_an_option(place, terminal):
    line = "extract image.nii.gz mask.nii.gz"
    labels = "2 labels (1, 2). Allowed: one label. Do this: name one with `--label`."
    terminal.says(line, labels, 4)
    terminal.says(f"{line} --param Params.yaml", f"{MEAN},")
    terminal(f"{line} --label 2 -o one.csv")
    found = pd.read_csv("one.csv", index_col="feature")["value"]
    assert found["first_order_mean"] == pytest.approx(mean(2))
    assert len(found) > 100
    printed = terminal(f"{line} --label 2").splitlines()
    assert [text for text in printed if "," in text] == Path("one.csv").read_text().splitlines()[1:]


def test_check_and_the_report_name_padding_within_regions_too(files: Path) -> None:
    tree, stated = FolderTree(files, is_image_file), []
    for region in ("GTV", "core"):
        reference = ImageReference("ct", ("seg.dcm",), region)
        stated.append(decode_case(read_case_files(tree, reference), reference).padding)
    assert stated == ["0", ""]
    [sentence] = describe_padding([*stated, "-5 to 0", "0"])
    assert "(-5 to 0 and 0; Pixel Padding Value, 0028,0120): 3. These voxels are" in sentence
    assert not describe_padding(["", ""])


@pytest.mark.slow
def test_features_alone_load_no_library_of_figures_or_pictures(place):
    code = (
        "import sys; from skiagram.cli.main import main; main(sys.argv[1:]); "
        "sys.exit(bool({'matplotlib', 'skimage', 'networkx', 'torch'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", code, "extract", "image.nii.gz", "mask.nii.gz"]
    done = subprocess.run(command, capture_output=True)
    assert done.returncode == 0, done.stderr
