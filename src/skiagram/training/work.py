"""The folder where a train stage keeps checkpoints while it is under way."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from skiagram.records import Cases
from skiagram.training.processes import wait_for_all

_CODE = (Path(__file__).parent, Path(__file__).parents[1] / "models")


@contextmanager
def work_folder(root: Path, rank: int | None, cases: Cases, *inputs: str) -> Iterator[Path]:
    """Yield the folder that belongs to these inputs; it goes once the work is done.

    Other inputs, other code of the networks or another torch give another folder, so a state is
    never taken up by work that would not have led to it. After a failure the folder stays.

    Args:
        root: Parent of all such folders.
        rank: This process among those that share the folder; None where it was started alone.
        cases: The case table.
        *inputs: All else that the work depends on: options, task, SHA-256 of the images.
    """
    digest = hashlib.sha256()
    columns = (cases.case_id, cases.patient_id, cases.split, cases.label)
    sources = [path.read_text() for folder in _CODE for path in sorted(folder.rglob("*.py"))]
    for text in (torch.__version__, *inputs, *(repr(one.tolist()) for one in columns), *sources):
        digest.update(hashlib.sha256(text.encode()).digest())
    folder = root / digest.hexdigest()[:32]
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    met = wait_for_all()
    # Processes that had nothing to train never met: another may still read what lies here.
    if rank is None or (rank == 0 and met):
        shutil.rmtree(folder)
