"""The graph: what each stage depends on, what an edit reruns, what a finished run leaves."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise

import pytest
import yaml

from skiagram.compute.code_digest import code_files
from skiagram.options import flatten_options
from skiagram.projects.stage_code import StagesOfProject
from skiagram.steps import digest
from tests.pipeline.project import (
    BASELINES,
    NETWORK,
    PARTS,
    REPOSITORY,
    STAGES,
    Project,
    stages_run,
)
from tests.yaml_rows import load_yaml

EXPLAIN = ("explain", f"model={BASELINES[0]}")
CLASSICAL = tuple(stage for stage, *_ in STAGES if stage != "train_network")


# Notes which functions of the project a stage called once its imports were over.
WATCH = """
import atexit, os, runpy, sys, skiagram
listing, sys.argv = sys.argv[1], sys.argv[2:]
sys.path.insert(0, "pipeline")
called, passed = set(), set()
scripts, sources = os.path.abspath("pipeline"), os.path.dirname(os.path.dirname(skiagram.__file__))
def note(frame, event, _):
    code = frame.f_code
    if code in passed or code in called:
        return
    path = os.path.abspath(code.co_filename)
    own = path.startswith((sources + "/skiagram", scripts))
    if not own or not path.endswith(".py") or path.endswith("watched.py"):
        passed.add(code)
        return
    above = frame
    while above:
        if above.f_code.co_filename == "<frozen importlib._bootstrap>":
            return
        above = above.f_back
    called.add(code)
def write():
    sys.settrace(None)
    with open(listing, "w") as file:
        for code in called:
            path = os.path.abspath(code.co_filename)
            path = os.path.relpath(path, sources if path.startswith(sources) else scripts)
            module = path.removesuffix(".py").replace("/", ".")
            file.write(f"{module} {code.co_qualname.partition('.')[0]}\\n")
atexit.register(write)
sys.settrace(note)  # of each call alone
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.slow
def test_classical_stages_never_import_torch(finished):
    for stage in CLASSICAL:
        for path in (finished.folder / "imported").glob(f"{stage}*"):
            imported = set(path.read_text().split())
            assert "numpy" in imported
            assert not {"torch", "torchvision", "pytorch_lightning"} & imported, stage


@pytest.mark.slow
def test_what_record_imports_before_the_tracker_is_asked_is_light(project):
    """It runs after every change of an option: reading results takes no optimiser and no tests."""
    code = "import sys; sys.path.insert(0, 'pipeline'); import record; print(*sys.modules)"
    imported = set(project.run(sys.executable, "-c", code).stdout.split())
    assert "skiagram.tracking.execution" in imported
    unused = {"torch", "mlflow", "scipy.special", "scipy.optimize", "scipy.stats", "sklearn"}
    assert not unused & imported


@pytest.mark.slow
def test_a_copy_runs_its_own_code_though_another_folder_is_installed(project):
    code = "import os, sys; sys.path.insert(0, 'pipeline'); import project, skiagram as s; "
    code += "print(s); print(os.environ['PYTHONPATH'])"
    done = project.run(sys.executable, "-c", code, PYTHONPATH="")
    package, of_workers = done.stdout.splitlines()
    assert str(project.folder / "src") in package, done.stderr
    assert of_workers == str(project.folder / "src")  # `evaluate` is no stage's script to them


def test_a_shell_that_forbids_compiled_code_slows_no_stage_and_no_worker():
    kept = "import os, sys, project; print(sys.dont_write_bytecode, *os.environ)"
    done = subprocess.run(
        [sys.executable, "-c", kept],
        cwd=REPOSITORY / "pipeline",
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("False")
    assert "PYTHONDONTWRITEBYTECODE" not in done.stdout


def test_every_script_imports_the_place_of_its_project_before_the_package():
    for script in (REPOSITORY / "pipeline").glob("*.py"):
        tree = ast.parse(script.read_text())
        modules = [node.module or "" for node in tree.body if isinstance(node, ast.ImportFrom)]
        package = [at for at, module in enumerate(modules) if module.startswith("skiagram")]
        if package and "__main__" in script.read_text():
            assert "project" in modules[: package[0]], script


@pytest.fixture(scope="module")
def watched(finished, tmp_path_factory):
    """Return a copy in which one model is explained and a script notes what a stage calls."""
    copy = finished.copy(tmp_path_factory.mktemp("watched") / "project")
    copy.edit("params.yaml", explained=BASELINES[:1])
    (copy.folder / "pipeline/watched.py").write_text(WATCH)
    return copy


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [*(one for one in STAGES if f"model={BASELINES[1]}" not in one), EXPLAIN],
    ids="-".join,
)
def test_a_stage_calls_no_code_that_its_digest_leaves_out(watched, tmp_path, words):
    project = StagesOfProject(watched.folder)
    entries = [
        entry
        for one in project.stages
        if one.script == words[0] and all(name in words[1] for name in one.chosen.values())
        for entry in project.code_of(one)
    ]
    script = (f"pipeline/{words[0]}.py", *words[1:])
    watched.run("python", "pipeline/watched.py", str(tmp_path / "called"), *script, code=0)
    called = [line.split() for line in (tmp_path / "called").read_text().splitlines()]
    modules = {m.removesuffix(".__init__") for m, name in called if not name.startswith("<")}
    assert modules
    assert not modules - code_files(*entries).keys()


def test_no_train_stage_can_reach_the_seal_and_each_depends_on_its_code():
    for name, stage in load_yaml(REPOSITORY / "dvc.yaml")["stages"].items():
        if name not in {"ingest", "evaluate"}:
            touched = [*stage["deps"], stage["cmd"]]
            assert not any("sealed" in text for text in touched), name
            assert "data" not in stage["deps"]
        members = "-".join(f"${{item.{axis}}}" for axis in stage.get("matrix", ()))
        own = f"data/code/{name}@{members}" if members else f"data/code/{name}"
        assert own in stage["deps"] or name == "digest"


@pytest.mark.slow
def test_an_edit_is_seen_by_the_stage_whose_code_or_options_it_is(copy):
    assert _changed(copy) == set()
    copy.edit("conf/model/decision_tree.yaml", max_depth=2)
    assert _changed(copy) == {"digest", "train_baseline@decision_tree"}
    before = copy.hashes("data/code")
    source = copy.folder / "src/skiagram/datasets/folder/source.py"
    source.write_text(source.read_text() + "\n# a comment counts, too\n")
    family = copy.folder / "src/skiagram/features/first_order.py"
    family.write_text(family.read_text().replace("class FirstOrder(", "class FirstOrder(object, "))
    assert _changed(copy) == {"digest", "train_baseline@decision_tree"}
    copy.run("python", "pipeline/digest.py", code=0)
    after = copy.hashes("data/code")
    changed = {name for name in before if before[name] != after[name]}
    stages = ("ingest", "extract", "evaluate", "record")  # whose imports reach them
    assert changed == {f"data/code/{name}" for name in (*stages, "options")}


@pytest.mark.slow
def test_code_the_class_of_an_option_file_and_a_template_change_digests(project):
    def digests():
        project.run("python", "pipeline/digest.py", code=0)
        return project.hashes("data/code")

    known = [digests()]
    for name, old, new in (
        ("src/skiagram/features/first_order.py", "class FirstOrder(", "class FirstOrder(object, "),
        ("conf/model/decision_tree.yaml", "trees.DecisionTree", "trees.RandomForest"),
        ("src/skiagram/report/templates/layout.html.j2", "</body>", " </body>"),
    ):
        path = project.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))
        known.append(digests())
    assert all(before != after for before, after in pairwise(known))


def _changed(project):
    done = project.run("dvc", "status", "--json", code=0)
    return {name for name, why in json.loads(done.stdout).items() if why != ["always changed"]}


def test_what_is_installed_is_looked_at_each_time():
    """An upgrade of a library changes no file that DVC sees."""
    stages = load_yaml(REPOSITORY / "dvc.yaml")["stages"]
    assert stages["digest"]["always_changed"]


def test_a_cell_of_a_data_set_that_a_sweep_names_reruns_the_sweep(tmp_path, monkeypatch):
    example = load_yaml(REPOSITORY / "conf/dataset/feature_table.yaml")
    axes = {"cohort": {"second": {"dataset": "second"}}}
    files = {f"dataset/{name}": example | {"file": f"{name}.csv"} for name in ("own", "second")}
    files |= {"dataset/unread": example, "sweep/cohorts": {"question": "Which?", "axes": axes}}
    for name, values in files.items():
        path = tmp_path / f"conf/{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(values))
    monkeypatch.setenv("SKIAGRAM_DATA", str(tmp_path))
    for name in ("own", "second"):
        (tmp_path / f"{name}.csv").write_text("patient,label,size\na,benign,1\n")
    read = digest.data_sets_of_sweeps(
        tmp_path, {"dataset": "own", "sweeps": ["cohorts", "missing"]}
    )
    assert read == ["own", "second"]
    before = digest.changed_files(tmp_path, read)
    assert before.keys() == {"own.csv", "second.csv"}
    (tmp_path / "second.csv").write_text("patient,label,size\na,benign,22\n")
    after = digest.changed_files(tmp_path, read)
    assert {name for name in after if after[name] != before[name]} == {"second.csv"}
    stages = load_yaml(REPOSITORY / "sweeps/dvc.yaml")["stages"]
    assert "data/code/sweep" in stages["sweep"]["deps"]


def test_an_option_is_one_column_of_the_table_of_experiments():
    """A value that stands for a choice of params.yaml would be a second one."""
    choices = load_yaml(REPOSITORY / "params.yaml")
    for name, stage in load_yaml(REPOSITORY / "dvc.yaml")["stages"].items():
        for entry in stage["params"]:
            if isinstance(entry, str):
                assert entry in choices, name
                continue
            ((file, options),) = entry.items()
            if "item." in file or file == "params.yaml":
                continue
            file = re.sub(r"\$\{(\w+)\}", lambda choice: choices[choice[1]], file)
            flat = flatten_options(load_yaml(REPOSITORY / file))
            for option in options or flat:
                assert option != "defaults", (name, file)
                assert not flat.get(option, "").startswith("${params."), (name, file, option)


@pytest.mark.slow
def test_plots_are_shown_without_a_network(copy):
    copy.run("dvc", "plots", "show", code=0)
    page = (copy.folder / "dvc_plots/index.html").read_text()
    assert page.count("<img") == 6
    assert "<script" not in page
    assert "http" not in page


@pytest.mark.slow
def test_a_checkout_ends_well_where_no_sweep_was_run(copy):
    (copy.folder / "sweeps").mkdir(exist_ok=True)
    shutil.copy(REPOSITORY / "sweeps/dvc.yaml", copy.folder / "sweeps")
    before = copy.hashes("models", "scores", "reports", "data")
    (copy.folder / "reports/report.html").unlink()
    done = copy.run("dvc", "checkout", code=0)
    assert "WARNING" not in done.stderr
    assert copy.hashes("models", "scores", "reports", "data") == before
    assert _changed(copy) == set()  # no sweep is listed: `sweeps` of params.yaml names none
    compared = copy.run("dvc", "metrics", "show")
    assert "failed" not in compared.stderr


@pytest.mark.slow
def test_after_a_model_was_removed_another_clone_pulls_and_has_nothing_to_do(copy, tmp_path):
    copy.edit("params.yaml", baselines=BASELINES[:1])
    copy.run("dvc", "repro", code=0)
    assert not (copy.folder / "models" / BASELINES[1]).exists()
    copy.run("dvc", "remote", "add", "-d", "store", str(tmp_path / "store"))
    copy.run("dvc", "push", code=0)
    clone = Project(tmp_path / "clone")
    clone.folder.mkdir()
    for part in (*PARTS, ".dvc/config", "dvc.lock", "reports/metrics.json"):  # those in Git
        target = clone.folder / part
        target.parent.mkdir(exist_ok=True)
        copy_part = shutil.copytree if (copy.folder / part).is_dir() else shutil.copy
        copy_part(copy.folder / part, target)
    shutil.copytree(copy.folder / "source", clone.folder / "source")
    clone.run("dvc", "pull", "--allow-missing", code=0)
    assert _changed(clone) == set()
    done = clone.run("dvc", "repro", "--dry", OMP_NUM_THREADS="2", code=0)
    assert stages_run(done.stdout) == ["digest"]


@pytest.mark.slow
def test_the_report_has_the_models_that_are_explained_and_no_figure_changes(copy):
    before, metrics = copy.hashes("models", "scores"), copy.folder / "reports/metrics.json"
    figures = metrics.read_text()
    copy.edit("params.yaml", explained=BASELINES[:1])
    copy.edit("conf/explain.yaml", explanation__importance__resamples=2)
    section = 'id="explanations"'
    for explained in (True, False):
        copy.run("dvc", "repro", code=0)
        assert (section in (copy.folder / "reports/report.html").read_text()) == explained
        assert bool(copy.hashes(f"reports/explanations/{BASELINES[0]}")) == explained
        assert _changed(copy) == set()
        copy.edit("params.yaml", explained=[])
    assert copy.hashes("models", "scores") == before
    assert metrics.read_text() == figures
    copy.edit("params.yaml", explained=["svm"])
    done = copy.run("python", "pipeline/digest.py", code=2)
    assert "svm" in done.stderr


@pytest.mark.slow
def test_more_workers_rerun_nothing_and_give_equal_bytes(copy):
    before = copy.hashes("data", "reports")
    copy.edit("conf/compute/local.yaml", workers=2)
    assert _changed(copy) == {"digest"}  # which then finds the same code
    copy.stages(*(stage for stage in STAGES if stage[0] in {"restore", "extract", "evaluate"}))
    assert copy.hashes("data", "reports") == before


@pytest.mark.slow
def test_a_dropped_model_is_not_reported_and_the_run_ends_with_a_table(copy):
    copy.edit("params.yaml", baselines=BASELINES[:1])
    copy.stages(("evaluate",))
    report = json.loads((copy.folder / "reports/evaluation.json").read_text())
    named = [model["outcome"]["model"] for model in report["models"]]
    assert named == [BASELINES[0], NETWORK, "stacking"]
    assert (copy.folder / "scores" / BASELINES[1]).exists()
    shown = copy.skiagram("show", code=0)
    for title in ("Logistic regression", "reports/report.html"):
        assert title in shown.stdout
    assert "Decision tree" not in shown.stdout
    assert "These figures are of other choices" in shown.stderr  # evaluate was run without DVC
    assert "baselines: " in shown.stderr
