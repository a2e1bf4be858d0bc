"""Traits that give the label away: whoever learns them has learned nothing of the disease.

Each trait is a few numbers per image. An additive classifier (ridge regression on the values' bins)
is cross-validated by patient. Chance is what the same classifier reaches on labels that were
permuted among patients: a permutation test that needs no large samples (Ojala & Garriga 2010, JMLR
11:1833, test 1). All probes of a data set count together: an alarm is measured against the greatest
luck of any in each permutation (Westfall & Young 1993, *Resampling-based multiple testing*).
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold

from skiagram.audit.contract import Evidence, Finding, Severity, examples
from skiagram.records import Cases
from skiagram.seeding import derived_seed, stream
from skiagram.statistics.delong import auc_estimate, placements
from skiagram.statistics.permutation import class_aucs, indicators, permute_by_patient

SHORTCUT_AUC = 0.6
PERMUTATIONS = 499
MIN_PATIENTS = 10
_ALLOWED_RANK = 5  # of 500 with the data set itself: one in a hundred
_LEAK_AUC = 0.95
_MAX_EXAMPLES = 5
_FOLDS = 5
_DISTINCT = 20
_QUANTILES = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
_PENALTY = 10.0
_NUMBERS_AT_ONCE = 1_000_000
_DIGITS = 6  # beyond them the number of threads shows
_SEED = 20_100_611


Scores = NDArray[np.float64]


@dataclass(frozen=True)
class ShortcutTrait:
    """One trait of images."""

    description: str
    caveat: str
    remedy: str
    severity: Severity = "warning"


_FORMAT_REMEDY = (
    "export all images in the same way, and find out where those of each class come from"
)
SHORTCUT_TRAITS: Mapping[str, ShortcutTrait] = {
    "border": ShortcutTrait(
        "the outermost pixels (mean, minimum and maximum at each corner and side)",
        "A mark, ruler or wedge that occurs in one class only would explain it; so would the organ "
        "itself where it reaches the border, as in small images.",
        "look at the borders of both classes; crop or mask what does not belong to the patient",
    ),
    "brightness": ShortcutTrait(
        "the mean of all pixels",
        "The disease may explain it, and so may another device or exposure.",
        "find out how each class was taken; compare devices, or normalise intensities",
    ),
    "clipping": ShortcutTrait(
        "the shares of pixels at the minimum and at the maximum of their image",
        "Another exposure or export would explain it; so would a lesion outside the window.",
        "find out how each class was exported; widen the window",
    ),
    "empty_pixels": ShortcutTrait(
        "the shares of pixels that are missing or exactly 0",
        "Masks, padding or another export of one class would explain it.",
        "mask or pad all images in the same way",
    ),
    "sharpness": ShortcutTrait(
        "how sharp images are (differences of next neighbours against those of second ones)",
        "Another device, enlargement or blur of one class would explain it; so would its texture.",
        "find out how each class was taken and resized; export all images in the same way",
    ),
    "noise": ShortcutTrait(
        "the noise of the images, as such and against their contrast",
        "Another dose, device or smoothing would explain it; so may the texture of the disease.",
        "find out how each class was taken; compare devices",
    ),
    "compression": ShortcutTrait(
        "steps between blocks of 8 × 8 pixels, as JPEG leaves them",
        "No disease explains it, unless it repeats every 8 pixels.",
        "go back to images before compression, or compress all in the same way",
    ),
    "gray_levels": ShortcutTrait(
        "the number of different pixel values",
        "Another window, depth or export of one class would explain it; so may its contrast.",
        "export all images from the same depth, with the same window",
    ),
    "lowest_bits": ShortcutTrait(
        "the lowest bits of the pixels",
        "No disease shows there: values were scaled, or something was written into them.",
        "export all images in the same way, from the original values",
    ),
    "format": ShortcutTrait(
        "height, width, channels and pixel type of the images",
        "No disease explains it.",
        _FORMAT_REMEDY,
    ),
    "spacing": ShortcutTrait("the pixel spacing in mm", "No disease explains it.", _FORMAT_REMEDY),
    "case_order": ShortcutTrait(
        "the position of an image among the sorted case and patient ids",
        "The ids were then not assigned at random.",
        "shuffle before ids are assigned",
    ),
    "file_order": ShortcutTrait(
        "the position of the file in the table or among the names, or the number in its name",
        "No model sees this, but images collected class by class often differ in other ways too.",
        "find out if classes were taken at different times or places; add device and site as "
        "covariates",
        "note",
    ),
    "acquisition": ShortcutTrait(
        "the covariates that describe how an image was taken",
        "A model may then learn the device instead of the disease.",
        "compare classes within one device or site, or balance them",
    ),
}


@dataclass(frozen=True)
class Probe:
    """How well the label is told.

    Attributes:
        score: (m,) out-of-fold score of that class.
        luck: (permutations,) how many spreads above ½ the best class came in each permutation.
    """

    auc: float
    label: int
    chance: float
    score: Scores
    spread: float
    luck: Scores


def check_shortcuts(evidence: Evidence) -> list[Finding]:
    """Look for traits from which the label of development cases can be told."""
    traits = evidence.traits
    if traits is None:
        return []
    cases = evidence.cases.select(traits.rows)
    tried = allow_for_all(
        {
            (kind, name): _probe_trait(values, cases)
            for kind, of_kind in (("image", traits.images), ("column", traits.covariates))
            for name, values in of_kind.items()
        }
    )
    probes = {name: probe for (kind, name), probe in tried.items() if kind == "image"}
    columns = {name: probe for (kind, name), probe in tried.items() if kind == "column"}
    of_images = [
        _shortcut_finding(name, trait, probes[name], cases, evidence.task.classes)
        for name, trait in SHORTCUT_TRAITS.items()
        if name in probes
    ]
    return [
        *of_images,
        *_find_label_columns(columns, cases),
        _list_probes({**probes, **columns}, cases),
    ]


def allow_for_all(
    probes: Mapping[tuple[str, str], Probe | None],
) -> dict[tuple[str, str], Probe | None]:
    """Return the probes with the chance that any of them has, not each on its own.

    Their permutations are the same, so the greatest luck among all probes in each of them is what
    chance alone brings to a data set (Westfall & Young 1993, section 2.3).
    """
    tried = [probe for probe in probes.values() if probe]
    if not tried:
        return dict(probes)
    luck = np.max([probe.luck for probe in tried], axis=0)
    allowed = float(np.sort(luck)[-_ALLOWED_RANK])
    return {
        name: probe and dataclasses.replace(probe, chance=0.5 + allowed * probe.spread)
        for name, probe in probes.items()
    }


def _probe_trait(values: NDArray[np.float64], cases: Cases) -> Probe | None:
    return probe_label(values, cases.label, cases.patient_id)


def _exceeds_chance(probe: Probe | None, min_auc: float) -> bool:
    return probe is not None and probe.auc >= min_auc and probe.auc > probe.chance


def _shortcut_finding(
    name: str, trait: ShortcutTrait, probe: Probe | None, cases: Cases, classes: tuple[str, ...]
) -> Finding:
    significant = probe if _exceeds_chance(probe, SHORTCUT_AUC) else None
    return Finding(
        name=f"label_from_{name}",
        severity=trait.severity,
        count=len(cases) if significant else 0,
        summary=_summary(trait, significant, cases, classes) if significant else "",
        remedy=trait.remedy,
        examples=_surest_cases(significant, cases) if significant else (),
    )


def _summary(trait: ShortcutTrait, probe: Probe, cases: Cases, classes: tuple[str, ...]) -> str:
    return (
        f"`{classes[probe.label]}` can be predicted with an AUC of {probe.auc:.2f} from "
        f"{trait.description} (95 % interval {_interval_text(probe, cases)}); "
        f"luck brings {probe.chance:.2f} to one probe in a hundred data sets. "
        f"{trait.caveat}"
    )


def _surest_cases(probe: Probe, cases: Cases) -> tuple[str, ...]:
    """Return the cases of the class that is told, by whose trait it is told most surely."""
    own = np.flatnonzero(cases.label == probe.label)
    surest = own[np.argsort(-probe.score[own], kind="stable")[:_MAX_EXAMPLES]]
    return examples(cases.case_id[surest])


def _find_label_columns(columns: Mapping[str, Probe | None], cases: Cases) -> tuple[Finding, ...]:
    """Return covariates that almost determine the label, and those that merely tell it."""
    telling = {
        name: probe
        for name, probe in columns.items()
        if probe and _exceeds_chance(probe, SHORTCUT_AUC)
    }
    leaking = {name: probe for name, probe in telling.items() if probe.auc >= _LEAK_AUC}
    others = {name: probe for name, probe in telling.items() if name not in leaking}
    return (
        _column_finding(
            "label_among_covariates",
            "Covariates that almost determine the label",
            "leave out those that were not known before the diagnosis",
            leaking,
            cases,
        ),
        _column_finding(
            "label_from_covariates",
            "Covariates from which the label can be told",
            "find out whether each is a sign of the disease or of how the case was taken; a model "
            "may learn it from the image, so compare it with the covariate alone",
            others,
            cases,
        ),
    )


def _column_finding(
    name: str, heading: str, remedy: str, probes: Mapping[str, Probe], cases: Cases
) -> Finding:
    named = ", ".join(
        f"{column} (AUC {probe.auc:.2f}, {_interval_text(probe, cases)})"
        for column, probe in probes.items()
    )
    return Finding(
        name=name,
        severity="warning",
        count=len(probes),
        summary=f"{heading}: {named}.",
        remedy=remedy,
        examples=_surest_cases(next(iter(probes.values())), cases) if probes else (),
    )


def _list_probes(probes: Mapping[str, Probe | None], cases: Cases) -> Finding:
    tried = {name: probe for name, probe in probes.items() if probe}
    aucs = ", ".join(
        f"{name.replace('_', ' ')} {probe.auc:.2f} ({_interval_text(probe, cases)}, by luck "
        f"{probe.chance:.2f})"
        for name, probe in tried.items()
    )
    return Finding(
        "shortcut_probes",
        "note",
        len(tried),
        summary="AUC with which traits other than the image content predict the label, its 95 % "
        f"interval, and what luck brings to any of them in one of a hundred data sets: {aucs}.",
    )


def _interval_text(probe: Probe, cases: Cases) -> str:
    patient = np.unique(cases.patient_id, return_inverse=True)[1]
    auc = auc_estimate(placements(probe.score[None], cases.label == probe.label, patient))
    return f"{auc.low:.2f} to {auc.high:.2f}"


def probe_label(
    values: NDArray[np.float64], label: NDArray[np.int64], patient: NDArray[np.str_]
) -> Probe | None:
    """Try to tell the label from some numbers.

    Args:
        values: (m, k), NaN where missing.
        label: (m,) class labels.

    Returns:
        The class that is told best; None where all values are equal or no class has ten patients
        inside and ten outside.
    """
    number = np.unique(patient, return_inverse=True)[1]
    columns, classes = bin_values(values), _probed_classes(label, number)
    if not columns.shape[1] or not len(classes):
        return None
    scores = predict_out_of_fold(columns, indicators(label[:, None], classes), number)
    aucs = class_aucs(scores, label[:, None], classes)[0]
    spread = _auc_spread(label, classes)
    luck = _permuted(columns, label, number, classes)
    chance = luck.max() * spread + 0.5
    best = int(np.where(aucs > chance, aucs, aucs - 1).argmax())
    return Probe(
        float(aucs[best]),
        int(classes[best]),
        float(chance[best]),
        scores[:, best],
        float(spread[best]),
        luck,
    )


def _permuted(
    columns: Scores,
    label: NDArray[np.int64],
    patient: NDArray[np.int64],
    classes: NDArray[np.int64],
) -> Scores:
    """Return (permutations,) how many spreads above ½ the best class comes in each shuffling."""
    generator = stream(_SEED, "shufflings")
    highest: list[Scores] = []
    at_once = max(1, _NUMBERS_AT_ONCE // (len(label) * len(classes)))
    for start in range(0, PERMUTATIONS, at_once):
        stop = min(start + at_once, PERMUTATIONS)
        permuted = [permute_by_patient(label, patient, generator) for _ in range(start, stop)]
        block = np.stack(permuted, axis=1)
        aucs = class_aucs(
            predict_out_of_fold(columns, indicators(block, classes), patient), block, classes
        )
        highest.append(((aucs - 0.5) / _auc_spread(label, classes)).max(axis=1))
    return np.concatenate(highest)


def _auc_spread(label: NDArray[np.int64], classes: NDArray[np.int64]) -> Scores:
    """Return (classes,) the standard deviation of an AUC by chance, one case per patient."""
    inside = (label[:, None] == classes).sum(axis=0)
    spread: Scores = np.sqrt((len(label) + 1) / (12 * inside * (len(label) - inside)))
    return spread


def bin_values(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (m, d) 0 or 1: a column a value where these are few, else a column a bin.

    Missing values have a column of their own; columns that are equal in all rows are left out.
    """
    indicators = []
    for column in values.T:
        missing = np.isnan(column)
        distinct = np.unique(column[~missing])
        if len(distinct) > _DISTINCT:
            edges = np.unique(np.quantile(column[~missing], _QUANTILES, method="lower"))
        else:
            edges = distinct[:-1]
        place = np.where(missing, len(edges) + 1, np.searchsorted(edges, column, side="left"))
        indicators.append(place[:, None] == np.arange(len(edges) + 2))
    whole = np.concatenate(indicators, axis=1)
    return whole[:, whole.any(axis=0) & ~whole.all(axis=0)].astype(np.float64)


def predict_out_of_fold(columns: Scores, targets: Scores, patient: NDArray[np.int64]) -> Scores:
    """Return (m, targets) predictions by fits that did not see the case's patient."""
    predicted = np.empty_like(targets)
    folds = GroupKFold(_FOLDS, shuffle=True, random_state=derived_seed(_SEED, "folds"))
    for training, held_out in folds.split(columns, groups=patient):
        fitted = Ridge(_PENALTY, solver="cholesky").fit(columns[training], targets[training])
        predicted[held_out] = fitted.predict(columns[held_out]).reshape(len(held_out), -1)
    rounded: Scores = np.round(predicted, _DIGITS)
    return rounded


def _probed_classes(label: NDArray[np.int64], patient: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the classes worth probing; of two only one, as the other is its mirror image."""
    present = np.unique(label)
    inside = [len(np.unique(patient[label == k])) for k in present]
    outside = [len(np.unique(patient[label != k])) for k in present]
    enough = present[np.minimum(inside, outside) >= MIN_PATIENTS]
    return enough[-1:] if len(present) == 2 else enough
