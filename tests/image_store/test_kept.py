"""Rows of images are kept in few tables, and found whoever kept them."""

from pathlib import Path

import numpy as np

from skiagram.compute.pieces import PieceStore
from skiagram.image_store.kept import KeptRows
from skiagram.image_store.shards import DIGEST_BYTES


def digest(number: int) -> bytes:
    return number.to_bytes(DIGEST_BYTES)


def test_rows_added_one_by_one_lie_in_few_tables(tmp_path: Path) -> None:
    store = PieceStore(tmp_path)
    kept = KeptRows(store, "rows", "of one encoder")
    for number in range(200):
        kept.add([digest(number)], np.full((1, 3 + number % 2), number, np.float32))
    (held,) = store.held()
    assert held.pieces < 40
    rows = kept.find([digest(number) for number in (199, 0, 77, 200, 0)])
    assert [None if row is None else row.tolist() for row in rows] == [
        [199.0] * 4,
        [0.0] * 3,
        [77.0] * 4,
        None,
        [0.0] * 3,
    ]


def test_rows_belong_to_what_made_them(tmp_path: Path) -> None:
    store = PieceStore(tmp_path)
    KeptRows(store, "rows", "one").add([digest(1)], np.ones((1, 2), np.float32))
    assert KeptRows(store, "rows", "other").find([digest(1)]) == [None]
    KeptRows(None, "rows", "one").add([digest(1)], np.ones((1, 2), np.float32))
    assert KeptRows(None, "rows", "one").find([digest(1)]) == [None]
