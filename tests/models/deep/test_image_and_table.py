"""Early fusion learns from both inputs; a table becomes numbers as training cases alone say."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.impute import SimpleImputer
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from skiagram.errors import DataError, ModelFailure, OptionError
from skiagram.models.deep.fitted import load_network
from skiagram.models.deep.image_and_table import ImageAndTable
from skiagram.models.deep.inputs import TableEncoder
from skiagram.records.feature_table import FeatureTable
from skiagram.training.data import ImageSet
from tests.models.deep.spots import SMALL_CNN, fit, noise_table, spots, training
from tests.yaml_rows import of_rows

pytestmark = pytest.mark.slow

SHUFFLE = {
    "_target_": "skiagram.models.deep.transfer.Transfer",
    "architecture": "shufflenet_v2_x0_5",
    "weights": "none",
    "gray": "repeat",
    "frozen_epochs": 2,
}


def options(backbone=SMALL_CNN, how=None):
    return ImageAndTable(
        columns=None, backbone=backbone, hidden=4, dropout=0.0, training=how or training(epochs=6)
    )


def telling(cases):
    """Give cases a diameter that tells their classes apart, imperfectly and with gaps."""
    draw = np.random.default_rng(1)
    diameter = 2.0 * cases.label + draw.normal(size=len(cases))
    diameter[::9] = np.nan
    table = FeatureTable(
        cases.case_id, ("covariates_diameter",), diameter[:, None].astype(np.float32)
    )
    return replace(cases, inputs=ImageSet(cases.inputs.store, cases.case_id, table))


def fitted(cases, how=None):
    """Fit to the first half of the cases; a sixth more decides when to stop."""
    rows, half = np.arange(len(cases)), len(cases) // 2
    known, stopping = cases.select(rows[:half]), cases.select(rows[half : 4 * half // 3])
    return fit(options(how=how), known, stopping)


def auc(cases, model):
    held_out = cases.select(np.arange(2 * len(cases) // 3, len(cases)))
    margin = model.scores(held_out.inputs) @ [-1.0, 1.0]
    return float(roc_auc_score(held_out.label, margin))


def test_the_table_tells_what_the_image_hides_and_the_other_way_round(tmp_path):
    hidden = spots(tmp_path / "hidden", 120, noise=20.0)
    shown = spots(tmp_path / "shown", 120, noise=0.3)
    assert auc(telling(hidden), fitted(telling(hidden))) > 0.85
    assert auc(shown, fitted(shown)) > 0.95  # its table says nothing


def test_scores_need_the_table_and_its_columns(tmp_path):
    cases = telling(spots(tmp_path / "images", 24))
    model = fitted(cases, training(epochs=1))
    with pytest.raises(DataError, match="no table of covariates"):
        model.scores(ImageSet(cases.inputs.store, cases.case_id))
    other = ImageSet(cases.inputs.store, cases.case_id, noise_table(cases.case_id))
    with pytest.raises(DataError, match="no feature `covariates_diameter`"):
        model.scores(other)


def test_a_saved_network_with_the_encoder_of_another_is_refused(tmp_path):
    cases = spots(tmp_path / "images", 24)
    one = fitted(cases, training(epochs=1))
    one.save(tmp_path / "one")
    fitted(telling(cases), training(epochs=1)).save(tmp_path / "other")
    for name in ("table.json", "table.skops"):
        (tmp_path / "one" / name).write_bytes((tmp_path / "other" / name).read_bytes())
    with pytest.raises(DataError, match="a table of 2 columns for a network that reads 4"):
        load_network(tmp_path / "one", one.network)


def test_a_frozen_base_stays_frozen_inside():
    whole = options(SHUFFLE)
    network = whole.build((1, 32, 32), 2, columns=3)
    whole.load_weights(network)
    assert network.frozen_epochs == 2
    for epoch, training_base in ((0, False), (2, True)):
        network.begin_epoch(epoch)
        assert network.backbone.base.training == training_base
    assert network.eval()(torch.zeros(5, 1, 32, 32), torch.zeros(5, 3)).shape == (5, 2)


def test_the_layers_of_a_backbone_learn_at_its_rates_and_the_others_at_the_whole_rate():
    whole = options(SHUFFLE | {"layer_decay": 0.5})
    network = whole.build((1, 32, 32), 2, columns=3)
    (share, own), *below = network.rates()
    assert share == 1
    assert {*map(id, own)} == {*map(id, [*network.head.parameters(), *network.table.parameters()])}
    assert [share for share, _ in below] == [0.5**depth for depth in range(1, len(below) + 1)]
    every = [id(parameter) for _, part in network.rates() for parameter in part]
    assert sorted(every) == sorted(map(id, network.parameters()))


@of_rows(__file__, "backbones", "refused.yaml")
def test_a_backbone_that_is_none_is_refused(backbone, said):
    with pytest.raises(OptionError, match=said):
        options(backbone)


NAMES = ("covariates_age", "covariates_side_left", "covariates_side_right", "covariates_dose")


def table(rows, names=NAMES):
    values = np.array(rows, dtype=np.float32)
    return FeatureTable(np.array([f"c{at}" for at in range(len(rows))]), names, values)


KNOWN = table([[40, 1, 0, 1], [np.nan, 1, 0, 2], [60, 0, 0, 4], [80, 1, 0, 1]])


def test_equals_scikit_learns_steps_without_constant_columns():
    encoder = TableEncoder.fit(KNOWN, "network")
    filled = SimpleImputer(strategy="median", add_indicator=True).fit_transform(KNOWN.values)
    expected = StandardScaler().fit_transform(filled[:, [0, 1, 3, 4]])
    assert encoder.width == 4  # age, left, dose, and where age was missing
    assert_allclose(encoder.encode(KNOWN).numpy(), expected, rtol=1e-6, atol=1e-6)


def test_a_category_that_training_never_saw_moves_nothing():
    encoder = TableEncoder.fit(KNOWN, "network")
    unknown, unseen = encoder.encode(table([[50, 0, 0, 1], [50, 0, 1, 1]])).numpy()
    assert_array_equal(unseen, unknown)


def test_further_columns_and_another_order_play_no_part_and_an_absent_one_is_named():
    encoder = TableEncoder.fit(KNOWN, "network")
    order = [3, 1, 0, 2]
    shuffled = FeatureTable(
        KNOWN.case_id,
        (*(NAMES[at] for at in order), "covariates_more"),
        np.column_stack([KNOWN.values[:, order], np.arange(4)]).astype(np.float32),
    )
    assert_array_equal(encoder.encode(shuffled), encoder.encode(KNOWN))
    with pytest.raises(DataError, match="no feature `covariates_dose`"):
        encoder.encode(KNOWN.columns(NAMES[:3]))


def test_a_table_that_tells_no_case_from_another_is_refused():
    with pytest.raises(ModelFailure, match="no covariate differs between the training cases"):
        TableEncoder.fit(table([[1, 0, 0, np.nan]] * 5), "network")
