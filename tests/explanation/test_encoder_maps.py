"""Maps of a frozen encoder with a head, against timm's own networks and the head's own scores."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import Tensor

from skiagram.encoders.encoding import encode_images
from skiagram.explanation.encoder_maps import EncoderReading, ExplainedEncoder, why_without_maps
from skiagram.explanation.saliency import Resolution, explain, rolled_attention, why_undefined
from skiagram.explanation.trust import Method
from skiagram.features.table import FeatureTable
from skiagram.image_store.store import ImageStore
from skiagram.models.classical.estimator import FittedClassical
from skiagram.models.contract import FitContext, Labelled
from skiagram.options import build, read_option_file
from tests.encoders.examples import VIT, encoder, images, store, weights_file

pytestmark = pytest.mark.thorough


RESOLUTION = Resolution(window=0.25, steps=16)
CASES = 24


def head(table: FeatureTable, name: str, **changed: Any) -> FittedClassical:
    """Return a head on what an encoder made of the images."""
    label = np.arange(CASES) % 2
    options = read_option_file(Path(f"conf/model/{name}.yaml"), name) | changed
    labelled = Labelled(table, table.case_id, label, table.case_id, 2)
    fitted: FittedClassical = build(options, "model").fit(labelled, FitContext(seed=0))
    return fitted


def explained(
    folder: Path, architecture: str = VIT, model: str = "logistic_regression", **changed: Any
) -> tuple[ExplainedEncoder, Tensor, FeatureTable, FittedClassical]:
    """Return an encoder with a head, what it reads, its encodings and the head."""
    pictures = [*images(CASES, 40, 40)]
    for picture in pictures[1::2]:
        picture[10:20, 10:20] = 255
    folder = store(folder / "images", pictures)
    options = encoder(weights_file(folder.parent, architecture), architecture)
    table, record = encode_images(folder, options)
    fitted = head(table, model, **changed)
    used = cast(Any, build(record.encoder, "encoder"))
    reading = EncoderReading(used, used.load(), ImageStore(folder))
    return (
        reading.explain(fitted, table, 1),
        reading.pictures(table.case_id.tolist()),
        table,
        fitted,
    )


@pytest.mark.parametrize("architecture", [VIT, "test_resnet", "test_convnext"])
@pytest.mark.parametrize(
    ("model", "changed"),
    [
        ("logistic_regression", {}),
        ("ridge", {"components": 5}),
        ("logistic_regression", {"selection": {"method": "variance", "keep": 9}}),
    ],
)
def test_a_linear_heads_score_is_a_function_of_the_picture(
    architecture: str, model: str, changed: dict[str, Any], tmp_path: Path
) -> None:
    network, pictures, table, fitted = explained(tmp_path, architecture, model, **changed)
    scores = fitted.scores(table)
    own = scores[:, 1] - scores[:, 0]
    np.testing.assert_allclose(network.score(pictures.numpy()), own, atol=1e-4 * np.abs(own).max())
    assert network.differentiable
    some = pictures[:2]
    added = explain("integrated_gradients", network, some, Resolution(0.25, 200)).sum(axis=(1, 2))
    blank = network.blank(some).numpy()
    change = network.score(some.numpy()) - network.score(blank)
    np.testing.assert_allclose(added, change, rtol=0.1, atol=0.05 * np.abs(own).max())
    methods: tuple[Method, ...] = ("grad_cam", "occlusion")
    for method in methods:
        assert why_undefined(method, network) == ""
        map_ = explain(method, network, some, RESOLUTION)
        assert map_.shape == (2, 32, 32)
        assert np.ptp(map_) > 0


def test_another_head_has_occlusion_alone(tmp_path: Path) -> None:
    network, pictures, table, fitted = explained(tmp_path, model="random_forest", trees=20)
    scores = fitted.scores(table)
    np.testing.assert_allclose(network.score(pictures.numpy()), scores[:, 1] - scores[:, 0])
    gradients: tuple[Method, ...] = ("grad_cam", "integrated_gradients")
    for method in gradients:
        assert "not linear" in why_undefined(method, network)
    assert why_undefined("occlusion", network) == ""
    before = network.score(pictures[1:2].numpy())
    map_ = explain("occlusion", network, pictures[1:2], Resolution(1.0, 4))
    lost = before - network.score(network.blank(pictures[1:2]).numpy())
    assert map_[0, 0, 0] == pytest.approx(lost[0])  # one square as large as the picture


def test_attention_of_timm_rolls_out_to_the_class_token(tmp_path: Path) -> None:
    network, pictures, *_ = explained(tmp_path)
    seen, attention = pictures[:3], []
    body = cast(Any, network.classifier.network).body
    for block in body.blocks:  # timm's own attention, computed by its slow way and caught there
        block.attn.fused_attn = False
        block.attn.attn_drop.register_forward_hook(lambda *given: attention.append(given[2]))
    with torch.no_grad():
        body(seen)
    rolled = torch.zeros(1, attention[0].shape[-1])
    rolled[0, 0 if body.global_pool == "token" else slice(body.num_prefix_tokens, None)] = 1
    rolled = rolled / rolled.sum()
    for each in reversed(attention):
        rolled = rolled @ ((each.mean(dim=1) + torch.eye(each.shape[-1])) / 2)
    share = rolled_attention(network.classifier, seen)
    torch.testing.assert_close(share, rolled[:, 0])
    map_ = explain("attention_rollout", network, seen, RESOLUTION)
    side = 32 // body.patch_embed.grid_size[0]
    places = rolled[:, 0, body.num_prefix_tokens :]
    np.testing.assert_allclose(map_[:, ::side, ::side].reshape(3, -1), places, atol=1e-6)


def test_fresh_weights_are_the_encoders_and_leave_the_head(tmp_path: Path) -> None:
    network, pictures, *_ = explained(tmp_path)
    before = {name: value.clone() for name, value in network.classifier.state_dict().items()}
    few, all_, again = (network.randomise(share, 5).classifier for share in (0.3, 1.0, 1.0))
    torch.testing.assert_close(network.classifier.state_dict(), before)
    torch.testing.assert_close(all_.state_dict(), again.state_dict())
    for changed, most in ((few, False), (all_, True)):
        state = changed.state_dict()
        torch.testing.assert_close(state["weights"], before["weights"])
        same = [n for n in before if n.startswith("network") and torch.equal(before[n], state[n])]
        first = "network.body.patch_embed.proj.weight"
        assert (first in same) != most
    assert not np.allclose(
        network.score(pictures.numpy()), network.randomise(1.0, 5).score(pictures.numpy())
    )


def test_a_region_lies_where_the_picture_shows_it(tmp_path: Path) -> None:
    picture = np.zeros((40, 80), dtype=np.uint8)
    picture[4:16, 60:76] = 255
    inside = picture > 0
    folder = store(tmp_path / "images", [picture])
    padded = encoder(weights_file(tmp_path), preprocessing={"fit": "pad"})
    _, record = encode_images(folder, padded)
    used = cast(Any, build(record.encoder, "encoder"))
    reading = EncoderReading(used, used.load(), ImageStore(folder))
    (mask,) = reading.masks([inside], ["case-000"])
    seen = reading.pictures(["case-000"])[0, 0].numpy()
    np.testing.assert_array_equal(mask, seen > (seen.max() + seen.min()) / 2)
    assert not reading.masks([None], ["case-000"]).any()


def test_what_has_no_map_is_named(tmp_path: Path) -> None:
    volume = np.zeros((6, 8, 8, 1), dtype=np.uint8)
    flat, deep = store(tmp_path / "flat", [volume[0, ..., 0]]), store(tmp_path / "deep", [volume])
    used = encoder(weights_file(tmp_path))
    assert why_without_maps(used, ImageStore(flat), fused=False) == ""
    assert "features" in why_without_maps(used, ImageStore(flat), fused=True)
    assert "several pictures" in why_without_maps(used, ImageStore(deep), fused=False)
