"""Where option files stand, and which of them params.yaml chooses.

Every script here imports this module before `skiagram`, and so runs the code of its own folder: a
queued experiment that of its copy, though another folder is installed.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src"
if SOURCES.is_dir():  # a project of one's own has none, and runs the installed package
    sys.path.insert(0, str(SOURCES))
    os.environ["PYTHONPATH"] = os.pathsep.join(  # for workers
        [str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])]
    )

from skiagram.options import FROM_PARAMS, read_option_file, split_names  # noqa: E402

PARAMS = ROOT / "params.yaml"


def chosen_names(names: str | list[str]) -> list[str]:
    """Return the option files that an entry of a defaults list asks for.

    Args:
        names: As written there; `${params:NAME}` stands for the names that params.yaml gives, as
            a list or separated by commas, of which Hydra by itself would see a single one.
    """
    written = [names] if isinstance(names, str) else names
    reference = FROM_PARAMS.fullmatch(written[0]) if len(written) == 1 else None
    if not reference:
        return written
    return split_names(read_option_file(PARAMS, PARAMS.name)[reference[1]])
