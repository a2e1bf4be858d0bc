"""One trained model of each arm; do not change them."""

import pytest

from tests.deploy.odd import write_odd_films
from tests.deploy.trained import trained_baseline


@pytest.fixture(scope="session")
def baseline(tmp_path_factory):
    """Return a logistic regression with the films of its test cases."""
    return trained_baseline(tmp_path_factory.mktemp("baseline"))


@pytest.fixture(scope="session")
def network(tmp_path_factory):
    """Return a small network with the films of its test cases."""
    from tests.deploy.networks import trained_network

    return trained_network(tmp_path_factory.mktemp("network"))


@pytest.fixture
def odd_films(tmp_path):
    """Return files that no model of gray 8-bit films can score, by what is odd."""
    return write_odd_films(tmp_path / "odd")
