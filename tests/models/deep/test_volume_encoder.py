"""A network on whole volumes as an encoder: its own numbers, and weights that fit or are named."""

import numpy as np
import pytest
import torch
import yaml
from numpy.testing import assert_allclose, assert_array_equal
from safetensors.torch import save_file
from torch import nn
from torchvision.models.video import mc3_18, r3d_18

from skiagram.compute.files import sha256_of
from skiagram.encoders.encoding import encode_images
from skiagram.errors import DataError, OptionError
from skiagram.images import Region
from skiagram.options import build
from tests.encoders.examples import CONF, images, store
from tests.yaml_rows import of_rows

pytestmark = pytest.mark.slow

OWN = {"_target_": "skiagram.models.deep.cnn_3d.CNN3D", "widths": [4, 6], "dropout": 0.0}
SIZE = (4, 16, 18)
MEAN, STD = (0.4, 0.5, 0.6), 0.3


def own_network(seed=1):
    torch.manual_seed(seed)
    options = build({**OWN, "training": _training()}, "model")
    network = options.build_for_volumes(1, *SIZE, 3)
    for name, value in network.named_buffers():
        if name.endswith("running_var"):
            value.uniform_(0.5, 2)
    return network.eval()


def _training():
    return yaml.safe_load((CONF / "model/cnn_3d.yaml").read_text())["training"]


def without_last(network):
    return nn.Sequential(*list(network.children())[:-1])


def encoder(path, **changed):
    values = yaml.safe_load((CONF / "encoder/volume_network.yaml").read_text())
    values |= {"network": OWN, "weights": {"file": str(path), "sha256": sha256_of(path)}}
    small = {"size": SIZE, "mean": [0.5], "std": [0.25], "fit": "stretch", "margin": None}
    values["preprocessing"] |= small | changed.pop("preprocessing", {})
    return build(values | changed, "encoder")


def own_weights(folder):
    tensors = {f"network.{name}": value for name, value in own_network().state_dict().items()}
    path = folder / "weights.safetensors"
    save_file(tensors | {"mean": torch.zeros(1), "deviation": torch.ones(1)}, path)
    return path


def standardised(volumes, mean=(0.5,), std=(0.25,)):
    scaled = torch.from_numpy(volumes.astype(np.float32) / 255)[:, None]
    means, stds = (torch.tensor(values).view(1, -1, 1, 1, 1) for values in (mean, std))
    return (scaled.expand(-1, means.shape[1], -1, -1, -1) - means) / stds


def test_numbers_are_those_of_the_bare_network_on_the_same_volumes(tmp_path):
    shown = images(3, *SIZE)
    folder = store(tmp_path / "images", [volume[..., None] for volume in shown])
    table, record = encode_images(folder, encoder(own_weights(tmp_path)))
    with torch.inference_mode():
        expected = without_last(own_network())(standardised(shown)).numpy()
    assert_allclose(table.values, expected, rtol=1e-5, atol=1e-6)
    assert table.names[0] == "encoding_000"
    assert (record.numbers, record.columns) == (6, 6)


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_video_network_reads_a_grey_volume_three_times(prefix, tmp_path):
    torch.manual_seed(2)
    bare = r3d_18().eval()
    path = tmp_path / "weights.pth"
    torch.save({f"{prefix}{name}": value for name, value in bare.state_dict().items()}, path)
    shown = images(2, *SIZE)
    folder = store(tmp_path / "images", [volume[..., None] for volume in shown])
    given = encoder(path, network="r3d_18", preprocessing={"mean": MEAN, "std": [STD]})
    table, record = encode_images(folder, given)
    bare.set_submodule("fc", nn.Identity())
    with torch.inference_mode():
        expected = bare(standardised(shown, MEAN, [STD])).numpy()
    assert_allclose(table.values, expected, rtol=1e-4, atol=1e-5)
    assert record.numbers == 512


def test_the_box_around_the_region_is_cut_out_and_brought_to_the_size(tmp_path):
    path = own_weights(tmp_path)
    volume = images(10, 40, 44)
    inside = np.zeros(volume.shape, bool)
    inside[3:7, 5:21, 8:26] = True
    cut = store(tmp_path / "cut", [volume[..., None]], [Region(inside)])
    box = store(tmp_path / "box", [volume[3:7, 5:21, 8:26, None]])
    wide = store(tmp_path / "wide", [volume[2:8, 1:25, 3:31, None]])
    for margin, expected in ((0.0, box), (0.25, wide)):
        given = encoder(path, preprocessing={"margin": margin})
        ours = encode_images(cut, given)[0].values
        theirs = encode_images(expected, encoder(path))[0].values
        assert_array_equal(ours, theirs)


def test_padding_keeps_the_proportions_in_millimetres(tmp_path):
    given = encoder(own_weights(tmp_path), preprocessing={"fit": "pad"})
    white = np.ones((2, 8, 9, 1), np.float32)
    (seen,) = given.see(white, None, (2.0, 1.0, 0.5), 1)  # 4 × 8 × 4.5 mm; a slice is 1 mm then
    assert seen.shape == (1, *SIZE)
    lit = seen > 0
    assert [int(lit.any(dim=axes).sum()) for axes in ((0, 2, 3), (0, 1, 3), (0, 1, 2))] == [4, 8, 4]
    assert lit[0, :, 4:12, 7:11].all()  # centred


def test_weights_of_another_network_are_refused_with_what_differs(tmp_path):
    path = tmp_path / "weights.pth"
    torch.save(mc3_18().state_dict(), path)
    with pytest.raises(DataError, match=r"do not fit skiagram.*they lack `0\.weight` and 9 more"):
        encoder(path).load()
    with pytest.raises(
        DataError, match=r"do not fit r3d_18 \(they have in another shape `layer2\.0\.conv1"
    ):
        encoder(path, network="r3d_18").load()


@of_rows(__file__, "volume encoders", "refused.yaml")
def test_what_cannot_be_is_named(changed, said, tmp_path):
    with pytest.raises(OptionError, match=said):
        encoder(own_weights(tmp_path), **changed).load()


def test_an_image_is_refused_and_the_case_named(tmp_path):
    folder = store(tmp_path / "images", [images(20, 20)])
    with pytest.raises(DataError, match=r"case-000.*an image.*volumes"):
        encode_images(folder, encoder(own_weights(tmp_path)))
