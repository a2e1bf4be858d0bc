"""Numbers, grades and findings go to a report, and to another hospital's cohort."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.pipeline.project import Project

pytestmark = pytest.mark.slow
FINDINGS = ("mass", "nodule", "effusion")


def write(folder: Path, patients: int = 72, seed: int = 1) -> Project:
    """Write a table of features, `films.csv`, and one of what they tell, `outcomes.csv`.

    It has sizes in mm, grades of these, and three findings, of which some are not known.
    """
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    signal = generator.uniform(-1, 1, size=patients)
    volume, texture = generator.normal(size=(2, patients))
    ids = [f"p{seed}-{at}" for at in range(patients)]
    features = {"patient": ids, "original_shape_MeshVolume": np.exp(volume) * 1e4}
    features |= {"original_glcm_Contrast": signal, "original_glcm_Id": texture}
    pd.DataFrame(features).to_csv(folder / "films.csv", index=False)
    size = (60 + 20 * signal + generator.normal(0, 4, size=patients)).round(2)
    noisy = signal[:, None] + generator.normal(0, 0.4, size=(patients, 3))
    present = (noisy > [0.0, 0.2, 0.5]).astype(int).astype(str)
    present[::9, 0], present[4::11, 2] = "", "-1"
    told = pd.DataFrame(present, columns=FINDINGS).assign(patient=ids, size=size)
    told["site"] = ["Leeds" if at % 2 else "York" for at in range(patients)]
    told["tissue"] = [*np.array([*"FGD"])[np.digitize(size, [53, 67])]]
    told.to_csv(folder / "outcomes.csv", index=False)
    return Project(folder)


def columns_of(place: Path, *names: str) -> None:
    """Leave these columns alone in the outcomes: no other one is a feature by chance."""
    table = pd.read_csv(place / "outcomes.csv", dtype=str)
    table[["patient", "site", *names]].to_csv(place / "outcomes.csv", index=False)


def page_has(page: Path, *fragments: str) -> None:
    text = page.read_text()
    for fragment in fragments:
        assert fragment in text


def test_another_cohorts_numbers_are_told_by_a_finished_project(tmp_path: Path) -> None:
    at_home, north = tmp_path / "home", tmp_path / "north"
    home, cohort = write(at_home), write(north, seed=2)
    for place in (at_home, north):
        columns_of(place, "size")
    line = "run films.csv outcomes.csv --number size --unit mm --networks none --folds 2"
    home.shown(*line.split(), "--baselines", "logistic_regression,null_model")
    project = at_home / "films-project"
    line = f"validate {project} films.csv outcomes.csv --name north --workers 1"
    shown = cohort.shown(*line.split(), "--number", "size", "--site", "site")
    assert "of another cohort: no network was asked for" in shown
    results = project / "reports/validations/north"
    worst = ("At home, out of fold", "Leeds", "The worst of these")
    page_has(results / "report.html", "number, in mm", *worst)
    table = pd.read_csv(results / "figures.csv")
    rows = table["figure"].eq("absolute_error") & table["model"].eq("logistic_regression")
    error = table[rows].groupby("group")["value"].first()
    assert len(pd.read_csv(results / "scores.csv")) == 72
    figures = json.loads((project / "reports/metrics.json").read_text())
    expected = figures["logistic_regression"]["absolute_error"]
    assert error["out_of_fold"] == pytest.approx(expected, abs=1e-4)
    assert error["cohort"] < 7  # a mean errs by 10
    for words, said in {
        "": "--number: is not given",
        " --number size --unit cm": "--unit: cm. Allowed: mm, as in the project",
    }.items():
        assert said in cohort.shown(*f"{line}{words} --force".split(), code=2)


def test_grades_of_a_table_go_to_a_report(tmp_path: Path) -> None:
    home = write(tmp_path)
    columns_of(tmp_path, "tissue")
    line = "run films.csv outcomes.csv --grade tissue"
    assert "--grades LOWEST ... HIGHEST" in home.shown(*line.split(), code=4)
    line += " --grades F G D --folds 2"
    models = "logistic_regression,random_forest,null_model,region_volume"
    assert "The best classical model " in home.shown(*line.split(), "--baselines", models)
    reports = tmp_path / "films-project/reports"
    words = ("grade from F to D", "predicted G", "above F", "Ranked probability score gained")
    page_has(reports / "report.html", *words)
    figures = json.loads((reports / "metrics.json").read_text())
    assert figures["logistic_regression"]["quadratic_kappa"] > 0.6
    assert abs(figures["null_model"]["quadratic_kappa"]) < 0.1


def test_findings_of_a_table_go_to_a_report_and_to_another_cohort(tmp_path: Path) -> None:
    at_home, north = tmp_path / "home", tmp_path / "north"
    home, cohort = write(at_home, 80), write(north, 80, 2)
    for place in (at_home, north):
        columns_of(place, *FINDINGS)
    columns = ("films.csv", "outcomes.csv", "--findings", *FINDINGS)
    models = ("--baselines", "logistic_regression,random_forest,null_model", "--folds", "2")
    assert "cells are empty or −1" in home.shown("run", *columns, *models)
    project = at_home / "films-project"
    words = ("Macro AUC", "expected share with the finding", "in which it is known")
    page_has(project / "reports/report.html", *words)
    figures = json.loads((project / "reports/metrics.json").read_text())
    assert figures["logistic_regression"]["macro_auc"] > 0.8
    assert figures["null_model"]["macro_auc"] == pytest.approx(0.5)
    scores = pd.read_csv(project / "reports/scores.csv")
    assert {*FINDINGS} <= {*scores.columns}
    assert scores["mass"].isna().sum() == 9
    # New cases have a probability of each finding; another hospital's are judged by them.
    model = str(project / "models/logistic_regression")
    home.shown("predict", model, "films.csv", "--output", "new.csv")
    predicted = pd.read_csv(at_home / "new.csv")
    assert predicted["probability_mass"].between(0, 1).all()
    cohort.shown("validate", str(project), *columns, "--name", "north", "--workers", "1")
    table = pd.read_csv(project / "reports/validations/north/figures.csv")
    macro = table[table["figure"].eq("macro_auc") & table["group"].eq("cohort")]["value"]
    assert (macro.dropna() >= 0.45).all()
    assert macro.max() > 0.8
