"""Texts that commands print, written as templates beside this module."""

import shlex
from pathlib import Path
from typing import Any


def fill_in(template: str, **facts: Any) -> str:
    """Fill in a template, such as `plan.txt`; the text ends without a line's end."""
    from jinja2 import Environment, FileSystemLoader  # a line with a mistake is answered without

    environment = Environment(  # noqa: S701 - plain text
        loader=FileSystemLoader(Path(__file__).parent), trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"round_even": round, "quote": shlex.quote}
    return environment.get_template(template).render(**facts).rstrip("\n")
