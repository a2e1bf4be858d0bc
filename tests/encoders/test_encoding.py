"""Encodings are timm's own numbers, each image on its own, and each image only once."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skiagram.compute.context import RunContext
from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import IN_PROCESS, Compute
from skiagram.encoders import encoding
from skiagram.encoders.encoder import TABLE, carry_encoder
from skiagram.encoders.encoding import FolderEncoder, resolve_preprocessing
from skiagram.encoders.timm_encoder import PooledNetwork
from skiagram.errors import DataError, OptionError
from skiagram.image_store.store import write_modalities
from skiagram.images import Region
from skiagram.options import build
from skiagram.preparation import (
    FurtherModality,
    ImageKinds,
    Preparation,
    TraitRanges,
)
from skiagram.records.feature_table import FeatureTable
from skiagram.records.places import tabulate_places
from tests.encoders.examples import (
    SIDE,
    SMALL,
    VIT,
    count_encoded,
    encode_images,
    encoder,
    images,
    network,
    store,
    weights_file,
)

pytestmark = pytest.mark.slow  # timm takes seconds to import


def asked(batch, architecture=VIT):
    """Return what timm's data config asks for of bytes of the right size."""
    config = timm.data.resolve_data_config(
        pretrained_cfg=timm.models.get_pretrained_cfg(architecture).to_dict()
    )
    scaled = torch.from_numpy(batch.astype(np.float32) / 255)[:, None].expand(-1, 3, -1, -1)
    mean, std = (torch.tensor(config[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    return (scaled - mean) / std


@pytest.mark.parametrize("architecture", SMALL)
def test_numbers_are_those_of_timm_on_the_same_pictures(architecture, tmp_path):
    shown = images(5, SIDE, SIDE)
    folder = store(tmp_path / "images", list(shown))
    given = encoder(weights_file(tmp_path, architecture), architecture)
    table, record = encode_images(folder, given)
    with torch.inference_mode():
        expected = network(architecture)(asked(shown, architecture)).numpy()
    assert_allclose(table.values, expected, rtol=1e-5, atol=1e-6)
    assert record.numbers == expected.shape[1] == record.columns
    assert table.names[0] == "encoding_000"
    assert record.encoder["preprocessing"]["mean"]
    assert record.encoder["preprocessing"]["intensity"]["window"] == {"low": 0.0, "high": 255.0}


def test_class_token_mean_of_patches_and_layers_are_those_of_timm(tmp_path):
    shown = images(3, SIDE, SIDE)
    folder, path = store(tmp_path / "images", list(shown)), weights_file(tmp_path)
    body = network()
    with torch.inference_mode():
        features = body.forward_features(asked(shown))
        inner = body.forward_intermediates(
            asked(shown), indices=2, norm=True, intermediates_only=True, return_prefix_tokens=True
        )
    prefix = body.num_prefix_tokens
    token, patches = features[:, 0], features[:, prefix:].mean(dim=1)
    for pooling, layers, expected in (
        ("class_token", 1, token),
        ("patches", 1, patches),
        ("class_token_and_patches", 1, torch.cat([token, patches], dim=1)),
        ("class_token", 2, torch.cat([tokens[:, 0] for _, tokens in inner], dim=1)),
    ):
        given = encoder(path, pooling=pooling, layers=layers)
        table, _ = encode_images(folder, given)
        assert_allclose(table.values, expected.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("architecture", SMALL)
def test_bytes_depend_on_no_batch_worker_or_earlier_run(architecture, tmp_path):
    shown, path = list(images(37, 20, 26)), weights_file(tmp_path, architecture)
    whole, part = store(tmp_path / "whole", shown), store(tmp_path / "part", shown[3:7])
    given, cache = encoder(path, architecture), PieceStore(tmp_path / "cache")
    expected = encode_images(whole, given)[0].values.tobytes()
    two = Compute(**{**vars(IN_PROCESS), "workers": 2})
    for context in (RunContext(two), RunContext(store=cache), RunContext(store=cache)):
        encode_images(part, given, context)
        found = encode_images(whole, given, context)[0].values
        assert found.tobytes() == expected
    small = encode_images(whole, replace(given, batch_size=3))[0]
    assert_allclose(
        small.values, np.frombuffer(expected, "<f4").reshape(37, -1), rtol=1e-5, atol=1e-6
    )


def test_only_new_images_are_encoded_and_names_of_cases_play_no_part(tmp_path, monkeypatch):
    shown, given = list(images(9, 20, 20)), encoder(weights_file(tmp_path))
    encoded, said = count_encoded(monkeypatch), []
    cache = PieceStore(tmp_path / "cache")
    encode_images(
        store(tmp_path / "some", shown[:6]), given, RunContext(store=cache, say=said.append)
    )
    assert len(encoded) == 6
    assert any("licence" in line for line in said)
    encoded.clear()
    names = [f"other-{place}" for place in range(9)]
    all_of_them = store(tmp_path / "all", shown, names=names)
    encode_images(all_of_them, given, RunContext(store=cache, say=said.append))
    assert encoded == [6, 7, 8]
    assert "6 of 9 images" in said[-1]
    encoded.clear()
    wider = encoder(weights_file(tmp_path), preprocessing={"fit": "pad"})
    encode_images(all_of_them, wider, RunContext(store=cache))
    assert len(encoded) == 9  # other options, other numbers
    encoded.clear()
    monkeypatch.setattr(encoding, "code_digest", lambda *_: "a bug was mended")
    encode_images(all_of_them, wider, RunContext(store=cache))
    assert len(encoded) == 9


def test_encodings_that_are_damaged_are_made_again(tmp_path):
    folder = store(tmp_path / "images", list(images(60, 8, 8)))
    given = encoder(weights_file(tmp_path))
    expected = encode_images(folder, given)[0].values
    cache = PieceStore(tmp_path / "cache")
    encode_images(folder, given, RunContext(store=cache))
    (file,) = cache.folder.glob("encodings-*/rows.npy")
    file.write_bytes(b"no numbers" * 999)
    found = encode_images(folder, given, RunContext(store=cache))[0].values
    assert_array_equal(found, expected)


def test_volumes_are_mean_and_maximum_over_planes_or_slices_of_a_region(tmp_path):
    path = weights_file(tmp_path)
    volume = images(6, 9, 10, 1)
    inside = np.zeros((6, 9, 10), dtype=bool)
    inside[1:4, 2:5, 3:6] = True
    cut = store(tmp_path / "cut", [volume], [Region(inside)], (3.0, 1.0, 1.0))
    planes = store(
        tmp_path / "planes",
        [volume[2, 2:5, 3:6, 0], volume[1:4, 3, 3:6, 0], volume[1:4, 2:5, 4, 0]],
    )
    slices = store(tmp_path / "slices", [volume[z, 2:5, 3:6, 0] for z in (1, 2, 3)])
    for pictures, flat in (("planes", planes), ("slices", slices)):
        given = encoder(
            path,
            volumes={"pictures": pictures, "slices": 3},
            preprocessing={"margin": 0.0},
        )
        alone = encode_images(flat, given)[0].values
        table, record = encode_images(cut, given)
        half = record.numbers
        assert_allclose(table.values[0, :half], alone.mean(axis=0), rtol=1e-5, atol=1e-6)
        assert_allclose(table.values[0, half:], alone.max(axis=0), rtol=1e-5, atol=1e-6)
        assert table.names[half] == "encoding_maximum_000"


def normalising(*names):
    """Return a restoration's options that scale the images of some modalities, or of the one."""
    steps = {"region": {"normalisation": {"mean": 0.0, "deviation": 1.0}}}
    return {"modalities": dict.fromkeys(names, steps)} if names else steps


def test_bytes_that_a_restoration_normalised_are_seen_by_percentiles(tmp_path):
    shown = [(image.astype(np.float32) - 128) / 64 for image in images(2, 20, 20)]
    folder, given = store(tmp_path / "images", shown), encoder(weights_file(tmp_path))
    expected, _ = encode_images(folder, given)  # as of floats
    stored_bytes = ImageKinds.of(list(images(2, 20, 20)))
    preparation = Preparation(stored_bytes, restoration=normalising())
    table, record = encode_images(folder, given, preparation=preparation)
    assert record.encoder["preprocessing"]["intensity"]["window"] is None
    assert table.values.tobytes() == expected.values.tobytes()


def test_each_modality_is_seen_by_its_own_depth_in_training_and_in_a_model(tmp_path):
    shown = list(images(3, 20, 20))
    deep = [picture.astype(np.uint16) * 16 for picture in shown]
    folder, given = store(tmp_path / "images", shown), encoder(weights_file(tmp_path))
    store(folder / "MR", deep)
    write_modalities(folder, ["XR", "MR"])
    traits = TraitRanges(("",), (), True, (0, 1), (0, 1))
    further = FurtherModality("MR", ImageKinds.of(deep), traits)
    plain = Preparation(ImageKinds.of(shown), modalities=("XR", "MR"), further=(further,))
    table, record = encode_images(folder, given, preparation=plain)
    alone = [
        encode_images(store(tmp_path / n, x), given)[0] for n, x in (("x", shown), ("m", deep))
    ]
    assert table.values.tobytes() == np.hstack([each.values for each in alone]).tobytes()
    assert table.names[0] == "XR.encoding_000"
    assert table.names[record.numbers] == "MR.encoding_000"
    # a model's folder sees new images in the same ways
    ready = FolderEncoder.of_images(folder, given, preparation=plain)
    ready.write(folder, tmp_path / "encoded")
    (tmp_path / "model").mkdir()
    carry_encoder(tmp_path / "encoded", tmp_path / "model")
    kept = build(record.encoder, "").kept(tmp_path / "model" / "learned", record.sha256)
    of_model = FolderEncoder.of_network(kept, kept.load(), plain)
    assert of_model.encode(folder).values.tobytes() == table.values.tobytes()
    # steps of one modality are not those of another
    scaled = replace(plain, restoration=normalising("XR"))
    loaded = given.load()
    ways = [resolve_preprocessing(scaled, given, loaded, name) for name in ("", "XR", "MR")]
    assert all(way.preprocessing.intensity.percentiles for way in ways)
    unscaled = replace(plain, restoration=normalising("MR"))
    assert resolve_preprocessing(unscaled, given, loaded).preprocessing.intensity.window


def test_a_cases_missing_pixels_and_numbers_that_are_not_finite_are_named(tmp_path, monkeypatch):
    picture = images(2, 20, 20).astype(np.float32)
    given = encoder(weights_file(tmp_path))
    broken = picture.copy()
    broken[1, 3, 3] = np.nan
    flat = 0 * broken  # whose percentiles are one value
    for name, films in {"broken": broken, "flat": flat}.items():
        with pytest.raises(DataError, match=r"case-001.*missing pixels"):
            encode_images(store(tmp_path / name, list(films)), given)
    inside = np.zeros((20, 20), dtype=np.bool_)
    inside[12:16, 12:16] = True
    far = store(tmp_path / "far", list(broken), [Region(inside)] * 2)
    assert np.isfinite(encode_images(far, given)[0].values).all()  # cut out around the region
    four = store(tmp_path / "four", [images(20, 20, 4)])
    with pytest.raises(DataError, match=r"case-000.*4 channels"):
        encode_images(four, given)
    forward = PooledNetwork.forward

    def spoilt(network, pictures):
        numbers = forward(network, pictures)
        numbers[0] = np.inf
        return numbers

    monkeypatch.setattr(PooledNetwork, "forward", spoilt)
    with pytest.raises(DataError, match=r"case-000.*not finite"):
        encode_images(store(tmp_path / "fine", list(picture)), given)


def test_a_models_folder_encodes_without_the_weights_it_came_from(tmp_path):
    folder, path = store(tmp_path / "images", list(images(3, 20, 20))), weights_file(tmp_path)
    given = encoder(path)
    table, record = encode_images(folder, given)
    FolderEncoder.of_images(folder, given).write(folder, tmp_path / "encoded")
    assert_array_equal(FeatureTable.read(tmp_path / "encoded" / TABLE).values, table.values)
    model = tmp_path / "model"
    model.mkdir()
    carry_encoder(tmp_path / "encoded", model)
    path.unlink()
    recorded = build(record.encoder, "")
    again = encode_images(folder, recorded.kept(model / "learned", record.sha256))[0]
    assert_array_equal(again.values, table.values)
    shutil.rmtree(model / "learned")  # as where the weights are large
    with pytest.raises(DataError, match="no such file of weights"):
        recorded.kept(model / "learned", record.sha256).load()


def test_an_encoder_of_whole_pictures_keeps_no_places(tmp_path):
    folder = store(tmp_path / "images", [images(48, 48)])
    ready = FolderEncoder.of_images(folder, encoder(weights_file(tmp_path), VIT))
    with pytest.raises(OptionError, match=r"keeps no places.*efficientnet_lite0_places"):
        ready.encode_places(folder, tabulate_places([("case-000", (20.0, 24.0), 3.0)]))
