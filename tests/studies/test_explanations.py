"""The study of explanations on a small phantom, and a planted shortcut."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from skiagram.datasets.contract import Mark
from skiagram.errors import OptionError
from skiagram.explanation.importance import auc_loss
from skiagram.explanation.saliency import ExplainedNetwork, Resolution, explain
from skiagram.explanation.trust import locate
from skiagram.image_store.shards import Region, ShardWriter
from skiagram.image_store.store import ImageStore, modality_folders, write_modalities
from skiagram.models.deep.fitted import Architecture
from skiagram.options import build
from skiagram.preparation import PreparedData
from skiagram.report.index import render_study
from skiagram.studies.explanations.regions import (
    KnownRegions,
    blank_image,
    blanked_data,
    borrow_regions,
    draw_mark,
    find_regions,
    resize_mask,
)
from skiagram.studies.explanations.study import Explanations, ExplanationsResult
from skiagram.studies.workspace import Workspace
from skiagram.training.classifier import Classifier
from tests.encoders.examples import options as encoder_options
from tests.encoders.examples import weights_file
from tests.studies.small_phantom import CONF, small_place

pytestmark = pytest.mark.thorough


def study(**changed: Any) -> Explanations:
    values: dict[str, Any] = yaml.safe_load((CONF / "study/explanations.yaml").read_text())
    values |= {"features": ["wavelet", "first_order"], "gallery": 2, "networks": []}
    values |= {"baselines": ["logistic_regression", "small_forest"]}
    values["plan"] |= {"repeats": 1}
    few = {"orders": 2, "first": 3, "resamples": 8, "shap_cases": 8, "background": 8}
    values["importance"] |= few
    values["maps"] |= {"cases": 8, "steps": 8, "window": 0.25}
    values["maps"]["exchange"] |= {"cells": 4, "steps": 4, "fresh_layers": [1.0]}
    made = build(values | changed, "study")
    assert isinstance(made, Explanations)
    return made


def workspace(folder: Path) -> Workspace:
    place = small_place(folder)
    models = place.conf / "model"
    forest = (models / "random_forest.yaml").read_text().replace("trees: 200", "trees: 8")
    (models / "small_forest.yaml").write_text(forest)
    network = (models / "small_cnn.yaml").read_text().replace("epochs: 30", "epochs: 2")
    (models / "short.yaml").write_text(network.replace("patience: 30", "patience: 2"))
    return replace(place, compute=replace(place.compute, workers=1))


def small_cnn() -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((CONF / "model/small_cnn.yaml").read_text())
    return values | {"widths": [8, 16, 16], "dropout": 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("explanations")


@pytest.fixture(scope="module")
def result(folder: Path) -> ExplanationsResult:
    return study().run(workspace(folder))


def test_every_case_is_explained_without_the_seal(result: ExplanationsResult, folder: Path) -> None:
    linear, forest = result.classical
    assert {one.group for one in linear.families} == {"wavelet", "first_order"}
    assert len(linear.features) == len(forest.features) == 3
    for feature in linear.features:
        assert len(feature.effects) == 3
        assert feature.loss.over_folds.low is not None
        assert feature.loss.over_patients.value == pytest.approx(feature.loss.over_folds.value)
    assert len(linear.coefficients) == 3
    assert not forest.coefficients
    assert forest.shapley
    assert forest.clusters is not None
    for sealed in (folder / "work").glob("ingested-*/sealed"):
        shutil.rmtree(sealed)
    assert study().run(workspace(folder)) == result


def test_the_truth_of_the_phantom_is_known(result: ExplanationsResult) -> None:
    assert result.word == "nodule"
    assert result.located == result.observer.cases == 4
    blanking = result.classical[0].blanking
    assert blanking is not None
    assert blanking.rest.over_folds.value is not None


def test_a_network_is_tested_and_shown(folder: Path) -> None:
    found = study(baselines=[], networks=["short"]).run(workspace(folder))
    (network,) = found.networks
    assert network.centre.hit.above_centre.value == 0
    assert [one.method for one in network.maps] == list(study().maps.methods)
    for one in network.maps:
        if one.method == "attention_rollout":
            assert "no attention" in one.reason
            continue
        assert [test.name for test in one.tests] == [
            "randomisation", "deletion", "insertion", "repeatability",
        ]  # fmt: skip
        assert one.tests[-1].state == "not tested"  # one training
        assert not one.trustworthy
        assert one.location is not None
    assert {case.kind for case in network.cases} >= {"right", "wrong"}
    assert all(len(case.maps) == 3 for case in network.cases)


@pytest.mark.parametrize(
    ("package", "arms"),
    [
        ("shap", {"networks": [], "baselines": ["ridge"]}),
        ("captum", {"networks": ["small_cnn"], "baselines": []}),
    ],
)
def test_a_missing_package_is_said_before_any_work(
    package: str, arms: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == package]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(OptionError, match=r"skiagram\[explain\]"):
        study(**arms).run(small_place(tmp_path))
    assert not (tmp_path / "work").exists()


def test_marks_stand_on_the_grid_that_a_network_sees() -> None:
    mask = draw_mark(Mark((10.0, 20.0), 4.0), (32, 64))
    assert mask.sum() == pytest.approx(np.pi * 16, rel=0.1)
    smaller = resize_mask(mask, (16, 32))
    assert np.mean(np.nonzero(smaller), axis=1) == pytest.approx([5, 10], abs=0.6)
    tiny = resize_mask(draw_mark(Mark((10.0, 20.0), 0.2), (32, 64)), (4, 8))
    assert np.argwhere(tiny).tolist() == [[1, 2]]
    ball = draw_mark(Mark((5.0, 5.0, 5.0), 3.0), (11, 11, 11))
    assert ball.sum() == pytest.approx(4 / 3 * np.pi * 27, rel=0.15)


@pytest.mark.parametrize("shape", [(20, 20), (20, 20, 3), (12, 12, 12, 1)])
def test_blanking_leaves_the_other_part_as_it_is(shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).normal(100, 10, shape).astype(np.float32)
    region = draw_mark(
        Mark((8.0,) * (2 if len(shape) < 4 else 3), 3.0), shape[: max(2, len(shape) - 1)]
    )
    for outside in (False, True):
        blanked = blank_image(image, region, outside=outside)
        kept = region if outside else ~region
        assert blanked.shape == shape
        np.testing.assert_array_equal(blanked[kept], image[kept])
        assert (
            np.ptp(blanked[~kept].reshape(-1, shape[-1] if len(shape) > 2 else 1), axis=0).max()
            < 1e-3
        )


def test_cases_without_a_region_borrow_one_that_lies_on_tissue(tmp_path: Path) -> None:
    image = np.zeros((20, 20), dtype=np.float32)
    image[:, 10:] = np.random.default_rng(0).uniform(1, 2, (20, 10))
    with ShardWriter(tmp_path) as writer:
        for case in "abcd":
            writer.add(case, image)
    left, right = (draw_mark(Mark((10.0, column), 3.0), (20, 20)) for column in (4.0, 15.0))
    lent = borrow_regions(
        ImageStore(tmp_path), KnownRegions("nodule", {"a": left, "b": right}, of_all=False),
        list("abcd"), 0,
    )  # fmt: skip
    np.testing.assert_array_equal(lent["a"], left)
    for case in "cd":
        np.testing.assert_array_equal(lent[case], right)


def test_each_modality_is_blanked_by_its_own_region(tmp_path: Path) -> None:
    images = tmp_path / "images"
    sides = {"PET": 8, "MR": 12}  # the same body on two grids
    for name, side in sides.items():
        outline = draw_mark(Mark((side / 2,) * 3, side / 4), (side,) * 3)
        inside = outline & (np.arange(side) < side / 2)  # odd voxels left the region
        with ShardWriter(images if name == "PET" else images / name) as writer:
            for case in "ab":
                volume = np.random.default_rng(side).normal(100, 10, (side, side, side, 1))
                writer.add(case, volume.astype(np.float32), None, Region(inside, outline))
    write_modalities(images, list(sides))
    prepared = replace(PreparedData.under(tmp_path), images=images)
    known = find_regions(small_place(tmp_path), prepared, {}, ["a", "b"])
    blanked = blanked_data(
        small_place(tmp_path), prepared, known, ["a", "b"], None, 0, outside=False
    )
    folders = modality_folders(blanked.images)
    assert list(folders) == list(sides)
    for name, folder in folders.items():
        outline = draw_mark(Mark((sides[name] / 2,) * 3, sides[name] / 4), (sides[name],) * 3)
        image = ImageStore(folder).image("a")[..., 0]
        assert np.ptp(image[outline]) == 0  # the region as it was drawn
        assert np.ptp(image[~outline]) > 10


def test_a_planted_shortcut_is_found() -> None:
    """A network that learned a corner: its map lies outside the region, and blanking tells it."""
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(200) % 2
    images = torch.randn(200, 1, 16, 16, generator=generator)
    images[label == 1, :, :3, :3] += 2.0  # the corner tells the label
    region = draw_mark(Mark((10.0, 10.0), 3.0), (16, 16))
    architecture = Architecture(small_cnn(), (1, 16, 16), 2)
    torch.manual_seed(0)
    classifier = Classifier(architecture.build(), torch.zeros(1), torch.ones(1))
    optimizer = torch.optim.Adam(classifier.parameters(), 0.01)
    for _ in range(60):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(classifier(images[:100]), label[:100])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    network, seen = ExplainedNetwork(classifier.eval(), 1, architecture), images[100:]
    maps = explain("occlusion", network, seen, Resolution(0.25, 8))
    found = [locate(one, region) for one, true in zip(maps, label[100:], strict=True) if true]
    shares = np.array([one.share for one in found if one])
    assert shares.mean() < region.mean()
    base = network.score(seen.numpy())
    without = [
        network.score(
            np.stack([blank_image(one[0], region, outside=outside)[None] for one in seen.numpy()])
        )
        for outside in (False, True)
    ]
    patient = np.arange(100)
    lost = [auc_loss(base, one[None], label[100:].numpy() == 1, patient).mean for one in without]
    assert abs(lost[0]) < 0.05  # nothing is lost without the region
    assert lost[1] > 0.3  # all is lost without what lies outside it


def test_an_encoder_with_a_head_is_tested_and_shown(tmp_path: Path) -> None:
    place = workspace(tmp_path)
    values = encoder_options(weights_file(tmp_path), title="Tiny network")
    (place.conf / "encoder/tiny.yaml").write_text(yaml.safe_dump(values))
    for name in ("logistic_regression", "small_forest"):
        text = (place.conf / f"model/{name}.yaml").read_text()
        (place.conf / f"model/tiny_{name}.yaml").write_text(f"encoding: tiny\n{text}")
    heads = ["tiny_logistic_regression", "tiny_small_forest"]
    found = study(baselines=heads, encoders=["tiny"]).run(place)
    linear, forest = found.networks
    assert (linear.model, linear.arm) == ("tiny_logistic_regression", "encoder")
    assert linear.title == "Logistic regression on Tiny network"
    assert all(map_.reason == "" and len(map_.tests) == 4 for map_ in linear.maps)
    reasons = {map_.method: map_.reason for map_ in forest.maps}
    assert "not linear" in reasons["grad_cam"]
    assert "not linear" in reasons["integrated_gradients"]
    assert reasons["occlusion"] == ""
    for model in (linear, forest):
        assert model.blanking is not None
        assert model.centre.hit.above_centre.value == 0
        assert {case.kind for case in model.cases} >= {"right", "wrong"}
    assert all(len(case.maps) == 4 for case in linear.cases)
    assert "Logistic regression on Tiny network" in render_study(found)


def test_a_head_without_maps_is_shown_with_the_reason(tmp_path: Path) -> None:
    place = workspace(tmp_path)
    values = encoder_options(weights_file(tmp_path), title="Tiny network")
    (place.conf / "encoder/tiny.yaml").write_text(yaml.safe_dump(values))
    head = (place.conf / "model/logistic_regression.yaml").read_text()
    fused = head.replace("columns: null", "columns: [encoding, wavelet]")
    (place.conf / "model/fused.yaml").write_text(f"encoding: tiny\n{fused}")
    (model,) = study(baselines=["fused"], encoders=["tiny"]).run(place).networks
    assert all("beside the encoding" in map_.reason for map_ in model.maps)
    assert model.centre is None
    assert model.blanking is not None
    assert model.cases
    assert not any(case.maps or case.contributions for case in model.cases)
