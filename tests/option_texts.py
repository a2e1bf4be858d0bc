"""Option files to be refused, each with the line (from 1) that the message names; 0: none."""

_LAUGHS = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)

REFUSED: dict[str, tuple[bytes, int]] = {
    "an open bracket": (b"title: films\nclasses: [a, b\n", 3),
    "a colon too much": (b"title: films: chest\n", 1),
    "a tab": (b"training:\n\tepochs: 3\n", 2),
    "an option twice": (b"seed: 1\nfolds: 2\nseed: 3\n", 3),
    "a nested option twice": (b"training:\n  epochs: 1\n  epochs: 2\n", 3),
    "billion laughs": (_LAUGHS.encode(), 5),
    "a recursive alias": (b"folds: 2\na: &a [1, *a]\n", 2),
    "an unknown alias": (b"a: *b\n", 1),
    "a Python tag": (b"folds: !!python/object/apply:os.system ['touch hacked']\n", 1),
    "Latin-1": ("# B\u00fccher\n".encode() + "title: M\u00fcnchen\n".encode("latin-1"), 2),
    "UTF-16": ("title: films\n".encode("utf-16"), 1),
    "a NUL": (b"title: films\nfolds: \0\n", 2),
    "deep brackets": (b"a: " + b"[" * 5000, 1),
    "two documents": (b"folds: 2\n---\nfolds: 3\n", 2),
    "a list": (b"- 1\n- 2\n", 0),
    "plain text": (b"hello\n", 0),
    "a list as name": (b"? [1, 2]\n: 3\n", 1),
    "very long": (b"a: " + b"b" * 2**18, 0),
    "a number of 5,000 digits": (b"folds: " + b"9" * 5000, 0),
}
