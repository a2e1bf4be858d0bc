"""A trained model as one file: its folder, a card of the run's figures, checksums, a signature.

The file is a zip without compression, so its bytes depend on its content alone and nothing in it
can be larger than the file. It holds `package.json` (versions, checksums, the card), `card.md`,
`card.html` and the model's folder under `model/`. A signature is one of OpenSSH (`ssh-keygen -Y`)
over `package.json`, which names the checksum of everything else. It proves that the holder of a key
made these files; it says nothing about whether the model is any good.
"""

import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from skiagram.compute.scratch import scratch_folder
from skiagram.datasets.volumes.case_images import AS_STORED, Reading
from skiagram.deploy.card import Section, as_html, as_markdown, compose_card
from skiagram.deploy.model import DeployedModel, load_model
from skiagram.errors import DataError, OptionError, SkiagramError
from skiagram.models.deployment import DEPLOYMENT, Deployment, verify_checksums
from skiagram.records.files import read_record, sha256_of, write_record
from skiagram.records.predictions import NOTHING_WORKS

FORMAT = 1
SUFFIX = ".skiagram"
SIGNERS = "SKIAGRAM_SIGNERS"
_MANIFEST, _SIGNATURE, _MODEL = "package.json", "package.json.sig", "model"
_MAX_FILES = 10_000
_MAX_MANIFEST = 2**24  # bytes
_DATE = (1980, 1, 1, 0, 0, 0)
_AGAIN = "ask for the package again, or make it again with `skiagram package`"
_NAMESPACE = "skiagram"


@dataclass(frozen=True)
class Manifest:
    """What a package says of itself.

    Attributes:
        format: Of the package; a higher one is of a later program.
        revision: 1, and one more for every recalibration.
    """

    format: int
    skiagram: str
    name: str
    title: str
    revision: int
    earlier: tuple[str, ...]
    sha256: dict[str, str]
    card: tuple[Section, ...]


@dataclass(frozen=True)
class Opened:
    """A package whose files were checked, and its signer as the trusted list names them."""

    manifest: Manifest
    folder: Path
    signer: str
    signed: bool


def pack(
    folder: Path,
    target: Path,
    *,
    project: Path | None = None,
    intended: str = "",
    key: Path | None = None,
) -> Manifest:
    """Write a model's folder as a package.

    Args:
        project: Folder of the run that has its figures, `reports/`, and its data card, `data/`;
            None for the one that the model's folder lies in.
    """
    load_model(folder)  # what does not load is not given away
    deployment = read_record(Deployment, folder / DEPLOYMENT)
    card = compose_card(folder, project, intended)
    manifest = Manifest(
        FORMAT, version("skiagram"), deployment.model, deployment.title, 1, (), {}, card
    )
    return _write_package(manifest, folder, target, key)


def next_revision(
    earlier: Opened, target: Path, section: Section, key: Path | None = None
) -> Manifest:
    """Write a package of a model that was changed; its card's second section says what and why."""
    manifest = earlier.manifest
    text = "".join(f"{checksum}  {name}\n" for name, checksum in manifest.sha256.items())
    digest = hashlib.sha256(text.encode()).hexdigest()
    first, *others = manifest.card
    changed = replace(
        manifest,
        skiagram=version("skiagram"),
        revision=manifest.revision + 1,
        earlier=(*manifest.earlier, digest),
        card=(first, section, *others),
    )
    return _write_package(changed, earlier.folder, target, key)


def _write_package(manifest: Manifest, folder: Path, target: Path, key: Path | None) -> Manifest:
    """Write a package, whole or not at all; checksums and card are made anew."""
    paths = {
        f"{_MODEL}/{path.relative_to(folder).as_posix()}": path
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    partial = target.with_name(f".{target.name}.partial")  # a kill leaves it alone, until next time
    with scratch_folder("package") as place:
        texts = {"card.md": as_markdown(manifest.card), "card.html": as_html(manifest.card)}
        for name, text in texts.items():
            paths[name] = place / name
            paths[name].write_text(text, encoding="utf-8")
        sha256 = {name: sha256_of(paths[name]) for name in sorted(paths)}
        whole = replace(manifest, sha256=sha256)
        paths[_MANIFEST] = place / _MANIFEST
        write_record(whole, paths[_MANIFEST])
        if key is not None:
            _sign(paths[_MANIFEST], key)
            paths[_SIGNATURE] = place / _SIGNATURE
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
    return whole


@contextmanager
def opened_package(path: Path, signers: Path | None = None) -> Iterator[Opened]:
    """Yield a package, its files checked and laid out in a folder that ends with the context.

    Args:
        signers: OpenSSH's list of signers that are trusted (`ALLOWED SIGNERS` in ssh-keygen(1));
            None for the one that SKIAGRAM_SIGNERS names, if any.

    Raises:
        DataError: The file is no package, altered, unsafe, of another version, or not signed by
            somebody who is trusted.
        OptionError: The list of signers cannot be used.
    """
    trusted = signers or (Path(os.environ[SIGNERS]) if os.environ.get(SIGNERS) else None)
    with scratch_folder("package") as place:
        folder = place / "unpacked"
        _unpack(path, folder)
        manifest = _read_manifest(folder, path)
        signed = (folder / _SIGNATURE).exists()
        signer = "" if trusted is None else _signer(folder, trusted, path)
        files = {
            file.relative_to(folder).as_posix(): sha256_of(file)
            for file in folder.rglob("*")
            if file.is_file()
        }
        for name, expected in manifest.sha256.items():
            if files.get(name) != expected:
                altered = "altered: its checksum is another" if name in files else "missing"
                raise _refused(f"`{name}` is {altered}", path)
        strangers = sorted(set(files) - set(manifest.sha256) - {_MANIFEST, _SIGNATURE})
        if strangers:
            raise _refused(f"`{strangers[0]}` has no checksum", path)
        try:
            yield Opened(manifest, folder / _MODEL, signer, signed)
        except SkiagramError as error:  # names where the package was laid out, which is gone then
            raise error.renamed(str(folder), str(path)) from error


def _unpack(path: Path, folder: Path) -> None:
    """Write the entries of a package, each within the folder and as it says."""
    if not path.is_file():
        fault = "a folder, no package" if path.is_dir() else "no such package"
        remedy = f"make one: skiagram package {path} -o {path.name}{SUFFIX}"
        raise DataError(fault, where=str(path), remedy=remedy)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_entries(entries, path.stat().st_size, path)
            for entry in entries:
                target = folder / entry.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(entry) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file)
    except DataError:
        raise
    except Exception as error:  # whatever altered bytes make of a zip
        raise _refused(f"no whole package ({error})", path) from error


def _check_entries(entries: Sequence[zipfile.ZipInfo], size: int, path: Path) -> None:
    if len(entries) > _MAX_FILES or sum(entry.file_size for entry in entries) > size:
        raise _refused("more content than the file has bytes: made to fill a disk", path)
    seen: set[str] = set()
    for entry in entries:
        name, parts = entry.filename, PurePosixPath(entry.filename).parts
        unsafe = not parts or ".." in parts or name.startswith("/") or "\\" in name or ":" in name
        if unsafe or entry.orig_filename != name or name != "/".join(parts):
            raise _refused(f"the name `{name}` leaves its folder or is no plain name", path)
        if name.casefold() in seen:
            raise _refused(f"`{name}` twice", path)
        seen.add(name.casefold())
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise _refused(f"`{name}` is compressed or encrypted", path)
        if (entry.external_attr >> 16) & 0o170000 not in {0, 0o100000}:
            raise _refused(f"`{name}` is a link or a device", path)
    manifest = next((entry for entry in entries if entry.filename == _MANIFEST), None)
    if manifest is None or manifest.file_size > _MAX_MANIFEST:
        raise _refused(f"no `{_MANIFEST}`", path)


def _read_manifest(folder: Path, path: Path) -> Manifest:
    """Read what a package says of itself; its version first, as a later one may say more."""
    text = (folder / _MANIFEST).read_text(encoding="utf-8", errors="replace")
    stated = re.search(r'^  "format": (\d{1,6}),?$', text, re.MULTILINE)
    if stated is not None and int(stated[1]) > FORMAT:
        fault, allowed = f"a package of format {stated[1]}", f"format {FORMAT} and below"
        raise DataError(fault, where=str(path), allowed=allowed, remedy="install a later skiagram")
    try:
        manifest = read_record(Manifest, folder / _MANIFEST)
    except DataError as error:
        raise _refused(f"`{_MANIFEST}` cannot be read", path) from error
    here = version("skiagram")
    here_numbers, package_numbers = _numbers(here), _numbers(manifest.skiagram)
    if (
        not package_numbers
        or package_numbers > here_numbers
        or package_numbers[0] != here_numbers[0]
    ):
        fault = f"made by skiagram {manifest.skiagram}, this is {here}"
        remedy = f"pip install 'skiagram=={manifest.skiagram}', or make the package again"
        allowed = f"versions {here_numbers[0]}.x up to {here}"
        raise DataError(fault, where=str(path), allowed=allowed, remedy=remedy)
    return manifest


def _numbers(text: str) -> tuple[int, ...]:
    parts = re.match(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", text)
    return () if parts is None else tuple(int(part or 0) for part in parts.groups())


def _refused(message: str, path: Path) -> DataError:
    return DataError(message, where=str(path), allowed="a package as it was made", remedy=_AGAIN)


def _sign(path: Path, key: Path) -> None:
    if not key.is_file():
        raise OptionError("no such key", where=str(key), remedy="make one with `ssh-keygen`")
    done = _ssh_keygen("sign", "-f", str(key), str(path))
    if done.returncode or not path.with_name(_SIGNATURE).exists():
        raise OptionError(f"cannot sign ({_last_line(done)})", where=str(key))


def _signer(folder: Path, trusted: Path, path: Path) -> str:
    """Return who signed a package, of those who are trusted."""
    if not trusted.is_file():
        raise OptionError("no such list of signers", where=str(trusted))
    remedy = "ask for a signed package, or add the signer to the list if you know the key"
    if not (folder / _SIGNATURE).exists():
        raise DataError("not signed", where=str(path), remedy=remedy)
    signature = str(folder / _SIGNATURE)
    signers = _ssh_keygen("find-principals", "-s", signature, "-f", str(trusted))
    name = signers.stdout.decode(errors="replace").splitlines()[:1]
    if signers.returncode or not name:
        raise DataError("signed by nobody on the list", where=str(path), remedy=remedy)
    content = (folder / _MANIFEST).read_bytes()
    done = _ssh_keygen("verify", "-s", signature, "-f", str(trusted), "-I", name[0], stdin=content)
    if done.returncode:
        raise _refused("its signature is of other content", path)
    return name[0]


def _ssh_keygen(
    action: str, *arguments: str, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    namespace = () if action == "find-principals" else ("-n", _NAMESPACE)
    try:
        return subprocess.run(  # noqa: S603 - fixed words and names of files
            ["ssh-keygen", "-Y", action, *namespace, *arguments],  # noqa: S607 - the user's own
            input=stdin,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise OptionError("OpenSSH is not installed", where="ssh-keygen") from error


def _last_line(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = done.stderr.decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "no reason given")


@contextmanager
def opened_model(path: Path, reading: Reading = AS_STORED) -> Iterator[DeployedModel]:
    """Yield a model from its folder or its package."""
    with opened_folder(path) as folder:
        yield load_model(folder, reading)


@contextmanager
def opened_folder(path: Path) -> Iterator[Path]:
    """Yield the folder of a model, which may come as a package."""
    if path.is_file():
        with opened_package(path) as package:
            yield package.folder
        return
    if os.environ.get(SIGNERS):
        fault = f"a folder, while {SIGNERS} asks for signatures"
        raise DataError(fault, where=str(path), allowed="packages signed by somebody on that list")
    yield path


def works_on_nothing(path: Path) -> bool:
    """Return whether the run of a model, or the card of a package, says that no model works."""
    if path.is_file():
        with zipfile.ZipFile(path) as archive:
            return NOTHING_WORKS.encode() in archive.read(_MANIFEST)
    record = path.resolve().parent.parent / "reports/evaluation.json"
    return record.is_file() and NOTHING_WORKS.encode() in record.read_bytes()


def read_card(path: Path, signers: Path | None = None) -> tuple[tuple[Section, ...], str]:
    """Return the card of a package or of a model's folder, and a sentence on its signature."""
    if path.is_dir():
        verify_checksums(path)
        return compose_card(path, None, ""), "A model's folder: it carries no signature."
    with opened_package(path, signers) as package:
        load_model(package.folder)
        if package.signer:
            return package.manifest.card, f"Signed by {package.signer}; every checksum holds."
        signature = "Signed, but by whom was not checked: give --signers." if package.signed else ""
        return package.manifest.card, f"Every checksum holds. {signature or 'Not signed.'}"
