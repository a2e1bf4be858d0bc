"""What the pipeline promises: sealed labels decide nothing, outputs are pure, nothing is lost."""

import json
import shutil
import sys

import pytest

from skiagram.notices import STEP
from skiagram.records.files import read_table
from tests.pipeline.project import (
    BASELINES,
    NETWORK,
    STAGES,
    make_project,
    stack,
)

pytestmark = pytest.mark.slow

ODD_FOLDER = "Größe 'a' \"b\" $c=1 " + 100 * "x" + " , ü"
ELSEWHERE = {
    "HOME": "/proc/none",
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "C",
    "PYTHONHASHSEED": "77",
    "USER": "another",
    "LOGNAME": "another",
}
OUTSIDE_THE_SEAL = (
    *("data/images", "data/cases", "data/audit", "data/restored"),
    *("models", "scores", "combined"),
)


def test_test_labels_move_no_hash_outside_the_seal_wherever_it_runs(finished, tmp_path):
    """The same source with permuted test labels, ingested and trained where all else differs.

    Hashes have another seed, too: stages of the finished run each had one of their own.
    """
    other = make_project(tmp_path / ODD_FOLDER, permute_test_labels=True)
    stack(other)
    for name, *overrides in STAGES[:-1]:  # what is recorded in MLflow is compared nowhere
        if name.startswith("train") and BASELINES[1] not in "".join(overrides):
            run_elsewhere(other, (name, *overrides))
        else:
            other.stage(name, *overrides, **ELSEWHERE, code=0)
    assert other.hashes(*OUTSIDE_THE_SEAL) == finished.hashes(*OUTSIDE_THE_SEAL)
    table = "data/features.parquet"
    assert (other.folder / table).read_bytes() == (finished.folder / table).read_bytes()
    assert other.hashes("data/sealed") != finished.hashes("data/sealed")
    assert other.hashes("reports") != finished.hashes("reports")


def test_no_home_and_no_folder_clock_language_or_user_changes_a_byte(finished, tmp_path):
    copy = finished.copy(tmp_path / ODD_FOLDER)
    shutil.rmtree(copy.folder / ".work", ignore_errors=True)
    # Of the stages between, the test above says it.
    run_elsewhere(
        copy, *(stage for stage in STAGES if stage[0] in ("ingest", "evaluate", "record"))
    )
    outputs = ("data", "models", "scores", "combined", "reports")
    assert copy.hashes(*outputs) == finished.hashes(*outputs)
    copy.run("dvc", "status", HOME="/proc/none", code=0)


def run_elsewhere(project, *stages):
    """Run stages in Pythons of their own, on a machine where all that may differ is another."""
    for name, *overrides in stages:
        done = project.run(sys.executable, f"pipeline/{name}.py", *overrides, **ELSEWHERE)
        said = [line for line in done.stderr.splitlines() if not line.startswith(STEP)]
        assert (done.returncode, said) == (0, [])


def test_a_failing_network_still_leaves_a_report(copy, terminal, monkeypatch):
    too_small = "model.training.image_size=8"
    copy.stage("train_network", "model=article_cnn", too_small, "plan.folds=2", code=0)
    outcome = json.loads((copy.folder / "scores/article_cnn/outcome.json").read_text())
    assert outcome["status"] == "failed"
    assert outcome["reason"]
    copy.edit("params.yaml", networks=[NETWORK, "article_cnn"])
    copy.stage("evaluate", code=0)
    assert outcome["reason"].split(".")[0] in (copy.folder / "reports/report.html").read_text()
    monkeypatch.chdir(copy.folder)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    assert "failed" in terminal(["show"], 5)


def test_a_bad_source_is_named_and_leaves_earlier_outputs_untouched(project):
    project.stage("ingest", "dataset=tiny", code=0)
    before = project.hashes("data")
    (project.folder / "source/tiny/val-00003.png").write_bytes(b"")
    done = project.stage("ingest", "dataset=tiny", code=4)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "val-00003.png" in done.stderr
    assert project.hashes("data") == before


def test_jobs_of_one_stage_write_below_their_own_folders(copy):
    before = copy.hashes("data")
    words = ("features=[first_order],[wavelet]", "hydra.sweep.dir=multirun/features")
    copy.stage("extract", "-m", *words, code=0)
    assert copy.hashes("data") == before
    for job, family in enumerate(("first_order", "wavelet")):
        table = read_table(copy.folder / f"multirun/features/{job}/data/features.parquet")
        assert all(family in str(name) for name in table if name != "case_id")


def test_a_debugged_stage_takes_seconds_and_changes_no_output(copy):
    before = copy.hashes("data", "models", "scores")
    copy.stage("train_network", f"model={NETWORK}", "+debug=network", code=0)
    assert copy.hashes("data", "models", "scores") == before
    outcome = json.loads((copy.folder / f".work/debug/scores/{NETWORK}/outcome.json").read_text())
    assert outcome["fits"] == 3  # two folds and the final fit
    assert outcome["options"]["training"]["epochs"] == 1


def test_an_experiment_holds_choices_of_a_question(copy):
    (copy.folder / "conf/experiment/own.yaml").write_text(
        "# @package _global_\nparams:\n  features: first_order\n  seed: 7\n"
    )
    shown = copy.stage("train_baseline", "+experiment=own", "model=svm", "--cfg", "job", code=0)
    assert "seed: 7" in shown.stdout
    shown = copy.stage("extract", "+experiment=own", "--cfg", "job")
    assert "skiagram.features.first_order.FirstOrder" in shown.stdout
    assert "Wavelet" not in shown.stdout
    before = copy.hashes("scores")
    refused = copy.stage("train_baseline", "+experiment=own", "model=svm", code=2)
    assert "`features: first_order`" in refused.stderr  # earlier stages made others
    assert "--cfg job" in refused.stderr
    assert copy.hashes("scores") == before
    refused = copy.stage("extract", "+experiment=absent", code=2)
    assert "own" in refused.stderr
