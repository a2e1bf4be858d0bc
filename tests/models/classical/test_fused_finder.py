"""Finders on features and on an encoding together: what each counts is learnt."""

from dataclasses import replace

import numpy as np
import pytest

from skiagram.errors import DataError, OptionError
from skiagram.options import build
from skiagram.records.feature_table import FeatureTable
from tests.models.classical.families import read_options
from tests.models.classical.test_finder import CONTEXT, finder, inputs, labelled

VALUES = read_options("fused_finder")


def fused(**options):
    member = {"_target_": VALUES["by_features"]["_target_"]} | vars(finder(views=["own"]))
    changed = {"apart": 15.0, "by_encoding": member, "by_features": member}
    return build(VALUES | changed | options, "model")


def both(folder):
    """Return films whose encoding shows the lesions and whose features are noise."""
    whole, label = inputs(folder)
    seen = whole.features
    noise = np.random.default_rng(5).normal(size=seen.values.shape).astype(np.float32)
    encoding = FeatureTable(seen.case_id, ("encoding_0", "encoding_1"), seen.values)
    features = FeatureTable(seen.case_id, seen.names, noise)
    return replace(whole, features=encoding.beside(features)), label


def test_a_member_that_sees_nothing_counts_little_and_the_sum_marks(tmp_path):
    whole, label = both(tmp_path / "images")
    model, training = fused(), labelled(whole, label)
    fitted = model.fit(training, CONTEXT)
    by_encoding, by_features = (member.judge for member in fitted.fitted)
    first, second = fitted.record.weights
    encoding, features = (
        replace(whole, features=whole.features.columns(names))
        for names in (["encoding_0", "encoding_1"], ["first_order_mean", "glcm_noise"])
    )
    scores = first * by_encoding(encoding), second * by_features(features)
    assert scores[0].std() > 3 * scores[1].std()
    marks, every = fitted.mark(whole), scores[0] + scores[1]
    assert set(np.round(marks["score"], 6)) <= set(np.round(every, 6))
    assert marks["score"].max() == pytest.approx(every.max())
    assert 0 < fitted.other_share <= 1


def test_tables_of_other_places_and_members_that_find_nothing_are_refused(tmp_path):
    whole, _ = both(tmp_path)
    table = whole.features
    with pytest.raises(DataError, match="of other cases or places"):
        table.beside(table.select(np.arange(len(table))[::-1]))
    with pytest.raises(OptionError, match="no detector at candidates"):
        _ = fused(by_features=read_options("svm")).members
