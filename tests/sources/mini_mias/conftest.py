"""A small folder in the format of mini-MIAS, for all tests of a file."""

import pytest

from skiagram.sources.mini_mias import films, source
from tests.sources.mini_mias_folder import write_folder


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Return the folder above the films."""
    with pytest.MonkeyPatch.context() as patch:
        root, found = tmp_path_factory.mktemp("data"), dict[bytes, films.Breast]()

        def find_once(film):
            key = film.tobytes()
            return found.get(key) or found.setdefault(key, films.find_breast(film))

        patch.setattr(source, "find_breast", find_once)
        write_folder(root, patch)
        yield root
