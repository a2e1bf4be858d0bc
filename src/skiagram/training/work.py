"""The folder where a train stage keeps checkpoints while it is under way."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

_CODE = (Path(__file__).parent, Path(__file__).parents[1] / "models")


@contextmanager
def work_folder(root: Path, *inputs: bytes) -> Iterator[Path]:
    """Yield the folder that belongs to these inputs; it goes once the work is done.

    Other inputs, other code of the networks or another torch give another folder, so a state is
    never taken up by work that would not have led to it. After a failure the folder stays.

    Args:
        root: Parent of all such folders.
        *inputs: Everything that the work depends on: options, images, cases.
    """
    digest = hashlib.sha256(torch.__version__.encode())
    sources = [path.read_bytes() for folder in _CODE for path in sorted(folder.rglob("*.py"))]
    for part in (*inputs, *sources):
        digest.update(hashlib.sha256(part).digest())
    folder = root / digest.hexdigest()[:32]
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder)
