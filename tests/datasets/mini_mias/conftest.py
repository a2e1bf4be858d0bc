"""A small folder in the format of mini-MIAS, for all tests of a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.datasets.mini_mias_folder import write_folder


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder above the films."""
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("data")
        write_folder(root, patch)
        yield root
