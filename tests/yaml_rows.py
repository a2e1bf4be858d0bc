"""Families of tests as rows of the YAML file beside their module."""

import json
from itertools import product
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter


def read_yaml(module, name=""):
    """Return what a YAML file beside a test holds: the one of the test's name, or another."""
    return load_yaml(Path(module).with_name(name) if name else Path(module).with_suffix(".yaml"))


def load_yaml(path):
    """Return what a YAML file holds, by the parser in C: it takes a tenth of the time."""
    return yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)


def of_rows(module, family="", name=""):
    """Return the mark that runs a test for each row of a list; the row's fields are its arguments.

    A field that a row lacks is None. The list is a whole file, or a family of it.
    """
    values = read_yaml(module, name)
    rows = values[family] if family else values
    fields = list(dict.fromkeys(field for row in rows for field in row))
    arguments = [[row.get(field) for field in fields] for row in rows]
    return pytest.mark.parametrize(fields, arguments, ids=[f"row{at}" for at in range(len(rows))])


def as_record(kind, values):
    """Return the record, of nested dataclasses, whose fields are the values."""
    return TypeAdapter(kind).validate_json(json.dumps(values), strict=True)


def read_rows(module, family, kind=dict):
    """Return title → row of a family, each of a kind that takes the row's fields by name.

    A row with `each` stands for several: `each` has names and the values that they take, `a,b` for
    values that belong together, and `<a>` in the title and in the row stands for one of them.
    """
    rows = {}
    for title, row in read_yaml(module)[family].items():
        each = row.pop("each", {})
        for texts in expand({"title": title, **row}, each):
            name = texts.pop("title")
            rows[name] = kind(**texts)
    return rows


def expand(row, each):
    """Yield a row for each choice of the values that names take; see `read_rows`."""
    for chosen in product(*each.values()):
        texts = dict(row)
        for names, value in zip(each, chosen, strict=True):
            values = value if "," in names else [value]
            for name, word in zip(names.split(","), values, strict=True):
                texts = {key: text.replace(f"<{name}>", str(word)) for key, text in texts.items()}
        yield texts
