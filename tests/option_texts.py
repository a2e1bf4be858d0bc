"""Configs to be refused, each with the line (from 1) that the message names; 0: none."""

REFUSED = {
    "an open bracket": (b"title: films\nclasses: [a, b\n", 3),
    "a tab": (b"training:\n\tepochs: 3\n", 2),
    "a nested option twice": (b"training:\n  epochs: 1\n  epochs: 2\n", 3),
    "a Python tag": (b"folds: !!python/object/apply:os.system ['touch hacked']\n", 1),
    "Latin-1": ("title: M\u00fcnchen\n".encode("latin-1"), 0),
    "a NUL": (b"title: films\nfolds: \0\n", 0),
    "two documents": (b"folds: 2\n---\nfolds: 3\n", 2),
    "a list": (b"- 1\n- 2\n", 0),
    "bytes": (b"folds: !!binary aGVsbG8=\n", 0),
    "a set": (b"folds: !!set {a, b}\n", 0),
    "a day": (b"folds: !!timestamp 2024-05-01\n", 0),
    "a list of itself": (b"folds: &a [*a]\n", 0),
    "a mapping of itself": (b"folds: &a {again: *a}\n", 0),
    "a list as name": (b"? [1, 2]\n: 3\n", 1),
    "lists in lists that would end the process": (b"folds: " + 100_000 * b"[", 0),
}
