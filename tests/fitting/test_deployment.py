"""A model's folder is the one that training left, byte for byte, or it is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from skiagram.errors import DataError
from skiagram.fitting.deployment import CHECKSUMS, verify_checksums, write_checksums


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "repeat0").mkdir(parents=True)
    (folder / "deployment.json").write_text('{"threshold": 0.5}')
    (folder / "repeat0" / "weights.npy").write_bytes(bytes(range(200)))
    write_checksums(folder)
    return folder


def test_a_folder_as_training_left_it_passes(model: Path) -> None:
    (model / ".DS_Store").write_bytes(b"of the system")
    verify_checksums(model)


def test_a_flipped_bit_of_a_weight_is_noticed(model: Path) -> None:
    path = model / "repeat0" / "weights.npy"
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 41):
        altered = bytearray(whole)
        altered[bit // 8] ^= 1 << bit % 8
        path.write_bytes(altered)
        with pytest.raises(DataError, match=r"weights\.npy: is altered"):
            verify_checksums(model)


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "a file gone": (lambda model: (model / "deployment.json").unlink(), "is missing"),
    "a file more": (lambda model: (model / "x.npy").write_bytes(b""), "not written by training"),
    "checksums cut": (lambda model: (model / CHECKSUMS).write_text('{"depl'), "is damaged"),
    "checksums of another kind": (lambda model: (model / CHECKSUMS).write_text("[1]"), "damaged"),
    "checksums too deep": (lambda model: (model / CHECKSUMS).write_text("[" * 99999), "damaged"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_else_is_not_as_training_left_it_is_refused(model: Path, damage: str) -> None:
    change, message = DAMAGES[damage]
    change(model)
    with pytest.raises(DataError, match=message):
        verify_checksums(model)


def test_a_folder_of_an_earlier_version_has_none_and_passes(model: Path) -> None:
    (model / CHECKSUMS).unlink()
    (model / "deployment.json").write_text("{}")
    verify_checksums(model)
