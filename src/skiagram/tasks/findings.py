"""Several findings of one image, such as effusion and mass: columns, calibration, figures by each.

Each finding is present, absent or not known; what is not known teaches and judges nothing. A model
gives a score a finding, which one logistic curve a finding turns into a probability. Models are
compared by the mean of the findings' AUCs, and by each of them, corrected for their number.

The value of a case is a state a finding: 1 present, 0 absent, −1 not known. Folds are balanced by
the rarest finding of a case.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
import scipy
from numpy.typing import NDArray
from pydantic import Field
from pydantic.dataclasses import dataclass

from skiagram.arrays import Flags, Floats, Whole
from skiagram.errors import DataError, listed, refusal
from skiagram.statistics.delong import auc_of_scores
from skiagram.statistics.estimate import format_decimal, format_estimate
from skiagram.statistics.linearised import Linearised, Scale, mean_of_cases, mean_over_repeats
from skiagram.statistics.proportional_odds import fit_rising_score
from skiagram.strict import STRICT, ShareBetween
from skiagram.tables.cells import (
    BETWEEN,
    plain,
    says_nothing_found,
    split_list,
    stands_for_missing,
)
from skiagram.tasks.columns import VALUE, OutcomeTable, refuse_cells
from skiagram.tasks.outcome import (
    Finite,
    MeasuredCalibration,
    MeasuredOutcome,
    NotNegative,
    ReadColumns,
    describe_unequal_patients,
)
from skiagram.tasks.predicted import MeasuredFigure, OutcomeLine, OutcomePlot, Tensor
from skiagram.tasks.scored_cases import ScoredCases

if TYPE_CHECKING:  # commands print their help without pandas
    from skiagram.tables.frames import TableLine

ABSENT, PRESENT, UNKNOWN = 0, 1, -1
OTHERS = "none of these"  # label of a case without any finding that folds are balanced by
_FEWEST_CASES = 10  # with a finding, and without it; each of five folds then has two
_FEWEST_PATIENTS = 2  # with a finding, and without it, for its AUC to count in the mean
_ENOUGH_PATIENTS = 20  # with a finding, and without it
_DRAWN_LINES = 5
_UNKNOWN_SHARE = 0.05  # of generated findings
_SEPARATORS = ("|", ";", ",")
_STATES = {
    **dict.fromkeys(("1", "true", "yes", "present", "positive"), PRESENT),
    **dict.fromkeys(("0", "false", "no", "absent", "negative"), ABSENT),
    "-1": UNKNOWN,  # uncertain, as CheXpert writes it
}


@dataclass(frozen=True)
class FindingsCalibration(MeasuredCalibration):
    """Probabilities of findings, each by a logistic curve of its score.

    Attributes:
        slopes: ≥ 0, of the log-odds per unit of score, by finding.
        intercepts: Log-odds at a score of 0, by finding.
    """

    slopes: tuple[NotNegative, ...]
    intercepts: tuple[Finite, ...]

    @property
    def columns(self) -> int:
        """Count the findings."""
        return len(self.slopes)

    def probabilities(self, scores: Floats) -> Floats:
        """Turn scores into the probability of each finding, on its own: they need not sum to 1.

        Args:
            scores: (n, findings).

        Returns:
            (n, findings) in (0, 1).
        """
        odds = np.array(self.slopes) * scores + np.array(self.intercepts)
        probability: Floats = scipy.special.expit(odds)
        return probability


@dataclass(**STRICT)
class Findings(MeasuredOutcome):
    """Several findings, of which a case may have any.

    Attributes:
        column: Column of their states, one after the other.
        findings: Names, in the order of the states.
        balanced_by: Findings that labels tell, the rarest first; a case has the first that is
            present as its label. Empty until they are known.
        shares: Of development cases in which it is known that have a finding, by finding; empty
            until they are known.
    """

    column: str
    findings: Annotated[tuple[str, ...], Field(min_length=2)]
    balanced_by: tuple[str, ...] = ()
    shares: tuple[ShareBetween, ...] = ()
    kind: Literal["findings"] = "findings"

    def __post_init__(self) -> None:
        """Say what follows from the findings; each has a score and an estimate."""
        number = len(self.findings)
        self.describe(
            classes=(*(f"{name}, the rarest there" for name in self.balanced_by), OTHERS),
            estimates=self.findings,
            words=f"probability of each of {number} findings ({listed(self.findings)})",
            scores=number,
            asked={"finding_names": [*self.findings], "balanced_by": self.balanced_by},
        )

    @classmethod
    def read_columns(cls, table: OutcomeTable, options: Mapping[str, Any]) -> ReadColumns:
        """Read the findings of a column that lists them, or of columns with a state each.

        Labels are the rarest findings, of as many as leave each label ten cases: folds can share
        these out, and not every combination of findings.
        """
        # One column lists findings, several have a state each.
        if not options["findings"]:
            raise refusal("tasks.no_findings_column")
        read = _read_lists if len(options["findings"]) == 1 else _read_each
        names, states, note = read(table, options)
        if len(names) < 2:
            raise refusal(
                "tasks.number_of_findings",
                f"column `{options['findings'][0]}`",
                number=len(names),
                names=names,
            )
        # Another cohort is labelled as the project is. Else labels tell the findings, the rarest
        # first, as many as leave each label enough cases.
        balanced_by = options.get("balanced_by")
        if balanced_by is None:
            present = states[np.array(table.known)] == PRESENT
            order = np.argsort(present.sum(axis=0), kind="stable").tolist()
            while len(order) > 1:
                ordered = present[:, order]
                first = ordered.argmax(axis=1)[ordered.any(axis=1)]
                cases = np.bincount(first, minlength=len(order))
                if cases.min() >= _FEWEST_CASES:
                    break
                order.pop(int(cases.argmin()))
            balanced_by = tuple(names[number] for number in order)
        # Values and labels as the project keeps them.
        outcome = cls(column=VALUE, findings=names, balanced_by=balanced_by)
        label = [outcome.classes[number] for number in outcome.label(states).tolist()]
        cells = [BETWEEN.join(map(str, row)) for row in states.tolist()]
        return ReadColumns(outcome, label, cells, note)

    @classmethod
    def is_missing(cls, row: "TableLine", options: Mapping[str, Any]) -> bool:
        """Tell whether no finding of a row is known."""
        columns = options["findings"]
        if len(columns) == 1:
            return _says_nothing(row.cells[columns[0]])
        blank = _blank_state(options)
        return all(_state(row.cells[column], blank) == UNKNOWN for column in columns)

    def of_cohort(self, cohort: MeasuredOutcome) -> Self:
        """Keep the shares that models learned; the column is the cohort's.

        Raises:
            OptionError: The cohort lacks findings, has others, or in another order.
        """
        theirs = getattr(cohort, "findings", ())
        lacking = [name for name in self.findings if name not in theirs]
        if theirs != self.findings:
            key = "tasks.lacking_findings" if lacking else "tasks.findings_of_another"
            raise refusal(key, found=theirs, findings=self.findings, lacking=lacking)
        return replace(self, column=cohort.column)

    def label(self, states: Floats | Whole) -> Whole:
        """Find the first finding of `balanced_by` that is present, the rarest one, as its place.

        Args:
            states: (n, findings).

        Returns:
            (n,) index into `classes`; the last one without any of them.
        """
        first = np.full(len(states), len(self.balanced_by), dtype=np.int64)
        for number, name in reversed([*enumerate(self.balanced_by)]):
            if name in self.findings:
                first[states[:, self.findings.index(name)] == PRESENT] = number
        return first

    def check(self, value: Any, label: int, where: str) -> None:
        """Refuse states that are none, and a label that is not the rarest finding present."""
        # A state for each finding, and the label the rarest finding that is present.
        states = np.atleast_2d(np.array(value, dtype=np.float64))
        is_right = states.shape[1] == len(self.findings)
        is_right &= bool(np.isin(states, (ABSENT, PRESENT, UNKNOWN)).all())
        if not is_right or int(self.label(states)[0]) != label:
            raise refusal(
                "tasks.states_of_findings",
                f"{where}, column `{self.column}`",
                value=value,
                label=self.classes[label],
                n_findings=len(self.findings),
            )

    def settle(self, value: Floats, label: Whole) -> "Findings":
        """Take the share of each finding, among the development cases in which it is known.

        Raises:
            DataError: A finding is present, or absent, in fewer than 10 cases.
        """
        if self.shares:  # of another cohort, in which a finding may be rare
            return self
        # Findings that folds could not share out are refused.
        present, absent = (value == PRESENT).sum(axis=0), (value == ABSENT).sum(axis=0)
        counted = [*zip(self.findings, present, absent, strict=True)]
        rare = [
            f"{name} ({with_it} with it, {without} without it)"
            for name, with_it, without in counted
            if min(with_it, without) < _FEWEST_CASES
        ]
        if rare:
            # The remedy names the findings that are frequent enough.
            frequent_findings = [name for name, *counts in counted if min(counts) >= _FEWEST_CASES]
            raise refusal(
                "tasks.rare_findings",
                self.where,
                number=len(rare),
                findings=rare,
                least=_FEWEST_CASES,
                option=shlex.join(["--finding-names", *frequent_findings]),
            )
        # The shares of findings are those of training cases.
        return replace(self, shares=tuple((present / (present + absent)).tolist()))

    def draw(
        self, hidden: Flags, effect: float, generator: np.random.Generator
    ) -> tuple[Floats, Whole]:
        """Draw findings by chance, each likelier where the image's is, the first by most.

        Later ones are rarer and hang on it less, and a twentieth of the states is not known, as in
        reports read by a program.

        Returns:
            (n, findings) states, and (n,) labels.
        """
        count = len(self.findings)
        weight = np.linspace(1.0, 0.5, count) * effect
        odds = weight * (hidden[:, None] - 0.5) - np.linspace(0.0, 1.0, count)
        present = generator.uniform(size=odds.shape) < scipy.special.expit(odds)
        unknown = generator.uniform(size=odds.shape) < _UNKNOWN_SHARE
        value = np.where(unknown, UNKNOWN, present).astype(np.float64)
        return value, self.label(value)

    def as_score(self, best: Floats) -> Floats:
        """Return (n, findings): each finding's chance rises with the one that images tell."""
        return np.tile(best[:, None], (1, len(self.findings)))

    def target(self, value: Floats, label: Whole) -> Floats:
        """Return (n, findings): 1 present, 0 absent, −1 not known, which losses leave out."""
        return value

    def loss(self, score: Tensor, target: Tensor, learned: Tensor) -> Tensor:
        """Compute the mean cross-entropy of all findings that are known.

        A score of 0 stands for the finding's share, so that training begins there.
        """
        is_known = (target >= 0).to(score.dtype)
        shares = np.array(self.shares)
        logits = score + score.new_tensor(np.log(shares / (1 - shares)))
        terms = logits.clamp(min=0) - target * logits + (-logits.abs()).exp().log1p()
        return (is_known * terms).sum() / is_known.sum().clamp(min=1)

    def calibrate(
        self, scores: Floats, value: Floats, label: Whole, patient: NDArray[Any]
    ) -> FindingsCalibration:
        """Fit a logistic curve a finding, on the held-out cases in which it is known.

        The slope is not negative: the order of the scores is never turned round.

        Args:
            scores: (n, findings).
            value: (n, findings) states.
            label: (n,), which the fit does not read.
            patient: (n,), which the fit does not read.
        """
        # Each finding by its own known cases.
        slopes, intercepts = [], []
        for score, state in zip(scores.T, value.T, strict=True):
            is_known = state != UNKNOWN
            score, present = score[is_known], (state[is_known] == PRESENT).astype(np.int64)
            # With one state alone the share of it, slightly towards one half.
            share = (present.sum() + 0.5) / (len(present) + 1)
            slope, intercept = 0.0, float(np.log(share / (1 - share)))
            if len(score) and 0 < present.sum() < len(present):
                slope, cuts = fit_rising_score(score, present, 2)
                intercept = -float(cuts[0])
            slopes.append(slope)
            intercepts.append(intercept)
        return FindingsCalibration(tuple(slopes), tuple(intercepts))

    def tell(self, value: Floats) -> dict[str, Floats]:
        """Return 1 present, 0 absent or NaN not known, by finding."""
        states = np.where(value == UNKNOWN, np.nan, value)
        return dict(zip(self.findings, states.T, strict=True))

    def measure_parts(self, cases: ScoredCases) -> list[tuple[str, Linearised]]:
        """Return each finding's AUC, of those that two patients or more have, and as many have not.

        With a single patient nothing tells how the AUC varies, and the mean would have no interval.
        """
        # Cases in which a finding is not known do not count for it.
        states, parts = cases.value, []
        for number, name in enumerate(self.findings):
            known_cases = cases.select(states[:, number] != UNKNOWN)
            present = known_cases.value[:, number] == PRESENT
            try:
                area = auc_of_scores(
                    known_cases.score[:, :, number],
                    present,
                    known_cases.patient,
                    cases.folds,
                    known_cases.fit,
                )
            except DataError:  # no pair of a case with the finding and one without it
                continue
            if area.fewest_patients >= _FEWEST_PATIENTS:
                parts.append((name, area))
        return parts

    def measure_primary(self, cases: ScoredCases) -> Linearised:
        """Measure the mean of the findings' AUCs, of those that enough patients have."""
        return self.mean_of_parts(cases, self.measure_parts(cases))

    def mean_of_parts(
        self, cases: ScoredCases, parts: Sequence[tuple[str, Linearised]]
    ) -> Linearised:
        """Estimate the mean over findings, whose degrees of freedom the rarest finding limits."""
        # The rarest finding limits the degrees of freedom.
        states, repeats = cases.value, len(cases.score)
        influence = np.zeros((repeats, len(cases.value)))
        fewest, kind = np.inf, np.full(len(cases.value), -1, dtype=np.int64)
        for name, area in parts:
            state = states[:, self.findings.index(name)]
            is_known = state != UNKNOWN
            # What a case is worth to the mean over its kind, as its worth to the mean over all.
            known_influence = np.empty((repeats, int(is_known.sum())))
            for mask in area.kind_masks:
                centred = area.influence[:, mask] - area.influence[:, mask].mean(1, keepdims=True)
                known_influence[:, mask] = centred * len(cases.value) / mask.sum()
            influence[:, is_known] += known_influence / len(parts)
            if area.fewest_patients < fewest:
                fewest, kind = area.fewest_patients, np.where(is_known, state, -1)
        values = (
            np.mean([area.values for _, area in parts], axis=0) if parts else np.full(1, np.nan)
        )
        return Linearised(
            values,
            influence,
            cases.patient,
            kind if parts else None,
            folds=cases.folds,
            scale="logit",
            chance=(0.0, 1.0),
            method="DeLong, mean over findings",
        )

    def measure(self, cases: ScoredCases) -> list[MeasuredFigure]:
        """Measure the mean AUC, Brier's score, its gain over the shares, and each finding's AUC.

        In Brier's score a finding counts as much as another, however often it is known.
        """
        # The AUC of all findings together.
        parts = self.measure_parts(cases)
        measured = [MeasuredFigure("macro_auc", "", self.mean_of_parts(cases, parts))]
        # A finding counts as much as another, however often it is known.
        states = cases.value
        is_known, present = states != UNKNOWN, (states == PRESENT).astype(np.float64)
        n_known = np.maximum(is_known.sum(axis=0), 1)
        weight = is_known / n_known * len(states) / is_known.any(axis=0).sum()
        # Brier's score, and what is gained over saying the share of each finding.
        plain_terms = (weight * (present.sum(axis=0) / n_known - present) ** 2).sum(axis=1)
        terms = [(weight * (each - present) ** 2).sum(axis=1) for each in cases.estimate]
        figure_terms = {"brier": terms, "brier_gain": [plain_terms - each for each in terms]}
        for name, repeat_terms in figure_terms.items():
            scale: Scale = "log" if name == "brier" else "plain"
            means = [mean_of_cases(each, cases.patient, scale) for each in repeat_terms]
            measured.append(MeasuredFigure(name, "", mean_over_repeats(means, cases.folds)))
        return [*measured, *(MeasuredFigure("auc", name, area) for name, area in parts)]

    def plot(self, cases: ScoredCases) -> Sequence[OutcomePlot]:
        """Draw expected against observed shares of the commonest findings; the table has all."""
        # The commonest findings are drawn, all are in the table.
        states, areas = cases.value, dict(self.measure_parts(cases))
        expected = cases.estimate.mean(axis=0)
        lines, rows = list[OutcomeLine](), list[tuple[str, ...]]()
        shares_of_all = (states == PRESENT).mean(axis=0)
        for number in np.argsort(-shares_of_all, kind="stable").tolist():
            name = self.findings[number]
            is_known = states[:, number] != UNKNOWN
            chance, present = expected[is_known, number], states[is_known, number] == PRESENT
            if not is_known.any():
                continue
            if len(lines) < _DRAWN_LINES:
                lines.append(OutcomeLine.of_fifths(name, chance, present))
            area = format_estimate(areas[name].estimate()) if name in areas else "not defined"
            counts = f"{present.sum()}", f"{is_known.sum()}"
            shares = format_decimal(float(chance.mean())), format_decimal(float(present.mean()))
            rows.append((name, *counts, *shares, area))
        return (
            OutcomePlot(
                "findings",
                "Expected and observed findings",
                "expected share with the finding",
                "observed share",
                tuple(lines),
                ("finding", "cases with it", "known", "expected share", "observed share", "AUC"),
                tuple(rows),
                f"Fifths of the expected share; of the {_DRAWN_LINES} commonest findings.",
                diagonal=True,
            ),
        )

    def count(self, value: Floats, label: Whole) -> tuple[tuple[str, str], ...]:
        """List how many cases there are and how often each finding is present, where known."""
        # How often each finding is present, of the cases in which it is known.
        finding_counts = [
            (
                f"cases with {name}",
                f"{(state == PRESENT).sum()} of {(state != UNKNOWN).sum()} in which it is known",
            )
            for name, state in zip(self.findings, value.T, strict=True)
        ]
        return ("cases", str(len(value))), ("findings", str(len(self.findings))), *finding_counts

    def doubts(self, value: Floats, label: Whole, patient: Whole) -> tuple[str, ...]:
        """Say which findings few patients have or lack, and which are left out of the mean."""
        # Findings of few patients, and those that do not count at all.
        doubts, uncounted, named = [], list[str](), list[str]()
        for name, states in zip(self.findings, value.T, strict=True):
            with_it, without = (
                len(np.unique(patient[states == state])) for state in (PRESENT, ABSENT)
            )
            if min(with_it, without) < _FEWEST_PATIENTS:
                uncounted.append(name)
            elif with_it < _ENOUGH_PATIENTS:
                named.append(f"{with_it} of {name}")
            elif without < _ENOUGH_PATIENTS:
                named.append(f"{without} without {name}")
        if named:
            doubts.append(
                f"Few patients have or lack a finding: {', '.join(named)}. Below "
                f"{_ENOUGH_PATIENTS} a handful of cases decides its AUC, and this AUC counts in "
                "the mean as much as the others."
            )
        if uncounted:
            doubts.append(
                f"Left out of the mean over findings: {', '.join(uncounted)}. Fewer than "
                f"{_FEWEST_PATIENTS} patients have it, or are known not to have it."
            )
        return *doubts, *filter(None, [describe_unequal_patients(patient)])

    def asked_of_traits(self, value: Floats, label: Whole) -> dict[str, Whole]:
        """Tell which cases have each finding; where it is not known, none.

        A trait that tells one finding may be a shortcut to it, even if it tells no other.
        """
        present = (value == PRESENT).astype(np.int64)
        return dict(zip(self.findings, present.T, strict=True))


def _blank_state(options: Mapping[str, Any]) -> int:
    """Tell what an empty cell says of a finding."""
    words = {None: UNKNOWN, "unknown": UNKNOWN, "absent": ABSENT}
    if options["blank_finding"] not in words:
        raise refusal("tasks.blank_finding", choice=str(options["blank_finding"]))
    return words[options["blank_finding"]]


def _state(cell: str, blank: int) -> int | None:
    """Read the state that a cell of a finding's column says; None where it says nothing known.

    Args:
        cell: As in the table.
        blank: State of an empty cell, and of a word for a missing value.
    """
    if not cell or stands_for_missing(cell):
        return blank
    return _STATES.get(plain(cell))


def _read_each(
    table: OutcomeTable, options: Mapping[str, Any]
) -> tuple[tuple[str, ...], Whole, str]:
    """Read a column a finding: their names, (rows, findings) states, and what a person checks."""
    # A name for each column.
    columns, blank = options["findings"], _blank_state(options)
    names = options["finding_names"] or columns
    if options.get("balanced_by") and len(names) != len(columns):  # say what a cohort lacks
        names = columns
    if len(names) != len(columns) or len(set(names)) < len(names):
        raise refusal(
            "tasks.names_of_findings",
            names=names,
            columns=columns,
        )
    # The state in each cell; what is none is shown with its row.
    states = np.zeros((len(table.rows), len(columns)), dtype=np.int64)
    for number, column in enumerate(columns):
        column_states = [_state(row.cells[column], blank) for row in table.rows]
        odd = [row for row, state in zip(table.rows, column_states, strict=True) if state is None]
        refuse_cells("tasks.odd_cells", odd, table.rows, column)
        states[:, number] = np.array(column_states)
    # A row in which nothing is known teaches nothing.
    nothing = (states == UNKNOWN).all(axis=1)
    if nothing.any():
        first = table.rows[int(nothing.argmax())]
        raise refusal(
            "tasks.rows_without_finding",
            f"{first.where}, columns {listed(columns)}",
            number=nothing.sum(),
            every=len(nothing),
        )
    return tuple(names), states, _describe(names, states, blank)


def _says_nothing(cell: str) -> bool:
    """Tell whether a cell of a list of findings is empty, or a word for a missing value."""
    return not cell or (not _names_none(cell) and stands_for_missing(cell))


def _names_none(cell: str) -> bool:
    """Tell whether a cell of a list of findings, or a name in it, says that there is none.

    NIH's ChestX-ray14 writes `No Finding`, other lists `none`, `normal` or 0.
    """
    return cell == "0" or says_nothing_found(cell)


def _read_lists(
    table: OutcomeTable, options: Mapping[str, Any]
) -> tuple[tuple[str, ...], Whole, str]:
    """Read one column whose cells list the findings that are present, as `_read_each` does."""
    # Cells without a finding must say so.
    (column,) = options["findings"]
    cells = [row.cells[column] for row in table.rows]
    empty = [row for row in table.rows if _says_nothing(row.cells[column])]
    refuse_cells("tasks.empty_lists", empty, table.rows, column)
    # The mark that separates findings, the same in all rows.
    separator = next((mark for mark in _SEPARATORS if mark in "".join(cells)), "|")
    # Findings of each row, and the names that occur.
    finding_sets = [
        {name for name in split_list(cell, separator) if not _names_none(name)} for cell in cells
    ]
    occurring = set[str]().union(*finding_sets)
    by_spelling = {_spelling(name): name for name in sorted(occurring)}
    names = options["finding_names"] or sorted(by_spelling.values())
    # A name that holds another mark is several ones; a comma may be part of it, as in `Fracture,
    # rib`, where these do not occur on their own. Another spelling would count as absent.
    joined = {
        name for name in occurring if ";" in name or split_list(name, ",") <= occurring - {name}
    }
    left_out, spelled = occurring - set(names), {*map(_spelling, names)}
    alike = {name for name in left_out if _spelling(name) in spelled}
    for key, refused in (("tasks.two_marks", joined), ("tasks.spelled_otherwise", alike)):
        odd = [row for row, found in zip(table.rows, finding_sets, strict=True) if found & refused]
        refuse_cells(key, odd, table.rows, column, mark=separator, findings=names)
    missing = sorted(set(names) - occurring)
    if missing and options.get("balanced_by") is None:  # another cohort may lack a finding
        raise refusal(
            "tasks.absent_finding",
            f"column `{column}`",
            findings=missing,
            occurring=sorted(occurring),
        )
    states = np.array(
        [[name in listed_ for name in names] for listed_ in finding_sets], dtype=np.int64
    )
    # Findings that are left out are told.
    note = _describe(names, states, UNKNOWN)
    if left_out:
        note += f" Not told, since they are not named: {listed(sorted(left_out))}."
    return tuple(names), states.reshape(len(cells), len(names)), note


def _spelling(name: str) -> str:
    """Return a name without case and blanks, in which spellings differ."""
    return plain(name).replace(" ", "")


def _describe(names: Sequence[str], states: Whole, blank: int) -> str:
    """Say how many rows have each finding, and in how many cells it is not known."""
    # Each finding with its number of rows.
    counted = listed(
        f"{name} ({count})"
        for name, count in zip(names, (states == PRESENT).sum(axis=0), strict=True)
    )
    unknown = int((states == UNKNOWN).sum())
    note = f"{len(names)} findings, with the number of rows that have them: {counted}."
    if unknown:
        note += (
            f" {unknown} of {states.size} cells are empty or −1: there it is not known whether the "
            "finding is present, and the case counts for the other findings alone."
        )
        if blank == UNKNOWN:
            note += " Where an empty cell means absent, add `--blank-finding absent`."
    return note
