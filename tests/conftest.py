"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real images; absent it fails under CI and skips elsewhere."""
    named = os.environ.get("SKIAGRAM_DATA")
    if named and Path(named).is_dir():
        return Path(named)
    reason = "SKIAGRAM_DATA names no folder of real images"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
