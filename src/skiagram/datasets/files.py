"""Files of a data set: found at hand or fetched, and verified before a byte is used."""

import hashlib
from pathlib import Path

import pooch

from skiagram.errors import DataError


def locate(name: str, md5: str, url: str | None, root: Path | None) -> Path:
    """Return a verified local file.

    Args:
        name: File name, relative to `root`.
        md5: Published checksum.
        url: Where to fetch it when `root` does not hold it; None where it is not published.
        root: Folder where files are already at hand (`SKIAGRAM_DATA`), or None.

    Raises:
        DataError: The file is missing and cannot be fetched, or differs from its checksum.
    """
    if root is not None and (root / name).is_file():
        found = _md5(root / name)
        if found != md5:
            raise DataError(
                f"checksum {found}",
                where=str(name),
                allowed=md5,
                remedy="replace the file in SKIAGRAM_DATA, or unset SKIAGRAM_DATA to fetch it",
            )
        return root / name
    remedy = f"put the file (md5 {md5}) into a folder and name that folder in SKIAGRAM_DATA"
    if url is None:
        raise DataError("is not at hand and cannot be fetched", where=name, remedy=remedy)
    try:
        fetched = pooch.retrieve(url, f"md5:{md5}", fname=name, progressbar=True)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be fetched ({error})", where=name, remedy=remedy) from error
    return Path(fetched)


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()
