"""What is kept of a finished project, as text that git shows line by line.

Figures stand as they are, and of a store what tells it apart: a SHA-256 of each column of names,
whole numbers or pixels, and mean and deviation of each column of decimals. Only files that the
program documents as its results are read, by Arrow alone: a rewrite may change all in between.
"""

import csv
import hashlib
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FIGURES = ("reports/plots/figures.csv", "reports/scores.csv", "reports/metrics.json")
STORES = (
    *("data/images", "data/cases", "data/restored", "data/features.parquet"),
    *("data/candidates", "scores"),
)
DIGITS = 12


def collect(project):
    """Return name of a kept file → its text, for each result of a finished project."""
    kept = {}
    figures = [project / name for name in FIGURES]
    figures += sorted((project / "reports/validations").glob("*/*.csv"))
    figures += sorted((project / "after").glob("*.csv"))
    for path in figures:
        if path.exists():
            name = path.relative_to(project).as_posix().replace("/", "_")
            kept[name] = rounded(path.read_text(encoding="utf-8"), path.suffix)
    rows = [row for name in STORES for row in _describe_store(project, project / name)]
    header = ("file", "column", "type", "rows", "sha256", "mean", "deviation")
    kept["stores.csv"] = _as_csv([header, *rows])
    return kept


def rounded(text, suffix):
    """Return a table or a JSON document whose decimals have twelve significant digits."""
    if suffix == ".json":
        values = json.loads(text, parse_float=_round_number)
        return json.dumps(values, indent=1, sort_keys=True) + "\n"
    return _as_csv([[_round_cell(cell) for cell in row] for row in csv.reader(io.StringIO(text))])


def _round_number(text):
    return float(f"{float(text):.{DIGITS}g}")


def _round_cell(cell):
    try:
        number = float(cell)
    except ValueError:
        return cell
    return cell if cell.lstrip("-").isdigit() else f"{number:.{DIGITS}g}"


def _as_csv(rows):
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _describe_store(project, place):
    files = sorted(place.rglob("*")) if place.is_dir() else [place]
    for path in files:
        if path.suffix in (".arrow", ".parquet"):
            yield from _describe(project, path)


def _describe(project, path):
    """Return a row for each column of a table on disk."""
    if path.suffix == ".arrow":
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
    else:
        table = pq.read_table(path)
    name = path.relative_to(project).as_posix()
    for column in table.column_names:
        values = table[column]
        first = (name, column, str(values.type), len(values))
        if pa.types.is_floating(values.type):
            numbers = values.to_numpy().astype(np.float64)
            numbers = numbers[np.isfinite(numbers)]
            mean, deviation = (numbers.mean(), numbers.std()) if numbers.size else (0.0, 0.0)
            yield (*first, "", f"{mean:.{DIGITS}g}", f"{deviation:.{DIGITS}g}")
        else:
            digest = hashlib.sha256(repr(values.to_pylist()).encode()).hexdigest()
            yield (*first, digest, "", "")


def compare(before, after, tolerance):
    """Return a sentence for each result that moved, is new or is gone.

    Args:
        tolerance: Share of its size by which a decimal may differ.
    """
    found = [f"{name} is gone" for name in sorted(before.keys() - after.keys())]
    found += [f"{name} is new" for name in sorted(after.keys() - before.keys())]
    for name in sorted(before.keys() & after.keys()):
        found += differences(name, before[name], after[name], tolerance)
    return found


def differences(name, before, after, tolerance, most=20):
    """Return a sentence for each line that moved, for no more than `most` of them."""
    old, new = before.splitlines(), after.splitlines()
    found = [f"{name}: {len(old)} lines before, {len(new)} now"] if len(old) != len(new) else []
    header = next(csv.reader(old[:1]), [])
    for number, (line, line_now) in enumerate(zip(old, new, strict=False), start=1):
        cells, cells_now = next(csv.reader([line]), []), next(csv.reader([line_now]), [])
        if len(cells) != len(cells_now):
            found.append(f"{name}, line {number}: `{line}` → `{line_now}`")
            continue
        moved = [at for at, cell in enumerate(cells) if not _equal(cell, cells_now[at], tolerance)]
        if moved:
            titles = [
                header[at] if at < len(header) else f"column {at}" for at in range(len(cells))
            ]
            whose = " ".join(cell for at, cell in enumerate(cells[:5]) if cell and at not in moved)
            values = ", ".join(f"{titles[at]} {cells[at]} → {cells_now[at]}" for at in moved)
            found.append(f"{name}, line {number} ({whose}): {values}")
    rest = len(found) - most
    return found[:most] + ([f"{name}: {rest} lines more"] if rest > 0 else [])


def _equal(before, after, tolerance):
    """Return whether two cells, or lines of a JSON document, are equal as text or numbers."""
    if before == after:
        return True
    name, _, number = before.rstrip(",").rpartition(": ")
    name_now, _, number_now = after.rstrip(",").rpartition(": ")
    try:
        difference = abs(float(number) - float(number_now))
        size = max(abs(float(number)), abs(float(number_now)))
    except ValueError:
        return False
    return name == name_now and difference <= tolerance * (size + 0.01)
