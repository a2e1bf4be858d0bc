"""Shifted copies: found whatever the shift up to an eighth of a side, and nothing else is."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from skiagram.audit.run import audit
from skiagram.audit.shifted_copies import find_shifted_pairs
from skiagram.evaluation.labelled_cases import label_cases
from skiagram.evaluation.near_duplicates import mark_near_duplicates
from skiagram.image_store.shards import Image, ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.near_duplicates import duplicate_pairs
from tests.audit.planted import CARD, TASK, Planted, clean_set


def wide_tissue(count: int, seed: int = 0) -> NDArray[np.float32]:
    """Return (count, 80, 80) smooth tissue with a little noise, to cut 64 × 64 images from."""
    draws = np.random.default_rng(seed)
    smooth = gaussian_filter(draws.normal(size=(count, 80, 80)), (0, 2, 2))
    noise = draws.normal(size=smooth.shape) * 0.05
    return np.asarray(smooth / smooth.std() + noise, dtype=np.float32)


def store_of(folder: Path, images: list[Image]) -> ImageStore:
    with ShardWriter(folder) as writer:
        for at, image in enumerate(images):
            writer.add(f"case-{at:06d}", image)
    return ImageStore(folder)


def found(store: ImageStore) -> list[tuple[int, int]]:
    pairs = find_shifted_pairs(store, duplicate_pairs(store))
    return list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))


def test_a_volume_shifted_along_depth_is_found(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    smooth = gaussian_filter(draws.normal(size=(20, 20, 32, 32)), (0, 1, 1, 1))
    wide = smooth[..., None].astype(np.float32)
    images: list[Image] = [*wide[:, 2:18], wide[3, 3:19].copy()]
    assert found(store_of(tmp_path, images)) == [(3, 20)]


@pytest.mark.parametrize(
    ("shift", "change"),
    [((1, 0), "none"), ((0, 2), "noise"), ((3, -2), "brighter"), ((-4, 3), "tiny")],
)
def test_a_shifted_cut_is_found(shift: tuple[int, int], change: str, tmp_path: Path) -> None:
    wide = wide_tissue(30)
    images: list[Image] = list(wide[:, 8:72, 8:72])
    copy = wide[4, 8 + shift[0] : 72 + shift[0], 8 + shift[1] : 72 + shift[1]].copy()
    if change == "brighter":
        copy = 30 + 7 * copy
    if change == "tiny":
        copy *= np.float32(1e-7)
    if change == "noise":
        copy += 0.05 * np.random.default_rng(1).normal(size=copy.shape).astype(np.float32)
    assert found(store_of(tmp_path, [*images, copy])) == [(4, 30)]


def test_near_duplicates_are_not_told_twice(tmp_path: Path) -> None:
    images: list[Image] = list(wide_tissue(20)[:, :64, :64])
    assert not found(store_of(tmp_path, [*images, images[3].copy(), images[5] * 2]))


def test_images_of_one_kind_are_no_copies(tmp_path: Path) -> None:
    rim = np.hypot(*np.mgrid[-32:32, -32:32]) < 28
    images = [np.where(rim, 100 + 10 * one[:64, :64], 0) for one in wide_tissue(40, seed=2)]
    assert not found(store_of(tmp_path, [image.astype(np.uint8) for image in images]))


@pytest.mark.parametrize("number", [1, 2, 5])
def test_constant_and_missing_images_are_no_copies(number: int, tmp_path: Path) -> None:
    blank: list[Image] = [np.full((30, 20), at, dtype=np.float32) for at in range(number)]
    missing: list[Image] = [np.full((9, 9, 3), np.nan, dtype=np.float32)]
    assert not found(store_of(tmp_path, blank + missing))


@pytest.fixture
def tissue() -> Planted:
    """Return the clean set with tissue instead of noise."""
    planted = clean_set()
    planted.images = list(wide_tissue(48)[:, 8:72, 8:72])
    return planted


def test_each_kind_of_shifted_copy_warns_and_names_its_cases(
    tissue: Planted, tmp_path: Path
) -> None:
    wide = wide_tissue(48)
    tissue.images[40] = wide[3, 9:73, 10:74]  # test, of train
    tissue.images[4] = wide[2, 7:71, 8:72]  # the same label
    tissue.images[11] = wide[6, 10:74, 8:72]  # another label
    findings = tissue.findings(tmp_path)
    told = {name: findings[name] for name in findings if name.startswith("shifted")}
    assert {name: (one.count, one.examples) for name, one in told.items()} == {
        "shifted_copies_across_splits": (1, ("case-000040",)),
        "shifted_copies_across_patients": (2, ("case-000002", "case-000006")),
        "shifted_copies_with_other_labels": (1, ("case-000006",)),
    }
    assert {one.severity for one in told.values()} == {"warning"}


def test_images_of_one_patient_may_be_shifted(tissue: Planted, tmp_path: Path) -> None:
    tissue.images[4] = wide_tissue(48)[2, 7:71, 8:72]
    tissue.cases.patient_id[4] = tissue.cases.patient_id[2]
    report, _ = audit(tissue.store(tmp_path), tissue.cases, TASK, CARD)
    assert not [one.name for one in report.findings if one.name.startswith("shifted")]


def test_a_shifted_copy_is_a_twin_that_figures_off_twins_leave_out(
    tissue: Planted, tmp_path: Path
) -> None:
    tissue.images[40] = wide_tissue(48)[3, 9:73, 10:74]
    tissue.images[41] = tissue.images[5].copy()
    cases = tissue.cases
    _, table = audit(tissue.store(tmp_path), cases, TASK, CARD)
    assert table["first"].tolist() == ["case-000003", "case-000005"]
    assert table["second"].tolist() == ["case-000040", "case-000041"]
    assert table["shifted"].tolist() == [True, False]
    assert table["exact"].tolist() == [False, True]
    assert 0.7 < table["correlation"][0] < 1
    tested = cases.test().case_id
    opened = pd.DataFrame({"case_id": tested, "label": np.arange(len(tested)) % 2})
    marked = mark_near_duplicates(label_cases(cases.test(), TASK, opened), cases, table)
    assert tested[marked].tolist() == ["case-000040", "case-000041"]
