"""What people choose where files, names or ids of a data set have several readings."""

import os
from pathlib import Path
from typing import Literal

CopyChoice = Literal["refuse", "drop", "move", "join"]
MaskChoice = Literal["regions", "leave-out", "images"]
SimilarPatients = Literal["refuse", "same", "apart"]
Unlisted = Literal["refuse", "ignore", "ignore_masks"]


def find_data() -> Path | None:
    """Return the folder of source files that `SKIAGRAM_DATA` names; None where it names none."""
    data = os.environ.get("SKIAGRAM_DATA")
    return Path(data) if data else None
