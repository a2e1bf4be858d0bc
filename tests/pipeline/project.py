"""A small copy of the project in a folder of its own, on a generated source of 20 × 20 images."""

import gc
import os
import runpy
import shutil
import signal
import subprocess
import sys
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass, replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from unittest.mock import patch

import numba
import numpy as np
from omegaconf import OmegaConf

from examples import medmnist
from skiagram.projects import files, running
from tests import REPOSITORY
from tests.datasets.own_folders import LABELS, OwnFolder, source_of
from tests.equal.run import stages_of
from tests.folders import digest_files
from tests.forked_python import binaries, end_with, open_templates, start_afresh

PARTS = (
    *("combined", "conf", "pipeline", "reports/explanations", "src"),
    *("params.yaml", "dvc.yaml", ".dvcignore", "requirements.lock"),
)
# What stages import when they are under way: imported before they are forked, once for all.
LIBRARIES = (
    *("hydra.main", "hydra._internal.hydra", "hydra._internal.utils", "joblib", "pyarrow.dataset"),
    *("sklearn.ensemble", "sklearn.linear_model", "sklearn.pipeline", "sklearn.svm", "skops.io"),
    *("matplotlib.backends.backend_svg", "pyarrow.parquet"),
)
BASELINES = ["logistic_regression", "decision_tree"]
NETWORK = "small_cnn"


def list_stages(dataset, features, baselines, networks=()):
    """Return the stages from a data set to the report, each with its overrides."""
    return [
        ("ingest", f"dataset={dataset}"),
        *(("audit",), ("restore",), ("propose",)),
        ("extract", f"features=[{features}]"),
        *(("train_baseline", f"model={name}", "plan.folds=2") for name in baselines),
        *(("train_network", f"model={name}", "plan.folds=2") for name in networks),
        ("evaluate",),
    ]


STAGES = (
    *list_stages("tiny", "first_order,wavelet", BASELINES, [NETWORK])[:-1],
    ("combine", "combination=stacking", "plan.folds=2"),
    *(("evaluate",), ("record",)),
)


@dataclass(frozen=True)
class Project:
    """A copy of the project."""

    folder: Path

    @property
    def environment(self):
        """Return the variables of a user's shell, and where the code stands: the copy's, if any."""
        binaries = Path(sys.executable).parent
        copied = self.folder / "src"
        environment = {
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONPATH": str(copied if copied.is_dir() else REPOSITORY / "src"),
            "DVC_NO_ANALYTICS": "1",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "OMP_NUM_THREADS": "1",
        }
        passed = (
            *("TMPDIR", "DVC_SITE_CACHE_DIR", "SLURM_CONF", "LD_LIBRARY_PATH", "SKIAGRAM_DATA"),
            "LOKY_MAX_CPU_COUNT",  # see tests/conftest.py
            "OPENBLAS_CORETYPE",  # last digits are those of its kernels
        )
        environment |= {name: os.environ[name] for name in passed if name in os.environ}
        own = self.folder / "source"
        return environment | ({"SKIAGRAM_DATA": str(own)} if own.is_dir() else {})

    def start(self, *command, **variables):
        """Start a command as a user would, in processes of its own, with the copy's own code.

        Args:
            *command: The command.
            **variables: Of the environment, in place of the usual ones.
        """
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell's background job ignores Ctrl-C, and so would whatever it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def run(self, *command, code=None, **variables):
        """Run a command to its end, or to an exit code that it must have; see `start`.

        What it calls `python`, `dvc` or `skiagram` is forked from a process that has imported the
        libraries, and the code as well where the copy's is that of the repository and PYTHONPATH
        names no other. Where PATH is given or the command is `sys.executable`, each is a Python of
        its own.
        """
        if command[0] != sys.executable:
            own = "PYTHONPATH" not in variables and self.has_usual_code()
            path = f"{binaries(own=own)}:{self.environment['PATH']}"
            variables = {"PATH": path} | variables
        with self.start(*command, **variables) as process:
            output, errors = process.communicate()
        return _ended(command, process.returncode, output, errors, code)

    def has_usual_code(self):
        """Return whether the copy's code, if it has any, was not changed since it was copied."""
        own = self.folder / "src"
        return not own.is_dir() or _list_sources(own) == _list_sources(REPOSITORY / "src")

    def stage(self, name, *overrides, **variables):
        """Run one stage of the copy, forked from here: the libraries are imported only once."""
        prepare_to_fork()
        import_module(name)
        if name == "train_network":
            import_module("skiagram.training.fit")
        if name == "evaluate":
            open_templates()
        return self._fork(f"pipeline/{name}.py", *overrides, **variables)

    def skiagram(self, *words, **variables):
        """Run the command line of the program, forked from here, too."""
        return self._fork("skiagram", *words, **variables)

    def shown(self, *words, code=0):
        """Run the command line to an exit code, `run` with stages that are forked, too.

        Returns:
            All that it shows.
        """
        typed = self.run_line if words[0] == "run" else partial(self._fork, "skiagram")
        done = typed(*words, code=code)
        return done.stdout + done.stderr

    def run_line(self, *words, code=None):
        """Run `skiagram run`, forked from here, and each stage forked from that.

        Neither git nor DVC is called: `test_readme.py`, `test_wheel.py` and others have them.
        """
        prepare_to_fork()
        for name in dict.fromkeys(stage for stage, *_ in list_stages("", "", BASELINES)):
            import_module(name)
        open_templates()
        with (
            patch.object(files, "make_project", write_project),
            patch.object(running, "run_stages", fork_stages),
        ):
            return self._fork("skiagram", *words, code=code)

    def _fork(self, script, *words, code=None, **variables):
        """Run a script of the copy, or the command line, in a fork of this process; see `run`."""
        with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
            process = os.fork()
            if not process:
                os.dup2(output.fileno(), 1)
                os.dup2(errors.fileno(), 2)
                self._become(script, *words, **variables)
            ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            output.seek(0)
            errors.seek(0)
            return _ended([script, *words], ended, output.read(), errors.read(), code)

    def _become(self, script, *arguments, **variables):
        """End this process as one that was started with a script of the copy, or `skiagram`."""

        def run():
            # Of a fork within a fork, what stood there before must not close them as it goes.
            sys.stdout, sys.stderr = (os.fdopen(at, "w", closefd=False) for at in (1, 2))
            start_afresh(self.folder, self.environment | variables)
            for other in (REPOSITORY / "pipeline").glob("*.py"):
                sys.modules.pop(other.stem, None)
            sys.path[:] = [str(self.folder / "pipeline"), *sys.path]
            sys.argv = [script, *arguments]
            if script == "skiagram":
                runpy.run_module(script, run_name="__main__")
            else:
                runpy.run_path(script, run_name="__main__")

        end_with(run)

    def stages(self, *stages):
        """Run stages one after the other; each must end well."""
        for name, *overrides in stages:
            self.stage(name, *overrides, code=0)

    def copy(self, folder):
        """Return a copy that a test may change."""
        shutil.copytree(self.folder, folder, symlinks=True, copy_function=link_or_copy)
        return Project(folder)

    def edit(self, path, **values):
        """Change values of a YAML file; dots in a key are written as `__`."""
        config = OmegaConf.load(self.folder / path)
        for key, value in values.items():
            OmegaConf.update(config, key.replace("__", "."), value)
        header = [line for line in (self.folder / path).read_text().splitlines() if "@pack" in line]
        text = "\n".join([*header, OmegaConf.to_yaml(config)])
        (self.folder / path).write_text(text)

    def hashes(self, *folders):
        """Return the SHA-256 of every file below some outputs."""
        digests = digest_files(self.folder, *folders)
        return {name: sha256 for name, sha256 in digests.items() if ".gitignore" not in name}


def _list_sources(folder):
    """Return the size and the time of each file of code, which a copy keeps."""
    listed = {}
    for place, _, names in os.walk(folder):
        if not place.endswith("__pycache__"):
            for path in (Path(place, name) for name in names):
                state = path.stat()
                listed[path.relative_to(folder)] = state.st_size, state.st_mtime_ns
    return listed


def _ended(command, code, output, errors, expected):
    """Return how a command ended, which must be as expected if that is said."""
    assert expected in (None, code), (command, code, output[-3000:], errors[-3000:])
    return subprocess.CompletedProcess(command, code, output, errors)


def link_or_copy(source, target):
    """Link what nobody writes into, compiled code and DVC's cache; copy all else."""
    if source.endswith((".pyc", ".nbi", ".nbc")) or "/.dvc/cache/" in source:
        with suppress(OSError):  # on another disk
            os.link(source, target)
            return target
    return shutil.copy2(source, target)


def write_project(folder):
    """Write the files of a project as `skiagram run` does, without git, DVC and MLflow."""
    files._write(folder, files.shipped_files())
    files._write_record(folder, files.shipped_files())
    _make_small(folder)
    choices = folder / "params.yaml"
    choices.write_text(choices.read_text().replace("\ntracking: sqlite", "\ntracking: none"))
    return []


def _make_small(folder):
    """Have evaluation draw a tenth of the resamples, and forests grow a tenth of the trees.

    Finders on an encoding learn from a tenth of the normal places. No test here asks how good
    figures are.
    """
    forests = ("random_forest", "extra_trees", "acquisition_forest", "mean_of_models")
    usual = {"conf/evaluate.yaml": "replicates: 200"}
    usual |= {f"conf/model/{name}.yaml": "n_estimators: 20" for name in forests}
    usual |= {"conf/model/encoder_finder.yaml": "normal_places: 4"}
    usual |= {"conf/model/fused_finder.yaml": "  normal_places: 4"}
    for name, tenth in usual.items():
        text = (folder / name).read_text()
        assert f"\n{tenth}0" in text
        (folder / name).write_text(text.replace(f"\n{tenth}0", f"\n{tenth}"))


def fork_stages(folder):
    """Run the stages that dvc.yaml names in forks; return the exit code of one that fails."""
    project = Project(folder.resolve())
    for script, overrides in stages_of(project.folder):
        done = project.stage(script.removesuffix(".py"), *overrides)
        if done.returncode:
            sys.stderr.write(done.stderr)
            return done.returncode
    return 0


@cache
def prepare_to_fork():
    """Import what stages use, and have Numba ready for its first compiled loop."""
    for library in LIBRARIES:
        import_module(library)
    numba.njit(_same)(1)
    gc.freeze()  # no stage looks through what is imported


def _same(value):
    return value


def source_arrays(*, permute_test_labels=False):
    """Return arrays as a MedMNIST file has them: striped images are positive, all are noisy."""
    rng = np.random.default_rng(5)
    arrays = {}
    for split, n in (("train", 72), ("val", 18), ("test", 30)):
        label = np.arange(n) % 2
        stripes = 40 * np.sin(np.arange(20) * 1.3 + rng.uniform(0, 6, (n, 1)))[:, None, :]
        noise = rng.normal(128, 25, (n, 20, 20))
        images = noise + stripes * label[:, None, None]
        if split == "test" and permute_test_labels:
            label = np.random.default_rng(6).permutation(label)
        arrays[f"{split}_images"] = np.clip(images, 0, 255).astype(np.uint8)
        arrays[f"{split}_labels"] = label[:, None].astype(np.uint8)
    return arrays


def write_source(project, arrays, **described):
    """Write the images of arrays, their table, and the config and manifest that describe them."""
    usual = {"name": "tiny", "classes": ("plain", "striped"), "positive_class": "striped"}
    described = usual | described
    name = described["name"]
    own = OwnFolder(project.folder / "source" / name, project.folder / "source" / f"{name}.csv")
    shutil.rmtree(own.folder, ignore_errors=True)
    with TemporaryDirectory() as place, redirect_stdout(None):
        np.savez(Path(place, "arrays.npz"), **arrays)
        medmnist.write(Path(place, "arrays.npz"), own.folder, described["classes"])
    source_of(own, replace(LABELS, split="split"), project.folder, folder=name, **described)


def make_project(folder, *, permute_test_labels=False):
    """Copy the project and set it to the small source, few models and few epochs."""
    folder.mkdir(parents=True)
    for part in PARTS:
        source = REPOSITORY / part
        if source.is_dir():
            # Compiled code comes along, but for what another process is writing.
            ignored = shutil.ignore_patterns("*.tmp.*", "*.pyc.*")
            shutil.copytree(source, folder / part, ignore=ignored, copy_function=link_or_copy)
        else:
            shutil.copy(source, folder / part)
    _make_small(folder)
    project = Project(folder)
    write_source(project, source_arrays(permute_test_labels=permute_test_labels))
    project.edit(
        "params.yaml",
        dataset="tiny",
        features="first_order,wavelet",
        baselines=BASELINES,
        networks=[NETWORK],
        folds=2,
    )
    project.edit(f"conf/model/{NETWORK}.yaml", training__epochs=3)
    project.edit("conf/compute/local.yaml", workers=1)
    return project


def stack(project):
    """Choose a combination of a baseline and the network."""
    project.edit("params.yaml", combinations=["stacking"])
    project.edit("conf/combination/stacking.yaml", members=[BASELINES[0], NETWORK])


def stages_run(output):
    """Return the stages that ran, as DVC's output names them."""
    return [line.split("'")[1] for line in output.splitlines() if "Running stage" in line]
