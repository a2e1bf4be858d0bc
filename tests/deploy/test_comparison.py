"""New cases are compared with those of training: what is planted is found, and nothing else."""

import shutil
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

from skiagram.case_features.extraction import extract
from skiagram.deploy.comparison import TrainingComparison
from skiagram.deploy.new_cases import MemoryTree, NewCase
from skiagram.deploy.page import write_page
from skiagram.deploy.prediction import CaseResult
from skiagram.image_store.store import ImageStore
from skiagram.options import build
from skiagram.preparation import ImageKinds, Preparation
from skiagram.readers.case_images import ImageReference
from skiagram.readers.spaced_image import SpacedImage
from skiagram.records.files import write_record
from skiagram.tasks.cases import read_cases
from tests.deploy.trained import SIDE, TASK, options, striped_cases

pytestmark = pytest.mark.slow

Change = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@pytest.fixture(scope="module")
def project(baseline, tmp_path_factory):
    """Lay out what the run that trained the model keeps of its cases."""
    place, made = tmp_path_factory.mktemp("project"), baseline.model.parent
    shutil.copytree(made / "images", place / "data/images")
    (place / "data/cases").mkdir()
    striped_cases().write(place / "data/cases/cases.parquet")
    write_record(TASK, place / "data/cases/task.json")
    named = ("wavelet", "first_order")
    families = [build(options(f"features/{name}.yaml"), name) for name in named]
    table = extract(ImageStore(made / "restored"), families)
    table.frame().to_parquet(place / "data/features.parquet")
    return place


def new_films(folder, count, change=None):
    """Write films like those of training, perhaps changed."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(11)
    for number in range(count):
        phase = draw.uniform(0, 6)
        stripes = 40 * np.sin(np.arange(SIDE) * 1.3 + phase)[None, :] * (number % 2)
        image = draw.normal(128, 25, (SIDE, SIDE)) + stripes
        image = image if change is None else change(image)
        pixels = np.clip(image, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04d}.png")
    return folder


def test_films_as_in_training_differ_in_nothing_and_darker_ones_do(
    project, baseline, tmp_path, terminal
):
    found = {}
    for name, change in {"same": None, "dark": lambda image: image - 15}.items():
        films, target = new_films(tmp_path / name, 40, change), tmp_path / f"{name}.csv"
        line = f"predict {baseline.model} {films} -o {target} --compare {project}"
        terminal.says(line, "first_order_mean" if change else "")
        rows = pd.read_csv(tmp_path / f"{name}.compared.csv").to_dict("records")
        found[name] = {row["figure"]: row for row in rows if row["versus"] == "development"}
        assert len(pd.read_csv(target)) == 40
    assert all(row["p_holm"] >= 0.05 for row in found["same"].values())
    dark = found["dark"]["first_order_mean"]
    assert dark["high"] < 0.5
    assert dark["p_holm"] < 0.001
    assert found["dark"]["brightness"]["high"] < 0.5


def test_a_run_that_did_not_train_the_model_is_refused_before_anything_is_scored(
    project, baseline, tmp_path, terminal
):
    films = new_films(tmp_path / "films", 3)
    line = f"predict {baseline.model} {films} -o {tmp_path}/a.csv --compare"
    terminal.says(f"{line} {tmp_path}", "folder of the run that trained the model", 4)
    assert not list(tmp_path.glob("a.*"))
    terminal.says(f"{line} {project}", "Too few patients")


def test_the_first_modality_of_training_is_compared_and_shown_whatever_a_table_names_first(
    project, baseline, tmp_path
):
    """A table whose rows began with PET had its PET compared with the CT of training."""
    read = []

    def record(case, modality):
        read.append(modality)
        return SpacedImage(np.zeros((SIDE, SIDE, 1), np.float32), None)

    kinds = ImageKinds((1,), ("float32",), (SIDE, SIDE), (SIDE, SIDE))
    preparation = Preparation(kinds, modalities=("CT", "PET"))
    preparer = SimpleNamespace(preparation=preparation, read=record)
    model = SimpleNamespace(
        preparer=preparer, task=TASK, threshold=0.5, rule="", deployment=SimpleNamespace(title="")
    )
    images = {name: ImageReference(f"{name}.png") for name in ("PET", "CT")}
    cases = [NewCase(f"case {at}", MemoryTree({}), images) for at in range(12)]
    known, _ = read_cases(project / "data/cases")
    features = {case.name: pd.Series({"first_order_mean": 1.0}) for case in cases}
    TrainingComparison(project, model, known, features).tell_apart(cases)
    write_page([CaseResult("case 0", (0.5, 0.5))], cases[:1], model, tmp_path / "page.html")
    assert read == ["CT"] * 13
