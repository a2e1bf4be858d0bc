"""Results of eight small projects are those that are kept in git."""

import subprocess
import sys

import pytest

from tests.equal.projects import PROJECTS
from tests.equal.results import differences, rounded


@pytest.fixture(scope="module")
def said():
    """Return what is said of all projects, which are made side by side."""
    # What an optimiser makes of a last bit, in which processors differ, is no other result.
    command = [sys.executable, "-m", "tests.equal", "--tolerance", "1e-6"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.parametrize("name", PROJECTS)
def test_results_of_a_small_project_are_those_that_are_kept(name, said):
    assert f"{name}: equal" in said, said


def test_a_figure_that_moved_is_named_with_both_values():
    before = "model,figure,value\nsvm,roc_auc,0.81\nsvm,brier,0.2\n"
    after = "model,figure,value\nsvm,roc_auc,0.82\nsvm,brier,0.2\n"
    (moved,) = differences("figures.csv", before, after, 1e-11)
    assert "line 2 (svm roc_auc): value 0.81 → 0.82" in moved
    assert not differences(
        "figures.csv", before, before.replace("0.81", "0.810000000000001"), 1e-11
    )


def test_decimals_are_kept_to_twelve_digits_and_names_as_they_are():
    assert rounded("a,b\n007,0.12345678901234567\n", ".csv") == "a,b\n007,0.123456789012\n"
    assert rounded('{"b": 0.12345678901234567}', ".json") == '{\n "b": 0.123456789012\n}\n'
