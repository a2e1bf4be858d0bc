"""Networks of timm's: whole weights or none, those of other programs, and what cannot be asked."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from skiagram.errors import DataError, OptionError
from skiagram.options import build
from tests.encoders.examples import CONF, SIDE, SMALL, VIT, encoder, network, weights_file
from tests.yaml_rows import load_yaml, of_rows

pytestmark = pytest.mark.slow  # timm takes seconds to import
FILES = sorted((CONF / "encoder").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_option_file_names_licence_and_citation(path):
    built = build(load_yaml(path), path.stem)
    assert built.licence
    assert built.citation


def test_an_image_tower_of_openclip_and_a_supervised_classifier_are_read(tmp_path):
    body = network()
    own = body.state_dict()
    tower = {f"visual.trunk.{name}": value for name, value in own.items()}
    tower |= {"visual.head.proj.weight": torch.zeros(5, 64), "text.weight": torch.zeros(3)}
    classifier = own | {"head.weight": torch.zeros(7, 64), "head.bias": torch.zeros(7)}
    picture = torch.rand(2, 3, SIDE, SIDE)
    with torch.inference_mode():
        expected = body(picture)
    for name, tensors in (("tower.pt", tower), ("classifier.pth", {"model": classifier})):
        torch.save(tensors, tmp_path / name)
        loaded = encoder(tmp_path / name).load()
        with torch.inference_mode():
            torch.testing.assert_close(loaded.network(picture), expected)


def test_weights_of_another_network_lacking_or_more_are_refused(tmp_path):
    path = weights_file(tmp_path, "test_resnet")
    with pytest.raises(DataError, match=r"do not fit test_vit \(they lack `cls_token` and"):
        encoder(path).load()
    tensors = load_file(weights_file(tmp_path))
    for name, spoilt in (
        ("lack `norm.weight`", {k: v for k, v in tensors.items() if k != "norm.weight"}),
        ("have in another shape `norm.bias`", tensors | {"norm.bias": torch.zeros(3)}),
        ("add `decoder.weight`", tensors | {"decoder.weight": torch.zeros(3)}),
    ):
        save_file(spoilt, tmp_path / "spoilt.safetensors")
        with pytest.raises(DataError, match=name):
            encoder(tmp_path / "spoilt.safetensors").load()


@of_rows(__file__, name="refused.yaml")
def test_what_timm_cannot_do_names_the_option(architecture, changed, said, tmp_path):
    path = weights_file(tmp_path, architecture if architecture in SMALL else VIT)
    with pytest.raises(OptionError, match=said):
        encoder(path, architecture, **changed).load()
