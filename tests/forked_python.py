"""Commands of a user's shell, forked from one process that has imported the libraries.

To import PyTorch, MLflow and Numba anew takes longer than most commands work. `binaries` is a
folder to stand first in PATH: its `python`, `dvc` and `skiagram` are run by a server. One has
imported libraries alone, so that each command imports the project's own code afresh, from where
its PYTHONPATH says; another, forked from it, has imported the code of this repository, too, for
projects whose code that is. What shall get a signal, hook imports or run `python -c` starts a
Python of its own.
"""

import gc
import json
import os
import runpy
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from atexit import register
from contextlib import closing, suppress
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

LIBRARIES = (
    *("numpy", "pandas", "pyarrow.parquet", "pyarrow.dataset", "pydantic.dataclasses", "pywt"),
    *("scipy.stats", "scipy.ndimage", "scipy.optimize", "matplotlib.backends.backend_svg"),
    *("sklearn.ensemble", "sklearn.pipeline", "sklearn.svm", "sklearn.linear_model", "skops.io"),
    *("numba", "hydra.main", "hydra._internal.hydra", "hydra._internal.utils", "omegaconf"),
    *("jinja2", "PIL.Image", "pydicom", "matplotlib.figure", "safetensors.torch"),
    *("torch", "torchvision", "pytorch_lightning", "joblib", "jsonschema"),
    *("mlflow", "mlflow.store.tracking.sqlalchemy_store"),
    *("dvc.cli", "dvc.commands.repro", "dvc.repo", "dvc.repo.reproduce", "dvc.stage"),
)
# Stands for `python`, `dvc` and `skiagram`: hands over its words, its folder and its three streams.
CLIENT = """#!{python} -IS
import os, sys
words = sys.argv[1:]
name = os.path.basename(sys.argv[0])
words = words if name.startswith("python") else ["-m", name, *words]
known = words[:1] == ["-m"] and words[1].split(".")[0] in ("dvc", "skiagram")
known = known or words[:1] != [] and (
    words[0].startswith("pipeline/") and words[0].endswith(".py"))
if not known:
    os.execv({python!r}, [{python!r}, *words])
import json, socket
server = socket.socket(socket.AF_UNIX)
server.connect(os.path.join(os.path.dirname(sys.argv[0]), "socket"))
asked = json.dumps([words, os.getcwd(), dict(os.environ)]).encode()
socket.send_fds(server, [len(asked).to_bytes(8, "big")], [0, 1, 2])
server.sendall(asked)
code = server.recv(1)
sys.exit(code[0] if code else 1)
"""


def binaries(own=False):
    """Return the folder of commands, whose server ends with this process.

    Args:
        own: Whether they run the code of this repository, imported already, in place of that which
            PYTHONPATH names.
    """
    return f"{_begin()}/{_KINDS[own]}"


_KINDS = ("libraries", "own")


@cache
def _begin():
    folder = Path(tempfile.mkdtemp(prefix="skiagram-forked-"))
    for kind in _KINDS:
        (folder / kind).mkdir()
        for name in ("python", "dvc", "skiagram"):
            command = folder / kind / name
            command.write_text(CLIENT.format(python=sys.executable))
            command.chmod(0o755)
    here = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": str(here), "OMP_NUM_THREADS": "1"}
    server = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import serve; serve({str(folder)!r})"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    register(_end, server, folder)
    for _ in _KINDS:
        assert server.stdout.readline() == b"ready\n"
    return str(folder)


def _end(server, folder):
    server.terminate()
    server.wait()
    shutil.rmtree(folder, ignore_errors=True)


def import_own():
    """Import the code of this repository that stages and commands are under way with."""
    for name in ("projects.stage", "compiled.compilation", "cli.main", "tracking.execution"):
        import_module(f"skiagram.{name}")
    for room in ("steps", "models.classical", "models.deep", "features", "report.sections"):
        for module in iter_modules(import_module(f"skiagram.{room}").__path__):
            import_module(f"skiagram.{room}.{module.name}")
    open_templates()


def open_templates():
    """Have templates compiled before a process is forked, and not in each that makes a page."""
    rendering = import_module("skiagram.report.rendering")
    for name in rendering._environment().list_templates(["j2"]):
        markup = name.endswith(".html.j2")
        environment = rendering._environment() if markup else rendering.open_plain_templates()
        environment.get_template(name)


def serve(folder):
    """Import the libraries, then fork for whoever asks."""
    for name in LIBRARIES:
        import_module(name)
    import_module("numba").njit(_same)(1)  # ready for the first compiled loop of each command
    databases = import_module("mlflow.store.db.utils")
    make, kept = databases._initialize_tables, Path(folder, "empty.db")
    databases._initialize_tables = partial(_begin_database, make, kept)
    own = os.fork()
    if own:
        # What it took, and what its commands took, counts as of the tests, too.
        def end(*_):
            os.kill(own, signal.SIGTERM)
            os.waitpid(own, 0)
            os._exit(0)

        signal.signal(signal.SIGTERM, end)
    else:
        import_own()
    gc.freeze()  # no command looks through what is imported
    _listen(f"{folder}/{_KINDS[not own]}")


def _begin_database(make, kept, engine):
    """Have MLflow begin a database as a copy of the first: its migrations take seconds.

    `tests/tracking` begins one as MLflow itself does.
    """
    database = engine.url.database
    if not kept.exists():
        make(engine)
        partial = kept.with_name(f"{os.getpid()}.db")
        _copy_database(database, partial)
        partial.replace(kept)
    elif Path(database).stat().st_size:  # one that a kill or an earlier version has left
        make(engine)
    else:
        _copy_database(kept, database)


def _copy_database(source, target):
    with closing(sqlite3.connect(source)) as first, closing(sqlite3.connect(target)) as second:
        first.backup(second)


def _listen(folder):
    parent = os.getppid()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/socket")
        listening.listen(16)
        listening.settimeout(5)
        os.write(1, b"ready\n")
        while True:
            with suppress(ChildProcessError):  # so that what commands took counts as of the tests
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            try:
                asked, _ = listening.accept()
            except TimeoutError:
                if os.getppid() != parent:  # whoever began it was killed
                    shutil.rmtree(folder, ignore_errors=True)
                    os._exit(0)
                continue
            if not os.fork():
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                listening.close()
                _keep(asked, folder)
            asked.close()


def _same(value):
    return value


def _keep(asked, folder):
    """Run one command in a process of its own, and say how it ended."""
    asked.settimeout(None)
    length, streams, *_ = socket.recv_fds(asked, 8, 3)
    with asked.makefile("rb") as file:
        words, cwd, environment = json.loads(file.read(int.from_bytes(length, "big")))
    process = os.fork()
    if not process:
        asked.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        _become(words, cwd, environment, folder)
    for stream in streams:
        os.close(stream)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    asked.sendall(bytes([code if code >= 0 else 128 - code]))
    os._exit(0)


def _become(words, cwd, environment, folder):
    """End this process as Python would that was started with these words."""

    def run():
        sys.stdin, sys.stdout, sys.stderr = (open(n, "r" if not n else "w") for n in range(3))  # noqa: PTH123, SIM115
        sys.stderr.reconfigure(line_buffering=True)
        start_afresh(cwd, environment)
        sys.executable = f"{folder}/python"  # for the commands that this one starts
        here = str(Path(__file__).parents[1])
        own = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
        sys.path[:] = [*own, *(path for path in sys.path if path not in {"", here})]
        sys.modules.pop(__name__, None)
        if words[0] == "-m":
            sys.argv = words[1:]
            sys.path.insert(0, cwd)
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = words
            sys.path.insert(0, str(Path(cwd) / Path(words[0]).parent))
            runpy.run_path(words[0], run_name="__main__")

    end_with(run, _finish)


def start_afresh(folder, environment):
    """Let this process be as one that a shell has started in a folder."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    tempfile.tempdir = None  # where TMPDIR says now, and not when this was first asked
    os.chdir(folder)
    warnings.resetwarnings()  # those of libraries and of pytest; then as Python starts
    for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", kind)


def end_with(call, finish=None):
    """Call a function, then perhaps another, and end this process with the exit code of Python."""
    code = 1
    try:
        call()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            if finish:
                finish()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _finish():
    """Let threads and what is registered end as at the end of Python."""
    import atexit
    import threading

    threading._shutdown()
    atexit._run_exitfuncs()
