"""A stage does without a store of pieces that cannot be made."""

import pytest

pytestmark = pytest.mark.slow
TREE = ("train_baseline", "model=decision_tree", "plan.folds=2")


def test_a_store_that_cannot_be_made_is_said_and_stops_nothing(copy, finished, tmp_path):
    (copy.folder / ".work/pieces").rename(tmp_path / "elsewhere")
    (copy.folder / ".work/pieces").write_text("a file where a folder should be")
    done = copy.stage(*TREE, code=0)
    assert done.stderr.count("not kept") == 1
    assert copy.hashes("models", "scores") == finished.hashes("models", "scores")
