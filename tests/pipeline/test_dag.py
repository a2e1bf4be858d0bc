"""The graph: what each stage depends on, what an edit reruns, what a finished run leaves."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.pipeline.project import BASELINES, NETWORK, REPOSITORY, Project

STAGES = {
    "ingest": ["dataset=tiny"],
    "audit": [],
    "restore": [],
    "extract": ["features=[first_order,wavelet]"],
    "train_baseline": ["model=decision_tree", "plan.folds=2"],
    "train_network": [f"model={NETWORK}", "plan.folds=2"],
    "combine": ["combination=[stacking]", "plan.folds=2"],
    "evaluate": [],
    "record": [],
}
CLASSICAL = tuple(stage for stage in STAGES if stage != "train_network")
LIST_MODULES = """
import atexit, runpy, sys
name, listing = sys.argv[1], sys.argv[2]
sys.argv = [name, *sys.argv[3:]]
sys.path.insert(0, "pipeline")
atexit.register(lambda: open(listing, "w").write("\\n".join(sorted(sys.modules))))
runpy.run_path(name, run_name="__main__")
"""


@pytest.fixture(scope="session")
def modules(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the modules that each stage had imported when it ended."""
    copy = Project(tmp_path_factory.mktemp("modules") / "project")
    shutil.copytree(finished.folder, copy.folder, symlinks=True)
    found = {}
    for stage, overrides in STAGES.items():
        listing = copy.folder / f"{stage}.modules"
        done = copy.run(
            sys.executable, "-c", LIST_MODULES, f"pipeline/{stage}.py", str(listing), *overrides
        )
        assert done.returncode == 0, done.stderr[-2000:]
        found[stage] = set(listing.read_text().split())
    return found


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_lists_the_code_it_imports(modules: dict[str, set[str]], stage: str) -> None:
    listed = [Path(dep) for dep in _stages()[stage]["deps"]]
    for module in modules[stage]:
        if not module.startswith("skiagram."):
            continue
        path = Path("src", *module.split("."))
        file = path / "__init__.py" if (REPOSITORY / path).is_dir() else path.with_suffix(".py")
        if file.name == "__init__.py":
            continue  # docstrings only
        covered = any(dep == file or dep in file.parents for dep in listed)
        assert covered, f"{stage} imports {file} without depending on it"


@pytest.mark.slow
@pytest.mark.parametrize("stage", CLASSICAL)
def test_classical_stages_never_import_torch(modules: dict[str, set[str]], stage: str) -> None:
    assert not {"torch", "torchvision", "pytorch_lightning"} & modules[stage]


def test_package_files_hold_a_docstring_only() -> None:
    for path in (REPOSITORY / "src").rglob("__init__.py"):
        assert len(path.read_text().strip().splitlines()) <= 3, path


def test_no_train_stage_can_reach_the_seal() -> None:
    for name, stage in _stages().items():
        if name not in {"ingest", "evaluate"}:
            touched = [*stage["deps"], stage["cmd"]]
            assert not any("sealed" in text for text in touched), name
            assert "data" not in stage["deps"]


@pytest.mark.slow
def test_a_second_repro_has_nothing_to_do(finished: Project) -> None:
    done = finished.run("dvc", "repro")
    assert "Running stage" not in done.stdout
    assert done.returncode == 0


@pytest.mark.slow
def test_a_checkout_ends_well_where_no_study_was_run(finished: Project, tmp_path: Path) -> None:
    copy = Project(tmp_path / "project")
    shutil.copytree(finished.folder, copy.folder, symlinks=True)
    shutil.copytree(REPOSITORY / "studies", copy.folder / "studies")
    before = copy.hashes("models", "scores", "reports")
    (copy.folder / "reports/report.html").unlink()
    done = copy.run("dvc", "checkout")
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    assert copy.hashes("models", "scores", "reports") == before
    compared = copy.run("dvc", "metrics", "show")
    assert "failed" not in compared.stderr


@pytest.mark.slow
def test_editing_one_model_reruns_that_model_evaluate_and_record(
    finished: Project, tmp_path: Path
) -> None:
    copy = Project(tmp_path / "project")
    shutil.copytree(finished.folder, copy.folder, symlinks=True)
    copy.edit("conf/model/decision_tree.yaml", max_depth=2)
    done = copy.run("dvc", "repro")
    ran = [line.split("'")[1] for line in done.stdout.splitlines() if "Running stage" in line]
    assert ran == ["train_baseline@decision_tree", "combine", "evaluate", "record"], done.stderr


@pytest.mark.slow
def test_more_workers_rerun_nothing_and_give_equal_bytes(finished: Project, tmp_path: Path) -> None:
    copy = Project(tmp_path / "project")
    shutil.copytree(finished.folder, copy.folder, symlinks=True)
    before = copy.hashes("data", "reports")
    copy.edit("conf/compute/local.yaml", workers=2)
    assert "Running stage" not in copy.run("dvc", "repro").stdout
    for stage in ("restore", "extract"):
        assert copy.stage(stage, *STAGES[stage]).returncode == 0
    assert copy.stage("evaluate").returncode == 0
    assert copy.hashes("data", "reports") == before


@pytest.mark.slow
def test_a_dropped_model_is_not_reported(finished: Project, tmp_path: Path) -> None:
    copy = Project(tmp_path / "project")
    shutil.copytree(finished.folder, copy.folder, symlinks=True)
    copy.edit("params.yaml", baselines=BASELINES[:1])
    assert copy.stage("evaluate").returncode == 0
    report = json.loads((copy.folder / "reports/evaluation.json").read_text())
    named = [model["outcome"]["model"] for model in report["models"]]
    assert named == [BASELINES[0], NETWORK, "stacking"]
    assert (copy.folder / "scores" / BASELINES[1]).exists()


@pytest.mark.slow
def test_the_run_ends_with_a_table_and_the_path_of_the_report(finished: Project) -> None:
    done = finished.stage("show")
    assert done.returncode == 0
    for title in ("Logistic regression", "Decision tree", "reports/report.html"):
        assert title in done.stdout


def _stages() -> dict[str, dict[str, list[str]]]:
    stages: dict[str, dict[str, list[str]]] = yaml.safe_load((REPOSITORY / "dvc.yaml").read_text())[
        "stages"
    ]
    return stages


@pytest.mark.slow
def test_dvc_can_read_the_graph() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dvc"), "stage", "list", "--name-only"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "train_baseline@svm" in done.stdout, done.stderr
