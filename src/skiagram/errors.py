"""Every error a user can cause, with the exit code that a stage ends on.

A message says what was found, where, what is allowed and what to do, in one line. It has two forms.
The terminal shows the whole of it, with names of files, cells and patients. A record, such as a run
in MLflow, a table or a page, outlives the terminal and may leave the machine: it gets `recorded`.
"""

import errno
import os
import re
import shlex
import shutil
import string
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar, TypeVar, overload

from skiagram.declared import read_declared

# What a terminal, browser or spreadsheet obeys in place of showing it: control characters but tab
# and line's end, and those that turn the direction of writing or begin a line.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def escape_controls(text: str) -> str:
    """Return text for a page or a table, in which control and bidirectional marks are escaped."""
    return _CONTROLS.sub(lambda found: repr(found[0])[1:-1], text)


_SHOWN = 8  # names in a message


def printable(text: str) -> str:
    """Return text for a terminal: what is no visible character, but a line's end, is escaped."""
    return "".join(
        each if each.isprintable() or each in "\n\N{NO-BREAK SPACE}" else repr(each)[1:-1]
        for each in text
    )


def listed(names: Iterable[str], mark: str = "", near: str = "") -> str:
    """Return the first eight of some names and how many more there are, for a message.

    Args:
        mark: What stands around each name.
        near: A name that was looked for: those that are spelled like it come first.
    """
    every = [*names]
    if near and len(every) > _SHOWN:
        every = [*dict.fromkeys([*nearest(near, every, _SHOWN), *every])]
    more = f" and {len(every) - _SHOWN:,} more" if len(every) > _SHOWN else ""
    return f"{', '.join(f'{mark}{name}{mark}' for name in every[:_SHOWN])}{more}"


def nearest(name: str, names: Iterable[str], most: int = 1) -> list[str]:
    """Return names that are spelled like one that is not there, the most alike first."""
    spelled = {each.casefold(): each for each in names}
    return [spelled[each] for each in get_close_matches(name.casefold(), spelled, most)]


def suggest(name: str, names: Iterable[str], otherwise: str = "") -> str:
    """Return the question whether a name was meant that is spelled like one; else what to do."""
    near = nearest(name, names)
    return f"did you mean `{near[0]}`?" if near else otherwise


class NotConverged(ArithmeticError):
    """The optimum of a fit was not reached."""


class SkiagramError(Exception):
    """An error with a remedy; stages print it as one line and exit with `exit_code`.

    Attributes:
        detail: What the terminal alone shows besides: names of cases, words of a library.
    """

    exit_code: ClassVar[int] = 1
    kind: ClassVar[str] = "the work could not be done"  # what a record says was found

    def __init__(
        self,
        found: str,
        *,
        where: str = "",
        allowed: str = "",
        remedy: str = "",
        detail: str = "",
    ) -> None:
        self.found = found
        self.where = where
        self.allowed = allowed
        self.remedy = remedy
        self.detail = detail
        super().__init__(found, where, allowed, remedy, detail)

    def __reduce__(self) -> tuple[Any, ...]:
        parts = {"allowed": self.allowed, "remedy": self.remedy, "detail": self.detail}
        return partial(type(self), self.found, where=self.where, **parts), ()

    def rephrased(self, rephrase: Callable[[str], str]) -> "SkiagramError":
        """Return the same error in other words, such as the name that the user knows of a file."""
        parts = {name: rephrase(getattr(self, name)) for name in ("where", "allowed", "remedy")}
        return type(self)(rephrase(self.found), detail=self.detail, **parts)

    def restated(self, kind: "type[E]", **changes: str) -> "E":
        """Return the error as one of a kind, with other parts such as the place; no detail."""
        parts = {"where": self.where, "allowed": self.allowed, "remedy": self.remedy}
        return kind(self.found, **parts | changes)

    def __str__(self) -> str:
        found = f"{self.found} ({self.detail})" if self.detail else self.found
        return _one_line(found, self.where, self.allowed, self.remedy)

    @property
    def recorded(self) -> str:
        """Return what a record may say: the kind of fault and a remedy, no name and no value."""
        return _one_line(f"{self.kind} ({type(self).__name__})", remedy=_LOOK)


E = TypeVar("E", bound=SkiagramError)
_BASE = "base"  # stands for the modules beside the rooms
_LOOK = "run it again in a terminal, which shows what was found and where"


def _one_line(found: str, where: str = "", allowed: str = "", remedy: str = "") -> str:
    parts = [f"{where}: {found}" if where else found]
    if allowed:
        parts.append(f"Allowed: {allowed}")
    if remedy:
        parts.append(f"Do this: {remedy}")
    sentences = [" ".join(part.split()).rstrip(".") for part in parts]
    return printable(" ".join(text if text.endswith("?") else f"{text}." for text in sentences))


def recorded(error: Exception) -> str:
    """Return what a record may say of any error: of a foreign one its class alone."""
    return error.recorded if isinstance(error, SkiagramError) else type(error).__name__


class NamelessError(SkiagramError):
    """An error whose every part but `detail` is free of names and values, so that a record has it.

    Whoever raises one puts names of cases and files, and words of other libraries, into `detail`.
    """

    @property
    def recorded(self) -> str:
        """Return the message without its detail."""
        return _one_line(self.found, self.where, self.allowed, self.remedy)


_SMALL = 1_000_000  # bytes
_REMEDIES = {  # of what a machine refuses; any other error of the system shows where it arose
    errno.ENOSPC: "free space (`dvc gc -A --all-experiments` keeps every run), then run it again",
    errno.EDQUOT: "your disk quota is used up: free some space, then run it again",
    errno.EFBIG: "allow larger files (`ulimit -f`), then run it again",
    errno.EROFS: "work in a folder of a disk that is not read-only",
    errno.EACCES: "make the folder writable for you, or work in another one, then run it again",
    errno.EPERM: "make the folder writable for you, or work in another one, then run it again",
    errno.EMFILE: "allow more open files (`ulimit -n`), then run it again",
    errno.ENAMETOOLONG: "give a shorter name",
    errno.EIO: "the disk or its connection is faulty: copy the project to another disk",
}


def name_refusal(
    text: str, where: str, number: int | None = None, path: str | None = None
) -> SkiagramError | None:
    """Return what a machine refused, such as to write on a full disk; None for another error.

    Args:
        text: Of an error of the system, or of one that quotes its number.
        number: Of the error, where the text quotes none.
        path: Of what could not be written or read; None for the one that the text quotes, else a
            full disk is looked for.
    """
    quoted = re.search(r"\[Errno (\d+)\](.*)", text)
    number = int(quoted[1]) if quoted else number
    if quoted and path is None:  # of a copy the last one is written
        path = next(reversed(re.findall("'([^']+)'", quoted[2])), None)
    if "No usable temporary directory" in text:  # as `tempfile` says, of full disks too
        remedy = "set TMPDIR to a folder that you can write, on a disk with free space"
        return NamelessError("no folder for temporary files", where=where, remedy=remedy)
    if number not in _REMEDIES:
        return None
    if path is None and number == errno.ENOSPC:  # a file that is written does not say its name
        places = {str(Path.cwd()), os.environ.get("TMPDIR") or "/tmp"}  # noqa: S108
        there = sorted(each for each in places if Path(each).is_dir())
        full = [each for each in there if shutil.disk_usage(each).free < _SMALL]
        path = f"the disk of {full[0]}" if full else ""
    reason, remedy = os.strerror(number), _REMEDIES[number]
    return NamelessError(reason, where=where, remedy=remedy, detail=path or "")


@contextmanager
def named_refusals(where: str) -> Iterator[None]:
    """Turn what the system refuses, such as to write on a full disk, into a named error."""
    try:
        yield
    except OSError as error:  # a copied folder's error holds those of its files as text
        refusal = name_refusal(str(error), where, error.errno, error.filename)
        if refusal is None:
            raise
        raise refusal from error


class OptionError(SkiagramError):
    """An option that does not exist, has the wrong type or is out of range."""

    exit_code: ClassVar[int] = 2
    kind: ClassVar[str] = "an option or a choice cannot be used"

    @property
    def recorded(self) -> str:
        """Return the message where it is of an option of training, which speaks of no patient.

        Other options name files, columns and cells of the data. Paths are left out of any.
        """
        if not _OPTION.match(self.where):
            return super().recorded
        parts = (self.found, self.where, self.allowed, self.remedy)
        return _one_line(*(_PATH.sub("…", part) for part in parts))


_OPTION = re.compile(
    r"(conf[./](?!dataset)|(model|training|trainer|plan|compute|encoder|evaluate|options|scored|sweep"
    r"|baselines|networks|encoders|combinations|proposal|restoration|features)\b)"
    r"[\w./\[\] :,]*$"
)
_PATH = re.compile(r"(?<!\S)(?!conf/)\S*[/\\]\S*")


class AuditStop(SkiagramError):
    """The audit found something that makes every later figure untrustworthy."""

    exit_code: ClassVar[int] = 3
    kind: ClassVar[str] = "the audit found what makes every later figure untrustworthy"


class DataError(SkiagramError):
    """An input file, image, label or identifier that cannot be used."""

    exit_code: ClassVar[int] = 4
    kind: ClassVar[str] = "a file, an image, a label or an identifier cannot be used"


class ModelFailure(NamelessError):
    """A model that could not be trained: out of memory, diverged, refused its input."""

    exit_code: ClassVar[int] = 5


@overload
def refusal(key: str, where: str = "", *, kind: type[E], **values: object) -> E: ...
@overload
def refusal(key: str, where: str = "", *, kind: None = None, **values: object) -> DataError: ...
def refusal(
    key: str, where: str = "", *, kind: type[SkiagramError] | None = None, **values: object
) -> SkiagramError:
    """Return an error in the words of a row of a room's `refusals.yaml`.

    Args:
        key: The room and the row, such as `readers.no_pixels`.
        where: In place of that of the row.
        kind: Of the error; None for the one that the row names, else a DataError. A row names one
            where all who use it raise the error at once.
        **values: What stands in braces.
    """
    room, _, name = key.partition(".")
    row = {
        part: _Words().vformat(words, (), values) for part, words in _refusals(room)[name].items()
    }
    named = _KINDS[row.pop("kind", DataError.__name__)]
    return (kind or named)(row.pop("found"), **row | ({"where": where} if where else {}))


_KINDS: dict[str, type[SkiagramError]] = {
    each.__name__: each for each in (AuditStop, DataError, ModelFailure, OptionError, SkiagramError)
}


class _Words(string.Formatter):
    """Fills in a row: `{names:,}` lists some, `{names:`}` with marks; `{name!q}` is for a shell."""

    def convert_field(self, value: Any, conversion: Any) -> Any:
        if conversion != "q":
            return super().convert_field(value, conversion)
        return shlex.join([value] if isinstance(value, str) else value)

    def format_field(self, value: Any, format_spec: str) -> str:
        if not format_spec or isinstance(value, str) or not isinstance(value, Iterable):
            return format(value, format_spec)
        if format_spec in ("`", ","):
            return listed(value, format_spec.strip(","))
        return format_spec.join(map(str, value))


@cache
def _refusals(room: str) -> dict[str, dict[str, str]]:
    package = "skiagram" if room == _BASE else f"skiagram.{room}"
    rows: dict[str, dict[str, str]] = read_declared(package, "refusals.yaml")
    return rows


@contextmanager
def readable(found: str, where: str, remedy: str) -> Iterator[None]:
    """Turn whatever a reader of damaged files raises into a DataError."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:  # damage can break a reader anywhere
        raise DataError(found, where=where, remedy=remedy) from error


@contextmanager
def installed(
    package: str, where: str, extra: str, allowed: str = "", otherwise: str = ""
) -> Iterator[None]:
    """Turn the ImportError of a package that is not there into an OptionError.

    Args:
        extra: Of skiagram, which brings the package.
        allowed: What would do without it; empty for nothing.
        otherwise: What to do in place of installing it; empty for nothing.
    """
    try:
        yield
    except ImportError as error:
        remedy = f"{how_to_install(extra)}, or {otherwise}" if otherwise else how_to_install(extra)
        raise OptionError(
            f"{package} is not installed", where=where, allowed=allowed, remedy=remedy
        ) from error


_LOCKED = ("encoders", "networks", "pretrained", "project", "score")  # extras in requirements.lock
_EXTRAS = {  # library that is imported without a look → the extra of skiagram that brings it
    **dict.fromkeys(("skimage", "skops"), "score"),
    **dict.fromkeys(("pytorch_lightning", "safetensors", "torch", "torchvision"), "networks"),
    **dict.fromkeys(("dvc", "hydra", "mlflow", "omegaconf", "rich"), "project"),
}


def how_to_install(extra: str) -> str:
    """Return how an extra of skiagram is installed here, in a clone or beside its wheel."""
    if (Path(__file__).resolve().parents[2] / "pyproject.toml").is_file():
        return f"`make {'setup' if extra in _LOCKED else 'setup-dev'}` in the clone of skiagram"
    from importlib.metadata import version  # rarely needed, and every stage imports this file

    wheel = f"skiagram-{version('skiagram')}-py3-none-any.whl[{extra}]"
    return f"`pip install '{wheel}'`, with the path of the wheel that `make wheel` made"


def not_installed(error: ImportError, where: str = "") -> OptionError | None:
    """Return what to do about a library that is not there; None for one that no extra brings."""
    library = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or library not in _EXTRAS:
        return None
    remedy = how_to_install(_EXTRAS[library])
    return OptionError(f"{library} is not installed", where=where, remedy=remedy)


@contextmanager
def named(where: str) -> Iterator[None]:
    """Give a DataError the name of the file that the user knows."""
    try:
        yield
    except DataError as error:
        raise error.restated(type(error), where=where, detail=error.detail) from error
