"""Outputs of a stage, written whole or not at all."""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from skiagram.compute.files import locked

_WAITING = "Another run of this stage is under way; waiting for its end."


@contextmanager
def publish(root: Path, *names: str, rank: int | None = None) -> Iterator[Path]:
    """Yield a staging folder; on success its named parts replace the outputs, on failure nothing.

    The old outputs are moved aside, then the new ones take their places, then the old ones are
    deleted. If the run is killed before all new outputs stand, the next run of the stage puts the
    old ones back.

    Where several processes run the stage together, the first one publishes. Two runs of the same
    outputs go one after the other: a stage outlives a killed DVC, and the next run then waits.

    Args:
        root: Folder of the outputs: the project's, or that of a job of Hydra's.
        *names: Paths of the outputs, relative to it.
        rank: This process's among those that run the stage together; None if it runs alone.
    """
    # A lock for each stage; helpers of a shared one write into folders of their own.
    key = names[0].replace("/", "-")
    staging = root / ".work" / "staging" / (f"{key}-{rank}" if rank else key)
    lock = root / ".work" / "running" / key
    with nullcontext() if rank else locked(lock, _WAITING):
        shutil.rmtree(staging, ignore_errors=True)  # of a run that was killed
        staging.mkdir(parents=True)
        if not rank:
            _recover(root, names)
        try:
            yield staging
            if rank:
                return
            # A stage that left something out replaces nothing.
            absent = [name for name in names if not (staging / name).exists()]
            if absent:
                raise FileNotFoundError(f"the stage did not write {', '.join(absent)}")
            # New outputs move to their places; an error on the way puts all old ones back.
            try:
                for name in names:
                    if (root / name).exists():
                        _aside(root, name).parent.mkdir(parents=True, exist_ok=True)
                        (root / name).replace(_aside(root, name))
                for name in names:
                    (root / name).parent.mkdir(parents=True, exist_ok=True)
                    (staging / name).replace(root / name)
            finally:
                _recover(root, names)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _recover(root: Path, names: Iterable[str]) -> None:
    """Delete the old outputs if all new ones stand; else put the old ones back."""
    all_stand = all((root / name).exists() for name in names)
    for name in names:
        aside = _aside(root, name)
        if aside.exists() and not all_stand:
            _delete(root / name)
            aside.replace(root / name)
        _delete(aside)


def _aside(root: Path, name: str) -> Path:
    """Return where an old output waits while it is replaced."""
    return root / ".work" / "replaced" / name


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
