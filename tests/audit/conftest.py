"""Fixtures of the audit's tests."""

import pytest

from tests.audit.planted import clean_set


@pytest.fixture
def clean():
    return clean_set()
