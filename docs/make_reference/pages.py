"""All pages that are made from the code."""

from pathlib import Path

from make_reference.command_line_page import command_line_page
from make_reference.features_page import features_page
from make_reference.metrics_page import metrics_page
from make_reference.options_page import options_page
from make_reference.schemas import schemas

PROJECT = Path(__file__).parents[2]
_NOTICE = "<!-- Made by `make reference` from the code; changes belong there. -->\n\n"


def pages(project: Path) -> dict[str, str]:
    """Return file name → text of every page.

    Args:
        project: Folder of `conf/` and `params.yaml`.
    """
    made = {
        "command-line.md": command_line_page(project),
        "features.md": features_page(project),
        "metrics.md": metrics_page(),
        "options.md": options_page(project),
    }
    return {name: _NOTICE + text for name, text in made.items()} | schemas()
