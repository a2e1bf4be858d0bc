"""The page of metrics and the JSON schemas: what evaluate writes for readers and programs."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from make_reference.markup import code, summary, table
from skiagram.evaluation.evaluation_record import Evaluation
from skiagram.options import meanings
from skiagram.tasks.classes import CLASS_FIGURES
from skiagram.tasks.figure import Figure
from skiagram.tasks.kinds import KINDS

_WITHOUT_FIGURE = """\
Beside an interval stands its method, as above; `, clustered by patient` or `, by patient` is added
where a patient has several cases. Wilson's interval on patients steps in where an AUC is 0 or 1,
where all scores are equal or a class has one patient. A figure that cannot be computed is null
and says why.
"""
_INTRODUCTION = """\
# Figures

All intervals are at 95 % and by patient: cases of one patient are never counted as independent.
With several repeats a figure is the mean over them. What the intervals mean, and where they are
weak, is on [a page of its own](../explanation/intervals.md).

"""


def metrics_page() -> str:
    """Return the page."""
    rows = [
        [code(metric.name), metric.definition, metric.range, _interval(metric), metric.source]
        for metric in CLASS_FIGURES
    ]
    header = ["figure", "definition", "range", "interval", "source"]
    parts = [
        _INTRODUCTION + table(header, rows),
        _WITHOUT_FIGURE,
        "`reports/evaluation.json` is the whole record; [its schema](evaluation.schema.json) "
        "explains every field. `reports/metrics.json` holds what `dvc metrics` compares; of it "
        "`selection_auc` and, of detectors, `selection_sensitivity` alone come of the "
        "development set, and are there to choose by. Of an outcome that is no class the names are "
        "those of its figures, with the horizon or the finding after a space, and `selection_` "
        "before the primary one.\n",
    ]
    return "\n".join(parts)


def _interval(metric: Figure) -> str:
    more = metric.interval_of_more_classes
    return f"{metric.interval}; with more than two classes {more}" if more else metric.interval


_DIALECT = "https://json-schema.org/draft/2020-12/schema"

_OF_FINDERS = (
    "figure_of_merit",
    "mean_sensitivity",
    "sensitivity_at_1_false_mark",
    "selection_sensitivity",
)
_HEADLINES = (
    *(metric.name for metric in CLASS_FIGURES if metric.headline),
    "selection_auc",
    *_OF_FINDERS,
)
_OF_OUTCOMES = "|".join(dict.fromkeys(figure.name for kind in KINDS for figure in kind.figures))
_PRIMARY = "|".join(dict.fromkeys(kind.primary for kind in KINDS))
OutcomeName = Annotated[
    str,
    Field(
        pattern=f"^((selection_)?({_PRIMARY})|({_PRIMARY})_off_near_duplicates|"
        f"({_OF_OUTCOMES})( .+)?)$"
    ),
]
OutcomeFigures = Annotated[
    dict[OutcomeName, Annotated[float, Field(allow_inf_nan=False)]],
    Field(
        description="The same of an outcome that is no class, in the unit of its figures: after a "
        "space stands the horizon, or the finding. `selection_` chose the best model of each arm."
    ),
]
ClassFigures = Annotated[
    dict[
        Literal[_HEADLINES],  # type: ignore[valid-type]
        Annotated[float, Field(ge=0, le=1)],
    ],
    Field(
        description="A model's AUC and balanced accuracy on the test cases, and the AUC that "
        "chose the best model of each arm. Of a detector besides: JAFROC's figure of merit, "
        "sensitivities, and the mean sensitivity that chose the best detector of each arm. What "
        "could not be computed is left out."
    ),
]
Figures = ClassFigures | OutcomeFigures
Gain = Annotated[
    dict[
        Annotated[str, Field(pattern=f"^(roc_auc|low|high|{_PRIMARY})$")],
        Annotated[float, Field(allow_inf_nan=False)],
    ],
    Field(
        description="Primary figure of what stands against the classical models, networks or "
        "frozen encoders, minus that of the best classical model, with the bounds of its 95 % "
        "interval. One of the three is there, none without both sides."
    ),
]


_BOUNDS = ("low", "high", "mean_sensitivity", "mean_sensitivity_low", "mean_sensitivity_high")
FindingGain = Annotated[
    dict[
        Literal["figure_of_merit", *_BOUNDS],  # type: ignore[valid-type]
        Annotated[float, Field(ge=-1, le=1)],
    ],
    Field(
        description="The same of the best detectors: figure of merit, and mean sensitivity at 1/8 "
        "to 8 false marks per image, with the bounds of their 95 % intervals."
    ),
]


class MetricsFile(BaseModel):
    """Content of reports/metrics.json: a model's name → its figures, and the comparison."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, Figures] = Field(init=False)

    best_network_minus_baseline: Gain = Field(default_factory=dict)
    best_encoder_minus_baseline: Gain = Field(default_factory=dict)
    best_deep_model_minus_baseline: Gain = Field(default_factory=dict)
    finding_best_network_minus_baseline: FindingGain = Field(default_factory=dict)
    finding_best_encoder_minus_baseline: FindingGain = Field(default_factory=dict)
    finding_best_deep_model_minus_baseline: FindingGain = Field(default_factory=dict)


def schemas() -> dict[str, str]:
    """Return file name → JSON schema as text, for metrics.json and evaluation.json."""
    evaluation = TypeAdapter(Evaluation).json_schema(mode="serialization")
    known = {cls.__name__: cls for cls in _all_records(Evaluation)}
    for name, definition in (evaluation["$defs"] | {Evaluation.__name__: evaluation}).items():
        _describe(definition, known[name])
    found = {"evaluation": evaluation, "metrics": MetricsFile.model_json_schema()}
    return {f"{name}.schema.json": _schema_text(name, schema) for name, schema in found.items()}


def _all_records(cls: type) -> Iterator[type]:
    """Yield a dataclass and all that its fields hold."""
    yield cls
    hints = get_type_hints(cls)
    for field in fields(cls):
        for one in _within(hints[field.name]):
            yield from _all_records(one)


def _within(kind: Any) -> Iterator[type]:
    if is_dataclass(kind) and isinstance(kind, type):
        yield kind
    for part in get_args(kind):
        yield from _within(part)


def _describe(definition: dict[str, Any], cls: type) -> None:
    """Say of a record and of each of its fields what the docstring says."""
    definition["description"] = summary(cls)
    told = meanings(cls)
    for name, one in definition["properties"].items():
        one.pop("title", None)
        if name in told:
            one["description"] = told[name]


def _schema_text(name: str, schema: dict[str, Any]) -> str:
    head = {"$schema": _DIALECT, "title": f"skiagram reports/{name}.json"}
    return json.dumps(schema | head, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
