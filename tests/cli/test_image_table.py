"""`skiagram extract`: every row of a table, again after a stop, with a reason where it fails."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import tifffile

from skiagram.cli.main import main
from skiagram.compute.files import write_files
from skiagram.radiomics.extraction import describe
from tests.radiomics.volume import make_volume, write_volume
from tests.readers.examples import SHAPE, VALUES, segmentation, series_files

MASK = np.zeros(SHAPE, np.bool_)
MASK[1:3, 1:4, 2:5] = True


@pytest.fixture
def table(tmp_path: Path) -> Path:
    write_volume(tmp_path, "image.nii.gz", "mask.nii.gz")
    path = tmp_path / "table.csv"
    rows = "a,image.nii.gz,mask.nii.gz,\nb,image.nii.gz,mask.nii.gz,2\nc,lost.nii,mask.nii.gz,1\n"
    path.write_text(f"Patient,Image,Mask,Label\n{rows}")
    parameters = "setting: {binWidth: 20}\nfeatureClass: {firstorder: [Mean, Kurtosis]}\n"
    (tmp_path / "Params.yaml").write_text(parameters)
    return path


def command(table: Path) -> list[str]:
    output, parameters = (str(table.with_name(name)) for name in ("features.csv", "Params.yaml"))
    return ["extract", str(table), "-o", output, "--param", parameters, "--jobs", "1"]


def extract(table: Path, *more: str) -> tuple[int, pd.DataFrame]:
    output = table.with_name("features.csv")
    output.unlink(missing_ok=True)
    return main([*command(table), *more]), pd.read_csv(output)


def test_a_row_that_fails_has_its_reason_and_stops_no_other(table: Path) -> None:
    code, found = extract(table)
    pixels, labels = make_volume()
    assert code == 4
    assert found.columns.tolist() == [
        *("Patient", "Image", "Mask", "Label", "Reason"),
        *("original_firstorder_Kurtosis", "original_firstorder_Mean"),
    ]
    means = [pixels[labels == label].mean() for label in (1, 2)]
    assert found["original_firstorder_Mean"].tolist()[:2] == pytest.approx(means)
    assert "lost.nii" in found["Reason"].tolist()[2]
    assert np.isnan(found["original_firstorder_Mean"].tolist()[2])
    assert [path.name for path in table.parent.glob("features*")] == ["features.csv"]


def test_reasons_and_notes_say_what_this_command_takes(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They named options of projects, and a line of the code."""
    moved = nib.Nifti1Image(np.ones((3, 3, 3), dtype=np.uint8), np.eye(4))
    nib.save(moved, table.with_name("moved.nii"))
    table.write_text(
        "Image,Mask,Label\nimage.nii.gz,moved.nii,\nimage.nii.gz,mask.nii.gz,9\n"
        "image.nii.gz,mask.nii.gz,1\n"
    )
    parameters = "setting: {binWidth: 9000}\nfeatureClass: {glcm: [Contrast]}\n"
    table.with_name("Params.yaml").write_text(parameters)
    code, found = extract(table)
    assert code == 4
    assert "`correctMask: true`" in found["Reason"][0]
    assert "the column `label_value`" in found["Reason"][1]
    noted = capsys.readouterr().err
    assert "Note: A bin of 9000 is wider" in noted
    assert ".py" not in noted


def test_a_stopped_table_goes_on(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described: list[str] = []
    real = describe

    def describe_one(*arguments: object) -> object:
        if len(described) == 1:
            described.append("")
            raise KeyboardInterrupt
        described.append("")
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("skiagram.radiomics.features.describe", describe_one)
    output = table.with_name("features.csv")
    assert main(command(table)) == 130
    assert not output.exists()
    assert main(command(table)) == 4
    assert len(described) == 3  # the first of two that can be described, once
    assert len(pd.read_csv(output)) == 3


def test_a_call_that_was_killed_after_its_table_stood_is_ended_by_the_next(
    table: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def write_and_end(contents: Mapping[Path, bytes]) -> None:
        write_files(contents)
        raise SystemExit

    output, beside = table.with_name("features.csv"), table.with_name("features.csv.unfinished")
    with monkeypatch.context() as killed:
        killed.setattr("skiagram.cli.image_table.write_files", write_and_end)
        with pytest.raises(SystemExit):
            main(command(table))
    whole = output.read_bytes()
    assert beside.exists()
    assert main(command(table)) == 4  # of the row that fails
    assert output.read_bytes() == whole
    assert not beside.exists()

    beside.touch()  # of a call that had not come as far
    assert main(command(table)) == 2
    assert "exists" in capsys.readouterr().err
    assert output.read_bytes() == whole


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Picture,Mask\na,b\n", "Image"),
        ("Image,Mask,Label\na,b,lesion\n", "label `lesion`"),
        ("file,mask,frame\na,b,first\n", "line 2: frame `first`"),
        ("Image,Mask\n", "no rows"),
    ],
)
def test_a_bad_table_is_one_line(
    table: Path, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table.write_text(content)
    assert main(["extract", str(table), "-o", str(table.with_name("new.csv"))]) == 4
    message = capsys.readouterr().err
    assert said in message
    assert message.count("\n") == 1


def test_one_image_is_printed(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(table.with_name(name)) for name in ("image.nii.gz", "mask.nii.gz")]
    parameters = ["--param", str(table.with_name("Params.yaml"))]
    assert main(["extract", *files, *parameters]) == 0
    assert "original_firstorder_Mean," in capsys.readouterr().out


def test_the_table_that_table_writes_is_read_with_its_folder(table: Path, tmp_path: Path) -> None:
    """One door writes `file` and `mask`, the other one reads them."""
    scans = tmp_path / "scans"
    scans.mkdir()
    for kind in ("image", "mask"):
        (tmp_path / f"{kind}.nii.gz").rename(scans / f"p1_{kind}.nii.gz")
    (tmp_path / "labels.csv").write_text("patient,outcome\np1,yes\n")
    written = str(tmp_path / "scans.csv")
    line = ["table", str(scans), str(tmp_path / "labels.csv"), written]
    assert main([*line, "--pattern", "{patient}_{kind}.nii.gz"]) == 0
    code, found = extract(Path(written), "--folder", str(scans))
    assert code == 0
    assert found[["Image", "Mask", "outcome"]].to_numpy().tolist() == [
        ["p1_image.nii.gz", "p1_mask.nii.gz", "yes"]
    ]
    assert np.isfinite(found["original_firstorder_Mean"]).all()


def test_labels_and_masks_of_table_mean_what_they_mean_there(table: Path) -> None:
    """`all` labels, or several masks, of `skiagram table` are one region."""
    table.write_text(
        "file,mask,label_value\nimage.nii.gz,mask.nii.gz,all\nimage.nii.gz,mask.nii.gz,2\n"
        "image.nii.gz,mask.nii.gz; mask.nii.gz,1\n"
    )
    code, found = extract(table)
    pixels, labels = make_volume()
    regions = [labels > 0, labels == 2, labels == 1]
    assert code == 0
    assert found["original_firstorder_Mean"].tolist() == pytest.approx(
        [pixels[region].mean() for region in regions]
    )


def test_a_label_of_one_image_is_an_option(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(table.with_name(name)) for name in ("image.nii.gz", "mask.nii.gz")]
    assert main(["extract", *files]) == 4
    assert "2 labels (1, 2). Allowed: one label. Do this: name one with `--label`." in (
        capsys.readouterr().err
    )
    written = table.with_name("one.csv")
    assert main(["extract", *files, "--label", "2", "-o", str(written)]) == 0
    pixels, labels = make_volume()
    found = pd.read_csv(written, index_col="feature")["value"]
    assert found["first_order_mean"] == pytest.approx(pixels[labels == 2].mean())
    assert len(found) > 100
    capsys.readouterr()
    assert main(["extract", *files, "--label", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [*lines] == written.read_text().splitlines()[1:]


@pytest.fixture
def slices(tmp_path: Path) -> Path:
    """A table of a DICOM series, of which 0 is padding, and a segmentation of two regions."""
    (tmp_path / "ct").mkdir()
    values = 50 + VALUES % 7
    values[1, 1, 2] = 0
    for name, content in series_files(values, PixelPaddingValue=0):
        (tmp_path / "ct" / name).write_bytes(content)
    whole = MASK.copy()
    whole[1, 1, 2] = False
    (tmp_path / "seg.dcm").write_bytes(segmentation({"GTV": MASK, "core": whole}))
    (tmp_path / "Params.yaml").write_text("featureClass: {firstorder: [Mean]}\n")
    return tmp_path / "table.csv"


def test_a_region_and_its_padding_are_asked_for_in_words_that_help(slices: Path) -> None:
    """The column `region` was asked for, and made no difference; filters were, without one."""
    slices.write_text("Image,Mask\nct,seg.dcm\n")
    code, found = extract(slices, "--names", "ibsi")
    assert code == 4
    assert "name one of them in a column `region` of the table." in found["Reason"][0]
    slices.write_text("Image,Mask,region\nct,seg.dcm,core\nct,seg.dcm,GTV\n")
    code, found = extract(slices)
    assert found["original_firstorder_Mean"].notna().tolist() == [True, False]
    said = "1 voxels of the region have a stored value that the header calls padding: 0 (Pixel Pad"
    assert said in found["Reason"][1]
    assert "where they are tissue after all, remove the tag" in found["Reason"][1]
    assert "filters" not in found["Reason"][1]


def test_a_frame_is_chosen_by_its_column(table: Path) -> None:
    page = np.arange(30, dtype=np.uint8).reshape(5, 6)
    tifffile.imwrite(table.with_name("pages.tif"), np.stack([page, page + 100]))
    tifffile.imwrite(table.with_name("mask.tif"), np.ones((2, 5, 6), np.uint8))
    table.write_text("Image,Mask,frame\npages.tif,mask.tif,2\npages.tif,mask.tif,1\n")
    code, found = extract(table)
    assert code == 0, found
    assert found["original_firstorder_Mean"].tolist() == pytest.approx([114.5, 14.5])


@pytest.mark.slow
def test_features_alone_load_no_library_of_figures_or_pictures(table: Path) -> None:
    code = (
        "import sys; from skiagram.cli.main import main; main(sys.argv[1:]); "
        "sys.exit(bool({'matplotlib', 'skimage', 'networkx', 'torch'} & sys.modules.keys()))"
    )
    files = [str(table.with_name(f"{kind}.nii.gz")) for kind in ("image", "mask")]
    done = subprocess.run([sys.executable, "-c", code, "extract", *files], capture_output=True)
    assert done.returncode == 0, done.stderr


def test_a_row_without_a_mask_has_no_features_and_windows_paths_are_read(table: Path) -> None:
    (table.parent / "scans").mkdir()
    for name in ("image.nii.gz", "mask.nii.gz"):
        (table.parent / name).rename(table.parent / "scans" / name)
    image, mask = "scans\\image.nii.gz", "scans\\mask.nii.gz"
    table.write_text(f"Patient,Image,Mask\na,{image},{mask}\nb,{image},\n")
    code, found = extract(table)
    assert code == 4
    assert found["original_firstorder_Mean"].notna().tolist() == [True, False]
    assert "no mask, while other rows have one" in found["Reason"].tolist()[1]
    assert found["Image"].tolist() == [image, image]
