"""Folders of files as a user has them: sound, odd and faulty ones, and the CSV that lists them."""

import hashlib
from contextlib import chdir
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pydicom.data
import tifffile
from PIL import Image

from skiagram.datasets.folder.columns import Columns
from skiagram.datasets.folder.option_file import OptionFiles
from skiagram.datasets.folder.source import Folder
from skiagram.datasets.folder.table import list_entries, normalise_name
from skiagram.options import build
from skiagram.readers.image_files import decode_image
from skiagram.tables.frames import read_table
from tests.yaml_rows import load_yaml

SIDE = 24


@dataclass(frozen=True)
class OwnFolder:
    folder: Path
    csv: Path


def film(at):
    """Return a gray image that resembles no other."""
    return np.random.default_rng(at).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)


def encoded(image, kind, **how):
    file = BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def png(at):
    return encoded(Image.fromarray(film(at)), "PNG")


def pixels_of(path):
    """Return the pixels of an image file as it is read."""
    return decode_image(path.read_bytes(), path.name).pixels.tobytes()


def tiff(image, **how):
    file = BytesIO()
    tifffile.imwrite(file, image, **how)
    return file.getvalue()


def dicom(at, **changes):
    """Return a DICOM file that names a patient; a change to None drops the element."""
    header = pydicom.dcmread(pydicom.data.get_testdata_file("CT_small.dcm"))
    header.PatientName, header.PatientID = "WARREN^MARY", "MRN-4711"
    header.Rows = header.Columns = SIDE
    header.RescaleIntercept, header.PixelRepresentation = 0, 0
    header.PixelData = (film(at).astype(np.uint16) * 16).tobytes()
    header.pop("PixelPaddingValue", None)
    for name, value in changes.items():
        if value is None:
            delattr(header, name)
        else:
            setattr(header, name, value)
    file = BytesIO()
    header.save_as(file)
    return file.getvalue()


def odd(at):
    """Return files of kinds that are often read wrong, all of them gray."""
    gray = Image.fromarray(film(at))
    alpha = gray.copy()
    alpha.putalpha(255)
    palette = Image.fromarray(film(at + 1)).convert("P")
    palette.putpalette([level for level in range(256) for _ in range(3)])
    return {
        "deep.tiff": tiff(film(at + 2).astype(np.uint16) * 257),
        "opaque.png": encoded(alpha, "PNG"),
        "palette.png": encoded(palette, "PNG"),
        "turned.dcm": dicom(at + 3, PhotometricInterpretation="MONOCHROME1"),
        "plain.pgm": encoded(Image.fromarray(film(at + 4)), "PPM"),
        "scan.jpg": encoded(Image.fromarray(film(at + 5)), "JPEG"),
        "binary.png": encoded(Image.fromarray(film(at + 6) > 127), "PNG"),
        "exact.tif": tiff(film(at + 7).astype(np.float32)),
    }


def faulty():
    """Return files that cannot be used."""
    inks = np.stack([film(902), film(902)[::-1], *[film(905)] * 2], axis=-1)  # in colour
    return {
        "empty.png": b"",
        "cut.jpg": encoded(Image.fromarray(film(900)), "JPEG")[:-80],
        "notes.png": b"seen by Dr Gray, no film\n" * 20,
        "report.dcm": dicom(901, PixelData=None),
        "ink.jpg": encoded(Image.fromarray(inks, "CMYK"), "JPEG"),
        "pages.tif": tiff(np.stack([film(903)] * 2)),
        "tiny.png": encoded(Image.fromarray(film(904)[:4]), "PNG"),
    }


def write_folder(place, files, rows=()):
    """Write files and, of rows, a table below a place."""
    own = OwnFolder(place / "films", place / "films.csv")
    own.folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (own.folder / name).parent.mkdir(exist_ok=True)
        (own.folder / name).write_bytes(content)
    if rows:
        pd.DataFrame(rows).to_csv(own.csv, index=False)
    return own


def row(at, name, **changes):
    """Return a row: two images a patient, classes alternating by patient, two sites."""
    whole = {
        "file": name,
        "patient_id": f"MRN-{at // 2:04d}",
        "label": "cancer" if at // 2 % 2 else "normal",
        "site": "Leeds" if at // 2 % 4 > 1 else "York",
        "age": 40 + at // 2 % 30,
        "view": "MLO" if at % 2 else "CC",
        "name": f"Mary Warren {at}",
    }
    return whole | changes


def write_films(
    place,
    count,
    change=lambda at: {},
):
    """Write `film-0.png` and so on with their table; `change` gives the cells that differ."""
    names = [f"film-{at}.png" for at in range(count)]
    rows = [row(at, name) | {**change(at)} for at, name in enumerate(names)]
    return write_folder(place, {name: png(at) for at, name in enumerate(names)}, rows)


def sound_folder(place, count=24):
    """Return a folder that can be run, its odd files included."""
    files = {f"ward-{at % 3}/MRN-{at:04d}.png": png(at) for at in range(count - 8)} | odd(500)
    return write_folder(place, files, [row(at, name) for at, name in enumerate(files)])


def mixed_folder(place):
    """Return 60 files, seven of them faulty, one without a row and one with two."""
    good = {f"film-{at:02d}.png": png(at) for at in range(44)} | odd(500)
    files = good | faulty()
    rows = [row(at, name) for at, name in enumerate(files)]
    rows.append(row(0, "film-00.png", label="cancer"))
    rows.append(row(2, "gone.png"))
    return write_folder(place, files | {"forgotten.png": png(800)}, rows)


COLUMNS = Columns(
    file="file",
    label="label",
    patient="patient_id",
    split=None,
    site="site",
    covariates=("age", "view"),
    scores=(),
)
LABELS = replace(COLUMNS, patient=None, site=None, covariates=())


def listing_of(csv, columns=COLUMNS, classes=("normal", "cancer")):
    """Return what is read of the text of a CSV."""
    return list_entries(read_table(csv.encode()), columns, classes, ())


def source_of(own, columns=COLUMNS, project=None, **changes):
    """Return the data set of a folder as its config says, though nothing was checked.

    The config and the manifest are written into a project, else beside the folder.
    """
    source = Folder(
        name="films",
        title="Films",
        modality="none",
        folder=str(own.folder),
        manifest="",
        manifest_sha256="",
        columns=columns,
        classes=("normal", "cancer"),
        positive_class="cancer",
        test_sites=(),
        channels=1,
        unlisted="refuse",
        licence="none",
        citation="none",
        source="none",
        known_issues=(),
        waived_findings={},
    )
    source = replace(source, **changes)
    rows = read_table(own.csv.read_bytes())
    files = OptionFiles(source.name)
    checksums = {normalise_name(name): _sum(own, name) for name in rows["file"]}
    if columns.mask is not None:
        masks = rows[columns.mask].tolist()
        checksums |= {normalise_name(name): _sum(own, name) for name in masks}
    with chdir(project or own.folder.parent):
        files.options.parent.mkdir(parents=True, exist_ok=True)
        for path in (files.options, files.manifest):
            path.unlink(missing_ok=True)
        files.write(source, rows, checksums)
        written = build(load_yaml(files.options), "dataset")
        return replace(written, manifest=str(files.manifest.resolve()))


def _sum(own, name):
    path = own.folder / name
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
