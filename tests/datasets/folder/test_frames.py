"""Frames of a DICOM file are cases or slices, as the table says; nothing is guessed."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from skiagram.cli.main import main
from skiagram.errors import DataError
from skiagram.image_store.store import ImageStore
from skiagram.readers.case_images import CaseFiles, ImageReference, decode_case
from skiagram.readers.grid import VoxelGrid
from skiagram.readers.spaced_image import SpacedImage
from tests.datasets.own_folders import encoded, initialised
from tests.datasets.sources import ingested
from tests.readers.examples import cine, nifti_bytes, segmentation_of_frames
from tests.terminal import Terminal

PATIENTS, FRAMES, SIDE = 12, 3, 24
VALUES = np.random.default_rng(0).integers(0, 255, (PATIENTS, FRAMES, SIDE, SIDE), dtype=np.uint8)


def _study(folder: Path, *frames: str) -> list[str]:
    """Write a cine loop a patient and its table, by `skiagram table`."""
    (folder / "loops").mkdir(parents=True)
    for patient, values in enumerate(VALUES):
        (folder / f"loops/p{patient:02d}.dcm").write_bytes(cine(values))
    rows = [f"p{patient:02d},{('no', 'yes')[patient % 2]}" for patient in range(PATIENTS)]
    (folder / "labels.csv").write_text("\n".join(["patient_id,label", *rows]) + "\n")
    places = [str(folder / name) for name in ("loops", "labels.csv", "loops.csv")]
    assert main(["table", *places, "--pattern", "{patient}.dcm", *frames]) == 0
    return [str(folder / "loops"), str(folder / "loops.csv"), "--positive", "yes"]


def _ingested(folder: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> ImageStore:
    folders, _ = ingested(initialised(folder, monkeypatch, *arguments), folder / "out", "cv")
    return ImageStore(folders.images)


@pytest.mark.slow
def test_check_offers_a_case_a_frame_or_a_volume(tmp_path: Path, terminal: Terminal) -> None:
    said = terminal(["check", *_study(tmp_path)], 4)
    assert f"p00.dcm: {FRAMES} frames without a place in the patient" in said
    assert "`--frames cases` (or `volume`) of `skiagram table`" in said


@pytest.mark.slow
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


@pytest.mark.slow
def test_all_frames_are_a_volume_of_unknown_spacing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = _ingested(tmp_path, _study(tmp_path, "--frames", "volume"), monkeypatch)
    found = sorted(store.image(case_id).tobytes() for case_id in store.case_ids)
    assert found == sorted(loop.tobytes() for loop in VALUES)
    assert store.image(store.case_ids[0]).shape == (FRAMES, SIDE, SIDE, 1)
    assert store.spacing(store.case_ids[0]) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "words"),
    [("4", "frame 4 of 3"), ("zero", "`zero`, column `frame`"), ("0", "`0`, column `frame`")],
)
def test_a_frame_that_is_not_there_is_named(
    cell: str, words: str, tmp_path: Path, terminal: Terminal
) -> None:
    arguments = _study(tmp_path, "--frames", "cases")
    table = (tmp_path / "loops.csv").read_text().splitlines()
    table[1] = table[1].replace(",1,", f",{cell},")
    (tmp_path / "loops.csv").write_text("\n".join(table) + "\n")
    assert words in terminal(["check", *arguments], 4)


def tiff_of_pages(pages: np.ndarray) -> bytes:
    first, *others = (Image.fromarray(page) for page in pages)
    return encoded(first, "TIFF", save_all=True, append_images=others)


MASKS = np.zeros((FRAMES, SIDE, SIDE), dtype=bool)
for _frame in range(FRAMES):
    MASKS[_frame, 4 + _frame : 12, 5:15] = True


def decoded(content: bytes, frame: int | None, *masks: bytes) -> SpacedImage:
    """Read a frame of a file, or all of them as a volume (0), with its masks."""
    reference = ImageReference("a", ("mask",) * len(masks), frame=frame)
    return decode_case(CaseFiles({"a": content}, masks, {}), reference)


def region_of(frame: int, mask: bytes) -> NDArray[np.bool_]:
    """Return what a mask marks on a frame of the first loop, or on all frames (0)."""
    region = decoded(cine(VALUES[0]), frame, mask).region
    assert region is not None
    return region.inside


@pytest.mark.parametrize(
    "mask",
    [
        segmentation_of_frames({2: MASKS[1], 3: MASKS[2], 1: MASKS[0]}),
        segmentation_of_frames(dict(enumerate(MASKS)), numbered=False),
        tiff_of_pages(MASKS.astype(np.uint8)),
    ],
    ids=["frames by number", "as many frames", "pages"],
)
def test_frames_have_masks_by_their_numbers(mask: bytes) -> None:
    for frame in range(FRAMES):
        np.testing.assert_array_equal(region_of(frame + 1, mask), MASKS[frame])
        pixels = decoded(cine(VALUES[0]), frame + 1, mask).pixels
        np.testing.assert_array_equal(pixels, VALUES[0, frame])
    np.testing.assert_array_equal(region_of(0, mask), MASKS)


def test_a_segment_on_one_frame_leaves_the_others_of_a_volume_empty_and_alone_refused() -> None:
    third = segmentation_of_frames({3: MASKS[2]})
    assert region_of(0, third).any(axis=(1, 2)).tolist() == [False, False, True]
    with pytest.raises(DataError, match="an empty mask"):
        region_of(1, third)


@pytest.mark.parametrize(
    ("mask", "frame", "words"),
    [
        (segmentation_of_frames({1: MASKS[0]}, numbered=False), 1, "do not say of which they are"),
        (segmentation_of_frames({7: MASKS[0]}), 1, "frame 7 of 3"),
        (tiff_of_pages(MASKS[:2].astype(np.uint8)), 1, "a mask of 2 pages"),
        (tiff_of_pages(MASKS[:1].astype(np.uint8)), 0, "a mask of 1 pages"),
        (tiff_of_pages(MASKS[:, 1:].astype(np.uint8)), 2, "a mask of 23 × 24 pixels"),
        (cine(VALUES[0]), 1, "no segmentation"),
        (nifti_bytes(MASKS.astype(np.uint8), VoxelGrid.of(MASKS.shape, np.eye(3), np.zeros(3))), 1,
         "not an image"),
    ],
)  # fmt: skip
def test_a_mask_that_does_not_fit_its_frames_is_named(mask: bytes, frame: int, words: str) -> None:
    with pytest.raises(DataError, match=words):
        region_of(frame, mask)


def test_a_mask_of_its_own_belongs_to_one_frame() -> None:
    own = encoded(Image.fromarray(MASKS[1].astype(np.uint8)), "PNG")
    np.testing.assert_array_equal(region_of(2, own), MASKS[1])


def test_pages_of_a_tiff_are_cases_or_a_volume() -> None:
    stack = tiff_of_pages(VALUES[0])
    for frame in range(FRAMES):
        np.testing.assert_array_equal(decoded(stack, frame + 1).pixels, VALUES[0, frame])
    np.testing.assert_array_equal(decoded(stack, 0).pixels[..., 0], VALUES[0])
    for frame, words in ((None, r"3 pages.*`--frames cases`"), (4, "frame 4 of 3")):
        with pytest.raises(DataError, match=words):
            decoded(stack, frame)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            tiff_of_pages((9 * np.arange(96)).astype(np.uint8).reshape(2, 4, 4, 3)),
            "a volume of colour frames",
        ),
        (b"\x89PNG\r\n\x1a\n", "cannot be read"),
    ],
)
def test_what_is_no_volume_of_frames_is_named(content: bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        decoded(content, 0)


def test_the_pages_of_a_tiff_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("skiagram.readers.image_files._MAX_PAGES", 2)
    with pytest.raises(DataError, match="more than 2 pages"):
        decoded(tiff_of_pages(VALUES[0]), 1)
