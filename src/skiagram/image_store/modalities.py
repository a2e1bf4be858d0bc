"""Stores of cases that have several images, such as PET and MR: one store per modality.

The first modality's images lie in the folder itself, where every stage finds them; those of the
others in folders of their name within it. All stores hold the same cases.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from skiagram.errors import DataError

_RECORD = "modalities.json"
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def modality_folders(images: Path) -> dict[str, Path]:
    """Return modality → folder of its store, the first one `images` itself.

    Args:
        images: Folder of a store.

    Returns:
        Only `images`, under an empty name, where cases have one image each.

    Raises:
        DataError: The record of modalities is damaged.
    """
    record = images / _RECORD
    if not record.exists():
        return {"": images}
    try:
        first, *others = json.loads(record.read_text(encoding="utf-8"))
        check_names([first, *others])
    except (OSError, ValueError, TypeError) as error:
        raise DataError(
            "unreadable record", where=str(record), remedy="run the stage that writes it"
        ) from error
    return {first: images, **{name: images / name for name in others}}


def write_modalities(images: Path, names: Sequence[str]) -> None:
    """Note which modalities a folder holds.

    Args:
        images: Folder of the first modality's store.
        names: Modalities in order; nothing is noted of fewer than two.

    Raises:
        DataError: A name cannot be that of a folder and of features.
    """
    if len(names) > 1:
        check_names(names)
        (images / _RECORD).write_text(json.dumps(list(names)) + "\n", encoding="utf-8")


def check_names(names: Sequence[str]) -> None:
    """Refuse names that cannot be those of folders and of features.

    Raises:
        DataError: Names the first of them.
    """
    for name in names:
        if not _NAME.fullmatch(name):
            raise DataError(
                f"the modality `{name}`",
                where="modalities",
                allowed="letters, digits, _ and -, a letter first",
                remedy="rename it in the table",
            )
