"""Altered files, read one by one in a process that may be killed, and what came of each."""

import os
import resource
import sys
import time
import warnings
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from skiagram.errors import SkiagramError
from tests.hostile.kinds import KINDS
from tests.hostile.mutations import mutate

PATIENCE = 60  # seconds after which a file counts as one that never ends, on a busy machine too
MAX_MEMORY = 1_000  # MB above what the process held before; a lie costs no more
_ADDRESS_SPACE = 8 * 2**30  # bytes beyond those of the fork; it guards the machine that runs this
_SEED = 20_011_990
_RUNS_CODE = {"os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "pickle.find_class"}
GOOD = ("read as it was", "read, other values", "refused by name")
BAD = ("traceback", "no end", "crash", "code run", "too much memory")


@dataclass
class Tally:
    """What came of some altered files of one kind.

    Attributes:
        counts: Outcome → number of files.
        faults: For each bad outcome the number of its file, by which it can be made again.
        seconds: The longest that a file took.
        megabytes: The most memory that was held beyond what a sound file needs.
    """

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[tuple[int, str]] = field(default_factory=list)
    seconds: float = 0
    megabytes: float = 0


def altered_file(name, number):
    """Return altered file `number` of a kind; the first ones are its bombs."""
    kind = KINDS[name]
    if number < len(kind.bombs):
        return kind.bombs[number]()
    generator = np.random.default_rng([_SEED, *name.encode(), number])
    return mutate(kind.sound(), generator)


def try_kind(name, numbers):
    """Read some altered files of a kind, each in bounded time, and count what came of them.

    Args:
        name: Name of the kind.
        numbers: Which files.
    """
    KINDS[name].sound()  # made once: a process that ends is followed by another one
    tally, waiting = Tally(), list(numbers)
    while waiting:
        waiting = waiting[_attempt(name, waiting, tally) :]
    return tally


def _attempt(name, numbers, tally):
    """Try files in a new process until one of them ends it; return how many were tried."""
    context = get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(name, numbers, there))
    process.start()
    there.close()
    done = 0
    try:
        while done < len(numbers):
            if not here.poll(PATIENCE + (60 if done == 0 else 0)):  # the first waits for imports
                _note(tally, numbers[done], "no end", f"> {PATIENCE} s")
                return done + 1
            try:
                outcome, detail, seconds, megabytes = here.recv()
            except EOFError:
                process.join()
                _note(tally, numbers[done], "crash", f"exit code {process.exitcode}")
                return done + 1
            tally.seconds = max(tally.seconds, seconds)
            tally.megabytes = max(tally.megabytes, megabytes)
            _note(tally, numbers[done], outcome, detail)
            done += 1
        return done
    finally:
        process.kill()
        process.join()
        here.close()


def _note(tally, number, outcome, detail):
    tally.counts[outcome] += 1
    if outcome in BAD:
        tally.faults.append((number, f"{outcome}: {detail}"))


def _work(name, numbers, results):
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(1000)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)  # decoders in C complain there
    kind = KINDS[name]
    sound = kind.read(kind.sound())
    resource.setrlimit(resource.RLIMIT_AS, (_mapped() + _ADDRESS_SPACE,) * 2)
    ran = []
    sys.addaudithook(lambda event, given: _watch(event, given, ran))
    for number in numbers:
        content = altered_file(name, number)
        _forget_peak()
        before = _peak()
        started = time.process_time()
        outcome, detail = _read(kind, content, sound)
        seconds, megabytes = time.process_time() - started, _peak() - before
        if ran:
            outcome, detail = "code run", ran.pop()
        elif megabytes > MAX_MEMORY:
            outcome, detail = "too much memory", f"{megabytes:.0f} MB"
        results.send((outcome, detail, seconds, megabytes))


def _watch(event, given, ran):
    if event in _RUNS_CODE:
        ran.append(f"{event} {given!r}"[:200])


def _read(kind, content, sound):
    try:
        found = kind.read(content)
    except SkiagramError as error:
        if "\n" in str(error) or "Traceback" in str(error):
            return "traceback", f"message of several lines: {error!r}"[:200]
        return "refused by name", ""
    except BaseException as error:
        return "traceback", _where(error)
    return ("read as it was" if found == sound else "read, other values"), ""


def _where(error):
    """Return the error and the innermost line of the program in which it arose."""
    place, trace = "", error.__traceback__
    while trace is not None:
        if "skiagram" in trace.tb_frame.f_code.co_filename:
            place = (
                f"{trace.tb_frame.f_code.co_filename.rsplit('skiagram/', 1)[-1]}:{trace.tb_lineno}"
            )
        trace = trace.tb_next
    return f"{type(error).__name__} in {place}: {str(error)[:120]}"


def _mapped():
    """Return the bytes that this process has mapped, which a fork takes over; 0 if not known."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return 0


def _forget_peak():
    """Let the most memory held count from here on, where the system can (Linux)."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak():
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table_head():
    names = ("kind", "altered files", *GOOD, *BAD, "longest, s", "most memory, MB")
    return f"| {' | '.join(names)} |\n| --- |{' ---: |' * (len(names) - 1)}"


def table_row(name, tally):
    counts = [tally.counts[outcome] for outcome in (*GOOD, *BAD)]
    cells = [name, sum(counts), *counts, f"{tally.seconds:.1f}", f"{tally.megabytes:.0f}"]
    return f"| {' | '.join(map(str, cells))} |"
