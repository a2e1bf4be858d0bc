"""Servers on this machine: a port that is free, and the wait for an answer."""

import socket
import time
import urllib.request

import pytest


def find_free_port():
    """Return a port of this machine at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def await_answer(process, answers, patience=300):
    """Wait until a server answers, for some seconds, since the machine may be busy.

    Args:
        answers: An address, or a function that says whether the server answers.
    """
    end = time.monotonic() + patience
    while not (_is_served(answers) if isinstance(answers, str) else answers()):
        assert process.poll() is None, "the server ended"
        if time.monotonic() > end:
            pytest.fail("no server answers")
        time.sleep(0.5)


def _is_served(address):
    try:
        with urllib.request.urlopen(address, timeout=2) as page:
            return page.status == 200
    except OSError:
        return False
