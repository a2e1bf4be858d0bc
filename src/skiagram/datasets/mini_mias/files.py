"""The films of mini-MIAS, at hand as PNG or PGM or fetched as published, each one verified.

The manifest holds the SHA-256 of each film's decoded pixels, so either file format verifies.
"""

import hashlib
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pooch
from numpy.typing import NDArray
from PIL import Image as Pictures

from skiagram.datasets.mini_mias.truth import FILE, SIDE
from skiagram.errors import DataError

MANIFEST = Path(__file__).with_name("mini_mias.sha256")
_UNREADABLE = (OSError, SyntaxError, ValueError, Pictures.DecompressionBombError)


def published_digests() -> dict[str, str]:
    """Return film name → SHA-256 of its pixels; `Info.txt` → SHA-256 of its film rows."""
    lines = MANIFEST.read_text().splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def locate_folder(folder: str, url: str, root: Path | None, digests: Mapping[str, str]) -> Path:
    """Return the folder with the films: at hand below `root`, else fetched and unpacked.

    Args:
        folder: Name of the folder.
        url: Where the published archive can be fetched.
        root: Folder where data sets are already at hand (`SKIAGRAM_DATA`), or None.
        digests: Names of the films, and of the text file.

    Raises:
        DataError: The folder is missing and the archive cannot be fetched.
    """
    if root is not None and (root / folder).is_dir():
        return root / folder
    try:
        archive = Path(pooch.retrieve(url, None, fname=f"{folder}.tar.gz", progressbar=True))
        return _unpacked(archive, archive.with_name(folder), digests)
    except (OSError, ValueError, EOFError, tarfile.TarError) as error:
        raise DataError(
            f"cannot be fetched ({error})",
            where=folder,
            remedy=f"put the films and {FILE} into a folder {folder} below SKIAGRAM_DATA",
        ) from error


def _unpacked(archive: Path, folder: Path, digests: Mapping[str, str]) -> Path:
    """Write the wanted members, and nothing else, under their bare names."""
    if folder.is_dir():
        return folder
    partial = folder.with_name(f"{folder.name}.partial")
    partial.mkdir(exist_ok=True)
    wanted = {FILE, *(f"{name}.pgm" for name in digests)}
    with tarfile.open(archive) as members:
        for member in members:
            name = Path(member.name).name
            content = members.extractfile(member) if name in wanted else None
            if content is not None:
                (partial / name).write_bytes(content.read())
    return partial.rename(folder)


def read_film(folder: Path, name: str, digests: Mapping[str, str]) -> NDArray[np.uint8]:
    """Read and verify one film, (1024, 1024) uint8.

    Args:
        folder: Folder with the films.
        name: Reference number.
        digests: Published digests of the films.

    Raises:
        DataError: The film is missing, unreadable or not the published one.
    """
    paths = [folder / f"{name}{suffix}" for suffix in (".png", ".pgm")]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        raise DataError(
            "film is missing",
            where=f"{folder.name}/{name}",
            allowed=f"{name}.png or {name}.pgm",
            remedy="fetch the data set again",
        )
    try:
        with Pictures.open(path) as picture:
            pixels = np.asarray(picture)
    except _UNREADABLE as error:
        raise DataError(
            f"cannot be read ({error})",
            where=f"{folder.name}/{path.name}",
            allowed="a whole PNG or PGM file",
            remedy="fetch the data set again",
        ) from error
    found = hashlib.sha256(pixels.tobytes()).hexdigest()
    fitting = pixels.shape == (SIDE, SIDE) and pixels.dtype == np.uint8
    if not fitting or found != digests[name]:
        raise DataError(
            f"pixels of checksum {found}, shape {pixels.shape} and type {pixels.dtype}",
            where=f"{folder.name}/{path.name}",
            allowed=f"{digests[name]}, {SIDE} × {SIDE} uint8",
            remedy="fetch the data set again",
        )
    return pixels
