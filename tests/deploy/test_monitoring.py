"""Drift is found where it is planted and not where nothing changed; labels mend the calibration."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from skiagram.cli.main import main
from skiagram.datasets.folder.csv_rows import TableRow
from skiagram.deploy.model import load_model
from skiagram.deploy.monitoring import Labels
from skiagram.deploy.package import opened_package, pack
from skiagram.errors import DataError
from skiagram.models.arm import ArmFolders, Member, train
from skiagram.models.combined import check_combination, combine
from skiagram.models.deployment import (
    FINGERPRINT,
    Fingerprint,
    complete_folder,
    write_checksums,
)
from skiagram.options import build
from skiagram.records.files import read_record
from tests.deploy.trained import SIDE, TASK, Trained, options, prepared
from tests.stand_ins import PLAN

pytestmark = pytest.mark.thorough

Change = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@pytest.fixture(scope="session")
def packed(baseline: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a package of the logistic regression."""
    folder = tmp_path_factory.mktemp("monitored")
    copy = shutil.copytree(baseline.model, folder / "models/logistic_regression")
    write_checksums(copy)
    pack(copy, folder / "model.skiagram")
    return folder / "model.skiagram"


def new_films(folder: Path, count: int, change: Change | None = None, rare: int = 2) -> list[int]:
    """Write films like those of training, perhaps changed; one in `rare` is striped."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(11)
    labels = []
    for number in range(count):
        label = int(number % rare == 0)
        stripes = 40 * np.sin(np.arange(SIDE) * 1.3 + draw.uniform(0, 6))[None, :] * label
        image = draw.normal(128, 25, (SIDE, SIDE)) + stripes
        image = image if change is None else change(image)
        pixels = np.clip(image, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:04d}.png")
        labels.append(label)
    return labels


def write_labels(path: Path, folder: Path, labels: list[int]) -> Path:
    """Write a table of labels, months in turn."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label", "patient_id", "date"])
        for number, label in enumerate(labels):
            name = str(folder / f"{number:04d}.png")
            date = f"2026-{1 + number % 3:02d}-15"
            writer.writerow([name, TASK.classes[label], f"p{number}", date])
    return path


def monitor(packed: Path, folder: Path, output: Path, *flags: str) -> dict[str, object]:
    """Run the command and return what it wrote."""
    assert main(["monitor", str(packed), str(folder), "-o", str(output), *flags]) == 0
    report: dict[str, object] = json.loads(output.read_text())
    return report


def test_films_as_in_training_show_no_drift_and_darker_ones_do(
    packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new_films(tmp_path / "same", 60)
    same = monitor(packed, tmp_path / "same", tmp_path / "same.json")
    assert same["differing"] == 0
    new_films(tmp_path / "dark", 60, lambda image: image - 15)
    dark = monitor(packed, tmp_path / "dark", tmp_path / "dark.json")
    assert isinstance(dark["drifts"], list)
    drifts = {one["name"]: one for one in dark["drifts"]}
    worst = drifts["first_order_mean"]
    assert worst["larger"]["high"] < 0.5
    assert worst["p_holm"] < 0.001
    assert isinstance(dark["unlike"], dict)
    assert dark["unlike"]["low"] > 0.9
    assert "first_order_mean" in capsys.readouterr().out


@pytest.mark.thorough
def test_labels_give_figures_by_month_and_a_next_revision(packed: Path, tmp_path: Path) -> None:
    # One in six is positive and stripes are fainter: probabilities are too high.
    folder = tmp_path / "new"
    labels = new_films(folder, 240, lambda image: 128 + 0.8 * (image - 128), rare=6)
    table = write_labels(tmp_path / "truth.csv", folder, labels)
    target = tmp_path / "second.skiagram"
    flags = ("--labels", str(table), "--recalibrate", str(target))
    report = monitor(packed, folder, tmp_path / "a.json", *flags)
    assert isinstance(report["months"], list)
    every, *months = report["months"]
    assert [month["name"] for month in months] == ["2026-01", "2026-02", "2026-03"]
    assert every["auc"]["value"] > 0.9
    with opened_package(target) as second, opened_package(packed) as first:
        assert (second.manifest.revision, len(second.manifest.earlier)) == (2, 1)
        assert second.manifest.card[1].title == "Revision 2: calibrated anew"
        changed = {
            name
            for name, checksum in second.manifest.sha256.items()
            if first.manifest.sha256[name] != checksum
        }
    records = {"model/deployment.json", "model/fingerprint.json", "model/checksums.json"}
    assert changed == records | {"card.md", "card.html"}
    again = monitor(target, folder, tmp_path / "b.json", "--labels", str(table))
    assert isinstance(again["months"], list)
    after = again["months"][0]
    assert abs(after["intercept"]["value"]) < abs(every["intercept"]["value"])
    assert abs(after["expected_to_observed"]["value"] - 1) < 0.1


def test_too_few_labels_leave_no_package(
    packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labels = new_films(tmp_path / "new", 24)
    table = write_labels(tmp_path / "truth.csv", tmp_path / "new", labels)
    target, output = tmp_path / "second.skiagram", tmp_path / "a.json"
    words = ["monitor", str(packed), str(tmp_path / "new"), "-o", str(output)]
    assert main([*words, "--labels", str(table), "--recalibrate", str(target)]) == 4
    assert "20 labelled patients of each" in capsys.readouterr().err
    assert not target.exists()
    assert not output.exists()
    assert main([*words, "--recalibrate", str(target)]) == 2


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"file": "a"}, "no `label`"),
        ({"file": "a", "label": "odd"}, "label `odd`"),
        ({"file": "a", "label": "plain", "date": "May"}, "date `May`"),
    ],
)
def test_a_table_of_labels_that_cannot_be_used_is_named(cells: dict[str, str], words: str) -> None:
    with pytest.raises(DataError, match=words):
        Labels.read([TableRow(2, cells)], TASK.classes)


def test_labels_of_which_none_is_of_a_case_are_refused() -> None:
    labels = Labels.read([TableRow(2, {"file": "elsewhere", "label": "plain"})], TASK.classes)
    with pytest.raises(DataError, match="none of 1 labels is of a case") as refused:
        labels.require_cases(("a", "b"))
    assert "called as `a`" in str(refused.value)
    labels.require_cases(("a", "elsewhere"))


MEMBERS = ("svm", "logistic_regression")


@pytest.fixture(scope="module")
def stacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a combination; its second member alone reads `first_order`."""
    root = tmp_path_factory.mktemp("stacked")
    features = [options(f"features/{name}.yaml") for name in ("wavelet", "first_order")]
    cases, table = prepared(root, options("restoration/none.yaml"), features)
    for name, columns in zip(MEMBERS, (["wavelet"], None), strict=True):
        composed = options(f"model/{name}.yaml", columns=columns)
        known, new = (table.of(part.case_id) for part in (cases.development(), cases.test()))
        member = Member(name, build(composed, "model"), composed, known, new)
        folders = ArmFolders.under(root, name)
        predictions = train(member, cases, TASK, PLAN, folders)
        assert predictions.outcome.status == "finished"
        complete_folder(folders.model, predictions, cases, root / "preparation", table)
    values = options("combination/stacking.yaml", members=list(MEMBERS))
    chosen = check_combination("stacking", values, MEMBERS)
    folders = ArmFolders.under(root / "combined", "stacking")
    outcome = combine(root, chosen, cases, TASK, PLAN, folders)
    assert outcome.status == "finished", outcome.reason
    return root / "combined/models/stacking"


@pytest.mark.thorough
def test_a_combination_is_packed_and_watched_like_any_model(stacked: Path, tmp_path: Path) -> None:
    """Scores, and the features of all members: darker films differ, those of training do not."""
    package, second = tmp_path / "stacking.skiagram", tmp_path / "second.skiagram"
    assert main(["package", str(stacked), "-o", str(package)]) == 0
    reports = {}
    for name, change in {"same": None, "dark": lambda image: image - 15}.items():
        labels = new_films(tmp_path / name, 60, change)
        table = write_labels(tmp_path / f"{name}.csv", tmp_path / name, labels)
        flags = ["--labels", str(table)]
        flags += ["--recalibrate", str(second)] if name == "same" else []
        reports[name] = monitor(package, tmp_path / name, tmp_path / f"{name}.json", *flags)
    member = read_record(Fingerprint, stacked / "members" / MEMBERS[1] / FINGERPRINT)
    assert reports["same"]["compared"] == len(TASK.classes) + len(member.features)
    assert reports["same"]["differing"] == 0
    drifts, unlike = reports["dark"]["drifts"], reports["dark"]["unlike"]
    assert isinstance(drifts, list)
    assert isinstance(unlike, dict)
    assert "first_order_mean" in {drift["name"] for drift in drifts if drift["p_holm"] < 0.001}
    assert unlike["low"] > 0.9
    with opened_package(second) as revised:
        assert revised.manifest.revision == 2
        assert not read_record(Fingerprint, revised.folder / FINGERPRINT).features
        decisions = load_model(revised.folder).deployment.decisions
    assert decisions != load_model(stacked).deployment.decisions
