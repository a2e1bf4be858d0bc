"""Numbers, grades and findings go to a report, and to another hospital's cohort."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.pipeline.project import Project

pytestmark = pytest.mark.slow


def skiagram(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return Project(folder).skiagram(*words)


def draw(patients: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return patients' sizes in mm, with the hospital, and what tells them, from -1 to 1."""
    generator = np.random.default_rng(seed)
    signal = generator.uniform(-1, 1, size=patients)
    size = 60 + 20 * signal + generator.normal(0, 3, size=patients)
    hospital = ["Leeds" if at % 2 else "York" for at in range(patients)]
    ids = [f"p{seed}-{at}" for at in range(patients)]
    return pd.DataFrame({"patient": ids, "size": size.round(2), "site": hospital}), signal


def write_features(folder: Path, patients: int = 60, seed: int = 1) -> list[str]:
    """Write a table of features and one of sizes; return arguments."""
    table, signal = draw(patients, seed)
    folder.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).normal(size=(2, patients))
    features = {"patient": table["patient"], "original_shape_MeshVolume": np.exp(noise[0]) * 1e4}
    features |= {"original_glcm_Contrast": signal, "original_glcm_Id": noise[1]}
    pd.DataFrame(features).to_csv(folder / "films.csv", index=False)
    table.to_csv(folder / "sizes.csv", index=False)
    return ["films.csv", "sizes.csv"]


def test_another_cohorts_numbers_are_told_by_a_finished_project(tmp_path: Path) -> None:
    at_home, north = tmp_path / "at_home", tmp_path / "north"
    line = write_features(at_home)
    few = ["--baselines", "logistic_regression,null_model", "--networks", "none", "--folds", "2"]
    done = Project(at_home).run_line(*line, "--number", "size", "--unit", "mm", *few)
    assert done.returncode == 0, done.stdout + done.stderr
    project = at_home / "films-project"
    line = ["validate", str(project), *write_features(north, 60, 2)]
    line += ["--name", "north", "--workers", "1"]
    done = skiagram(north, *line, "--number", "size", "--site", "site")
    assert done.returncode == 0, done.stderr
    assert "of another cohort: no network was asked for" in done.stdout
    results = project / "reports/validations/north"
    page = (results / "report.html").read_text()
    for name in ("number, in mm", "At home, out of fold", "Leeds", "The worst of these"):
        assert name in page
    figures = pd.read_csv(results / "figures.csv")
    errors = figures[
        (figures["figure"] == "absolute_error") & (figures["model"] == "logistic_regression")
    ]
    error = errors.groupby("group")["value"].first()
    scores = pd.read_csv(results / "scores.csv")
    assert len(scores) == 60
    at_home_figures = json.loads((project / "reports/metrics.json").read_text())
    assert error["out_of_fold"] == pytest.approx(
        at_home_figures["logistic_regression"]["absolute_error"], abs=1e-4
    )
    assert error["cohort"] < 7  # a mean errs by 10
    for words, said in (
        ([], "--number: is not given"),
        (["--number", "size", "--unit", "cm"], "--unit: cm. Allowed: mm, as in the project"),
    ):
        refused = skiagram(north, *line, *words, "--force")
        assert refused.returncode == 2
        assert said in refused.stderr


def test_grades_of_a_table_go_to_a_report(tmp_path: Path) -> None:
    at_home = tmp_path / "at_home"
    write_features(at_home, 72)
    table = pd.read_csv(at_home / "sizes.csv")
    table["tissue"] = ["FGD"[place] for place in np.digitize(table["size"], [53, 67])]
    table.drop(columns="size").to_csv(at_home / "sizes.csv", index=False)
    tables = ["films.csv", "sizes.csv", "--grade", "tissue"]
    few = [
        "--baselines",
        "logistic_regression,random_forest,null_model,region_volume",
        "--folds",
        "2",
    ]
    refused = Project(at_home).run_line(*tables)
    assert refused.returncode == 4
    assert "--grades LOWEST ... HIGHEST" in refused.stderr
    done = Project(at_home).run_line(*tables, "--grades", "F", "G", "D", *few)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The best classical model " in done.stdout
    project = at_home / "films-project"
    page = (project / "reports/report.html").read_text()
    for words in ("grade from F to D", "predicted G", "above F", "Ranked probability score gained"):
        assert words in page
    figures = json.loads((project / "reports/metrics.json").read_text())
    assert figures["logistic_regression"]["quadratic_kappa"] > 0.6
    assert abs(figures["null_model"]["quadratic_kappa"]) < 0.1


def write_findings(folder: Path, patients: int = 80, seed: int = 1) -> list[str]:
    """Write a table of features and one of findings, of which some are not known."""
    table, signal = draw(patients, seed)
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    features = {"patient": table["patient"], "original_glcm_Contrast": signal}
    features |= {"original_glcm_Id": generator.normal(size=patients)}
    pd.DataFrame(features).to_csv(folder / "films.csv", index=False)
    noisy = signal[:, None] + generator.normal(0, 0.4, size=(patients, 3))
    present = (noisy > [0.0, 0.2, 0.5]).astype(int).astype(str)
    present[::9, 0], present[4::11, 2] = "", "-1"
    columns = dict(zip(("mass", "nodule", "effusion"), present.T, strict=True))
    pd.DataFrame({"patient": table["patient"], **columns}).to_csv(
        folder / "findings.csv", index=False
    )
    return ["films.csv", "findings.csv"]


def test_findings_of_a_table_go_to_a_report_and_to_another_cohort(tmp_path: Path) -> None:
    at_home, north = tmp_path / "at_home", tmp_path / "north"
    columns = ["--findings", "mass", "nodule", "effusion"]
    few = ["--baselines", "logistic_regression,random_forest,null_model", "--folds", "2"]
    done = Project(at_home).run_line(*write_findings(at_home), *columns, *few)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cells are empty or −1" in done.stdout
    project = at_home / "films-project"
    page = (project / "reports/report.html").read_text()
    for words in ("Macro AUC", "expected share with the finding", "in which it is known"):
        assert words in page
    figures = json.loads((project / "reports/metrics.json").read_text())
    assert figures["logistic_regression"]["macro_auc"] > 0.8
    assert figures["null_model"]["macro_auc"] == pytest.approx(0.5)
    scores = pd.read_csv(project / "reports/scores.csv").set_index("patient_id")
    assert {"mass", "nodule", "effusion"} <= set(scores.columns)
    assert scores["mass"].isna().sum() == 9
    # New cases have a probability of each finding; another hospital's are judged by them.
    line = ["predict", str(project / "models/logistic_regression"), "films.csv"]
    done = skiagram(at_home, *line, "--output", "new.csv")
    assert done.returncode == 0, done.stderr
    predicted = pd.read_csv(at_home / "new.csv")
    assert predicted["probability_mass"].between(0, 1).all()
    tables = [*write_findings(north, 80, 2), *columns]
    validate = ["validate", str(project), *tables, "--name", "north", "--workers", "1"]
    done = skiagram(north, *validate)
    assert done.returncode == 0, done.stdout + done.stderr
    of_cohort = pd.read_csv(project / "reports/validations/north/figures.csv")
    macro = of_cohort[(of_cohort["figure"] == "macro_auc") & (of_cohort["group"] == "cohort")]
    assert (macro["value"].dropna() >= 0.45).all()
    assert macro["value"].max() > 0.8
