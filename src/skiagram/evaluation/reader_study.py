"""Several readers of the same cases: their mean, and models against it."""

from collections.abc import Mapping

from skiagram.evaluation.evaluation_record import ReaderStudy
from skiagram.evaluation.results import TestedDifference
from skiagram.statistics.delong import Placements, auc_estimate
from skiagram.statistics.readers import estimate_of_readers, mean_of_readers, model_against_readers
from skiagram.statistics.significance import correct_by_holm


def study_readers(
    readers: Mapping[str, Placements], models: Mapping[str, Placements]
) -> ReaderStudy | None:
    """Average two or more readers and hold models against their mean; None with fewer.

    P values of the models are corrected together (Holm 1979).

    Args:
        readers: Reader → placements on the reported cases.
        models: Model → placements on the same cases.
    """
    if len(readers) < 2:
        return None
    own = list(readers.values())
    mean = mean_of_readers(own)
    compared = {name: model_against_readers(model, own) for name, model in models.items()}
    p = {name: difference.variation.p(difference.value) for name, difference in compared.items()}
    holm = dict(zip(p, correct_by_holm(p.values()), strict=True))
    return ReaderStudy(
        readers={name: auc_estimate(placements) for name, placements in readers.items()},
        mean=estimate_of_readers(mean, 0.0),
        between=mean.between,
        models={
            name: TestedDifference(estimate_of_readers(difference, -1.0), p[name], holm[name])
            for name, difference in compared.items()
        },
    )
