"""Trained models with the films of their test cases, made as the stages make them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from numpy.typing import NDArray
from PIL import Image

from skiagram.datasets.contract import PixelAcquisition, SpacedImage
from skiagram.features.case_histories import CaseHistories
from skiagram.features.covariates import development_patients
from skiagram.features.extraction import extract
from skiagram.features.table import FeatureTable
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.models.arm import ArmFolders, Member, train
from skiagram.models.combined import check_combination, combine
from skiagram.models.deployment import write_fingerprint
from skiagram.models.reading import image_traits
from skiagram.options import build, composed
from skiagram.preparation import (
    PREPARATION,
    ImageKinds,
    Preparation,
    TraitsSeen,
    brightness_of,
    propagate_preparation,
)
from skiagram.records.cases import SEALED, Cases
from skiagram.records.files import write_record
from skiagram.records.predictions import Predictions, probabilities_of
from skiagram.restoration.restore import restore_store
from skiagram.tasks.task import Task
from tests.stand_ins import PLAN

CONF = Path(__file__).resolve().parents[2] / "conf"
TASK = Task(("plain", "striped, fine"), positive=1, design="holdout")
SIDE, CASES = 20, 60
MEMBERS = ("svm", "covariates")


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

    def expected(self) -> NDArray[np.float64]:
        """Return the mean probabilities over repeats, a row a film."""
        repeats = [probabilities_of(rows) for _, rows in self.test.groupby("repeat")]
        mean: NDArray[np.float64] = np.mean(repeats, axis=0)
        return mean


def options(path: str, **changed: object) -> dict[str, Any]:
    """Return the values of an option file, some of them changed."""
    values: dict[str, Any] = yaml.safe_load((CONF / path).read_text())
    return values | changed


def covariates_of(case_id: NDArray[np.str_]) -> pd.DataFrame:
    at = np.array([int(name[5:]) for name in case_id.tolist()])
    age = np.where(at % 7 == 0, np.nan, 40 + (at * 37 % 50) / 3)
    side = np.array(["left", "right", "both, twice", None], dtype=object)[at % 4]
    return pd.DataFrame({"case_id": case_id, "age": age, "side": side, "images": at % 3})


def prepared(
    folder: Path,
    restoration: dict[str, Any],
    features: list[dict[str, Any]],
    acquisition: PixelAcquisition | None = None,
) -> tuple[Cases, FeatureTable]:
    """Ingest, restore and extract striped and plain images; write the test films as PNG."""
    rng = np.random.default_rng(4)
    label = np.arange(CASES) % 2
    stripes = 40 * np.sin(np.arange(SIDE) * 1.3 + rng.uniform(0, 6, (CASES, 1)))[:, None, :]
    noise = rng.normal(128, 25, (CASES, SIDE, SIDE))
    images = np.clip(noise + stripes * label[:, None, None], 0, 255).astype(np.uint8)
    case_id = np.array([f"case-{at:02d}" for at in range(CASES)])
    split = np.repeat(["train", "validation", "test"], [36, 12, 12])
    cases = Cases(case_id, case_id, split, np.where(split == "test", SEALED, label))
    if acquisition is not None:
        images = images.repeat(2, axis=1).repeat(2, axis=2)
    seen = TraitsSeen()
    with ShardWriter(folder / "images") as writer:
        for name, image in zip(case_id.tolist(), images, strict=True):
            film = SpacedImage(image)
            stored = film if acquisition is None else acquisition.acquire(film)
            writer.add(name, stored.pixels, stored.spacing)
            seen.add(stored.spacing, stored.modality, brightness_of(stored.pixels))
    (folder / "films").mkdir()
    for name in cases.test().case_id.tolist():
        Image.fromarray(images[int(name[5:])]).save(folder / "films" / f"{name}.png")
    store, restored = ImageStore(folder / "images"), folder / "restored"
    restore_store(
        store, build(restoration, "restoration"), restored, folder / "treatment.parquet", cases
    )
    kinds = ImageKinds.of(image for _, image in store)
    changes = None if acquisition is None else composed(acquisition)
    write_record(Preparation(kinds, changes, traits=seen.traits()), folder / "images" / PREPARATION)
    propagate_preparation(folder / "images", restored, restoration=restoration)
    families, known = [build(one, "features") for one in features], covariates_of(case_id)
    histories = CaseHistories(known, development_patients(cases))
    covariates = histories.describe(families)
    propagate_preparation(
        restored, folder / "preparation", features=features, covariates=covariates
    )
    return cases, extract(ImageStore(restored), families, histories)


def finish(
    folder: Path,
    preparation: Path,
    model: Any,
    composed: dict[str, Any],
    cases: Cases,
    inputs: Any,
) -> Trained:
    """Train a model on (development, test) inputs and leave its folder."""
    member = Member("model", model, composed, *inputs)
    predictions = train(member, cases, TASK, PLAN, ArmFolders(folder / "model", folder, None))
    assert predictions.outcome.status == "finished", predictions.outcome.reason
    propagate_preparation(preparation, folder / "model")
    of_features = isinstance(inputs[0], FeatureTable)
    space = inputs[0] if of_features else image_traits(ImageStore(folder / "restored"))
    write_fingerprint(folder / "model", predictions, cases, space)
    test = predictions.part("test")
    films = [folder / "films" / f"{name}.png" for name in cases.test().case_id.tolist()]
    return Trained(folder / "model", films, test)


def trained_baseline(
    folder: Path,
    restoration: str = "repair",
    acquisition: PixelAcquisition | None = None,
    covariates: Sequence[str] = (),
    model: str = "logistic_regression",
    **changed: object,
) -> Trained:
    """Train a logistic regression on two feature families and perhaps covariates."""
    features = [options(f"features/{name}.yaml") for name in ("wavelet", "first_order")]
    if covariates:
        features.append(options("features/covariates.yaml", columns=list(covariates)))
    steps = options(f"restoration/{restoration}.yaml")
    cases, table = prepared(folder, steps, features, acquisition)
    composed = options(f"model/{model}.yaml", **changed)
    inputs = tuple(table.of(part.case_id) for part in (cases.development(), cases.test()))
    built = build(composed, "model")
    return finish(folder, folder / "preparation", built, composed, cases, inputs)


def trained_combination(folder: Path) -> Trained:
    features = [options("features/first_order.yaml"), options("features/covariates.yaml")]
    features[1]["columns"] = ["age", "side"]
    cases, table = prepared(folder, options("restoration/none.yaml"), features)
    known, new = (table.of(part.case_id) for part in (cases.development(), cases.test()))
    for name in MEMBERS:
        composed = options(f"model/{name}.yaml")
        member = Member(name, build(composed, "model"), composed, known, new)
        made = train(member, cases, TASK, PLAN, ArmFolders.under(folder, name))
        assert made.outcome.status == "finished"
        propagate_preparation(folder / "preparation", folder / "models" / name)
    values = options("combination/stacking.yaml", members=list(MEMBERS))
    chosen = check_combination("stacking", values, MEMBERS)
    folders = ArmFolders.under(folder / "combined", "stacking")
    outcome = combine(folder, chosen, cases, TASK, PLAN, folders)
    assert outcome.status == "finished", outcome.reason
    test = Predictions.read(folders.scores).part("test")
    films = [folder / "films" / f"{name}.png" for name in test["case_id"].unique()]
    return Trained(folders.model, films, test)


def table_of(trained: Trained, path: Path) -> Path:
    """Write the covariates of the test cases, in another order and under bare names."""
    known = covariates_of(np.array([film.stem for film in trained.films]))
    table = known.assign(file=[film.name for film in trained.films], weight=70)
    table.drop(columns="case_id")[::-1].to_csv(path, index=False)
    return path
