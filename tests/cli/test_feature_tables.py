"""A table of features runs by its name: written by PyRadiomics or R, its labels beside it."""

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skiagram.cli.main import main
from tests.pipeline.project import Project


def write_features(folder: Path, patients: int = 40) -> tuple[Path, Path]:
    """Write features as PyRadiomics does, and labels as R's `write.csv2` does."""
    generator = np.random.default_rng(0)
    sick = np.arange(patients) % 2
    ids = [f"{at:03d}" for at in range(1, patients + 1)]
    pd.DataFrame(
        {
            "Image": [f"{each}.nii" for each in ids],
            "Patient ID": ids,
            "diagnostics_Versions_Numpy": 1.0,
            "age": generator.integers(40, 80, patients),
            "original_shape_Sphericity": generator.normal(sick, 0.8),
            "wavelet-LLH_glcm_Id": generator.normal(size=patients) * 1e6,
        }
    ).to_csv(folder / "features.csv", index=False)
    rows: list[list[object]] = [["", "patient", "death", "dose"]]
    rows += [[str(at), at, label, f"{at},5"] for at, label in enumerate(sick.tolist(), 1)]
    with (folder / "outcome.csv").open("w", newline="") as file:
        csv.writer(file, delimiter=";", quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
    return folder / "features.csv", folder / "outcome.csv"


def test_check_says_what_is_a_feature_and_how_tables_join(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = [str(path) for path in write_features(tmp_path)]
    line = ["check", *tables, "--label", "death", "--positive", "1"]
    assert main(line) == 4
    assert "'001' here, '1' there" in capsys.readouterr().err
    assert main([*line, "--similar-patients", "same"]) == 0
    shown = capsys.readouterr().out
    assert "Features (2): original_shape_Sphericity, wavelet-LLH_glcm_Id." in shown
    assert "diagnostics_Versions_Numpy" in shown.split("left out")[1]
    assert ["all", "40", "40"] in [text.split() for text in shown.splitlines()]
    assert main(["check", tables[1], "--label", "death", "--positive", "1"]) == 0
    assert "Features (1): dose" in capsys.readouterr().out
    assert main(["check", tables[1], "--label", "death"]) == 2
    assert "--positive: is not given" in capsys.readouterr().err


@pytest.mark.thorough
def test_a_table_of_features_goes_to_a_report(tmp_path: Path) -> None:
    tables = [path.name for path in write_features(tmp_path, 60)]
    line = ["run", *tables, "--label", "death", "--quick"]
    line += ["--positive", "1", "--similar-patients", "same"]
    done = Project(tmp_path).skiagram(*line)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "features-project/reports/report.html").read_text()
    assert "60 images" in page or "60 cases" in page
    left_out = (tmp_path / "features-project/tables/features.csv").read_text()
    assert "age" not in left_out.splitlines()[0]


@pytest.mark.thorough
def test_another_hospitals_table_is_scored_by_a_finished_project(tmp_path: Path) -> None:
    skiagram = Project(tmp_path).skiagram
    at_home, leeds = tmp_path / "at_home", tmp_path / "leeds"
    for folder, patients in ((at_home, 60), (leeds, 70)):
        folder.mkdir()
        write_features(folder, patients)
    of_labels = ["--label", "death", "--similar-patients", "same"]
    given = [str(at_home / "features.csv"), str(at_home / "outcome.csv"), *of_labels]
    given += ["--positive", "1", "--project", "project", "--folds", "2"]
    done = skiagram("run", *given, "--baselines", "logistic_regression,single_feature")
    assert done.returncode == 0, done.stdout + done.stderr
    tables = [str(leeds / "features.csv"), str(leeds / "outcome.csv"), *of_labels]
    line = ["validate", "project", *tables, "--name", "leeds", "--workers", "1"]
    refused = skiagram(*line)
    assert refused.returncode == 4
    assert "60 of 70 cases are of 60 patients" in refused.stderr
    done = skiagram(*line, "--patient-ids", "apart")
    assert done.returncode == 0, done.stderr
    results = tmp_path / "project/reports/validations/leeds"
    scores = pd.read_csv(results / "scores.csv")
    told = pd.read_csv(tmp_path / "project/tables/validation_leeds.cases.csv", dtype=str)
    features = pd.read_csv(leeds / "features.csv", dtype={"Patient ID": str})
    patient = told.set_index("case_id")["patient"].loc[scores["case_id"]]
    sphericity = features.set_index("Patient ID")["original_shape_Sphericity"].loc[patient]
    truth = (patient.astype(int).to_numpy() - 1) % 2
    assert (scores["label"].to_numpy() == truth).all()
    ranks = sphericity.rank().reset_index(drop=True)
    assert scores["single_feature"].rank().corr(ranks) > 0.999
    figures = pd.read_csv(results / "figures.csv")
    assert {"out_of_fold", "cohort"} <= set(figures["group"])
    features.drop(columns="original_shape_Sphericity").to_csv(leeds / "features.csv", index=False)
    refused = skiagram(*line, "--patient-ids", "apart", "--force")
    assert refused.returncode == 4
    assert "1 of 2 features of the project are not there: original_shape_Sph" in refused.stderr
    refused = skiagram("validate", "project", str(leeds), "--name", "images")
    assert refused.returncode == 4
    assert "a table of features, as the project has" in refused.stderr
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(tmp_path / "film.png")
    model = "project/models/logistic_regression"
    refused = skiagram("predict", model, "film.png", "-o", "new.csv")
    assert refused.returncode == 2
    assert "one table of features (CSV)" in refused.stderr


def write_times(folder: Path, patients: int = 60, seed: int = 1) -> list[str]:
    """Write features, times and clinical columns; the volume tells the hazard a little."""
    generator = np.random.default_rng(seed)
    ids = [f"{at:03d}" for at in range(1, patients + 1)]
    volume, texture = generator.normal(size=(2, patients))
    event, end = (
        generator.exponential(500 * np.exp(-texture)),
        generator.uniform(200, 1500, patients),
    )
    features = {"patient": ids, "original_shape_MeshVolume": np.exp(volume) * 1e4}
    features |= {
        "original_glcm_Contrast": texture,
        "original_glcm_Id": generator.normal(size=patients),
    }
    pd.DataFrame(features).to_csv(folder / "radiomics.csv", index=False)
    seen = {"patient": range(1, patients + 1), "days": np.minimum(event, end).round()}
    pd.DataFrame(seen | {"died": (event <= end) * 1}).to_csv(folder / "outcome.csv", index=False)
    hospital = ["Leeds" if at % 2 else "York" for at in range(patients)]
    age = generator.integers(40, 80, patients)
    clinical = {"patient": ids, "age": age, "hospital": hospital}
    pd.DataFrame(clinical).to_csv(folder / "clinical.csv", index=False)
    line = ["radiomics.csv", "outcome.csv", "--join", "clinical.csv", "--similar-patients", "same"]
    return [*line, "--time", "days", "--event", "died", "--covariates", "age"]


def test_times_of_three_tables_are_joined_and_are_no_features(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = write_times(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["check", *line]) == 0
    shown = capsys.readouterr().out
    assert "rows have the event" in shown
    assert "Features (3): original_shape_MeshVolume" in shown
    assert any(text.split()[0] == "event" for text in shown.splitlines() if text)
    assert "days" in shown.split("left out")[1]
    assert main(["check", *line, "--positive", "1"]) == 2
    assert "either classes" in capsys.readouterr().err


def write_causes(folder: Path, patients: int = 60, seed: int = 1) -> list[str]:
    """Write the same where death may come before the relapse, and sex; return arguments."""
    line = write_times(folder, patients, seed)
    generator = np.random.default_rng(seed)
    seen = pd.read_csv(folder / "outcome.csv", dtype={"patient": str})
    death = generator.exponential(900, patients).round()
    first = death < seen["days"]
    state = np.where(first, "died", np.where(seen["died"] == 1, "relapse", "well"))
    seen = seen.assign(days=np.where(first, death, seen["days"]), died=state)
    seen.to_csv(folder / "outcome.csv", index=False)
    clinical = pd.read_csv(folder / "clinical.csv", dtype={"patient": str})
    clinical = clinical.assign(sex=np.where(generator.uniform(size=patients) < 0.5, "f", "m"))
    clinical.to_csv(folder / "clinical.csv", index=False)
    return [*line, "sex"]


CAUSES = ["--cause", "relapse", "--no-event", "well"]


@pytest.mark.thorough
def test_a_table_of_times_goes_to_a_report(tmp_path: Path) -> None:
    asked = [*write_causes(tmp_path, 90), *CAUSES, "--folds", "3"]
    done = Project(tmp_path).skiagram("run", *asked)
    assert done.returncode == 0, done.stderr
    assert "C (Harrell)" in done.stdout
    assert "Use classical features in place of simple rules: " in done.stdout
    project = tmp_path / "radiomics-project"
    assert "original_shape_MeshVolume" in (project / "conf/model/cox_volume.yaml").read_text()
    page = (project / "reports/report.html").read_text()
    for words in (
        "at risk at",
        "Aalen–Johansen",
        "the region’s volume",
        "Other events (died)",
        "what each fold chose",
    ):
        assert words.replace("’", "&#39;") in page
    weights = (project / "models/cox_covariates").rglob("*.json")
    assert any("sex_f" in path.read_text() for path in weights)  # a text is read, too
    figures = json.loads((project / "reports/metrics.json").read_text())
    assert figures["cox"]["concordance"] > 0.6
    (tmp_path / "north").mkdir()
    cohort = write_causes(tmp_path / "north", seed=2)  # `--cause` is that of the project
    line = ["validate", str(project), *cohort]
    line += ["--site", "hospital", "--patient-ids", "apart", "--name", "north", "--workers", "1"]
    done = Project(tmp_path / "north").skiagram(*line)
    assert done.returncode == 0, done.stderr
    assert "On 60 cases of another cohort: use classical features" in done.stdout
    results = project / "reports/validations/north"
    page = (results / "report.html").read_text()
    for name in ("The same models on the development cases", "Leeds", "York", "The worst of these"):
        assert name in page
    table = pd.read_csv(results / "figures.csv")
    concordance = table[(table["figure"] == "concordance") & (table["model"] == "cox")]
    by_analysis = concordance.groupby("analysis")["value"].first()
    assert by_analysis["figures"] > 0.6
    assert by_analysis["development"] == pytest.approx(figures["cox"]["concordance"], abs=1e-4)
    refused = Project(tmp_path / "north").skiagram(*line[: line.index("--time")], "--name", "south")
    assert refused.returncode == 2
    assert "--time: is not given" in refused.stderr


def write_lesions(folder: Path, patients: int = 60, seed: int = 1) -> list[str]:
    """Write one to four lesions a patient, and times; return arguments."""
    line = write_times(folder, patients, seed)
    table = pd.read_csv(folder / "radiomics.csv", dtype={"patient": str})
    generator = np.random.default_rng(seed)
    lesions = table.loc[np.repeat(table.index, generator.integers(1, 5, patients))]
    volume = lesions["original_shape_MeshVolume"] * generator.lognormal(0, 1, len(lesions))
    lesions.assign(original_shape_MeshVolume=volume).to_csv(folder / "radiomics.csv", index=False)
    return line


def test_lesions_of_a_patient_with_one_time_are_one_case(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    line = write_lesions(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["check", *line]) == 0
    shown = capsys.readouterr().out
    assert "rows of 60 patients: each patient is one case" in shown
    assert "Features (13): regions, sum_original_shape_MeshVolume" in shown
    assert main(["check", *line, "--per-patient", "rows"]) == 0
    assert "Features (3): original_shape_MeshVolume" in capsys.readouterr().out
    tables = line[: line.index("--time")]
    assert main(["check", *tables, "--number", "days"]) == 0
    assert "rows of 60 patients: each patient is one case" in capsys.readouterr().out
    assert main(["check", *tables, "--label", "died", "--positive", "1"]) == 0
    shown = capsys.readouterr().out
    assert "Features (3): original_shape_MeshVolume" in shown
    assert "`--per-patient combined`" in shown


@pytest.mark.thorough
def test_models_of_combined_lesions_compete_and_score_another_hospital(tmp_path: Path) -> None:
    def skiagram(*words: str, cwd: Path) -> str:
        done = Project(cwd).skiagram(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    at_home, leeds = tmp_path / "home", tmp_path / "leeds"
    at_home.mkdir()
    leeds.mkdir()
    shown = skiagram("run", *write_lesions(at_home), "--quick", cwd=at_home)
    for title in ("Cox regression on the largest region", "Cox regression on means over"):
        assert title in shown
    assert "the volume of all regions" in shown
    line = write_lesions(leeds, 50, seed=2)
    line += ["--patient-ids", "apart", "--name", "leeds", "--workers", "1"]
    skiagram("validate", str(at_home / "radiomics-project"), *line, cwd=leeds)
    results = at_home / "radiomics-project/reports/validations/leeds"
    assert len(pd.read_csv(results / "scores.csv")) == 50
