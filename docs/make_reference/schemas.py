"""JSON schemas of what evaluate writes for other programs."""

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from make_reference.docstrings import attributes, summary
from skiagram.evaluation.results import Evaluation

_DIALECT = "https://json-schema.org/draft/2020-12/schema"

Figures = Annotated[
    dict[
        Literal["roc_auc", "balanced_accuracy", "selection_auc"],
        Annotated[float, Field(ge=0, le=1)],
    ],
    Field(
        description="A model's AUC and balanced accuracy on the reported cases, and the AUC that "
        "chose the best model of each arm. What could not be computed is left out."
    ),
]
Gain = Annotated[
    dict[Literal["roc_auc", "low", "high"], Annotated[float, Field(ge=-1, le=1)]],
    Field(
        description="AUC of the best network minus that of the best classical model, with the "
        "bounds of its 95 % interval. Absent without both arms."
    ),
]


class MetricsFile(BaseModel):
    """Content of reports/metrics.json: a model's name → its figures, and the comparison."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, Figures] = Field(init=False)

    best_network_minus_baseline: Gain = Field(default_factory=dict)


def schemas() -> dict[str, str]:
    """Return file name → JSON schema as text, for metrics.json and evaluation.json."""
    evaluation = TypeAdapter(Evaluation).json_schema(mode="serialization")
    known = {cls.__name__: cls for cls in _records(Evaluation)}
    for name, definition in (evaluation["$defs"] | {Evaluation.__name__: evaluation}).items():
        _describe(definition, known[name])
    found = {"evaluation": evaluation, "metrics": MetricsFile.model_json_schema()}
    return {f"{name}.schema.json": _text(name, schema) for name, schema in found.items()}


def _records(cls: type) -> Iterator[type]:
    """Yield a dataclass and all that its fields hold."""
    yield cls
    hints = get_type_hints(cls)
    for field in fields(cls):
        for one in _within(hints[field.name]):
            yield from _records(one)


def _within(kind: Any) -> Iterator[type]:
    if is_dataclass(kind) and isinstance(kind, type):
        yield kind
    for part in get_args(kind):
        yield from _within(part)


def _describe(definition: dict[str, Any], cls: type) -> None:
    """Say of a record and of each of its fields what the docstring says."""
    definition["description"] = summary(cls)
    meanings = attributes(cls)
    for name, one in definition["properties"].items():
        one.pop("title", None)
        if name in meanings:
            one["description"] = meanings[name]


def _text(name: str, schema: dict[str, Any]) -> str:
    head = {"$schema": _DIALECT, "title": f"skiagram reports/{name}.json"}
    return json.dumps(schema | head, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
