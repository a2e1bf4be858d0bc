"""A run as a person watches it: which stage, model and fold, and how much time is left."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Thread, current_thread, main_thread
from typing import IO, Any

from rich.console import Console
from rich.text import Text
from yaml import YAMLError

from skiagram.compute.progress import format_seconds
from skiagram.compute.workers import end_with
from skiagram.errors import SkiagramError, name_refusal
from skiagram.notices import NOTES, STEP
from skiagram.projects.files import environment
from skiagram.projects.lock import repair
from skiagram.projects.stage_code import StagesOfProject
from skiagram.projects.stage_times import expected_seconds

_BEGUN = re.compile(r"Running stage '([^']+)'|Stage '([^']+)' (?:didn't change|is cached)")
_QUIET = re.compile(
    r"^\s*$|^> |^Running stage|^Stage '|^Updating lock|^Use `dvc push|^To track the changes|"
    r"^Compiling |^\s+git add|^To enable auto staging|^\s+dvc config|^Generating lock|^Verifying|"
    rf"^{STEP}"
)
_EXITED = re.compile(r"exited with (\d+)")
_EXIT_CODES = {kind.exit_code for kind in SkiagramError.__subclasses__()}
_PAUSE = 0.5  # seconds between looks
_GRACE = 5.0  # seconds that processes have to end
_WARNING = re.compile("warning: ", re.IGNORECASE)
_TELLING = 10  # seconds of work that tell how long the rest takes
_MAX_LINES = 30  # lines of output that a failure shows


def run_stages(project: Path) -> int:
    """Run what is out of date and show how far it is; return the exit code of a stage that failed.

    In a terminal one line is renewed; elsewhere each stage is a line.
    """
    # Notes of an earlier run are of no use.
    notes = project.resolve() / ".work" / "progress"
    notes.mkdir(parents=True, exist_ok=True)
    for note in notes.iterdir():
        note.unlink()
    # What a killed run left is repaired first.
    for line in repair(project):
        sys.stderr.write(f"{line}\n")
    watched = _Watched(project)
    with _signals_end_it():  # from before there is a process that they must end
        process = subprocess.Popen(
            [sys.executable, "-m", "skiagram.projects.reproduction", "repro"],
            cwd=project,
            env=environment(project) | {NOTES: str(notes), "PYTHONUNBUFFERED": "1"},
            preexec_fn=partial(end_with, os.getpid()),  # else it keeps the folder if this is killed
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        try:
            # Output is read in a thread, while notes show how far stages are.
            with suppress(SkiagramError, OSError, KeyError, TypeError, YAMLError):  # DVC says it
                watched.stages = [stage.name for stage in StagesOfProject(project).stages]
            reader = Thread(target=watched.read, args=(process.stdout,), daemon=True)
            reader.start()
            while process.poll() is None:
                watched.show(notes)
                time.sleep(_PAUSE)
        except KeyboardInterrupt:  # DVC was interrupted too
            process.wait()
            watched.end(0)
            raise
        except SystemExit:  # a signal that this process alone has got
            import psutil  # type: ignore[import-untyped]

            # DVC first, which then starts no other stage, and all that its stages have started
            with suppress(psutil.NoSuchProcess):
                dvc = psutil.Process(process.pid)
                family = [dvc, *dvc.children(recursive=True)]
                for each in family:
                    with suppress(psutil.NoSuchProcess):
                        each.terminate()
                for each in psutil.wait_procs(family, timeout=_GRACE)[1]:
                    with suppress(psutil.NoSuchProcess):
                        each.kill()
            watched.end(0)
            raise
    reader.join()
    watched.end(process.returncode)
    return watched.exit_code(process.returncode)


@contextmanager
def _signals_end_it() -> Iterator[None]:
    """Have a request to end, or a terminal that is closed, raise SystemExit here."""
    if current_thread() is not main_thread():  # no other thread hears signals
        yield
        return
    # Handlers are put back, whatever happens.
    handlers = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGHUP)}
    for each in handlers:
        signal.signal(each, lambda number, frame: sys.exit(128 + number))
    try:
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)


class _Watched:
    """What DVC says, and what the processes of stages note.

    Attributes:
        stages: Names of those that the run has, in their order.
    """

    def __init__(self, project: Path, stages: Sequence[str] = ()) -> None:
        self.stages, self._project = stages, project
        self._begun: dict[str, float] = {}  # stage → when
        self._said: set[str] = set()
        self._last: deque[str] = deque(maxlen=_MAX_LINES)
        self._width, self._started = 0, time.monotonic()
        self._terminal = sys.stderr.isatty()
        self._console = Console(
            stderr=True, highlight=False, markup=False, emoji=False, force_jupyter=False
        )

    def read(self, lines: IO[str]) -> None:
        """Read what is printed, to its end."""
        # Which stage begins, and what of its output is shown.
        for line in lines:
            begun = _BEGUN.search(line)
            name = begun and (begun[1] or begun[2])
            if name and name not in self._begun:
                self._begun[name] = time.monotonic()
                if begun and begun[1] and not self._terminal:
                    rest = self._words_of_rest()
                    self._print(", ".join(filter(None, [self._words_of_stage(), rest])))
            is_step = line.startswith(STEP) and not self._terminal
            shown = is_step or line.startswith("Compiling ") or _WARNING.match(line)
            if shown and line not in self._said:
                self._said.add(line)
                self._print(line.rstrip(), "yellow" if _WARNING.match(line) else "")
            if not _QUIET.match(line):
                self._last.append(line)
        lines.close()

    def show(self, notes: Path) -> None:
        """Renew the line of a terminal; elsewhere say once how long each part takes.

        That is the time of what is done, such as the first images, for each that is left.
        """
        # Notes of processes that are alive.
        notes_under_way = []
        for path in sorted(notes.glob("*.json")):
            try:
                note = json.loads(path.read_text(encoding="utf-8"))
                alive = Path(f"/proc/{path.stem}").exists() or not Path("/proc/self").exists()
            except (OSError, ValueError):
                continue
            if alive and self._terminal:
                notes_under_way.append(note)
                continue
            tells = alive and note["done"] and note["seconds"] >= _TELLING
            if tells and note["title"] not in self._said:
                self._said.add(note["title"])
                self._print(f"    {_words(note)}")
        if not self._terminal:
            return
        # The stage and the whole run stand first: what is wider than the terminal is cut.
        spent = f"{format_seconds(time.monotonic() - self._started)} so far"
        model = self._stage.partition("@")[2]
        parts = [self._words_of_stage(), self._words_of_rest(notes_under_way) or spent]
        parts += [_words(note).removeprefix(f"{model} ") for note in notes_under_way]
        line = " | ".join(parts)[: shutil.get_terminal_size().columns - 1]
        sys.stderr.write(f"\r{line.ljust(self._width)}")
        sys.stderr.flush()
        self._width = len(line)

    @property
    def _stage(self) -> str:
        begun = [*self._begun]  # a copy: the reader goes on
        return begun[-1] if begun else ""

    def _words_of_stage(self) -> str:
        return f"[{len(self._begun)} of {len(self.stages)}] {self._stage}".rstrip()

    def _words_of_rest(self, notes: Sequence[Mapping[str, Any]] = ()) -> str:
        """Estimate how long the whole run still takes, by earlier runs; empty where nothing tells.

        Args:
            notes: Of the processes of the stage under way, whose speed tells how long it takes.
        """
        # Stages that have not begun, by their earlier times.
        coming = [name for name in self.stages if name not in self._begun]
        seconds, is_whole = expected_seconds(self._project, coming)
        # The stage under way takes as long as its speed says, or as its last run did: a note may be
        # of a part of it.
        if self._stage:
            whole, is_known = expected_seconds(self._project, [self._stage])
            spent = time.monotonic() - self._begun[self._stage]
            measured = [each for note in notes if (each := _seconds_left(note)) is not None]
            seconds += max(0.0, whole - spent, *measured)
            is_whole &= is_known or bool(measured)
        if not seconds:
            return ""
        return f"{'' if is_whole else 'at least '}{format_seconds(seconds)} left in all"

    def end(self, code: int) -> None:
        """Clear the line; of a run that failed show what was printed last."""
        if self._terminal:
            sys.stderr.write("\r" + " " * self._width + "\r")
        if code:
            errors = (line for line in self._last if line.startswith("ERROR: "))
            refusal = next(filter(None, (name_refusal(line, "DVC") for line in errors)), None)
            sys.stderr.writelines(self._last if refusal is None else [f"{refusal}\n"])

    def exit_code(self, code: int) -> int:
        """Find the exit code of the stage that failed; 1 where DVC did, which ends on 255."""
        exits = [int(match[1]) for line in self._last if (match := _EXITED.search(line))]
        stage_codes = [each for each in exits if each in _EXIT_CODES]
        return (stage_codes or [1])[-1] if code else 0

    def _print(self, line: str, style: str = "") -> None:
        if self._terminal:
            sys.stderr.write("\r" + " " * self._width + "\r")
        self._console.print(Text(line, style), soft_wrap=True)


def _words(note: Mapping[str, Any]) -> str:
    """Say what one process does, how far it is and how long it still takes at this speed."""
    words = f"{note['title']} {note['done']}/{note['total']}"
    if note["step"]:
        words += f" ({note['step']})"
    seconds = _seconds_left(note)
    return words if seconds is None else f"{words}, {format_seconds(seconds)} left"


def _seconds_left(note: Mapping[str, Any]) -> float | None:
    done, total, seconds = (float(note[key]) for key in ("done", "total", "seconds"))
    return seconds * (total - done) / done if done else None
