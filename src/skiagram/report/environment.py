"""The templates of all pages: one look, one set of number formats."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from skiagram.report.drawing import PALETTE, Drawing
from skiagram.report.numbers import count, decimal, difference, p_value, percent, with_interval


def render_template(name: str, **values: object) -> str:
    """Return a page; equal values give equal text.

    Args:
        name: File of the template.
        **values: What the template names, besides the style.
    """
    environment = Environment(
        loader=PackageLoader("skiagram.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "count": count,
        "decimal": decimal,
        "estimate": with_interval,
        "difference": difference,
        "p_value": p_value,
        "probability": percent,
        "svg": _svg,
    }
    style = Markup(environment.get_template("style.css").render(palette=PALETTE))  # noqa: S704
    return environment.get_template(name).render(palette=PALETTE, style=style, **values)


def _svg(drawing: Drawing) -> Markup:
    return Markup(drawing.inline())  # noqa: S704 - matplotlib and `inline` escape all text
