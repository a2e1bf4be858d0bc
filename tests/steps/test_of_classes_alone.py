"""What is there for classes alone refuses another outcome, and says which option asks for it."""

import pytest

from skiagram.errors import OptionError
from skiagram.fitting.arm import ArmFolders
from skiagram.preparation import PreparedData
from skiagram.records.files import write_record
from skiagram.steps.combine import combine_models
from skiagram.steps.explain import refit
from tests.tasks.cohort import make_cases


@pytest.fixture
def root(tmp_path):
    """Return a project whose outcome is a time."""
    (tmp_path / "data/cases").mkdir(parents=True)
    cases, task = make_cases()
    cases.write(tmp_path / "data/cases/cases.parquet")
    write_record(task, tmp_path / "data/cases/task.json")
    return tmp_path


def test_models_of_a_time_are_not_combined(root):
    members, folders = ("cox", "region_volume"), ArmFolders.under(root / "combined", "voting")
    with pytest.raises(OptionError, match="of the kind time") as refused:
        combine_models(root, "voting", {"members": [*members]}, members, {}, folders)
    assert "set `combinations: []`" in str(refused.value)


def test_a_model_of_a_time_is_not_explained(root):
    prepared, folders = PreparedData.under(root / "data"), ArmFolders.under(root, "cox")
    unread = None
    with pytest.raises(OptionError, match="of the kind time") as refused:
        refit("cox", unread, prepared, folders, unread, unread)
    assert "`explained: []`" in str(refused.value)
