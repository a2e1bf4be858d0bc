"""Thousands of images with three bad ones: memory stays flat, and a kill leaves no table."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.deploy.trained import read_rows

pytestmark = pytest.mark.slow
IMAGES = 1_000
BAD = {434: b"", 700: b"no image", 999: b"\x89PNG\r\n\x1a\nbroken"}
RUN_AND_MEASURE = """
import resource, sys
from skiagram.cli.main import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def films(baseline, tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    for number in range(IMAGES):
        film = baseline.films[number % len(baseline.films)]
        (folder / f"{number:05d}.png").write_bytes(BAD.get(number, film.read_bytes()))
    return folder


def start(model, place, table):
    words = ["predict", str(model), place, "-o", str(table), "--workers", "2"]
    return subprocess.Popen(
        [sys.executable, "-c", RUN_AND_MEASURE, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def test_memory_is_flat_and_a_killed_run_begins_anew(baseline, films, tmp_path):
    model = baseline.model
    few = start(model, f"{films}/000*.png", tmp_path / "few.csv")
    megabytes_of_few = int(few.communicate()[0])
    assert few.returncode == 0
    begun = time.monotonic()
    whole = start(model, str(films), tmp_path / "whole.csv")
    megabytes = int(whole.communicate()[0])
    seconds = time.monotonic() - begun
    assert whole.returncode == 4
    rows = read_rows(tmp_path / "whole.csv")
    assert len(rows) == IMAGES
    assert [number for number, row in enumerate(rows) if row["error"]] == list(BAD)

    cut = start(model, str(films), tmp_path / "cut.csv")
    time.sleep(seconds / 2)
    assert cut.poll() is None
    cut.send_signal(signal.SIGKILL)
    cut.communicate()
    assert not (tmp_path / "cut.csv").exists()
    again = start(model, str(films), tmp_path / "cut.csv")
    again.communicate()
    assert again.returncode == 4
    assert (tmp_path / "cut.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert megabytes - megabytes_of_few < 100
