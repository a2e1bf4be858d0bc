"""Small stores of images that differ in shape and hold their own number."""

from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore

SHAPES = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12)


def numbered(folder: Path, shapes: list[tuple[int, int]], shard_bytes: int) -> ImageStore:
    """Write an image of each shape, in which every pixel is its place in the list."""
    with ShardWriter(folder, shard_bytes=shard_bytes) as writer:
        for at, shape in enumerate(shapes):
            writer.add(f"case-{at}", np.full(shape, at, dtype=np.uint8))
    return ImageStore(folder)
