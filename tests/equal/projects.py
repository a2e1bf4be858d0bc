"""The eight projects: what they read, what is chosen, and what is done with them when finished."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.equal import sources

Options = Mapping[str, Mapping[str, object]]
FEATURES = "first_order,glcm,wavelet,acquisition"
SMALL = {"training.epochs": 2}


@dataclass(frozen=True)
class SmallProject:
    """One project.

    Attributes:
        added: What is typed after `skiagram` to add the data set; empty for one that comes along.
        choices: Lines of params.yaml.
        options: Config → dotted name → value.
        after: Commands typed in the finished project. What they write into `after` is compared.
        write: Writes what the project reads into the folder above it.
    """

    added: Sequence[str]
    choices: Mapping[str, Any]
    options: Options = field(default_factory=dict)
    after: Sequence[Sequence[str]] = ()
    write: Callable[[Path], None] | None = None


def _write_two_cohorts(place):
    sources.write_two_classes(place)
    sources.write_two_classes(place, "leeds", patients=30, seed=21)


def predict(model, *words):
    """Return the lines that make a package of a model and score files with it."""
    package = f"after/{model}.skiagram"
    scored = ["predict", package, *words, "-o", f"after/{model}.csv", "--workers", "1"]
    return [["package", f"models/{model}", "-o", package], scored]


FILMS = ["../films/000.png", "../films/001.png", "../films/002.png"]
PROJECTS = {
    "two_classes": SmallProject(
        write=_write_two_cohorts,
        added=["init", "../films", "../films.csv", "--positive", "striped", "--covariates", "age"],
        choices={
            "features": f"{FEATURES},covariates",
            "baselines": [
                *("logistic_regression", "svm", "random_forest", "decision_tree"),
                *("single_feature", "acquisition", "covariates"),
            ],
            "networks": ["small_cnn"],
            "combinations": ["stacking"],
            "explained": ["svm"],
            "compare": [["svm", "random_forest"]],
        },
        options={
            "conf/model/small_cnn.yaml": SMALL,
            "conf/model/svm.yaml": {"columns": ["first_order", "glcm", "wavelet"]},
            "conf/model/random_forest.yaml": {"n_estimators": 20},
            "conf/combination/stacking.yaml": {"members": ["svm", "small_cnn"]},
        },
        after=[
            *predict("svm", "../leeds/000-0.png", "../leeds/001-1.png"),
            *predict("small_cnn", "../leeds/000-0.png", "../leeds/001-1.png"),
            ["validate", ".", "../leeds", "../leeds.csv", "--workers", "1"],
            [
                *("compare", "reports/validations/leeds/scores.csv", "--label", "label"),
                *("--positive", "striped", "--a", "small_cnn", "--b", "svm"),
                *("--patient", "patient_id", "-o", "after/comparison.html"),
            ],
        ],
    ),
    "three_classes": SmallProject(
        write=sources.write_three_classes,
        added=["init", "../films", "../films.csv"],
        choices={
            "design": "cv",
            "repeats": 2,
            "folds": 2,
            "inner_folds": 2,
            "features": "first_order,colour,glcm,acquisition",
            "baselines": ["logistic_regression", "random_forest", "acquisition"],
            "networks": ["tiny_cnn"],
        },
        options={
            "conf/model/tiny_cnn.yaml": SMALL,
            "conf/model/random_forest.yaml": {"n_estimators": 20},
        },
        after=predict("random_forest", *FILMS),
    ),
    "finding": SmallProject(
        added=(),
        choices={
            "dataset": "phantom_finding",
            "proposal": "blobs",
            "folds": 2,
            "features": "first_order,intensity_histogram",
            "baselines": ["candidate_finder"],
            "networks": ["heat_map_finder"],
        },
        options={
            "conf/dataset/phantom_finding.yaml": {
                "patients": {"train": 24, "validation": 8, "test": 20},
                "size": 64,
                "nodules.cells": 3,
                "nodules.amplitude": 1.6,
            },
            "conf/model/heat_map_finder.yaml": {
                "widths": [4, 8, 12],
                "steps": 6,
                "training.epochs": 2,
                "training.image_size": 32,
            },
        },
    ),
    "time": SmallProject(
        write=sources.write_times,
        added=[
            *("init", "../films", "../films.csv", "--time", "days", "--event", "state"),
            *("--covariates", "age"),
        ],
        choices={
            "design": "cv",
            "folds": 2,
            "inner_folds": 2,
            "features": f"{FEATURES},covariates",
            "baselines": ["logistic_regression", "covariates"],
            "networks": ["tiny_cnn"],
        },
        options={
            "conf/model/tiny_cnn.yaml": SMALL,
            "conf/model/logistic_regression.yaml": {"columns": ["first_order", "glcm", "wavelet"]},
        },
        after=predict("logistic_regression", *FILMS),
    ),
    "grade": SmallProject(
        write=sources.write_values,
        added=["init", "../films", "../films.csv", "--grade", "severity"],
        choices={
            "design": "cv",
            "folds": 2,
            "inner_folds": 2,
            "features": FEATURES,
            "baselines": ["logistic_regression", "null_model"],
            "networks": ["tiny_cnn"],
        },
        options={"conf/model/tiny_cnn.yaml": SMALL},
        after=predict("logistic_regression", *FILMS),
    ),
    "number": SmallProject(
        write=sources.write_values,
        added=["init", "../films", "../films.csv", "--number", "width_mm"],
        choices={
            "design": "cv",
            "folds": 2,
            "inner_folds": 2,
            "repeats": 2,
            "features": FEATURES,
            "baselines": ["logistic_regression", "null_model"],
            "networks": ["tiny_cnn"],
        },
        options={"conf/model/tiny_cnn.yaml": SMALL},
        after=predict("logistic_regression", *FILMS),
    ),
    "volumes": SmallProject(
        write=sources.write_volumes,
        added=[
            *("init", "../volumes", "../volumes.csv", "--positive", "yes"),
            *("--images", "PET", "MR"),
        ],
        choices={
            "design": "cv",
            "folds": 2,
            "inner_folds": 2,
            "restoration": "none",
            "features": "first_order,glcm,morphology,acquisition",
            "baselines": ["logistic_regression", "region_volume"],
            "networks": ["cnn_3d"],
        },
        options={"conf/model/cnn_3d.yaml": {"training.epochs": 1, "training.image_size": 8}},
        after=[
            [
                *("extract", "../volumes/00_PET_image.nii.gz", "../volumes/00_PET_mask.nii.gz"),
                *("-o", "after/features.csv"),
            ]
        ],
    ),
    "table": SmallProject(
        write=sources.write_features,
        added=[
            *("run", "../radiomics.csv", "--label", "Target", "--positive", "1", "--project", "."),
            *("--baselines", "logistic_regression,svm,random_forest,single_feature"),
            *("--folds", "2"),
        ],
        choices={},
        after=predict("svm", "../radiomics.csv"),
    ),
}
