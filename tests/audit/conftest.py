"""Fixtures of the audit's tests."""

import pytest

from tests.audit.planted import Planted, clean_set


@pytest.fixture
def clean() -> Planted:
    return clean_set()
