"""The code that a result depends on, as one SHA-256: other code, other result.

From the modules of some functions or classes on, every import is followed through the sources, and
the files that are reached count as a whole, with the data beside them: a changed comment counts,
too. Imports for types alone (`if TYPE_CHECKING:`) do not count. A name that is chosen at run time
(`_target_` of a config, the class behind a base class) cannot be seen in the sources: pass it too.

An installed library is not followed: its version counts where the code imports it, and all files
that its installer recorded where an entry stands in it. NumPy and SciPy, on which the others stand,
always count. Where skiagram itself was installed from a wheel, it is such a library, and all that
it requires counts.
"""

import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import (
    PackageNotFoundError,
    distribution,
    packages_distributions,
    requires,
    version,
)
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from skiagram.compute.files import sha256_of
from skiagram.compute.pieces import DIGITS
from skiagram.declared import read_declared

_OWN = __name__.partition(".")[0]
_LIBRARIES = read_declared("skiagram.compute", "libraries.yaml")
_COMPUTE_NOTHING, _INSTALLED_AS = {*_LIBRARIES["compute_nothing"], _OWN}, _LIBRARIES["installed_as"]
_CODE = {".py", ".pyc", ".nbi", ".nbc"}
_COMMENT = re.compile("#.*")
_FOR_TYPES = re.compile(r"^if TYPE_CHECKING:\n(?:[ \t]+.*\n|\n)+", re.MULTILINE)
# An import begins a line or a statement of one: after `;`, or after the `:` of `if` and `try`.
_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:from[ \t]+(?P<module>[.\w]+)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^;\n]*)"
    r"|import[ \t]+(?P<modules>[^;\n]*))",
    re.MULTILINE,
)


def code_digest(*entries: object) -> str:
    """Compute the SHA-256 of all code that functions, classes or dotted names may run.

    Raises:
        ValueError: The sources do not define a name.
    """
    # Names, files and versions, in a fixed order.
    names = _dotted_names(entries)
    reached = _reach(names)
    digest = hashlib.sha256(repr(names).encode())
    for library in reached.libraries:
        digest.update(library.encode())
    for module, path in sorted(reached.files.items()):
        digest.update(f"{module} {_content(path)}\n".encode())
    # Rules, words, templates and the like in the folders of packages, and in that of sources.
    folders = {
        path.parent
        for module, path in reached.files.items()
        if "." in module or path.name == "__init__.py" or path.parent.name == "src"
    }
    for folder in sorted(folders):
        digest.update(_data_of(folder).encode())
    # Versions of what was imported and computes something.
    computing = reached.imported - _COMPUTE_NOTHING
    installed = {name for module in computing for name in _installed_as(module)}
    if _recorded_files(_OWN) is not None:  # all that the wheel requires and that computes
        lines = requires(_OWN) or ()
        required = {re.split(r"[^\w.-]", line, maxsplit=1)[0].lower() for line in lines}
        required = {name.replace("_", "-") for name in required}
        for module, distributions in _packages().items():
            if module not in _COMPUTE_NOTHING:
                installed |= {
                    name for name in distributions if name.lower().replace("_", "-") in required
                }
    beneath_all = {"numpy", "scipy"}
    digest.update(repr([_version(name) for name in sorted(installed | beneath_all)]).encode())
    return digest.hexdigest()


def nested_mappings(inputs: object) -> Iterator[Mapping[str, Any]]:
    """Yield each mapping among inputs, at any depth, such as the options of a class."""
    if isinstance(inputs, Mapping):
        yield inputs
        inputs = inputs.values()
    elif isinstance(inputs, (str, bytes)) or not isinstance(inputs, Iterable):
        return
    for value in inputs:
        yield from nested_mappings(value)


def named_targets(inputs: object) -> list[str]:
    """Find each `_target_` among inputs, at any depth: entries for `code_digest`."""
    targets = [options.get("_target_") for options in nested_mappings(inputs)]
    return [target for target in targets if isinstance(target, str)]


def name_piece(kind: str, inputs: Mapping[str, Any], *code: object) -> str:
    """Compute the name of a piece that these inputs and this code alone have.

    Args:
        kind: What it begins with.
        inputs: All that it depends on, as JSON; the code of each `_target_` in it counts too.
        *code: Functions and classes that run.
    """
    code_sha256 = code_digest(*code, *named_targets(inputs))
    text = json.dumps([kind, inputs, code_sha256], sort_keys=True, allow_nan=False)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"


def code_files(*entries: object) -> dict[str, Path]:
    """Find module → file of all modules that `code_digest` reads."""
    return _reach(_dotted_names(entries)).files


class _Reached(NamedTuple):
    """What entries lead to.

    Attributes:
        files: Module → its file.
        imported: Top names of modules that are not followed.
        libraries: Of entries in installed libraries, their name and the files recorded of them.
    """

    files: dict[str, Path]
    imported: frozenset[str]
    libraries: tuple[str, ...]


@cache
def _reach(entries: tuple[str, ...]) -> _Reached:
    """Follow the imports of the modules that define some names."""
    # Installed libraries have a record of their files, sources are followed.
    recorded = {name: _recorded_files(name.partition(".")[0]) for name in entries}
    libraries = [f"{name} {files}" for name, files in recorded.items() if files is not None]
    followed = {name.partition(".")[0] for name in entries if recorded[name] is None}
    own_files = _recorded_files(_OWN)
    if own_files is None:
        followed.add(_OWN)
    else:  # whatever scripts beside it are followed, they call it
        libraries.append(own_files)

    # Begin at the modules that define the entries.
    waiting = []
    for name in entries:
        if recorded[name] is None:
            module, _, defined = name.rpartition(".")
            path = _source_file(module)
            if path is None or not re.search(rf"\b{re.escape(defined)}\b", _content(path)):
                raise ValueError(f"no definition of {name} in the sources")
            waiting.append(module)

    # Read each file once, and go on with what it imports, also from beside it.
    beside = {_folder(top).parent for top in followed}
    files: dict[str, Path] = {}
    imported: set[str] = set()
    while waiting:
        module = waiting.pop()
        top = module.partition(".")[0]
        if top not in followed | imported:
            exists = any(
                (folder / name).exists() for folder in beside for name in (f"{top}.py", top)
            )
            if exists and _folder(top).parent in beside:
                followed.add(top)
        if top not in followed:
            imported.add(top)
        elif module not in files and (path := _source_file(module)) is not None:
            files[module] = path
            waiting += _imported_modules(module, path)
            waiting += [module.rpartition(".")[0]] if "." in module else []  # it runs first
    return _Reached(files, frozenset(imported - sys.stdlib_module_names), tuple(libraries))


@cache
def _imported_modules(module: str, path: Path) -> tuple[str, ...]:
    """List the modules that a file names in its imports, and names that may be modules."""
    # Imports of whole modules, and of names from modules.
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found, named = [], []
    text = _COMMENT.sub("", _FOR_TYPES.sub("", _content(path))).replace("\\\n", " ")
    for line in _IMPORT.finditer(text):
        if line["modules"]:
            named += re.findall(r"(?:^|,)\s*([\w.]+)", line["modules"])
            continue
        source = line["module"]
        # Relative imports start at the package.
        if source.startswith("."):
            above = len(source) - len(source.lstrip("."))
            parents = package.split(".")[: len(package.split(".")) - above + 1]
            source = ".".join([*parents, *filter(None, [source.lstrip(".")])])
        found.append(source)
        names = re.findall(r"(\w+)(?:\s+as\s+\w+)?\s*(?:,|\)|$)", line["names"])
        named += [f"{source}.{name}" for name in names]

    # Members of a package that is imported as a whole may be listed and imported by name.
    top = module.partition(".")[0]
    for name in named:
        whole = _source_file(name) if name.partition(".")[0] == top else None
        if whole is not None and whole.name == "__init__.py" and name != top:
            found += [f"{name}.{member.stem}" for member in sorted(whole.parent.glob("[!_]*.py"))]
    return (*found, *named)


def _dotted_names(entries: Iterable[object]) -> tuple[str, ...]:
    """List the dotted name of each entry once, in order; a method counts as its class."""
    names = set()
    for entry in entries:
        named: Any = entry
        is_name = isinstance(entry, str)
        outer = "" if is_name else named.__qualname__.partition(".")[0]
        names.add(str(entry) if is_name else f"{named.__module__}.{outer}")
    return tuple(sorted(names))


@cache
def _folder(package: str) -> Path:
    """Find the folder of a package, or the file of a module, that can be imported."""
    spec = find_spec(package)
    folders = None if spec is None else spec.submodule_search_locations
    place = next(iter(folders), None) if folders else spec and spec.origin
    if not place:
        raise ValueError(f"no sources of {package}")
    return Path(place)


@cache
def _source_file(module: str) -> Path | None:
    """Find the file of a module; None for a name that is no module."""
    package, *parts = module.split(".")
    place = _folder(package).joinpath(*parts)
    candidates = (place / "__init__.py", place.with_suffix(".py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@cache
def _content(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _data_of(folder: Path) -> str:
    """Compute the SHA-256 of the files beside a package's modules, and in folders of no module."""
    digest = hashlib.sha256()
    # Without what editors, systems and Python leave there.
    for path in sorted(folder.glob("[!_.]*[!~]")):
        if path.is_dir() and not path.is_symlink() and not (path / "__init__.py").exists():
            digest.update(f"{path.name} {_data_of(path)}".encode())
        elif path.is_file() and path.suffix not in _CODE:
            digest.update(f"{path.name} {sha256_of(path)}".encode())
    return digest.hexdigest()


@cache
def _recorded_files(package: str) -> str | None:
    """Read version, paths and SHA-256 of an installed library; None for sources."""
    # Sources stand in a folder where nothing is installed.
    folder = _folder(package).parent.resolve()
    if not any(folder.glob("*.dist-info")):
        return None
    # The record of the distribution that holds the package, and not of another copy of it.
    for name in _installed_as(package):
        installed = distribution(name)
        if Path(str(installed.locate_file(""))).resolve() != folder:
            continue
        rows = (installed.read_text("RECORD") or "").splitlines()
        package_rows = [row for row in rows if row.startswith((f"{package}/", f"{package}."))]
        if package_rows:
            hashed = sorted(row for row in package_rows if ",sha256=" in row)
            return "\n".join([f"{name} {version(name)}", *hashed])
    return None


@cache
def _installed_as(module: str) -> tuple[str, ...]:
    """Find the names under which a module's library is installed."""
    name = _INSTALLED_AS.get(module, module)
    if _version(name)[1] != "absent":
        return (name,)
    return tuple(_packages().get(module, ()))


@cache
def _packages() -> Mapping[str, list[str]]:
    """Return top name of a module → the libraries that install it."""
    return dict(packages_distributions())


@cache
def _version(name: str) -> tuple[str, str]:
    try:
        return name, version(name)
    except PackageNotFoundError:
        return name, "absent"
