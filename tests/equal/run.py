"""Makes one small project as a user does, and runs its stages as its dvc.yaml says, in forks."""

import gc
import os
import runpy
import sys
import warnings
from importlib import import_module
from itertools import product
from tempfile import TemporaryFile

import yaml
from omegaconf import OmegaConf

from tests.equal import sources
from tests.equal.results import collect
from tests.forked_python import end_with, import_own

# The one looks at code alone, the other writes into MLflow alone; so would `validate`.
WITHOUT = ("digest", "record")


def import_libraries():
    """Import what the stages need, once for all projects."""
    for name in (
        *("hydra.main", "hydra._internal.hydra", "hydra._internal.utils", "pytorch_lightning"),
        *("sklearn.ensemble", "sklearn.svm", "skops.io", "pyarrow.dataset", "jinja2", "numba"),
    ):
        import_module(name)
    import_module("numba").njit(_same)(1)  # ready for the first compiled loop of each fork
    # Its convolutions add up in an order that depends on the processor's caches.
    import_module("torch.backends.mkldnn").set_flags(False)
    import_module("torch.backends.nnpack").set_flags(False)
    import_own()
    gc.freeze()  # no stage looks through what is imported


def _same(value):
    return value


def make(small, place):
    """Return the results of a small project that is made in a new folder.

    Raises:
        AssertionError: A command or a stage ended with an error, which it names.
    """
    place.mkdir()
    if small.write:
        getattr(sources, small.write)(place)
    project = place / "project"
    _command(place, "new", "project")
    added = small.added.split()
    if added:
        _command(project, *added)
    # In one process, which starts no other that imports the libraries again.
    edit(project / "conf/compute/local.yaml", {"workers": 1})
    # Last bits, in which processors differ, must not decide at which epoch a training stops.
    edit(project / "conf/trainer/default.yaml", {"precision": "64-true"})
    for file, values in small.options.items():
        edit(project / file, values)
    edit(project / "params.yaml", {"tracking": "none"})
    if small.choices:
        own = [word[3:] for word in added if word.startswith("../") and "." not in word[3:]]
        edit(project / "params.yaml", {"dataset": own[0]} if own else {})
        edit(project / "params.yaml", small.choices)
    for script, overrides in stages_of(project):
        _fork(project, f"pipeline/{script}", *overrides)
    (project / "after").mkdir()
    for words in small.after:
        _command(project, *words.split())
    return collect(project)


def edit(file, values):
    """Change values of a config; its first lines, which may say its place, stay."""
    config = OmegaConf.load(file)
    for name, value in values.items():
        OmegaConf.update(config, name, value)
    first = [line for line in file.read_text(encoding="utf-8").splitlines() if "@package" in line]
    file.write_text("\n".join([*first, OmegaConf.to_yaml(config)]), encoding="utf-8")


def stages_of(project):
    """Yield script and overrides of each stage of a project's dvc.yaml, each member of a matrix."""
    choices = yaml.safe_load((project / "params.yaml").read_text(encoding="utf-8"))
    stages = yaml.safe_load((project / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    for name, stage in stages.items():
        if name in WITHOUT:
            continue
        # `matrix: {model: ${baselines}}`: the stage runs for each name that params.yaml lists.
        axes = {axis: choices[listed[2:-1]] for axis, listed in stage.get("matrix", {}).items()}
        for values in product(*axes.values()):
            line = stage["cmd"]
            for axis, value in zip(axes, values, strict=True):
                line = line.replace(f"${{item.{axis}}}", value)
            script, *overrides = line.removeprefix("python pipeline/").split()
            yield script, overrides


def _command(folder, *words):
    def call():
        from skiagram.cli import show
        from skiagram.cli.main import main
        from skiagram.projects import running

        # `run` would call DVC, and each stage import the libraries: here stages follow in forks.
        running.run_stages = lambda project: 0
        show.show_results = lambda project, shown: 0
        sys.argv = ["skiagram", *words]
        sys.exit(main([*words]))

    _in_fork(folder, call, f"skiagram {' '.join(words)}")


def _fork(project, script, *overrides):
    def call():
        sys.path.insert(0, str(project / "pipeline"))
        sys.argv = [script, *overrides]
        runpy.run_path(script, run_name="__main__")

    _in_fork(project, call, f"{script} {' '.join(overrides)}")


def _in_fork(folder, call, what):
    """Call a function in a fork of this process, as a command that was started in a folder."""
    with TemporaryFile("w+") as said:
        process = os.fork()
        if not process:

            def run():
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
                sys.stdout = sys.stderr = os.fdopen(1, "w")
                os.chdir(folder)
                os.environ["DVC_ROOT"] = str(folder)
                warnings.simplefilter("ignore")
                call()

            end_with(run)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        said.seek(0)
        assert code == 0, f"{what}: {said.read()[-3000:]}"
