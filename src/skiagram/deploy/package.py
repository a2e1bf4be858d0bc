"""A trained model as one file: its folder, a card of the run's figures, checksums.

The file is a zip without compression, so its bytes depend on its content alone and nothing in it
can be larger than the file. It holds `package.json` (versions, checksums, the card), `card.md`,
`card.html` and the model's folder under `model/`. `package.json` names the checksum of everything
else.
"""

import re
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from skiagram.compute.files import sha256_of
from skiagram.compute.scratch import scratch_folder
from skiagram.deploy.card import CardSection, as_html, as_markdown, compose_card, find_project
from skiagram.deploy.model import DeployedModel, load_model, missing_model
from skiagram.errors import DataError, SkiagramError, name_refusal, refusal
from skiagram.fitting.deployment import DEPLOYMENT, Deployment
from skiagram.projects.files import require_readable
from skiagram.readers.case_images import AS_STORED, CaseReading
from skiagram.records.files import read_record, write_record

FORMAT = 1
SUFFIX = ".skiagram"
_MANIFEST, _MODEL = "package.json", "model"
# What all versions say where no model works; the words around it have changed.
_NOTHING_WORKS = b"on these data: none is shown to beat chance"
_MAX_FILES = 10_000
_MAX_MANIFEST = 2**24  # bytes
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Manifest:
    """What a package says of itself.

    Attributes:
        format: Of the package; a higher one is of a later program.
        revision, earlier: 1 and none; a package is not changed once it is made.
    """

    format: int
    skiagram: str
    name: str
    title: str
    revision: int
    earlier: tuple[str, ...]
    sha256: dict[str, str]
    card: tuple[CardSection, ...]


def pack(
    folder: Path, target: Path, *, project: Path | None = None, intended: str = ""
) -> Manifest:
    """Write a model's folder as a package.

    Args:
        project: Folder of the run that has its figures, `reports/`, and its data card, `data/`;
            None for the one that the model's folder lies in.
    """
    # The card says what is given away, and what does not load is not.
    card = compose_card(folder, project, intended)
    deployment = read_record(Deployment, folder / DEPLOYMENT)
    # All files of the model but hidden ones.
    paths = {
        f"{_MODEL}/{path.relative_to(folder).as_posix()}": path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    partial = target.with_name(f".{target.name}.partial")  # a kill leaves it alone, until next time
    # Card and checksums beside the model.
    with scratch_folder("package") as place:
        texts = {"card.md": as_markdown(card), "card.html": as_html(card)}
        for name, text in texts.items():
            paths[name] = place / name
            paths[name].write_text(text, encoding="utf-8")
        sha256 = {name: sha256_of(paths[name]) for name in sorted(paths)}
        named = deployment.model, deployment.title
        manifest = Manifest(FORMAT, version("skiagram"), *named, 1, (), sha256, card)
        paths[_MANIFEST] = place / _MANIFEST
        write_record(manifest, paths[_MANIFEST])
        # The package is written whole or not at all.
        try:
            with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
                for name in sorted(paths):
                    entry = zipfile.ZipInfo(name, _DATE)
                    entry.external_attr = 0o100644 << 16
                    entry.create_system = 3  # the same on every system
                    entry.file_size = paths[name].stat().st_size
                    with (
                        paths[name].open("rb") as source,
                        archive.open(entry, "w") as part,
                    ):
                        shutil.copyfileobj(source, part)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    return manifest


@contextmanager
def opened_package(path: Path) -> Iterator[tuple[Manifest, Path]]:
    """Yield what a package says of itself, and the folder of its model; all files were checked.

    The folder ends with the context.

    Raises:
        DataError: The file is no package, altered, unsafe or of another version.
    """
    # Laid out, then what it says of itself.
    with scratch_folder("package") as place:
        folder = place / "unpacked"
        _unpack(path, folder)
        # A later format may say what this version cannot read: it is read first, and alone.
        text = (folder / _MANIFEST).read_text(encoding="utf-8", errors="replace")
        stated = re.search(r'^  "format": (\d{1,6}),?$', text, re.MULTILINE)
        if stated is not None and int(stated[1]) > FORMAT:
            raise refusal("deploy.later_format", str(path), stated=stated[1], known=FORMAT)
        try:
            manifest = read_record(Manifest, folder / _MANIFEST)
        except DataError as error:
            raise _refused(f"`{_MANIFEST}` cannot be read", path) from error
        require_readable(manifest.skiagram, str(path))
        # Each file is the one that was packed.
        files = {
            file.relative_to(folder).as_posix(): sha256_of(file)
            for file in folder.rglob("*")
            if file.is_file()
        }
        for name, expected in manifest.sha256.items():
            if files.get(name) != expected:
                altered = "altered: its checksum is another" if name in files else "missing"
                raise _refused(f"`{name}` is {altered}", path)
        # A file without a checksum is not of the package.
        strangers = sorted(set(files) - set(manifest.sha256) - {_MANIFEST})
        if strangers:
            raise _refused(f"`{strangers[0]}` has no checksum", path)
        try:
            yield manifest, folder / _MODEL
        except SkiagramError as error:  # names where the package was laid out, which is gone then
            raise error.rephrased(lambda text: text.replace(str(folder), str(path))) from error


def _unpack(path: Path, folder: Path) -> None:
    """Write the entries of a package, each within the folder and as it says."""
    # Entries are checked before any is written.
    if not path.is_file():
        raise missing_model(path)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_entries(archive.infolist(), path)
            for entry in archive.infolist():
                target = folder / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
    except DataError:
        raise
    except Exception as error:  # whatever altered bytes make of a zip, or a full disk
        number = error.errno if isinstance(error, OSError) else None
        if refusal := name_refusal(str(error), str(path), number):
            raise refusal from error
        raise _refused(f"no whole package ({error})", path) from error


def _check_entries(entries: Sequence[zipfile.ZipInfo], path: Path) -> None:
    """Refuse entries that are no plain files within the folder, or more than the file holds."""
    # Stored entries are no larger than the file.
    size = sum(entry.file_size for entry in entries)
    if len(entries) > _MAX_FILES or size > path.stat().st_size:
        raise _refused("more content than the file has bytes: made to fill a disk", path)
    # Each name is a plain one, and stands once even where case does not count.
    folded_names: set[str] = set()
    for entry in entries:
        name, parts = entry.filename, PurePosixPath(entry.filename).parts
        unsafe = not parts or ".." in parts or name.startswith("/") or "\\" in name or ":" in name
        if unsafe or entry.orig_filename != name or name != "/".join(parts):
            raise _refused(f"the name `{name}` leaves its folder or is no plain name", path)
        if name.casefold() in folded_names:
            raise _refused(f"`{name}` twice", path)
        folded_names.add(name.casefold())
        # Neither compressed nor encrypted, neither links nor devices.
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise _refused(f"`{name}` is compressed or encrypted", path)
        if (entry.external_attr >> 16) & 0o170000 not in {0, 0o100000}:
            raise _refused(f"`{name}` is a link or a device", path)
    manifest = next((entry for entry in entries if entry.filename == _MANIFEST), None)
    if manifest is None or manifest.file_size > _MAX_MANIFEST:
        raise _refused(f"no `{_MANIFEST}`", path)


def _refused(message: str, path: Path) -> DataError:
    return refusal("deploy.other_package", str(path), found=message)


@contextmanager
def opened_model(path: Path, reading: CaseReading = AS_STORED) -> Iterator[DeployedModel]:
    """Yield a model from its folder or its package."""
    with opened_folder(path) as folder:
        yield load_model(folder, reading)


@contextmanager
def opened_folder(path: Path) -> Iterator[Path]:
    """Yield the folder of a model, which may come as a package."""
    if path.is_file():
        with opened_package(path) as (_, folder):
            yield folder
        return
    yield path


def works_on_nothing(path: Path) -> bool:
    """Tell whether the run of a model, or the card of a package, says that no model works."""
    if path.is_file():
        with zipfile.ZipFile(path) as archive:
            return _NOTHING_WORKS in archive.read(_MANIFEST)
    record = find_project(path) / "reports/evaluation.json"
    return record.is_file() and _NOTHING_WORKS in record.read_bytes()


def read_card(path: Path) -> tuple[CardSection, ...]:
    """Read the card of a package or of a model's folder, after every checksum was verified."""
    if path.is_dir():
        return compose_card(path, None, "")
    with opened_package(path) as (manifest, folder):
        load_model(folder)
        return manifest.card
