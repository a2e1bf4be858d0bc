"""The study on a small phantom: who is compared with whom, and what the page may claim."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from skiagram.models.deep.compression import Compression, count_stored, is_weight, unpack
from skiagram.report.index import read_summary, render_study, write_study
from skiagram.report.studies.simplification import describe_simplest
from skiagram.studies.simplification.study import Simplification, SimplificationResult
from tests.encoders.examples import network, weights_file
from tests.encoders.examples import options as encoder_options
from tests.studies.small_phantom import MODELS, ON_PHANTOM, TIMED, small_place

pytestmark = pytest.mark.thorough


def study(**changed: Any) -> Simplification:
    values = MODELS | ON_PHANTOM | TIMED | {"baselines": ("ridge", "random_forest")}
    values |= {"student": None, "compressed": None, "count": 3, "depth": 2, "least_cases": 5}
    return Simplification(**(values | {"soft_share": 0.5, "pruned": 0.5} | changed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("simplification")


@pytest.fixture(scope="module")
def result(folder: Path) -> SimplificationResult:
    return study().run(small_place(folder))


def test_the_original_comes_first_and_agrees_with_itself(result: SimplificationResult) -> None:
    original = result.models[0]
    assert original.name == "original"
    assert original.difference.value == 0
    assert original.agreement.value == 1
    assert len(result.originals) == 3
    for model in result.models:
        assert model.difference.value == pytest.approx(model.auc.value - original.auc.value)


def test_simple_models_are_small_and_what_is_printed_is_complete(
    result: SimplificationResult,
) -> None:
    original, *simpler = result.models
    assert {model.name for model in simpler} == {
        f"{kind}, {way}" for kind in ("features", "rules") for way in ("taught", "labels alone")
    }
    for model in simpler:
        assert model.size < original.size
        assert model.parameters <= 7
    assert 1 <= len(result.logistic) <= 3
    assert all(feature.meaning for feature in result.logistic)
    assert result.tree[0].cases == result.cases
    assert {line.feature for line in result.tree if line.feature} == set(result.feature_meaning)


def test_the_seal_stays_closed_and_a_rerun_fits_nothing_again(
    result: SimplificationResult, folder: Path
) -> None:
    for sealed in (folder / "work").glob("ingested-*/sealed"):
        shutil.rmtree(sealed)
    assert study().run(small_place(folder)) == result


def test_the_page_holds_every_model_and_its_summary_is_read_back(
    result: SimplificationResult, tmp_path: Path
) -> None:
    write_study(result, tmp_path)
    page = (tmp_path / "page.html").read_text()
    for model in result.models:
        assert model.title in page
    for feature in result.logistic:
        assert feature.feature in page
    assert describe_simplest(result) in read_summary(tmp_path).answers
    assert render_study(result) == page


def test_networks_are_taught_pruned_and_stored_in_eight_bits(folder: Path) -> None:
    models = small_place(folder).conf / "model"
    text = (models / "tiny_cnn.yaml").read_text().replace("epochs: 30", "epochs: 2")
    (models / "brief.yaml").write_text(text.replace("patience: 30", "patience: 2"))
    run = study(networks=("brief",), student="brief", compressed="brief", baselines=("ridge",))
    found = {model.name: model for model in run.run(small_place(folder)).models}
    assert {"network, taught", "network, labels alone", "whole", "pruned", "eight bits"} < set(
        found
    )
    assert found["whole"].parameters > found["pruned"].parameters
    assert found["whole"].size > found["pruned"].size > found["pruned, eight bits"].size
    assert found["whole"].size > 1.5 * found["eight bits"].size
    assert found["whole"].auc == found["network, labels alone"].auc


def test_a_head_on_an_encoder_is_simplified_with_the_encoders_costs(tmp_path: Path) -> None:
    place = small_place(tmp_path)
    values = encoder_options(weights_file(tmp_path), title="Tiny network")
    (place.conf / "encoder/tiny.yaml").write_text(yaml.safe_dump(values))
    text = (place.conf / "model/ridge.yaml").read_text()
    of_both = text.replace("columns: null", "columns: [encoding, wavelet]")
    (place.conf / "model/both.yaml").write_text(f"encoding: tiny\n{of_both}")
    (place.conf / "model/tiny_ridge.yaml").write_text(f"encoding: tiny\n{text}")
    weights = sum(weight.numel() for weight in network().parameters())
    for head, title in (("tiny_ridge", "network"), ("both", "network and features")):
        found = study(baselines=(head,), encoders=("tiny",)).run(place)
        original, *simple = found.models
        assert found.originals == (f"Ridge regression on Tiny {title}",) * 3
        assert original.parameters > weights
        assert original.size > 4 * weights
        assert {model.name for model in simple} >= {"features, taught", "rules, taught"}
        assert all(model.parameters < 20 for model in simple)
        assert all(model.inference.median > 0 for model in found.models)
        assert len(found.logistic) <= 3


def state() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "stage.weight": torch.randn(6, 3, 3, 3, generator=generator),
        "stage.bias": torch.randn(6, generator=generator),
        "norm.weight": torch.randn(6, generator=generator),
        "norm.num_batches_tracked": torch.tensor(7),
        "head.weight": torch.randn(2, 6, generator=generator),
    }


@pytest.mark.parametrize("pruned", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("eight_bits", [False, True])
def test_a_packed_network_keeps_its_largest_weights_to_half_a_step(
    pruned: float, eight_bits: bool
) -> None:
    whole = state()
    file = Compression(pruned, eight_bits=eight_bits).pack(whole)
    packed = unpack(file)
    assert set(packed) == set(whole)
    weights = {name: value for name, value in whole.items() if is_weight(name, value)}
    every = torch.cat([value.flatten() for value in weights.values()])
    cut = np.ceil(pruned * len(every))
    assert sum(int((packed[name] == 0).sum()) for name in weights) >= cut
    assert count_stored(file) == len(every) - cut + 12
    least = every.abs().sort().values[int(cut)]
    for name, value in whole.items():
        if name not in weights:
            assert torch.equal(packed[name], value)
            continue
        kept = value.abs() >= least
        step = value.flatten(1).abs().amax(1) / 127 / 2 * 1.001 if eight_bits else torch.tensor(0)
        error = ((packed[name] - value).abs() * kept).flatten(1).amax(1)
        assert bool((error <= step).all())


def test_a_network_of_zeros_is_packed_and_unpacked() -> None:
    zeros = {"head.weight": torch.zeros(3, 4)}
    file = Compression(0.5, eight_bits=True).pack(zeros)
    assert torch.equal(unpack(file)["head.weight"], zeros["head.weight"])
