"""Figures that are kept: the same record as without them, and nothing of other inputs or code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from skiagram.compute import code_digest
from skiagram.compute.code_digest import code_definitions
from skiagram.evaluation import measurement
from skiagram.evaluation.evaluation_record import NUMBERS, Evaluation
from skiagram.evaluation.evaluation_set import CaseTraits
from skiagram.records.files import write_record
from tests.evaluation.scenario import Scenario, evaluated, failed, finished, scenario


def traits(known: Scenario, seed: int = 0) -> CaseTraits:
    features = np.random.default_rng(seed).normal(size=(len(known.cases), 3))
    table = pd.DataFrame(features, columns=["a", "b", "c"])
    table.insert(0, "case_id", known.cases.case_id)
    return CaseTraits(table, table[["case_id"]].assign(brightness=features[:, 0]))


class Measured:
    """Evaluations in a folder, and which models and traits each of them measured."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.known, self.seen = folder, scenario(60, 40), list[str]()
        self.models = [
            finished(self.known, "tree", strength=0.5, seed=1),
            finished(self.known, "net", arm="deep", strength=2.0, seed=2),
            failed("big_net", "deep", "out of memory"),
        ]
        self._watch(monkeypatch, "measure_scores", lambda outcome, *_: str(outcome.model))
        self._watch(monkeypatch, "estimate_metrics", lambda *_: "figures")

    def _watch(
        self, monkeypatch: pytest.MonkeyPatch, name: str, describe: Callable[..., str]
    ) -> None:
        measure = getattr(measurement, name)

        def watched(*arguments: object) -> object:
            self.seen.append(describe(*arguments))
            return measure(*arguments)

        monkeypatch.setattr(measurement, name, watched)

    def run(self, *, kept: bool = True, **asked: Any) -> Evaluation:
        self.seen.clear()
        given = {"traits": traits(self.known)} | asked
        work = self.folder if kept else None
        return evaluated(self.known, self.models, work=work, **given)

    def record(self, name: str, found: Evaluation) -> bytes:
        path = self.folder.parent / f"{name}.json"
        write_record(found, path)
        return path.read_bytes()


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measured:
    return Measured(tmp_path / "figures", monkeypatch)


def test_a_second_evaluation_measures_nothing_and_says_the_same(measured: Measured) -> None:
    first = measured.run()
    assert {"tree", "net"} <= set(measured.seen)
    again = measured.run()
    assert measured.seen == []
    fresh = measured.run(kept=False)
    assert first == again == fresh
    assert measured.record("again", again) == measured.record("fresh", fresh)
    assert again.table == fresh.table  # the page's rows have this order


def test_only_the_model_whose_scores_changed_is_measured(measured: Measured) -> None:
    measured.run()
    measured.models[0] = finished(measured.known, "tree", strength=0.6, seed=1)
    found = measured.run()
    assert [name for name in measured.seen if name != "figures"] == ["tree"]
    assert found == measured.run(kept=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changed",
    [
        {"seed": 1},
        {"replicates": 120},
        {"least_patients": 7},
        {"covariates": None},
        {"duplicates": ("case-0000", "case-0070")},
        {"label": 70},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_figures_of_other_inputs_are_not_taken(measured: Measured, changed: dict[str, Any]) -> None:
    site = {"case_id": measured.known.cases.case_id, "site": np.arange(100) // 2 % 2}
    asked: dict[str, Any] = {"covariates": pd.DataFrame(site)}
    measured.run(**asked)
    if "label" in changed:
        measured.known.label[changed["label"]] ^= 1
    elif "duplicates" in changed:
        first, second = changed["duplicates"]
        asked["duplicates"] = pd.DataFrame({"first": [first], "second": [second]})
    else:
        asked |= changed
    found = measured.run(**asked)
    assert {"tree", "net"} <= set(measured.seen)
    assert found == measured.run(kept=False, **asked)


def test_other_traits_are_compared_again(measured: Measured) -> None:
    before = measured.run().figures.select(analysis=NUMBERS)
    other = measured.run(traits=traits(measured.known, 1))
    compared = other.figures.select(analysis=NUMBERS)
    fresh = measured.run(kept=False, traits=traits(measured.known, 1))
    assert compared == fresh.figures.select(analysis=NUMBERS) != before


def test_other_code_measures_again(measured: Measured, monkeypatch: pytest.MonkeyPatch) -> None:
    measured.run()
    monkeypatch.setattr(code_digest, "code_digest", lambda *_: "of an edited function")
    measured.run()
    assert {"tree", "net"} <= set(measured.seen)


def test_the_code_of_every_figure_counts() -> None:
    counted = code_definitions(measurement._measure)
    for module, name in (
        ("skiagram.evaluation.metrics", "estimate_metrics"),
        ("skiagram.statistics.delong", "auc_estimate"),
        ("skiagram.statistics.bootstrap", "PatientDraws"),
        ("skiagram.evaluation.results", "ModelResult"),
    ):
        assert (module, name) in counted


@pytest.mark.parametrize("damage", ["", "{}", '{"outcome": 1}'])
def test_damaged_figures_are_found_again(measured: Measured, damage: str) -> None:
    before = measured.run()
    for path in measured.folder.glob("*/figures.json"):
        path.write_text(damage)
    assert measured.run() == before
    assert {"tree", "net"} <= set(measured.seen)
    measured.run()
    assert measured.seen == []


def test_a_folder_that_takes_nothing_costs_no_figure(measured: Measured, tmp_path: Path) -> None:
    measured.folder.write_text("no folder")
    assert measured.run() == measured.run(kept=False)


def test_no_case_is_named_in_what_is_kept(measured: Measured) -> None:
    measured.run()
    kept = [path.read_text() for path in measured.folder.glob("*/figures.json")]
    assert len(kept) == 3 + 1  # models and traits
    assert not any("case-0" in text or "patient-0" in text for text in kept)
