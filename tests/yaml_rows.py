"""Families of tests as rows of the YAML file beside their module."""

from itertools import product
from pathlib import Path

import yaml


def read_rows(module, family, kind=dict):
    """Return title → row of a family, each of a kind that takes the row's fields by name.

    A row with `each` stands for several: `each` has names and the values that they take, `a,b` for
    values that belong together, and `<a>` in the title and in the row stands for one of them.
    """
    text = Path(module).with_suffix(".yaml").read_text("utf-8")
    rows = {}
    for title, row in yaml.safe_load(text)[family].items():
        each = row.pop("each", {})
        for chosen in product(*each.values()):
            texts = {"title": title, **row}
            for names, value in zip(each, chosen, strict=True):
                values = value if "," in names else [value]
                for name, word in zip(names.split(","), values, strict=True):
                    texts = {key: text.replace(f"<{name}>", word) for key, text in texts.items()}
            name = texts.pop("title")
            rows[name] = kind(**texts)
    return rows
