"""Encodings are kept in few tables, and found whoever kept them."""

import numpy as np

from skiagram.compute.pieces import PieceStore
from skiagram.encoders import kept_encodings
from skiagram.encoders.kept_encodings import KeptEncodings
from skiagram.image_store.shards import DIGEST_BYTES


def digest(number):
    return number.to_bytes(DIGEST_BYTES)


def keep(kept, number, width=2):
    with kept.adding():
        kept.add({digest(number): np.full(width, number, np.float32)})


def test_rows_added_one_by_one_lie_in_few_tables(tmp_path):
    store = PieceStore(tmp_path)
    kept = KeptEncodings(store, "of one encoder")
    for number in range(80):
        keep(kept, number, 3 + number % 2)
    (held,) = store.held()
    assert held.pieces < 40
    rows = kept.find([digest(number) for number in (79, 0, 52, 80, 0)])
    assert {key: row.tolist() for key, row in rows.items()} == {
        digest(79): [79.0] * 4,
        digest(0): [0.0] * 3,
        digest(52): [52.0] * 3,
    }


def test_rows_of_seconds_lie_in_one_table(tmp_path, monkeypatch):
    store = PieceStore(tmp_path)
    kept = KeptEncodings(store, "of one encoder")
    with kept.adding():
        for number in range(5):
            kept.add({digest(number): np.ones(2, np.float32)})
        assert store.held() == []
        monkeypatch.setattr(kept_encodings, "_SECONDS", 0.0)
        kept.add({digest(5): np.ones(2, np.float32)})
        assert [held.pieces for held in store.held()] == [1]
    assert len(kept.find([digest(number) for number in range(6)])) == 6
