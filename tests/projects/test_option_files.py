"""Options set in the files of a project: the line changes, and no other text."""

import pytest

from skiagram.options import read_option_file
from skiagram.projects.option_files import edit_option_file, find_dotted
from tests.yaml_rows import read_yaml


@pytest.mark.parametrize(("changes", "before", "after"), read_yaml(__file__)["edits"])
def test_a_line_is_set_and_all_other_text_stays(changes, before, after, tmp_path):
    path = tmp_path / "options.yaml"
    path.write_text(before)
    edit_option_file(path, changes)
    assert path.read_text() == after
    for dotted, value in changes.items():
        assert find_dotted(read_option_file(path), dotted) == value
