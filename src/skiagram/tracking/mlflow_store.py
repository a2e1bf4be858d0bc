"""MLflow: one parent run per execution, one child per model; with `pyfunc` alone it imports MLflow.

Models are logged in the models-from-code form: a file of code and the model's folder. MLflow's
other formats pickle. Its automatic logging stays off, because a stage writes once, when all is
known.
"""

import hashlib
import json
import logging
import os
import platform
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Annotated, Any, Self, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from skiagram.compute.files import locked
from skiagram.compute.scratch import scratch_folder
from skiagram.errors import DataError
from skiagram.models.deployment import DEPLOYMENT, Deployment, verify_checksums
from skiagram.options import STRICT, flatten_options
from skiagram.preparation import PREPARATION, Preparation
from skiagram.records.files import read_record
from skiagram.tracking.contract import Execution, NotRecorded, Run

_ENVIRONMENT = {  # by default a dead server stalls each call for minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",  # its import sets the level anew
}
_LOCK = ".work/mlflow.lock"  # in the lasting folder
_PAUSE = 1.0  # seconds before a store is opened again
_SILENCE = 30.0  # seconds after which nobody answers: MLflow itself asks a database on, or waits
_PATIENCE = 10.0  # seconds in which a database takes a call
_MAKING = 300.0  # seconds in which a new one has its tables
_A_MEGABYTE = 10.0  # seconds that one of artefacts may take
_MAX_METRICS, _MAX_PARAMS = 1000, 100  # of one call
_MAX_VIEWED, _MAX_COLUMNS = 200, 8
_ARMS = ("classical", "encoder", "deep")
_SELECTION = tuple(f"best_{arm}_selection_auc" for arm in _ARMS)
_REPORTED = (  # of test cases: to be read, not to choose by
    *(f"best_{arm}_auc" for arm in _ARMS),
    *("difference", "difference_low", "difference_high"),
)
RUNS_VIEW = "runs"
_T = TypeVar("_T")
_RECEIPT = "skiagram.receipt"
_EXPERIMENT = "DVC_EXP_NAME"
_WRITER = "skiagram.writer"
ADDRESS = "MLFLOW_TRACKING_URI"
_DATABASE = r"(sqlite|postgresql|mysql|mssql)(\+\w+)?:"  # without a server before it
_OPENING = "skiagram.opening."
_SHA256, _VERSION = "skiagram.sha256", "skiagram.version"  # tags of a logged model
_MAX_WORD = 3  # letters of a user or password that may be part of other words
_NAMED = 6  # digits of its SHA-256, in its name
_IMAGE, _MASK = "image", "mask"
NAME, LABEL = "file", "label_value"  # columns of what a served model reads


@dataclass(**STRICT)
class MLflowStore:
    """An MLflow database or server.

    Attributes:
        uri: Where runs go; None for what `MLFLOW_TRACKING_URI` names, else for `mlflow.db` in the
            project's folder, which `mlflow ui` run there shows.
        experiment: Name of the MLflow experiment.
        pyfunc: Whether models are logged so that `mlflow models serve` and `predict` take them.
        register: Begin of the names under which models stand in the model registry, followed by
            the model's name; null registers none.
    """

    uri: str | None
    experiment: Annotated[str, Field(min_length=1)]
    pyfunc: bool = False
    register: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _registers_what_is_logged(self) -> Self:
        if self.register is not None and not self.pyfunc:
            raise ValueError("`register` needs `pyfunc: true`")
        return self

    def record(self, execution: Execution, home: Path) -> str:
        """Record an execution; a parent run that was cut short is recorded anew."""
        with self._opened(home, "not recorded") as (client, experiment, place):
            _end_runs_cut_short(client, experiment, home)
            if _is_recorded(client, experiment, execution):
                return f"Already recorded in {place}."
            self._write(client, experiment, execution, home)
            _note_view(client, experiment)
        runs = f"{len(execution.children)} runs" if execution.children else "a run"
        runs = "the failed run" if execution.parent.failed else runs
        return f"Recorded {runs} in {place}."

    def share_openings(self, openings: Mapping[str, str], home: Path) -> Mapping[str, str]:
        """Keep entries of the seal's ledger as tags of the experiment, and return all of them."""
        with self._opened(home, "ledger not shared") as (client, experiment, _):
            tags = client.get_experiment(experiment).tags
            known = {
                name.removeprefix(_OPENING): line
                for name, line in tags.items()
                if name.startswith(_OPENING)
            }
            for name, line in openings.items():
                if name not in known:
                    client.set_experiment_tag(experiment, f"{_OPENING}{name}", line)
        return {**known, **openings}

    @contextmanager
    def _opened(self, home: Path, failed: str) -> Iterator[tuple[Any, str, str]]:
        """Yield a client, the id of the experiment, and what messages call the place.

        Processes of one project take turns, so that one result is recorded once.
        """
        uri = self._uri(home)
        place = f"{shown_uri(uri)}, experiment {self.experiment}"
        try:
            with locked(home / _LOCK):
                client, experiment = self._open(uri, home)
                yield client, experiment, place
        except Exception as error:  # whatever happens to a tracker, it costs no result
            # `from None`: MLflow's own errors hold the address, and what opens it, in tracebacks
            raise NotRecorded(f"{failed} in {place} ({_cause(error, uri)})") from None

    def _open(self, uri: str, home: Path) -> tuple[Any, str]:
        """Connect; another machine that does the same is waited for once.

        MLflow makes the tables of a new database without a lock, so that processes that do so at
        the same time fail.
        """
        _quieten()
        started = time.monotonic()
        try:
            return self._connect(uri, home)
        except Exception as error:
            if _is_lost(error) or time.monotonic() - started > _SILENCE:
                raise
        time.sleep(_PAUSE)
        return self._connect(uri, home)

    def _connect(self, uri: str, home: Path) -> tuple[Any, str]:
        """Return a client and the id of the experiment; what is not there yet is made."""
        from mlflow.tracking import MlflowClient

        client: Any
        if _has_no_limits(uri):
            _ask_once(uri)
            made = _within(_MAKING, lambda: MlflowClient(tracking_uri=uri))
            client = _LimitedClient(made)
        else:
            client = MlflowClient(tracking_uri=uri)
        return client, self._experiment(client, uri, home)

    def _write(self, client: Any, experiment: str, execution: Execution, home: Path) -> None:
        marks = {_RECEIPT: execution.receipt.digest, _EXPERIMENT: execution.name}
        writer = {_WRITER: _writer(home)}
        folders = _served_folders(execution.children) if self.pyfunc else {}
        digests = {name: verify_checksums(folder) for name, folder in folders.items()}
        logged = _logged_models(client, experiment, digests.values())
        with _run(client, experiment, execution.parent, marks | writer) as parent:
            _log(client, parent, execution.parent)
            for child in execution.children:
                of_parent = {"mlflow.parentRunId": parent} | writer
                with _run(client, experiment, child, of_parent) as run_id:
                    digest = digests.get(child.name)
                    model = logged.get(digest) if digest else None
                    if digest is None or model is not None:
                        _log(client, run_id, child)
                    else:
                        folder = folders[child.name]
                        with _new_model(client, experiment, folder, digest, run_id) as model:
                            _log(client, run_id, child, model)
                    if model is not None:
                        self._link(client, run_id, child.name, model, home)

    def _link(self, client: Any, run_id: str, name: str, model: str, home: Path) -> None:
        """Have a run show its logged model, and the registry have it once."""
        from mlflow.entities import LoggedModelOutput

        client.log_outputs(run_id, [LoggedModelOutput(model, step=0)])
        if self.register is None:
            return
        import mlflow

        registered, source = f"{self.register}-{name}", f"models:/{model}"
        versions = client.search_model_versions(f"name = '{registered}'")
        if not any(version.source == source for version in versions):
            default = os.environ.get(ADDRESS)
            mlflow.set_tracking_uri(self._uri(home))  # MLflow's registry asks for the default
            try:
                _within(_SILENCE, lambda: mlflow.register_model(source, registered))
            finally:
                mlflow.set_tracking_uri(default)  # it is an environment variable, which stays

    def _uri(self, home: Path) -> str:
        return self.uri or os.environ.get(ADDRESS) or f"sqlite:///{home / 'mlflow.db'}"

    def _experiment(self, client: Any, uri: str, home: Path) -> str:
        experiment = client.get_experiment_by_name(self.experiment)
        if experiment is not None:
            return str(experiment.experiment_id)
        local = re.match(_DATABASE, uri) is not None  # a server knows its own place
        location = (home / "mlartifacts").as_uri() if local else None
        return str(client.create_experiment(self.experiment, artifact_location=location))


def _quieten() -> None:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name in ("alembic", "mlflow", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)
    # what it raises, as on a full disk, it would print before, with 60 lines of a traceback
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


def _has_no_limits(uri: str) -> bool:
    """Return whether a database is asked over a network: drivers wait for it without end."""
    return re.match(_DATABASE, uri) is not None and not uri.startswith("sqlite")


def _ask_once(uri: str) -> None:
    """Raise where a database does not answer: MLflow itself would try ten times, or wait."""
    from mlflow.store.db.utils import create_sqlalchemy_engine

    engine = create_sqlalchemy_engine(uri)
    _within(_PATIENCE, lambda: engine.connect().close())
    engine.dispose()


def _within(seconds: float, call: Callable[[], _T]) -> _T:
    """Return what a call returns, or raise what it raises, or a TimeoutError.

    Not all drivers have a limit of time that also holds where the network is silent, so it is a
    thread that calls, and it may be left waiting.
    """
    returned: list[_T] = []
    failures: list[Exception] = []

    def ask() -> None:
        try:
            returned.append(call())
        except Exception as error:  # raised where it is waited for
            failures.append(error)

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(seconds)
    for failure in failures:
        raise failure
    for value in returned:
        return value
    raise TimeoutError("no answer")


class _LimitedClient:
    """MLflow's client, each call of which has a limit of time; after a silence none is made."""

    def __init__(self, client: Any) -> None:
        self._client, self._silent = client, False

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if self._silent:
                raise TimeoutError("no answer")
            sent = Path(arguments[1]) if "artifact" in name else None  # after the run or the model
            copying = _A_MEGABYTE * _megabytes(sent) if sent is not None else 0
            try:
                return _within(_SILENCE + copying, lambda: method(*arguments, **options))
            except TimeoutError:
                self._silent = True
                raise

        return call


def _megabytes(path: Path) -> float:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files) / 1e6


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
    *_, bottom = _chain(error)
    text = " ".join(str(bottom).split()).replace(uri, shown_uri(uri))
    parts = (set(re.split(r"[/@:?#&=]+", each)) for each in (uri, shown_uri(uri)))
    hidden = set.difference(*parts)
    for secret in sorted(filter(None, hidden), key=len, reverse=True):
        edges = ("", "") if len(secret) > _MAX_WORD else (r"(?<!\w)", r"(?!\w)")  # not in words
        text = re.sub(re.escape(secret).join(edges), "…", text)
    return text[:200] or type(bottom).__name__


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, what it came of, and so on."""
    yield error
    while error.__context__ is not None:
        error = error.__context__
        yield error


def _is_lost(error: BaseException) -> bool:
    """Return whether nobody answers: each further question would wait as long again."""
    return any(isinstance(each, ConnectionError | TimeoutError) for each in _chain(error))


def _writer(home: Path) -> str:
    """Return what names a project's folder on a machine and tells nobody where it lies."""
    return hashlib.sha256(f"{platform.node()}:{home.resolve()}".encode()).hexdigest()[:16]


def _end_runs_cut_short(client: Any, experiment: str, home: Path) -> None:
    """Mark runs as failed that this project began and, as it holds the lock, no longer writes."""
    begun = f"tags.`{_WRITER}` = '{_writer(home)}' and attributes.status = 'RUNNING'"
    for run in client.search_runs([experiment], begun):
        client.set_terminated(run.info.run_id, "FAILED")


def _is_recorded(client: Any, experiment: str, execution: Execution) -> bool:
    same = client.search_runs(
        [experiment],
        filter_string=f"tags.`{_RECEIPT}` = '{execution.receipt.digest}' "
        "and attributes.status = 'FINISHED'",
    )
    return any(run.data.tags.get(_EXPERIMENT) == execution.name for run in same)


def image_columns(modalities: Sequence[str], *, regions: bool) -> dict[str, tuple[str, str | None]]:
    """Return modality → the column of its images, and of masks where the model reads regions."""
    return {
        name: (f"{_IMAGE}_{name}".rstrip("_"), f"{_MASK}_{name}".rstrip("_") if regions else None)
        for name in modalities or ("",)
    }


def describe_pyfunc(folder: Path) -> dict[str, Any]:
    """Return what MLflow asks for to save a model in the models-from-code form."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, DataType, Schema

    deployment = read_record(Deployment, folder / DEPLOYMENT)
    preparation = read_record(Preparation, folder / PREPARATION)
    of_images = image_columns(preparation.modalities, regions=preparation.regions).values()
    columns = [ColSpec(DataType.string, NAME, required=False)]
    columns += [ColSpec(DataType.binary, name) for pair in of_images for name in pair if name]
    columns += [ColSpec(DataType.string, LABEL, required=False)] if preparation.regions else []
    columns += [
        ColSpec(DataType.string, covariate.column, required=False)
        for covariate in preparation.covariates
    ]
    decides = deployment.threshold is not None
    texts = [*["decision"] * decides, "set", "refer", "unusual", "error"]
    outputs = [ColSpec(DataType.string, NAME)]
    outputs += [ColSpec(DataType.double, f"probability_{k}") for k in deployment.task.classes]
    outputs += [ColSpec(DataType.string, name) for name in texts]
    return {
        "python_model": str(Path(__file__).with_name("pyfunc.py")),
        "artifacts": {"model": str(folder)},
        "signature": ModelSignature(Schema(columns), Schema(outputs)),
        "input_example": _example(preparation),
        "pip_requirements": [f"skiagram=={version('skiagram')}"],
    }


def save_pyfunc(folder: Path, target: Path) -> None:
    """Write a model as MLflow serves it, into a new folder."""
    _quieten()
    from mlflow.pyfunc import save_model

    verify_checksums(folder)
    if not _is_served(folder):
        raise DataError("a column of the data set, which scores no new cases", where=str(folder))
    partial = target.with_name(f".{target.name}.partial")  # a kill leaves it alone, until next time
    shutil.rmtree(partial, ignore_errors=True)
    with _real_files(folder) as model:
        save_model(path=partial, **describe_pyfunc(model))
    partial.rename(target)


def _example(preparation: Preparation) -> pd.DataFrame:
    """Return an input of one case: noise of the size and the brightness of the training images."""
    kinds = preparation.images
    size = (kinds.height[0], kinds.width[0])
    draw = np.random.default_rng(0)
    traits = preparation.traits
    mean, spread = (128.0, 30.0) if traits is None else (traits.brightness[0], traits.contrast[0])
    row: dict[str, Any] = {NAME: "example"}
    columns = image_columns(preparation.modalities, regions=preparation.regions)
    for image, mask in columns.values():
        shape = size if kinds.slices is None else (*size[::-1], kinds.slices[0])
        channels = () if kinds.slices is not None or kinds.channels[0] == 1 else (3,)
        values = draw.normal(mean, spread, (*shape, *channels))
        inside = np.zeros(shape, np.uint8)
        inside[tuple(slice(side // 4, 3 * side // 4 + 1) for side in shape)] = 1
        row[image] = _file_of(values, kinds.depths[0])
        if mask is not None:
            row[mask] = _file_of(inside, "uint8")
    covariates = (covariate.column for covariate in preparation.covariates)
    return pd.DataFrame([row | dict.fromkeys(covariates, "")])


_META_TYPES = {
    "uint8": "MET_UCHAR",
    "uint16": "MET_USHORT",
    "int16": "MET_SHORT",
    "float32": "MET_FLOAT",
}


def _file_of(values: NDArray[Any], depth: str) -> bytes:
    """Return the bytes of a file: PNG for 8 bits, TIFF for more, MetaImage for volumes."""
    if values.ndim == 3 and values.shape[-1] != 3:
        header = (
            f"ObjectType = Image\nNDims = 3\nDimSize = {' '.join(map(str, values.shape))}\n"
            f"ElementType = {_META_TYPES[depth]}\nElementDataFile = LOCAL\n"
        )
        return header.encode() + values.astype(depth).tobytes(order="F")
    limits = np.iinfo(depth) if depth != "float32" else None
    if limits is not None:
        values = values.clip(limits.min, limits.max)
    content = BytesIO()
    picture = Image.fromarray(values.astype("uint16" if depth == "int16" else depth))
    picture.save(content, "PNG" if depth == "uint8" else "TIFF")
    return content.getvalue()


def _served_folders(runs: Iterable[Run]) -> dict[str, Path]:
    """Return name of a run → the folder of its model, of those that score new cases."""
    folders = {
        run.name: path
        for run in runs
        for path, name in run.artefacts.items()
        if name == "model" and not run.failed
    }
    return {name: folder for name, folder in folders.items() if _is_served(folder)}


def _is_served(folder: Path) -> bool:
    """Return whether a model scores new cases: a reader's scores are a column of the data set."""
    return read_record(Deployment, folder / DEPLOYMENT).arm != "reader"


def _logged_models(client: Any, experiment: str, digests: Iterable[str]) -> dict[str, str]:
    """Return SHA-256 of a model's folder → id of the model that an earlier run logged of it.

    Of this version of skiagram alone: a logged model asks for the version that logged it.
    """
    from mlflow.entities import LoggedModelStatus

    names = ", ".join(f"'{digest}'" for digest in digests)
    if not names:
        return {}
    known = f"tags.`{_SHA256}` IN ({names}) AND tags.`{_VERSION}` = '{version('skiagram')}'"
    logged = client.search_logged_models([experiment], known)
    whole = [model for model in logged if model.status == LoggedModelStatus.READY]
    return {model.tags[_SHA256]: str(model.model_id) for model in whole}


@contextmanager
def _new_model(
    client: Any, experiment: str, folder: Path, digest: str, run_id: str
) -> Iterator[str]:
    """Log a model as MLflow serves it and yield its id; it is ready last, when it is whole.

    Not by MLflow's `log_model`, which loads the model to try its example and copies the run's
    metrics one by one: most of the time of recording.
    """
    from mlflow.models import Model
    from mlflow.pyfunc import save_model

    deployment = read_record(Deployment, folder / DEPLOYMENT)
    created = client.create_logged_model(
        experiment,
        f"{deployment.model}-{digest[:_NAMED]}",
        source_run_id=run_id,
        tags={_SHA256: digest, _VERSION: version("skiagram")},
        params=flatten_options(deployment.options),
    )
    model, status = str(created.model_id), "FAILED"
    try:
        with scratch_folder("record") as temporary:
            place = temporary / "model"
            identity = Model(model_id=model, model_uuid=model, run_id=run_id)
            with _real_files(folder) as files:
                save_model(path=place, mlflow_model=identity, **describe_pyfunc(files))
            client.log_model_artifacts(model, str(place))
        yield model
        status = "READY"
    finally:
        with suppress(Exception):  # that of the recording itself is the one to tell
            client.finalize_logged_model(model, status)


@contextmanager
def _run(client: Any, experiment: str, run: Run, marks: dict[str, str]) -> Iterator[str]:
    """Make a run and yield its id; it is finished last, which says that it is whole."""
    created = client.create_run(experiment, run_name=run.name, tags=run.tags | marks)
    run_id = str(created.info.run_id)
    try:
        yield run_id
    except Exception as error:
        if not _is_lost(error):  # else the next recording marks it
            with suppress(Exception):  # that of the recording itself is the one to tell
                client.set_terminated(run_id, "FAILED")
        raise
    client.set_terminated(run_id, "FAILED" if run.failed else "FINISHED")


def _note_view(client: Any, experiment: str) -> None:
    """Have the runs table open with what a sweep is about: options that differ, what to choose by.

    MLflow keeps a shared view of its table as a tag of the experiment; `RUNS_VIEW` is in its URL.
    """
    runs = client.search_runs([experiment], f"tags.`{_RECEIPT}` != ''", max_results=_MAX_VIEWED)
    whole = [run.data for run in runs if any(name in run.data.metrics for name in _SELECTION)]
    differ = _differing([run.params for run in whole])
    short = {name for name in differ if "." not in name}
    columns = [name for name in differ if name.rpartition(".")[2] not in short - {name}]
    selection = _selection_metrics(differ, [run.metrics for run in whole])
    view = {
        "searchFilter": f"tags.`{_RECEIPT}` != ''",  # whole runs, no single models
        "orderByKey": f"metrics.`{selection[0]}`",
        "orderByAsc": False,
        "selectedColumns": [
            *(f"params.`{name}`" for name in columns[:_MAX_COLUMNS]),
            *(f"metrics.`{name}`" for name in (*selection, *_REPORTED)),
            "tags.`skiagram.worth_it`",
        ],
    }
    client.set_experiment_tag(experiment, f"mlflow.sharedViewState.{RUNS_VIEW}", json.dumps(view))
    client.set_experiment_tag(experiment, "mlflow.experimentKind", "custom_model_development")


def _differing(values: Sequence[Mapping[str, Any]]) -> list[str]:
    names = sorted({name for each in values for name in each})
    return [name for name in names if len({each.get(name) for each in values}) > 1]


def _selection_metrics(options: Sequence[str], metrics: Sequence[Mapping[str, float]]) -> list[str]:
    """Return metrics to choose a run by, the one first that a sweep of these options is about.

    It is that of the only model whose options differ; else of the first arm whose value differs.
    """
    swept = {name.split(".")[1] for name in options if name.startswith("model.")}
    known = {name for each in metrics for name in each}
    model = [name for name in (f"selection_auc/{each}" for each in swept) if name in known]
    moved = [name for name in _SELECTION if name in _differing(metrics)]
    return list(dict.fromkeys((*(model if len(model) == 1 else ()), *moved, *_SELECTION)))


def _log(client: Any, run_id: str, run: Run, model: str | None = None) -> None:
    """Log what a run holds; figures that are no curves stand on the page of a new model too."""
    from mlflow.entities import Metric, Param

    now = int(time.time() * 1000)
    values = Counter(point.name for point in run.points)
    metrics = [
        Metric(name, value, now, step, model_id=model if values[name] == 1 else None)
        for name, value, step in run.points
    ]
    for start in range(0, len(metrics), _MAX_METRICS):
        client.log_batch(run_id, metrics=metrics[start : start + _MAX_METRICS])
    params = [Param(name, value) for name, value in run.params.items()]
    for start in range(0, len(params), _MAX_PARAMS):
        client.log_batch(run_id, params=params[start : start + _MAX_PARAMS])
    for path, folder in run.artefacts.items():
        log = client.log_artifacts if path.is_dir() else client.log_artifact
        with _real_files(path) as files:
            log(run_id, str(files), folder or None)


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
