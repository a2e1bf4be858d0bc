"""Traits that give the label away: whoever learns them has learned nothing of the disease.

Each trait is a few numbers per image. A classifier (ridge regression on the values' bins, of some
traits on pairs of bins, too) is cross-validated by patient. Chance is what the same classifier
reaches on labels that were permuted among patients: a permutation test that needs no large samples
(Ojala & Garriga 2010, JMLR 11:1833, test 1). All probes of a data set count together: an alarm is
measured against the greatest excess of any in each permutation (Westfall & Young 1993,
*Resampling-based multiple testing*).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from skiagram.arrays import Flags, Floats, Texts, Whole
from skiagram.audit.contract import (
    SHORTCUT_TRAITS,
    Evidence,
    ShortcutTrait,
    examples,
    find,
    list_questions,
)
from skiagram.audit.findings import Finding
from skiagram.compute.workers import on_all_threads
from skiagram.seeding import derived_seed, stream
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.permutation import class_aucs, indicators, permute_by_patient
from skiagram.tasks.cases import Cases

SHORTCUT_AUC = 0.6
PERMUTATIONS = 499
MIN_PATIENTS = 10
_ALLOWED_RANK = 3  # of 500 with the data set itself: fewer than one in a hundred
_LEAK_AUC = 0.95
_MAX_EXAMPLES = 5
_FOLDS = 5
_DISTINCT = 20
_QUANTILES = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
_PENALTY = 10.0
_PAIRED = ("format", "acquisition")  # of which two numbers together may tell what none tells alone
_MAX_PAIRS = 400  # columns
_MIN_SPREAD = 1e-6
_NUMBERS_AT_ONCE = 1_000_000
_DIGITS = 6  # beyond them the number of threads shows
_SEED = 20_100_611


@dataclass(frozen=True)
class Probe:
    """How well the label is told.

    Attributes:
        usual: Mean of its AUC over permutations.
        spread: Standard deviation of its AUC over permutations.
        excess: (permutations,) by how many spreads the best class of each permutation was above
            usual.
    """

    auc: float
    label: int
    chance: float
    score: Floats
    usual: float
    spread: float
    excess: Floats

    @property
    def tells(self) -> bool:
        """Tell whether the label is told well enough to matter, and beyond chance."""
        return self.auc >= SHORTCUT_AUC and self.auc > self.chance


def check_shortcuts(evidence: Evidence) -> list[Finding]:
    """Look for traits from which the label of development cases can be told."""
    # Traits of a sample of the development cases.
    traits = evidence.traits
    if traits is None:
        return []
    cases = evidence.cases.select(traits.rows)
    # the label, and what an outcome's value tells besides it
    task = evidence.task
    questions = [Question(cases, task.predicted.label_words, task.predicted.positive)]
    for words, label in list_questions(task, cases).items():
        split = dataclasses.replace(cases, label=label)
        questions.append(Question(split, (f"no {words}", words), 1))
    # each trait is tried on each question, with the same permutations, several at a time
    dealt = [deal_out(question.cases.label, cases.patient_id) for question in questions]
    values = {("image", name): columns for name, columns in traits.images.items()}
    values |= {("column", name): column for name, column in traits.covariates.items()}

    def answer_of(which: tuple[str, str, int]) -> Probe | None:
        kind, name, number = which
        columns = bin_values(values[kind, name], pairs=name in _PAIRED)
        label = questions[number].cases.label
        return probe_label(columns, label, cases.patient_id, dealt[number])

    asked = [(*trait, number) for trait in values for number in range(len(questions))]
    tried = allow_for_all(dict(zip(asked, on_all_threads(answer_of, asked), strict=True)))
    # of each trait the question that it answers best
    best: dict[str, dict[str, Answer]] = {"image": {}, "column": {}}
    for (kind, name, number), probe in tried.items():
        answer = Answer(probe, questions[number])
        if answer.rank > best[kind].setdefault(name, answer).rank:
            best[kind][name] = answer
    probes, columns = best["image"], best["column"]
    # Columns that nearly are the label, and those that only tell something of it.
    telling = [(name, answer) for name, answer in columns.items() if answer.rank[0]]
    leaking = [(name, answer) for name, answer in telling if answer.rank[1] >= _LEAK_AUC]
    others = [(name, answer) for name, answer in telling if answer.rank[1] < _LEAK_AUC]
    return [
        *(
            _shortcut_finding(name, trait, *probes[name])
            for name, trait in SHORTCUT_TRAITS.items()
            if name in probes
        ),
        _column_finding("label_among_covariates", leaking),
        _column_finding("label_from_covariates", others),
        _list_probes([*probes.items(), *columns.items()]),
    ]


class Question(NamedTuple):
    """What a trait must not tell: cases with a label, and what its classes are called."""

    cases: Cases
    classes: tuple[str, ...]
    positive: int | None


class Answer(NamedTuple):
    """How well a trait tells what it must not; no probe where it cannot be tried."""

    probe: Probe | None
    question: Question

    @property
    def rank(self) -> tuple[bool, float]:
        """Whether it tells it, and its AUC: of several answers the greatest counts."""
        return (False, -1.0) if self.probe is None else (self.probe.tells, self.probe.auc)


def _list_probes(answers: Sequence[tuple[str, Answer]]) -> Finding:
    """List how well each trait tells the label, the best first."""
    # Traits that could be probed, the one that tells most first.
    tried = [(name, probe, question) for name, (probe, question) in answers if probe]
    if not tried:
        return Finding("shortcut_probes", "note", 0, "")
    tried.sort(key=lambda answer: -answer[1].auc)
    (best, probe, question), *others = tried
    return find(
        "shortcut_probes",
        count=len(tried),
        best=best.replace("_", " "),
        auc=f"{probe.auc:.2f}",
        interval=_interval_text(probe, question.cases),
        chance=f"{probe.chance:.2f}",
        others=", ".join(f"{name.replace('_', ' ')} {each.auc:.2f}" for name, each, _ in others)
        or "none",
    )


def _column_finding(name: str, answers: Sequence[tuple[str, Answer]]) -> Finding:
    tried = [(column, probe, question.cases) for column, (probe, question) in answers if probe]
    named = ", ".join(
        f"{column} (AUC {probe.auc:.2f}, {_interval_text(probe, cases)})"
        for column, probe, cases in tried
    )
    surest = [_surest_cases(probe, cases) for _, probe, cases in tried[:1]]
    return find(name, np.array(surest, dtype=np.str_).ravel(), len(answers), columns=named)


def allow_for_all(
    probes: Mapping[tuple[str, str, int], Probe | None],
) -> dict[tuple[str, str, int], Probe | None]:
    """Set what each probe has to exceed to what chance brings to any of them.

    Their permutations are the same, so the greatest excess among all probes in each of them is what
    chance alone brings to a data set (Westfall & Young 1993, section 2.3).
    """
    # The most surprising of all traits, in each permutation.
    tried = [probe for probe in probes.values() if probe]
    if not tried:
        return dict(probes)
    excess = np.max([probe.excess for probe in tried], axis=0)
    # Fewer than one data set in a hundred may look so by chance.
    allowed = float(np.sort(excess)[-_ALLOWED_RANK])
    return {
        name: probe and dataclasses.replace(probe, chance=probe.usual + allowed * probe.spread)
        for name, probe in probes.items()
    }


def _shortcut_finding(
    trait_name: str, trait: ShortcutTrait, probe: Probe | None, question: Question
) -> Finding:
    name = f"label_from_{trait_name}"
    # A trait that tells nothing, or could not be probed, is no shortcut.
    if probe is None or not probe.tells:
        return Finding(name, trait.severity, 0, "", trait.remedy)
    # Of two classes each is told as well as the other: the one that is looked for is named.
    positive = question.positive
    named = question.classes[probe.label if positive is None else positive]
    summary = (
        f"`{named}` can be predicted with an AUC of {probe.auc:.2f} from "
        f"{trait.description} (95 % interval {_interval_text(probe, question.cases)}); "
        f"by chance alone, a probe reaches {probe.chance:.2f} in one of a hundred data sets. "
        f"{trait.caveat}"
    )
    shown = examples(_surest_cases(probe, question.cases))
    return Finding(name, trait.severity, len(question.cases), summary, trait.remedy, shown)


def _surest_cases(probe: Probe, cases: Cases) -> Texts:
    """Find the cases of the class that is told, by whose trait it is told most surely."""
    class_rows = np.flatnonzero(cases.label == probe.label)
    return cases.case_id[
        class_rows[np.argsort(-probe.score[class_rows], kind="stable")[:_MAX_EXAMPLES]]
    ]


def _interval_text(probe: Probe, cases: Cases) -> str:
    patient = np.unique(cases.patient_id, return_inverse=True)[1]
    auc = auc_of_scores(probe.score[None], cases.label == probe.label, patient).estimate()
    return f"{auc.low:.2f} to {auc.high:.2f}"


def deal_out(label: Whole, patient: Texts) -> Whole:
    """Draw (m, permutations) labels, dealt out again among whole patients."""
    number = np.unique(patient, return_inverse=True)[1]
    return permute_by_patient(label, number, stream(_SEED, "shufflings"), PERMUTATIONS)


def probe_label(
    columns: Floats,
    label: Whole,
    patient: Texts,
    dealt: Whole,
) -> Probe | None:
    """Try to tell the label from some numbers.

    Args:
        columns: (m, d) what `bin_values` makes of the numbers.
        dealt: What `deal_out` makes of the label.

    Returns:
        The class that is told best; None where all values are equal or no class has ten patients
        inside and ten outside.
    """
    # Patients by number.
    number = np.unique(patient, return_inverse=True)[1]
    # the classes worth probing; of two only one, as the other is its mirror image
    present = np.unique(label)
    inside = [len(np.unique(number[label == k])) for k in present]
    outside = [len(np.unique(number[label != k])) for k in present]
    enough = present[np.minimum(inside, outside) >= MIN_PATIENTS]
    classes = enough[-1:] if len(present) == 2 else enough
    if not columns.shape[1] or not len(classes):
        return None
    scores = predict_out_of_fold(columns, indicators(label[:, None], classes), number)
    aucs = class_aucs(scores, label[:, None], classes)[0]
    # the same of labels that were dealt out again, some labelings at a time
    areas: list[Floats] = []
    at_once = max(1, _NUMBERS_AT_ONCE // (len(dealt) * len(classes)))
    for start in range(0, PERMUTATIONS, at_once):
        block = dealt[:, start : start + at_once]
        predicted = predict_out_of_fold(columns, indicators(block, classes), number)
        areas.append(class_aucs(predicted, block, classes))
    permuted = np.concatenate(areas)
    # Chance: the largest excess over all permutations, in each class's own spread.
    usual, spread = permuted.mean(axis=0), np.maximum(permuted.std(axis=0), _MIN_SPREAD)
    excess = ((permuted - usual) / spread).max(axis=1)
    chance = usual + excess.max() * spread
    best = int(np.where(aucs > chance, aucs, aucs - 1).argmax())
    return Probe(
        float(aucs[best]),
        int(classes[best]),
        float(chance[best]),
        scores[:, best],
        float(usual[best]),
        float(spread[best]),
        excess,
    )


def bin_values(values: Floats, *, pairs: bool = False) -> Floats:
    """Return (m, d) 0 or 1: a column a value where these are few, else a column a bin.

    Missing values have a column of their own; columns that are equal in all rows are left out.

    Args:
        values: (m, k), NaN where missing.
        pairs: Whether there is a column for two bins of different numbers together, too, of those
            that are met most often.
    """
    # Values one by one, or bins; what is missing has a column of its own.
    indicators = list[Flags]()
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
    if pairs:
        together = [  # of numbers a and b every bin of a with every bin of b
            (first[:, :, None] & second[:, None, :]).reshape(len(values), -1)
            for first, second in combinations(indicators, 2)
        ]
        joined = np.concatenate([whole[:, :0], *together], axis=1)
        joined = joined[:, np.argsort(-joined.sum(axis=0), kind="stable")[:_MAX_PAIRS]]
        whole = np.unique(np.concatenate([whole, joined], axis=1), axis=1)
    # A column that is always or never true tells nothing.
    return whole[:, whole.any(axis=0) & ~whole.all(axis=0)].astype(np.float64)


def predict_out_of_fold(columns: Floats, targets: Floats, patient: Whole) -> Floats:
    """Compute (m, targets) predictions of ridge regressions that did not see the case's patient.

    A regression needs sums of products alone: each fold's are computed once, and those of its
    training cases are the sums of the other folds.
    """
    from scipy.linalg import solve

    width = columns.shape[1]
    terms = np.column_stack([columns, np.ones(len(columns))])
    # as scikit-learn's GroupKFold deals out patients, whose import takes longer than all probes
    dealing = np.random.RandomState(derived_seed(_SEED, "folds"))
    dealt = np.array_split(dealing.permutation(np.unique(patient)), _FOLDS)
    parts = [np.flatnonzero(np.isin(patient, held_out)) for held_out in dealt]
    # Products of each part once: those of all other parts are sums.
    products = [
        np.column_stack([terms[part].T @ terms[part], terms[part].T @ targets[part]])
        for part in parts
    ]
    predicted = np.empty_like(targets)
    # Each part is predicted by a regression on the others.
    for number, part in enumerate(parts):
        sums = np.sum(products[:number] + products[number + 1 :], axis=0)
        means = sums[width] / sums[width, width]
        centred = sums[:width] - np.outer(sums[:width, width], means)
        penalised = centred[:, :width] + _PENALTY * np.eye(width)
        weights = solve(penalised, centred[:, width + 1 :], assume_a="pos")
        intercept = means[width + 1 :] - means[:width] @ weights
        predicted[part] = columns[part] @ weights + intercept
    return np.round(predicted, _DIGITS)
