"""`skiagram pieces`: what a project's store of finished work holds, and how it is emptied."""

import argparse
from pathlib import Path

from skiagram.compute.pieces import PieceStore
from skiagram.errors import refusal

ALL = "all"


def run(arguments: argparse.Namespace) -> int:
    """List the pieces, without those that are to be thrown away; return 0."""
    # The kind must be one that is there.
    store, kind = PieceStore.of_project(Path()), arguments.empty
    kinds = [held.kind for held in store.held()]
    if kind is not None and kind not in (ALL, *kinds):
        raise refusal("cli.no_pieces", name=kind, kinds=[*kinds, ALL])
    if kind is not None:
        store.empty(None if kind == ALL else kind)
    # What is left, kind by kind.
    held = store.held()
    if not held:
        print(f"{store.folder} holds no finished work.")
        return 0
    print(f"{'kind':<20}{'pieces':>8}{'MB':>12}")
    for kind, pieces, size in held:
        print(f"{kind:<20}{pieces:>8}{size / 1e6:>12.1f}")
    return 0
