"""Changes the source at random, a line at a time, and counts what quick tests notice.

    python -m benchmarks.mutations LIST.json --rooms models features [--number 50] [--seed 0]

The tests are those that run the changed line, by LIST.coverage, which is made in minutes where it
is not there; of a line that none is seen to run, as in compiled code, those that import the module
or are of its room. They run in a temporary copy: the tree stays as it is. LIST.json keeps each
change by file, line and kind, and what became of it. A list without results tries the same changes
again; one with results goes on where it was broken off.
"""

import argparse
import ast
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from coverage import CoverageData

from skiagram.statistics.proportions import proportion

_ROOT = Path(__file__).resolve().parents[1]
_PACKAGE = Path("src/skiagram")
_LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".work", ".*_cache")
_LONGEST = 400  # seconds that the tests of a change may take
_MOST = 200  # tests of a line that are named one by one
_OTHER = {"Lt": "GtE", "Gt": "LtE", "Eq": "NotEq", "In": "NotIn", "Is": "IsNot", "BitOr": "BitAnd"}
_OTHER |= {new: old for old, new in _OTHER.items()} | {"Pow": "Mult", "FloorDiv": "Mult"}
_OTHER |= {"Add": "Sub", "Sub": "Add", "Mult": "Div", "Div": "Mult"}


@dataclass(frozen=True)
class Change:
    """A change of one line: what stands there, what instead, and whether a test noticed."""

    file: str
    line: str
    kind: str
    was: str
    becomes: str
    result: str = ""


def changed(node: ast.AST) -> tuple[str, ast.AST, ast.AST] | None:
    """Return the kind of change that suits a node, its place and what comes there."""
    new = deepcopy(node)
    match new:
        case ast.Compare(ops=[operator]):
            new.ops = [getattr(ast, _OTHER[type(operator).__name__])()]
            return "comparison", node, new
        case ast.BinOp(op=operator) if type(operator).__name__ in _OTHER:
            new.op = getattr(ast, _OTHER[type(operator).__name__])()
            return "arithmetic", node, new
        case ast.Constant(value=bool() as value):
            return "constant", node, ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            return "constant", node, ast.Constant(value + 1)
        case ast.Constant(value=str() as value) if value.isidentifier():
            return "constant", node, ast.Constant(value + "_")
        case ast.If(test=test) | ast.IfExp(test=test):
            return "denied", node.test, ast.UnaryOp(ast.Not(), test)  # type: ignore[attr-defined]
        case ast.AugAssign() | ast.Expr() | ast.Raise():
            return "dropped", node, ast.Pass()
        case ast.Dict() if len(new.values) > 1:
            return "entry", node, ast.Dict(new.keys[:-1], new.values[:-1])
        case ast.List(ctx=ast.Load()) | ast.Set() if len(new.elts) > 1:
            new.elts = new.elts[:-1]
            return "entry", node, new
    return None


def changes(file: str, text: str) -> dict[tuple[str, str], tuple[Change, int]]:
    """Return the changes of a module by line and kind, the first of a kind, and where each is."""
    lines, silent = text.splitlines(keepends=True), set[ast.AST]()
    found: dict[tuple[str, str], tuple[Change, int]] = {}
    for node in ast.walk(ast.parse(text)):
        # No test notices annotations and docstrings; parts of f-strings have no place of their own.
        parts = [getattr(node, field, None) for field in ("annotation", "returns")]
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        parts += [node] if docstring or isinstance(node, ast.JoinedStr) else []
        silent.update(*(ast.walk(part) for part in parts if isinstance(part, ast.AST)))
        change = None if node in silent else changed(node)
        if change is not None:
            kind, place, new = change
            row, column = place.lineno - 1, place.col_offset  # type: ignore[attr-defined]
            start = sum(map(len, lines[:row])) + len(lines[row].encode()[:column].decode())
            was, becomes = ast.get_source_segment(text, place) or "", ast.unparse(new)
            made = Change(file, lines[row].strip(), kind, was, becomes)
            found.setdefault((made.line, kind), (made, start))
    return found


def draw(rooms: list[str], number: int, seed: int) -> list[Change]:
    """Draw lines of some rooms, folders or files of the package, and one change of each."""
    by_line: dict[tuple[str, str], list[Change]] = {}
    for path in sorted((_ROOT / _PACKAGE).rglob("*.py")):
        file = path.relative_to(_ROOT)
        if file.parts[2].removesuffix(".py") in rooms:
            for each, _ in changes(str(file), path.read_text(encoding="utf-8")).values():
                by_line.setdefault((each.file, each.line), []).append(each)
    chance = random.Random(seed)
    return [chance.choice(by_line[line]) for line in chance.sample(sorted(by_line), number)]


def run_tests(
    copy: Path, tests: list[str], longest: int | None = _LONGEST, **environment: str
) -> tuple[int, str]:
    """Run quick tests in the copy; return pytest's exit code and what it says."""
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not slow")
    seen = os.environ | {"PYTHONPATH": f"{copy / 'src'}:{copy}", "OMP_NUM_THREADS": "1"}
    line, seen = (sys.executable, *words, *tests), seen | environment
    try:
        done = subprocess.run(line, cwd=copy, env=seen, capture_output=True, timeout=longest)
    except subprocess.TimeoutExpired:
        return -1, ""
    return done.returncode, done.stdout.decode()


def cover(copy: Path, place: Path) -> CoverageData:
    """Return which quick tests run which lines, from a file that is made where it is not there."""
    if not place.exists():
        options = ["--cov=skiagram", "--cov-context=test", "--cov-report="]
        run_tests(copy, options, None, COVERAGE_FILE=str(place.resolve()))
    data = CoverageData(str(place))
    data.read()
    return data


def tests_of_line(seen: CoverageData, file: str, number: int) -> list[str]:
    """Return the tests that run a line, or the files of these where they are many."""
    measured = next((each for each in seen.measured_files() if each.endswith(f"/{file}")), None)
    contexts = seen.contexts_by_lineno(measured).get(number, []) if measured else []
    tests = sorted({context.rpartition("|")[0] for context in contexts if context})
    return tests if len(tests) <= _MOST else sorted({test.partition("::")[0] for test in tests})


def try_change(change: Change, copy: Path, failing: set[str], seen: CoverageData) -> str:
    """Make a change in the copy, run its tests, take it back and return whether a test noticed."""
    path = copy / change.file
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    made, at = changes(change.file, text).get((change.line, change.kind), (None, 0))
    if made is None:
        return "gone"
    parts = Path(change.file).relative_to("src").with_suffix("").parts
    module, room = ".".join(parts).removesuffix(".__init__"), copy / "tests" / parts[1]
    tests = tests_of_line(seen, change.file, text.count("\n", 0, at) + 1)
    if not tests:
        files = sorted((copy / "tests").rglob("test_*.py"))
        tests = [str(path) for path in files if module in path.read_text(encoding="utf-8")]
        tests += [str(room)] if room.is_dir() else []
    while True:
        path.write_text(text[:at] + made.becomes + text[at + len(made.was) :], encoding="utf-8")
        code, said = run_tests(copy, ["-x", *tests, *(f"--deselect={name}" for name in failing)])
        path.write_text(text, encoding="utf-8")
        if code == 2 and run_tests(copy, ["--collect-only", *tests])[0] == 2:
            sys.exit(f"Tests of {module} cannot be imported even without the change.")
        # A test that fails without the change, too (it needs git, say), notices nothing.
        # What a test is called by may hold blanks.
        named = r"^(?:FAILED|ERROR) (\S+::\w+(?:\[.*?\])?)(?: - .*)?$"
        failed = re.findall(named, said, flags=re.MULTILINE)
        if code != 1 or not failed or run_tests(copy, ["-x", *failed])[0] == 0:
            return {0: "missed", 5: "missed", -1: "too long"}.get(code, "noticed")
        failing.update(failed)


def main() -> None:
    """Try each change of the list that has no result yet, and print the share that is noticed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("list", type=Path)
    parser.add_argument("--rooms", nargs="+", default=[])
    parser.add_argument("--number", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given, failing = parser.parse_args(), set[str]()
    if given.list.exists():
        tried = [Change(**each) for each in json.loads(given.list.read_text(encoding="utf-8"))]
    else:
        tried = draw(given.rooms, given.number, given.seed)
    with TemporaryDirectory() as folder:
        copy = shutil.copytree(_ROOT, Path(folder).resolve() / "copy", ignore=_LEFT_OUT)
        seen = cover(copy, given.list.with_suffix(".coverage"))
        for number, change in enumerate(tried):
            if not change.result:
                tried[number] = replace(change, result=try_change(change, copy, failing, seen))
                written = json.dumps([asdict(each) for each in tried], indent=1)
                given.list.write_text(written, encoding="utf-8")
                print(tried[number].result, change.file, change.kind, change.line, flush=True)
    # Lines of one file resemble each other: the interval is by file.
    judged = [each for each in tried if each.result in ("noticed", "missed")]
    files = np.unique([each.file for each in judged], return_inverse=True)[1].astype(np.int64)
    noticed = np.array([each.result == "noticed" for each in judged], float)
    print(Counter(each.result for each in tried), proportion(noticed, files))


if __name__ == "__main__":
    main()
