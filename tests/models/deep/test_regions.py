"""Networks on regions: boxes, masks and modalities, read whole or as three planes."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.metrics import roc_auc_score

from skiagram.errors import ModelFailure, OptionError
from skiagram.fitting.contract import Labelled
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import write_modalities
from skiagram.images import Region
from skiagram.models.deep.cnn_3d import CNN3D
from skiagram.models.deep.fitted import load_network
from skiagram.models.deep.image_and_table import ImageAndTable
from skiagram.models.deep.inputs import stored_images
from skiagram.models.deep.network_model import NetworkModel
from skiagram.models.deep.small_cnn import SmallCNN
from skiagram.records.feature_table import FeatureTable
from skiagram.tasks.classes import Classes
from skiagram.training.data import ImageSet
from skiagram.training.options import NetworkInput, RegionBox, VolumeAugmentation
from tests.models.deep.spots import fit, training

pytestmark = pytest.mark.slow

BOX = RegionBox(margin=1.0, unit="mm", equal_sides=True)
BOXED = NetworkInput(box=BOX, mask_channel=True)
TURNED = VolumeAugmentation(
    depth_flip=True, vertical_flip=True, horizontal_flip=True, shift=0.05, rotation=20.0, zoom=0.1,
    contrast=0.1, brightness=0.1,
)  # fmt: skip


def scans(folder, n, *, regions=True):
    """Write two modalities on grids of their own; the class is the first one's level inside.

    A region lies at a random place and is of a random size, and outside it is brighter than
    inside, so that a whole volume says little.
    """
    draw = np.random.default_rng(n)
    label = np.arange(n, dtype=np.int64) % 2
    case_id = np.array([f"case{row:04d}" for row in range(n)])
    grids = {"PET": ((12, 14, 16), (2.0, 2.0, 2.0)), "MR_T1": ((12, 28, 32), (2.0, 1.0, 1.0))}
    places = [(draw.uniform(8, 16, 3), draw.uniform(3.5, 6)) for _ in range(n)]
    for number, (name, (shape, spacing)) in enumerate(grids.items()):
        with ShardWriter(folder / name if number else folder) as writer:
            for case, (centre, radius), level in zip(case_id.tolist(), places, label, strict=True):
                inside = ball(shape, spacing, centre, radius)
                image = draw.normal(size=shape) + 3.0 * ~inside
                if number == 0:
                    image[inside] += 1.5 * level
                region = Region(inside) if regions else None
                writer.add(case, image.astype(np.float32)[..., None], spacing, region)
    write_modalities(folder, list(grids))
    store, modalities = stored_images(NetworkInput(), folder)
    return Labelled(
        ImageSet(store, case_id, None, modalities), case_id, label, case_id, Classes(("0", "1"))
    )


def ball(shape, spacing, centre, radius):
    """Return the voxels whose centres lie within a ball; the volume's middle is at 12, 14, 16."""
    coordinates = [(np.arange(side) + 0.5) * of for side, of in zip(shape, spacing, strict=True)]
    middle = [12.0, 14.0, 16.0]
    axes = np.meshgrid(*coordinates, indexing="ij")
    apart = [
        (axis - around - at + 12.0) ** 2
        for axis, around, at in zip(axes, middle, centre, strict=True)
    ]
    return np.asarray(np.sum(apart, axis=0) <= radius**2)


def options(given, size=12, epochs=8, **changed):
    return training(epochs, image_size=size, input=given, **changed)


def volume_network(given, **changed):
    return CNN3D(widths=(6, 12), dropout=0.1, training=options(given, **changed))


def auc(fitted, cases):
    return float(roc_auc_score(cases.label, fitted.scores(cases.inputs) @ [-1.0, 1.0]))


def test_a_network_learns_from_boxes_of_two_modalities_with_the_mask(tmp_path):
    cases = scans(tmp_path / "images", 72)
    known, unseen = cases.select(np.arange(48)), cases.select(np.arange(48, 72))
    fitted = fit(volume_network(BOXED, augmentation=TURNED), known, unseen)
    assert auc(fitted, unseen) > 0.85
    assert fitted.summary.images_seen == 8 * 48


def test_a_network_of_volumes_and_a_table_is_trained_and_comes_back(tmp_path):
    """The table tells the classes apart; whatever the first epoch learns, it is read again."""
    cases = scans(tmp_path / "images", 16)
    values = (cases.label + 0.1 * np.arange(16))[:, None].astype(np.float32)
    table = FeatureTable(cases.case_id, ("covariates_age",), values)
    inputs = replace(cases.inputs, table=table)
    seen = replace(cases, inputs=inputs)
    of_volumes = {"_target_": "skiagram.models.deep.cnn_3d.CNN3D", "widths": [4, 8], "dropout": 0.0}
    network = ImageAndTable(
        columns=None,
        backbone=of_volumes,
        hidden=4,
        dropout=0.0,
        training=options(BOXED, epochs=1, patience=1),
    )
    fitted = fit(network, seen, seen)
    fitted.save(tmp_path / "model")
    again = load_network(tmp_path / "model", network)
    assert_array_equal(again.scores(inputs), fitted.scores(inputs))
    older = replace(inputs, table=replace(table, values=values + 3))
    assert not np.array_equal(again.scores(older), again.scores(inputs))


def test_three_planes_learn_and_cost_what_their_image_costs(tmp_path):
    cases = scans(tmp_path / "images", 72)
    known, unseen = cases.select(np.arange(48)), cases.select(np.arange(48, 72))
    planes = replace(BOXED, three_planes=True)
    network = SmallCNN(widths=(8, 16), dropout=0.1, training=options(planes, 16))
    fitted = fit(network, known, unseen)
    assert auc(fitted, unseen) > 0.8
    channels = 3 * 3
    first, second = 8 * 8 * 25 * channels * 8, 4 * 4 * 9 * 8 * 16  # strides and poolings halve
    assert fitted.summary.multiply_adds == first + second + 16 * 2
    weights = 25 * channels * 8 + 9 * 8 * 16
    assert fitted.summary.parameters == weights + 2 * (8 + 16) + 16 * 2 + 2


def test_one_modality_and_no_mask_are_a_choice(tmp_path):
    cases = scans(tmp_path / "images", 24)
    for names, sees_class in (("PET",), True), (("MR_T1",), False):
        given = NetworkInput(modalities=names, box=BOX)
        store, modalities = stored_images(given, tmp_path / "images")
        assert not modalities
        inputs = ImageSet(store, cases.case_id)
        assert inputs.shape(8, given) == (1, 8, 8, 8)
        centres = inputs.read(np.arange(24), 8, given)[:, 0, 3:5, 3:5, 3:5].mean(dim=(1, 2, 3))
        assert (abs(roc_auc_score(cases.label, centres) - 0.5) > 0.4) == sees_class


def test_other_choices_change_the_digest_of_what_a_network_reads(tmp_path):
    scans(tmp_path, 4)
    digests = set()
    for names in (None, ("PET",), ("MR_T1", "PET")):
        network = volume_network(NetworkInput(modalities=names))
        prepared = SimpleNamespace(images=tmp_path, candidates=tmp_path, covariates=None)
        digests.add(NetworkModel(network, None, 1).read(prepared, None).sha256)
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (NetworkInput(modalities=("CT",)), "no images `CT`.*PET, MR_T1"),
        (NetworkInput(modalities=("PET", "PET")), "twice"),
        (BOXED, "the images have none.*a data set with masks"),
    ],
)
def test_what_the_data_set_lacks_is_refused_before_training(tmp_path, given, named):
    scans(tmp_path, 4, regions=False)
    with pytest.raises(OptionError, match=rf"model\.training\.input.*{named}"):
        stored_images(given, tmp_path)


def test_planes_need_cubes_and_the_message_says_how(tmp_path):
    cases = scans(tmp_path / "images", 4)
    given = NetworkInput(box=BOX, three_planes=True)
    network = SmallCNN(widths=(4, 8), dropout=0.0, training=options(given, (8, 16, 16)))
    with pytest.raises(ModelFailure, match=r"three planes of 8 × 16 × 16.*image_size to one"):
        fit(network, cases, cases)
