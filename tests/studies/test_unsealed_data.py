"""A study opens the seal of real images once for each question, and the ledger says so."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic.dataclasses import dataclass

from skiagram.datasets.contract import GroundTruth
from skiagram.options import STRICT
from skiagram.records import Design
from skiagram.sealing.ledger import LEDGER, read_ledger
from skiagram.studies.candidates import StudyOptions
from skiagram.studies.pipeline_steps import DataSet
from skiagram.studies.unsealed_data import unseal
from skiagram.studies.workspace import Workspace
from tests.datasets.sources import balanced, ingested
from tests.studies.small_phantom import PLAN, TRAINER, local_compute


@dataclass(**STRICT)
class Question(StudyOptions):
    """Stands for the options of a study."""

    margin: float


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_ROOT", raising=False)


def open_seal(
    folder: Path,
    *,
    design: Design = "holdout",
    margin: float = 0.02,
    kernel: str = "rbf",
    **source: Any,
) -> None:
    (folder / "conf/model").mkdir(parents=True, exist_ok=True)
    (folder / "conf/model/svm.yaml").write_text(f"kernel: {kernel}\n")
    workspace = Workspace(folder / "conf", None, folder / "work", local_compute(), folder)
    data = folder / f"data-{design}"
    if not data.exists():
        ingested(balanced(**source), data, design)
    study = Question(
        features=("wavelet",), baselines=("svm",), networks=(), plan=PLAN, trainer=TRAINER,
        margin=margin,
    )  # fmt: skip
    unseal(workspace, DataSet(data), study, 100)


def test_each_question_is_an_opening_once(tmp_path: Path) -> None:
    open_seal(tmp_path)
    open_seal(tmp_path)
    open_seal(tmp_path, margin=0.05)
    openings = read_ledger(tmp_path).openings
    assert [one.number for one in openings] == [1, 2]
    assert {one.comparison.opened_by for one in openings} == {"study Question"}
    assert openings[0].comparison.models == ("svm",)


def test_a_models_options_are_part_of_the_question(tmp_path: Path) -> None:
    open_seal(tmp_path)
    open_seal(tmp_path, kernel="linear")
    assert len(read_ledger(tmp_path).openings) == 2


def test_nothing_is_noted_of_generated_images_or_under_cross_validation(tmp_path: Path) -> None:
    open_seal(tmp_path, design="cv")
    clean = np.zeros((16, 16), dtype=np.float32)
    truth = {at: GroundTruth(clean, 0.0, (np.nan, np.nan)) for at in range(8)}
    open_seal(tmp_path, known=truth)
    assert not (tmp_path / LEDGER).exists()
