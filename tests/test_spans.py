"""Spans: every image once, in order, of about equal work, readable from another process's view."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.spans import spans
from skiagram.store import ImageStore, ShardWriter


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12),
    st.integers(1, 100),
    st.integers(1, 300),
)
def test_spans_hold_every_image_once_and_no_more_than_asked(
    tmp_path_factory: pytest.TempPathFactory,
    shapes: list[tuple[int, int]],
    values: int,
    shard_bytes: int,
) -> None:
    folder = tmp_path_factory.mktemp("store")
    with ShardWriter(folder, shard_bytes=shard_bytes) as writer:
        for at, shape in enumerate(shapes):
            writer.add(f"case-{at}", np.full(shape, at, dtype=np.uint8))
    cut = list(spans(ImageStore(folder), values))
    seen = [one for span in cut for one in pickle.loads(pickle.dumps(span))]
    assert [case_id for case_id, _ in seen] == [f"case-{at}" for at in range(len(shapes))]
    for at, (_, image) in enumerate(seen):
        np.testing.assert_array_equal(image, np.full(shapes[at], at))
    for span in cut:
        assert len(span) == 1 or sum(image.size for _, image in span) <= values


def test_a_store_that_was_written_anew_is_read_anew(tmp_path: Path) -> None:
    for value in (1, 2):
        with ShardWriter(tmp_path) as writer:
            writer.add("case", np.full((3, 3), value, dtype=np.uint8))
        (span,) = spans(ImageStore(tmp_path), 100)
        assert next(iter(span))[1].max() == value
