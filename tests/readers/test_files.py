"""Files at hand are verified, and what is missing or altered is named."""

import hashlib

import pytest

from skiagram.errors import DataError
from skiagram.readers.files import locate

CONTENT = b"images"
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


def test_a_file_at_hand_is_found(tmp_path):
    (tmp_path / "set.npz").write_bytes(CONTENT)
    assert locate("set.npz", MD5, tmp_path) == tmp_path / "set.npz"


def test_an_altered_file_is_refused(tmp_path):
    (tmp_path / "set.npz").write_bytes(CONTENT + b"!")
    with pytest.raises(DataError, match=r"^set\.npz: checksum [0-9a-f]{32}\.") as raised:
        locate("set.npz", MD5, tmp_path)
    assert raised.value.allowed == MD5


@pytest.mark.parametrize("at_hand", [True, False])
def test_a_missing_file_is_asked_for_by_its_checksum(at_hand, tmp_path):
    with pytest.raises(DataError, match=r"^set\.npz: is missing") as raised:
        locate("set.npz", MD5, tmp_path if at_hand else None)
    assert MD5 in raised.value.remedy
    assert "SKIAGRAM_DATA" in raised.value.remedy
