"""A table of features runs by its name: written by PyRadiomics or R, its labels beside it."""

import gzip
import shlex
from argparse import ArgumentParser
from itertools import cycle, islice
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from skiagram.cli.file_arguments import add_file_arguments, read_file_options
from skiagram.cli.init import check_data_set, write_data_set
from skiagram.intake.feature_tables import read_features
from skiagram.steps.audit import audit_images
from tests.datasets.sources import ingested
from tests.pipeline.project import Project
from tests.yaml_rows import read_rows

ROWS = np.arange(40)
SICK = ROWS >= 25


def drawn(seed=1):
    return np.random.default_rng(seed)


DAYS = drawn(2).exponential(500, 40).round()
KINDS = {  # cells of forty rows, by what they are
    "ids": [f"c{at}" for at in ROWS],
    "shared_ids": [f"{at // 2 * 37 % 40:03d}" for at in ROWS],
    "by_ids": ROWS // 2 % 2,  # a label of each of these
    "numbered": ROWS,
    "shuffled": drawn().permutation(ROWS) + 1,
    "subset": drawn().permutation(75)[:40],
    "distinct": drawn().choice(500, 40, replace=False),
    "in_steps": ROWS * 3 + ROWS % 2,
    "standardised": (ROWS[::-1] - 19.5) / 11.54,
    "by_twos": ROWS // 2,
    "of_label": SICK * 3.5,
    "near_label": SICK * 3 + drawn().uniform(size=40),
    "of_one_class": np.where(SICK, drawn().uniform(size=40), np.nan),
    "of_third": (ROWS % 3 == 1) * 4.5,
    "days": DAYS,
    "of_days": np.sqrt(DAYS) - 7,
    "bits": drawn().integers(0, 2, 40),
    "digits": drawn(2).integers(0, 9, 40),
    "ages": drawn().integers(40, 80, 40),
    "counts": drawn(3).integers(1, 9000, 40),
    "long": drawn(3).integers(10**6, 10**7, 40),
    "uniform": drawn().uniform(3, 9, 40),
    "normal": drawn(4).normal(size=40),
    "another": drawn(5).normal(size=40),
    "gaps": [None if at in (3, 8, 30) else at / 7 % 1.9 for at in ROWS],
    "dates": [f"{day:%Y%m%d}" for day in pd.date_range("2015-01-01", periods=40)[::-1]],
    "points": [f"{at % 7 + 1}.{at * 37 % 1000:03d}" if at % 2 else 100 + at for at in ROWS],
    "numpy": [f"np.float64({at}.5)" for at in ROWS],
    "surnames": [f"Mustermann{chr(97 + at // 26)}{chr(97 + at % 26)}" for at in ROWS],
    "trained_then_tested": ["train"] * 26 + ["test"] * 14,
    "capital_sets": ["Training"] * 26 + ["Test"] * 14,
    "files": [f"/data/test/{'train' if at < 26 else 'test'}/{at}.nii" for at in ROWS],
    "nnunet_files": [f"images{'Tr' if at < 26 else 'Ts'}/{at}.nii" for at in ROWS],
    "set_files": [f"{'Train_Set' if at < 26 else 'TestSet'}/{at}.nii" for at in ROWS],
}
WHOLE = {
    "PatientID": "ids",
    "label": "no;" * 24 + "no" + ";yes" * 15,
    "glcm_Contrast": "normal",
    "glcm_Id": "another",
    "glcm_Id.8": "uniform",
}


def cells_of(kind):
    """Return forty cells: of a kind, or those between semicolons over and over.

    Cells before a `+` stand in place of the first ones.
    """
    first, _, rest = kind.rpartition("+")
    given = first.split(";") if first else []
    others = KINDS[rest] if rest in KINDS else [*islice(cycle(rest.split(";")), 40)]
    return [*given, *others[len(given) :]]


def write_columns(folder, columns="", name="mine.csv"):
    """Write forty patients of two classes, sorted by class, and three features.

    Args:
        columns: `NAME=CELLS` of further columns or in place of these, see `cells_of`; `NAME=` is
            no column.
    """
    named = dict(word.split("=", 1) for word in shlex.split(columns))
    table = {head: cells_of(kind) for head, kind in (WHOLE | named).items() if kind}
    pd.DataFrame(table).to_csv(folder / name, index=False)
    return folder / name


def write_features(folder, patients=40):
    """Write features as PyRadiomics does, and labels as R's `write.csv2` does."""
    generator = drawn(0)
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
    rows = [f'"{at}";{at};{sick[at - 1]};"{(at * 7 % 41) ** 2},5"' for at in map(int, ids)]
    (folder / "outcome.csv").write_text("\n".join(['"";"patient";"death";"dose"', *rows]))


def write_times(folder, patients=60, seed=1):
    """Write features, times and clinical columns; return the tables and options of a line."""
    generator = drawn(seed)
    ids = [f"{at:03d}" for at in range(1, patients + 1)]
    volume, texture, other = generator.normal(size=(3, patients))
    features = {"patient": ids, "original_shape_MeshVolume": np.exp(volume) * 1e4}
    features |= {"original_glcm_Contrast": texture, "original_glcm_Id": other}
    pd.DataFrame(features).to_csv(folder / "radiomics.csv", index=False)
    event = generator.exponential(500 * np.exp(-texture)).round()
    end = generator.uniform(200, 1500, patients).round()
    seen = {"patient": range(1, patients + 1), "days": np.minimum(event, end)}
    seen |= {"died": (event <= end) * 1}
    pd.DataFrame(seen).to_csv(folder / "outcome.csv", index=False)
    clinical = {"patient": ids, "age": generator.integers(40, 80, patients)}
    pd.DataFrame(clinical).to_csv(folder / "clinical.csv", index=False)
    return TIMES.replace("times.csv", "outcome.csv")


def write_lesions(folder, patients=60, seed=1):
    """Write one to four lesions a patient, and times; return the words of a line."""
    line = write_times(folder, patients, seed)
    table = pd.read_csv(folder / "radiomics.csv", dtype={"patient": str})
    lesions = table.loc[np.repeat(table.index, drawn(seed).integers(1, 5, patients))]
    lesions["original_shape_MeshVolume"] *= drawn(seed).lognormal(0, 1, len(lesions))
    lesions.to_csv(folder / "radiomics.csv", index=False)
    return line


class Check(NamedTuple):
    """A line of `check`, and what it says.

    Attributes:
        line: Tables and options.
        says: See `tests.terminal.assert_says`.
        code: Its exit code.
        columns: Of `mine.csv`, see `write_columns`.
    """

    line: str
    says: str
    code: str = "0"
    columns: str = ""


DEATH = "features.csv outcome.csv --label death --positive 1"
SAME = "--similar-patients same"
MINE = "mine.csv --positive yes"
TIMES = (
    "radiomics.csv times.csv --join clinical.csv --similar-patients same "
    "--time days --event died --covariates age"
)
CHECKS = read_rows(__file__, "checks", Check)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Return a folder with the tables that the lines name."""
    folder = tmp_path_factory.mktemp("tables")
    write_lesions(folder)
    (folder / "radiomics.csv").rename(folder / "lesions.csv")
    write_times(folder)
    (folder / "outcome.csv").rename(folder / "times.csv")
    write_features(folder)
    stages = ["nan", "Inf", *(str(at % 7) for at in range(38))]
    pd.DataFrame({"patient": range(1, 41), "stage": stages}).to_csv(
        folder / "stages.csv", index=False
    )
    write_columns(folder, "surname=surnames 'PatientID=c0;c1;c2;;c4;c5;c6;+ids'", "surnames.csv")
    write_columns(folder)
    labels = pd.read_csv(folder / "mine.csv")[["PatientID", "label"]]
    labels.to_csv(folder / "other.csv", index=False)
    labels.loc[7, "label"] = "yes"
    labels.to_csv(folder / "differs.csv", index=False)
    lesions = pd.read_csv(write_columns(folder, "volume=uniform", "regions.csv"))
    both = [lesions.assign(Structure="Brain", volume=1e6), lesions.assign(Structure="GTV-1")]
    pd.concat(both).to_csv(folder / "regions.csv", index=False)
    for name, header, cells in (
        ("mirp", "sample_name,area,mean", "p{at},{at}.5,{at}.2"),
        ("nameless", "Image,area,mean", "/d/p{at}/i.nii,{at}.5,{at}.2"),
        ("labels", "PatientID,death", "p{at},{odd}"),
        ("lifex", "PatientID,mean,volume,death\n,SUV,mL,", "p{at},{at}.5,{at}.2,{odd}"),
    ):
        rows = [cells.format(at=at, odd=at % 2) for at in range(12)]
        (folder / f"{name}.csv").write_text("\n".join([header, *rows]))
    return folder


@pytest.mark.parametrize("case", CHECKS)
def test_check_reads_a_table_or_says_why_not(case, tables, monkeypatch, terminal):
    given = CHECKS[case]
    monkeypatch.chdir(tables)
    if "mine.csv" in given.line:
        write_columns(tables, given.columns)
    terminal.says(f"check {given.line}", given.says, int(given.code))


TELLING = read_rows(__file__, "telling")


@pytest.mark.parametrize("column", TELLING)
def test_what_numbers_rows_or_tells_the_label_is_named_and_refused_until_said(
    column, here, terminal
):
    name = column.strip("'").partition("=")[0]
    line = f"check {write_columns(here, column)} --positive yes"
    told = f"1 column may be no feature: `{name}` ... {TELLING[column]['says']}"
    terminal.says(line, f"{told} | --not-features | --force-features", 2)
    without = "Features (3): glcm_Contrast, glcm_Id, glcm_Id.8"
    terminal.says(f"{line} --not-features '{name}*'", without)
    terminal.says(f"{line} --force-features '{name}'", f"Features (4) ... {name}")


def parse(line):
    parser = ArgumentParser()
    add_file_arguments(parser)
    return read_file_options(parser.parse_args(shlex.split(line)))


def test_the_end_of_a_windows_line_is_no_part_of_a_class():
    """As of a word that a shell cuts out of a table: it became a class that no row has."""
    assert parse("films films.csv --positive '1\r'").positive == "1"


def test_a_packed_table_is_read_as_a_plain_one(here, terminal):
    table = write_columns(here)
    shown = terminal(f"check {MINE}")
    (here / "mine.csv.gz").write_bytes(gzip.compress(table.read_bytes()))
    table.unlink()
    line = MINE.replace("csv", "csv.gz")
    assert terminal(f"check {line}") == shown
    described = read_features(parse(line))
    assert (described.source.name, described.source.title) == ("mine", "mine")


def test_parts_are_those_of_the_data_set(tables):
    mine = parse(f"{write_columns(tables, 'Image=files')} --positive yes")
    described = read_features(mine)
    assert (described.source.design, described.source.columns.split) == ("holdout", "split")


def test_a_table_of_many_columns_is_read_and_a_message_names_eight(here, terminal):
    table = pd.read_csv(write_columns(here))
    values = drawn(6).normal(size=(40, 1500)).round(3)
    many = pd.DataFrame(values, columns=[f"feature_{at}" for at in range(1500)])
    pd.concat([table, many], axis=1).to_csv(here / "mine.csv", index=False)
    error = terminal(f"check {MINE} --label feature_1401x", 2)
    assert len(error) < 400
    assert "did you mean `feature_1401`" in error
    assert "and 1,497 more" in error
    terminal.says(f"check {MINE} --not-features feature_77x", "did you mean `feature_77`", 2)


def test_equal_rows_of_two_patients_stop_until_the_line_settles_them(here, terminal):
    table = pd.read_csv(write_columns(here, "label=0;1"))
    table.loc[26, table.columns[1:]] = table.loc[24, table.columns[1:]]
    table.to_csv(here / "mine.csv", index=False)
    line = "mine.csv --positive 1"
    stops = "near_duplicates_across_patients | `--copies join`"
    terminal.says(f"check {line}", stops, 4)
    (here / "conf/dataset").mkdir(parents=True)
    for copies, cases, patients in (("join", 40, 39), ("drop", 39, 39)):
        words = f"{line} --copies {copies}"
        terminal.says(f"check {words}", f"`copies: {copies}`")
        folder = here / copies
        added = check_data_set(parse(words), renew=copies == "drop")
        write_data_set(added)
        _, found = ingested(added.checked.source, folder, "cv")
        assert (len(found), len(set(found.patient_id))) == (cases, patients)
        assert not audit_images(folder, (), here / f"audit-{copies}").stopping
    # or a person waives the finding in the config, and gives the same line again
    option_file = here / "conf/dataset/mine.yaml"
    waived = "waived_findings: {near_duplicates_across_patients: twins}"
    text = option_file.read_text().replace("copies: drop", "copies: refuse")
    option_file.write_text(text.replace("waived_findings: {}", waived))
    checked = check_data_set(parse(line), renew=True).checked
    assert checked.source.waived_findings == {"near_duplicates_across_patients": "twins"}
    assert not checked.report.stopping


@pytest.mark.slow
def test_a_changed_table_runs_everything_again(here):
    def typed(folder, *words):
        done = Project(folder).run(*words, code=0)
        return done.stdout + done.stderr

    table, project = write_columns(here), here / "mine-project"
    line = shlex.split(f"skiagram run {MINE} --quick --baselines single_feature")
    scores = project / "reports/scores.csv"
    typed(here, *line)
    found = [scores.read_text()]
    changed = pd.read_csv(table)
    changed.assign(label=drawn().permutation(changed["label"])).to_csv(table, index=False)
    assert "] ingest" in typed(here, *line)
    found.append(scores.read_text())
    # The copy in the project is what its stages read: `dvc repro` sees a change of it, too.
    copied = project / "tables/mine.csv"
    swapped = copied.read_text().replace("no,", "tmp,").replace("yes,", "no,")
    copied.write_text(swapped.replace("tmp,", "yes,"))
    assert "Running stage 'ingest'" in typed(project, "dvc", "repro")
    found.append(scores.read_text())
    assert len(set(found)) == 3
    assert "Running stage 'ingest'" not in typed(project, "dvc", "repro")
    # A project that is moved has all that it needs.
    moved = project.rename(here / "elsewhere")
    table.unlink()
    assert "Running stage 'ingest'" not in typed(moved, "dvc", "repro")


@pytest.mark.slow
def test_a_table_with_empty_cells_goes_to_a_report_and_predicts(here):
    write_columns(here, "area=gaps ratio=inf;-Inf;;+another")
    line = f"run {MINE} --baselines logistic_regression,random_forest --folds 2"
    assert "failed" not in Project(here).shown(*line.split())
    page = (here / "mine-project/reports/report.html").read_text()
    assert "Features with empty cells" in page
    line = "predict mine-project/models/logistic_regression mine.csv -o scores.csv --page new.html"
    said = Project(here).shown(*line.split())
    cells = pd.read_csv(here / "scores.csv")["missing"]
    assert len(cells) == 40
    assert f"{cells.notna().sum()} of 40 cases lack what the model reads" in said
    assert "1 of 5 features" in set(cells)
    assert (here / "new.html").stat().st_size
    line = "validate mine-project mine.csv --patient-ids apart --name again"
    assert "features are empty: ratio" in Project(here).shown(*line.split(), code=4)


@pytest.mark.slow
def test_another_hospitals_table_is_scored_by_a_finished_project(here):
    def typed(line, code=0, says=""):
        assert says in Project(here).shown(*shlex.split(line), code=code)

    leeds = here / "leeds"
    leeds.mkdir()
    write_features(here, 60)
    write_features(leeds, 70)
    models = "--baselines logistic_regression,single_feature --folds 2 --project project"
    typed(f"run {DEATH} {SAME} {models}")
    tables = f"leeds/features.csv leeds/outcome.csv --label death {SAME}"
    line = f"validate project {tables} --name leeds --workers 1"
    typed(line, 4, "60 of 70 cases are of 60 patients")
    typed(f"{line} --patient-ids apart")
    results = here / "project/reports/validations/leeds"
    scores = pd.read_csv(results / "scores.csv")
    told = pd.read_csv(here / "project/tables/validation_leeds.cases.csv", dtype=str)
    features = pd.read_csv(leeds / "features.csv", dtype={"Patient ID": str})
    patient = told.set_index("case_id")["patient"].loc[scores["case_id"]]
    sphericity = features.set_index("Patient ID")["original_shape_Sphericity"].loc[patient]
    truth = (patient.astype(int).to_numpy() - 1) % 2
    assert (scores["label"].to_numpy() == truth).all()
    ranks = sphericity.rank().reset_index(drop=True)
    assert scores["single_feature"].rank().corr(ranks) > 0.999
    figures = pd.read_csv(results / "figures.csv")
    assert {"out_of_fold", "cohort"} <= set(figures["group"])
    # what the project's models cannot read
    lacks = (
        "1 of 3 features of the project are not there, or empty in every row: original_shape_Sph"
    )
    without = features.drop(columns="original_shape_Sphericity")
    for table in (without, without.assign(original_shape_Sphericity="")):
        table.to_csv(leeds / "features.csv", index=False)
        typed(f"{line} --patient-ids apart --force", 4, lacks)
    as_there = "a table of features, as the project has"
    typed("validate project leeds --name images", 4, as_there)
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(here / "film.png")
    line = "predict project/models/logistic_regression film.png -o new.csv"
    typed(line, 2, "one table of features (CSV)")
