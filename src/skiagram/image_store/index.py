"""Whether the cases of a store have images, told without a look at them and without NumPy."""

import json
from pathlib import Path

INDEX = "index.json"


def has_images(folder: Path) -> bool:
    """Tell whether the cases of a store have images; of what is no store, that says the reader.

    Args:
        folder: Of the store.

    Returns:
        False where the index has no shards, as of a table of features; True where there is no index
        that can be read, so that whoever opens the store refuses it.
    """
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        return index["shards"] is not None
    except (OSError, ValueError, KeyError, TypeError):
        return True
