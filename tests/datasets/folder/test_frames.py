"""Frames of a DICOM file are cases or slices, as the table says; nothing is guessed."""

import numpy as np
import pytest
from PIL import Image

from skiagram.errors import DataError
from skiagram.image_store.store import ImageStore
from skiagram.readers.case_images import CaseFiles, ImageReference, decode_case
from skiagram.readers.grid import VoxelGrid
from tests.datasets.own_folders import encoded
from tests.datasets.sources import ingested
from tests.readers.examples import cine, nifti_bytes

PATIENTS, FRAMES, SIDE = 12, 3, 24
VALUES = np.random.default_rng(0).integers(0, 255, (PATIENTS, FRAMES, SIDE, SIDE), dtype=np.uint8)
LINE = ("loops", "loops.csv", "--positive", "yes")


@pytest.fixture
def study(here):
    """Write a cine loop a patient; return what writes their table, of cells of `frame`."""
    (here / "loops").mkdir()
    for patient, values in enumerate(VALUES):
        (here / f"loops/p{patient:02d}.dcm").write_bytes(cine(values))

    def write(*frames):
        rows = [
            f"p{patient:02d}.dcm,p{patient:02d},{('no', 'yes')[patient % 2]},{frame}"
            for patient in range(PATIENTS)
            for frame in frames
        ]
        (here / "loops.csv").write_text("\n".join(["file,patient_id,label,frame", *rows]) + "\n")

    return write


@pytest.mark.slow
def test_check_asks_which_frames_are_meant(study, terminal):
    study("")
    places = f"p00.dcm: {FRAMES} frames without a place in the patient"
    terminal.says(["check", *LINE], f"{places} | in the column `frame`", 4)


@pytest.mark.slow
@pytest.mark.parametrize("frames", [("1", "2", "3"), ("all",)])
def test_each_frame_is_a_case_of_its_patient_or_all_are_a_volume_of_unknown_spacing(
    frames, study, here, initialised
):
    study(*frames)
    folders, _ = ingested(initialised(LINE), here / "out", "cv")
    store = ImageStore(folders.images)
    images = VALUES if frames == ("all",) else VALUES.reshape(-1, SIDE, SIDE)
    found = sorted(store.image(case_id).tobytes() for case_id in store.case_ids)
    assert found == sorted(image.tobytes() for image in images)
    if frames == ("all",):
        assert store.image(store.case_ids[0]).shape == (FRAMES, SIDE, SIDE, 1)
        assert store.spacing(store.case_ids[0]) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cell", "words"),
    [("4", "frame 4 of 3"), ("zero", "`zero`, column `frame`"), ("0", "`0`, column `frame`")],
)
def test_a_frame_that_is_not_there_is_named(cell, words, study, terminal):
    study(cell, "2", "3")
    terminal.says(["check", *LINE], words, 4)


def tiff_of_pages(pages):
    first, *others = (Image.fromarray(page) for page in pages)
    return encoded(first, "TIFF", save_all=True, append_images=others)


MASKS = np.zeros((FRAMES, SIDE, SIDE), dtype=bool)
for _frame in range(FRAMES):
    MASKS[_frame, 4 + _frame : 12, 5:15] = True
DRAWN = MASKS.astype(np.uint8)


def decoded(content, frame, *masks):
    """Read a frame of a file, or all of them as a volume (0), with its masks."""
    reference = ImageReference("a", ("mask",) * len(masks), frame=frame)
    return decode_case(CaseFiles({"a": content}, masks, {}), reference)


def region_of(frame, mask):
    """Return what a mask marks on a frame of the first loop, or on all frames (0)."""
    return decoded(cine(VALUES[0]), frame, mask).region.inside


def test_frames_have_masks_by_their_numbers():
    mask = tiff_of_pages(DRAWN)
    for frame in range(FRAMES):
        np.testing.assert_array_equal(region_of(frame + 1, mask), MASKS[frame])
        pixels = decoded(cine(VALUES[0]), frame + 1, mask).pixels
        np.testing.assert_array_equal(pixels, VALUES[0, frame])
    np.testing.assert_array_equal(region_of(0, mask), MASKS)


def test_a_mask_of_one_frame_is_empty_on_the_others_of_a_volume_and_alone_refused():
    third = tiff_of_pages(DRAWN * (np.arange(FRAMES) == 2)[:, None, None])
    assert region_of(0, third).any(axis=(1, 2)).tolist() == [False, False, True]
    with pytest.raises(DataError, match="an empty mask"):
        region_of(1, third)
    own = encoded(Image.fromarray(DRAWN[1]), "PNG")
    np.testing.assert_array_equal(region_of(2, own), MASKS[1])


@pytest.mark.parametrize(
    ("mask", "frame", "words"),
    [
        (tiff_of_pages(DRAWN[:2]), 1, "a mask of 2 pages"),
        (tiff_of_pages(DRAWN[:1]), 0, "a mask of 1 pages"),
        (tiff_of_pages(DRAWN[:, 1:]), 2, "a mask of 23 × 24 pixels"),
        (cine(VALUES[0]), 1, "a TIFF with a page for each frame"),
        (nifti_bytes(DRAWN, VoxelGrid.of(MASKS.shape, np.eye(3), np.zeros(3))), 1, "not an image"),
    ],
)
def test_a_mask_that_does_not_fit_its_frames_is_named(mask, frame, words):
    with pytest.raises(DataError, match=words):
        region_of(frame, mask)


def test_pages_of_a_tiff_are_cases_or_a_volume():
    stack = tiff_of_pages(VALUES[0])
    for frame in range(FRAMES):
        np.testing.assert_array_equal(decoded(stack, frame + 1).pixels, VALUES[0, frame])
    np.testing.assert_array_equal(decoded(stack, 0).pixels[..., 0], VALUES[0])


COLOURED = (9 * np.arange(96)).astype(np.uint8).reshape(2, 4, 4, 3)


@pytest.mark.parametrize(
    ("content", "frame", "words"),
    [
        (tiff_of_pages(VALUES[0]), None, r"3 pages.*column `frame`"),
        (tiff_of_pages(VALUES[0]), 4, "frame 4 of 3"),
        (tiff_of_pages(COLOURED), 0, "a volume of colour frames"),
        (b"\x89PNG\r\n\x1a\n", 0, "cannot be read"),
    ],
)
def test_what_is_no_frame_and_no_volume_of_frames_is_named(content, frame, words):
    with pytest.raises(DataError, match=words):
        decoded(content, frame)


def test_the_pages_of_a_tiff_are_bounded(monkeypatch):
    monkeypatch.setattr("skiagram.readers.image_files._MAX_PAGES", 2)
    with pytest.raises(DataError, match="more than 2 pages"):
        decoded(tiff_of_pages(VALUES[0]), 1)
