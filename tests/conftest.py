"""Fixtures that all tests share."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("without_deadline", deadline=None)  # a first call may compile
settings.load_profile("without_deadline")


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
