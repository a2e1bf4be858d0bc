"""Maps that keep places: what is pooled, where, and weights that came in a package."""

from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from numpy.testing import assert_allclose
from skimage import data
from skimage.transform import resize

from skiagram.compute.files import sha256_of
from skiagram.encoders.encoder import read_picture
from skiagram.encoders.encoding import FolderEncoder
from skiagram.encoders.timm_encoder import (
    fold_normalisations,
    name_as_timm,
)
from skiagram.encoders.weights import PackageFile, read_tensors
from skiagram.errors import DataError
from skiagram.images import Region
from skiagram.options import build
from skiagram.records.places import tabulate_places
from tests.encoders.examples import CONF, SIDE, encode_images, images, store, weights_file
from tests.yaml_rows import load_yaml

pytestmark = pytest.mark.slow  # timm takes seconds to import
LITE = CONF / "encoder/efficientnet_lite0.yaml"
RESNET = "test_resnet"  # maps of strides 2, 4, 8, 16 and 32
CLASSES = {"chelsea": 285, "coffee": 967, "rocket": 657}  # Egyptian cat, espresso, missile


def maps(folder, **changed):
    values = load_yaml(LITE)
    path = weights_file(folder, RESNET)
    of_images = {"size": SIDE, "fit": "pad", "mean": [0.5], "std": [0.25], "margin": None}
    values |= {
        "architecture": RESNET,
        "weights": {"file": str(path), "sha256": sha256_of(path)},
        "tensors_sha256": None,
        "mirrored": False,
        "depths": [{"stage": 2, "cells": 3}, {"stage": 3, "cells": 1}],
        "preprocessing": values["preprocessing"] | of_images | changed.pop("preprocessing", {}),
    }
    return build(values | changed, "encoder")


def test_weights_of_the_package_tell_three_photographs_apart():
    """Under other names the same tensors: the whole classifier, as ImageNet's classes are."""
    encoder = build(load_yaml(LITE), "encoder")
    network = timm.create_model("tf_efficientnet_lite0")
    tensors = read_tensors(encoder.weights.locate("weights"))
    network.load_state_dict(name_as_timm(tensors, network))
    network.eval()
    for name, expected in CLASSES.items():
        photograph = getattr(data, name)()
        side = min(photograph.shape[:2])
        top, left = ((length - side) // 2 for length in photograph.shape[:2])
        square = photograph[top : top + side, left : left + side]
        picture = resize(square, (224, 224), anti_aliasing=True).astype(np.float32)
        seen = torch.from_numpy((picture - 0.5) / 0.5).permute(2, 0, 1)[None]
        with torch.inference_mode():
            assert int(network(seen).argmax()) == expected, name


def test_the_encoder_of_the_package_has_its_weights_and_names_its_depths():
    encoder = build(load_yaml(LITE), "encoder")
    loaded = encoder.load()
    assert [name for name, _ in loaded.parts][:2] == ["stage_1_mean", "stage_1_maximum"]
    other = replace(encoder, tensors_sha256="0" * 64)
    with pytest.raises(DataError, match="another SHA-256"):
        other.load()


def test_an_absent_package_and_an_absent_file_say_what_to_install():
    absent = PackageFile(package="no-such-weights", filename="a.pth", sha256="0" * 64)
    with pytest.raises(DataError, match=r"no-such-weights.*`make setup`"):
        absent.locate("encoder.weights")
    with pytest.raises(DataError, match=r"no file a\.pth in the package `timm`"):
        replace(absent, package="timm").locate("encoder.weights")


def test_a_place_has_the_mean_and_maximum_of_the_cells_around_it(tmp_path):
    encoder, picture = maps(tmp_path), images(SIDE, SIDE, seed=4)
    folder = store(tmp_path / "images", [picture])
    whole, record = encode_images(folder, encoder)
    places = tabulate_places([("case-000", (12.0, 20.0), 3.0), ("case-000", (0.0, 31.0), 3.0)])
    table = FolderEncoder.of_images(folder, encoder).encode_places(folder, places)
    assert table.names == whole.names
    resolved = build(record.encoder, "encoder")
    network = encoder.load().network
    scaled = resolved.preprocessing.intensity.scale(picture)
    with torch.inference_mode():
        fine, coarse = network.maps(read_picture(scaled, 1.0, 3, resolved.preprocessing)[None])
    # A map of stride 8 has 4 × 4 cells: pixel (12, 20) lies in cell (1, 2), (0, 31) in (0, 3).
    assert fine.shape[-1] == 4
    middle, corner = fine[0, :, 0:3, 1:4], fine[0, :, 0:2, 2:4]
    expected = [
        [middle.mean(dim=(1, 2)), middle.amax(dim=(1, 2)), *[coarse[0, :, 0, 1]] * 2],
        [corner.mean(dim=(1, 2)), corner.amax(dim=(1, 2)), *[coarse[0, :, 0, 1]] * 2],
    ]
    for row, parts in zip(table.values, expected, strict=True):
        assert_allclose(row, torch.cat(parts).numpy(), rtol=1e-4, atol=1e-6)


def test_numbers_of_both_mirror_images_are_the_mean_of_each_ones(tmp_path):
    """Also at places, which stand where they stood before the image was turned."""
    left, right = images(SIDE, SIDE, seed=6), images(SIDE, SIDE, seed=6)[:, ::-1].copy()
    folder = store(tmp_path / "images", [left, right])
    at, turned = (9.0, 4.0), (9.0, SIDE - 1 - 4.0)
    places = tabulate_places([("case-000", at, 1.0), ("case-001", turned, 1.0)])
    once, twice = (
        FolderEncoder.of_images(folder, maps(tmp_path, mirrored=mirrored))
        for mirrored in (False, True)
    )
    of_places = twice.encode_places(folder, places).values
    for values, single in (
        (of_places, once.encode_places(folder, places).values),
        (twice.encode(folder).values, once.encode(folder).values),
    ):
        assert not np.allclose(single[0], single[1], rtol=1e-3)
        expected = np.tile(single.mean(axis=0), (2, 1))
        assert_allclose(values, expected, rtol=1e-4, atol=1e-6)


def test_padding_and_what_lies_beyond_the_region_do_not_count(tmp_path):
    """A wide picture's black bars are not pooled, nor is what is off the region of interest."""
    encoder = maps(tmp_path, depths=[{"stage": 1, "cells": 1}])
    network = encoder.load().network
    wide = images(16, SIDE, seed=5)
    inside = np.zeros((16, SIDE), bool)
    inside[:, 16:] = True
    folders = store(tmp_path / "a", [wide]), store(tmp_path / "b", [wide], [Region(inside)])
    (all_of_it, record), (part, _) = (encode_images(folder, encoder) for folder in folders)
    resolved = build(record.encoder, "encoder")
    scaled = resolved.preprocessing.intensity.scale(wide)
    with torch.inference_mode():
        (of_picture,) = network.maps(read_picture(scaled, 1.0, 3, resolved.preprocessing)[None])
    rows = of_picture[0, :, 2:6]  # of 8: a quarter of the square is a bar, above and below
    for table, kept in ((all_of_it, rows), (part, rows[:, :, 4:])):
        expected = torch.cat([kept.mean(dim=(1, 2)), kept.amax(dim=(1, 2))])
        assert_allclose(table.values[0], expected.numpy(), rtol=1e-4, atol=1e-6)


def test_places_of_a_volume_are_seen_in_their_slices(tmp_path):
    encoder, volume = maps(tmp_path), images(6, SIDE, SIDE, 1, seed=7)
    folder = store(tmp_path / "volume", [volume])
    ready = FolderEncoder.of_images(folder, encoder)
    rows = [("case-000", (2.0, 9.0, 9.0), 1.0), ("case-000", (4.0, 9.0, 9.0), 1.0)]
    table = ready.encode_places(folder, tabulate_places(rows))
    # The same slices as pictures of their own, scaled by the volume's own limits.
    flat = store(tmp_path / "flat", [volume[2, ..., 0], volume[4, ..., 0]])
    flat_rows = [("case-000", (9.0, 9.0), 1.0), ("case-001", (9.0, 9.0), 1.0)]
    ready = FolderEncoder.of_images(flat, encoder)
    alone = ready.encode_places(flat, tabulate_places(flat_rows))
    assert_allclose(table.values, alone.values, rtol=1e-4, atol=1e-6)


def boxes(*of):
    inside = np.zeros((8, 24, SIDE), bool)
    for part in of:
        inside[part] = True
    return inside


HOLLOW = boxes(np.s_[2:7, 4:13, 8:21]) & ~boxes(np.s_[4, 4:8])
IN_TWO = boxes(np.s_[0:2, 2:6, 8:12], np.s_[5:8, 14:20, 10:22])


@pytest.mark.parametrize(
    ("inside", "planes"),
    [
        (HOLLOW, (np.s_[4], np.s_[:, 8], np.s_[:, :, 14])),  # through the middle of the region
        (None, (np.s_[4], np.s_[:, 12], np.s_[:, :, 16])),
        # Through slice 4 and row 11 runs no part; column 15 meets one.
        (IN_TWO, (np.s_[5], np.s_[:, 14], np.s_[:, :, 15])),
    ],
)
def test_planes_of_a_volume_are_pooled_inside_its_region_alone(inside, planes, tmp_path):
    """As the three planes are as images of their own, each with what it shows of the region."""
    encoder = maps(tmp_path, volumes={"pictures": "planes", "slices": 1})
    volume, region = images(8, 24, SIDE, 1), None if inside is None else [Region(inside)]
    shown = None if inside is None else [Region(inside[plane]) for plane in planes]
    folder = store(tmp_path / "whole", [volume], region, (1.0, 1.0, 1.0))
    flat = store(tmp_path / "flat", [volume[..., 0][plane] for plane in planes], shown)
    table, record = encode_images(folder, encoder)
    alone, _ = encode_images(flat, encoder)
    expected = [*alone.values.mean(axis=0), *alone.values.max(axis=0)]
    assert_allclose(table.values[0], expected, rtol=1e-4, atol=1e-6)
    assert len(table.names) == 2 * record.numbers


def test_normalisations_that_are_folded_change_no_number_and_others_stay():
    torch.manual_seed(0)
    for name, folds in (("tf_efficientnet_lite0", True), ("test_vit", False)):
        network = timm.create_model(name, num_classes=0).eval()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
                torch.nn.init.uniform_(module.running_var, 0.5, 1.5)
        folded = fold_normalisations(network)
        left = [m for m in folded.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        assert (folded is not network) == folds
        assert not left
        side = 64 if folds else 160
        picture = torch.rand(1, 3, side, side)
        with torch.inference_mode():
            torch.testing.assert_close(folded(picture), network(picture), rtol=1e-3, atol=1e-4)


def test_an_even_square_of_cells_is_refused(tmp_path):
    with pytest.raises(Exception, match="must be odd"):
        maps(tmp_path, depths=[{"stage": 2, "cells": 4}])


def test_percentiles_of_the_body_part_pass_over_a_masked_background():
    values = load_yaml(CONF / "encoder/efficientnet_lite0_places.yaml")
    intensity = build(values, "encoder").preprocessing.intensity
    image = np.zeros((20, 20), np.uint8)
    image[5:15, 5:15] = np.arange(100, 200).reshape(10, 10)
    low, high = np.percentile(np.arange(100, 200), [1.0, 99.5])
    scaled = intensity.scale(image)
    assert_allclose(scaled[9, 9], (144 - low) / (high - low), rtol=1e-6)
    assert scaled[0, 0] == 0
