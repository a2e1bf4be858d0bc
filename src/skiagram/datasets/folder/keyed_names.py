"""Names of patients and files under a secret key, and how files are found again without it.

HMAC-SHA256 (RFC 2104, FIPS 198-1), 256 bits in hexadecimal: who lacks the key cannot try out names
or numbers, as with a plain hash. A manifest with keyed names still has a checksum a file, by which
a run finds the file; so the key is needed to write the manifest alone.
"""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Mapping
from pathlib import PurePosixPath

import pandas as pd

from skiagram.compute.progress import Progress
from skiagram.errors import refusal
from skiagram.readers.case_images import checksum_of_series
from skiagram.readers.file_trees import FileTree
from skiagram.tables.cells import BETWEEN
from skiagram.tables.frames import replace_columns, rows_of

KEYED = "hmac-"  # before a name under a key
OF_FILE = b"file\0"


def key_name(name: str, key: bytes, kind: bytes = b"") -> str:
    """Return the name of a patient that only the key's holder can find again.

    Args:
        kind: `OF_FILE` for the name of a file, which its holder can find again, too.
    """
    return KEYED + hmac.new(key, kind + name.encode(), "sha256").hexdigest()


def find_keyed_files(
    frame: pd.DataFrame, kinds: Mapping[str, str], files: FileTree
) -> pd.DataFrame:
    """Return the rows of a manifest with file names in place of keyed ones.

    Every image file is read once. Of files with equal bytes each is found, in order of name.

    Args:
        kinds: Column of file names → column of their checksums.
    """
    keyed_files = {
        keyed: (checksum, row.where)
        for column, checksums in kinds.items()
        for row in rows_of(frame, [column, checksums])
        if row.cells[column].startswith(KEYED)
        for keyed, checksum in zip(
            *(row.cells[each].split(BETWEEN) for each in (column, checksums)), strict=True
        )
    }
    if not keyed_files:
        return frame
    # the files, and the folders of files, that have each checksum
    names = sorted(files.images(()))
    files.announce(names)
    checksums: dict[str, str] = {}
    with Progress("Find files", len(names)) as bar:
        for name in names:
            checksums[name] = hashlib.sha256(files.read(name)).hexdigest()
            bar.advance()
    for folder in sorted({PurePosixPath(name).parent.as_posix() for name in names} - {"."}):
        inside = [f"{folder}/{name}" for name in files.series(folder) or ()]
        if all(name in checksums for name in inside):
            parts = {PurePosixPath(name).name: checksums[name] for name in inside}
            checksums[folder] = checksum_of_series(parts)
    by_checksum: dict[str, list[str]] = defaultdict(list)
    for name, checksum in checksums.items():
        by_checksum[checksum].append(name)
    name_of: dict[str, str] = {}
    for keyed, (checksum, where) in keyed_files.items():
        names = by_checksum.get(checksum, [])
        if not names:
            raise refusal(
                "datasets.no_file_of_checksum", f"{where} of the manifest", checksum=checksum[:12]
            )
        name_of[keyed] = names.pop(0)
    named = {
        column: [
            BETWEEN.join(name_of.get(name, name) for name in cell.split(BETWEEN))
            for cell in frame[column]
        ]
        for column in kinds
    }
    return replace_columns(frame, named)
