"""The code that a result depends on, as one SHA-256: other code, other result.

From some functions or classes on, every definition that is named is followed through the sources,
across the modules of their packages. Comments, docstrings and definitions that nothing names do not
count. A name that is chosen at run time (`_target_` of an option file, the class behind a base
class) cannot be seen in the sources: pass it too.

An installed library is not followed, which would take a minute for one class of PyTorch: its
version counts where the code imports it, and all files that its installer recorded where an entry
stands in it. NumPy and SciPy, on which the others stand, always count. Where skiagram itself was
installed from a wheel, it is such a library, and all that it requires counts.

To follow the sources of a stage takes a second or two. What entries led to is kept in the project's
store of pieces, with the SHA-256 of each file that was read; it counts as long as all these files
hold the same and the packages have no other files. Times of the sources play no part.
"""

import ast
import hashlib
import json
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
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

from skiagram.compute.pieces import DIGITS, PieceStore

_ROOT = Path(__file__).resolve().parents[3]
_OWN = __name__.partition(".")[0]
_FOUND = "found.json"
_NOTES = 200  # pieces that are kept: those of some versions of the code
_Definition = tuple[str, str]  # module and name; no name for the whole module
_BENEATH = {"numpy", "scipy"}
# They check, carry, print or draw what others have computed: no figure depends on them.
_COMPUTE_NOTHING = {
    *("dvc", "huggingface_hub", "hydra", "jinja2", "joblib", "markupsafe", "matplotlib", "mlflow"),
    *("omegaconf", "pooch", "pyarrow", "pydantic", "pydantic_core", "pyrage", "ray", "safetensors"),
    *("skops", "sqlalchemy", "submitit", "threadpoolctl", "tqdm", "yaml", _OWN),
}


def code_digest(*entries: object) -> str:
    """Return the SHA-256 of all code that functions and classes, or dotted names, may run.

    A nested function counts as the one around it, a method as its class.
    """
    return _digest(*_followed(entries))


def named_targets(inputs: object) -> Iterator[str]:
    """Yield each `_target_` among inputs, at any depth: entries for `code_digest`."""
    if isinstance(inputs, Mapping):
        if isinstance(inputs.get("_target_"), str):
            yield inputs["_target_"]
        inputs = inputs.values()
    elif isinstance(inputs, (str, bytes)) or not isinstance(inputs, Iterable):
        return
    for value in inputs:
        yield from named_targets(value)


def name_piece(kind: str, inputs: Mapping[str, Any], *code: object) -> str:
    """Return the name of a piece that these inputs and this code alone have.

    Args:
        kind: What it begins with.
        inputs: All that it depends on, as JSON; the code of each `_target_` in it counts too.
        *code: Functions and classes that run.
    """
    code_sha256 = code_digest(*code, *named_targets(inputs))
    text = json.dumps([kind, inputs, code_sha256], sort_keys=True, allow_nan=False)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"


def code_libraries(*entries: object) -> dict[str, str]:
    """Return installed library → version, of those that the code computes with."""
    names, folders, _ = _followed(entries)
    return dict(_versions(_closure(names, folders).imported))


def library_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of those libraries that are installed."""
    return dict(_version(name) for name in names)


def code_modules(*entries: object) -> set[str]:
    """Return the modules in which the code stands that `code_digest` hashes."""
    return {module for module, _ in code_definitions(*entries)}


def code_definitions(*entries: object) -> set[tuple[str, str]]:
    """Return module and name of each definition that `code_digest` hashes."""
    names, folders, _ = _followed(entries)
    return set(_closure(names, folders).definitions)


def _followed(
    entries: Iterable[object],
) -> tuple[tuple[str, ...], tuple[tuple[str, Path], ...], tuple[tuple[str, str], ...]]:
    """Return the names to follow, package → its folder, and names of installed libraries."""
    names, libraries = [], []
    for name in sorted({_dotted(entry) for entry in entries}):
        recorded = _recorded_files(name.partition(".")[0])
        if recorded is None:
            names.append(name)
        else:
            libraries.append((name, recorded))
    own_files = _recorded_files(_OWN)
    if own_files is not None:  # whatever scripts beside it are followed, they call it
        libraries.append((_OWN, own_files))
    packages = sorted(
        {name.partition(".")[0] for name in names} | ({_OWN} if own_files is None else set())
    )
    folders = tuple((package, _folder(package)) for package in packages)
    return tuple(names), folders, tuple(libraries)


@cache
def _recorded_files(package: str) -> str | None:
    """Return version, paths and SHA-256 of an installed library; None for sources."""
    folders = {Path(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")}
    if _folder(package).parent not in folders:
        return None
    for name in _packages().get(package, ()):
        rows = (distribution(name).read_text("RECORD") or "").splitlines()
        package_rows = [row for row in rows if row.startswith((f"{package}/", f"{package}."))]
        if package_rows:
            hashed = sorted(row for row in package_rows if ",sha256=" in row)
            return "\n".join([f"{name} {version(name)}", *hashed])
    return None


def _dotted(entry: object) -> str:
    if isinstance(entry, str):
        return entry
    named: Any = entry
    return f"{named.__module__}.{named.__qualname__.partition('.')[0]}"


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.origin:
        raise ValueError(f"no sources of {package}")
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin


@cache
def _digest(
    names: tuple[str, ...],
    folders: tuple[tuple[str, Path], ...],
    libraries: tuple[tuple[str, str], ...],
) -> str:
    digest = hashlib.sha256()
    for library in libraries:
        digest.update(repr(library).encode())
    closure = _closure(names, folders)
    digest.update(closure.code.encode())
    digest.update(repr(_versions(closure.imported)).encode())
    return digest.hexdigest()


def _versions(modules: frozenset[str]) -> list[tuple[str, str]]:
    """Return the libraries that modules, by their top names, come from, and their versions."""
    packages = _packages()
    names = {name for module in modules - _COMPUTE_NOTHING for name in packages.get(module, ())}
    if _recorded_files(_OWN) is not None:
        computing = [
            distributions
            for module, distributions in packages.items()
            if module not in _COMPUTE_NOTHING
        ]
        required = {_canonical(line) for line in requires(_OWN) or ()}
        names |= {
            name
            for distributions in computing
            for name in distributions
            if _canonical(name) in required
        }
    return [_version(name) for name in sorted(names | _BENEATH)]


def _canonical(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower().replace("_", "-")


@cache
def _packages() -> Mapping[str, list[str]]:
    """Return top name of a module → the libraries that install it."""
    installed = [
        (folder.as_posix(), folder.stat().st_mtime_ns, folder.stat().st_ino)
        for entry in sys.path
        for folder in sorted(Path(entry).glob("*.*-info"))
    ]
    note = _Note("libraries", sys.path)
    kept = note.read()
    listed = hashlib.sha256(repr(installed).encode()).hexdigest()
    if kept is not None and kept["installed"] == listed:
        return dict(kept["packages"])
    packages = dict(packages_distributions())
    note.write({"installed": listed, "packages": packages})
    return packages


@cache
def _version(name: str) -> tuple[str, str]:
    try:
        return name, version(name)
    except PackageNotFoundError:
        return name, "absent"


class _Closure(NamedTuple):
    """What entries lead to: each definition that is named, and the SHA-256 of the code of all."""

    definitions: frozenset[_Definition]
    code: str
    imported: frozenset[str]  # top names of modules that are not followed


@cache
def _closure(names: tuple[str, ...], folders: tuple[tuple[str, Path], ...]) -> _Closure:
    sources = _Sources(dict(folders))
    note = _Note("closure", names, sorted(sources.folders))
    kept = note.read()
    if kept is not None and kept["files"] == sources.files() and sources.hold(kept["read"]):
        definitions = frozenset((module, name) for module, name in kept["definitions"])
        return _Closure(definitions, kept["code"], frozenset(kept["imported"]))
    closure = _follow(names, sources)
    note.write(
        {
            "files": sources.files(),
            "read": {module: sources.sha256(module) for module in sorted(sources.read)},
            "definitions": sorted(closure.definitions),
            "code": closure.code,
            "imported": sorted(closure.imported),
        }
    )
    return closure


class _Note:
    """What an earlier process found, as JSON in the project's store of pieces.

    An installed skiagram keeps none.
    """

    def __init__(self, *parts: object) -> None:
        key = repr((parts, sys.version, _content_sha256(Path(__file__))))
        self._name = f"code-{hashlib.sha256(key.encode()).hexdigest()[:DIGITS]}"
        self._store = PieceStore.of_project(_ROOT) if (_ROOT / "pipeline").is_dir() else None

    def read(self) -> Any:
        """Return what was kept; None where it is absent or damaged."""
        folder = self._store and self._store.find(self._name)
        with suppress(OSError, ValueError):
            return folder and json.loads((folder / _FOUND).read_bytes())
        return None

    def write(self, content: Mapping[str, Any]) -> None:
        """Keep it; a disk that takes none costs time, no result."""
        if self._store is not None:
            self._store.remove(self._name)  # of other sources
            text = json.dumps(content)
            self._store.keep(
                self._name,
                lambda folder: (folder / _FOUND).write_text(text, encoding="utf-8"),
                _NOTES,
            )


def _follow(names: tuple[str, ...], sources: "_Sources") -> _Closure:
    waiting = [definition for name in names for definition in sources.entry(name)]
    code: dict[_Definition, tuple[str, ...]] = {}
    imported: set[str] = set()
    while waiting:
        module, name = waiting.pop()
        if (module, name) in code:
            continue
        source = sources.module(module)
        if source is None:
            continue
        if name:
            waiting.append((module, ""))  # what runs when the module is imported
        nodes = source.definitions.get(name, []) if name else source.always
        statements = [_statement(node, source.package) for node in nodes]
        code[module, name] = tuple(statement.code for statement in statements)
        for statement in statements:
            waiting += [(module, used) for used in statement.names if used in source.definitions]
            named = [target for used in statement.names for target in source.imports.get(used, [])]
            waiting += sources.imported([*named, *statement.imports])
            imported |= {package.partition(".")[0] for package, _ in (*named, *statement.imports)}
    digest = hashlib.sha256()
    for (module, name), statements_of in sorted(code.items()):
        digest.update(repr((module, name, statements_of)).encode())
    others = frozenset(imported - sys.stdlib_module_names)
    return _Closure(frozenset(code), digest.hexdigest(), others)


class _Statement(NamedTuple):
    """A statement without docstrings, and what it names."""

    code: str
    names: frozenset[str]
    imports: tuple[_Definition, ...]


class _Module(NamedTuple):
    package: str  # that it is in
    definitions: dict[str, list[ast.stmt]]  # name → the statements that define it
    imports: dict[str, list[_Definition]]  # name → what is imported under it
    always: list[ast.stmt]  # what runs at import and defines no name


class _Sources:
    """The sources of some packages: of each its folder, or its file where it is one module."""

    def __init__(self, folders: dict[str, Path]) -> None:
        self.folders = folders
        self.read: set[str] = set()  # modules

    def files(self) -> str:
        """Return the SHA-256 of the names of all files of the packages."""
        listed = [(name, _files_below(folder)) for name, folder in sorted(self.folders.items())]
        return hashlib.sha256(repr(listed).encode()).hexdigest()

    def sha256(self, module: str) -> str | None:
        """Return the SHA-256 of a module's file; None where there is none."""
        path = self._path(module)
        return None if path is None else _content_sha256(path)

    def hold(self, read: Mapping[str, str]) -> bool:
        """Return whether each module's file has a given SHA-256."""
        return all(self.sha256(module) == sha256 for module, sha256 in read.items())

    def module(self, name: str) -> _Module | None:
        path = self._path(name)
        if path is None:
            return None
        self.read.add(name)
        return _parsed(path, name)

    def entry(self, dotted: str) -> list[_Definition]:
        module, _, name = dotted.rpartition(".")
        definitions = list(self.imported([(module, name)]))
        if not definitions:
            raise ValueError(f"no definition of {dotted} in the sources")
        return definitions

    def imported(self, definitions: Iterable[_Definition]) -> Iterator[_Definition]:
        """Yield the definitions that an import brings; for a whole module all of its own."""
        for module, name in definitions:
            source = self.module(module)
            handed_on = [] if source is None else source.imports.get(name, [])
            if source is not None and name in source.definitions:
                yield module, name
            elif handed_on and (module, name) not in handed_on:
                yield from self.imported(handed_on)
            else:
                yield from self._whole(f"{module}.{name}" if name else module)

    def _whole(self, module: str) -> Iterator[_Definition]:
        source, path = self.module(module), self._path(module)
        if source is None or path is None:
            return
        yield module, ""
        yield from ((module, name) for name in source.definitions)
        if path.name == "__init__.py":  # a package's members may be listed and imported by name
            for member in sorted(path.parent.glob("[!_]*.py")):
                yield from self._whole(f"{module}.{member.stem}")

    def _path(self, name: str) -> Path | None:
        package, *parts = name.split(".")
        if package not in self.folders:
            return None
        return _source_file(self.folders[package].joinpath(*parts))


@cache
def _source_file(path: Path) -> Path | None:
    candidates = (path / "__init__.py", path.with_suffix(".py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


@cache
def _files_below(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.py")))


@cache
def _content(path: Path) -> bytes:
    return path.read_bytes()


@cache
def _content_sha256(path: Path) -> str:
    return hashlib.sha256(_content(path)).hexdigest()


@cache
def _parsed(path: Path, name: str) -> _Module:
    tree = ast.parse(_content(path))
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    module = _Module(package, {}, {}, [])
    for node in tree.body:
        bound = _bound(node)
        for local in bound:
            module.definitions.setdefault(local, []).append(node)
        if bound or _is_docstring(node):
            continue
        for local, definition in _imports(ast.walk(node), package):
            module.imports.setdefault(local, []).append(definition)
        for_types_alone = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        if not (isinstance(node, (ast.Import, ast.ImportFrom)) or for_types_alone):
            module.always.append(node)
    return module


class _WithoutDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        return None if _is_docstring(node) else node


def _is_docstring(node: ast.stmt) -> bool:
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _bound(node: ast.stmt) -> list[str]:
    """Return the names that a statement defines; none where it does more than that."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        for target in node.targets:
            targets += target.elts if isinstance(target, ast.Tuple) else [target]
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        targets = [node.target]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return names if len(names) == len(targets) else []


def _imports(nodes: Iterable[ast.AST], package: str) -> Iterator[tuple[str, _Definition]]:
    for inner in nodes:
        if isinstance(inner, ast.Import):
            for alias in inner.names:
                yield alias.asname or alias.name.partition(".")[0], (alias.name, "")
        elif isinstance(inner, ast.ImportFrom):
            parents = package.split(".")
            above = parents[: len(parents) - inner.level + 1] if inner.level else []
            module = ".".join([*above, *([inner.module] if inner.module else [])])
            for alias in inner.names:
                name = "" if alias.name == "*" else alias.name
                yield alias.asname or alias.name, (module, name)


@cache
def _statement(node: ast.stmt, package: str) -> _Statement:
    """Look into a statement: only into those that are named, since it takes most of the time."""
    node = _WithoutDocstrings().visit(node)
    nodes = list(ast.walk(node))
    names = {inner.id for inner in nodes if isinstance(inner, ast.Name)}
    for inner in nodes:
        for field in ("annotation", "returns"):
            written = getattr(inner, field, None)
            if written is not None:
                names |= _names_in_strings(written)
    imports = tuple(definition for _, definition in _imports(nodes, package))
    return _Statement(ast.dump(node), frozenset(names), imports)


def _names_in_strings(annotation: ast.expr) -> set[str]:
    names: set[str] = set()
    for inner in ast.walk(annotation):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
            try:
                written = ast.parse(inner.value, mode="eval")
            except SyntaxError:  # the text of a Literal
                continue
            names |= {name.id for name in ast.walk(written) if isinstance(name, ast.Name)}
    return names
