"""The container file's own lines, typed outside a container, serve a package over HTTP.

No container is built: its base image needs a network, and the line that adds a user needs its root.
All other lines run as they stand, in a clean venv, with `/opt` elsewhere. Libraries are not
downloaded again: pip finds those of the lock file installed.
"""

import json
import os
import re
import shlex
import shutil
import signal
import site
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from skiagram.deploy.package import pack
from skiagram.fitting.deployment import write_checksums
from tests.deploy.trained import trained_baseline
from tests.pipeline.project import REPOSITORY
from tests.servers import await_answer, find_free_port
from tests.tracking.test_pyfunc import post, probabilities, request_of

pytestmark = pytest.mark.slow
PORT = "8080"
OF_THE_SYSTEM = "useradd"
OF_A_MODEL = ("${PACKAGE}",)


@dataclass(frozen=True)
class Line:
    """One instruction of a container file."""

    word: str
    rest: str


def lines_of(text):
    """Return the instructions, continued lines joined, comments left out."""
    joined = re.sub(r"\\\n\s*", "", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    pairs = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [Line(word, rest) for word, rest in pairs]


LINES = lines_of((REPOSITORY / "Containerfile").read_text(encoding="utf-8"))


def only(word):
    (rest,) = [line.rest for line in LINES if line.word == word]
    return rest


def test_every_instruction_is_one_that_this_test_knows_how_to_follow():
    known = {"FROM", "RUN", "WORKDIR", "COPY", "ARG", "USER", "ENV", "EXPOSE", "HEALTHCHECK", "CMD"}
    assert {line.word for line in LINES} <= known
    assert LINES[0].word == "FROM"
    assert only("EXPOSE") == PORT
    assert only("USER") != "root"
    users = [line for line in LINES if line.word == "RUN" and OF_THE_SYSTEM in line.rest]
    assert f"useradd --create-home {only('USER')}" in users[0].rest
    major, minor = re.findall(r"\d+", LINES[0].rest)[:2]
    required = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    bounds = re.search(r'requires-python = ">=(\d+)\.(\d+),<(\d+)\.(\d+)"', required)
    low, high = bounds.groups()[:2], bounds.groups()[2:]
    assert tuple(map(int, low)) <= (int(major), int(minor)) < tuple(map(int, high))


@dataclass(frozen=True)
class Machine:
    """Where the lines are typed.

    Attributes:
        root: Stands for `/`.
        venv: Stands for the Python of the base image.
        context: Folder that the container is built from.
        environment: Variables.
    """

    root: Path
    venv: Path
    context: Path
    environment: dict[str, str]

    def place(self, text):
        """Return a line with the folders of this machine."""
        return re.sub(r"(?<![\w.])/opt/", f"{self.root}/opt/", text)

    def type(self, line, folder):
        """Run a line as `RUN` does."""
        done = subprocess.run(
            ["/bin/sh", "-ec", self.place(line)], cwd=folder, env=self.environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"

    def copy(self, words, folder):
        """Copy as `COPY` does: what a folder holds, files by pattern."""
        *sources, target = shlex.split(words)
        place = folder / self.place(target)
        for pattern in sources:
            found = sorted(self.context.glob(pattern.replace("${PACKAGE}", "svm.skiagram")))
            assert found or pattern in OF_A_MODEL, pattern
            for source in found:
                if source.is_dir():
                    shutil.copytree(source, place, dirs_exist_ok=True)
                else:
                    place.mkdir(parents=True, exist_ok=True)
                    shutil.copy(source, place)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a model with the films of its test cases."""
    trained = trained_baseline(tmp_path_factory.mktemp("trained"))
    write_checksums(trained.model)
    return trained


@pytest.fixture(scope="module")
def built(trained, tmp_path_factory):
    """Type the lines up to those that start the server."""
    place = tmp_path_factory.mktemp("container")
    context = place / "context"
    context.mkdir()
    leave = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for words in (line.rest.split() for line in LINES if line.word == "COPY"):
        for part in (REPOSITORY / word for word in words[:-1] if word not in OF_A_MODEL):
            if part.is_dir():
                shutil.copytree(part, context / part.relative_to(REPOSITORY), ignore=leave)
            else:
                shutil.copy(part, context)
    pack(trained.model, context / "svm.skiagram")
    venv = place / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    # pip is locked too: that of the libraries, not the one that came with this Python
    pip = venv / "bin/pip"
    code = "from pip._internal.cli.main import main\nraise SystemExit(main())\n"
    pip.write_text(f"#!{venv / 'bin/python'}\n{code}")
    pip.chmod(0o755)
    own = sysconfig.get_path("purelib", vars={"base": str(venv)})
    (Path(own) / "libraries.pth").write_text("\n".join(site.getsitepackages()) + "\n")
    environment = {
        "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
        "HOME": str(place),
        "OMP_NUM_THREADS": "1",
        "PACKAGE": "svm.skiagram",
        "PIP_NO_INDEX": "1",  # what is not installed yet would have to be downloaded: it fails
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it the other way round: no isolation
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    machine = Machine(place / "root", venv, context, environment)
    folder = machine.root
    folder.mkdir()
    for line in LINES:
        if line.word == "WORKDIR":
            folder = Path(machine.place(line.rest))
            folder.mkdir(parents=True)
        elif line.word == "COPY":
            machine.copy(line.rest, folder)
        elif line.word == "ENV":
            name, _, value = line.rest.partition("=")
            machine.environment[name] = value
        elif line.word == "RUN" and OF_THE_SYSTEM not in line.rest:
            machine.type(line.rest, folder)
    return machine


def test_the_program_in_it_is_that_of_the_folder_alone(built):
    where = subprocess.run(
        ["python", "-c", "import skiagram; print(skiagram.__file__)"], cwd=built.root,
        env=built.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert where.stdout.startswith(str(built.venv))


def test_its_own_command_serves_the_package(built, trained):
    port = find_free_port()
    words = [built.place(word).replace(PORT, str(port)) for word in json.loads(only("CMD"))]
    health = "/bin/sh", "-c", only("HEALTHCHECK").removeprefix("CMD ").replace(PORT, str(port))
    server = subprocess.Popen(
        words, cwd=built.root, env=built.environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await_answer(server, lambda: not subprocess.call(health, env=built.environment))
        status, body = post(f"http://127.0.0.1:{port}", request_of(trained.films))
        assert status == 200
        np.testing.assert_allclose(probabilities(body), trained.expected(), rtol=0, atol=1e-9)
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)
