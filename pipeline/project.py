"""Where this project stands.

Every script here imports this file before `skiagram`, and so runs the code of its own folder: a
queued experiment that of its copy, though another folder is installed.
"""

import os
import signal
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Ctrl-C while a script imports ends it at once: once all is imported, the script says what is left.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, lambda *_: (os.write(2, b"Stopped.\n"), os._exit(130)))
SOURCES = ROOT / "src"
if (SOURCES / "skiagram").is_dir():  # a project of one's own runs the installed package
    sys.path.insert(0, str(SOURCES))
    paths = [str(SOURCES), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)  # for workers

# As `make` has it: what a shell forbids to keep, each stage and worker would compile anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

with suppress(OSError, NotImplementedError):  # if this file's own `.pyc` is cut, nothing mends it
    Path(cache_from_source(__file__)).unlink()

import skiagram.errors  # noqa: E402, F401 - the package mends a `.pyc` that was cut short
