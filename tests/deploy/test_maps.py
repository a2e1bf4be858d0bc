"""Maps of new cases point at what a model reads, and a case without one does not end the page."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

from skiagram.deploy.inputs import NO_COVARIATES
from skiagram.deploy.maps import SCORED, CaseMap, family_contributions, judge, map_case
from skiagram.deploy.model import DeployedModel, load_model
from skiagram.deploy.new_cases import NewCase
from skiagram.deploy.page import write_page
from skiagram.deploy.prediction import score_cases
from skiagram.deploy.prepared_cases import Described, PreparedCases
from skiagram.deploy.scorers import ModelScorer, Scorer
from skiagram.errors import DataError
from skiagram.features.table import FeatureTable
from tests.deploy.trained import Trained


@dataclass(frozen=True, kw_only=True)
class CornerReader(Scorer):
    """A model that reads how bright the lower right quarter of an image is, and nothing else."""

    most: int = 10_000
    scored: list[int] = field(default_factory=list)
    in_threads: bool = False

    def scores(self, cases: PreparedCases) -> list[NDArray[np.float64]]:
        """Score all images."""
        self.scored.append(len(cases.case_id))
        if sum(self.scored) > self.most:
            raise DataError("a feature is not defined")
        rows = [image[10:, 10:].mean() / 10 - 13 for _, image in cases.images]
        return [np.stack([-np.array(rows), np.array(rows)], axis=1)] * 2

    def space(self, cases: PreparedCases) -> FeatureTable:
        """Return nothing."""
        return FeatureTable(cases.scored, (), np.empty((1, 0), np.float32))


def corner_cases(folder: Path, count: int) -> list[NewCase]:
    rng = np.random.default_rng(3)
    cases = []
    for number in range(count):
        pixels = rng.normal(100, 20, (20, 20))
        pixels[12:16, 12:16] += 100  # in the quarter that is read
        path = folder / f"{number}.png"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
        cases.append(NewCase.of_file(path))
    return cases


def map_of(model: DeployedModel, case: NewCase) -> CaseMap:
    return map_case(model, model.preparer.prepare(case, NO_COVARIATES.row(case.name)), 1)


@pytest.mark.slow
def test_a_map_points_at_what_the_model_reads(baseline: Trained, tmp_path: Path) -> None:
    reader = CornerReader()
    model = replace(load_model(baseline.model), scorer=reader)
    maps = [map_of(model, case) for case in corner_cases(tmp_path, 6)]
    assert sum(reader.scored) == 6 * SCORED
    for case in maps:
        orange = case.picture[..., 0].astype(int) - case.picture[..., 2]
        assert orange[12:16, 12:16].mean() > 60
        assert abs(orange[:8, :8]).max() < 10  # what is not read has no colour
        assert min(case.gains) > 0
        assert not case.contributions
    assert "6 cases the maps passed" in judge(maps)
    assert "failed" in judge([replace(case, gains=(0.1, -0.1)) for case in maps])
    assert "too few" in judge(maps[:2])


def test_a_case_without_a_map_does_not_end_the_page(baseline: Trained, tmp_path: Path) -> None:
    cases = corner_cases(tmp_path, 3)
    model = replace(load_model(baseline.model), scorer=CornerReader(most=3 + SCORED))
    rows = list(score_cases(model, cases))
    page = tmp_path / "page.html"
    assert write_page(rows, cases, model, page, maps=2) == 3
    text = page.read_text()
    assert text.count("data:image/png") == 3 + 1
    assert text.count("No map: ") == 1
    assert "a feature is not defined" in text
    assert "Not tested for this model" in text


def test_a_family_at_the_medians_pushes_nothing(baseline: Trained) -> None:
    model = load_model(baseline.model)
    scorer = model.scorer
    assert isinstance(scorer, ModelScorer)
    assert scorer.familiarity is not None
    case = NewCase.of_file(baseline.films[0])
    prepared = model.preparer.prepare(case, NO_COVARIATES.row(case.name))
    found = family_contributions(model, prepared, 1, most=10)
    assert {one.family for one in found} == {"first_order", "wavelet"}
    assert abs(found[0].change) > 0.01
    with pytest.MonkeyPatch.context() as patch:
        names = scorer.familiarity.names

        def usual(_: ModelScorer, cases: PreparedCases) -> Described:
            values = np.array([scorer.familiarity.centre], np.float32)  # type: ignore[union-attr]
            table = FeatureTable(cases.scored, names, values)
            described = Described(pd.DataFrame(), table, None)
            return cases.described.setdefault(scorer.preparing.steps, described)

        patch.setattr(ModelScorer, "describe", usual)
        assert [one.change for one in family_contributions(model, prepared, 1)] == pytest.approx(
            [0, 0]
        )


@pytest.mark.thorough
@pytest.mark.parametrize("arm", ["baseline", "network"])
def test_models_of_both_arms_have_maps(
    arm: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    trained: Trained = request.getfixturevalue(arm)
    model = load_model(trained.model)
    cases = [NewCase.of_file(film) for film in trained.films[:3]]
    rows = list(score_cases(model, cases))
    for name in ("first.html", "second.html"):
        assert write_page(rows, cases, model, tmp_path / name) == 3
    assert (tmp_path / "first.html").read_text().count("data:image/png") == 6
    assert (tmp_path / "first.html").read_bytes() == (tmp_path / "second.html").read_bytes()
