"""What every feature family of images promises, tried on every config."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skiagram.errors import DataError, OptionError
from skiagram.features.batch import FeatureBatch
from tests.features.families import FOLDER, OF_IMAGES, family, read_family
from tests.yaml_rows import load_yaml

FAMILIES = {name: family(name) for name in OF_IMAGES}
OF_PLANES = [name for name in OF_IMAGES if name != "morphology"]
OF_VOLUMES = (
    *("first_order", "intensity_histogram", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm"),
    "acquisition",
)
CHANGED = {"perturbed", "permuted"}  # by an image's bytes; their families refuse by their names
ANY_CHANNELS = {"acquisition"}  # of the file, not of what it shows
intensities = st.one_of(st.integers(0, 3).map(float), st.floats(-(2.0**100), 2.0**100, width=32))
every_family = pytest.mark.parametrize("name", OF_PLANES)


def batch(name, images, masks=None):
    """Return plane images of a known spacing; for a family of colours with three channels."""
    if name == "colour":
        images = np.stack([images, images[:, ::-1], images[:, :, ::-1]], axis=-1)
    return FeatureBatch(images.astype(np.float32), masks, np.full((len(images), 2), 1.0))


def extract(name, images):
    return FAMILIES[name].extract(batch(name, images))


@pytest.mark.parametrize("name", OF_IMAGES)
def test_names_carry_the_family_are_distinct_and_are_defined(name):
    try:
        assert FAMILIES[name].definitions()
    except KeyError as section:
        pytest.fail(f"definitions.toml has no section {section}: write what its columns mean")
    names = FAMILIES[name].names()
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(rf"{name}[._]([0-9]+\.)?[a-z0-9_.]+", feature) for feature in names)


@pytest.mark.slow
@every_family
@settings(max_examples=12)
@given(arrays(np.float32, array_shapes(min_dims=3, max_dims=3, max_side=9), elements=intensities))
def test_every_feature_of_every_finite_image_is_finite(name, images):
    values = extract(name, images)
    assert values.shape == (len(images), len(FAMILIES[name].names()))
    assert values.dtype == np.float64
    assert np.isfinite(values).all()


@every_family
def test_a_region_of_interest_counts_or_is_refused_by_name(name):
    images = np.random.default_rng(1).normal(size=(2, 20, 24))
    masks = np.zeros(images.shape, dtype=np.bool_)
    masks[:, 4:15, 3:17] = True
    try:
        found = FAMILIES[name].extract(batch(name, images, masks))
    except DataError as error:
        assert f"`{name}` is not defined in a region of interest" in str(error)  # noqa: PT017
        return
    assert np.array_equal(found, extract(name, images)) == (name in ANY_CHANNELS)


@pytest.mark.parametrize("value", [0.1, 1e30])
@pytest.mark.parametrize("shape", [(1, 1), (17, 9)])
@every_family
def test_constant_image_is_described(name, shape, value):
    assert np.isfinite(extract(name, np.full((1, *shape), value))).all()


@every_family
def test_a_batch_equals_its_images_one_by_one(name):
    images = np.random.default_rng(0).integers(0, 255, size=(5, 20, 13)).astype(np.float32)
    images[1] = 3
    images[2] /= 16
    alone = np.vstack([extract(name, image[None]) for image in images])
    np.testing.assert_allclose(extract(name, images), alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["itself", "log_3mm", *sorted(CHANGED)])
@pytest.mark.parametrize("name", sorted({*OF_IMAGES} - CHANGED - {"log_3mm"}))
def test_an_image_in_its_region_is_described_or_refused_alike_in_every_batch(name, kind):
    """Filtered and changed images were cut to the regions of a batch, for `gradient` as well."""
    chosen = FAMILIES[name] if kind == "itself" else family(kind, families=[read_family(name)])
    images = np.random.default_rng(0).gamma(2, 30, size=(3, 32, 36)).round()
    masks = np.zeros(images.shape, dtype=np.bool_)
    masks[0, 9:15, 10:17] = masks[1, 20:31, 3:12] = masks[2, 2:26, 6:29] = True

    def described(rows):
        given = batch(name, images[rows], masks[rows])
        if name == "morphology":
            volumes, sides = given.images[:, None, ..., None], np.ones((len(given), 3))
            given = FeatureBatch(volumes, masks[rows, None], sides)
        try:
            return chosen.extract(given)
        except DataError as error:
            return str(error)

    together, alone = described(slice(None)), [described([row]) for row in range(3)]
    if isinstance(together, str):
        assert alone == [together] * 3
    else:
        np.testing.assert_allclose(together, np.vstack(alone), rtol=1e-5, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*OF_PLANES} - CHANGED - {"colour"}))
def test_colour_is_described_by_its_luminance(name):
    grey = np.random.default_rng(0).integers(0, 255, size=(2, 16, 16))
    colour = np.repeat(grey[..., None], 3, axis=-1)
    np.testing.assert_allclose(extract(name, colour), extract(name, grey), rtol=1e-6, atol=1e-6)


@every_family
def test_four_channels_are_refused_by_name_or_described(name):
    images = FeatureBatch(np.zeros((1, 8, 8, 4), dtype=np.float32), spacing=np.ones((1, 2)))
    if name in ANY_CHANNELS:
        assert FAMILIES[name].extract(images).any()
        return
    who = "first_order" if name in CHANGED else name
    with pytest.raises(DataError, match=f"`{who}` is not defined for 4 channels"):
        FAMILIES[name].extract(images)


@pytest.mark.parametrize("name", sorted({*OF_IMAGES} - {*OF_VOLUMES}))
def test_a_family_describes_volumes_or_refuses_them_by_name(name):
    volumes = FeatureBatch(np.zeros((1, 3, 16, 16, 1), dtype=np.float32), spacing=np.ones((1, 3)))
    try:
        assert np.isfinite(FAMILIES[name].extract(volumes)).all()
    except DataError as error:
        assert f"`{name}` is not defined for volumes (here 3 slices)" in str(error)  # noqa: PT017
        assert f"leave `{name}` out of `features`" in str(error)  # noqa: PT017


def test_the_page_on_volumes_lists_the_families_that_describe_them():
    page = (FOLDER.parents[1] / "docs" / "how-to" / "regions.md").read_text(encoding="utf-8")
    assert f"features: {','.join(OF_VOLUMES)}\n" in page


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_VOLUMES)
@settings(max_examples=20)
@given(arrays(np.float32, array_shapes(min_dims=4, max_dims=4, max_side=5), elements=intensities))
def test_every_feature_of_every_finite_volume_is_finite(name, volumes):
    values = FAMILIES[name].extract(FeatureBatch(volumes[..., None]))
    assert values.shape == (len(volumes), len(FAMILIES[name].names()))
    assert np.isfinite(values).all()


@pytest.mark.parametrize("name", OF_VOLUMES)
def test_a_volume_of_one_slice_is_described_as_the_image(name):
    images = np.random.default_rng(0).integers(0, 255, (3, 9, 11)).astype(np.float32)
    as_volumes = FeatureBatch(images[:, None, :, :, None])
    as_images = FAMILIES[name].extract(FeatureBatch(images))
    np.testing.assert_allclose(FAMILIES[name].extract(as_volumes), as_images)


@pytest.mark.parametrize("name", sorted({*OF_VOLUMES} - {"acquisition"}))  # it has the sides
def test_regions_of_one_slice_are_described_alike_alone_and_beside_others(name):
    """GLRLM of a sagittal slice had directions across it, and of an axial one beside a volume."""
    slices = np.random.default_rng(0).integers(0, 255, (9, 9, 9)).astype(np.float32)
    volumes, masks = np.zeros((4, 9, 9, 9), np.float32), np.zeros((4, 9, 9, 9), np.bool_)
    for axis in range(3):
        volumes[axis] = np.moveaxis(slices, 0, axis)
        np.moveaxis(masks[axis], axis, 0)[4] = True
    volumes[3], masks[3] = slices, True
    found = [
        FAMILIES[name].extract(FeatureBatch(volumes[rows, ..., None], masks=masks[rows]))
        for rows in ([0], [1], [2], [0, 1, 2, 3])
    ]
    np.testing.assert_allclose(found[3][:3], np.vstack(found[:3]), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found[3][1:3], found[3][[0, 0]], rtol=1e-6, atol=1e-6)


NONSENSE = load_yaml(Path(__file__).with_name("nonsense.yaml"))


@pytest.mark.parametrize("name", NONSENSE)
def test_options_that_make_no_sense_are_refused_by_name(name):
    for option, values in NONSENSE[name].items():
        for value in values:
            with pytest.raises(OptionError, match=rf"{name}\.{option}"):
                family(name, **{option: value})


MEASURE = """
import os, sys
from pathlib import Path

import numpy as np

from skiagram.features.batch import FeatureBatch
from tests.features.families import family


def status(line):
    return 1024 * int(Path("/proc/self/status").read_text().split(line + ":")[1].split()[0])


def measure(name):
    # of `shape` what is allocated once, whatever the size, would count for too much
    chosen, side = family(name), 4096 if name == "shape" else 2048
    generator = np.random.default_rng(0)
    chosen.extract(FeatureBatch(np.round(300 * generator.random((1, 256, 256), dtype=np.float32))))
    before = status("VmRSS")
    image = np.empty((1, side, side), dtype=np.float32)
    for row in range(0, side, 256):
        image[0, row : row + 256] = np.round(300 * generator.random((256, side), dtype=np.float32))
    chosen.extract(FeatureBatch(image))
    print(name, (status("VmHWM") - before) / image.nbytes, flush=True)


for name in sys.argv[1:]:
    if not os.fork():
        measure(name)
        os._exit(0)
    os.wait()
"""
NO_GREY_IMAGE_ALONE = {"acquisition", "colour", "morphology", "local_intensity", "log_3mm"}
MEASURED = sorted({*OF_IMAGES} - NO_GREY_IMAGE_ALONE)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_memory_is_at_most_four_times_the_image_and_nine_times_on_copies():
    """Image included, as float32; a process of its own for each, since its peak is what counts."""
    command = [sys.executable, "-c", MEASURE, *MEASURED]
    done = subprocess.run(
        command, cwd=FOLDER.parents[1], capture_output=True, check=True, text=True
    )
    peaks = {line.split()[0]: float(line.split()[1]) for line in done.stdout.splitlines()}
    assert sorted(peaks) == MEASURED
    allowed = {name: 9 if name in CHANGED else 4 for name in peaks}
    assert {name: peak for name, peak in peaks.items() if peak > allowed[name]} == {}
