"""Where option files and sources stand.

Every script here imports this module before `skiagram`, and so runs the code of its own folder: a
queued experiment that of its copy, though another folder is installed.
"""

import os
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from io import TextIOWrapper
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ROOT / "src"
if SOURCES.is_dir():  # a project of one's own has none, and runs the installed package
    sys.path.insert(0, str(SOURCES))
    os.environ["PYTHONPATH"] = os.pathsep.join(  # for workers
        [str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])]
    )

for _stream in (sys.stdout, sys.stderr):  # in a locale without a letter it is escaped
    if isinstance(_stream, TextIOWrapper):
        _stream.reconfigure(errors="backslashreplace")

PARAMS = ROOT / "params.yaml"

with suppress(OSError, NotImplementedError):  # of this file itself, which nothing could mend
    Path(cache_from_source(__file__)).unlink()

import skiagram  # noqa: E402, F401 - now: it mends a `.pyc` of this folder that was cut short
