"""The templates of all pages: one look, one set of number formats."""

import re
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from skiagram.errors import escape_controls
from skiagram.evaluation.criteria import find_side, is_told_apart
from skiagram.options import flatten_options
from skiagram.report.drawing import PALETTE
from skiagram.report.formatting import format_count, format_percent, warn_at_chance
from skiagram.statistics.estimate import (
    format_decimal,
    format_difference,
    format_estimate,
    format_p_value,
)


def render_template(name: str, **values: object) -> str:
    """Return a page; equal values give equal text."""
    return _environment().get_template(name).render(**values)


@cache
def open_plain_templates() -> Environment:
    """Return the templates of texts without markup, which format numbers as the pages do."""
    return _environment().overlay(autoescape=False, finalize=None)


@cache
def _environment() -> Environment:
    # A name that a template misspells is an error; all text is escaped.
    environment = Environment(
        loader=PackageLoader("skiagram.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=inert_value,
    )
    # How numbers and drawings are written.
    environment.filters |= {
        "count": format_count,
        "flat": flatten_options,
        "names": lambda names: names if isinstance(names, str) else ", ".join(names or "–"),
        "decimal": format_decimal,
        "estimate": format_estimate,
        "difference": format_difference,
        "p_value": format_p_value,
        "side": find_side,
        "told_apart": is_told_apart,
        "probability": format_percent,
        "svg": lambda drawing: Markup(drawing.inline()),  # noqa: S704 - all text in it is escaped
        "spoken": lambda text: str(text).replace("`", ""),
    }
    # The style and the macros are known to every template.
    style = environment.get_template("style.css").render(palette=PALETTE)
    environment.globals["style"] = Markup(style)  # noqa: S704 - our own file
    environment.globals["warn_at_chance"] = warn_at_chance
    macros = environment.get_template("macros.html.j2").module
    for macro in ("table", "drawing", "words", "method", "list_frozen"):
        environment.globals[macro] = getattr(macros, macro)
    return environment


def inert_value(value: Any) -> Any:
    """Return what a template shows, in which no browser obeys a mark such as a turn of writing.

    Names in backticks, as a terminal shows them, are marked as code; an attribute takes the filter
    `spoken`, which leaves the backticks out.
    """
    if isinstance(value, Markup):
        return Markup(escape_controls(value))  # noqa: S704 - was safe, and became plainer
    if not isinstance(value, str):
        return value
    text = str(escape(escape_controls(value)))
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", text))  # noqa: S704 - escaped
