"""`skiagram predict`: new cases, scored with a trained model."""

import argparse
import atexit
import gc
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pandas as pd

from skiagram.compute.workers import IN_PROCESS
from skiagram.datasets.folder.roles import PATIENT, ROLES, usual_column
from skiagram.deploy.card import CAUTION
from skiagram.deploy.inputs import require_covariates
from skiagram.deploy.model import DeployedModel
from skiagram.deploy.new_cases import NewCase, cases_of_features, find_cases, list_cases
from skiagram.deploy.package import opened_model, works_on_nothing
from skiagram.deploy.page import write_page
from skiagram.deploy.prediction import (
    CaseResult,
    check_target,
    marks_table,
    score_cases,
    write_marks,
    write_table,
)
from skiagram.errors import DataError, printable, refusal
from skiagram.evaluation.sentences import say
from skiagram.intake.file_options import FileOptions
from skiagram.intake.file_patterns import find_images
from skiagram.intake.structures import find_structures
from skiagram.readers.case_images import read_as_stated
from skiagram.tables.frames import read_csv, replace_columns

_MAX_LINES = 20
_SENTENCES = {  # column → what is said of it; how many cases of how many, and the first
    "error": "{} of {} cases left out: the column `error` says why.",
    "missing": "{} of {} cases lack what the model reads, first {}. The column `missing` says "
    "what. A table (--table) says more of images, such as whose they are (`patient_id`, `visit`).",
    "unseen": "{} of {} cases have a covariate text that too few cases for training had, first "
    "{}. It counts as none of the known categories.",
    "unusual": "{} of {} cases are unlike all training cases, first {}. Do not trust their "
    "scores, a person must look; the column `unusual` names each reason.",
}


def run(arguments: argparse.Namespace) -> int:
    """Score the cases and write the table; return 0, or 4 where a case could not be scored."""
    # No target may be one of the inputs, or be there already without --force.
    output: Path = arguments.output
    for path in filter(None, (output, arguments.page)):
        check_target(path, arguments.files, replace=arguments.force)
    with ExitStack() as opened:
        with _without_collection():
            # The model, read as the line says images are to be read.
            reading = read_as_stated(arguments.unstated_spacing, arguments.mask_grid)
            model = opened.enter_context(opened_model(arguments.model, reading))
        if arguments.page is not None and not model.task.defines("decisions"):
            raise refusal("cli.no_page_of_outcome", outcome=model.task.predicted.words)
        if model.scorer.finders:
            check_target(marks_table(output), arguments.files, replace=arguments.force)
        # The cases, and what the model reads beside their images.
        cases = cases_of(arguments, model)
        check_target(output, (case.name for case in cases), replace=arguments.force)
        require_covariates(model.scorer.covariates, cases)
        # What must be said before any score is shown.
        useless = say("answer.nothing_works") if works_on_nothing(arguments.model) else ""
        print(*filter(None, (CAUTION, useless, model.rule)), sep="\n", file=sys.stderr)
        # The scores.
        compute = replace(IN_PROCESS, workers=arguments.workers or "auto")
        results = list(score_cases(model, cases, compute))
        refused = _write(arguments, model, cases, results, useless)
    return DataError.exit_code if refused else 0


@contextmanager
def _without_collection() -> Iterator[None]:
    """Look for no garbage while libraries and a model are loaded: it takes a fifth of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if "torch" in sys.modules:  # parts of which print of leaks where nothing lets go of them
            atexit.register(gc.unfreeze)
        if enabled:
            gc.enable()


def cases_of(arguments: argparse.Namespace, model: DeployedModel) -> list[NewCase]:
    """Return the cases that the arguments name, as the model needs them."""
    preparation, place = model.preparer.preparation, Path(arguments.files[0])
    covariates = {covariate.column for covariate in model.scorer.covariates}
    # A model on a table of features reads such a table.
    if (measured := model.scorer.measured) is not None:
        if len(arguments.files) > 1 or not FileOptions(place).is_table:
            raise refusal("cli.table_of_features", files=arguments.files)
        patient = preparation.columns.get("patient", preparation.patient_column)
        cases = cases_of_features(place, measured, arguments.missing, patient)
        read = {*measured, *covariates}
        # Rows may be of several structures of each patient, which columns that are not read tell
        # apart: a model on one knows nothing of another.
        names = [name for name in cases[0].cells if name not in read]
        frame = pd.DataFrame([{name: case.cells[name] for name in names} for case in cases])
        column = patient if patient in frame else usual_column(names, ROLES["patient"].usual)
        if apart := find_structures(frame, column, read):
            raise refusal("cli.several_structures", column=apart[0], structures=apart[1])
        return cases
    # files by themselves
    if arguments.table is None and not arguments.pattern:
        if preparation.modalities:
            raise refusal("cli.case_of_modalities", modalities=preparation.modalities)
        return find_cases(arguments.files, volumes=preparation.of_volumes)
    # A table or a pattern lists the files of one folder.
    if (arguments.table is not None and arguments.pattern) or len(arguments.files) != 1:
        raise refusal("cli.told_twice")
    # a row an image, of a table or by the files' names; an image without its mask has one, too
    if arguments.table is not None:
        frame = read_csv(arguments.table, arguments.missing)
        # columns may be called as in training, or have the usual names
        for role, name in preparation.columns.items():
            usual = PATIENT if role == "patient" else role
            if name in frame and usual not in covariates:
                if usual in frame and not frame[usual].equals(frame[name]):
                    raise refusal("cli.two_columns", arguments.table, columns=[name, usual])
                frame = replace_columns(frame, {usual: frame[name]})
        return list_cases(place, frame, preparation.modalities)
    # The names of the files tell case, mask and patient.
    found = find_images(place, arguments.pattern, cut=arguments.cut)
    if found.frame.empty:
        raise refusal("cli.no_image_fits", str(place), patterns=arguments.pattern)
    if found.note:
        print(printable(found.note), file=sys.stderr)
    frame = found.frame.drop(columns=["label", "split"])
    frame = frame.loc[:, (frame != "").any()]
    return list_cases(place, frame.set_axis(frame.index + 2), preparation.modalities)


def _write(
    arguments: argparse.Namespace,
    model: DeployedModel,
    cases: Sequence[NewCase],
    results: Sequence[CaseResult],
    warning: str,
) -> int:
    """Say what must not be overlooked, write page, table and marks; return how many cases failed.

    Args:
        warning: What the page says before any score; see `write_page`.

    Raises:
        DataError: None could be; nothing is written.
    """
    # what must not be overlooked
    failed = [result for result in results if result.error]
    for result in failed[:_MAX_LINES]:
        print(printable(result.error), file=sys.stderr)
    for kind, sentence in _SENTENCES.items():
        told = [result for result in results if getattr(result, kind)]
        if told:
            first = f"{told[0].file}: {'; '.join(getattr(told[0], kind))}"
            print(printable(sentence.format(len(told), len(results), first)), file=sys.stderr)
    output: Path = arguments.output
    if len(failed) == len(cases):
        raise refusal("cli.nothing_scored", str(output))
    # the files
    if arguments.page is not None:
        shown = write_page(results, cases, model, arguments.page, warning)
        if shown < len(cases):
            print(f"{arguments.page} shows {shown} of {len(cases)} cases.", file=sys.stderr)
    write_table(results, model, output)
    if model.scorer.finders:
        write_marks(results, marks_table(output))
    return len(failed)
