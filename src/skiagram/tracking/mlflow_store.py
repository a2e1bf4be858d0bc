"""MLflow: a parent run an execution, a child a model; the only module that imports it.

Plain artefacts only: MLflow's own model formats pickle. MLflow's automatic logging stays off,
because a stage writes once, when all is known.
"""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.options import STRICT
from skiagram.tracking.contract import Execution, NotRecorded, Run

_ENVIRONMENT = {  # by default a dead server stalls each call for minutes
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_METRICS_A_CALL = 1000
_PARAMS_A_CALL = 100
_RECEIPT = "skiagram.receipt"
_EXPERIMENT = "DVC_EXP_NAME"
_OPENING = "skiagram.opening."


@dataclass(**STRICT)
class MLflowStore:
    """An MLflow database or server.

    Attributes:
        uri: Where runs go; None for `mlflow.db` in the project's folder, which `mlflow ui` run
            there shows.
        experiment: Name of the MLflow experiment.
    """

    uri: str | None
    experiment: Annotated[str, Field(min_length=1)]

    def record(self, execution: Execution, home: Path) -> str:
        """Record an execution once.

        A finished parent run with the same receipt and experiment name is left as it is; one that
        was cut short stays unfinished and is recorded anew.

        Raises:
            NotRecorded: The database or server could not be reached or refused.
        """
        with self._opened(home, "not recorded") as (client, experiment, place):
            if _is_recorded(client, experiment, execution):
                return f"Already recorded in {place}."
            _write(client, experiment, execution)
        return f"Recorded {len(execution.children)} runs in {place}."

    def share_openings(self, openings: Mapping[str, str], home: Path) -> Mapping[str, str]:
        """Keep entries of the seal's ledger as tags of the experiment, and return all of them.

        Raises:
            NotRecorded: The database or server could not be reached or refused.
        """
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
        """Yield a client, the id of the experiment, and what messages call the place."""
        uri, place = self._place(home)
        try:
            client = _client(uri)
            yield client, self._experiment(client, uri, home), place
        except Exception as error:  # whatever happens to a tracker, it costs no result
            raise NotRecorded(f"{failed} in {place} ({_cause(error)})") from error

    def _place(self, home: Path) -> tuple[str, str]:
        """Return the address, and what messages call it: without a password."""
        uri = self.uri or f"sqlite:///{home / 'mlflow.db'}"
        return uri, f"{uri.rpartition('@')[2]}, experiment {self.experiment}"

    def _experiment(self, client: Any, uri: str, home: Path) -> str:
        experiment = client.get_experiment_by_name(self.experiment)
        if experiment is not None:
            return str(experiment.experiment_id)
        local = uri.startswith("sqlite:")  # a server knows its own place
        location = (home / "mlartifacts").as_uri() if local else None
        return str(client.create_experiment(self.experiment, artifact_location=location))


def _client(uri: str) -> Any:
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from mlflow.tracking import MlflowClient

    for name in ("alembic", "mlflow", "urllib3"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=uri)


def _cause(error: BaseException) -> str:
    """Return what lies at the bottom of a chain of errors, in one line."""
    while error.__context__ is not None:
        error = error.__context__
    return " ".join(str(error).split())[:200] or type(error).__name__


def _is_recorded(client: Any, experiment: str, execution: Execution) -> bool:
    same = client.search_runs(
        [experiment],
        filter_string=f"tags.`{_RECEIPT}` = '{execution.receipt.digest}' "
        "and attributes.status = 'FINISHED'",
    )
    return any(run.data.tags.get(_EXPERIMENT) == execution.name for run in same)


def _write(client: Any, experiment: str, execution: Execution) -> None:
    marks = {_RECEIPT: execution.receipt.digest, _EXPERIMENT: execution.name}
    parent = _start(client, experiment, execution.parent, marks)
    for child in execution.children:
        run_id = _start(client, experiment, child, {"mlflow.parentRunId": parent})
        client.set_terminated(run_id, "FAILED" if child.failed else "FINISHED")
    client.set_terminated(parent, "FINISHED")  # last: it says that the recording is whole


def _start(client: Any, experiment: str, run: Run, marks: dict[str, str]) -> str:
    from mlflow.entities import Metric, Param

    created = client.create_run(experiment, run_name=run.name, tags=run.tags | marks)
    run_id = str(created.info.run_id)
    now = int(time.time() * 1000)
    metrics = [Metric(point.name, point.value, now, point.step) for point in run.points]
    for start in range(0, len(metrics), _METRICS_A_CALL):
        client.log_batch(run_id, metrics=metrics[start : start + _METRICS_A_CALL])
    params = [Param(name, value) for name, value in run.params.items()]
    for start in range(0, len(params), _PARAMS_A_CALL):
        client.log_batch(run_id, params=params[start : start + _PARAMS_A_CALL])
    for path, folder in run.artefacts.items():
        log = client.log_artifacts if path.is_dir() else client.log_artifact
        log(run_id, str(path), folder or None)
    return run_id
