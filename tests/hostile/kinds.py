"""Kinds of files that somebody may hand over: a sound one, its bombs, and how it is read."""

import gzip
import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import imagecodecs
import nibabel
import numpy as np
import yaml
from PIL import Image as Pillow
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from skiagram.datasets.folder.annotations import Images, MarkChoice, read_lesions
from skiagram.datasets.folder.csv_rows import read_rows
from skiagram.datasets.folder.table import list_entries
from skiagram.datasets.image_files import decode_image
from skiagram.datasets.volumes.case_images import CaseFiles, ImageReference, decode_case
from skiagram.datasets.volumes.masks import decode_mask
from skiagram.datasets.volumes.volume_files import decode_volume
from skiagram.image_store.shards import ShardWriter
from skiagram.image_store.store import ImageStore
from skiagram.options import build, read_option_file
from tests.datasets.folder.test_annotations import PROGRAMS
from tests.datasets.folder.test_frames import MASKS, VALUES, tiff_of_pages
from tests.datasets.own_folders import COLUMNS, png, row, source_of, tiff, write_folder
from tests.datasets.test_dicom import BOMBS, bundled, compressed, deflate_bomb, file_of, header_of
from tests.datasets.test_image_files import png_bomb
from tests.datasets.volumes.examples import (
    GRID,
    cine,
    nifti_bytes,
    segmentation,
    segmentation_of_frames,
    structure_set,
)
from tests.datasets.volumes.examples import VALUES as VOXELS
from tests.datasets.volumes.test_masks import MASK, _contours
from tests.datasets.volumes.test_volume_files import meta_image_bytes

SIDE = 40
_CONF = Path(__file__).resolve().parents[2] / "conf"
_FILM = (
    np.add.outer(np.arange(SIDE) * 3, np.arange(SIDE) * 2)
    + np.random.default_rng(5).integers(0, 20, (SIDE, SIDE))
).astype(np.uint8)
_DEEP = _FILM.astype(np.uint16) * 257


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


_PLACES: list[tempfile.TemporaryDirectory[str]] = []  # they go when the process ends


def _place() -> Path:
    _PLACES.append(tempfile.TemporaryDirectory(prefix="hostile-"))
    return Path(_PLACES[-1].name)


def _image(content: bytes) -> object:
    image = decode_image(content, "film")
    return image.pixels.tobytes(), image.pixels.shape, image.spacing


def _all_frames(files: CaseFiles) -> object:
    masks = ("mask",) * len(files.masks)
    image = decode_case(files, ImageReference("loop", masks, frame=0))
    inside = b"" if image.region is None else image.region.inside.tobytes()
    return image.pixels.tobytes(), image.pixels.shape, inside


def _pages(content: bytes) -> object:
    return _all_frames(CaseFiles({"loop": content}, (), {}))


def _masks_of_frames(content: bytes) -> object:
    return _all_frames(CaseFiles({"loop": cine(VALUES[0])}, (content,), {}))


def _mask(content: bytes) -> object:
    return decode_mask(content, "mask", GRID, mask_grid="resample").tobytes()


def _page_bomb() -> bytes:
    file, page = io.BytesIO(), Pillow.new("L", (8000, 8000))
    pages = [page] * 7  # each is allowed, all together are not
    page.save(file, "TIFF", save_all=True, append_images=pages, compression="tiff_deflate")
    return file.getvalue()


def _volume(content: bytes) -> object:
    volume = decode_volume(content, "volume")
    return np.asarray(volume.voxels).tobytes(), volume.grid


def _second_volume(content: bytes) -> object:
    volume = decode_volume(content, "volumes", frame=2)
    return np.asarray(volume.voxels).tobytes(), volume.grid


def _nifti_2() -> bytes:
    return bytes(nibabel.Nifti2Image(VOXELS.transpose(2, 1, 0), np.eye(4)).to_bytes())


def _four_axes() -> bytes:
    series = np.stack([VOXELS.transpose(2, 1, 0)] * 3, axis=-1)
    return bytes(nibabel.Nifti1Image(series, np.eye(4)).to_bytes())


def _four_axes_bomb() -> bytes:
    head = bytearray(_four_axes()[:352])
    head[40:56] = np.array([4, 512, 512, 1000, 32000, 1, 1, 1], "<i2").tobytes()
    return gzip.compress(bytes(head) + bytes(400_000_000), mtime=0)


def _lesions(name: str) -> Callable[[bytes], object]:
    def read(content: bytes) -> object:
        path = _place() / name
        path.write_bytes(content)
        images = Images(("one.png",), lambda _: (200, 100))
        return read_lesions(path, images, MarkChoice(similar="join", radius=2))

    return read


def _annotations(program: str) -> bytes:
    place = _place()
    path = PROGRAMS[program](place)
    return (path if path.is_file() else next(path.glob("one.*"))).read_bytes()


def _encoded(kind: str, **how: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        file = io.BytesIO()
        Pillow.fromarray(_FILM).save(file, kind, **how)
        return file.getvalue()

    return make


def _tiff_of_zeros() -> bytes:
    file = io.BytesIO()
    Pillow.new("1", (20_000, 20_000)).save(file, "TIFF", compression="group4")
    return file.getvalue()


def _dicom(syntax: str, frame: Any = None) -> Callable[[], bytes]:
    def make() -> bytes:
        if frame is not None:
            size = {"Rows": SIDE, "Columns": SIDE}
            return compressed(syntax, frame, bits=16, **size).getvalue()
        header = header_of(_DEEP, BitsStored=16, HighBit=15, PixelSpacing=[0.2, 0.2])
        header.file_meta.TransferSyntaxUID = syntax
        return file_of(header).getvalue()

    return make


def _read_npz(content: bytes) -> object:
    """Read a MedMNIST file whose published checksum is that of the altered file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "breastmnist.npz").write_bytes(content)
        values = yaml.safe_load((_CONF / "dataset/breastmnist.yaml").read_text())
        checksum = md5(content, usedforsecurity=False).hexdigest()
        source = build(values | {"file": "breastmnist.npz", "md5": checksum}, "dataset")
        opened = source.open(Path(folder))
        return [opened.image(at).pixels.tobytes() for at in range(len(opened.entries()))]


def _npz() -> bytes:
    generator, file = np.random.default_rng(3), io.BytesIO()
    arrays: dict[str, Any] = {}
    for split in ("train", "val", "test"):
        arrays[f"{split}_images"] = generator.integers(0, 256, (6, 28, 28), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(6, dtype=np.uint8)[:, None] % 2
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def _npz_with(name: str, body: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.npy", body)
    return file.getvalue()


class _Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("true",)


def _npz_with_code() -> bytes:
    file = io.BytesIO()
    np.savez(file, train_images=np.array([_Code()], dtype=object))
    return file.getvalue()


def _npz_of_zeros() -> bytes:
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "|u1", "fortran_order": False, "shape": (10**6, 28, 28)}
    )
    return _npz_with("train_images", head.getvalue() + bytes(784 * 10**6))


def _table() -> bytes:
    lines = ["file,patient_id,label,site,age,view"]
    lines += [
        f"film-{at:03d}.png,P{at // 2},{'cancer' if at % 4 > 1 else 'normal'},York,{50 + at % 9},CC"
        for at in range(40)
    ]
    return "\r\n".join(lines).encode()


def _read_table(content: bytes) -> object:
    rows = read_rows(content)
    listing = list_entries(rows, COLUMNS, ("normal", "cancer"), ())
    for problem in listing.problems:
        raise problem
    return repr(listing.entries)


@cache
def _own() -> tuple[Path, Any]:
    place = _place()
    own = write_folder(
        place,
        {f"film-{at}.png": png(at) for at in range(8)},
        [row(at, f"film-{at}.png") for at in range(8)],
    )
    return place, source_of(own)


def _manifest() -> bytes:
    return Path(_own()[1].manifest).read_bytes()


def _read_manifest(content: bytes) -> object:
    """Open a folder whose option file holds the checksum of the altered manifest."""
    place, source = _own()
    path = place / "altered.csv"
    path.write_bytes(content)
    altered = replace(source, manifest=str(path), manifest_sha256=sha256(content).hexdigest())
    opened = altered.open(None)
    entries = opened.entries()
    return repr(entries), [opened.image(at).pixels.tobytes() for at in range(len(entries))]


def _options_text() -> bytes:
    return (_CONF / "model/random_forest.yaml").read_bytes()


def _read_options(content: bytes) -> object:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "altered.yaml"
        path.write_bytes(content)
        return repr(build(read_option_file(path), "model"))


def _laughs() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines).encode()


@cache
def _store() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "images"
        with ShardWriter(place) as writer:
            for at in range(6):
                writer.add(f"case-{at}", _FILM + np.uint8(at), (0.2, 0.2))
        return {path.name: path.read_bytes() for path in sorted(place.iterdir())}


def _shard() -> str:
    return next(name for name in _store() if name.startswith("images-"))


def _read_store(changed: Mapping[str, bytes]) -> object:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (_store() | dict(changed)).items():
            (Path(folder) / name).write_bytes(content)
        store = ImageStore(Path(folder))
        return [(name, image.tobytes(), store.spacing(name)) for name, image in store]


@cache
def _model(arm: str) -> Path:
    from skiagram.models.deployment import write_checksums

    place = _place()
    if arm == "network":
        from tests.deploy.networks import trained_network

        folder = trained_network(place).model
    else:
        from tests.deploy.trained import trained_baseline

        folder = trained_baseline(place, model=arm).model
    write_checksums(folder)
    return folder


def _packed_model(arm: str) -> Callable[[], bytes]:
    """Return all files of a model one after the other, with their names and lengths before."""

    from skiagram.models.deployment import CHECKSUMS

    def make() -> bytes:
        folder = _model(arm)
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != CHECKSUMS
        }
        return b"".join(files.values())

    return make


def _read_model(arm: str, *, checksums: bool) -> Callable[[bytes], object]:
    """Write a model's folder whose files together hold some bytes, and load it."""

    from skiagram.deploy.model import load_model
    from skiagram.models.deployment import CHECKSUMS

    def read(content: bytes) -> object:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(_model(arm), Path(folder) / "model"))
            paths = [
                path
                for path in sorted(copy.rglob("*"))
                if path.is_file() and path.name != CHECKSUMS
            ]
            at = 0
            for path in paths:
                length = path.stat().st_size
                path.write_bytes(content[at:] if path == paths[-1] else content[at : at + length])
                at += length
            if not checksums:
                (copy / CHECKSUMS).unlink()
            loaded = load_model(copy)
            return loaded.task, loaded.threshold

    return read


@cache
def _package() -> bytes:
    from skiagram.deploy.package import pack

    target = _place() / "model.skiagram"
    pack(_model("logistic_regression"), target)
    return target.read_bytes()


def _read_package(content: bytes) -> object:
    from skiagram.deploy.model import load_model
    from skiagram.deploy.package import opened_package

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "model.skiagram"
        target.write_bytes(content)
        with opened_package(target) as package:
            loaded = load_model(package.folder)
            return loaded.task, loaded.threshold, package.manifest


def _package_of_zeros() -> bytes:
    """Return a package that says of a small file that it is large."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package.json", bytes(10**8))
    return content.getvalue()


def _model_kinds() -> dict[str, Kind]:
    arms = {
        "classical model": "logistic_regression",
        "forest": "random_forest",
        "network": "network",
    }
    return {
        f"folder of a {title}{'' if checksums else ', its checksums gone'}": Kind(
            _packed_model(arm), _read_model(arm, checksums=checksums)
        )
        for title, arm in arms.items()
        for checksums in (True, False)
    }


def _nrrd() -> bytes:
    head = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 12 11 10\n"
        "space directions: (0.7,0,0) (0,0.7,0) (0,0,2.5)\nkinds: domain domain domain\n"
        "endian: little\nencoding: gzip\nspace origin: (0,0,0)\n\n"
    )
    return head.encode() + gzip.compress(np.arange(1320, dtype="<i2").tobytes(), mtime=0)


def _gzip_bomb() -> bytes:
    return gzip.compress(nifti_bytes(VOXELS)[:352] + bytes(400_000_000), mtime=0)


def _film_bomb(name: str) -> Callable[[], bytes]:
    return lambda: BOMBS[name]().getvalue()


KINDS: dict[str, Kind] = {
    "PNG": Kind(_encoded("PNG"), _image, [lambda: png_bomb(16_384)]),
    "JPEG": Kind(_encoded("JPEG", quality=95), _image),
    "JPEG of 16 bits": Kind(
        lambda: bytes(imagecodecs.ljpeg_encode(_DEEP, bitspersample=16)), _image
    ),
    "TIFF": Kind(_encoded("TIFF"), _image, [_tiff_of_zeros]),
    "TIFF, deflated": Kind(_encoded("TIFF", compression="tiff_deflate"), _image),
    "TIFF, channels of double floats": Kind(
        lambda: tiff(np.stack([_FILM / 7] * 2), planarconfig="separate", compression="zlib"), _pages
    ),
    "TIFF of pages": Kind(lambda: tiff_of_pages(VALUES[0]), _pages, [_page_bomb]),
    "DICOM, masks of frames": Kind(
        lambda: segmentation_of_frames(dict(enumerate(MASKS, 1))), _masks_of_frames
    ),
    "DICOM, structure set": Kind(lambda: structure_set({"GTV": _contours(hole=True)}), _mask),
    "DICOM, segmentation": Kind(lambda: segmentation({"GTV": MASK}), _mask),
    "BMP": Kind(_encoded("BMP"), _image),
    "PGM": Kind(_encoded("PPM"), _image, [lambda: b"P5 99999 99999 255\n" + bytes(99)]),
    "DICOM": Kind(_dicom(ExplicitVRLittleEndian), _image, [_film_bomb("rows")]),
    "DICOM, deflated": Kind(
        _dicom(DeflatedExplicitVRLittleEndian), _image, [lambda: deflate_bomb().getvalue()]
    ),
    "DICOM, RLE": Kind(
        lambda: bundled("MR_small_RLE.dcm").read_bytes(), _image, [_film_bomb("RLE")]
    ),
    "DICOM, JPEG": Kind(
        lambda: compressed(
            JPEGBaseline8Bit, _encoded("JPEG")(), Rows=SIDE, Columns=SIDE
        ).getvalue(),
        _image,
        [_film_bomb("JPEG")],
    ),
    "DICOM, JPEG Lossless": Kind(
        _dicom(JPEGLosslessSV1, imagecodecs.ljpeg_encode(_DEEP, bitspersample=16)), _image
    ),
    "DICOM, JPEG-LS": Kind(_dicom(JPEGLSLossless, imagecodecs.jpegls_encode(_DEEP)), _image),
    "DICOM, JPEG 2000": Kind(
        _dicom(
            JPEG2000Lossless,
            imagecodecs.jpeg2k_encode(_DEEP, level=0, codecformat="J2K", reversible=True),
        ),
        _image,
        [_film_bomb("JPEG 2000")],
    ),
    "DICOM, HTJ2K": Kind(
        _dicom(HTJ2KLossless, imagecodecs.htj2k_encode(_DEEP, reversible=True)), _image
    ),
    "NIfTI": Kind(lambda: nifti_bytes(VOXELS), _volume),
    "NIfTI, gzip": Kind(lambda: gzip.compress(nifti_bytes(VOXELS), mtime=0), _volume, [_gzip_bomb]),
    "NIfTI-2": Kind(_nifti_2, _volume),
    "NIfTI of four axes": Kind(_four_axes, _second_volume, [_four_axes_bomb]),
    "NRRD": Kind(_nrrd, _volume),
    "MetaImage": Kind(meta_image_bytes, _volume),
    "npz": Kind(_npz, _read_npz, [_npz_of_zeros, _npz_with_code]),
    "CSV": Kind(
        _table,
        _read_table,
        [
            lambda: b",".join(b"c%d" % at for at in range(30_000)),
            lambda: b'file,label\nx,"' + b"a" * 10**7,
        ],
    ),
    "lesions of Pascal VOC": Kind(
        lambda: _annotations("Pascal VOC"),
        _lesions("one.xml"),
        [lambda: b'<!DOCTYPE a [<!ENTITY b "' + b"b" * 10**6 + b'">]><annotation/>'],
    ),
    "lesions of LabelMe": Kind(
        lambda: _annotations("LabelMe, polygon"),
        _lesions("one.json"),
        [lambda: b'{"shapes":' + b"[" * 200_000],
    ),
    "lesions in a CSV": Kind(lambda: _annotations("xmin"), _lesions("boxes.csv")),
    "manifest": Kind(_manifest, _read_manifest),
    "option file": Kind(_options_text, _read_options, [_laughs, lambda: b"[" * 100_000]),
    "Arrow shard": Kind(
        lambda: _store()[_shard()], lambda content: _read_store({_shard(): content})
    ),
    "cases of a store": Kind(
        lambda: _store()["cases.arrow"], lambda content: _read_store({"cases.arrow": content})
    ),
    "index of shards": Kind(
        lambda: _store()["index.json"], lambda content: _read_store({"index.json": content})
    ),
    **_model_kinds(),
    "folder of a classical model, packed": Kind(_package, _read_package, [_package_of_zeros]),
}
