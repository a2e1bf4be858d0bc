"""Frozen encoders in the whole pipeline: an arm of its own, and nothing is encoded twice."""

import json

import pytest
from omegaconf import OmegaConf

from tests.pipeline.project import BASELINES, stages_run

HEADS = ["encoder_logistic_regression", "early_fusion"]


@pytest.fixture(scope="module")
def encoded(finished, tmp_path_factory):
    """Return the finished project after a run with a frozen encoder and two models that read it."""
    from tests.encoders.examples import options, weights_file  # torch

    copy = finished.copy(tmp_path_factory.mktemp("encoded") / "project")
    path = weights_file(copy.folder).relative_to(copy.folder)
    values = options(copy.folder / path)
    values["weights"]["file"] = str(path)
    text = OmegaConf.to_yaml(values)
    (copy.folder / "conf/encoder/tiny.yaml").write_text(f"# @package encoders.tiny\n{text}")
    copy.edit("conf/model/encoder_logistic_regression.yaml", encoding="tiny")
    fused = ["encoding", "first_order"]
    copy.edit("conf/model/early_fusion.yaml", encoding="tiny", columns=fused)
    copy.edit("params.yaml", encoders=["tiny"], baselines=[*BASELINES, *HEADS])
    members = ["decision_tree", "encoder_logistic_regression"]
    copy.edit("conf/combination/stacking.yaml", members=members)
    done = copy.run("dvc", "repro")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert stages_run(done.stdout) == [
        "digest",
        "encode",
        *(f"train_baseline@{model}" for model in (*BASELINES, *HEADS)),
        "combine@stacking",
        "evaluate",
        "record",
    ]
    return copy


@pytest.mark.slow
def test_heads_are_an_arm_of_their_own_in_the_report(encoded):
    evaluation = json.loads((encoded.folder / "reports/evaluation.json").read_text())
    outcomes = {model["outcome"]["model"]: model["outcome"] for model in evaluation["models"]}
    plain, fused = (outcomes[head] for head in HEADS)
    assert plain["arm"] == fused["arm"] == "encoder"
    assert plain["title"] == "Logistic regression on a small network"
    assert fused["title"].endswith("and features")
    assert plain["options"]["encoder"]["encoder"]["preprocessing"]["mean"]
    page = (encoded.folder / "reports/report.html").read_text()
    assert "Logistic regression on a small network" in page


@pytest.mark.slow
def test_a_changed_head_encodes_nothing_and_a_new_run_of_encode_takes_the_known(encoded):
    encoded.edit("conf/model/early_fusion.yaml", C=0.5)
    done = encoded.run("dvc", "repro", "train_baseline")
    assert stages_run(done.stdout) == ["digest", "train_baseline@early_fusion"], done.stderr
    before = encoded.hashes("data/encodings")
    again = encoded.stage("encode", "encoder=[tiny]")
    assert "120 of 120 images were encoded before" in again.stdout
    assert "licence of the weights" in again.stdout
    assert encoded.hashes("data/encodings") == before


@pytest.mark.slow
def test_what_does_not_fit_leaves_the_old_encoding(encoded):
    before, file = encoded.hashes("data/encodings"), encoded.folder / "conf/encoder/tiny.yaml"
    text = file.read_text()
    encoded.edit("conf/encoder/tiny.yaml", weights__sha256="0" * 64)
    done = encoded.stage("encode", "encoder=[tiny]")
    file.write_text(text)
    assert done.returncode == 4, done.stderr
    assert "a file of SHA-256" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert encoded.hashes("data/encodings") == before
