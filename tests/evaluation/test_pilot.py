"""A pilot's scores: the same variance as the run itself found, carried to other sizes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skiagram.errors import DataError, OptionError
from skiagram.evaluation.evaluation_record import PRIMARY, Evaluation
from skiagram.evaluation.pilot import read_pilot
from skiagram.evaluation.planning import plan_difference
from skiagram.evaluation.scores import make_scores_table
from skiagram.records.cases import Design
from skiagram.records.files import write_record
from skiagram.statistics.delong import combination, placements
from tests.evaluation.scenario import NO_PAIRS, evaluated, finished, scenario


def write_run(
    folder: Path,
    *,
    design: Design = "holdout",
    images: int = 1,
    repeats: int = 1,
    classes: tuple[str, ...] = ("normal", "abnormal"),
) -> Evaluation:
    """Write what evaluate leaves of a forest and a network, on 200 cases."""
    development, test = (120, 200) if design == "holdout" else (200, 0)
    known = scenario(development, test, images=images, design=design, classes=classes)
    models = [
        finished(known, "forest", strength=1.0, seed=1, repeats=repeats),
        finished(known, "net", arm="deep", strength=1.3, seed=2, repeats=repeats),
    ]
    found = evaluated(known, models, duplicates=NO_PAIRS)
    (folder / "reports").mkdir()
    write_record(found, folder / "reports" / "evaluation.json")
    table = make_scores_table(models, known.cases, known.task, known.sealed)
    table.to_csv(folder / "reports" / "scores.csv", index=False)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("design", "images", "repeats"),
    [("holdout", 1, 1), ("holdout", 4, 1), ("holdout", 1, 3), ("cv", 1, 1), ("cv", 2, 3)],
)
def test_the_plan_is_that_of_the_run(
    design: Design, images: int, repeats: int, tmp_path: Path
) -> None:
    found = write_run(tmp_path, design=design, images=images, repeats=repeats)
    pilot = read_pilot(tmp_path)
    assert (pilot.model, pilot.other) == ("net", "forest")
    assert pilot.prevalence == 0.5
    interval = found.difference
    assert interval is not None
    assert interval.low is not None
    assert interval.high is not None
    half = pilot.difference.at(pilot.patients).half
    # An interval that is put together from both is lopsided: its half is a geometric mean.
    same = 1e-6 if pilot.difference.raised == 1 else 0.05
    assert half == pytest.approx((interval.high - interval.low) / 2, rel=same)
    for model in found.models:
        estimate = model.find("roc_auc")
        assert pilot.auc[model.outcome.model] == pytest.approx(estimate.value)
    if design == "holdout" and repeats > 1:  # these trainings spread too wide for the margin
        return
    planned = found.figures.select(analysis=PRIMARY)
    plan = plan_difference(found.margin, 0.0, pilot.difference, pilot.prevalence)
    near = 0.1  # a quantile from more patients is a little shorter
    assert plan.detect == pytest.approx(planned.find(figure="patients_to_detect").value, rel=near)
    assert plan.patients == pytest.approx(planned.find(figure="patients_to_settle").value, rel=near)


@pytest.mark.slow
def test_several_trainings_bring_their_own_variance(tmp_path: Path) -> None:
    found = write_run(tmp_path, repeats=4)
    pilot = read_pilot(tmp_path)
    of_models = {one.outcome.model: np.array(one.seed_auc) for one in found.models}
    seeds = [of_models[name] for name in ("net", "forest")]
    spread = (seeds[0] - seeds[1]).var(ddof=1) / 4
    assert pilot.repeats == 4
    assert pilot.difference.at(10**9).variance == pytest.approx(spread, rel=1e-3)


@pytest.mark.slow
def test_another_prevalence_weighs_the_classes_anew(tmp_path: Path) -> None:
    write_run(tmp_path)
    same, rare = read_pilot(tmp_path), read_pilot(tmp_path, prevalence=0.05)
    assert rare.prevalence == 0.05
    spread = rare.difference
    expected = spread.positive / 50 + spread.negative / 950
    assert spread.at(1000).variance == pytest.approx(expected)
    assert spread.at(1000).variance > 2 * same.difference.at(1000).variance


@pytest.mark.slow
def test_patients_with_images_of_both_classes_count_half_in_each(tmp_path: Path) -> None:
    write_run(tmp_path)
    path = tmp_path / "reports" / "scores.csv"
    table = pd.read_csv(path)
    label = (table["label"] == "abnormal").to_numpy()
    table["patient_id"] = [f"patient-{k // 2}" for k in range(len(table))]
    table.to_csv(path, index=False)
    pilot = read_pilot(tmp_path)
    assert (pilot.patients, pilot.prevalence) == (100, 0.5)
    whose = np.arange(len(table)) // 2
    one, other = (
        placements(table[[name]].to_numpy().T, label, whose) for name in ("net", "forest")
    )
    paired = combination([(1.0, one), (-1.0, other)])
    assert pilot.difference.at(100).variance == pytest.approx(paired.variance())


@pytest.mark.slow
def test_two_models_can_be_named(tmp_path: Path) -> None:
    write_run(tmp_path)
    pilot = read_pilot(tmp_path, ("forest", "net"))
    assert (pilot.model, pilot.other) == ("forest", "net")
    with pytest.raises(OptionError, match="two of forest, net"):
        read_pilot(tmp_path, ("forest", "fir"))
    with pytest.raises(OptionError, match="twice"):
        read_pilot(tmp_path, ("net", "net"))


@pytest.mark.slow
def test_what_cannot_serve_as_a_pilot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"evaluation\.json"):
        read_pilot(tmp_path)
    write_run(tmp_path)
    path = tmp_path / "reports" / "scores.csv"
    table = pd.read_csv(path)
    table.assign(net=table["forest"]).to_csv(path, index=False)
    with pytest.raises(DataError, match="alike"):
        read_pilot(tmp_path)
    table.assign(label="normal").to_csv(path, index=False)
    with pytest.raises(DataError, match="0 patients"):
        read_pilot(tmp_path)
    path.unlink()
    with pytest.raises(DataError, match=r"scores\.csv"):
        read_pilot(tmp_path)
