"""Spans: every image once, in order, of about equal work, readable from another process's view."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.spans import spans
from skiagram.store import ImageStore, ShardWriter
from tests.numbered_store import SHAPES, numbered


@settings(deadline=None, max_examples=40)
@given(SHAPES, st.integers(1, 100), st.integers(1, 300))
def test_spans_hold_every_image_once_and_no_more_than_asked(
    tmp_path_factory: pytest.TempPathFactory,
    shapes: list[tuple[int, int]],
    values: int,
    shard_bytes: int,
) -> None:
    store = numbered(tmp_path_factory.mktemp("store"), shapes, shard_bytes)
    cut = list(spans(store, values))
    seen = [one for span in cut for one in pickle.loads(pickle.dumps(span))]
    assert [case_id for case_id, _ in seen] == store.case_ids
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
