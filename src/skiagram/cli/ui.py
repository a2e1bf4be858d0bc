"""`skiagram ui`: every recorded run in the browser."""

import argparse
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import webbrowser
from contextlib import closing, suppress
from pathlib import Path

from skiagram.compute.checkout import home
from skiagram.errors import refusal
from skiagram.projects.files import require_project_here
from skiagram.tracking.mlflow_store import ADDRESS, shown_uri

_EXPERIMENT = "SELECT experiment_id FROM experiments WHERE name = 'skiagram'"
_LAST_PORT = 65535
_OFF = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # a second server, for MLflow's assistant


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted."""
    # Runs that another tracker keeps are shown there.
    port: int = arguments.port
    database = home(Path()) / "mlflow.db"
    if (address := os.environ.get(ADDRESS)) and not database.exists():
        print(f"The runs are in {shown_uri(address)}, as {ADDRESS} says.", file=sys.stderr)
        return 1
    if not database.exists():  # the server would make one, which is empty
        require_project_here()
    # The server, on a port that nobody else uses.
    _require_free(port)
    command = [sys.executable, "-m", "mlflow", "ui", "--workers", "1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{database}"]
    # The page opens with the runs of the project's experiment, where there is one.
    page = f"http://127.0.0.1:{port}/"
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as file,
    ):
        for (number,) in file.execute(_EXPERIMENT):
            page += f"#/experiments/{number}/runs"
    with suppress(KeyboardInterrupt), subprocess.Popen(command, env=_OFF | os.environ) as server:  # noqa: S603
        # what ends this command, such as a closed session, ends the server too
        signal.signal(signal.SIGTERM, lambda _number, _frame: server.terminate())
        while server.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break  # it answers
            time.sleep(0.2)
        if server.poll() is None:
            print(f"The runs: {page}", flush=True)
            webbrowser.open(page)
        return server.wait()
    return 0


def _require_free(port: int) -> None:
    """Refuse a port where another program answers, whose page would be shown."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        other = port % _LAST_PORT + 1
        raise refusal("cli.another_server", port=port, other=other)
