"""The seal's ledger: every time the labels of test cases are opened, one line, never erased.

`seal_ledger.jsonl` lies in the project's folder, outside DVC's outputs, so that neither `dvc repro`
nor `dvc checkout` touches it; it is committed with the results. Each entry holds the hashes of
those before it, as commits of git do: an entry that is edited no longer has its hash, one that is
taken away from the middle is missed by the next. The last ones are missed by the copy in `.work`,
and by the tracker's. Lines of two branches that are merged stand side by side; the next entry names
both ends.

Opening the same seal for the same comparison again is no new opening.
"""

import dataclasses
import datetime
import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter

from skiagram.compute.checkout import current_commit
from skiagram.compute.files import locked

LEDGER = "seal_ledger.jsonl"
OPENING = "opening.json"  # what evaluate opened the seal for, among its outputs: no number in it
_COPY = f".work/{LEDGER}"
_LOCK = f".work/{LEDGER}.lock"


@dataclass(frozen=True)
class Comparison:
    """What the labels of test cases are opened for.

    Attributes:
        seal: SHA-256 of the test images, whatever their order and names; empty where nothing is
            sealed: under `cv`, and for generated images, of which anybody can draw more.
        digest: SHA-256 of all that decides the figures: scores, and options.
    """

    data: str
    seal: str
    opened_by: str
    models: tuple[str, ...]
    digest: str


@dataclass(frozen=True)
class Opening:
    """One entry of the ledger.

    Attributes:
        number: 1 for the first comparison of this seal, as far as was known when it was noted.
        commit: The commit that ran; empty outside git.
        previous: Hashes of the entries before: none for the first, several after a merge.
    """

    number: int
    comparison: Comparison
    time: str
    commit: str
    modified: bool
    previous: tuple[str, ...]

    @property
    def hash(self) -> str:
        """The SHA-256 of all of it, the hashes of the entries before among it: a chain."""
        content = json.dumps(dataclasses.asdict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()

    def line(self) -> str:
        """Write it as a line of the ledger."""
        content = dataclasses.asdict(self) | {"hash": self.hash}
        return json.dumps(content, sort_keys=True, ensure_ascii=False)


_OPENING = TypeAdapter(Opening)


class Ledger(NamedTuple):
    """What is known of all openings, in the order of the file, each once."""

    openings: tuple[Opening, ...]
    faults: tuple[str, ...] = ()

    @property
    def heads(self) -> tuple[str, ...]:
        """The hashes of the entries that no other follows: one, or several after a merge."""
        followed = {digest for opening in self.openings for digest in opening.previous}
        return tuple(sorted({opening.hash for opening in self.openings} - followed))

    def of_seal(self, seal: str) -> tuple[Opening, ...]:
        """Find the first opening of each comparison of a seal, in the order of the ledger.

        A comparison that is run again opens nothing new: its labels, models and figures are the
        same.
        """
        first: dict[str, Opening] = {}
        for opening in self.openings:
            if opening.comparison.seal == seal:
                first.setdefault(opening.comparison.digest, opening)
        return tuple(first.values())

    def find(self, comparison: Comparison) -> Opening | None:
        """Find where a comparison was noted; None where it was not."""
        openings = self.of_seal(comparison.seal)
        return next(
            (opening for opening in openings if opening.comparison.digest == comparison.digest),
            None,
        )


def read_ledger(home: Path, name: str = LEDGER) -> Ledger:
    """Read the ledger in the project's lasting folder, and check its chain.

    A file that is missing is a ledger without openings. Bytes that are no text are kept as marks
    that make their line a fault.

    Args:
        home: The folder.
        name: Of the file in it: the ledger, or its copy in `.work`.
    """
    path = home / name
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return _read(text.splitlines())


def describe_openings(home: Path, comparison: Comparison) -> tuple[str, ...]:
    """Say how often a seal was opened, and what is wrong with the ledger, a line each.

    Nothing is said where nothing is sealed.
    """
    if not comparison.seal:
        return ()
    # This comparison in the ledger, and the openings of its seal.
    ledger = read_ledger(home)
    noted, openings = ledger.find(comparison), len(ledger.of_seal(comparison.seal))
    lines, data = [f"{fault}." for fault in ledger.faults], comparison.data
    if noted is None:
        lines.append(
            "this comparison is missing: the ledger was deleted, or the results were made "
            "elsewhere. `python pipeline/record.py` notes it."
        )
    else:
        times = "once" if openings == 1 else f"for {openings} comparisons"
        lines.append(
            f"the sealed labels of {data} were opened {times}; this is number {noted.number}."
        )
    # Openings under other seals of the same data are told too.
    others = {opening.comparison for opening in ledger.openings} - {comparison}
    earlier = {
        (other.seal, other.digest)
        for other in others
        if other.seal not in ("", comparison.seal) and other.data == data
    }
    if earlier:
        lines.append(f"{len(earlier)} openings were of other test images under the name {data}.")
    return tuple(f"{LEDGER}: {line}" for line in lines)


def note_opening(home: Path, comparison: Comparison, project: Path) -> Opening:
    """Note that a seal is about to be opened; call it before the labels are read.

    What the ledger lacks and its copy in `.work` holds is put back. Return the entry; an earlier
    one where the same comparison was noted before.
    """
    # Two runs at once would both count themselves as the next.
    with locked(home / _LOCK):
        _add_missing(home, LEDGER, read_ledger(home, _COPY).openings)
        ledger = read_ledger(home)
        earlier_opening = ledger.find(comparison)
        if earlier_opening is not None:
            _add_missing(home, _COPY, ledger.openings)  # a kill may have come between the two
            return earlier_opening
        # The commit of the code is noted beside the time.
        commit = current_commit(project)
        opening = Opening(
            number=len(ledger.of_seal(comparison.seal)) + 1,
            comparison=comparison,
            time=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            commit=commit.sha if commit else "",
            modified=commit is not None and commit.modified,
            previous=ledger.heads,
        )
        # The ledger and its copy: who deletes one is found out by the other.
        _add_missing(home, LEDGER, [opening])
        _add_missing(home, _COPY, read_ledger(home).openings)
        return opening


def unite_ledgers(home: Path, elsewhere: Iterable[str]) -> int:
    """Add the openings that others noted, or that were deleted here; return how many these are.

    They come as lines of other ledgers; those that were altered are left out.
    """
    with locked(home / _LOCK):
        others = (*read_ledger(home, _COPY).openings, *_read(elsewhere).openings)
        missing = _add_missing(home, LEDGER, others)
        _add_missing(home, _COPY, read_ledger(home).openings)
        return missing


def _add_missing(home: Path, name: str, openings: Iterable[Opening]) -> int:
    """Add the openings that a file lacks at its end; what stands there is never rewritten."""
    # Only lines with other hashes than those in the file are new.
    path, hashes = home / name, {opening.hash for opening in read_ledger(home, name).openings}
    missing = {opening.hash: opening for opening in openings if opening.hash not in hashes}
    # A line cut short by a kill is ended first.
    if missing:
        path.parent.mkdir(parents=True, exist_ok=True)
        cut_short = path.exists() and path.stat().st_size and not path.read_bytes().endswith(b"\n")
        lines = [opening.line() for opening in missing.values()]
        text = ("\n" if cut_short else "") + "\n".join(lines) + "\n"
        with path.open("ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
    return len(missing)


def _read(lines: Iterable[str]) -> Ledger:
    """Read the genuine lines of a ledger; each other one is a fault, in words.

    A line is genuine where its hash is that of its content, and the chain whole where all that an
    opening followed is there: who takes a line out is found out by the next one.
    """
    openings: dict[str, Opening] = {}
    faults: list[str] = []
    # A line is genuine where its hash is that of its content.
    for number, line in enumerate(lines, 1):
        is_genuine = False
        with suppress(AttributeError, KeyError, RecursionError, TypeError, ValueError):
            values = json.loads(line)
            noted = values.pop("hash")
            opening = _OPENING.validate_json(json.dumps(values), strict=True, extra="forbid")
            is_genuine = opening.hash == noted
            if is_genuine:
                openings.setdefault(noted, opening)
        if line.strip() and not is_genuine:
            faults.append(f"line {number} was edited or damaged: its hash does not fit")
    # What an opening found before it must still be there.
    for opening in openings.values():
        absent = [digest for digest in opening.previous if digest not in openings]
        if absent:
            when = f"opening {opening.number}, noted {opening.time}"
            faults.append(f"what stood before {when}, is missing or was edited")
    return Ledger(tuple(openings.values()), tuple(faults))
