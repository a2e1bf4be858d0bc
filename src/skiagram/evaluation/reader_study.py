"""Several readers of the same cases: their mean, and models against it."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from skiagram.evaluation.arm_selection import MeasuredRun
from skiagram.evaluation.comparisons import correct
from skiagram.evaluation.figure_table import FigureRow, make_row
from skiagram.statistics.linearised import Linearised
from skiagram.statistics.readers import estimate_of_readers, mean_of_readers, model_against_readers

READERS, MEAN_READER = "readers", "mean reader"


def study_readers_of_run(run: MeasuredRun) -> tuple[FigureRow, ...]:
    """Average the readers of a run and hold what stands for each arm against their mean.

    Nothing but of two classes.
    """
    if run.task.predicted.positive is None:
        return ()
    # The readers and what stands for the arms, without undefined areas.
    readers = {
        model.name: model.compared.figure
        for model in run.models
        if model.compared and model.arm == "reader"
    }
    chosen = {arm: model.figure for arm, model in run.standing.items() if arm != "either"}
    return study_readers(
        {name: area for name, area in readers.items() if np.isfinite(area.value)},
        {arm: area for arm, area in chosen.items() if np.isfinite(area.value)},
    )


def study_readers(
    readers: Mapping[str, Linearised], models: Mapping[str, Linearised]
) -> tuple[FigureRow, ...]:
    """Average two or more readers and hold models against their mean; nothing with fewer.

    The readers are taken as a sample of readers: the interval of their mean AUC is of other readers
    and other patients, and `spread` is the standard deviation of the true AUC between readers. P
    values of the models are corrected together (Holm 1979).

    Args:
        readers: Reader → AUC on the reported cases.
        models: Model → AUC on the same cases.
    """
    if len(readers) < 2:
        return ()
    # Each reader, and the mean of them as a sample of readers.
    row, placed = partial(make_row, analysis=READERS), list(readers.values())
    mean = mean_of_readers(placed)
    rows = [row(auc.estimate(), figure="roc_auc", model=name) for name, auc in readers.items()]
    rows.append(row(estimate_of_readers(mean, 0.0), figure="roc_auc", group=MEAN_READER))
    rows.append(row(mean.between, figure="spread"))
    # Each model against that mean.
    for name, model in models.items():
        difference = model_against_readers(model, placed)
        p = difference.variation.p(difference.value)
        estimate = estimate_of_readers(difference, -1.0)
        rows.append(row(estimate, figure="roc_auc", model=name, versus=MEAN_READER, p=p))
    return correct(rows)
