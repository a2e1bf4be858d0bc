"""Step train: one model of either arm in all its folds and repeats, from prepared data.

A run that was killed takes up its fits.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from skiagram.compute.code_digest import name_piece
from skiagram.compute.context import RunContext
from skiagram.fitting.arm import ArmFolders, Member, TrainOptions, read_fold_groups, train
from skiagram.fitting.contract import ReadsData
from skiagram.fitting.deployment import complete_folder
from skiagram.fitting.fits import keep_fits
from skiagram.fitting.reading import I, Reading, digest_inputs
from skiagram.preparation import LEARNED, PREPARATION, TRAINING_MEAN, PreparedData
from skiagram.records.files import read_record
from skiagram.records.predictions import Outcome
from skiagram.tasks.cases import Cases, read_cases
from skiagram.tasks.task import Task


def train_model(
    name: str,
    model: ReadsData[Any],
    options: TrainOptions,
    prepared: PreparedData,
    cases: Cases,
    task: Task,
    folders: ArmFolders,
    context: RunContext,
) -> Outcome:
    """Train a model on what it reads, and write its folders of models and scores.

    Args:
        model: The model that `options.model` describes.
        cases: Those to train on and to score; all of the data set, or some.
        folders: Where it writes, and where fits under way are kept if the caller keeps them.
        context: Its store keeps fits under way, by all that they depend on.
    """
    # Under `cv` all cases take part, of which a subset may be learned from.
    reading = model.read(prepared, task)
    learned = options.plan.limit(cases)
    cases = learned if task.design == "holdout" else cases
    member = join_inputs(name, model, options, prepared, reading, cases, task)

    def make(folders: ArmFolders) -> Outcome:
        with context.compute.limit():
            predictions = train(member, cases, task, options.plan, folders, context.compute)
            if reading.encoding is not None:
                from skiagram.encoders.encoder import carry_encoder

                carry_encoder(reading.encoding, folders.model)
            is_whole = predictions.outcome.status == "finished"
            traits = reading.traits() if is_whole else None
            outputs = (folders.model, predictions, learned)
            complete_folder(*outputs, reading.preparation, traits, reading.covariates)
        return predictions.outcome

    # Without a store the fits are made each time; else those at hand are taken.
    if context.store is None:
        return make(folders)
    inputs = piece_inputs(member, options, reading, cases, task)
    training = name_piece(f"model-{name}", inputs, train_model, type(model))
    with keep_fits(context, training) as fits:
        return make(replace(folders, fits=fits))


def train_in_project(
    root: Path,
    name: str,
    model: ReadsData[Any],
    options: TrainOptions,
    target: Path,
    context: RunContext,
) -> None:
    """Train a model of a project; its `models` and `scores` go below `target`."""
    prepared, (cases, task) = PreparedData.under(root / "data"), read_cases(root / "data/cases")
    folders = ArmFolders.under(target, name)
    train_model(name, model, options, prepared, cases, task, folders, context)


def describe(options: dict[str, Any], reading: Reading[Any]) -> dict[str, Any]:
    """Return what results say of a model: its options, and the encoder's whose numbers it reads."""
    if reading.encoding is None:
        return options
    from skiagram.encoders.encoder import RECORD, EncoderRecord

    record = read_record(EncoderRecord, reading.encoding / RECORD)
    return {"encoder": asdict(record), "head": options}


def join_inputs(
    name: str,
    model: ReadsData[I],
    options: TrainOptions,
    prepared: PreparedData,
    reading: Reading[I],
    cases: Cases,
    task: Task,
) -> Member[I]:
    """Join a model with its inputs of all cases, and what its folds hold out."""
    return Member(
        name,
        model,
        describe(options.model, reading),
        reading.of(cases.development().case_id),
        reading.of(cases.test().case_id),
        read_fold_groups(options.plan, prepared.cases / "covariates.parquet", cases, task),
        titled=reading.title,
    )


def piece_inputs(
    member: Member[Any], options: TrainOptions, reading: Reading[Any], cases: Cases, task: Task
) -> dict[str, Any]:
    """Return all that any byte of a training depends on but code, as JSON."""
    # What each fit learned with: groups and device.
    groups = None if member.group is None else member.group.tolist()
    trainer = getattr(member.model, "trainer", None)
    trained_on: list[str] = []  # of a classical model nothing: its bytes are equal everywhere
    if trainer is not None:
        from skiagram.training.devices import describe_device

        trained_on = describe_device(trainer)
    # Files on how images were prepared and encoded, which go into the model's folder, too.
    carried: list[Path] = []
    for folder in (reading.preparation, reading.encoding):
        if folder is not None:
            named = (folder / name for name in (PREPARATION, TRAINING_MEAN))
            carried += [path for path in named if path.exists()]
            carried += [path for path in sorted((folder / LEARNED).rglob("*")) if path.is_file()]
    return {
        "cases": cases.digest(repr(task), repr(groups), repr(reading.covariates)),
        "model": repr(member.model),
        "title": member.title,
        "options": options.model,
        "described": json.dumps(member.options),
        "plan": asdict(options.plan),
        "threads": options.compute.threads,
        "device": trained_on,
        "read": reading.sha256,
        "carried": digest_inputs(*carried),
    }
