"""What is read from a model's folder, which may come from someone else: records, no code.

Nothing is unpickled, and of the classes that the records name only the program's own are loaded.
"""

from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from skiagram.errors import DataError
from skiagram.options import build
from skiagram.preparation import TRAINING_MEAN
from skiagram.records import read_record
from skiagram.restoration.contract import Plane

R = TypeVar("R")
WHOLE = "copy the whole folder models/NAME of a finished run; a failed training leaves no model"


def record(kind: type[R], path: Path) -> R:
    """Read a record of the model's folder.

    Raises:
        DataError: The file is missing or damaged.
    """
    if not path.is_file():
        raise DataError("is missing", where=str(path), remedy=WHOLE)
    try:
        return read_record(kind, path)
    except DataError as error:
        raise DataError(
            f"is damaged or no {kind.__name__} of this version",
            where=str(path),
            remedy=f"{WHOLE}, or train with this version",
        ) from error


def own(options: dict[str, Any], package: str, method: str, path: Path) -> Any:
    """Build an option dataclass that a record names, of one package of the program alone.

    Args:
        options: `_target_` and values.
        package: Package that holds every such class, for example `skiagram.features`.
        method: What the dataclass must be able to do.
        path: File that holds the options, for messages.

    Raises:
        DataError: The class is another's, or cannot do it.
        OptionError: The values do not fit the class.
    """
    target = str(options.get("_target_", ""))
    if not target.startswith(f"{package}."):
        raise DataError(
            f"names the class `{target}`",
            where=str(path),
            allowed=f"classes of {package}; code that comes with a model is not run",
        )
    built = build(options, str(path))
    if not callable(getattr(built, method, None)):
        raise DataError(f"`{target}` cannot {method}", where=str(path), remedy=WHOLE)
    return built


def training_mean(folder: Path) -> Plane:
    """Read the mean development image.

    Raises:
        DataError: The file is missing or damaged.
    """
    path = folder / TRAINING_MEAN
    try:
        mean: Plane = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        found = "is damaged" if path.exists() else "is missing"
        raise DataError(found, where=str(path), remedy=WHOLE) from error
    return mean
