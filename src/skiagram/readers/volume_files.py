"""One volume file becomes one volume: NIfTI, NRRD or MetaImage, told by content.

Files are read from memory: an encrypted source must not touch the disk. What a file unpacks to is
bounded, and sizes are refused before memory is taken.
"""

import math
from types import ModuleType

from skiagram.errors import named, readable, refusal
from skiagram.images import Spacing
from skiagram.readers import meta_image, nifti, nrrd
from skiagram.readers.grid import Volume, orient
from skiagram.readers.voxels import check_frame, first_bytes, narrow

_HEAD = 352  # bytes that tell the format


_FORMATS = (nifti, nrrd, meta_image)  # modules with `matches`, `sides` and `read`


def is_volume_file(head: bytes) -> bool:
    """Tell whether a file's first bytes, 4,096 or more, are those of a kind that is read here."""
    return _format(head) is not None


def count_volumes(content: bytes) -> int:
    """Count how many volumes a file has: one of three axes, several of four."""
    module = _format(content)
    return max(1, math.prod(module.sides(content)[3:])) if module else 1


def decode_volume(
    content: bytes,
    name: str,
    spacing: Spacing | None = None,
    *,
    narrowed: bool = True,
    frame: int | None = None,
) -> Volume:
    """Read a volume from the bytes of its file, in the depth that a store keeps or as it is.

    Args:
        content: Of the file, packed or not.
        name: To be named.
        spacing: Of slices, rows and columns, mm, where the header says none; None refuses such.
        narrowed: Whether values get a depth that a store keeps.
        frame: Which volume of a file of four axes, from 1; None for the only one.

    Returns:
        The volume in canonical orientation. Whole numbers keep a depth of 16 bits where they fit;
        all else is float32. Scale and offset of the file are applied.

    Raises:
        DataError: The file is damaged, too large, or has no single place in the patient.
    """
    if not content:
        raise refusal("readers.empty_file", name)
    # The format is told by the first bytes, never by the name.
    module = _format(content)
    if module is None:
        raise refusal("readers.no_volume", name)
    remedy = "the file is cut short or damaged; export it again"
    with readable("the volume cannot be read", name, remedy), named(name):
        # One volume is read, which of several must be named.
        number = count_volumes(content)
        check_frame(frame, number)
        if frame is None and number == 1:
            frame = 1  # of maybe four axes, the last with one place
        voxels, grid = orient(*module.read(content, spacing, frame))
        return Volume(narrow(voxels) if narrowed else voxels, grid)


def _format(content: bytes) -> ModuleType | None:
    """Find the module that reads a file, by its first bytes, unpacked; None of other files."""
    head = first_bytes(content, _HEAD)
    return next((module for module in _FORMATS if module.matches(head)), None)
