"""The stages of a project and what each depends on; `tests/pipeline/test_dag.py` runs them."""

import hashlib
from pathlib import Path

import pytest
import yaml

from skiagram.compute.stage_code import StagesOfProject
from skiagram.errors import OptionError

PARAMS = {
    "dataset": "tiny",
    "baselines": ["svm", "cox"],
    "networks": [],
    "features": "glcm, lbp",
    "compute": "local",
}
STAGES = {
    "extract": {"cmd": "python pipeline/extract.py", "outs": ["data/features.parquet"]},
    "train": {
        "matrix": {"model": "${baselines}"},
        "cmd": "python pipeline/train.py model=${item.model}",
        "outs": ["models/${item.model}", {"scores/${item.model}": {"persist": True}}],
    },
    "explain": {
        "matrix": {"model": "${explained}"},
        "cmd": "python pipeline/explain.py model=${item.model}",
        "outs": ["explanations/${item.model}"],
    },
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder with stages, choices and option files."""
    files = {
        "dvc.yaml": {"stages": STAGES},
        "params.yaml": PARAMS,
        "conf/plan.yaml": {"plan": {"folds": 3}},
        "conf/extract.yaml": {"defaults": [{"features": ["${params:features}"]}], "windows": 2},
        "conf/train.yaml": {
            "defaults": ["stage", {"model": None}, {"compute": "${params:compute}"}],
        },
        "conf/model/svm.yaml": {"c": 1.5},
        "conf/model/cox.yaml": {"c": 2},
        "conf/features/glcm.yaml": {"levels": 8},
        "conf/features/lbp.yaml": {"radius": 1},
        "conf/compute/local.yaml": {"threads": 1},
    }
    for name, values in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(yaml.safe_dump(values))
    return tmp_path


def test_a_matrix_gives_a_stage_for_each_member_and_none_where_nothing_is_chosen(
    project: Path,
) -> None:
    extract, *trained = StagesOfProject(project).stages
    assert (extract.name, extract.script, extract.chosen) == ("extract", "extract", {})
    assert [stage.name for stage in trained] == ["train@svm", "train@cox"]
    assert trained[0].writes == {"models/svm", "scores/svm"}
    assert trained[1].chosen == {"model": "cox"}


def test_every_option_that_can_move_a_figure_has_a_flat_name(project: Path) -> None:
    stages = StagesOfProject(project)
    assert stages.resolve_options(stages.stages) == {
        "baselines": '["svm", "cox"]',
        "dataset": "tiny",
        "extract.windows": "2",
        "features": "glcm, lbp",
        "features.glcm.levels": "8",
        "features.lbp.radius": "1",
        "model.cox.c": "2",
        "model.svm.c": "1.5",
        "networks": "[]",
        "plan.folds": "3",
    }


def test_outputs_of_models_that_are_chosen_no_longer_go_and_nothing_else_does(
    project: Path,
) -> None:
    made = ("models/svm", "models/forest", "scores/forest", "data/features.parquet", "models/own")
    for name in made:
        (project / name).mkdir(parents=True)
    noted = {name: {"outs": [{"path": name}]} for name in (*made[:4], "data/encodings")}
    (project / "dvc.lock").write_text(yaml.safe_dump({"stages": noted}))
    (project / "data/encodings").mkdir()
    StagesOfProject(project).remove_dropped()
    left = {name for name in (*made, "data/encodings") if (project / name).exists()}
    assert left == {"models/svm", "data/features.parquet", "models/own", "data/encodings"}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"heads": ["svm"], "encoders": ["dinov2_small"]}, "`heads` is no longer a choice"),
        ({"explained": ["forest"]}, r"`forest` is no baseline.*svm, cox"),
    ],
)
def test_choices_that_no_stage_can_follow_are_refused(
    changed: dict[str, list[str]], words: str, project: Path
) -> None:
    StagesOfProject(project).check_choices()
    (project / "params.yaml").write_text(yaml.safe_dump(PARAMS | changed))
    # A new folder, as what was read of a file is kept for as long as the process runs.
    moved = project.rename(project.with_name(f"{project.name}-changed"))
    with pytest.raises(OptionError, match=words):
        StagesOfProject(moved).check_choices()


def test_weights_that_are_not_as_an_option_says_count_for_the_stage_that_reads_them(
    project: Path,
) -> None:
    weights = project / "network.safetensors"
    weights.write_bytes(b"weights")
    known = hashlib.sha256(b"weights").hexdigest()
    named = {"encoder": {"weights": {"file": weights.name, "sha256": known}}}
    (project / "conf/model/svm.yaml").write_text(yaml.safe_dump(named))
    stages = StagesOfProject(project)
    _, svm, cox = stages.stages
    assert stages.changed_weights(svm) == stages.changed_weights(cox) == {}
    weights.write_bytes(b"Weights")
    assert [*stages.changed_weights(svm)] == [weights.name]
    assert stages.changed_weights(cox) == {}
