"""Areas under ROC curves of a model on reference cases."""

from skiagram.evaluation import discrimination
from skiagram.evaluation.bootstrap import PatientDraws, bootstrap_estimate, mean_over_repeats
from skiagram.evaluation.delong import Placements, auc_estimate, placements
from skiagram.evaluation.reference import Reference
from skiagram.evaluation.reported import Scores
from skiagram.evaluation.results import Estimate


def absent(cases: Reference) -> str:
    """Say which classes have no reported case."""
    counts = zip(cases.classes, cases.patients_by_class(), strict=True)
    names = [name for name, patients in counts if patients == 0]
    return f"no reported case of class {', '.join(names)}"


def auc_placements(scores: Scores, cases: Reference) -> Placements | None:
    """Return the placements of a binary task, or None where an AUC has none."""
    if scores.ranking is None or 0 in cases.patients_by_class():
        return None
    return placements(scores.ranking, cases.label == cases.positive, cases.patient)


def roc_auc(scores: Scores, cases: Reference, draws: PatientDraws) -> Estimate:
    """Estimate the AUC: by DeLong for two classes, one-vs-rest by bootstrap for more."""
    if 0 in cases.patients_by_class():
        return Estimate(None, reason=absent(cases))
    found = auc_placements(scores, cases)
    if found is not None:
        return auc_estimate(found)
    return bootstrap_estimate(
        mean_over_repeats(
            lambda one, weights: discrimination.one_vs_rest_auc(one, cases.label, weights),
            scores.probability,
        ),
        draws,
    )


def class_auc(scores: Scores, cases: Reference) -> tuple[Estimate, ...]:
    """Estimate the AUC of each class against all others, by its probability; empty for two."""
    if cases.positive is not None:
        return ()
    found = []
    for k, patients in enumerate(cases.patients_by_class()):
        own = cases.label == k
        if patients == 0 or own.all():
            found.append(Estimate(None, reason=absent(cases)))
        else:
            found.append(auc_estimate(placements(scores.probability[:, :, k], own, cases.patient)))
    return tuple(found)
