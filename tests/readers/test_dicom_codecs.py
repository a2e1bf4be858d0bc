"""Compressed pixels of DICOM files: originals, and pydicom's own decoders, are the reference."""

import time
import warnings

import imagecodecs
import numpy as np
import pydicom
import pytest
from numpy.testing import assert_array_equal
from pydicom import uid
from pydicom.pixels import pixel_array
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSLossless

from skiagram.errors import DataError
from skiagram.readers.dicom import read_dicom
from skiagram.readers.dicom_codecs import decode_pixels
from tests.readers.test_dicom import bundled, compressed
from tests.yaml_rows import read_yaml

ROWS, COLUMNS = 70, 50
FILM = (
    np.add.outer(np.arange(ROWS) * 31, np.arange(COLUMNS) * 17)
    + np.random.default_rng(7).integers(0, 90, (ROWS, COLUMNS))
).astype(np.uint16)
ENCODERS = read_yaml(__file__)["lossless"]


def film_of(kind, film=FILM, share=1.0, bits=16, **fields):
    """Return a compressed film, of whose stream a share is there."""
    row = ENCODERS[kind]
    coded = getattr(imagecodecs, row["encode"])(film, **row["with"])
    shape = {"Rows": film.shape[0], "Columns": film.shape[1]}
    return compressed(
        getattr(uid, row["syntax"]), coded[: int(share * len(coded))], bits=bits, **shape | fields
    )


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("most", [255, 4095, 65535])
def test_what_is_compressed_without_loss_comes_back_bit_for_bit(kind, most):
    film = (FILM.astype(np.int64) * most // FILM.max()).astype(np.uint16)
    assert_array_equal(read_dicom(film_of(kind, film)).pixels, film)


@pytest.mark.parametrize("kind", ENCODERS)
def test_the_sign_of_fewer_bits_is_not_lost_in_a_stream_without_one(kind):
    film = (FILM % 4096).astype(np.int16) - 2048
    content = film_of(kind, film.view(np.uint16) & 4095, bits=12, PixelRepresentation=1)
    assert_array_equal(read_dicom(content).pixels, film)


@pytest.mark.slow
def test_every_file_of_pydicom_that_its_own_decoders_read_has_their_pixels():
    compared = 0
    for path in sorted(bundled("MR_small.dcm").parent.glob("*.dcm")):
        header = pydicom.dcmread(path, force=True)
        syntax = getattr(header, "file_meta", {}).get("TransferSyntaxUID")
        if "PixelData" not in header or syntax is None or not syntax.is_encapsulated:
            continue
        with warnings.catch_warnings(action="ignore"):
            try:
                expected = pixel_array(header, decoding_plugin="pillow")
            except Exception:  # what pydicom cannot decode by itself is no reference
                continue
            assert_array_equal(decode_pixels(header), expected, err_msg=path.name)
        compared += 1
    assert compared >= 20


def test_12_bit_jpeg_is_read_as_near_to_its_original_as_its_quality_allows():
    smooth = np.add.outer(np.arange(ROWS) * 30, np.arange(COLUMNS) * 20).astype(np.uint16)
    coded = bytes(imagecodecs.jpeg8_encode(smooth, level=98, bitspersample=12))
    file = compressed(JPEGExtended12Bit, coded, bits=16, Rows=ROWS, Columns=COLUMNS)
    assert np.abs(read_dicom(file).pixels.astype(int) - smooth).max() <= 4


@pytest.mark.parametrize("kind", ENCODERS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_stream_cut_short_is_refused_at_once_never_padded(kind, share):
    content = film_of(kind, share=share)
    started = time.process_time()
    with pytest.raises(DataError, match="truncated or damaged"):
        read_dicom(content)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("kind", ENCODERS)
def test_a_stream_of_another_size_than_the_header_says_is_refused(kind):
    with pytest.raises(DataError, match=r"70 rows of 50, not the 8 of 8 in its header"):
        read_dicom(film_of(kind, Rows=8, Columns=8))


def test_a_stream_of_several_values_a_pixel_is_refused_in_a_gray_file():
    colour = np.repeat(FILM[..., None].astype(np.uint8), 3, axis=2)
    coded = bytes(imagecodecs.jpegls_encode(colour))
    with pytest.raises(DataError, match="3 values a pixel, not 1"):
        read_dicom(compressed(JPEGLSLossless, coded, Rows=ROWS, Columns=COLUMNS))


def test_pixels_that_are_no_stream_at_all_are_refused():
    with pytest.raises(DataError, match="without a readable beginning"):
        read_dicom(compressed(JPEGBaseline8Bit, b"nothing"))
