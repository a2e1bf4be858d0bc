"""The stages of a project and what each depends on; `tests/pipeline/test_dag.py` runs them."""

import shutil
from pathlib import Path

import pytest
import yaml

from skiagram.errors import OptionError
from skiagram.projects import stage_code
from skiagram.projects.stage_code import StagesOfProject
from tests.yaml_rows import read_yaml

ROWS = read_yaml(__file__)


@pytest.fixture
def project(tmp_path):
    """Return a folder with stages, choices and configs."""
    for name, values in ROWS["files"].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        group, _, member = name.removeprefix("conf/").removesuffix(".yaml").partition("/")
        header = f"# @package features.{member}\n" if group == "features" else ""
        (tmp_path / name).write_text(header + yaml.safe_dump(values))
    return tmp_path


def test_a_matrix_gives_a_stage_for_each_member_and_none_where_nothing_is_chosen(project):
    extract, *trained = StagesOfProject(project).stages
    assert (extract.name, extract.script, extract.chosen) == ("extract", "extract", {})
    assert [stage.name for stage in trained] == ["train@svm", "train@cox"]
    assert trained[0].writes == {"models/svm", "scores/svm"}
    assert trained[1].chosen == {"model": "cox"}


def test_every_option_that_can_move_a_figure_has_a_flat_name(project):
    stages = StagesOfProject(project)
    assert stages.resolve_options(stages.stages) == ROWS["options"]


def test_outputs_of_models_that_are_chosen_no_longer_go_and_nothing_else_does(project):
    made = ("models/svm", "models/forest", "scores/forest", "data/features.parquet", "models/own")
    for name in made:
        (project / name).mkdir(parents=True)
    noted = {name: {"outs": [{"path": name}]} for name in (*made[:4], "data/encodings")}
    (project / "dvc.lock").write_text(yaml.safe_dump({"stages": noted}))
    (project / "data/encodings").mkdir()
    StagesOfProject(project).remove_dropped()
    left = {name for name in (*made, "data/encodings") if (project / name).exists()}
    assert left == {"models/svm", "data/features.parquet", "models/own", "data/encodings"}


def rewrite(project, name, text):
    """Return the stages of a copy with one file changed; what was read stays for the process."""
    copy = Path(shutil.copytree(project, project.with_name(f"{project.name}-changed")))
    (copy / name).write_text(text, encoding="utf-8")
    return StagesOfProject(copy)


@pytest.mark.parametrize(("name", "text", "words"), ROWS["lacking"])
def test_what_an_option_file_lacks_is_named(name, text, words, project):
    stages = rewrite(project, name, text)
    with pytest.raises(OptionError, match=words):
        stages.resolve_options(stages.stages)


@pytest.mark.parametrize(("name", "text", "same"), ROWS["rerunning"])
def test_values_of_its_own_and_of_chosen_option_files_alone_rerun_a_stage(
    name, text, same, project, monkeypatch
):
    monkeypatch.setattr(StagesOfProject, "code_of", lambda *_: "")
    monkeypatch.setattr(stage_code, "code_digest", lambda *_: "")
    changed = rewrite(project, name, text)
    digests = [of.digest_stage(of.stages[0]) for of in (StagesOfProject(project), changed)]
    assert (digests[0] == digests[1]) == same


def test_sweeps_that_params_yaml_names_have_a_digest_of_the_files_that_they_read(
    project, monkeypatch
):
    monkeypatch.setattr(StagesOfProject, "digest_stage", lambda *_: "")

    def written(folder, checksum):
        StagesOfProject(folder).write_digests("digest", {"sweep": {"case0001.csv": checksum}})
        path = folder / "data/code/sweep"
        return path.read_text() if path.exists() else None

    assert written(project, "a") is None
    (project / "params.yaml").write_text(
        yaml.safe_dump(ROWS["files"]["params.yaml"] | {"sweeps": ["cohorts"]})
    )
    moved = project.rename(project.with_name(f"{project.name}-changed"))
    first, second = written(moved, "a"), written(moved, "b")
    assert first != second
    assert "case0001" not in first
