"""Trained models with the films of their test cases, made as the stages make them."""

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
from PIL import Image

from skiagram.case_features.windows import Windows
from skiagram.compute.context import NOTHING_KEPT
from skiagram.compute.workers import IN_PROCESS
from skiagram.fitting.arm import ArmFolders, TrainOptions
from skiagram.fitting.deployment import CHECKSUMS
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.models.combined import check_combination, combine
from skiagram.options import build
from skiagram.preparation import (
    PREPARATION,
    ImageKinds,
    Preparation,
    PreparedData,
    TraitRanges,
    brightness_of,
)
from skiagram.readers.gray import in_gray
from skiagram.readers.spaced_image import SpacedImage
from skiagram.records.files import write_record, write_table
from skiagram.records.places import tabulate_places
from skiagram.records.predictions import Predictions, probabilities_of
from skiagram.steps.extract import extract_features
from skiagram.steps.propose import propose_places
from skiagram.steps.restore import restore_images
from skiagram.steps.train import train_model
from skiagram.tasks.cases import read_cases
from skiagram.tasks.classes import Classes
from skiagram.tasks.task import Task
from tests import REPOSITORY
from tests.cases import make_cases
from tests.stand_ins import PLAN
from tests.yaml_rows import load_yaml

CONF = REPOSITORY / "conf"
TASK = Task(Classes(("plain", "striped, fine"), 1), "holdout")
SIDE, CASES = 20, 60
MEMBERS = ("svm", "covariates")
WINDOWS = Windows(widths=(12.0,), side=8)


@dataclass(frozen=True)
class Trained:
    """A finished model.

    Attributes:
        model: Its folder.
        films: A PNG file a test case.
        test: Its scores of the test cases, a row a case and repeat.
    """

    model: Path
    films: list[Path]
    test: pd.DataFrame

    def expected(self):
        """Return the mean probabilities over repeats, a row a film."""
        repeats = [probabilities_of(rows) for _, rows in self.test.groupby("repeat")]
        return np.mean(repeats, axis=0)


def options(path, **changed):
    """Return the values of a config, some of them changed."""
    values = load_yaml(CONF / path)
    return values | changed


def covariates_of(case_id):
    at = np.array([int(name[5:]) for name in case_id.tolist()])
    age = np.where(at % 7 == 0, np.nan, 40 + (at * 37 % 50) / 3)
    side = np.array(["left", "right", "both, twice", None], dtype=object)[at % 4]
    return pd.DataFrame({"case_id": case_id, "age": age, "side": side, "images": at % 3})


def write_ingested(folder, cases, task, images, *, gray=False, **tables):
    """Write what step ingest leaves of images.

    Args:
        **tables: Of the folder `cases`, such as `covariates`; one that is absent says nothing.
    """
    noted = []
    with ShardWriter(folder / "images") as writer:
        for name, image in images:
            stored = in_gray(image) if gray else image
            writer.add(name, stored.pixels, stored.spacing)
            brightness, contrast = brightness_of(stored.pixels)
            seen = {"spacing": stored.spacing, "modality": stored.modality}
            noted.append(SimpleNamespace(**seen, brightness=brightness, contrast=contrast))
    kinds = ImageKinds.of(image for _, image in ImageStore(folder / "images"))
    preparation = Preparation(kinds, traits=TraitRanges.of(noted), gray=gray)
    write_record(preparation, folder / "images" / PREPARATION)
    cases.write(folder / "cases/cases.parquet")
    write_record(task, folder / "cases/task.json")
    nothing = pd.DataFrame({"case_id": cases.case_id})
    known = dict.fromkeys(("covariates", "visits", "measured"), nothing)
    known["marks"] = tabulate_places([])
    for name, table in (known | tables).items():
        write_table(table, folder / f"cases/{name}.parquet")


def striped_cases():
    split = np.repeat(["train", "validation", "test"], [36, 12, 12])
    return make_cases(np.arange(CASES) % 2, split, name="case-{:02d}")


def write_striped(folder, *, gray=False):
    """Ingest striped and plain images of patients with covariates; write the test films as PNG."""
    rng = np.random.default_rng(4)
    label = np.arange(CASES) % 2
    stripes = 40 * np.sin(np.arange(SIDE) * 1.3 + rng.uniform(0, 6, (CASES, 1)))[:, None, :]
    noise = rng.normal(128, 25, (CASES, SIDE, SIDE))
    images = np.clip(noise + stripes * label[:, None, None], 0, 255).astype(np.uint8)
    if gray:
        images = np.stack([images, images // 2, images // 4], axis=-1)  # in colour
    cases = striped_cases()
    names = cases.case_id.tolist()
    films = {name: SpacedImage(image) for name, image in zip(names, images, strict=True)}
    covariates = covariates_of(cases.case_id)
    write_ingested(folder, cases, TASK, films.items(), gray=gray, covariates=covariates)
    (folder / "films").mkdir()
    for name in cases.test().case_id.tolist():
        Image.fromarray(films[name].pixels).save(folder / "films" / f"{name}.png")


def prepare(folder, restoration, features, proposal=None):
    """Run the steps between ingest and training."""
    restore_images(restoration, folder, folder)
    places = options("proposal/none.yaml") if proposal is None else proposal
    hit = {"rule": "distance", "minimum": 8.0, "overlap": 0.2}
    propose_places(places, hit, folder, folder / "restored", folder)
    read = (folder / "cases", folder / "restored", folder / "candidates")
    extract_features(features, WINDOWS, *read, folder)


def train(folder, model, chosen, folders=None, plan=PLAN):
    """Train a model on what the steps prepared in a folder; return what it scored."""
    folders = folders or ArmFolders(folder / "model", folder / "scores", None)
    cases, task = read_cases(folder / "cases")
    asked = TrainOptions(model=chosen, plan=plan, compute=IN_PROCESS)
    read = PreparedData.under(folder)
    outcome = train_model("model", model, asked, read, cases, task, folders, NOTHING_KEPT)
    assert outcome.status == "finished", outcome.reason
    return Predictions.read(folders.scores)


def finish(folder, model, chosen):
    """Train a model on striped images and leave its folder, whose records a test may change."""
    test = train(folder, model, chosen).part("test")
    (folder / "model" / CHECKSUMS).unlink()
    films = [folder / "films" / f"{name}.png" for name in test["case_id"].unique()]
    return Trained(folder / "model", films, test)


def trained_baseline(
    folder,
    restoration="repair",
    gray=False,
    covariates=(),
    model="logistic_regression",
    **changed,
):
    """Train a logistic regression on two feature families and perhaps covariates."""
    features = {name: options(f"features/{name}.yaml") for name in ("wavelet", "first_order")}
    if covariates:
        columns = list(covariates)
        features["covariates"] = options("features/covariates.yaml", columns=columns)
    write_striped(folder, gray=gray)
    prepare(folder, options(f"restoration/{restoration}.yaml"), features)
    chosen = options(f"model/{model}.yaml", **changed)
    return finish(folder, build(chosen, "model"), chosen)


def trained_combination(folder):
    features = {"first_order": options("features/first_order.yaml")}
    features["covariates"] = options("features/covariates.yaml", columns=["age", "side"])
    write_striped(folder)
    prepare(folder, options("restoration/none.yaml"), features)
    for name in MEMBERS:
        chosen = options(f"model/{name}.yaml")
        train(folder, build(chosen, "model"), chosen, ArmFolders.under(folder, name))
    values = options("combination/stacking.yaml", members=list(MEMBERS))
    combination = check_combination("stacking", values, MEMBERS)
    folders = ArmFolders.under(folder / "combined", "stacking")
    cases, task = read_cases(folder / "cases")
    outcome = combine(folder, combination, cases, task, PLAN, folders)
    assert outcome.status == "finished", outcome.reason
    test = Predictions.read(folders.scores).part("test")
    films = [folder / "films" / f"{name}.png" for name in test["case_id"].unique()]
    return Trained(folders.model, films, test)


def table_of(trained, path):
    """Write the covariates of the test cases, in another order and under bare names."""
    known = covariates_of(np.array([film.stem for film in trained.films]))
    table = known.assign(file=[film.name for film in trained.films], weight=70)
    table.drop(columns="case_id")[::-1].to_csv(path, index=False)
    return path


def write_rows(path, rows, header=None):
    """Write rows of a table as a CSV and return its path."""
    pd.DataFrame(rows, columns=header).to_csv(path, index=False)
    return path


def read_rows(path):
    """Return the rows of a CSV: column → text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
