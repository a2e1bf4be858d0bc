"""`skiagram exp` says in DVC's words what an address means."""

import pytest

from tests import REPOSITORY


@pytest.fixture(autouse=True)
def repository(monkeypatch):
    """Work where all options are."""
    monkeypatch.chdir(REPOSITORY)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("svm.C=0.1", "dvc exp run -S conf/model/svm.yaml:C=0.1"),
        ("folds=5 -n five", "dvc exp run -S folds=5 -n five"),
        ("trainer.devices=2", "dvc exp run -S conf/trainer/default.yaml:devices=2"),
        ("plan.subset=null", "dvc exp run -S conf/plan.yaml:plan.subset=null"),
        ("svm.lasting=true", "dvc exp run -S conf/model/svm.yaml:+lasting=true"),
        ("svm.C=1,2 --queue", "dvc exp run -S conf/model/svm.yaml:C=1,2 --queue"),
    ],
)
def test_the_line_of_dvc_is_shown(words, line, terminal):
    assert terminal(f"exp {words} --show").strip() == line


@pytest.mark.parametrize(
    ("word", "said"), [("svm.c=1", "did you mean `svm.C`"), ("svm.C", "write `svm.C=VALUE`")]
)
def test_a_wrong_address_is_refused_before_dvc_is_asked(word, said, terminal):
    terminal.says(f"exp {word}", said, 2)
