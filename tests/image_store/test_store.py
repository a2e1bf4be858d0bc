"""Images and regions come back bit for bit, as views into mapped files; odd stores are refused."""

import json
import math
import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal

from skiagram.errors import DataError
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore, spans
from skiagram.images import Region
from tests.numbered_store import SHAPES, numbered, write_images

VOLUME_SHAPES = array_shapes(min_dims=3, max_dims=3, max_side=7).map(lambda shape: (*shape, 1))
IMAGE_SHAPES = array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=9)


def image_lists(shapes):
    depths = st.sampled_from(["uint8", "uint16", "int16", "float32"])
    return st.lists(depths.flatmap(lambda d: arrays(d, shapes)), min_size=1, max_size=8)


def write(folder, images, shard_bytes=1 << 20):
    """Write images under ids that are not in alphabetical order."""
    cases = {f"c{(at * 7) % 10}{at}": image for at, image in enumerate(images)}
    return write_images(folder, cases, shard_bytes=shard_bytes)


def shard_of(folder):
    (shard,) = folder.glob("images-*.arrow")
    return shard


def ramps(count):
    """Images of 100 bytes each, all different."""
    return [(np.arange(100) + at).astype(np.uint8).reshape(10, 10) for at in range(count)]


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(image_lists(IMAGE_SHAPES) | image_lists(VOLUME_SHAPES), st.integers(1, 300))
def test_ragged_images_or_volumes_of_every_depth_come_back_in_order_over_many_shards(
    tmp_path_factory, images, shard_bytes
):
    store = write(tmp_path_factory.mktemp("store") / "images", images, shard_bytes)
    assert len(store) == len(images)
    for (case_id, again), expected, wanted in zip(store, images, store.case_ids, strict=True):
        assert case_id == wanted
        assert again.dtype == expected.dtype
        assert_array_equal(again, expected)
        assert_array_equal(store.image(case_id), expected)
    backwards = store.case_ids[::-1]
    for again, expected in zip(map(store.image, backwards), images[::-1], strict=True):
        assert_array_equal(again, expected)


@pytest.mark.parametrize("volume_first", [True, False])
def test_a_store_holds_images_or_volumes_and_names_the_first_of_the_other_kind(
    tmp_path, volume_first
):
    mixed = [np.zeros((2, 4, 5, 1), dtype=np.uint8), np.zeros((4, 5), dtype=np.uint8)]
    with pytest.raises(DataError, match=r"c71: an? .* a region among others"):
        write(tmp_path, mixed if volume_first else mixed[::-1])


def test_files_and_digest_of_images_are_the_same_everywhere(tmp_path):
    store = write(tmp_path, [*ramps(2), np.zeros((2, 3, 3), dtype=np.float32)])
    assert store.sha256 == "98c2a17bd16ce545ae982e3a6ff8945f81375e2c12c393de8395ea1ee3b6d6b5"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("cases.arrow", "images-a793ea784ed711891452b1a1.arrow", "index.json")
    ]
    with pa.ipc.open_file(shard_of(tmp_path)) as shard:
        assert shard.schema.names == [
            *("height", "width", "channels", "dtype", "spacing", "pixels")
        ]


def test_a_bit_that_changed_on_the_disk_is_found(tmp_path):
    store = write(tmp_path, [np.full((9, 9), 7, dtype=np.uint8) + k for k in range(3)])
    store.check(0, len(store))
    shard = shard_of(tmp_path)
    content = bytearray(shard.read_bytes())
    content[content.index(bytes([8] * 81)) + 40] ^= 1
    shard.write_bytes(content)
    damaged = ImageStore(tmp_path)
    (span,) = spans(damaged, 10**6)
    with pytest.raises(DataError, match=rf"{store.case_ids[1]}: is not the image that was written"):
        span.check()


def test_images_are_read_only_views_of_one_place(tmp_path):
    image = np.arange(1 << 20, dtype=np.float32).reshape(1024, 1024)
    store = write(tmp_path / "images", [image])
    view, again = store.image(store.case_ids[0]), store.image(store.case_ids[0])
    assert np.shares_memory(view, again)
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 1


def test_places_of_cases_are_those_of_their_images(tmp_path):
    store = write(tmp_path / "images", ramps(9), shard_bytes=250)
    asked = np.array([store.case_ids[place] for place in (8, 0, 3)] + ["nobody"])
    assert store.places(asked).tolist() == [8, 0, 3, -1]
    for place in (8, 0, 3):
        assert_array_equal(store.image_at(place), store.image(store.case_ids[place]))


UNFIT = [np.zeros(s, np.uint8) for s in (4, (0, 4), (2, 2, 2, 2), (2, 0, 2, 1), (2, 2, 2, 2, 1))]
UNFIT += [np.zeros((2, 2)), np.zeros((2, 2), ">u2"), np.full((2, 2), "x", dtype=object)]
NO_DISTANCES = [(0.0, 1.0), (1.0, -1.0), (math.nan, 1.0), (1.0, math.inf)]


@pytest.mark.parametrize(
    ("image", "spacing", "message"),
    [
        *((image, None, "image of shape") for image in UNFIT),
        *((np.zeros((2, 2), np.uint8), spacing, "pixel spacing") for spacing in NO_DISTANCES),
    ],
)
def test_what_cannot_be_stored_names_its_case_and_leaves_no_store(
    image, spacing, message, tmp_path
):
    with pytest.raises(DataError, match=f"c0: {message}"), ShardWriter(tmp_path) as writer:
        writer.add("c0", image, spacing)
    with pytest.raises(DataError, match="no finished image store"):
        ImageStore(tmp_path)


@pytest.mark.parametrize(
    "index",
    [
        "",
        "[]",
        json.dumps({"shards": []}),
        json.dumps({"sha256": "", "shards": [["../images", 1]]}),
        json.dumps({"sha256": "", "shards": [["0123", 2]]}),
        json.dumps({"sha256": "", "shards": [["0123", 2], ["4567", -1]]}),
    ],
)
def test_a_damaged_index_is_refused(index, tmp_path):
    write(tmp_path, ramps(1))
    (tmp_path / "index.json").write_text(index)
    with pytest.raises(DataError, match="no finished image store"):
        ImageStore(tmp_path)


@pytest.mark.parametrize("damage", ["truncated", "overwritten", "missing"])
def test_a_damaged_shard_is_named(damage, tmp_path):
    store = write(tmp_path / "images", ramps(50))
    shard = shard_of(tmp_path / "images")
    if damage == "missing":
        shard.unlink()
    else:
        size = shard.stat().st_size
        shard.write_bytes(shard.read_bytes()[: size // 2] if damage == "truncated" else b"x" * size)
    with pytest.raises(DataError, match=rf"{shard.name}: damaged shard"):
        list(store)
    with pytest.raises(DataError, match="damaged shard"):
        store.image(store.case_ids[0])


def test_spacing_comes_back_exactly_over_shards_and_is_none_where_unknown(tmp_path):
    spacing = [(0.1, 1 / 3), None, (0.2, 0.2), None, (5e-324, 1e300)]
    with ShardWriter(tmp_path, shard_bytes=250) as writer:
        for at, (image, one) in enumerate(zip(ramps(5), spacing, strict=True)):
            writer.add(f"c{at}", image, one)
    store = ImageStore(tmp_path)
    assert [store.spacing(case_id) for case_id in store.case_ids] == spacing


@pytest.mark.slow
@settings(deadline=None, max_examples=15)
@given(SHAPES, st.integers(1, 100), st.integers(1, 300))
def test_spans_and_runs_hold_every_image_once_and_no_more_than_asked(
    tmp_path_factory,
    shapes,
    values,
    shard_bytes,
):
    store = numbered(tmp_path_factory.mktemp("store"), shapes, shard_bytes)
    cut = [pickle.loads(pickle.dumps(span)) for span in spans(store, values)]
    seen = [one for span in cut for one in span]
    assert [case_id for case_id, _ in seen] == store.case_ids
    for at, (_, image) in enumerate(seen):
        assert_array_equal(image, np.full(shapes[at], at))
    for span in cut:
        assert len(span) == 1 or sum(image.size for _, image in span) <= values
    runs = list(store.runs(0, len(store), values))
    assert [case_id for run in runs for case_id in run.case_ids] == store.case_ids
    for run in runs:
        assert len(run.images) == 1 or run.images.size <= values
        for case_id, image in zip(run.case_ids, run.images, strict=True):
            assert_array_equal(image, store.image(case_id))


def test_a_store_that_was_written_anew_is_read_anew(tmp_path):
    for value in (1, 2):
        with ShardWriter(tmp_path) as writer:
            writer.add("case", np.full((3, 3), value, dtype=np.uint8))
        (span,) = spans(ImageStore(tmp_path), 100)
        assert next(iter(span))[1].max() == value


@settings(deadline=None, max_examples=10)
@given(st.lists(arrays(np.bool_, (2, 3, 5)), min_size=1, max_size=6))
def test_regions_come_back_bit_for_bit_with_their_place(tmp_path_factory, drawn):
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
        assert_array_equal(again.inside, mask)
        assert (again.outline is None) == (at % 2 == 0)
        assert (again.origin, again.direction) == place
    batches = [batch for span in spans(store, 60) for batch in span.runs(60)]
    together = [found.inside for batch in batches for found in batch.regions]
    assert_array_equal(together, drawn)


def test_equal_images_with_other_regions_are_other_stores(tmp_path):
    digests = set()
    for pixel in (0, 1):
        mask = np.zeros((2, 2), np.bool_)
        mask[0, pixel] = True
        image, region = np.zeros((2, 2), np.uint8), Region(mask)
        digests.add(write_images(tmp_path / str(pixel), {"c": image}, None, {"c": region}).sha256)
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.zeros((4, 5), np.bool_), "0 inside"),
        (np.ones((5, 4), np.bool_), "5 × 4"),
        (None, "without a region"),
    ],
)
def test_a_region_that_cannot_be_measured_names_its_case(tmp_path, mask, message):
    images = dict.fromkeys(("good", "bad"), np.zeros((4, 5), np.uint8))
    regions = {"good": Region(np.ones((4, 5), np.bool_))}
    if mask is not None:
        regions["bad"] = Region(mask)
    with pytest.raises(DataError, match=f"bad.*{message}"):
        write_images(tmp_path / "a", images, None, regions)
    assert not (tmp_path / "a/index.json").exists()
