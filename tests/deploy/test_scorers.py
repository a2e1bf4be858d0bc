"""A combination's folder holds copies of its members, which must be those it was made of."""

import shutil

import pytest

from skiagram.deploy.model import load_model
from skiagram.errors import DataError
from skiagram.fitting.deployment import CHECKSUMS
from tests.deploy.trained import TASK, trained_combination


@pytest.fixture(scope="module")
def combined(tmp_path_factory):
    """Return the folder of a combination; do not change it."""
    return trained_combination(tmp_path_factory.mktemp("combined")).model


@pytest.mark.slow
def test_the_folder_stands_alone_and_misses_a_lost_member(combined, tmp_path):
    folder = shutil.copytree(combined, tmp_path / "elsewhere")
    assert load_model(folder).task == TASK
    shutil.rmtree(folder / "members/svm")
    with pytest.raises(DataError, match=r"svm.*is missing.*copy the whole folder"):
        load_model(folder)


def test_weights_of_other_members_are_refused(combined, tmp_path):
    folder = shutil.copytree(combined, tmp_path / "changed")
    path = folder / "repeat1/combination.json"
    text = path.read_text()
    path.write_text(text[: text.index('"weights"')] + '"weights": [1.0]\n}\n')
    with pytest.raises(DataError, match="is altered"):
        load_model(folder)
    (folder / CHECKSUMS).unlink()
    with pytest.raises(DataError, match="of other members than these"):
        load_model(folder)
