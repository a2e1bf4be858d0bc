"""Step explain: what the scores of a trained model rest on, and which explanations bear a test.

Training keeps the fits on all development cases alone. Those of the folds, which gave the
out-of-fold scores, are made again by the same function and seed, as a piece of the store: each
explains the cases that it did not see.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.code_digest import name_piece
from skiagram.compute.context import RunContext
from skiagram.compute.scratch import scratch_folder
from skiagram.errors import refusal
from skiagram.explanation.explained_model import ExplainedModel, ExplanationOptions, FoldFit
from skiagram.explanation.features import explain_features
from skiagram.explanation.importance import import_shap
from skiagram.explanation.maps import MappedModel
from skiagram.explanation.record import EXPLANATION, Explanation
from skiagram.explanation.regions import find_regions, make_observer, measure_blanking
from skiagram.fitting.arm import ArmFolders, TrainOptions, require_classes
from skiagram.fitting.contract import ReadsData
from skiagram.fitting.cross_validation import CrossValidator
from skiagram.fitting.deployment import repeat_folder
from skiagram.fitting.fits import keep_fits
from skiagram.models.learner import learner_of
from skiagram.options import build
from skiagram.preparation import PreparedData
from skiagram.records.files import read_table, write_record
from skiagram.records.predictions import Outcome, Predictions, scores_of
from skiagram.steps.train import join_inputs, piece_inputs
from skiagram.strict import STRICT
from skiagram.tasks.cases import read_cases
from skiagram.tasks.task import Task
from skiagram.training.options import Trainer, decide_vertical_flips


@options_class(**STRICT)
class ExplainOptions(TrainOptions):
    """How a model was trained, on what, and how it is explained.

    Attributes:
        trainer: Where networks are trained.
        upside_down: Whether networks also learned from images turned upside down.
        dataset: `_target_` and options of the source, which may know the ideal observer.
        features: Name → `_target_` and options of each feature family, in column order.
        encoders: Name → `_target_` and options of each frozen encoder.
        explanation: How the model is explained.
    """

    trainer: Trainer
    dataset: dict[str, Any]
    features: dict[str, dict[str, Any]]
    encoders: dict[str, dict[str, Any]]
    explanation: ExplanationOptions
    upside_down: bool = False


def explain_model(
    name: str,
    options: ExplainOptions,
    prepared: PreparedData,
    trained: ArmFolders,
    target: Path,
    context: RunContext,
) -> None:
    """Write `explanation.json`; nothing of a model that could not be trained.

    Args:
        trained: What training wrote.

    Raises:
        OptionError: Such a model, or such a task, is not explained.
    """
    target.mkdir(parents=True, exist_ok=True)
    predictions = Predictions.read(trained.scores)
    if predictions.outcome.status == "failed":
        return
    # The fits that did not see a case explain it.
    model = refit(name, options, prepared, trained, predictions.outcome, context)
    # The ideal observer of generated data, and the regions to look at.
    source = build(options.dataset, "dataset")
    observer = make_observer(source)
    word = "marked lesion" if observer is None else "nodule"
    development_cases = model.known
    model = replace(model, regions=find_regions(prepared, development_cases.case_id.tolist(), word))
    # How scores change where region or surroundings are blanked.
    blanking = None
    if options.explanation.blanked:
        with scratch_folder("blanking") as folder:
            blanking = measure_blanking(model, folder)
    # Classical models by their features, networks by maps.
    features = maps = None
    if predictions.outcome.arm == "classical":
        features = explain_features(model)
    elif model.encoding is None:
        maps = MappedModel.make(model).explain(observer)
    explanation = Explanation(
        model=name,
        title=predictions.outcome.title,
        positive=model.task.predicted.classes[model.positive],
        word="" if model.regions is None else model.regions.word,
        cases=len(development_cases),
        patients=len(set(development_cases.patient_id.tolist())),
        repeats=model.plan.repeats,
        fits=len(model.fits),
        difference=largest_difference(model, predictions),
        auc=model.mean_auc(),
        blanking=blanking,
        features=features,
        maps=maps,
    )
    write_record(explanation, target / EXPLANATION)


def refit(
    name: str,
    options: ExplainOptions,
    prepared: PreparedData,
    trained: ArmFolders,
    outcome: Outcome,
    context: RunContext,
) -> ExplainedModel:
    """Make the fits of a model again that scored development cases unseen.

    With the threads and on the kind of machine that training had, they are the same to the bit.
    """
    # The model as it was trained, on the development cases.
    cases, task = read_cases(prepared.cases)
    model = _open(options, outcome, task)
    reading = model.read(prepared, task)
    member = join_inputs(name, model, options, prepared, reading, cases, task)
    development_cases = member.known(cases, task)
    # Fit → epochs that it trained for, of those that no validation cases ended.
    curves = read_table(trained.scores / "curves.parquet")
    if "validation_loss" in curves:
        curves = curves[curves["validation_loss"].isna()]
    epochs = {str(fit): int(count) for fit, count in curves.groupby("fit").size().items()}
    inputs = piece_inputs(member, options, reading, cases, task) | {"epochs": epochs}
    piece = name_piece(f"refits-{name}", inputs, refit, type(model))

    # The same folds as in training; their fits are made in a folder of the store.
    validator = CrossValidator(
        model, options.plan, task.predicted.positive, compute=context.compute
    )

    def make(folder: Path) -> None:
        held_out = replace(validator, pieces=pieces, models=folder.resolve())
        with context.compute.limit():
            fits = held_out.make(held_out.held_out_fits(development_cases, task.design, epochs))
            for title, made in fits.items():
                np.save(folder / f"{title}.npy", made.scores[0], allow_pickle=False)

    with keep_fits(context, piece) as pieces:  # another process may make it meanwhile
        folder = context.require_store().make(piece, make)
    # Each fit explains the cases that it did not see.
    explained = ExplainedModel(
        name=name,
        model=model,
        final=trained.model / repeat_folder(0),
        known=development_cases,
        task=task,
        prepared=prepared,
        plan=options.plan,
        fits=(),
        options=options.explanation,
        families=options.features,
        encoders=options.encoders,
        encoding=reading.encoding,
        fused=reading.is_fused,
        context=context,
    )
    made_fits = validator.held_out_fits(development_cases, task.design, epochs)
    fits: list[FoldFit] = []
    for number, fit in enumerate(made_fits):
        _, held_out = fit.scored[0]
        ranking = explained.ranking_of(np.load(folder / f"{fit.title}.npy"))
        fits.append(FoldFit(number, folder / fit.title, model, fit.training, held_out, ranking))
    return replace(explained, fits=tuple(fits))


def _open(options: ExplainOptions, outcome: Outcome, task: Task) -> ReadsData[Any]:
    """Return the untrained model, once all that its explanation needs is there."""
    # What is explained: two classes, all cases.
    require_classes(task, "explained", "explanations", "set `explained: []` in params.yaml")
    classes = len(task.predicted.classes)
    if classes != 2:
        raise refusal("steps.explained_classes", number=classes)
    if options.plan.subset is not None:
        raise refusal("steps.explained_subset")
    # A model of cases: neither a reader nor a finder of places.
    values = decide_vertical_flips(options.model, upside_down=options.upside_down)
    model = learner_of(build(values, "model"), options.trainer, options.compute.threads)
    is_finder = model.finds_in is not None
    if outcome.arm == "reader" or is_finder:
        fault = "judges places, not cases" if is_finder else "is a reader, not a model"
        where, title = f"explained: {outcome.model}", outcome.title
        raise refusal("steps.explained_model", where, title=title, fault=fault)
    # The libraries that the explanation needs are there before it begins.
    if outcome.arm == "classical" and options.explanation.importance.shap_cases:
        import_shap()
    by_gradients = {"grad_cam", "integrated_gradients"} & {*options.explanation.maps.methods}
    if outcome.arm == "deep" and by_gradients:
        from skiagram.explanation.saliency import import_captum

        import_captum()
    return model


def largest_difference(model: ExplainedModel, predictions: Predictions) -> float:
    """Return how far scores of the fits lie at most from the out-of-fold scores of training."""
    folds = predictions.part("out_of_fold").groupby(["repeat", "fold"], sort=True)
    differences = []
    for fit, (_, rows) in zip(model.fits, folds, strict=True):
        case_id = model.known.case_id[fit.held_out].tolist()
        predicted = model.ranking_of(scores_of(rows.set_index("case_id").loc[case_id]))
        differences.append(float(np.abs(fit.ranking - predicted).max()))
    return max(differences)
