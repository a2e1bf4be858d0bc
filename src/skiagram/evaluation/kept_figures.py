"""Figures that an earlier evaluation has found, by all that they depend on.

They are some of those of `reports/evaluation.json`: no label and no score of a case is among them.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import joblib
from pydantic import TypeAdapter

from skiagram.compute.code_digest import name_piece
from skiagram.compute.pieces import PieceStore
from skiagram.evaluation.evaluation_set import EvaluationSet

T = TypeVar("T")
_FIGURES = "figures.json"
_PIECES = 1000  # records that are kept: those of some dozens of runs


def measure_once(
    work: Path | None,
    kind: type[T],
    measure: Callable[..., T],
    setting: EvaluationSet,
    inputs: Sequence[object],
    find: Callable[[list[int]], Iterable[T]],
) -> list[T]:
    """Return a record for each of some inputs; those that are kept are read, the others found.

    Args:
        work: Folder of the store of pieces; None keeps nothing.
        kind: The dataclass of a record.
        measure: What makes a record; its code counts, with all that it calls.
        setting: Of all records; hashed once.
        inputs: What else each record depends on besides the code, to be hashed by joblib.
        find: Makes the records of some inputs, which it is given by their numbers.
    """
    numbers = list(range(len(inputs)))
    if work is None:
        return list(find(numbers))
    store = PieceStore(work)
    measured = measure.__name__.strip("_")
    same = joblib.hash(_describe_setting(setting))
    hashes = [joblib.hash((value, same)) for value in inputs]
    pieces = [
        name_piece("figures", {"measured": measured, "inputs": value}, measure) for value in hashes
    ]
    kept = [_read(kind, store, piece) for piece in pieces]
    records = {number: record for number, record in enumerate(kept) if record is not None}
    missing = [number for number in numbers if number not in records]
    for number, record in zip(missing, find(missing), strict=True):
        records[number] = record
        with suppress(ValueError):  # a NaN: it is measured again
            _keep(store, pieces[number], record)
    return [records[number] for number in numbers]


def _describe_setting(setting: EvaluationSet) -> dict[str, Any]:
    """Return all that figures on these cases depend on; draws follow from it."""
    parts = {part.name: getattr(setting, part.name) for part in fields(setting)}
    return {**parts, "draws": len(setting.draws.counts)}


def _keep(store: PieceStore, piece: str, record: Any) -> None:
    text = json.dumps(asdict(record), allow_nan=False)  # in its own order: the page follows it
    store.keep(
        piece, lambda folder: (folder / _FIGURES).write_text(text, encoding="utf-8"), _PIECES
    )


def _read(kind: type[T], store: PieceStore, piece: str) -> T | None:
    """Return a record; None where it is absent, or damaged and therefore removed."""
    folder = store.find(piece)
    if folder is None:
        return None
    with suppress(OSError, ValueError):
        return TypeAdapter(kind).validate_json((folder / _FIGURES).read_bytes(), strict=True)
    store.remove(piece)
    return None
