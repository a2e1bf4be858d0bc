"""A sweep opens the seal of real images once for each question, and the ledger says so."""

from dataclasses import replace

import numpy as np
import pytest

from skiagram.composition import Composition
from skiagram.datasets.contract import GroundTruth
from skiagram.sealing.ledger import LEDGER, read_ledger
from skiagram.steps.evaluation_inputs import open_seal
from skiagram.sweeps.row_options import describe_used
from skiagram.sweeps.rows import expand_rows
from tests.datasets.sources import balanced, ingested
from tests.sweeps.small_phantom import CHOICES, edit, make_sweep, small_place


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch):
    monkeypatch.delenv("DVC_ROOT", raising=False)


def open_by_sweep(folder, *, design="holdout", margin=0.02, **source):
    data = folder / f"data-{design}"
    if not data.exists():
        ingested(balanced(**source), data, design)
    open_seal(folder, data, "sweep margins", ("svm",), {"margin": margin})


def test_each_question_is_an_opening_once(tmp_path):
    open_by_sweep(tmp_path)
    open_by_sweep(tmp_path)
    open_by_sweep(tmp_path, margin=0.05)
    openings = read_ledger(tmp_path).openings
    assert [one.number for one in openings] == [1, 2]
    assert {one.comparison.opened_by for one in openings} == {"sweep margins"}
    assert openings[0].comparison.models == ("svm",)


def test_nothing_is_noted_of_generated_images_or_under_cross_validation(tmp_path):
    open_by_sweep(tmp_path, design="cv")
    clean = np.zeros((16, 16), dtype=np.float32)
    truth = {at: GroundTruth(clean, 0.0, (np.nan, np.nan)) for at in range(8)}
    open_by_sweep(tmp_path, generated=truth)
    assert not (tmp_path / LEDGER).exists()


@pytest.mark.slow
def test_a_question_holds_the_options_that_rows_use_and_no_others(tmp_path):
    place, (row,) = small_place(tmp_path, **CHOICES), expand_rows(make_sweep(axes={"seed": [1]}))
    asked = []
    for group, name, option in (
        ("features", "glcm", "region"),
        ("model", "svm", "C"),
        ("model", "decision_tree", "max_depth"),
        ("features", "first_order", "region"),
    ):
        edit(place, group, name, **{option: "other"})
        asked.append(describe_used(replace(place, options=Composition(tmp_path)), [row]))
    assert asked[1] == asked[0]  # no row has this model
    assert asked[3] != asked[2] != asked[1]
