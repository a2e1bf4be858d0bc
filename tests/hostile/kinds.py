"""Kinds of files that somebody may hand over: a sound one, its bombs, and how it is read."""

import gzip
import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image as Pillow
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from skiagram.datasets.folder.table import list_entries
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.intake.file_names import FileNames
from skiagram.intake.file_options import FileOptions
from skiagram.intake.marks import read_lesions
from skiagram.options import build, read_option_file
from skiagram.readers.case_images import CaseFiles, ImageReference, decode_case
from skiagram.readers.image_files import decode_image
from skiagram.readers.masks import decode_mask
from skiagram.readers.volume_files import decode_volume
from skiagram.tables.frames import read_table
from tests import REPOSITORY
from tests.datasets.folder.test_frames import VALUES, tiff_of_pages
from tests.datasets.own_folders import (
    COLUMNS,
    encoded,
    png,
    row,
    source_of,
    tiff,
    write_folder,
)
from tests.intake.test_marks import ROWS as MARKS
from tests.readers.examples import (
    GRID,
    nifti_bytes,
    segmentation,
    structure_set,
)
from tests.readers.examples import VALUES as VOXELS
from tests.readers.test_dicom import BOMBS, bundled, compressed, file_of, header_of
from tests.readers.test_dicom_codecs import film_of
from tests.readers.test_image_files import png_bomb
from tests.readers.test_masks import MASK, _contours
from tests.readers.test_volume_files import meta_image_bytes

SIDE = 40
_CONF = REPOSITORY / "conf"
_FILM = (
    np.add.outer(np.arange(SIDE) * 3, np.arange(SIDE) * 2)
    + np.random.default_rng(5).integers(0, 20, (SIDE, SIDE))
).astype(np.uint8)
_DEEP = _FILM.astype(np.uint16) * 257
_PICTURE = Pillow.fromarray(_FILM)


@dataclass(frozen=True)
class Kind:
    """A kind of files.

    Attributes:
        sound: Makes a sound file.
        read: Reads the bytes of one, as the program does, and returns what tells it from others.
        bombs: Files that are small and would become large, or never end.
    """

    sound: Callable[[], bytes]
    read: Callable[[bytes], object]
    bombs: Sequence[Callable[[], bytes]] = field(default=())


def _in_folder(read):
    """Give a reader of files an empty folder for each."""

    def run(content):
        with tempfile.TemporaryDirectory() as folder:
            return read(content, Path(folder))

    return run


_PLACES = []  # they go when the process ends


def _place():
    _PLACES.append(tempfile.TemporaryDirectory(prefix="hostile-"))
    return Path(_PLACES[-1].name)


def _image(content):
    image = decode_image(content, "film")
    return image.pixels.tobytes(), image.pixels.shape, image.spacing


def _all_frames(files):
    masks = ("mask",) * len(files.masks)
    image = decode_case(files, ImageReference("loop", masks, frame=0))
    inside = b"" if image.region is None else image.region.inside.tobytes()
    return image.pixels.tobytes(), image.pixels.shape, inside


def _pages(content):
    return _all_frames(CaseFiles({"loop": content}, (), {}))


def _mask(content):
    return decode_mask(content, "mask", GRID, mask_grid="resample").tobytes()


def _volume(content, frame=None):
    volume = decode_volume(content, "volume", frame=frame)
    return np.asarray(volume.voxels).tobytes(), volume.grid


def _four_axes():
    return bytes(nibabel.Nifti1Image(np.stack([VOXELS] * 3).T, np.eye(4)).to_bytes())


def _four_axes_bomb():
    head = bytearray(_four_axes()[:352])
    head[40:56] = np.array([4, 512, 512, 1000, 32000, 1, 1, 1], "<i2").tobytes()
    return gzip.compress(bytes(head) + bytes(400_000_000), mtime=0)


def _lesions(form, name, bombs=()):
    @_in_folder
    def read(content, folder):
        (folder / name).write_bytes(content)
        files, options = FileNames(["one.png"]), FileOptions(folder, similar_marks=True)
        return read_lesions(folder / name, files, lambda _: (200, 100), options)

    content = MARKS["forms"][form]
    text = content if isinstance(content, str) else json.dumps(content)
    return Kind(text.encode, read, bombs)


def _picture(kind, bombs=(), **how):
    return Kind(lambda: encoded(_PICTURE, kind, **how), _image, bombs)


def _dicom(syntax, bomb=""):
    def sound():
        header = header_of(_DEEP, BitsStored=16, HighBit=15, PixelSpacing=[0.2, 0.2])
        header.file_meta.TransferSyntaxUID = syntax
        return file_of(header).getvalue()

    return Kind(sound, _image, _bombs(bomb))


def _compressed(codec, bomb=""):
    return Kind(lambda: film_of(codec, _DEEP).getvalue(), _image, _bombs(bomb))


def _baseline():
    shape = {"Rows": SIDE, "Columns": SIDE}
    return compressed(JPEGBaseline8Bit, encoded(_PICTURE, "JPEG"), **shape).getvalue()


def _bombs(name):
    return [lambda: BOMBS[name]().getvalue()] if name else []


@cache
def _own():
    files = {f"film-{at}.png": png(at) for at in range(8)}
    own = write_folder(_place(), files, [row(at, name) for at, name in enumerate(files)])
    return own, source_of(own)


def _read_table(content):
    listing = list_entries(read_table(content), COLUMNS, ("normal", "cancer"), ())
    for problem in listing.problems:
        raise problem
    return listing.entries.to_csv()


@_in_folder
def _read_manifest(content, folder):
    """Open a folder whose config holds the checksum of the altered manifest."""
    path = folder / "altered.csv"
    path.write_bytes(content)
    checksum = sha256(content).hexdigest()
    opened = replace(_own()[1], manifest=str(path), manifest_sha256=checksum).open(None)
    entries = opened.entries
    return entries.to_csv(), [opened.image(at).pixels.tobytes() for at in range(len(entries))]


def _zipped(name, content):
    with zipfile.ZipFile(file := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


@_in_folder
def _read_options(content, folder):
    (folder / "altered.yaml").write_bytes(content)
    return repr(build(read_option_file(folder / "altered.yaml"), "model"))


def _laughs():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


@cache
def _store():
    with tempfile.TemporaryDirectory() as folder:
        with ShardWriter(Path(folder)) as writer:
            for at in range(6):
                writer.add(f"case-{at}", _FILM + np.uint8(at), (0.2, 0.2))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def _of_store(beginning):
    (name,) = [name for name in _store() if name.startswith(beginning)]

    @_in_folder
    def read(content, folder):
        for file, sound in _store().items():
            (folder / file).write_bytes(content if file == name else sound)
        store = ImageStore(folder)
        return [(case, image.tobytes(), store.spacing(case)) for case, image in store]

    return Kind(lambda: _store()[name], read)


@cache
def _model(arm):
    from skiagram.fitting.deployment import write_checksums

    place = _place()
    if arm == "network":
        from tests.deploy.networks import trained_network

        folder = trained_network(place).model
    else:
        from tests.deploy.trained import trained_baseline

        folder = trained_baseline(place, model=arm).model
    write_checksums(folder)
    return folder


def _files_of(folder):
    """Return the files of a model, but for their checksums."""
    from skiagram.fitting.deployment import CHECKSUMS

    paths = sorted(folder.rglob("*"))
    return [path for path in paths if path.is_file() and path.name != CHECKSUMS]


def _of_model(arm, *, checksums):
    """Return the kind of all files of a model one after the other, in a folder as before."""
    from skiagram.deploy.model import load_model
    from skiagram.fitting.deployment import CHECKSUMS

    @_in_folder
    def read(content, folder):
        copy = Path(shutil.copytree(_model(arm), folder / "model"))
        *paths, last = _files_of(copy)
        at = 0
        for path in paths:
            length = path.stat().st_size
            path.write_bytes(content[at : at + length])
            at += length
        last.write_bytes(content[at:])
        if not checksums:
            (copy / CHECKSUMS).unlink()
        loaded = load_model(copy)
        return loaded.task, loaded.threshold

    return Kind(lambda: b"".join(path.read_bytes() for path in _files_of(_model(arm))), read)


@cache
def _package():
    from skiagram.deploy.package import pack

    target = _place() / "model.skiagram"
    pack(_model("logistic_regression"), target)
    return target.read_bytes()


@_in_folder
def _read_package(content, folder):
    from skiagram.deploy.model import load_model
    from skiagram.deploy.package import opened_package

    (folder / "model.skiagram").write_bytes(content)
    with opened_package(folder / "model.skiagram") as (manifest, laid_out):
        loaded = load_model(laid_out)
        return loaded.task, loaded.threshold, manifest


def _nrrd():
    head = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 12 11 10\n"
        "space directions: (0.7,0,0) (0,0.7,0) (0,0,2.5)\nkinds: domain domain domain\n"
        "endian: little\nencoding: gzip\nspace origin: (0,0,0)\n\n"
    )
    return head.encode() + gzip.compress(np.arange(1320, dtype="<i2").tobytes(), mtime=0)


_PAGE = Pillow.new("L", (8000, 8000))  # is allowed, eight of them are not
_PAGE_BOMB = {"save_all": True, "append_images": [_PAGE] * 7, "compression": "tiff_deflate"}
KINDS = {
    "PNG": _picture("PNG", bombs=[lambda: png_bomb(16_384)]),
    "JPEG": _picture("JPEG", quality=95),
    "TIFF": _picture(
        "TIFF",
        bombs=[lambda: encoded(Pillow.new("1", (20_000, 20_000)), "TIFF", compression="group4")],
    ),
    "TIFF, deflated": _picture("TIFF", compression="tiff_deflate"),
    "TIFF, channels of double floats": Kind(
        lambda: tiff(np.stack([_FILM / 7] * 2), planarconfig="separate", compression="zlib"), _pages
    ),
    "TIFF of pages": Kind(
        lambda: tiff_of_pages(VALUES[0]), _pages, [lambda: encoded(_PAGE, "TIFF", **_PAGE_BOMB)]
    ),
    "DICOM, structure set": Kind(lambda: structure_set({"GTV": _contours(hole=True)}), _mask),
    "DICOM, segmentation": Kind(lambda: segmentation({"GTV": MASK}), _mask),
    "BMP": _picture("BMP"),
    "PGM": _picture("PPM", bombs=[lambda: b"P5 99999 99999 255\n" + bytes(99)]),
    "DICOM": _dicom(ExplicitVRLittleEndian, "rows"),
    "DICOM, RLE": Kind(lambda: bundled("MR_small_RLE.dcm").read_bytes(), _image, _bombs("RLE")),
    "DICOM, JPEG": Kind(_baseline, _image, _bombs("JPEG")),
    "DICOM, JPEG Lossless": _compressed("JPEG Lossless SV1"),
    "DICOM, JPEG-LS": _compressed("JPEG-LS"),
    "DICOM, JPEG 2000": _compressed("JPEG 2000 lossless", "JPEG 2000"),
    "DICOM, HTJ2K": _compressed("HTJ2K lossless"),
    "NIfTI": Kind(lambda: nifti_bytes(VOXELS), _volume),
    "NIfTI, gzip": Kind(
        lambda: gzip.compress(nifti_bytes(VOXELS), mtime=0),
        _volume,
        [lambda: gzip.compress(nifti_bytes(VOXELS)[:352] + bytes(400_000_000), mtime=0)],
    ),
    "NIfTI-2": Kind(lambda: bytes(nibabel.Nifti2Image(VOXELS.T, np.eye(4)).to_bytes()), _volume),
    "NIfTI of four axes": Kind(
        _four_axes, lambda content: _volume(content, frame=2), [_four_axes_bomb]
    ),
    "NRRD": Kind(_nrrd, _volume),
    "MetaImage": Kind(meta_image_bytes, _volume),
    "CSV": Kind(
        lambda: _own()[0].csv.read_bytes(),
        _read_table,
        [
            lambda: b",".join(b"c%d" % at for at in range(30_000)),
            lambda: b'file,label\nx,"' + b"a" * 10**7,
        ],
    ),
    "lesions of COCO": _lesions("COCO", "one.json", [lambda: b'{"annotations":' + b"[" * 200_000]),
    "lesions in a CSV": _lesions("xmin", "boxes.csv"),
    "manifest": Kind(lambda: Path(_own()[1].manifest).read_bytes(), _read_manifest),
    "config": Kind(
        lambda: (_CONF / "model/random_forest.yaml").read_bytes(),
        _read_options,
        [_laughs, lambda: b"[" * 100_000],
    ),
    "Arrow shard": _of_store("images-"),
    "cases of a store": _of_store("cases"),
    "index of shards": _of_store("index"),
    "folder of a classical model": _of_model("logistic_regression", checksums=True),
    "folder of a classical model, its checksums gone": _of_model(
        "logistic_regression", checksums=False
    ),
    "folder of a forest": _of_model("random_forest", checksums=True),
    "folder of a forest, its checksums gone": _of_model("random_forest", checksums=False),
    "folder of a network": _of_model("network", checksums=True),
    "folder of a network, its checksums gone": _of_model("network", checksums=False),
    "folder of a classical model, packed": Kind(
        _package, _read_package, [lambda: _zipped("package.json", bytes(10**8))]
    ),
}
