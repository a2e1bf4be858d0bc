"""A sweep: a base, axes of options, and the rows that are their product.

A config of `conf/sweep` names an option as a line does (`Composition.find_option`): a choice
of params.yaml by its name (`seed`), an option of a config as `FILE.OPTION` (`svm.kernel`).
Rows have whole names: `conf.<group>.<file>.` before an option, or `conf.<stage>.` (`conf.plan.`).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any, Literal, Self

from pydantic import model_validator
from pydantic.dataclasses import dataclass as options_class

from skiagram.errors import refusal
from skiagram.strict import STRICT
from skiagram.sweeps.time import Clock

BEST = "best_"  # before an arm, for what stands for it
SCORED = "scored"  # among a row's options: which images its models score once they are trained
SELECTIONS = "selection_"  # before figures of development cases alone, by which may be chosen
SELECTION = f"{SELECTIONS}auc"
COSTS = (  # figures that are timed or counted, not measured on cases
    *("training_seconds", "case_milliseconds", "input_milliseconds"),
    *("parameters", "multiply_adds", "bytes"),
)
OF_COSTS = "costs"  # the analysis that they are of
COLUMNS = (  # of the long table, besides one for each axis
    *("row", "model", "title", "arm", "cases", "figure", "value", "low", "high", "method"),
    *("reason", "reference"),
)
Options = Mapping[str, Any]
Analysis = Literal["severity", "learning_curves", "cost"]
MODEL_PREFIXES = ("conf.model.", "conf.combination.")


@options_class(**STRICT)
class Objective:
    """Whose figure of development cases chooses a row: that of a model, or of an arm."""

    model: str | None = None
    arm: str | None = None

    def __post_init__(self) -> None:
        if self.model is not None and self.arm is not None:
            raise refusal("sweeps.model_and_arm")

    @property
    def entry(self) -> str:
        """Return the model, or `best_<arm>`; empty where neither is named."""
        return self.model or (f"{BEST}{self.arm}" if self.arm else "")


Axis = tuple[Any, ...] | dict[str, dict[str, Any]]


@options_class(**STRICT)
class Sweep:
    """What `conf/sweep/NAME.yaml` holds.

    Attributes:
        question: What the sweep answers, one sentence; the title of its page.
        base: Option → value in every row, in place of what params.yaml and configs have.
        axes: Option → its values. Or a name of its own → settings of several
            options, each with a name. The rows are all combinations, the last axis fastest.
        rows: Option → value of each row, in place of axes.
        reference: Axis → value, or name of settings, of the rows that others are compared with: a
            row is compared with the one that has these values, and its own on all other axes.
            Empty: the first value of every axis, or the first row.
        objective: What chooses a row. By itself the only model whose options differ between rows,
            else the best of the first arm.
        figures: Figures in the table, by their names in the report, besides those that are always
            there: the one to choose by, AUC or the outcome's primary figure, and of finders the
            figure of merit and the mean sensitivity. Also those of `COSTS`.
        analysis: What is made of all rows together besides the table. `severity`: of rows whose
            `scored` names corruptions, the amounts at which a loss of AUC exceeds the margin.
            `learning_curves`: of rows that differ in `plan.subset`, from how many
            training cases on a model overtakes the best classical model. `cost`: which cheaper
            models are as good as the best.
        clock: How times among the figures are taken.
    """

    question: str
    base: dict[str, Any] = field(default_factory=dict)
    axes: dict[str, Axis] = field(default_factory=dict)
    rows: tuple[dict[str, Any], ...] = ()
    reference: dict[str, Any] = field(default_factory=dict)
    objective: Objective = Objective()
    figures: tuple[str, ...] = ()
    analysis: Analysis | None = None
    clock: Clock = Clock()

    @model_validator(mode="after")
    def _check(self) -> Self:
        # Axes make combinations, rows are named one by one.
        if bool(self.axes) == bool(self.rows):
            raise ValueError("either `axes` or `rows`, not both and not neither")
        for name, values in self.axes.items():
            if not values:
                raise ValueError(f"values of the axis `{name}`")
        # An axis is a column of the table beside the others.
        if taken := sorted(set(self.axes) & set(COLUMNS)):
            raise ValueError(f"another name than `{taken[0]}`, which is a column of the table")
        if unknown := sorted(set(self.reference) - set(self.axes)):
            raise ValueError(f"a reference on axes of the sweep; `{unknown[0]}` is none")
        return self

    @property
    def costs(self) -> tuple[str, ...]:
        """List the figures of `COSTS` that are wanted."""
        return tuple(name for name in COSTS if name in self.figures or self.analysis == "cost")

    @property
    def metrics(self) -> tuple[str, ...]:
        """List the figures that are measured on cases."""
        return tuple(name for name in self.figures if name not in COSTS)


@dataclass(frozen=True)
class Row:
    """One row of a sweep.

    Attributes:
        number: From 1, in the order of the sweep.
        place: Axis → value, or the name of its settings; of a sweep by rows option → value.
        changes: Option → value, the base's and the row's own.
        reference: Number of the row that it is compared with; its own for a reference.
    """

    number: int
    place: Options
    changes: Options
    reference: int

    @property
    def digest(self) -> str:
        """Return 12 hexadecimal digits that rows of equal changes share."""
        text = json.dumps(dict(self.changes), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def name(self) -> str:
        """Say its place in words: `svm.C 0.1, seed 2`."""
        return ", ".join(f"{short_name(k)} {show_value(v)}" for k, v in self.place.items())


def expand_rows(sweep: Sweep) -> list[Row]:
    """List all rows in order.

    Raises:
        OptionError: The reference names a value that its axis lacks, or two rows are equal.
    """
    # Rows as they are named, or all combinations of the axes.
    if sweep.rows:
        numbered = enumerate(sweep.rows, start=1)
        rows = [Row(at, dict(row), {**sweep.base, **row}, 1) for at, row in numbered]
    else:
        rows = _combine_axes(sweep)
    if sweep.analysis == "severity" and not any(find_corruption(row.changes) for row in rows):
        raise refusal("sweeps.no_corruption")
    # Two rows with the same options would be one result, and 1 and 1.0 are the same.
    first: dict[str, int] = {}
    for row in rows:
        if (same := first.setdefault(row.name(), row.number)) != row.number:
            raise refusal("sweeps.equal_rows", first=same, second=row.number)
    return rows


def _combine_axes(sweep: Sweep) -> list[Row]:
    """Make a row for every combination, the last axis fastest, with its reference."""
    # A step of an axis is a value, or the name of settings, with the changes that it makes.
    steps: list[list[tuple[Any, Mapping[str, Any]]]] = []
    for name, axis in sweep.axes.items():
        if isinstance(axis, dict):
            steps.append(list(axis.items()))
        else:
            steps.append([(value, {name: value}) for value in axis])
    # Every combination, over what all rows have in common.
    rows: list[Row] = []
    for number, combination in enumerate(product(*steps), start=1):
        place, changes = dict[str, Any](), dict(sweep.base)
        for name, (value, settings) in zip(sweep.axes, combination, strict=True):
            place[name] = value
            changes |= settings
        rows.append(Row(number, place, changes, number))
    # The reference has values of the axes; a row is compared with the one that has these too.
    reference = sweep.reference or rows[0].place
    for name, value in reference.items():
        axis_values = [show_value(row.place[name]) for row in rows]
        if show_value(value) not in axis_values:
            where, values = f"sweep.reference.{name}", ", ".join(dict.fromkeys(axis_values))
            shown = show_value(value)
            raise refusal("sweeps.axis_value", where, value=shown, values=values)

    def key(place: Options) -> str:
        return json.dumps({name: show_value(value) for name, value in place.items()})

    numbers = {key(row.place): row.number for row in rows}
    return [replace(row, reference=numbers[key({**row.place, **reference})]) for row in rows]


def find_differing(rows: Sequence[Row]) -> list[str]:
    """Find the options whose values differ between rows, those that some rows lack included."""
    named = dict.fromkeys(name for row in rows for name in row.changes)
    return [
        name for name in named if len({show_value(row.changes.get(name, "")) for row in rows}) > 1
    ]


def find_swept_model(options: Iterable[str]) -> str:
    """Find the only model whose options are among some; empty where there is none, or several."""
    models = {option.split(".")[2] for option in options if option.startswith(MODEL_PREFIXES)}
    return models.pop() if len(models) == 1 else ""


def find_corruption(changes: Options) -> str:
    """Find what makes the images worse that a row scores; empty for nothing."""
    scored = changes.get(SCORED) or {}
    return str(scored.get("corruption") or "")


def short_name(option: str) -> str:
    """Return an option's address: its name without what only says where it stands."""
    head, *place = option.split(".")
    if head != "conf":
        return option
    group, name, *rest = place
    return ".".join([group if group == "trainer" else name, *rest])


def show_value(value: Any) -> str:
    """Return a value as a table shows it."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.12g}"
    return json.dumps(value, ensure_ascii=False)
