"""When and how long each stage of a project ran last: notes beside the outputs, never in them."""

import json
import platform
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

_NOTES = ".work/seconds"
_PLANS = ".work/planned_seconds"


class StageTime(NamedTuple):
    """When and where a stage ran last.

    Attributes:
        began: Seconds since 1970.
    """

    began: float
    seconds: float
    host: str

    @property
    def ended(self) -> float:
        return self.began + self.seconds


def note_time(project: Path, stage: str, members: Mapping[str, str], seconds: float) -> None:
    """Note the time of a stage that ends now.

    Args:
        members: Group → the config that the stage has of it.
    """
    chosen = [members[group] for group in ("model", "combination") if group in members]
    path = project / _NOTES / f"{'-'.join([stage, *chosen])}.json"
    note = {"began": time.time() - seconds, "seconds": seconds, "host": platform.node()}
    with suppress(OSError):  # a full disk takes a note, no result
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(note), encoding="utf-8")


def plan_time(project: Path, stage: str, seconds: float) -> None:
    """Note how long a stage that never ran, `train_network@small_cnn`, is planned to take."""
    path = project / _PLANS / f"{stage}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"seconds": seconds}), encoding="utf-8")


def read_time(project: Path, stage: str) -> StageTime | None:
    """Read when a stage ran last here, `ingest` or `train_baseline@svm`; None where not known."""
    try:
        path = project / _NOTES / f"{stage.replace('@', '-', 1)}.json"
        noted = json.loads(path.read_text(encoding="utf-8"))
        return StageTime(float(noted["began"]), float(noted["seconds"]), str(noted["host"]))
    except (OSError, KeyError, TypeError, ValueError):
        return None


def expected_seconds(project: Path, stages: Iterable[str]) -> tuple[float, bool]:
    """Estimate how long stages will take together, and whether that is known of all of them.

    A stage takes as long as when it ran last, else as planned; a new model without a plan takes as
    long as the others of its stage.
    """
    # The last time, else what was planned, else the mean of the like.
    total, is_whole = 0.0, True
    for stage in stages:
        noted, plan = read_time(project, stage), project / _PLANS / f"{stage}.json"
        if noted is None and plan.exists():
            seconds = [float(json.loads(plan.read_text(encoding="utf-8"))["seconds"])]
        else:
            alike = (project / _NOTES).glob(f"{stage.partition('@')[0]}-*.json")
            times = [noted] if noted else [read_time(project, path.stem) for path in alike]
            seconds = [each.seconds for each in times if each is not None]
        total += fmean(seconds) if seconds else 0.0
        is_whole &= bool(seconds)
    return total, is_whole
