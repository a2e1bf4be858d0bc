"""The study of restoration on a small phantom, whose clean images are known; PSNR and SSIM."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from skimage.metrics import peak_signal_noise_ratio

from skiagram.errors import OptionError
from skiagram.image_store.store import ImageStore
from skiagram.records import Cases
from skiagram.studies.ablation import Ablation, AblationResult
from tests.studies.small_phantom import MODELS, PLAN, small_place

pytestmark = pytest.mark.thorough


def steps(**steps: Any) -> dict[str, Any]:
    none = {"missing": None, "outliers": None, "denoising": None}
    return {"_target_": "skiagram.restoration.steps.Steps", **none, **steps}


FILL = {"method": "nearest", "radius": 1}
VARIANTS = {
    "filled": steps(missing=FILL),
    "again": steps(missing={"method": "nearest", "radius": 2}),  # nearest needs no radius
    "repaired": steps(missing=FILL, outliers={"threshold": 6.0, "radius": 2}),
}


def study(**changed: Any) -> Ablation:
    values = MODELS | {"datasets": {"phantom": "holdout"}, "variants": VARIANTS}
    values |= {"plan": replace(PLAN, folds=2), "replicates": 100}
    return Ablation(**(values | changed))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ablation")


@pytest.fixture(scope="module")
def result(folder: Path) -> AblationResult:
    return study().run(small_place(folder))


@pytest.mark.thorough
def test_every_variant_has_every_model_and_repair_brings_images_nearer(
    result: AblationResult,
) -> None:
    (found,) = result.datasets
    assert [one.variant for one in found.variants] == list(VARIANTS)
    assert found.part == "test"
    assert (found.cases, found.patients) == (24, 12)
    filled, _, repaired = found.variants
    assert filled.psnr
    assert repaired.psnr
    assert (repaired.psnr.value or 0) > (filled.psnr.value or 0) + 5


def test_psnr_is_the_mean_over_test_images_of_scikit_image(
    result: AblationResult, folder: Path
) -> None:
    (data,) = (folder / "work").glob("ingested-*")
    test = Cases.read(data / "cases/cases.parquet").test().case_id.tolist()
    clean = ImageStore(data / "sealed/clean")
    found = [one.psnr.value or 0.0 for one in result.datasets[0].variants if one.psnr]
    means = []
    for restored in (folder / "work").glob("restored-*"):
        images = ImageStore(restored / "restored")
        pairs = [(clean.image(one).astype(float), images.image(one)) for one in test]
        psnr = [peak_signal_noise_ratio(a, b, data_range=np.ptp(a)) for a, b in pairs]
        means.append(np.mean(psnr))
    np.testing.assert_allclose(sorted(means), sorted(found))


def test_images_that_stay_the_same_change_no_auc(result: AblationResult) -> None:
    again = result.datasets[0].variants[1].changes[0]
    assert (again.difference.value, again.difference.low, again.difference.high) == (0, 0, 0)


def test_a_rerun_makes_nothing_again(result: AblationResult, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in (folder / "work").rglob("*")}
    assert study().run(small_place(folder)) == result
    assert {path: path.stat().st_mtime_ns for path in (folder / "work").rglob("*")} == before


def test_a_wrong_option_ends_the_study_and_leaves_no_half_piece(folder: Path) -> None:
    workspace = small_place(folder)
    text = (workspace.conf / "model/logistic_regression.yaml").read_text()
    text = text.replace("columns: null", "columns: [no_such_family]")
    (workspace.conf / "model/of_nothing.yaml").write_text(text)
    with pytest.raises(OptionError, match="no feature of the family `no_such_family`"):
        study(baselines=("of_nothing",)).run(workspace)
    assert not [path for path in workspace.work.iterdir() if "of_nothing" in path.name]
    assert not list(workspace.work.glob("unfinished-*"))


@pytest.mark.thorough
def test_options_laid_over_classical_models_stand_beside_the_reference(tmp_path: Path) -> None:
    place = small_place(tmp_path)
    file = place.conf / "dataset/phantom.yaml"
    scanners = {"A": {"gain": 1.0, "offset": 0.0}, "B": {"gain": 2.0, "offset": 2.0}}
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"sites": scanners}))
    found = study(
        variants={"filled": VARIANTS["filled"]},
        model_variants={"ComBat": {"harmonisation": {"unseen": "refuse"}}},
        features=("first_order", "site"),
    ).run(place)
    assert list(found.variants) == ["filled", "ComBat"]
    plain, harmonised = found.datasets[0].variants
    assert harmonised.changes[0].title == f"{plain.changes[0].title}, harmonised across sites"
    assert harmonised.changes[0].auc.value is not None
    assert harmonised.changes[0].difference.value != 0
    assert (harmonised.psnr, harmonised.ssim) == (plain.psnr, plain.ssim)


def test_a_study_that_compares_nothing_is_refused() -> None:
    with pytest.raises(OptionError, match="one variant"):
        study(variants={"filled": VARIANTS["filled"]})
    with pytest.raises(OptionError, match="`again` twice"):
        study(model_variants={"again": {}})
