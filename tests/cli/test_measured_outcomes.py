"""Times, numbers, grades and findings go to a report, and to another hospital's cohort."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from tests.pipeline.project import Project
from tests.terminal import assert_says
from tests.yaml_rows import read_rows

pytestmark = pytest.mark.slow
FINDINGS = ("mass", "nodule", "effusion")


def write(folder, columns, seed=1, patients=90):
    """Write features, `films.csv`, and columns of what they tell, `outcomes.csv`.

    There are sizes in mm, grades of these, times to a relapse before which death may come, and
    three findings, of which some are not known.
    """
    folder.mkdir()
    generator = np.random.default_rng(seed)
    signal = generator.uniform(-1, 1, size=patients)
    volume, texture = generator.normal(size=(2, patients))
    ids = [f"p{seed}-{at}" for at in range(patients)]
    features = {"patient": ids, "original_shape_MeshVolume": np.exp(volume) * 1e4}
    features |= {"original_glcm_Contrast": signal, "original_glcm_Id": texture}
    pd.DataFrame(features).to_csv(folder / "films.csv", index=False)
    noisy = signal[:, None] + generator.normal(0, 0.4, size=(patients, 3))
    present = (noisy > [0.0, 0.2, 0.5]).astype(int).astype(str)
    present[::9, 0], present[4::11, 2] = "", "-1"
    told = pd.DataFrame(present, columns=FINDINGS).assign(patient=ids)
    told["size"] = (60 + 20 * signal + generator.normal(0, 5, size=patients)).round(2)
    told["tissue"] = [*np.array([*"FGD"])[np.digitize(told["size"], [53, 67])]]
    relapse = generator.exponential(500 * np.exp(-2 * signal)).round()
    death, end = (
        generator.exponential(900, patients).round(),
        generator.uniform(200, 1500, patients),
    )
    told["days"] = np.min([relapse, death, end.round()], axis=0) + 1
    told["state"] = np.where(
        told["days"] > end, "well", np.where(death < relapse, "died", "relapse")
    )
    told["sex"] = generator.choice(["f", "m"], patients)
    told["site"] = ["Leeds" if at % 2 else "York" for at in range(patients)]
    told[["patient", *columns.split()]].to_csv(folder / "outcomes.csv", index=False)
    return Project(folder)


class Measured(NamedTuple):
    """An outcome, and what becomes of it; fragments stand between ` | `.

    Attributes:
        columns: Of the table of outcomes.
        line: Options of `run`, of which the first two words say the outcome.
        models: Beside logistic regression.
        says: What the terminal shows.
        page: What the report shows.
        figure: One that logistic regression has.
        within: Its bounds, for cases out of folds and of the other cohort.
        cohort: Options of the other cohort's line.
        shows: What its page shows.
        refused: Other options of that line, and what is said of them.
        null: The same figure of the model of no feature.
    """

    columns: str
    line: str
    models: str
    says: str
    page: str
    figure: str
    within: list[float]
    cohort: str = ""
    shows: str = ""
    refused: Sequence[list[str]] = ()
    null: float | None = None


OUTCOMES = read_rows(__file__, "outcomes", Measured)
TABLES = ("films.csv", "outcomes.csv")


@pytest.mark.parametrize("case", OUTCOMES)
def test_an_outcome_goes_to_a_report_and_to_another_cohort(case, tmp_path):
    kind = OUTCOMES[case]
    home, project = write(tmp_path / "home", kind.columns), tmp_path / "home/films-project"
    models = ("--baselines", f"logistic_regression,{kind.models}", "--folds", "2")
    assert_says(home.shown("run", *TABLES, *kind.line.split(), *models), kind.says)
    assert_says((project / "reports/report.html").read_text(), kind.page)
    figures = json.loads((project / "reports/metrics.json").read_text())
    at_home = figures["logistic_regression"][kind.figure]
    assert kind.within[0] < at_home < kind.within[1]
    if kind.null is not None:
        assert figures["null_model"][kind.figure] == pytest.approx(kind.null, abs=0.1)
    if case == "time":  # a volume is a rule, and covariates may be texts
        rule = (project / "conf/model/region_volume.yaml").read_text()
        assert "original_shape_MeshVolume" in rule
        weights = (project / "models/covariates").rglob("*.json")
        assert any("sex_f" in path.read_text() for path in weights)
    if case == "findings":  # new cases have a probability of each
        assert pd.read_csv(project / "reports/scores.csv")["mass"].isna().sum() == 10
        home.shown("predict", f"{project}/models/logistic_regression", TABLES[0], "-o", "new.csv")
        predicted = pd.read_csv(tmp_path / "home/new.csv")
        assert predicted["probability_mass"].between(0, 1).all()
    if not kind.cohort:
        return
    # the other hospital's
    north = write(tmp_path / "north", kind.columns, seed=2)
    line = ("validate", str(project), *TABLES, "--name", "north", "--workers", "1")
    shown = north.shown(*line, *kind.cohort.split())
    assert "of another cohort: no network was asked for" in shown
    results = project / "reports/validations/north"
    assert_says((results / "report.html").read_text(), kind.shows)
    table = pd.read_csv(results / "figures.csv")
    rows = table["figure"].eq(kind.figure) & table["model"].eq("logistic_regression")
    value = table[rows].groupby("group")["value"].first()
    assert value["out_of_fold"] == pytest.approx(at_home, abs=1e-4)
    assert kind.within[0] < value["cohort"] < kind.within[1]
    assert len(pd.read_csv(results / "scores.csv")) == 90
    for words, said in kind.refused:
        assert said in north.shown(*line, *words.split(), "--force", code=2)
