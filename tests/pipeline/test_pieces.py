"""Stages take finished work from the store of pieces where their own inputs are equal."""

from pathlib import Path

import pytest

from skiagram.compute.pieces import PieceStore
from tests.pipeline.project import Project

pytestmark = pytest.mark.slow
TREE = ("train_baseline", "model=decision_tree", "plan.folds=2")
OUTCOME = "scores/decision_tree/outcome.json"


def trainings(project: Project) -> list[Path]:
    return sorted((project.folder / ".work/pieces").glob("model-decision_tree-*"))


def is_published(project: Project, piece: Path) -> bool:
    """Return whether the outputs are the files of a piece."""
    return (project.folder / OUTCOME).samefile(piece / "scores/outcome.json")


def test_another_encoding_trains_no_model_again_that_does_not_read_it(
    staged: Project, tmp_path: Path
) -> None:
    copy = staged.copy(tmp_path / "project")
    (piece,) = trainings(copy)
    assert not is_published(copy, piece)  # a copy's files are its own
    (copy.folder / "data/encodings/another").mkdir(parents=True)
    copy.stages(TREE)
    assert is_published(copy, piece)
    assert copy.hashes("models", "scores") == staged.hashes("models", "scores")


def test_other_options_train_again_and_the_last_training_alone_is_kept(
    staged: Project, tmp_path: Path
) -> None:
    copy = staged.copy(tmp_path / "project")
    (before,) = trainings(copy)
    copy.stages((*TREE, "model.min_samples_leaf=9"))
    (after,) = trainings(copy)
    assert after.name != before.name
    assert is_published(copy, after)
    (copy.folder / OUTCOME).write_text("somebody wrote here")
    copy.stages((*TREE, "model.min_samples_leaf=9"))
    assert "min_samples_leaf" in (copy.folder / OUTCOME).read_text()


def test_a_copy_for_a_queued_experiment_takes_what_its_project_made(
    staged: Project, tmp_path: Path
) -> None:
    home, copy = staged.copy(tmp_path / "home"), staged.copy(tmp_path / "queued")
    PieceStore(copy.folder / ".work/pieces").empty()
    done = copy.stage(*TREE, DVC_ROOT=str(home.folder))
    assert done.returncode == 0, done.stderr
    assert trainings(copy) == []
    assert is_published(copy, *trainings(home))


def test_a_store_that_cannot_be_made_is_said_and_stops_nothing(
    staged: Project, tmp_path: Path
) -> None:
    copy = staged.copy(tmp_path / "project")
    (copy.folder / ".work/pieces").rename(tmp_path / "elsewhere")
    (copy.folder / ".work/pieces").write_text("a file where a folder should be")
    done = copy.stage(*TREE)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("not kept") == 1
    assert copy.hashes("models", "scores") == staged.hashes("models", "scores")
