from pathlib import Path

import pytest

from skiagram.report.index import list_outputs, write_study
from tests.studies.search.examples import RESULT


@pytest.mark.slow
def test_a_search_leaves_what_it_says_it_leaves(tmp_path: Path) -> None:
    write_study(RESULT, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(list_outputs(RESULT))
    assert {path.stem for path in (tmp_path / "tuned").iterdir()} == {
        f"{one.model}_tuned" for one in RESULT.models
    }


def test_other_studies_leave_a_result_and_a_page() -> None:
    assert list_outputs(object()) == ("result.json", "page.html")
