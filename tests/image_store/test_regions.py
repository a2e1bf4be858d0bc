"""Regions of interest stay with their images; a store has them for all images or for none."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from skiagram.errors import DataError
from skiagram.image_store.shards import Region, ShardWriter, ends_of
from skiagram.image_store.store import ImageStore, spans


@settings(deadline=None, max_examples=10)
@given(st.lists(arrays(np.bool_, (2, 3, 5)), min_size=1, max_size=6))
def test_regions_come_back_bit_for_bit_with_their_place(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[NDArray[np.bool_]]
) -> None:
    folder = tmp_path_factory.mktemp("store") / "images"
    for mask in drawn:
        mask[0, 0, 0] = True
    place = ((1.5, -2.0, 30.25), tuple(np.eye(3).ravel().tolist()))
    with ShardWriter(folder, shard_bytes=200) as writer:
        for at, mask in enumerate(drawn):
            region = Region(mask, mask | True if at % 2 else None, *place)
            writer.add(f"c{at}", np.full((2, 3, 5, 1), at, np.int16), (3.0, 1.0, 1.0), region)
    store = ImageStore(folder)
    for at, mask in enumerate(drawn):
        again = store.region(f"c{at}")
        assert again is not None
        np.testing.assert_array_equal(again.inside, mask)
        assert (again.outline is None) == (at % 2 == 0)
        assert (again.origin, again.direction) == place
    batches = [batch for span in spans(store, 60) for batch in span.runs(60)]
    together = [found.inside for batch in batches for found in batch.regions]
    np.testing.assert_array_equal(together, drawn)


def test_equal_images_with_other_regions_are_other_stores(tmp_path: Path) -> None:
    digests = set()
    for name, pixel in (("a", 0), ("b", 1)):
        mask = np.zeros((2, 2), np.bool_)
        mask[0, pixel] = True
        with ShardWriter(tmp_path / name) as writer:
            writer.add("c", np.zeros((2, 2), np.uint8), None, Region(mask))
        digests.add(ImageStore(tmp_path / name).sha256)
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((4, 5), np.bool_), "0 inside"),
        (np.ones((5, 4), np.bool_), "5 × 4"),
        (None, "without a region"),
    ],
)
def test_a_region_that_cannot_be_measured_names_its_case(
    tmp_path: Path, mask: NDArray[np.bool_] | None, message: str
) -> None:
    image = np.zeros((4, 5), np.uint8)
    regions = [Region(np.ones((4, 5), np.bool_)), None if mask is None else Region(mask)]

    def write() -> None:
        with ShardWriter(tmp_path / "a") as writer:
            for name, region in zip(("good", "bad"), regions, strict=True):
                writer.add(name, image, None, region)

    with pytest.raises(DataError, match=f"bad.*{message}"):
        write()
    assert not (tmp_path / "a/index.json").exists()


@pytest.mark.slow
@given(arrays(np.bool_, array_shapes(max_dims=3, max_side=9)))
def test_the_ends_of_a_region_hold_it_and_no_more(inside: np.ndarray) -> None:
    places = np.argwhere(inside)
    ends = np.zeros((inside.ndim, 2), dtype=np.int64)
    if len(places):
        ends = np.stack([places.min(axis=0), places.max(axis=0) + 1], axis=1)
    assert np.array_equal(ends_of(inside), ends)
