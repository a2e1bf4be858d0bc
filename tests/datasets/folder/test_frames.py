"""Frames of a DICOM file are cases or slices, as the table says; nothing is guessed."""

import csv
from pathlib import Path

import numpy as np
import pytest

from skiagram.cli.main import main
from skiagram.datasets.folder.source import Folder
from skiagram.datasets.ingest import IngestFolders, ingest
from skiagram.image_store.store import ImageStore
from skiagram.options import build, read_option_file
from tests.datasets.volumes.examples import _dataset, written

PATIENTS, FRAMES, SIDE = 12, 3, 24
VALUES = np.random.default_rng(0).integers(0, 255, (PATIENTS, FRAMES, SIDE, SIDE), dtype=np.uint8)


def _cine(frames: np.ndarray) -> bytes:
    dataset = _dataset("1.2.840.10008.5.1.4.1.1.3.1")
    dataset.Modality = "US"
    dataset.NumberOfFrames = len(frames)
    dataset.Rows, dataset.Columns = frames.shape[1:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation = 0
    dataset.PixelSpacing = [0.5, 0.5]
    dataset.PixelData = np.ascontiguousarray(frames).tobytes()
    return written(dataset)


def _study(folder: Path, *frames: str) -> list[str]:
    """Write a cine loop a patient and its table, by `skiagram table`."""
    (folder / "loops").mkdir(parents=True)
    for patient, values in enumerate(VALUES):
        (folder / f"loops/p{patient:02d}.dcm").write_bytes(_cine(values))
    rows = [f"p{patient:02d},{('no', 'yes')[patient % 2]}" for patient in range(PATIENTS)]
    (folder / "labels.csv").write_text("\n".join(["patient_id,label", *rows]) + "\n")
    places = [str(folder / name) for name in ("loops", "labels.csv", "loops.csv")]
    assert main(["table", *places, "--pattern", "{patient}.dcm", *frames]) == 0
    return [str(folder / "loops"), str(folder / "loops.csv"), "--positive", "yes"]


def _ingested(folder: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> ImageStore:
    (folder / "conf/dataset").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("SKIAGRAM_DATA", raising=False)
    assert main(["init", *arguments]) == 0
    source = build(read_option_file(folder / "conf/dataset/loops.yaml"), "dataset")
    assert isinstance(source, Folder)
    ingest(source, "cv", None, IngestFolders(*(folder / name for name in "abc")))
    return ImageStore(folder / "a")


def test_check_offers_a_case_a_frame_or_a_volume(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", *_study(tmp_path)]) == 4
    said = capsys.readouterr().out
    assert f"p00.dcm: {FRAMES} frames without a place in the patient" in said
    assert "`skiagram table --frames cases` (or `volume`)" in said


def test_each_frame_is_a_case_of_its_patient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _ingested(tmp_path, _study(tmp_path, "--frames", "cases"), monkeypatch)
    found = sorted(store.image(case_id).tobytes() for case_id in store.case_ids)
    assert found == sorted(frame.tobytes() for frame in VALUES.reshape(-1, SIDE, SIDE))
    with (tmp_path / "loops.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows[:3]] == ["1", "2", "3"]
    assert {row["patient_id"] for row in rows[:3]} == {"p00"}


def test_all_frames_are_a_volume_of_unknown_spacing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _ingested(tmp_path, _study(tmp_path, "--frames", "volume"), monkeypatch)
    found = sorted(store.image(case_id).tobytes() for case_id in store.case_ids)
    assert found == sorted(loop.tobytes() for loop in VALUES)
    assert store.image(store.case_ids[0]).shape == (FRAMES, SIDE, SIDE, 1)
    assert store.spacing(store.case_ids[0]) is None


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("4", "frame 4 of 3"),
        ("zero", "`zero`, column `frame`"),
        ("0", "`0`, column `frame`"),
    ],
)
def test_a_frame_that_is_not_there_is_named(
    cell: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = _study(tmp_path, "--frames", "cases")
    table = (tmp_path / "loops.csv").read_text().splitlines()
    table[1] = table[1].replace(",1,", f",{cell},")
    (tmp_path / "loops.csv").write_text("\n".join(table) + "\n")
    assert main(["check", *arguments]) == 4
    assert words in capsys.readouterr().out
