"""What people choose where files, names or ids of a data set have several readings."""

from typing import Literal

CopyChoice = Literal["refuse", "drop", "move", "join"]
MaskChoice = Literal["regions", "leave-out", "images"]
SimilarPatients = Literal["refuse", "same", "apart"]
Unlisted = Literal["refuse", "ignore", "ignore_masks"]
