"""MLflow: one parent run per execution, one child per model; with `pyfunc` alone it imports MLflow.

Models are artefacts of their runs, and saved for a server in the models-from-code form: a file of
code and the model's folder. MLflow's other formats pickle. Its automatic logging stays off, because
a stage writes once, when all is known.
"""

import hashlib
import logging
import os
import platform
import re
import shutil
import sqlite3
import sys
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.compute.files import locked
from skiagram.compute.scratch import scratch_folder
from skiagram.errors import refusal
from skiagram.strict import STRICT
from skiagram.tracking.comparison import EXPERIMENT, FAILED, RecordedRun
from skiagram.tracking.contract import Execution, NotRecorded, Run

_ENVIRONMENT = {  # by default a dead server stalls each call for minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",  # seconds: some take five for an answer
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",  # its import sets the level anew
}
_REACHED = (5.0, 15.0)  # seconds in which a server takes a connection, and answers
_HALF_MADE = re.compile(r"duplicate column name|table \w+ already exists")
_LOCK = ".work/mlflow.lock"  # in the lasting folder
_MAX_VIEWED = 10_000
_MOVES = (
    "UPDATE experiments SET artifact_location = :here WHERE experiment_id = :number",
    "UPDATE runs SET artifact_uri = :here || substr(artifact_uri, length(:place) + 1)"
    " WHERE experiment_id = :number AND instr(artifact_uri, :place || '/') = 1",
)
_RECEIPT = "skiagram.receipt"
_WRITER = "skiagram.writer"
ADDRESS = "MLFLOW_TRACKING_URI"
_SERVED = ("postgresql", "mysql", "mssql")  # databases for several, which a server stands before
_OPENING = "skiagram.opening."
_MAX_WORD = 3  # letters of a user or password that may be part of other words
_MILLISECONDS = 1000  # MLflow's unit of time
_IMAGE, _MASK = "image", "mask"
NAME, LABEL = "file", "label_value"  # columns of what a served model reads


@dataclass(**STRICT)
class MLflowStore:
    """An MLflow database or server.

    Attributes:
        uri: Where runs go; None for what `MLFLOW_TRACKING_URI` names, else for `mlflow.db` in the
            project's folder, which `mlflow ui` run there shows.
        experiment: Name of the MLflow experiment.
    """

    uri: str | None
    experiment: Annotated[str, Field(min_length=1)]

    def record(self, execution: Execution, home: Path) -> str:
        """Record an execution; a parent run that was cut short is recorded anew."""
        with self._opened(home, "not recorded") as (client, experiment, place):
            # What an earlier recording of this project left unfinished has failed.
            _fail_unfinished_runs(client, experiment, home)
            # The same results are recorded once.
            same = (
                f"tags.`{_RECEIPT}` = '{execution.receipt.digest}' "
                "and attributes.status = 'FINISHED'"
            )
            recorded = client.search_runs([experiment], filter_string=same)
            if any(run.data.tags.get(EXPERIMENT) == execution.name for run in recorded):
                return f"Already recorded in {place}."
            if self._uri(home) == _uri_of(home / "mlflow.db"):
                _follow_project(home, experiment)
            # A parent run and a child a model; a run ends last, which says that it is whole.
            writer, whole = {_WRITER: _writer(home)}, execution.parent
            marks = {_RECEIPT: execution.receipt.digest, EXPERIMENT: execution.name} | writer
            try:
                parent = _begin_run(client, experiment, whole, marks)
                for child in execution.children:
                    tags = {"mlflow.parentRunId": parent} | writer
                    _end_run(client, _begin_run(client, experiment, child, tags), child)
                _end_run(client, parent, whole)
            except Exception:
                with suppress(Exception):  # where the server is lost, the next recording does it
                    _fail_unfinished_runs(client, experiment, home)
                raise
        if execution.parent.failed:
            return f"Recorded the failed run in {place}."
        runs = f"{len(execution.children)} runs" if execution.children else "a run"
        return f"Recorded {runs} in {place}."

    def share_openings(self, openings: Mapping[str, str], home: Path) -> Mapping[str, str]:
        """Keep entries of the seal's ledger as tags of the experiment, and return all of them."""
        with self._opened(home, "ledger not shared") as (client, experiment, _):
            tags = client.get_experiment(experiment).tags
            shared_openings = {
                name.removeprefix(_OPENING): line
                for name, line in tags.items()
                if name.startswith(_OPENING)
            }
            from mlflow.exceptions import MlflowException

            for name, line in openings.items():
                if name not in shared_openings:
                    tag = experiment, f"{_OPENING}{name}", line
                    try:
                        client.set_experiment_tag(*tag)
                    except MlflowException:  # another project has made it at this very moment
                        client.set_experiment_tag(*tag)  # now it is there and is replaced
        return {**shared_openings, **openings}

    def list_runs(self, home: Path) -> list[RecordedRun]:
        """Return whole runs, the newest first; none where the project has no database yet."""
        database = home / "mlflow.db"
        is_own = self._uri(home) == _uri_of(database)
        if is_own and not database.exists():
            return []
        lean, opened = _without("numpy", "pandas"), self._opened(home, "runs not read")
        with lean, opened as (client, experiment, _):
            recorded = f"tags.`{_RECEIPT}` != ''"  # whole runs, no single models
            found = client.search_runs([experiment], recorded, max_results=_MAX_VIEWED)
        runs = []
        for run in found:
            # A server that others record to, too, has runs of other projects.
            data, info = run.data, run.info
            if not is_own and data.tags.get(_WRITER) != _writer(home):
                continue
            if info.status != "FINISHED" and FAILED not in data.tags:  # its recording was cut short
                continue
            began, ended = info.start_time / _MILLISECONDS, info.end_time
            seconds = None if ended is None else ended / _MILLISECONDS - began
            kinds = data.params, data.metrics, data.tags
            runs.append(RecordedRun(info.run_name, *kinds, began, seconds))
        # Those that have figures or have failed; a sweep has the number of its rows alone.
        whole_runs = [run for run in runs if [*run.options] != ["rows"]]
        ended_runs = [run for run in whole_runs if run.selection or FAILED in run.tags]
        return sorted(ended_runs, key=lambda run: run.began, reverse=True)

    @contextmanager
    def _opened(self, home: Path, failed: str) -> Iterator[tuple[Any, str, str]]:
        """Yield a client, the id of the experiment, and what messages call the place.

        Processes of one project take turns, so that one result is recorded once.
        """
        uri = self._uri(home)
        place = f"{shown_uri(uri)}, experiment {self.experiment}"
        try:
            with locked(home / _LOCK):
                _quieten()
                if uri.startswith(("http:", "https:")):
                    # One short question to a server that may be down: MLflow itself asks again.
                    import requests

                    with suppress(requests.exceptions.SSLError):  # which is an answer, too
                        requests.get(
                            f"{re.split('[?#]', uri)[0].rstrip('/')}/health", timeout=_REACHED
                        )
                from mlflow.tracking import MlflowClient

                _begin_database(uri)
                client = MlflowClient(tracking_uri=uri)
                # A server knows its own place for artefacts; a file has them in the project.
                artefacts = home / "mlartifacts" if uri.startswith("sqlite") else None
                yield client, self._find_experiment(client, artefacts), place
        except Exception as error:  # whatever happens to a tracker, it costs no result
            # `from None`: MLflow's own errors hold the address, and what opens it, in tracebacks
            cause = _cause(error, uri)
            if uri.startswith("sqlite") and _HALF_MADE.search(cause):
                cause = f"the database was left half made, {cause}: move the file away"
            raise NotRecorded(f"{failed} in {place} ({cause})") from None

    def _uri(self, home: Path) -> str:
        return self.uri or os.environ.get(ADDRESS) or _uri_of(home / "mlflow.db")

    def _find_experiment(self, client: Any, artefacts: Path | None) -> str:
        """Return the id of the experiment, which is made where it is not there yet."""
        from mlflow.exceptions import MlflowException

        found = client.get_experiment_by_name(self.experiment)
        if found is None:
            try:
                location = None if artefacts is None else artefacts.as_uri()
                return str(client.create_experiment(self.experiment, location))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            found = client.get_experiment_by_name(self.experiment)  # another machine made it
        return str(found.experiment_id)


def _uri_of(database: Path) -> str:
    """Return the address of a file of SQLite, in which `%`, `?` and `#` are no parts of a path."""
    return "sqlite:///" + re.sub("[%?#]", lambda mark: quote(mark[0]), str(database))


def _begin_database(uri: str) -> None:
    """Make a database of SQLite that is not there yet, whole or not at all; refuse others.

    MLflow makes its tables in hundreds of steps; a second process between them, or a kill, would
    leave a database that it never opens again. All projects that name the file take turns.
    """
    # Of others, which MLflow would ask ten times, a server takes care.
    if uri.startswith(_SERVED):
        raise refusal("tracking.database_without_server")
    if not uri.startswith("sqlite"):
        return
    from mlflow.tracking import MlflowClient
    from sqlalchemy import make_url

    # One that is there stays as it is.
    database = Path(make_url(uri).database or "")
    if not database.parent.is_dir() or (database.exists() and database.stat().st_size):
        return
    with locked(database.with_name(f".{database.name}.lock")):
        if database.exists() and database.stat().st_size:
            return
        partial = database.with_name(f".{database.name}.partial")
        partial.unlink(missing_ok=True)  # which a kill has left
        MlflowClient(tracking_uri=_uri_of(partial.absolute())).search_experiments()
        partial.replace(database)


def _follow_project(home: Path, number: str) -> None:
    """Have the artefacts of a project that was moved or copied lie beside its database again.

    MLflow keeps whole paths, and would go on where the project was.

    Args:
        number: Id of the project's experiment.
    """
    here = (home / "mlartifacts").as_uri()
    with closing(sqlite3.connect(home / "mlflow.db")) as database, database:
        found = "SELECT artifact_location FROM experiments WHERE experiment_id = ?"
        (place,) = database.execute(found, (number,)).fetchone()
        if place != here and re.fullmatch("file:.*/mlartifacts", place):
            for change in _MOVES:
                database.execute(change, {"here": here, "place": place, "number": number})


@contextmanager
def _without(*libraries: str) -> Iterator[None]:
    """Hide libraries that are not imported yet: MLflow imports them where it finds them.

    It does without, as its `mlflow-skinny` is installed, and takes a quarter less time.
    """
    modules: dict[str, Any] = vars(sys)["modules"]
    hidden = [name for name in libraries if name not in modules]
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


def _quieten() -> None:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name in ("alembic", "mlflow", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # what it raises, as on a full disk, it would print before, with 60 lines of a traceback
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)
    # the signature says what a served model reads, and a file of one's own shows it better
    warnings.filterwarnings("ignore", ".*An input example was not provided")


def shown_uri(uri: str) -> str:
    """Return an address as messages have it: without user, password, query and fragment."""
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return uri
    host, slash, path = re.split(r"[?#]", rest)[0].rpartition("@")[2].partition("/")
    name, _, port = host.partition(":")
    if port and not port.isdecimal():  # a password, where the host was forgotten
        host = name
    return f"{scheme}://{host}{slash}{path}"


def _cause(error: BaseException, uri: str) -> str:
    """Return what lies at the bottom of a chain of errors, in one line and without secrets."""
    while error.__context__ is not None:
        error = error.__context__
    text = " ".join(str(error).split()).replace(uri, shown_uri(uri))
    parts = (set(re.split(r"[/@:?#&=]+", each)) for each in (uri, shown_uri(uri)))
    hidden = set.difference(*parts)
    for secret in sorted(filter(None, hidden), key=len, reverse=True):
        edges = ("", "") if len(secret) > _MAX_WORD else (r"(?<!\w)", r"(?!\w)")  # not in words
        text = re.sub(re.escape(secret).join(edges), "…", text)
    return text[:200] or type(error).__name__


def _writer(home: Path) -> str:
    """Return what names a project's folder on a machine and tells nobody where it lies."""
    return hashlib.sha256(f"{platform.node()}:{home.resolve()}".encode()).hexdigest()[:16]


def _fail_unfinished_runs(client: Any, experiment: str, home: Path) -> None:
    """Mark runs as failed that this project began and, as it holds the lock, no longer writes."""
    begun = f"tags.`{_WRITER}` = '{_writer(home)}' and attributes.status = 'RUNNING'"
    for run in client.search_runs([experiment], begun):
        client.set_terminated(run.info.run_id, "FAILED")


def image_columns(modalities: Sequence[str], *, regions: bool) -> dict[str, tuple[str, str | None]]:
    """Return modality → the column of its images, and of masks where the model reads regions."""
    return {
        name: (f"{_IMAGE}_{name}".rstrip("_"), f"{_MASK}_{name}".rstrip("_") if regions else None)
        for name in modalities or ("",)
    }


def save_pyfunc(folder: Path, target: Path) -> None:
    """Write a model as MLflow serves it, in the models-from-code form, into a new folder."""
    _quieten()
    from mlflow.models import ModelSignature
    from mlflow.pyfunc import save_model
    from mlflow.types.schema import ColSpec, DataType, Schema

    from skiagram.deploy.model import load_model

    model = load_model(folder)
    if model.scorer.measured is not None:
        raise refusal("tracking.model_of_features", str(folder))
    # What a request holds: files of images and masks, and covariates.
    preparation = model.preparer.preparation
    image_pairs = image_columns(preparation.modalities, regions=preparation.regions).values()
    columns = [ColSpec(DataType.string, NAME, required=False)]
    columns += [ColSpec(DataType.binary, name) for pair in image_pairs for name in pair if name]
    columns += [ColSpec(DataType.string, LABEL, required=False)] if preparation.regions else []
    columns += [
        ColSpec(DataType.string, covariate.column, required=False)
        for covariate in preparation.covariates
    ]
    # what an answer holds
    decides = model.deployment.threshold is not None
    texts = [*["decision"] * decides, "unusual", "error"]
    outputs = [ColSpec(DataType.string, NAME)]
    outputs += [ColSpec(DataType.double, name) for name in model.task.predicted.told_columns]
    outputs += [ColSpec(DataType.string, name) for name in texts]
    partial = target.with_name(f".{target.name}.partial")  # a kill leaves it alone, until next time
    shutil.rmtree(partial, ignore_errors=True)
    with _real_files(folder) as files:
        save_model(
            path=partial,
            python_model=str(Path(__file__).with_name("pyfunc.py")),
            artifacts={"model": str(files)},
            signature=ModelSignature(Schema(columns), Schema(outputs)),
            pip_requirements=[f"skiagram=={version('skiagram')}"],
        )
    partial.rename(target)


def _begin_run(client: Any, experiment: str, run: Run, marks: dict[str, str]) -> str:
    """Make a run with all that it holds; return its id."""
    from mlflow.entities import Metric, Param

    began = None if run.began is None else int(run.began * _MILLISECONDS)
    created = client.create_run(experiment, began, run.tags | marks, run.name)
    run_id, now = str(created.info.run_id), int(time.time() * _MILLISECONDS)
    metrics = [Metric(name, value, now, step) for name, value, step in run.points]
    params = [Param(name, value) for name, value in run.params.items()]
    client.log_batch(run_id, metrics, params)
    for path, folder in run.artefacts.items():
        log = client.log_artifacts if path.is_dir() else client.log_artifact
        with _real_files(path) as files:
            log(run_id, str(files), folder or None)
    return run_id


def _end_run(client: Any, run_id: str, run: Run) -> None:
    ended = None if run.ended is None else int(run.ended * _MILLISECONDS)
    client.set_terminated(run_id, "FAILED" if run.failed else "FINISHED", ended)


@contextmanager
def _real_files(path: Path) -> Iterator[Path]:
    """Yield a file or folder, or a copy of it where DVC has put links to its cache (`cache.type`).

    MLflow takes no link that leads out of the folder.
    """
    if not any(each.is_symlink() for each in (path, *path.rglob("*"))):
        yield path
        return
    with scratch_folder("record") as temporary:
        copy = temporary / path.name
        if path.is_dir():
            shutil.copytree(path, copy)
        else:
            shutil.copyfile(path, copy)
        yield copy
