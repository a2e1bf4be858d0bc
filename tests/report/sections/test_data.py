import base64
import io
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image as Picture

from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.records import Cases, Task
from skiagram.report.sections.data import (
    MISSING_COLOUR,
    choose_examples,
    describe_treatment,
    load_examples,
    make_example,
)


def opened(address: str) -> NDArray[np.uint8]:
    head, _, data = address.partition(",")
    assert head == "data:image/png;base64"
    return np.asarray(Picture.open(io.BytesIO(base64.b64decode(data))))


CASES = Cases(
    case_id=np.array(["a", "b", "c", "d", "e", "f"]),
    patient_id=np.array(["p", "p", "q", "r", "s", "t"]),
    split=np.array(["train", "train", "train", "train", "validation", "test"]),
    label=np.array([0, 0, 0, 1, 1, -1]),
)
TASK = Task(("normal", "abnormal"), 1, "holdout")


def test_examples_are_the_first_development_cases_of_different_patients() -> None:
    assert choose_examples(CASES, TASK, 2) == [
        ("a", "normal"),
        ("c", "normal"),
        ("d", "abnormal"),
        ("e", "abnormal"),
    ]


def test_no_sealed_case_is_ever_shown() -> None:
    assert "f" not in dict(choose_examples(CASES, TASK, 100))


def test_missing_pixels_are_marked_and_what_was_removed_is_shown() -> None:
    after = np.linspace(0, 100, 64 * 64, dtype=np.float32).reshape(64, 64)
    before = after.copy()
    before[3, 4] = np.nan
    before[10, 10] += 1000
    example = make_example("a", "normal", before, after)
    assert tuple(opened(example.before)[3, 4]) == MISSING_COLOUR
    removed = opened(example.removed)[..., 0]
    assert removed[10, 10] == 255
    assert set(np.unique(np.delete(removed.ravel(), 10 * 64 + 10))) == {128}


def test_of_a_volume_the_middle_slice_is_shown_and_named() -> None:
    middle = np.linspace(0, 100, 20 * 30, dtype=np.float32).reshape(20, 30)
    volume = np.stack([middle[::-1], middle.T.reshape(20, 30), middle, middle + 9])[..., None]
    example, alone = (make_example("a", "normal", one, one) for one in (volume, middle))
    assert (example.shown, alone.shown) == ("slice 3 of 4", "")
    for name in ("before", "after", "removed"):
        assert getattr(example, name) == getattr(alone, name)


def test_before_and_after_share_one_grey_window() -> None:
    after = np.linspace(0, 100, 64 * 64, dtype=np.float32).reshape(64, 64)
    example = make_example("a", "normal", after, after)
    assert example.before == example.after
    shown = opened(example.after)[..., 0]
    assert shown.min() == 0
    assert shown.max() == 255


def test_constant_colour_and_large_images_are_shown() -> None:
    for image in (
        np.zeros((1, 1), np.uint8),
        np.full((4, 4), np.nan, np.float32),
        np.zeros((600, 300, 3), np.uint8),
        np.zeros((8, 8, 5), np.uint16),
    ):
        height, width, channels = opened(make_example("a", "b", image, image).after).shape
        assert max(height, width) <= 256
        assert channels == 3


def test_cases_are_read_from_both_stores(tmp_path: Path) -> None:
    for name, shift in (("before", 1.0), ("after", 0.0)):
        with ShardWriter(tmp_path / name) as writer:
            ramp = np.arange(64, dtype=np.float32).reshape(8, 8)
            writer.add("a", ramp + np.float32(shift * 1000))
    (example,) = load_examples(
        [("a", "normal")], ImageStore(tmp_path / "before"), ImageStore(tmp_path / "after")
    )
    assert opened(example.before).min() == 255
    assert opened(example.after).min() == 0


def test_every_kind_of_fault_is_counted_by_case() -> None:
    table = pd.DataFrame(
        {
            "missing": [0, 5, 65],
            "outliers": [0, 0, 0],
            "dead_lines": [0, 1, 0],
            "noise": [0.1, 0.2, float("nan")],
        }
    )
    missing, outliers, dead_lines, noise = describe_treatment(table)
    assert missing == ("2 of 3 cases had missing pixels (per such case: median 35, at most 65).")
    assert outliers == "No case had outlier pixels that were replaced."
    assert dead_lines.startswith("1 of 3 cases had dead rows or columns")
    assert "median 0.150 (quartiles 0.125–0.175)" in noise


def test_noise_that_was_left_is_said_so() -> None:
    table = pd.DataFrame(
        {"missing": [0], "outliers": [0], "dead_lines": [0], "noise": [float("nan")]}
    )
    assert describe_treatment(table)[-1] == "No noise was removed."


def test_an_empty_table_is_said_so() -> None:
    table = pd.DataFrame({"missing": [], "outliers": [], "dead_lines": [], "noise": []})
    assert describe_treatment(table) == ("No case was restored.",)
