"""The files of a project: what this installation brings, and what has become of them since.

They stand once: in a clone of the repository at its root, in a wheel packed beside this module.
"""

import getpass
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import unified_diff
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from skiagram.compute.checkout import ask_git, places_without_home, shell_of_no_hook
from skiagram.compute.files import write_files
from skiagram.errors import how_to_install, listed, refusal
from skiagram.projects.launcher import without_launcher

RECORD = ".skiagram.yaml"  # of a project: the version, and the checksum of each file as it came
_OLDEST = "0.2.0"  # models, options and classes have had their names of now since then
_BEGUN = ".work/new"  # the git repository of a project that is not whole yet
AT_WORK = ".work/running/project"  # lock of who makes a project, renews its data set or runs it
_SHOWN = 3  # projects that a message names
_HERE = Path(__file__).parent
_PACKED = _HERE / "template"
CHOICES = "params.yaml"  # the pipeline needs each of its lines
_FILES = (".dvcignore", ".gitattributes", ".gitignore", "dvc.yaml", CHOICES)
_FOLDERS = {
    "conf": "*.yaml",
    "combined": "README.md",
    "reports/explanations": "README.md",
    "pipeline": "*.py",
    "sweeps": "dvc.yaml",
}
_PYTHONS_OWN = (  # DVC fails on a warning that is an error; each stage would be compiled anew
    "PYTHONWARNINGS",
    "PYTHONDONTWRITEBYTECODE",
)
_DVC_OPTIONS = "[core]\n    analytics = false\n    check_update = false\n"


def shipped_files() -> dict[str, bytes]:
    """Return path → content of each file of a new project, in the order of paths."""
    # Files of the package, and the guide of a project.
    root = shipped_root()
    paths = [root / name for name in _FILES]
    paths += [path for name, kind in _FOLDERS.items() for path in (root / name).rglob(kind)]
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(paths)}
    files["README.md"] = (_HERE / "README.md").read_bytes()
    # Stages depend on the installed skiagram in place of its sources.
    installed = {"dvc.yaml": "", "sweeps/dvc.yaml": "      - data/code/skiagram\n"}
    for name, line in installed.items():
        pipeline = files[name].decode().replace("      - requirements.lock\n", "")
        files[name] = pipeline.replace("      - src/skiagram\n", line).encode()
    return files


def read_shipped(name: str) -> dict[str, Any]:
    """Read the options of a YAML file of a new project, such as params.yaml."""
    options: dict[str, Any] = yaml.load(
        (shipped_root() / name).read_bytes(), Loader=yaml.CSafeLoader
    )
    return options


def shipped_root() -> Path:
    """Find the folder of the files of a new project: packed, or the repository itself."""
    return _PACKED if _PACKED.is_dir() else _HERE.parents[2]


def make_project(folder: Path) -> list[str]:
    """Make a project in a new or empty folder, git and DVC begun; return sentences on it.

    What a kill left half made is made anew.

    Raises:
        OptionError: The folder holds files, or DVC is not installed.
    """
    again = require_new(folder)
    require_dvc(folder)
    # What was there before stays if anything fails.
    begun = folder / _BEGUN
    is_new = not folder.exists() or again
    before = set() if again or not folder.exists() else {*folder.iterdir()}
    begun.parent.mkdir(parents=True, exist_ok=True)
    # The note, before anything else is written.
    git = shutil.which("git")
    if again:
        top = begun.read_text(encoding="utf-8").rstrip("\n")
    else:
        top = ask_git(folder, "rev-parse", "--show-toplevel")
        write_files({begun: f"{top}\n".encode()})
    try:
        sentences = _make_anew(folder, git, top)
    except Exception:  # of git, DVC or the disk: nothing half made stays
        for path in {*folder.iterdir()} - before:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if is_new:
            folder.rmdir()
        raise
    begun.unlink()
    return [*sentences, *tell_changed_options()]


def tell_changed_options() -> list[str]:
    """Say which files of this clone a project takes over that its last commit has otherwise."""
    root = shipped_root()
    changed = ask_git(root, "diff", "--name-only", "HEAD", "--", *_FILES, *_FOLDERS).splitlines()
    if not changed:
        return []
    told = f"It takes over what was changed in the clone {root}: {listed(changed, '`')}."
    return [f"{told} Where this is not meant, `git stash` there, and make the project again."]


def require_new(folder: Path) -> bool:
    """Refuse a place for a project that holds other files; tell whether a killed run began it.

    Raises:
        OptionError: It is a file, or a folder with files that no killed run began.
    """
    # A run that was killed left a note that this folder is its own.
    begun = folder / _BEGUN
    again = begun.is_file() and bool(begun.read_bytes())  # empty: nothing else was written
    usual = {".git", begun.parent.name}
    held = {path.name for path in folder.iterdir()} - usual if folder.is_dir() else folder.exists()
    if held and not again:
        raise refusal("projects.filled_folder", str(folder))
    return again


def is_made(folder: Path) -> bool:
    """Tell whether a folder holds a whole project."""
    return (folder / RECORD).exists() and not (folder / _BEGUN).exists()


def require_project_here() -> None:
    """Refuse to look for results outside a project; the message names projects in this folder.

    Raises:
        OptionError: No project is here.
    """
    if Path(CHOICES).is_file():
        return
    below = sorted(path.parent.name for path in Path().glob(f"*/{CHOICES}"))
    remedy = "go to the project's folder first"
    if below:
        lines = " or ".join(f"`cd {shlex.quote(name)}`" for name in below[:_SHOWN])
        remedy = f"go to the project first, {lines}, and type it again"
    raise refusal("projects.no_project_here", str(Path().resolve()), remedy=remedy)


def _make_anew(folder: Path, git: str | None, top: str) -> list[str]:
    """Write the files and begin git and DVC, in the git repository `top` if there is one."""
    # A repository that a killed run had begun is made anew, unless it was whole.
    committed = ["git and DVC are begun, and the files committed."]
    if git is not None and not top and (folder / ".git").exists():  # a kill left it
        if ask_git(folder, "rev-parse", "--quiet", "--verify", "HEAD"):
            return committed
        shutil.rmtree(folder / ".git")
    shutil.rmtree(folder / ".dvc", ignore_errors=True)
    # Files with their checksums.
    files = shipped_files()
    _write(folder, files)
    _write_record(folder, files)
    # Without git DVC works alone.
    if git is None:
        _run(folder, sys.executable, "-m", "dvc", "init", "--no-scm")
        (folder / ".dvc" / "config.local").write_text(_DVC_OPTIONS, encoding="utf-8")
        return ["git is not installed: `dvc repro` works, `dvc exp` and a history need git."]
    if not top:
        _run_git(folder, "init", "-q", "-b", "main")
    # In somebody's repository the project is a part of it.
    below = bool(top) and Path(top).resolve() != folder.resolve()
    _run(folder, sys.executable, "-m", "dvc", "init", *(["--subdir"] if below else []))
    (folder / ".dvc" / "config").write_text(_DVC_OPTIONS, encoding="utf-8")
    if top:  # what goes into somebody's next commit is theirs to say; `dvc init` has added files
        _run(folder, git, "reset", "-q", "--", ".")
        return [f"It lies in the git repository {top}: add and commit it there."]
    # A repository of its own begins with a commit.
    _run_git(folder, "add", "--", ".")
    _run_git(folder, "commit", "-q", "-m", f"New project, skiagram {version('skiagram')}")
    return committed


@dataclass(frozen=True)
class Upgrade:
    """What becomes of a project's files with another version.

    Attributes:
        taken: Paths that are taken over; those without content are removed. The user's choices
            stay among them, with the lines of those that are new.
        kept: Paths whose content stays as the user changed it.
        both: Paths that both changed, each in another way.
    """

    taken: Mapping[str, bytes | None]
    kept: Collection[str]
    both: Mapping[str, bytes | None]
    files: Mapping[str, bytes] = field(repr=False)

    def differences(self, folder: Path) -> str:
        """Return what the user's own files differ in from the new version's, as a diff."""
        lines: list[str] = []
        for name in sorted({*self.kept, *self.both}):
            texts = [self.files.get(name, b""), _content(folder / name) or b""]
            before, after = (text.decode(errors="replace").splitlines() for text in texts)
            titles = f"skiagram {version('skiagram')}: {name}", f"yours: {name}"
            lines += unified_diff(before, after, *titles, n=1, lineterm="")
        return "\n".join(lines)

    def write(self, folder: Path) -> None:
        """Take the new version's files over."""
        _write(folder, {name: new for name, new in self.taken.items() if new is not None})
        for name, new in self.taken.items():
            if new is None:
                (folder / name).unlink(missing_ok=True)
                with suppress(OSError):  # of a folder that holds more
                    (folder / name).parent.rmdir()
        _write_record(folder, self.files)


def plan_upgrade(folder: Path, mine: Collection[str] = (), new: Collection[str] = ()) -> Upgrade:
    """Compare a project with what this installation brings.

    Args:
        mine: Paths that stay as they are although both changed them.
        new: Paths that are taken over although both changed them.

    Raises:
        OptionError: The folder is no project.
    """
    # Each file in three states: as it came, as it is, and as it is shipped now.
    came = read_record(folder)
    files = shipped_files()
    taken: dict[str, bytes | None] = {}
    own_paths: list[str] = []
    both: dict[str, bytes | None] = {}
    for name in sorted({*came, *files}):
        own, shipped = _content(folder / name), files.get(name)
        if own == shipped:
            continue
        if name in new or _digest(own) == came.get(name):
            taken[name] = shipped
        elif name in mine or _digest(shipped) == came.get(name):
            own_paths.append(name)
        else:
            both[name] = shipped
    # the user's choices get the lines of those that they lack
    if CHOICES in own_paths:
        text = _content(folder / CHOICES) or b""
        chosen = yaml.safe_load(text)
        if isinstance(chosen, dict):
            lines = dict(re.findall(rb"(?m)^(\w+)(:.*(?:\n[ \t].*)*)", files[CHOICES]))
            lacking = [name + rest for name, rest in lines.items() if name.decode() not in chosen]
            if lacking:
                taken[CHOICES] = b"\n".join([text.rstrip(), *lacking, b""])
    return Upgrade(taken, own_paths, both, files)


def read_record(folder: Path) -> dict[str, str]:
    """Read path → SHA-256 of each file of a project as it came."""
    try:
        record = yaml.safe_load((folder / RECORD).read_text(encoding="utf-8"))
        came = {str(name): str(digest) for name, digest in record["files"].items()}
        made_by = str(record["version"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise refusal("projects.no_project", str(folder.resolve()), file=RECORD) from error
    require_readable(made_by, str(folder.resolve()))
    return came


def require_readable(made_by: str, where: str) -> None:
    """Refuse a project or a package of a version whose names this one does not know.

    Args:
        made_by: Version that wrote it.
        where: What messages call it.

    Raises:
        DataError: It is older than the oldest version that is read, or newer than this one.
    """
    # A version may read what was written since names last changed, and no later one's.
    here = version("skiagram")
    oldest, written, installed = (_version_numbers(text) for text in (_OLDEST, made_by, here))
    if not written or not oldest <= written <= installed or written[0] != installed[0]:
        raise refusal("projects.other_version", where, made_by=made_by, here=here, oldest=_OLDEST)


def _version_numbers(text: str) -> tuple[int, ...]:
    parts = re.match(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?", text)
    return () if parts is None else tuple(int(part or 0) for part in parts.groups())


def require_dvc(folder: Path) -> None:
    """Refuse to begin a project where DVC is not installed, or fails on the folder's name."""
    from importlib.util import find_spec

    # DVC reads braces in a path as its own variables.
    path = str(folder.resolve())
    if "{" in path or "}" in path:
        raise refusal("projects.braces_in_path", path)

    if find_spec("dvc") is None:
        raise refusal("projects.no_dvc", line=how_to_install("project"))


def environment(folder: Path) -> dict[str, str]:
    """List the variables under which a project's commands run: its own Python first.

    None is of a launcher: DVC runs each stage in one process.
    A container may have no name for the id that it runs under, no home and no disk to write on
    beside the project's: what libraries keep there for later runs is kept in the project.
    """
    # Variables that git, DVC and others want, where the system has none.
    binaries = str(Path(sys.executable).parent)
    lacking = places_without_home(folder.resolve())
    try:
        getpass.getuser()
    except (KeyError, OSError):
        lacking["USER"] = f"user{os.getuid()}"
    if not os.access("/var/tmp", os.W_OK):  # noqa: S108 - where DVC keeps what users share
        lacking["DVC_SITE_CACHE_DIR"] = str(folder.resolve() / ".work" / "dvc")
    shell = without_launcher(shell_of_no_hook())
    return {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "RAY_USAGE_STATS_ENABLED": "0",
        **lacking,
        **{name: text for name, text in shell.items() if name not in _PYTHONS_OWN},
        "PATH": os.pathsep.join([binaries, os.environ.get("PATH", "")]),
        "DVC_NO_ANALYTICS": "1",
        "DVC_ROOT": str(folder.resolve()),
    }


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _digest(content: bytes | None) -> str | None:
    return None if content is None else hashlib.sha256(content).hexdigest()


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    write_files({folder / name: content for name, content in files.items()})


def _write_record(folder: Path, files: Mapping[str, bytes]) -> None:
    digests = {name: _digest(content) for name, content in files.items()}
    text = "# Files as they came, for `skiagram upgrade`; do not edit.\n"
    text += yaml.safe_dump({"version": version("skiagram"), "files": digests}, sort_keys=False)
    write_files({folder / RECORD: text.encode()})


def _run_git(folder: Path, *words: str) -> None:
    """Run a command of git for a project's own commit.

    The user's settings have no part in it, such as hooks, signatures and lists of what to ignore:
    they give the author's name, and whose folder is trusted.
    """
    # Settings of this machine or user must not spoil the project's own commit.
    own = {
        "safe.directory": str(folder.resolve()),
        "core.excludesFile": os.devnull,
        "user.name": ask_git(folder, "config", "user.name") or "skiagram",
        "user.email": ask_git(folder, "config", "user.email") or "skiagram@localhost",
    }
    without = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    settings = [word for name, value in own.items() for word in ("-c", f"{name}={value}")]
    _run(folder, "git", *settings, *words, **without)


def _run(folder: Path, *command: str, **variables: str) -> None:
    # The error of the command is told without what DVC adds.
    shell = {name: value for name, value in environment(folder).items() if name != "DVC_ROOT"}
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, env=shell | variables, capture_output=True, text=True, check=False
    )
    if done.returncode:
        called = " ".join([Path(command[0]).name, *command[1:]])
        said = done.stderr.partition("Having any troubles?")[0].strip()  # as DVC ends
        said = said or done.stdout.strip() or f"exit code {done.returncode}"
        raise refusal("projects.program_failed", str(folder), program=called, said=said)
