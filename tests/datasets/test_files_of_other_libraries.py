"""Odd files as other libraries write them: equal to what these read, or refused with what helps.

`python -m tests.datasets.test_files_of_other_libraries` prints the counts by kind of file.
"""

import itertools
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import imagecodecs
import imageio.v3 as imageio
import nibabel
import nrrd
import numpy as np
import pydicom
import pytest
import SimpleITK
import tifffile
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset

from skiagram.datasets.file_trees import FolderTree
from skiagram.datasets.folder.annotations import Images, MarkChoice, read_lesions
from skiagram.datasets.folder.mask_names import find_masks
from skiagram.datasets.volumes.case_images import (
    ImageReference,
    decode_case,
    is_image_file,
    read_case_files,
)
from skiagram.errors import DataError
from tests.datasets.folder.test_annotations import PROGRAMS
from tests.datasets.folder.test_mask_names import PAIRS
from tests.datasets.volumes.examples import item, put_pixels, series_files, written

SEED = np.random.default_rng(0)
VOXELS = SEED.integers(0, 250, (6, 10, 12)).astype(np.int16)  # z, y, x
FILM = SEED.integers(0, 256, (16, 20), dtype=np.uint8)
LABELS = SEED.integers(0, 3, (16, 20), dtype=np.uint8)


@dataclass(frozen=True)
class Odd:
    """A file or folder that was written, and what is expected of it.

    Attributes:
        expected: What the other library reads; None where several readings are possible.
        helps: What a refusal has to say.
        chosen: Of `ImageReference`.
    """

    kind: str
    file: str
    expected: NDArray[Any] | None
    helps: str = ""
    chosen: dict[str, Any] = field(default_factory=dict)


def volumes_of_nibabel(folder: Path) -> Iterator[Odd]:
    affine = np.array([[-0.9, 0, 0, 10], [0, 0.8, 0, -5], [0, 0, 3, 7], [0, 0, 0, 1]])
    headers = {1: nibabel.Nifti1Header, 2: nibabel.Nifti2Header}
    images = {1: nibabel.Nifti1Image, 2: nibabel.Nifti2Image}
    for version, order, dtype, ending in itertools.product(
        (1, 2), "<>", ("u1", "i2", "i4", "f4", "f8"), (".nii", ".nii.gz")
    ):
        name = f"n{version}{'b' if order == '>' else 'l'}{dtype}{ending}"
        voxels = VOXELS.transpose(2, 1, 0).astype(dtype)
        nibabel.save(
            images[version](voxels, affine, headers[version](endianness=order)), folder / name
        )
        read = np.asarray(nibabel.load(folder / name).dataobj)
        yield Odd("NIfTI (nibabel)", name, read.transpose(2, 1, 0)[:, ::-1])
    for version, ending in itertools.product((1, 2), (".nii", ".nii.gz")):
        name = f"four{version}{ending}"
        series = np.stack([VOXELS.transpose(2, 1, 0) + at for at in range(3)], axis=-1)
        nibabel.save(images[version](series, affine), folder / name)
        for frame in (1, 3):
            read = np.asarray(nibabel.load(folder / name).dataobj)[..., frame - 1]
            chosen = {"frame": frame}
            yield Odd("NIfTI of 4 axes", name, read.transpose(2, 1, 0)[:, ::-1], "", chosen)
        yield Odd("NIfTI of 4 axes", name, None, "column `frame`")


def volumes_of_simpleitk(folder: Path) -> Iterator[Odd]:
    for ending, packed, dtype in itertools.product(
        (".mha", ".mhd", ".nrrd", ".nhdr", ".nii"), (False, True), ("u1", "i2", "u2", "f4")
    ):
        name = f"itk{dtype}{'z' if packed else 'r'}{ending}"
        image = SimpleITK.GetImageFromArray(VOXELS.astype(dtype))
        image.SetSpacing((0.9, 0.8, 3))
        SimpleITK.WriteImage(image, str(folder / name), useCompression=packed)
        if ending in (".mhd", ".nhdr") and dtype in ("i2", "f4"):
            below = folder / f"below-{name}"
            below.mkdir()
            header = (folder / name).read_bytes()
            [voxels] = [
                path
                for path in folder.iterdir()
                if path.stem == Path(name).stem
                and path.name != name
                and path.is_file()
                and path.suffix in (".raw", ".zraw", ".gz")
            ] or [folder / f"{Path(name).stem}.raw.gz"]
            (below / "deep").mkdir()
            voxels.rename(below / "deep" / voxels.name)
            (below / name).write_bytes(
                header.replace(voxels.name.encode(), f"deep/{voxels.name}".encode())
            )
            (folder / name).unlink()
            name = f"below-{name}/{name}"
        read = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / name)))
        yield Odd("volumes (SimpleITK)", name, read)


def volumes_of_four_axes(folder: Path) -> Iterator[Odd]:
    series = np.stack([VOXELS + at for at in range(3)])
    for ending, packed in itertools.product((".mha", ".mhd", ".nrrd", ".nhdr"), (False, True)):
        name = f"four{'z' if packed else 'r'}{ending}"
        image = SimpleITK.GetImageFromArray(series, isVector=False)
        image.SetSpacing((0.9, 0.8, 3, 1))
        SimpleITK.WriteImage(image, str(folder / name), useCompression=packed)
        for frame in (1, 3):
            read = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(folder / name)))[frame - 1]
            yield Odd("MetaImage and NRRD of 4 axes", name, read, "", {"frame": frame})
        yield Odd("MetaImage and NRRD of 4 axes", name, None, "column `frame`")
    for encoding in ("raw", "gzip"):
        name = f"sequence-{encoding}.seq.nrrd"
        directions = [[np.nan] * 3, *np.diag([0.9, 0.8, 3]).tolist()]
        header = {
            "space": "left-posterior-superior",
            "kinds": ["list", "domain", "domain", "domain"],
            "space directions": directions,
            "space origin": [1, 2, 3],
            "encoding": encoding,
        }
        nrrd.write(str(folder / name), series.transpose(0, 3, 2, 1), header)
        for frame in (1, 3):
            read = nrrd.read(str(folder / name))[0][frame - 1].transpose(2, 1, 0)
            yield Odd("sequences of 3D Slicer", name, read, "", {"frame": frame})
        yield Odd("sequences of 3D Slicer", name, None, "column `frame`")


def segments_of_slicer(folder: Path) -> Iterator[Odd]:
    """Segments in one volume of labels, and in layers because they overlap."""
    tumour, oedema = VOXELS > 180, VOXELS > 90
    directions = np.diag([0.9, 0.8, 3])
    image = {"space": "left-posterior-superior", "space directions": directions}
    image["space origin"] = [1, 2, 3]
    nrrd.write(str(folder / "image.nrrd"), VOXELS.transpose(2, 1, 0), image)
    named = {"Segment0_Name": "tumour", "Segment1_Name": "oedema", "Segment0_LabelValue": "1"}
    apart = (tumour + 2 * (oedema & ~tumour)).astype(np.uint8)
    flat = named | {"Segment1_LabelValue": "2"}
    nrrd.write(str(folder / "flat.seg.nrrd"), apart.transpose(2, 1, 0), image | flat)
    layers = np.stack([tumour, oedema]).astype(np.uint8).transpose(0, 3, 2, 1)
    layered: dict[str, Any] = named | {"Segment1_LabelValue": "1"}
    layered |= {"Segment0_Layer": "0", "Segment1_Layer": "1"}
    layered["kinds"] = ["list", "domain", "domain", "domain"]
    layered["space directions"] = [[np.nan] * 3, *directions.tolist()]
    nrrd.write(str(folder / "layers.seg.nrrd"), layers, image | layered)
    for file, second in (("flat.seg.nrrd", oedema & ~tumour), ("layers.seg.nrrd", oedema)):
        for region, inside in (("tumour", tumour), ("oedema", second)):
            chosen: dict[str, Any] = {"masks": (file,), "region": region}
            yield Odd("segments of 3D Slicer", "image.nrrd", inside, "", chosen)
        yield Odd("segments of 3D Slicer", "image.nrrd", None, "`region`", {"masks": (file,)})
        chosen = {"masks": (file,), "region": "cyst"}
        yield Odd("segments of 3D Slicer", "image.nrrd", None, "tumour, oedema", chosen)


def pictures(folder: Path) -> Iterator[Odd]:
    def written_by(name: str, content: bytes | bytearray) -> str:
        (folder / name).write_bytes(content)
        return name

    for bits in (10, 12, 14, 16):
        deep = FILM.astype(np.uint16) << (bits - 8)
        name = written_by(f"ljpeg{bits}.jpg", imagecodecs.ljpeg_encode(deep, bitspersample=bits))
        yield Odd("JPEG (imagecodecs)", name, deep)
    deep = FILM.astype(np.uint16) << 4
    content = imagecodecs.jpeg8_encode(deep, bitspersample=12, level=90)
    yield Odd(
        "JPEG (imagecodecs)", written_by("12.jpg", content), imagecodecs.jpeg8_decode(content)
    )
    deep_colour = np.stack([deep] * 3, axis=-1)
    content = imagecodecs.jpeg8_encode(deep_colour, bitspersample=12, level=90)
    yield Odd("JPEG (imagecodecs)", written_by("colour12.jpg", content), None, "colour of 8 bits")
    grays = [value for level in range(256) for value in (level,) * 3]
    for ending in ("png", "tif", "gif"):
        palette = Image.fromarray(FILM, "P")
        palette.putpalette(grays)
        palette.save(folder / f"gray.{ending}")
        read = FILM if ending != "gif" else None
        yield Odd("pictures (Pillow)", f"gray.{ending}", read, "PNG")
    for name, image in (("without", FILM), ("16", FILM.astype(np.uint16) * 200)):
        imageio.imwrite(folder / f"{name}.png", image)
        (folder / f"{name}.png").rename(folder / name)
        yield Odd("pictures (imageio)", name, imageio.imread(folder / name))
    colour = np.stack([FILM, FILM // 2, FILM // 3], axis=-1)
    for photometric, picture in (("minisblack", FILM), ("rgb", colour)):
        for marked in (True, False):
            name = f"pyramid-{photometric}-{marked}.tif"
            with tifffile.TiffWriter(folder / name) as writer:
                for step in (1, 2, 4):
                    smaller = int(marked and step > 1)
                    writer.write(
                        picture[::step, ::step],
                        photometric=photometric,
                        subfiletype=smaller,
                        metadata=None,
                    )
            if marked:
                yield Odd("pyramids (tifffile)", name, tifffile.imread(folder / name, key=0))
            else:
                chosen = {"frame": 2}
                yield Odd("pyramids (tifffile)", name, None, "made smaller", chosen)
                yield Odd("pyramids (tifffile)", name, None, "--frames cases")


def _table(number: int, bits: int, *, packed: bool) -> Dataset:
    table = item(LUTDescriptor=[number, 0, bits])
    entries = (np.arange(number) * (2**bits - 1) // (number - 1)).astype("u1" if packed else "<u2")
    content = entries.tobytes()
    table.add_new("LUTData", "OW", content + b"\0" * (len(content) % 2))
    return table


def films(folder: Path) -> Iterator[Odd]:
    stored = (np.arange(320, dtype=np.uint16) * 13 % 4096).reshape(16, 20)
    (_, content), *_ = series_files(VOXELS[:1])

    def saved(name: str, pixels: NDArray[Any] = stored, **fields: Any) -> str:
        dataset = pydicom.dcmread(BytesIO(content))
        put_pixels(dataset, pixels)
        dataset.Modality, dataset.BitsStored, dataset.HighBit = "MG", 12, 11
        for field_name, value in fields.items():
            setattr(dataset, field_name, value)
        (folder / name).write_bytes(written(dataset))
        return name

    for number, (bits, packed) in itertools.product(
        (4096, 4095, 1024), ((8, True), (8, False), (10, False), (12, False), (16, False))
    ):
        table = _table(number, bits, packed=packed)
        name = f"voi{number}-{bits}-{packed}.dcm"
        shown = {"PresentationIntentType": "FOR PRESENTATION", "VOILUTSequence": [table]}
        entries = np.arange(number) * (2**bits - 1) // (number - 1)
        yield Odd(
            "films (pydicom)", saved(name, stored, **shown), entries[np.minimum(stored, number - 1)]
        )
    for frames in (2, 3):
        name = saved(f"more{frames}.dcm", PixelData=stored.tobytes() * frames)
        yield Odd("films (pydicom)", name, None, "correct Number of Frames")
    mapping = [item(RealWorldValueSlope=0.5, RealWorldValueIntercept=1)]
    for stated in (True, False):
        scale = (
            {"RescaleSlope": "1", "RescaleIntercept": "0"}
            if stated
            else dict.fromkeys(("RescaleSlope", "RescaleIntercept"))
        )
        name = saved(f"map{stated}.dcm", RealWorldValueMappingSequence=mapping, **scale)
        yield Odd("films (pydicom)", name, stored if stated else stored * 0.5 + 1)
    for number, start in enumerate((132, 0)):
        whole = (folder / saved(f"whole{number}.dcm")).read_bytes()
        dataset, stream = pydicom.dcmread(BytesIO(whole)), BytesIO()
        bare = Dataset()
        bare.update({element.tag: element for element in dataset})
        for implicit in (True, False):
            pydicom.dcmwrite(stream := BytesIO(), bare, implicit_vr=implicit, little_endian=True)
            name = f"bare{number}{implicit}"
            (folder / name).write_bytes(whole[132:] if start else stream.getvalue())
            read = pydicom.dcmread(folder / name, force=True)
            if "TransferSyntaxUID" not in read.file_meta:
                read.file_meta.TransferSyntaxUID = (
                    pydicom.uid.ImplicitVRLittleEndian
                    if implicit
                    else pydicom.uid.ExplicitVRLittleEndian
                )
            yield Odd("DICOM without preamble", name, read.pixel_array)


def series(folder: Path) -> Iterator[Odd]:
    beside = {
        "069.xml": b"<?xml version='1.0'?><LidcReadMessage/>",
        "LICENSE": b"Creative Commons Attribution 3.0",
        "Thumbs.db": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600),
        "a.png": imageio.imwrite("<bytes>", FILM, extension=".png"),
        "a.jpg": imageio.imwrite("<bytes>", FILM, extension=".jpg"),
        "a.pdf": b"%PDF-1.7\n" + bytes(50),
        "a.zip": b"PK\3\4" + bytes(50),
        "a.json": b"{}",
        "empty.dcm": b"",
        "zeros.dcm": bytes(4000),
    }
    for name, more in beside.items():
        place = folder / f"beside-{name}"
        place.mkdir()
        for file, content in (*series_files(VOXELS), (name, more)):
            (place / file).write_bytes(content)
        damaged = name.endswith(".dcm")
        read = None if damaged else _read_by_gdcm(place, skip=name)
        yield Odd("folders of series", place.name, read, "not a DICOM file")
    steps = ((0.625, 1), (0.625, 2), (0.7, 2), (1.25, 1), (1.5, 1), (2.5, 1), (3.3, 1), (5.0, 0))
    for (step, decimals), jitter in itertools.product(steps, (0, 0.01, 0.019)):
        place = folder / f"places-{step}-{decimals}-{jitter}"
        place.mkdir()
        heights = np.arange(len(VOXELS)) * step
        heights = np.round(heights + SEED.uniform(-jitter, jitter, len(VOXELS)) * step, decimals)
        for (file, content), height in zip(series_files(VOXELS), heights, strict=True):
            dataset = pydicom.dcmread(BytesIO(content))
            dataset.ImagePositionPatient = [0, 0, f"{height:.4f}"]
            (place / file).write_bytes(written(dataset))
        yield Odd("places of slices", place.name, _read_by_gdcm(place))


def _read_by_gdcm(place: Path, skip: str = "") -> NDArray[Any]:
    reader = SimpleITK.ImageSeriesReader()
    names = [str(path) for path in sorted(place.iterdir()) if path.name != skip]
    reader.SetFileNames(names)
    read: NDArray[Any] = SimpleITK.GetArrayFromImage(reader.Execute())
    return read


def masks(folder: Path) -> Iterator[Odd]:
    imageio.imwrite(folder / "film.png", FILM)
    palette = Image.fromarray(LABELS, "P")
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    palette.save(folder / "palette.png")
    palette.save(folder / "palette.tif")
    for bits in (2, 4):
        tifffile.imwrite(folder / f"m{bits}.tif", LABELS, bitspersample=bits)
    for name in ("palette.png", "palette.tif", "m2.tif", "m4.tif"):
        for label in (1, 2):
            chosen = {"masks": (name,), "label_value": label}
            yield Odd("masks", "film.png", np.isin(LABELS, [label]), "", chosen)
    one = np.stack([(LABELS > 0) * 255, LABELS * 0, LABELS * 0], axis=-1).astype(np.uint8)
    two = np.stack([(LABELS == 1) * 255, (LABELS == 2) * 255, LABELS * 0], axis=-1)
    imageio.imwrite(folder / "one.png", one)
    imageio.imwrite(folder / "two.png", two.astype(np.uint8))
    yield Odd("masks", "film.png", LABELS > 0, "", {"masks": ("one.png",)})
    yield Odd("masks", "film.png", None, "as a gray picture", {"masks": ("two.png",)})


KINDS = (
    volumes_of_nibabel,
    volumes_of_simpleitk,
    volumes_of_four_axes,
    segments_of_slicer,
    pictures,
    films,
    series,
    masks,
)


def outcome(folder: Path, odd: Odd) -> str:
    reference = ImageReference(odd.file, **odd.chosen)
    tree = FolderTree(folder, is_image_file)
    try:
        image = decode_case(read_case_files(tree, reference), reference)
    except DataError as error:
        return "refused" if odd.helps and odd.helps in str(error) else f"no help: {error}"
    if odd.expected is None:
        return "wrong: read, though it has several readings"
    pixels = image.pixels[..., 0] if image.pixels.ndim == 4 else image.pixels
    read = image.region.inside if image.region is not None else pixels
    if read.shape != odd.expected.shape or not np.allclose(read, odd.expected, rtol=1e-6):
        return "wrong"
    return "right"


def outcomes(folder: Path) -> Iterator[tuple[str, str, str]]:
    """Yield kind, file and outcome of every file; the folder is empty before."""
    for make in KINDS:
        place = folder / make.__name__
        place.mkdir()
        for odd in make(place):
            yield odd.kind, f"{odd.file} {odd.chosen}", outcome(place, odd)
    for program, write in PROGRAMS.items():
        place = folder / f"marks {program}"
        place.mkdir()
        found = read_lesions(write(place), Images(("one.png", "two.png"), lambda _: (200, 100)))
        right = [*found] == ["one.png"] and len(found["one.png"]) == 1
        yield "marks", program, "right" if right else "wrong"
    for image, mask in PAIRS:
        right = find_masks([image, mask, "else/other.png"]).of_image == {image: [mask]}
        yield "names of masks", mask, "right" if right else "wrong"
    rows = "one.png,20,10,20,40\none.png,21,11,20,40\n"
    (folder / "twice.csv").write_text(f"file,x,y,width,height\n{rows}")
    images = Images(("one.png",), lambda _: (200, 100))
    try:
        read_lesions(folder / "twice.csv", images)
        yield "marks", "of two readers", "wrong"
    except DataError as error:
        yield "marks", "of two readers", "refused" if "--similar-marks" in str(error) else "no help"
    joined = read_lesions(folder / "twice.csv", images, MarkChoice(similar="join"))
    yield "marks", "joined", "right" if len(joined["one.png"]) == 1 else "wrong"


@pytest.mark.thorough
@pytest.mark.filterwarnings("ignore")
def test_no_file_is_wrong_in_silence_or_refused_without_help(tmp_path: Path) -> None:
    every = [*outcomes(tmp_path)]
    assert [each for each in every if each[2] not in ("right", "refused")] == []
    counts = Counter(how for _, _, how in every)
    assert counts["right"] > 170
    assert counts["refused"] > 10


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as empty:
        every = [*outcomes(Path(empty))]
    odd = "\n".join(" ".join(each) for each in every if each[2] not in ("right", "refused"))
    table = Counter((kind, how.partition(":")[0]) for kind, _, how in every)
    lines = [f"{kind:25} {how:10} {number}" for (kind, how), number in sorted(table.items())]
    sys.stdout.write("\n".join([odd, *lines, ""]))
