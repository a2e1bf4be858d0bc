"""A table of features runs by its name: written by PyRadiomics or R, its labels beside it."""

import argparse
import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skiagram.cli import check
from skiagram.cli.check_report import features_text
from skiagram.cli.file_arguments import read_file_options
from skiagram.cli.init import add_feature_table
from skiagram.cli.main import main
from skiagram.datasets.telling_columns import names_an_outcome
from skiagram.errors import OptionError
from skiagram.intake.feature_tables import read_features
from skiagram.intake.file_options import FileOptions
from skiagram.steps.audit import audit_images
from tests.datasets.sources import ingested
from tests.pipeline.project import Project
from tests.terminal import Terminal


def parse(line: list[str]) -> FileOptions:
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    return read_file_options(parser.parse_args(line[1:]))


def test_the_end_of_a_windows_line_is_no_part_of_a_class() -> None:
    """As of a word that a shell cuts out of a table: it became a class that no row has."""
    assert parse(["films", "films.csv", "--positive", "1\r"]).positive == "1"


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
    rows += [
        [str(at), at, label, f"{(at * 7 % 41) ** 2},5"] for at, label in enumerate(sick.tolist(), 1)
    ]
    with (folder / "outcome.csv").open("w", newline="") as file:
        csv.writer(file, delimiter=";", quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
    return folder / "features.csv", folder / "outcome.csv"


def test_check_says_what_is_a_feature_and_how_tables_join(
    tmp_path: Path, terminal: Terminal
) -> None:
    tables = [str(path) for path in write_features(tmp_path)]
    line = ["check", *tables, "--label", "death", "--positive", "1"]
    assert "'001' here, '1' there" in terminal(line, 4)
    shown = terminal([*line, "--similar-patients", "same"])
    assert "Features (3): age, original_shape_Sphericity, wavelet-LLH_glcm_Id." in shown
    assert "diagnostics_Versions_Numpy" in shown.split("left out")[1]
    assert "one without a name" in shown.split("left out")[1]  # R's numbers of rows
    assert ["all", "40", "40"] in [text.split() for text in shown.splitlines()]
    assert "Features (1): dose" in terminal(
        ["check", tables[1], "--label", "death", "--positive", "1"]
    )
    assert "--positive: is not given" in terminal(["check", tables[1], "--label", "death"], 2)


def test_check_names_all_rows_and_covariates_that_cannot_be_used(
    tmp_path: Path, terminal: Terminal
) -> None:
    features, _ = write_features(tmp_path)
    table = pd.read_csv(features, dtype={"Patient ID": str}).assign(death=np.arange(40) % 2)
    table["surname"] = [f"Mustermann{chr(97 + at // 26)}{chr(97 + at % 26)}" for at in range(40)]
    table.loc[[3, 7], "Patient ID"] = ""
    table.to_csv(features, index=False)
    line = [str(features), "--label", "death", "--positive", "1", "--covariates", "surname"]
    shown = terminal(["check", *line], 4)
    assert "What would stop the run (3)" in shown
    assert "as a covariate it could tell who a patient is" in shown
    assert "the same once more: the CSV, line 9" in shown
    assert "Mustermann" not in shown
    shown = terminal(["check", *line, "--force-covariates", "surname"], 4)
    assert "What would stop the run (2)" in shown


def test_a_covariate_may_be_missing_as_programs_write_it(
    tmp_path: Path, terminal: Terminal
) -> None:
    features, outcome = write_features(tmp_path)
    clinical = tmp_path / "clinical.csv"
    stages = ["nan", "Inf", *(str(at % 7) for at in range(38))]
    pd.DataFrame({"patient": range(1, 41), "stage": stages}).to_csv(clinical, index=False)
    line = [str(features), str(outcome), "--join", str(clinical), "--similar-patients", "same"]
    line += ["--label", "death", "--positive", "1", "--covariates", "stage"]
    assert "2 cells of numbers are infinite or `nan`" in terminal(["check", *line])


def write_columns(folder: Path, **columns: object) -> list[str]:
    """Write 40 patients of two classes, sorted by class, with further columns; return a line."""
    generator = np.random.default_rng(0)
    features = {f"glcm_{name}": generator.normal(size=40) for name in ("Contrast", "Id", "Id.8")}
    table = {"case": [f"c{at}" for at in range(40)], "label": ["no"] * 25 + ["yes"] * 15}
    pd.DataFrame(table | features | columns).to_csv(folder / "mine.csv", index=False)
    return ["check", str(folder / "mine.csv"), "--label", "label", "--positive", "yes"]


ROWS = np.arange(40)
SICK = ROWS >= 25


@pytest.mark.parametrize(
    ("name", "values", "why"),
    [
        ("Unnamed: 0", ROWS, "counts the rows"),
        ("X", np.random.default_rng(1).permutation(ROWS) + 1, "counts the rows"),
        ("No.", ROWS * 3 + ROWS % 2, "in their order"),
        ("n", np.random.default_rng(1).permutation(75)[:40], "counts the rows"),
        ("X", np.random.default_rng(1).choice(500, 40, replace=False), "counts the rows"),
        ("case_no", np.random.default_rng(1).choice(500, 40, replace=False), "counts the rows"),
        ("scaled", (ROWS[::-1] - 19.5) / 11.54, "in their order"),
        ("member", ROWS // 2, "counts the rows"),
        ("code", SICK * 3.5, "repeats the label"),
        ("score", SICK * 3 + np.random.default_rng(1).uniform(size=40), "AUC .99"),
        ("size", np.where(SICK, np.random.default_rng(1).uniform(size=40), np.nan), "empty in one"),
        ("rec_code", np.random.default_rng(1).integers(0, 2, 40), "called like an outcome"),
        ("cv_fold", np.random.default_rng(2).integers(0, 5, 40), "a score or a fold"),
        ("months_to_recurrence", np.random.default_rng(1).uniform(size=40), "like an outcome"),
        ("Survival.time", np.random.default_rng(1).uniform(size=40), "called like an outcome"),
        ("Overall.Stage", np.random.default_rng(1).integers(1, 4, 40), "called like an outcome"),
        ("pT", np.random.default_rng(1).integers(1, 4, 40), "called like an outcome"),
        ("pCR", np.random.default_rng(1).integers(0, 2, 40), "called like an outcome"),
        ("Gleason", np.random.default_rng(1).integers(6, 9, 40), "called like an outcome"),
        ("local_control", np.random.default_rng(1).integers(0, 2, 40), "called like an outcome"),
        ("age", [999, *np.random.default_rng(1).integers(40, 80, 39)], "`--missing 999`"),
        ("dose", [-99, *np.random.default_rng(1).normal(size=39)], "`--missing -99`"),
        ("volume", [-1, -1, *np.random.default_rng(1).uniform(3, 9, 38)], "`--missing -1`"),
    ],
)
def test_what_numbers_rows_or_tells_the_label_is_named_and_refused_until_said(
    tmp_path: Path, terminal: Terminal, name: str, values: np.ndarray, why: str
) -> None:
    line = write_columns(tmp_path, **{name: values})
    error = terminal(line, 2)
    assert f"1 column may be no feature: `{name}`" in error
    assert why in error
    assert "--not-features" in error
    assert "--force-features" in error
    assert "Features (3): glcm_Contrast, glcm_Id, glcm_Id.8" in terminal(
        [*line, "--not-features", f"{name}*"]
    )
    assert f"{name}" in terminal([*line, "--force-features", name]).split("Features (4)")[1]


def test_a_column_of_one_class_of_three_is_refused(tmp_path: Path, terminal: Terminal) -> None:
    line = write_columns(tmp_path, kind=ROWS % 3, third=ROWS % 3 == 2, hot=(ROWS % 3 == 1) * 4.5)
    assert "`hot` tells one class from the others" in terminal(
        [*line[:2], "--label", "kind", "--not-features", "label"], 2
    )


def test_a_copy_of_an_outcome_is_refused_whatever_it_is_called(
    tmp_path: Path, terminal: Terminal
) -> None:
    days = np.random.default_rng(2).exponential(500, 40).round()
    line = write_columns(tmp_path, days=days, died=ROWS % 2, m=np.sqrt(days) - 7)
    assert "`m` is in the order of the outcome" in terminal(
        [*line[:2], "--time", "days", "--event", "died"], 2
    )


def test_a_number_is_a_feature_whatever_it_is_called(tmp_path: Path, terminal: Terminal) -> None:
    generator = np.random.default_rng(3)
    named = {name: generator.normal(size=40) for name in ("vol_edema", "vol_mass", "Id")}
    counted = generator.integers(1, 9000, 40)  # as of voxels
    given: dict[str, object] = {**named, "voxels": counted}
    given |= {"original_shape_Sphericity": generator.normal(size=40)}
    given |= {"hospital_nummer": generator.integers(10**6, 10**7, 40), "smoker": ["no", "1"] * 20}
    shown = terminal(write_columns(tmp_path, **given))
    features = shown.split("Features (8): ")[1].split("\n")[0].rstrip(".").split(", ")
    assert features[-1] == "original_shape_Sphericity"
    assert {"vol_edema", "vol_mass", "Id", "glcm_Id", "glcm_Id.8", "voxels"} <= {*features}
    assert "left out (3): case, hospital_nummer, smoker" in shown
    assert "`smoker`: numbers and texts in one column" in shown


@pytest.mark.parametrize(
    "name", ["PT_SUVmax", "CT_Mean", "T1", "tumour volume", "GLCM_Contrast", "age", "morph_pca_maj"]
)
def test_a_feature_of_a_modality_is_not_called_like_an_outcome(name: str) -> None:
    assert not names_an_outcome(name)


@pytest.mark.parametrize("cell", ["1,234.5", "1.234,5", "1 234", "45%", "12.5 %", "<0.1", "−0.5"])
def test_a_number_to_people_alone_is_refused_not_left_out(
    tmp_path: Path, terminal: Terminal, cell: str
) -> None:
    line = write_columns(
        tmp_path, original_shape_MeshVolume=ROWS % 7 + 0.5, dose=[cell, *["7"] * 39]
    )
    assert f"column `dose`: `{cell}` is a number to people alone" in terminal(line, 4)
    assert main([*line, "--not-features", "dose"]) == 0


def test_a_feature_of_pyradiomics_without_a_number_is_refused_not_left_out(
    tmp_path: Path, terminal: Terminal
) -> None:
    cells = [f"np.float64({row}.5)" for row in range(40)]
    line = write_columns(
        tmp_path, original_shape_MeshVolume=ROWS % 7 + 0.5, original_glcm_Idm=cells
    )
    assert "column `original_glcm_Idm`: `np.float64(0.5)`" in terminal(line, 4)


def test_dates_of_eight_digits_are_no_feature_and_na_is_asked_for(
    tmp_path: Path, terminal: Terminal
) -> None:
    days = np.random.default_rng(1).permutation(pd.date_range("2015-01-01", periods=40))
    shape = np.random.default_rng(2).uniform(size=40)
    dates = {"Acq": [f"{day:%Y%m%d}" for day in pd.to_datetime(days)]}
    line = write_columns(
        tmp_path, original_shape_Flatness=shape, dose=["NA", *ROWS[1:] % 7], **dates
    )
    assert "`--missing NA`" in terminal(line, 4)
    shown = terminal([*line, "--missing", "NA"])
    assert "1 cells of 1 of 5 features are empty: dose (1)" in shown
    assert "left out (2): case, Acq" in shown


def test_features_whose_points_may_separate_thousands_are_refused(
    tmp_path: Path, terminal: Terminal
) -> None:
    values = [f"{at % 7 + 1}.{at * 37 % 1000:03d}" if at % 2 else str(100 + at) for at in ROWS]
    line = write_columns(tmp_path, area=values)
    assert "column `area`: points that may separate thousands" in terminal(line, 4)


def test_a_packed_table_is_read_as_a_plain_one(tmp_path: Path, terminal: Terminal) -> None:
    line = write_columns(tmp_path)
    shown = terminal(line)
    table = tmp_path / "mine.csv"
    (tmp_path / "mine.csv.gz").write_bytes(gzip.compress(table.read_bytes()))
    table.unlink()
    assert terminal([line[0], f"{table}.gz", *line[2:]]) == shown
    described = read_features(parse([line[0], f"{table}.gz", *line[2:]]))
    assert (described.source.name, described.source.title) == ("mine", "mine")


@pytest.mark.parametrize("name", ["ID", "PatientName", "INFO_PatientID", "Pat.", "case no", "MRN"])
def test_ids_that_rows_share_keep_a_patients_rows_together(tmp_path: Path, name: str) -> None:
    ids = [f"{at // 2 * 37 % 40:03d}" for at in range(40)]
    table = pd.DataFrame({name: ids, "label": [at // 2 % 2 for at in range(40)]})
    values = np.random.default_rng(1).normal(size=(40, 2))
    table.assign(a=values[:, 0], b=values[:, 1]).to_csv(tmp_path / "t.csv", index=False)
    described = read_features(parse(["check", str(tmp_path / "t.csv"), "--positive", "1"]))
    assert (described.source.patient, described.source.features) == (name, ("a", "b"))
    assert f"Patients are those of `{name}`, 20 in 40 rows" in features_text(described)


def test_empty_and_infinite_cells_of_features_are_said(tmp_path: Path, terminal: Terminal) -> None:
    values = np.random.default_rng(4).normal(size=40)
    values[[3, 8, 30]] = np.nan
    unlimited = [*map(str, np.random.default_rng(5).normal(size=37)), "inf", "-Inf", "nan"]
    shown = terminal(write_columns(tmp_path, area=values, ratio=unlimited))
    assert "3 cells of numbers are infinite or `nan`" in shown
    assert "6 cells of 2 of 5 features are empty: area (3), ratio (3)" in shown


def test_a_table_of_many_columns_is_read_and_a_message_names_eight(
    tmp_path: Path, terminal: Terminal
) -> None:
    generator = np.random.default_rng(6)
    many = {f"feature_{at}": generator.normal(size=40).round(3) for at in range(2500)}
    line = write_columns(tmp_path, **many)
    error = terminal([*line[:3], "feature_2401x", *line[4:]], 2)
    assert len(error) < 400
    assert "did you mean `feature_2401`" in error
    assert "and 2,497 more" in error
    assert "did you mean `feature_77`" in terminal([*line, "--not-features", "feature_77x"], 2)


@pytest.mark.slow
def test_a_changed_table_runs_everything_again(tmp_path: Path) -> None:
    def typed(folder: Path, *words: str) -> str:
        done = Project(folder).run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    line = ["skiagram", "run", *write_columns(tmp_path)[1:], "--quick"]
    line += ["--baselines", "single_feature"]
    typed(tmp_path, *line)
    project = tmp_path / "mine-project"
    scores = project / "reports/scores.csv"
    found = [scores.read_text()]
    table = pd.read_csv(tmp_path / "mine.csv")
    changed = table.assign(label=np.random.default_rng(1).permutation(table["label"]))
    changed.to_csv(tmp_path / "mine.csv", index=False)
    assert "] ingest" in typed(tmp_path, *line)
    found.append(scores.read_text())
    # The copy in the project is what its stages read: `dvc repro` sees a change of it, too.
    copied = project / "tables/mine.csv"
    swapped = copied.read_text().replace("no,", "tmp,").replace("yes,", "no,")
    copied.write_text(swapped.replace("tmp,", "yes,"))
    assert "Running stage 'ingest'" in typed(project, "dvc", "repro")
    found.append(scores.read_text())
    assert len(set(found)) == 3
    assert "Running stage 'ingest'" not in typed(project, "dvc", "repro")


@pytest.mark.slow
def test_a_table_with_empty_cells_goes_to_a_report_and_predicts(tmp_path: Path) -> None:
    values = np.random.default_rng(4).normal(SICK, 1)
    values[::5] = np.nan
    gaps = [*map(str, np.random.default_rng(5).normal(size=35)), *["inf"] * 2, *[""] * 3]
    line = write_columns(tmp_path, area=values, ratio=gaps)[1:]
    line += ["--baselines", "logistic_regression,random_forest", "--folds", "2"]
    done = Project(tmp_path).run_line(*line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" not in done.stdout
    page = (tmp_path / "mine-project/reports/report.html").read_text()
    assert "Features with empty cells" in page
    model = tmp_path / "mine-project/models/logistic_regression"
    (tmp_path / "new.csv").write_text((tmp_path / "mine.csv").read_text())
    asked = ["predict", str(model), "new.csv", "-o", "scores.csv"]
    done = Project(tmp_path).skiagram(*asked)
    assert done.returncode == 0, done.stderr
    assert len(pd.read_csv(tmp_path / "scores.csv")) == 40


@pytest.mark.slow
def test_another_hospitals_table_is_scored_by_a_finished_project(tmp_path: Path) -> None:
    skiagram = Project(tmp_path).skiagram
    at_home, leeds = tmp_path / "at_home", tmp_path / "leeds"
    for folder, patients in ((at_home, 60), (leeds, 70)):
        folder.mkdir()
        write_features(folder, patients)
    of_labels = ["--label", "death", "--similar-patients", "same"]
    given = [str(at_home / "features.csv"), str(at_home / "outcome.csv"), *of_labels]
    given += ["--positive", "1", "--project", "project", "--folds", "2"]
    done = Project(tmp_path).run_line(*given, "--baselines", "logistic_regression,single_feature")
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
    assert "1 of 3 features of the project are not there: original_shape_Sph" in refused.stderr
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
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = write_times(tmp_path)
    monkeypatch.chdir(tmp_path)
    shown = terminal(["check", *line])
    assert "rows have the event" in shown
    assert "Features (3): original_shape_MeshVolume" in shown
    assert any(text.split()[0] == "event" for text in shown.splitlines() if text)
    assert "days" in shown.split("left out")[1]
    assert "either classes" in terminal(["check", *line, "--positive", "1"], 2)


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


@pytest.mark.slow
def test_a_table_of_times_goes_to_a_report(tmp_path: Path) -> None:
    asked = [*write_causes(tmp_path, 90), *CAUSES, "--folds", "2"]
    asked += ["--baselines", "logistic_regression,covariates,region_volume"]
    done = Project(tmp_path).run_line(*asked)
    assert done.returncode == 0, done.stderr
    assert "C (Harrell)" in done.stdout
    assert "no network was asked for" in done.stdout
    project = tmp_path / "radiomics-project"
    assert "original_shape_MeshVolume" in (project / "conf/model/region_volume.yaml").read_text()
    page = (project / "reports/report.html").read_text()
    for words in (
        "at risk at",
        "Aalen–Johansen",
        "the region’s volume",
        "Other events (died)",
        "Curves of the outcome",
    ):
        assert words.replace("’", "&#39;") in page
    weights = (project / "models/covariates").rglob("*.json")
    assert any("sex_f" in path.read_text() for path in weights)  # a text is read, too
    figures = json.loads((project / "reports/metrics.json").read_text())
    assert figures["logistic_regression"]["concordance"] > 0.6
    (tmp_path / "north").mkdir()
    cohort = write_causes(tmp_path / "north", seed=2)  # `--cause` is that of the project
    line = ["validate", str(project), *cohort]
    line += ["--site", "hospital", "--patient-ids", "apart", "--name", "north", "--workers", "1"]
    done = Project(tmp_path / "north").skiagram(*line)
    assert done.returncode == 0, done.stderr
    assert "of another cohort: no network was asked for" in done.stdout
    results = project / "reports/validations/north"
    page = (results / "report.html").read_text()
    for name in ("At home, out of fold", "Leeds", "York", "The worst of these"):
        assert name in page
    table = pd.read_csv(results / "figures.csv")
    concordance = table[
        (table["figure"] == "concordance") & (table["model"] == "logistic_regression")
    ]
    of_side = concordance.groupby("group")["value"].first()
    assert of_side["cohort"] > 0.6
    assert of_side["out_of_fold"] == pytest.approx(
        figures["logistic_regression"]["concordance"], abs=1e-4
    )
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
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = write_lesions(tmp_path)
    monkeypatch.chdir(tmp_path)
    shown = terminal(["check", *line])
    assert "rows of 60 patients: each patient is one case" in shown
    assert "Features (13): regions, sum_original_shape_MeshVolume" in shown
    assert "Features (3): original_shape_MeshVolume" in terminal(
        ["check", *line, "--per-patient", "rows"]
    )
    tables = line[: line.index("--time")]
    assert "rows of 60 patients: each patient is one case" in terminal(
        ["check", *tables, "--number", "days"]
    )
    shown = terminal(["check", *tables, "--label", "died", "--positive", "1"])
    assert "Features (3): original_shape_MeshVolume" in shown
    assert "`--per-patient combined`" in shown


@pytest.mark.slow
def test_models_of_combined_lesions_compete_and_score_another_hospital(tmp_path: Path) -> None:
    at_home, leeds = tmp_path / "home", tmp_path / "leeds"
    at_home.mkdir()
    leeds.mkdir()
    done = Project(at_home).run_line(*write_lesions(at_home), "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    shown = " ".join(done.stdout.split())  # a terminal of 80 columns wraps the titles
    for title in ("Cox regression on the largest region", "Cox regression on means over"):
        assert title in shown
    assert "the volume of all regions" in shown
    line = write_lesions(leeds, 50, seed=2)
    line += ["--patient-ids", "apart", "--name", "leeds", "--workers", "1"]
    done = Project(leeds).skiagram("validate", str(at_home / "radiomics-project"), *line)
    assert done.returncode == 0, done.stdout + done.stderr
    results = at_home / "radiomics-project/reports/validations/leeds"
    assert len(pd.read_csv(results / "scores.csv")) == 50


def test_equal_rows_of_two_patients_stop_until_the_line_settles_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, terminal: Terminal
) -> None:
    features, _ = write_features(tmp_path)
    table = pd.read_csv(features).assign(death=np.arange(40) % 2)
    doubled = table[table["Patient ID"] == 26].assign(**{"Patient ID": 27})
    pd.concat([table[table["Patient ID"] != 27], doubled]).to_csv(features, index=False)
    words = ["check", str(features), "--label", "death", "--positive", "1"]
    shown = terminal(words, 4)
    assert "near_duplicates_across_patients" in shown
    assert "`--copies join`" in shown
    (tmp_path / "project/conf/dataset").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    for copies, rows in (("join", 40), ("drop", 39)):
        assert f"`copies: {copies}`" in terminal([*words, "--copies", copies])
        source = add_feature_table(parse([*words, "--copies", copies]))[0].source
        folder = tmp_path / copies
        _, cases = ingested(source, folder, "cv")
        assert (len(cases), len(set(cases.patient_id))) == (rows, 39)
        assert not audit_images(folder, (), tmp_path / f"audit-{copies}").stopping
    # or a person waives the finding in the config, and gives the same line again
    option_file = Path("conf/dataset/features.yaml")
    waived = "waived_findings: {near_duplicates_across_patients: twins}"
    text = option_file.read_text().replace("copies: drop", "copies: refuse")
    option_file.write_text(text.replace("waived_findings: {}", waived))
    described, data = add_feature_table(parse(words))
    assert described.source.waived_findings == {"near_duplicates_across_patients": "twins"}
    assert not data.report.stopping
    option_file.write_text(text.replace("file: ", "file: elsewhere/"))
    with pytest.raises(OptionError, match=r"is of another data set.*--name own_features"):
        add_feature_table(parse(words))


def test_rows_of_classes_that_are_not_named_are_left_out(
    tmp_path: Path, terminal: Terminal
) -> None:
    features, _ = write_features(tmp_path)
    kinds = np.array(["benign", "malignant", "normal"])[np.arange(40) % 3]
    pd.read_csv(features).assign(kind=kinds).to_csv(features, index=False)
    words = ["check", str(features), "--label", "kind", "--classes", "benign", "malignant"]
    shown = terminal([*words, "--positive", "malignant"])
    assert "Left out, of classes that --classes does not name: 13 of `normal`" in shown
    assert ["all", "27", "27"] in [line.split() for line in shown.splitlines()]


def write_table(path: Path, **columns: Any) -> str:
    """Write forty patients with two features and further columns."""
    generator = np.random.default_rng(0)
    table = pd.DataFrame({"PatientID": [f"P{at}" for at in range(40)]})
    table["original_shape_MeshVolume"] = generator.normal(size=40) ** 2 * 100
    table["original_glcm_Contrast"] = generator.normal(size=40)
    table.assign(**columns).to_csv(path, index=False)
    return str(path)


HALVES = [at % 2 for at in range(40)]


@pytest.mark.parametrize("cells", [(False, True), (0.0, 1.0), ("0", "1"), ("FALSE", "TRUE")])
def test_equal_values_are_the_class_that_is_looked_for(
    cells: tuple[object, object], tmp_path: Path
) -> None:
    table = write_table(tmp_path / "t.csv", label=[cells[half] for half in HALVES])
    assert main(["check", table, "--positive", "1"]) == 0
    assert main(["check", table, "--positive", "1", "--classes", "0", "1"]) == 0


@pytest.mark.parametrize("word", ["", "NA", "nan", "N/A", "[Not Available]"])
def test_a_missing_label_is_no_class_for_check_and_run(
    word: str, tmp_path: Path, terminal: Terminal
) -> None:
    labels = [word if at < 3 else str(half) for at, half in enumerate(HALVES)]
    line = [write_table(tmp_path / "t.csv", label=labels), "--positive", "1"]
    refused = terminal(["check", *line], 4).splitlines()[-1]
    assert "3 of 40 rows have no label" in refused
    if word == "NA":
        project = ["--project", str(tmp_path / "project")]
        assert terminal(["run", *line, *project], 4).splitlines()[-1] == refused
    assert main(["check", *line, "--empty-label", "leave-out"]) == 0


def test_a_number_that_marks_missing_labels_is_asked_for_and_counted(
    tmp_path: Path, terminal: Terminal
) -> None:
    labels = [-9999.0 if at < 3 else half for at, half in enumerate(HALVES)]
    line = ["check", write_table(tmp_path / "t.csv", label=labels), "--positive", "1"]
    assert "3 of 40 rows have -9999" in terminal(line, 4)
    shown = terminal([*line, "--missing", "-9999", "77", "--empty-label", "leave-out"])
    assert "`-9999` 3." in shown
    assert "no cell is `77`" in shown


@pytest.mark.parametrize(
    ("mark", "cells"),
    [
        ("|", ["No Finding", "Effusion", "Effusion|Mass", "Mass"]),
        ("/", ["none", "Effusion", "Effusion / Mass", "Mass"]),
        (",", ["[]", "['Effusion']", "['Effusion', 'Mass']", "['Mass']"]),
    ],
)
def test_findings_that_are_joined_in_a_cell_are_named(
    mark: str, cells: list[str], tmp_path: Path, terminal: Terminal
) -> None:
    line = ["check", write_table(tmp_path / "t.csv", label=cells * 10), "--positive", "Mass"]
    assert f"findings are joined by `{mark}` in 10 of 40 rows" in terminal(line, 4)


def test_a_table_of_structures_asks_which_one_is_meant(tmp_path: Path, terminal: Terminal) -> None:
    of_lesion = pd.read_csv(write_table(tmp_path / "t.csv", label=HALVES))
    of_brain = of_lesion.assign(original_shape_MeshVolume=1e6, Structure="Brain")
    pd.concat([of_brain, of_lesion.assign(Structure="GTV-1")]).to_csv(tmp_path / "t.csv")
    line = ["check", str(tmp_path / "t.csv"), "--positive", "1"]
    assert "`Structure` tells a patient's rows apart: Brain (40), GTV-1" in terminal(line, 4)
    for named in ("Structure", "Structure=GTV"):
        refused = terminal([*line, "--region", named], 2)
    assert "no structure is called GTV" in refused
    described = read_features(parse([*line, "--region", "Structure=GTV-1"]))
    assert len(described.frame) == 40
    volumes = {*described.frame["original_shape_MeshVolume"]}
    assert max(volumes) < 1e5
    assert main([*line, "--region", "Structure=all"]) == 0


@pytest.mark.parametrize(
    ("train", "test"), [("train", "test"), ("imagesTr", "imagesTs"), ("Train_Set", "TestSet")]
)
def test_folders_of_file_names_are_the_parts_of_the_data(
    train: str, test: str, tmp_path: Path, terminal: Terminal
) -> None:
    names = [f"/data/test/{train if at < 26 else test}/{at}.nii" for at in range(40)]
    table = write_table(tmp_path / "t.csv", label=HALVES, Image=names)
    described = read_features(parse(["check", table, "--positive", "1"]))
    assert (described.design, described.source.split) == ("holdout", "split")
    sets = [("Training", "Test")[at > 25] for at in range(40)]
    table = write_table(tmp_path / "t.csv", label=HALVES, Set=sets)
    described = read_features(parse(["check", table, "--positive", "1"]))
    assert (described.design, described.source.split) == ("holdout", "Set")
    names[3] = "other/3.nii"
    table = write_table(tmp_path / "t.csv", label=HALVES, Image=names)
    assert "add a column `split`" in terminal(["check", table, "--positive", "1"], 4)


def test_a_label_that_two_tables_have_is_joined_where_it_is_equal(
    tmp_path: Path, terminal: Terminal
) -> None:
    table = write_table(tmp_path / "t.csv", label=HALVES)
    other = pd.read_csv(table)[["PatientID", "label"]]
    other.assign(label=other["label"].astype(float)).to_csv(tmp_path / "o.csv", index=False)
    line = ["check", table, str(tmp_path / "o.csv"), "--positive", "1"]
    assert main(line) == 0
    other.loc[7, "label"] = 0
    other.to_csv(tmp_path / "o.csv", index=False)
    assert "`0` in line 9, `1` in line 9 there" in terminal(line, 4)


@pytest.mark.parametrize(
    ("header", "cells", "said"),
    [
        ("sample_name,area,mean", "p{at},{at}.5,{at}.2", "`--patient sample_name`"),  # MIRP
        ("Image,area,mean", "/d/p{at}/i.nii,{at}.5,{at}.2", "where there is none, add it"),
    ],
)
def test_a_table_of_another_program_is_told_how_its_patients_are_named(
    header: str, cells: str, said: str, tmp_path: Path, terminal: Terminal
) -> None:
    rows = [cells.format(at=at) for at in range(12)]
    (tmp_path / "features.csv").write_text("\n".join([header, *rows]))
    labels = [f"p{at},{at % 2}" for at in range(12)]
    (tmp_path / "labels.csv").write_text("\n".join(["PatientID,death", *labels]))
    line = ["check", str(tmp_path / "features.csv"), str(tmp_path / "labels.csv")]
    line += ["--label", "death", "--positive", "1"]
    refused = terminal(line, 4)
    assert "no column `patient_id`" in refused
    assert said in refused
    if "sample_name" in said:
        line += ["--patient", "sample_name", "--force-features", "area", "mean"]
        assert "Features (2)" in terminal(line)


def test_a_row_of_units_is_no_patient(tmp_path: Path, terminal: Terminal) -> None:
    """LIFEx writes one; it was to be given an id, such as `unknown-1`."""
    rows = [f"p{at},{at}.5,{at}.2,{at % 2}" for at in range(12)]
    table = tmp_path / "features.csv"
    table.write_text("\n".join(["PatientID,mean,volume,death", ",SUV,mL,", *rows]))
    refused = terminal(["check", str(table), "--label", "death", "--positive", "1"], 4)
    assert "line 2: `SUV`, `mL` in columns of numbers, which look like units" in refused
    table.write_text(table.read_text().replace("death", "other"))
    (tmp_path / "labels.csv").write_text("PatientID,death\n")
    refused = terminal(["check", str(table), str(tmp_path / "labels.csv"), "--label", "death"], 4)
    assert "which look like units" in refused
