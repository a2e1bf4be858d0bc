"""Small stores of images: given ones, or such that differ in shape and hold their own number."""

import numpy as np
from hypothesis import strategies as st

from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore

SHAPES = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12)


def numbered(folder, shapes, shard_bytes):
    """Write an image of each shape, in which every pixel is its place in the list."""
    images = {f"case-{at}": np.full(shape, at, np.uint8) for at, shape in enumerate(shapes)}
    return write_images(folder, images, shard_bytes=shard_bytes)


def write_images(folder, images, spacing=None, regions=None, shard_bytes=2**21):
    """Write the images of cases, of one spacing, with their regions where they have one."""
    with ShardWriter(folder, shard_bytes=shard_bytes) as writer:
        for case, image in images.items():
            writer.add(case, image, spacing, (regions or {}).get(case))
    return ImageStore(folder)
