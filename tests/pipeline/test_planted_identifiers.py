"""Identifiers are planted in every place of a data set; none may come out of a whole run.

All of them are made up and hold one of a few marks, which are looked for in every byte that was
written and printed. Allowed is one place: the manifest. A rare text of a covariate that the user
chose stands in the data too; the path of the folder in the config and in DVC's lock.
"""

import base64
import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
import pytest
import tifffile
from omegaconf import OmegaConf
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from skiagram.records.files import read_table
from tests.datasets.own_folders import dicom, write_folder
from tests.pipeline.project import REPOSITORY

pytestmark = pytest.mark.slow

MARK = "ZZTEST"
PERSON = f"{MARK}^PATIENT"
ROOT_OF_UIDS = "1.2.826.0.1.3680043.10.99977"
DATES = ("19110203", "1911-02-03", "03.02.1911", "03/02/1911")
RARE = "ZZRARE"  # a text that two patients have, of a covariate that the user chose
PLACE = "ZZPLACE"  # in the path of the folder
MARKS = (MARK, ROOT_OF_UIDS, *DATES, RARE, PLACE)
SIDE = 24
PATIENTS = 24
_PLANTED = {  # value representation: what is planted in every element of it
    "PN": PERSON,
    "LO": f"{MARK} text",
    "SH": f"{MARK} short",
    "ST": f"{MARK} sentence",
    "LT": f"{MARK} long text",
    "UT": f"{MARK} longer text",
    "UC": f"{MARK} characters",
    "DA": DATES[0],
    "DT": f"{DATES[0]}101112",
    "UI": f"{ROOT_OF_UIDS}.1",
}
# Tables and columns that tell how to read pixels, not who the patient is.
_KEPT = re.compile(r"LUT|Palette|TransferSyntax|SOPClass|CharacterSet")
_LANGUAGES = {
    "Name": PERSON,
    "Geburtsdatum": DATES[2],
    "Arzt": f"{MARK}-Arzt",
    "nom": PERSON,
    "naissance": DATES[3],
    "nombre": PERSON,
    "fecha_nacimiento": DATES[1],
    "cognome": PERSON,
    "nascita": DATES[2],
    "naam": PERSON,
    "geboortedatum": DATES[1],
    "remarks": f"{MARK} was seen again",
}


def film(at):
    """Return noise with stripes where the patient has the disease."""
    rng = np.random.default_rng(at)
    stripes = 40 * np.sin(np.arange(SIDE) * 1.3 + rng.uniform(0, 6)) * sick(at)
    return (rng.normal(128, 25, (SIDE, SIDE)) + stripes).clip(0, 255).astype("u1")


def sick(at):
    return at // 4 % 2 == 1


def planted_dicom(at):
    """Plant in every element of the kinds above, in nested sequences, private tags, an overlay."""
    header = pydicom.dcmread(BytesIO(dicom(at)))
    header.Rows = header.Columns = SIDE
    header.PixelData = (film(at).astype(np.uint16) * 16).tobytes()
    for tag, (kind, many, _, retired, keyword) in DicomDictionary.items():
        usual = keyword and not retired and many[0] == "1" and tag >> 16 > 2
        if usual and kind in _PLANTED and not _KEPT.search(keyword):
            setattr(header, keyword, _PLANTED[kind])
    for depth in range(3):
        inner = Dataset()
        inner.PatientName, inner.PatientBirthDate = PERSON, DATES[0]
        inner.PatientID = f"{MARK}-{depth}"
        if depth:
            inner.RequestAttributesSequence = header.RequestAttributesSequence
        header.RequestAttributesSequence = Sequence([inner])
    block = header.private_block(0x0099, f"{MARK} maker", create=True)
    block.add_new(0x01, "LO", PERSON)
    block.add_new(0x02, "OB", PERSON.encode().ljust(16))
    header.add_new((0x6000, 0x0022), "LO", f"{MARK} overlay")
    header.add_new((0x6000, 0x3000), "OW", PERSON.encode().ljust(72))
    header.BurnedInAnnotation = "no"
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    file = BytesIO()
    header.save_as(file)
    return file.getvalue()


def planted_exif():
    exif = Image.Exif()
    exif[0x010E] = exif[0x013B] = exif[0x8298] = PERSON  # description, artist, copyright
    exif[0x0132] = f"{DATES[1]} 10:11:12"
    return exif.tobytes()


def planted_png(at):
    text = PngInfo()
    text.add_text("Title", PERSON)
    text.add_text("Comment", PERSON, zip=True)
    text.add_itxt("Author", PERSON)
    file = BytesIO()
    Image.fromarray(film(at)).save(file, "PNG", pnginfo=text, exif=planted_exif())
    return file.getvalue()


def planted_jpeg(at):
    file = BytesIO()
    Image.fromarray(film(at)).save(file, "JPEG", exif=planted_exif(), comment=PERSON)
    return file.getvalue()


def planted_tiff(at):
    file = BytesIO()
    tags = [(0x013B, "s", 0, PERSON, True), (0x9999, "s", 0, PERSON, True)]
    tifffile.imwrite(file, film(at), description=PERSON, extratags=tags, software=MARK)
    return file.getvalue()


KINDS = {"dcm": planted_dicom, "png": planted_png, "jpg": planted_jpeg, "tif": planted_tiff}


def hospital(place):
    """Return two images a patient in folders of their own, and a table that names them."""
    files = {}
    rows = []
    for at in range(2 * PATIENTS):
        suffix, make = list(KINDS.items())[at % 4]
        name = f"{MARK}-{at // 2:03d}/{PERSON}-{at}.{suffix}"
        files[name] = make(at)
        known = {column: f"{value}{at // 2}" for column, value in _LANGUAGES.items()}
        known |= {"file": name, "patient_id": f"{MARK}-{at // 2:03d}", "Alter": 50 + at // 2 % 9}
        known["label"] = "sick" if sick(at) else "sound"
        rows.append(known | {"Seite": RARE if at < 4 else ("links", "rechts")[at % 2]})
    return write_folder(place / PLACE, files, rows)


def written(folder):
    """Yield name and content of every file, and of what is packed in it."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.is_symlink():
            continue
        content, name = path.read_bytes(), str(path.relative_to(folder))
        yield name, name.encode() + b"\n" + content
        if content[:4] == b"PAR1":
            yield f"{name} (table)", read_table(path).to_csv().encode()
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                for member in packed.namelist():
                    yield f"{name} ({member})", member.encode() + packed.read(member)
        for at, coded in enumerate(re.findall(rb"base64,([A-Za-z0-9+/=]+)", content)):
            yield f"{name} (picture {at})", base64.b64decode(coded)


def leaks(name, content):
    """Return where which mark stands."""
    codes = ("utf-8", "utf-16-le", "utf-32-le")
    return [
        f"{name}: {mark}" for mark in MARKS if any(mark.encode(code) in content for code in codes)
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")  # `no` in lower case
def test_the_search_finds_what_is_planted(tmp_path):
    own = hospital(tmp_path)
    for suffix in KINDS:
        (path, *_) = own.folder.rglob(f"*.{suffix}")
        assert leaks(path.name, path.read_bytes())
    with pydicom.dcmread(next(own.folder.rglob("*.dcm"))) as header:
        assert len(header) > 500
    assert {found for found in MARKS if found in own.csv.read_text()} == {MARK, RARE, *DATES[1:]}


def women(table, films, side):
    """Write what a model reads of some films; return the words that name films and table."""
    place = Path(os.path.commonpath([path.parent for path in films]))
    cells = [f"{path.relative_to(place)},50,{side}" for path in films]
    table.write_text("\n".join(["file,Alter,Seite", *cells]))
    return f"{place} --table {table}"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_nothing_that_identifies_comes_out_of_a_run(project, tmp_path, monkeypatch):
    for name in ("HOME", "TMPDIR", "DVC_SITE_CACHE_DIR"):
        (tmp_path / "machine" / name).mkdir(parents=True)
        monkeypatch.setenv(name, str(tmp_path / "machine" / name))
    own = hospital(tmp_path / "hospital")
    project.edit(
        "params.yaml",
        dataset="films",
        design="cv",
        features="first_order,covariates",
        baselines=["svm", "covariates", "encoder_logistic_regression"],
        networks=["small_cnn"],
        encoders=["tiny"],
    )
    from tests.encoders.examples import options, weights_file  # torch

    encoder = options(weights_file(project.folder))
    text = OmegaConf.to_yaml(encoder)
    (project.folder / "conf/encoder/tiny.yaml").write_text(f"# @package encoders.tiny\n{text}")
    project.edit("conf/model/encoder_logistic_regression.yaml", encoding="tiny")
    project.edit("conf/features/covariates.yaml", columns=["Alter", "Seite"])
    project.edit("conf/model/small_cnn.yaml", training__epochs=1)
    place = f"{own.folder} {own.csv} --positive sick"
    films = sorted(path for path in own.folder.rglob("*.*"))[:4]
    renamed = [shutil.copy(film, tmp_path / f"new-{at}") for at, film in enumerate(films)]
    new = women(tmp_path / "women.csv", films, RARE)
    plain = women(tmp_path / "new.csv", renamed, "links")
    found = []
    for line in (
        f"skiagram check {place}",
        f"skiagram init {place} --covariates Alter,Seite",
        "dvc init --no-scm -q",
        "dvc repro",
        "python pipeline/train_baseline.py model=svm compute.workers=2",
        "skiagram features features.csv",
        f"skiagram predict models/svm {new} -o {tmp_path}/scores.csv",
        f"skiagram predict models/svm {plain} -o scores.csv --page scores.html",
        "skiagram package models/svm -o svm.skiagram",
    ):
        done = project.run(*line.split(), code=0)
        if str(own.folder) not in line or " init " in line:  # files that it names
            found += leaks(f"printed by {line[:40]}", (done.stdout + done.stderr).encode())
    wanted = (".work/pieces", "reports/checklists", "scores.html")
    assert all((project.folder / name).exists() for name in wanted)
    manifest = project.folder / "conf/dataset/films.csv"
    assert leaks("manifest", manifest.read_bytes())
    manifest.unlink()
    for folder in (project.folder, tmp_path / "machine"):
        for name, content in written(folder):
            found += leaks(name, content)
    known, options = "data/cases/covariates.parquet", "data/code/options"

    def cached(name):
        digest = hashlib.md5((project.folder / name).read_bytes()).hexdigest()
        return f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}"

    places = ("conf/dataset/films.yaml", "dvc.lock", options, cached(options), "mlflow.db")
    assert set(found) == {
        *(f"{place}: {PLACE}" for place in places),
        f"tables/films.cases.csv: {MARK}",  # joins cases and files; git never takes it
        *(f"{name}{of}: {RARE}" for name in (known, cached(known)) for of in ("", " (table)")),
    }


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_run_that_fails_tells_the_terminal_alone_whose_image_it_was(project, tmp_path):
    own = hospital(tmp_path / "hospital")
    project.edit("params.yaml", dataset="films", design="cv", networks=[])
    place = (str(own.folder), str(own.csv), "--positive", "sick")
    project.skiagram("init", *place, code=0)
    cut = sorted(own.folder.rglob("*.tif"))[0]
    cut.write_bytes(cut.read_bytes()[:300])
    project.run("dvc", "init", "--no-scm", "-q", code=0)
    done = project.run("dvc", "repro")
    assert done.returncode != 0
    assert cut.name in done.stderr
    with sqlite3.connect(project.folder / "mlflow.db") as database:
        asked = "select value from tags where key = 'mlflow.note.content'"
        ((note,),) = database.execute(asked).fetchall()
    assert note.startswith("ingest: ")
    assert "Do this: " in note
    manifest = {"conf/dataset/films.csv", "tables/films.cases.csv"}
    found = [
        leak
        for name, content in written(project.folder)
        for leak in leaks(name, content)
        if name not in manifest
    ]
    assert {leak.rpartition(": ")[2] for leak in found} <= {PLACE}  # in the config


def held_by_git(project):
    """Yield every object that git has: of commits, experiments, stashes and the index."""
    command = ["git", "cat-file", "--batch", "--batch-all-objects"]
    held = subprocess.run(command, cwd=project.folder, capture_output=True, check=True).stdout
    start = 0
    while start < len(held):  # a line of name, kind and size, then as many bytes and an end of line
        header, _, _ = held[start : start + 200].partition(b"\n")
        name, kind, size = header.decode().split()
        content = start + len(header) + 1
        yield f"{kind} {name}", held[content : content + int(size)]
        start = content + int(size) + 1


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_git_gets_nothing_that_identifies_of_images_within_the_project(project):
    shutil.copy(REPOSITORY / ".gitignore", project.folder)
    project.edit(
        "params.yaml", features="first_order", baselines=["logistic_regression"], networks=[]
    )
    begin = ("git init -q", "git config user.name a", "git config user.email a@example.org")
    for words in (*begin, "dvc init -q", "git add -A", "git commit -qm clone"):
        project.run(*words.split(), code=0)
    own = hospital(project.folder / "own")
    places = [str(path.relative_to(project.folder)) for path in (own.folder, own.csv)]
    done = project.skiagram("init", *places, "--positive", "sick", code=0)
    lines = done.stdout.partition("\nNext:\n")[2].partition("\n\n")[0]
    # A frozen network takes time, and git nothing of it that it does not take of others.
    lines, removed = re.subn(r",pretrained_\w+|efficientnet_lite0(?=\])", "", lines)
    assert removed == 3
    taken = lines.replace("dvc exp run", "git commit -qm data; dvc exp run --temp -n temporary")
    for typed in (taken, lines, "git add -A && git commit -qm 'First run'"):
        project.run("sh", "-ec", typed, code=0)
    references = project.run("git", "for-each-ref", "--format=%(refname)", "refs/exps").stdout
    assert "temporary" in references
    for reference in [*references.split(), "HEAD"]:
        tree = project.run("git", "ls-tree", "-r", "--name-only", reference).stdout.splitlines()
        if "/exec/" not in reference:  # where DVC notes what it began with
            assert {"conf/dataset/films.yaml", "dvc.lock", "reports/metrics.json"} <= set(tree)
        assert not [name for name in tree if name.startswith(("own/", "tables/", "data/"))]
    assert project.run("git", "status", "--porcelain", "-uall").stdout == ""
    found = [leak for name, content in held_by_git(project) for leak in leaks(name, content)]
    assert {leak.rpartition(": ")[2] for leak in found} <= {PLACE}  # in the config
