"""Networks learn what they are built for, and refuse what they do not read by name."""

import numpy as np
import pytest

from skiagram.errors import ModelFailure
from tests.models.deep.spots import fit, short_network, spots

pytestmark = pytest.mark.slow

OF_VOLUMES = ("cnn_3d", "recurrent")
# Others have tests of their own that show what they learn.
LEARNING = ("article_cnn", "small_cnn", "small_resnet", "vision_transformer", "recurrent")


@pytest.mark.parametrize(
    ("name", "depth"),
    [*((name, None) for name in LEARNING), *((name, 10) for name in OF_VOLUMES)],
)
def test_learns(tmp_path, name, depth):
    cases = spots(tmp_path / "images", 72, noise=0.3, side=12 if depth else 32, depth=depth)
    known, unseen = cases.select(np.arange(48)), cases.select(np.arange(48, 72))
    network = short_network(name, epochs=12 if depth else 6)
    losses = fit(network, known, unseen).summary.curves["training_loss"]
    assert losses.iloc[-1] < 0.9 * losses.iloc[0]


def test_networks_refuse_what_they_do_not_read_by_name(tmp_path):
    volumes = spots(tmp_path / "volumes", 4, side=32, depth=5)
    with pytest.raises(ModelFailure, match="volumes of 5 × 32 × 32 voxels") as refused:
        fit(short_network("small_cnn", epochs=1), volumes, volumes)
    assert all(other in refused.value.remedy for other in OF_VOLUMES)
    images = spots(tmp_path / "images", 4, side=32)
    with pytest.raises(ModelFailure, match=r"cnn_3d: images of 32 × 32 pixels.*small_cnn"):
        fit(short_network("cnn_3d", epochs=1), images, images)
