"""Step train: one model of either arm in all its folds and repeats, from prepared data."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from skiagram.compute.code_digest import code_digest, named_targets
from skiagram.models.arm import ArmFolders, Member, TrainOptions, read_fold_groups, train
from skiagram.models.contract import ReadsData
from skiagram.models.deployment import complete_folder
from skiagram.models.fits import kept_fits
from skiagram.models.reading import Reading
from skiagram.preparation import PreparedData
from skiagram.records import Cases, Outcome, Task, read_record


def train_model(
    name: str,
    model: ReadsData[Any],
    options: TrainOptions,
    prepared: PreparedData,
    cases: Cases,
    task: Task,
    folders: ArmFolders,
    finished: Callable[[], bool] = lambda: True,
) -> Outcome:
    """Train a model on what it reads, and write its folders of models and scores.

    Args:
        model: The model that `options.model` describes.
        cases: Those to train on and to score; all of the data set, or some.
        folders: Where it writes; `work` is where fits under way are kept, None keeps none.
        finished: Called at the end; tells whether fits under way are no longer needed.
    """
    reading = model.read(prepared, task)
    groups = read_fold_groups(options.plan, prepared.cases / "covariates.parquet", cases, task)
    member = Member(
        name,
        model,
        describe(options.model, reading),
        reading.of(cases.development().case_id),
        reading.of(cases.test().case_id),
        groups,
        reading.title,
    )
    unfinished = _kept(model, options, reading, cases, task, folders.work, finished)
    with options.compute.limit(), unfinished as work:
        kept = replace(folders, work=work)
        outcome = train(member, cases, task, options.plan, kept, options.compute)
        if reading.encoding is not None:
            from skiagram.encoders.encoder import carry_encoder

            carry_encoder(reading.encoding, folders.model)
        traits = reading.traits() if outcome.status == "finished" else None
        made = (folders.model, folders.scores, cases)
        complete_folder(*made, reading.preparation, traits, reading.covariates)
    return outcome


def describe(options: dict[str, Any], reading: Reading[Any]) -> dict[str, Any]:
    """Return what results say of a model: its options, and the encoder's whose numbers it reads."""
    if reading.encoding is None:
        return options
    from skiagram.encoders.encoder import RECORD, EncoderRecord

    record = read_record(EncoderRecord, reading.encoding / RECORD)
    return {"encoder": asdict(record), "head": options}


def _kept(
    model: ReadsData[Any],
    options: TrainOptions,
    reading: Reading[Any],
    cases: Cases,
    task: Task,
    work: Path | None,
    finished: Callable[[], bool],
) -> AbstractContextManager[Path | None]:
    """Return the folder of fits that belong to these inputs, options and code."""
    if work is None:
        return nullcontext()
    code = code_digest(train_model, type(model), *named_targets(asdict(options)))
    given = (task, model, options.plan, options.compute.threads, reading.sha256)
    return kept_fits(work, cases, repr(given), code, finished)
