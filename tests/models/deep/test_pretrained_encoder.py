"""A network of another data set as an encoder: whole, verified, and never on its own images."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
import yaml

from skiagram.compute.files import sha256_of
from skiagram.encoders.encoding import encode_images
from skiagram.errors import DataError, OptionError
from skiagram.image_store.store import ImageStore
from skiagram.models.deep.fitted import load_classifier
from skiagram.options import build
from skiagram.preparation import PREPARATION, ImageKinds, Preparation, join_digests
from skiagram.records.files import write_record
from tests.encoders.examples import CONF, images, store
from tests.models.deep.spots import fit, halves, learner, training

pytestmark = pytest.mark.slow

KINDS = ImageKinds((1,), ("uint8",), (16, 16), (16, 16))
SIDE = 16


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a network that was trained on images of which none is in `examples`."""
    folder = tmp_path_factory.mktemp("trained")
    fit(learner(training(epochs=1)), *halves(folder, 24)).save(folder / "repeat0")
    write_record(Preparation(KINDS, None, image_digests="b" * 16), folder / PREPARATION)
    return folder


def encoder(folder, **changed):
    file = folder / "repeat0" / "weights.safetensors"
    sha256 = sha256_of(file) if file.exists() else "0" * 64
    values = yaml.safe_load((CONF / "encoder/trained_network.yaml").read_text())
    return build(values | {"folder": str(folder), "sha256": sha256} | changed, "encoder")


def test_its_numbers_are_what_enters_its_last_layer(trained, tmp_path):
    shown = images(5, SIDE, SIDE)
    folder = store(tmp_path / "images", list(shown))
    table, record = encode_images(folder, encoder(trained))
    classifier = load_classifier(trained / "repeat0")[0].eval()
    last = (classifier.network)[-1]
    with torch.no_grad():
        expected = classifier(torch.from_numpy(shown.astype(np.float32))[:, None])
        logits = last(torch.from_numpy(table.values))
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4)
    assert record.numbers == 12
    encoder(trained).keep(tmp_path / "learned")
    kept = encoder(trained).kept(tmp_path / "learned", record.sha256)
    again, _ = encode_images(folder, kept)
    np.testing.assert_array_equal(again.values, table.values)


def test_one_that_saw_any_of_these_images_is_refused(trained, tmp_path):
    shown = list(images(3, SIDE, SIDE))
    folder, theirs = store(tmp_path / "images", shown[:2]), store(tmp_path / "theirs", shown[1:])
    for own in (folder, theirs):
        digests = join_digests(ImageStore(own).digests())
        write_record(Preparation(KINDS, None, image_digests=digests), own / PREPARATION)
    encode_images(folder, encoder(trained))
    network = tmp_path / "network"
    encoder(trained).keep(network)
    shutil.copyfile(theirs / PREPARATION, network / PREPARATION)
    with pytest.raises(DataError, match=": 1 of these images are among those of the data set"):
        encode_images(folder, encoder(network))
    patient = Preparation(KINDS, None, image_digests="b" * 16, patient_digests="c" * 16)
    write_record(patient, network / PREPARATION)
    encode_images(folder, encoder(network))
    write_record(replace(patient, image_digests="a" * 16), folder / PREPARATION)
    with pytest.raises(DataError, match=": 1 of these patients are among those of the data set"):
        encode_images(folder, encoder(network))
    silent = tmp_path / "silent"
    write_record(Preparation(KINDS, None), silent / PREPARATION)
    with pytest.raises(DataError, match="does not say which images"):
        encode_images(folder, encoder(silent))


def test_other_files_and_unknown_constants_are_refused(trained, tmp_path):
    with pytest.raises(DataError, match=r"SHA-256 .*encoder\.sha256"):
        encoder(trained, sha256="0" * 64).load()
    with pytest.raises(DataError, match="no network can be loaded from here"):
        encoder(tmp_path).load()
    given = encoder(trained)
    given.keep(tmp_path / "other")
    other = replace(KINDS, depths=("int16",))
    normalised = {"region": {"normalisation": {"mean": 0.0, "deviation": 1.0}}}
    for kinds, restoration in ((other, None), (KINDS, normalised)):
        preparation = Preparation(kinds, None, restoration=restoration, image_digests="b" * 16)
        write_record(preparation, tmp_path / "other" / PREPARATION)
        with pytest.raises(OptionError, match=r"preprocessing\.mean.*was not trained on bytes"):
            encoder(tmp_path / "other").load()


@pytest.mark.parametrize(
    ("known", "foreign", "said"),
    [
        ('"columns": 0', '"columns": 3', "covariates beside the image"),
        (
            "skiagram.models.deep.small_cnn.SmallCNN",
            "os.path.Network",
            r"names the class `os\.path",
        ),
    ],
)
def test_a_network_on_more_than_an_image_and_foreign_code_are_refused(
    trained, tmp_path, known, foreign, said
):
    text = (trained / "repeat0" / "architecture.json").read_text()
    (tmp_path / "repeat0").mkdir()
    (tmp_path / "repeat0" / "architecture.json").write_text(text.replace(known, foreign))
    with pytest.raises(DataError, match=said):
        encoder(tmp_path).load()
