"""How fast compressed films are decoded, beside pydicom with its own decoders.

    python benchmarks/dicom_decoding.py [ROUNDS]

A film of 3,328 × 2,560 pixels of 12, 14 and 16 bits: dark ground, and a breast with smooth and fine
structure and noise. The whole file is read, header and checks included, in three ways: by pydicom
alone (Pillow decodes JPEG 2000), by `read_dicom` in one thread and in as many as there are cores.
Two files side by side are what ingest does. The least time of all rounds counts, taking turns.
"""

import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels import pixel_array
from pydicom.uid import (
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    SecondaryCaptureImageStorage,
)

from skiagram.datasets.dicom import read_dicom

ROWS, COLUMNS = 3328, 2560
ENCODERS: dict[str, tuple[str, Callable[[NDArray[Any]], Any]]] = {
    "JPEG 2000": (
        JPEG2000Lossless,
        lambda film: imagecodecs.jpeg2k_encode(film, level=0, codecformat="J2K", reversible=True),
    ),
    "HTJ2K": (HTJ2KLossless, lambda film: imagecodecs.htj2k_encode(film, reversible=True)),
    "JPEG-LS": (JPEGLSLossless, imagecodecs.jpegls_encode),
    "JPEG Lossless": (
        JPEGLosslessSV1,
        lambda film: imagecodecs.ljpeg_encode(film, bitspersample=16),
    ),
}


def film(bits: int) -> NDArray[np.uint16]:
    """Return a film of so many bits."""
    generator = np.random.default_rng(bits)
    rows, columns = np.mgrid[:ROWS, :COLUMNS]
    breast = (columns / (0.62 * COLUMNS)) ** 2 + ((rows - ROWS / 2) / (0.48 * ROWS)) ** 2 < 1
    structure = sum(
        share
        * np.kron(generator.normal(size=(ROWS // size, COLUMNS // size)), np.ones((size,) * 2))
        for size, share in ((32, 0.04), (8, 0.015))
    )
    noise = 0.004 * generator.normal(size=(ROWS, COLUMNS)) * (breast + 0.05)
    values = (0.45 + structure) * breast + noise + 0.01
    levels: NDArray[np.uint16] = np.clip(values * (2**bits - 1), 0, 2**bits - 1).astype(np.uint16)
    return levels


def file_of(syntax: str, frame: bytes, bits: int) -> bytes:
    """Return the bytes of a DICOM file."""
    header, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPInstanceUID = syntax, "1.2.3"
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    header.file_meta, header.SOPInstanceUID = meta, "1.2.3"
    header.SOPClassUID = SecondaryCaptureImageStorage
    header.Rows, header.Columns, header.SamplesPerPixel = ROWS, COLUMNS, 1
    header.PhotometricInterpretation, header.PixelRepresentation = "MONOCHROME2", 0
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, bits, bits - 1
    header.PixelData = encapsulate([frame])
    header["PixelData"].is_undefined_length = True
    file = BytesIO()
    header.save_as(file, enforce_file_format=True)
    return file.getvalue()


def spent(work: Callable[[], object], films: int) -> tuple[float, float]:
    """Return the seconds a film, and the processor's seconds, that a piece of work takes."""
    started, busy = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - started) / films, (time.process_time() - busy) / films


def in_a_thread(work: Callable[[], object]) -> None:
    """Do it beside the main thread, where one thread decodes a file."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def main() -> None:
    """Print a line a depth and syntax."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    cores = len(os.sched_getaffinity(0))
    print(f"{cores} cores; seconds a film (of the processor): pydicom where it can, one thread,")
    print("all cores, side by side")
    for bits in (12, 14, 16):
        for name, (syntax, encode) in ENCODERS.items():
            original = film(bits)
            content = file_of(syntax, encode(original), bits)

            def read(content: bytes = content) -> NDArray[Any]:
                return read_dicom(BytesIO(content)).pixels

            np.testing.assert_array_equal(read(), original)
            rates = measure(name, content, read, cores, rounds)
            bits_a_pixel = 8 * len(content) / original.size
            line = "  ".join(f"{wall:.3f} ({busy:.3f})" for wall, busy in rates)
            print(f"{bits} bits  {name:13}  {bits_a_pixel:.1f} bits a pixel  {line}", flush=True)


def measure(
    name: str, content: bytes, read: Callable[[], object], cores: int, rounds: int
) -> list[tuple[float, float]]:
    """Return the least seconds, and seconds of the processor, of each way to read a film."""

    def plain() -> object:
        return pixel_array(pydicom.dcmread(BytesIO(content)), decoding_plugin="pillow")

    with ThreadPoolExecutor(cores) as pool:

        def side_by_side() -> object:
            return list(pool.map(lambda _: read(), range(2 * cores)))

        ways: list[tuple[Callable[[], object], int]] = [
            (lambda: in_a_thread(read), 1),
            (read, 1),
            (side_by_side, 2 * cores),
        ]
        if name == "JPEG 2000":
            ways.insert(0, (plain, 1))
        times = [[spent(way, films) for way, films in ways] for _ in range(rounds)]
    best = np.min(times, axis=0)
    return [(float(wall), float(busy)) for wall, busy in best]


if __name__ == "__main__":
    main()
