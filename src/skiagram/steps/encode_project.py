"""Stage encode on a project: its encoders one by one; without any, torch is not imported."""

import json
from pathlib import Path
from typing import Any

from pydantic.dataclasses import dataclass as options_class

from skiagram.compute.context import RunContext
from skiagram.compute.workers import Compute
from skiagram.strict import STRICT


@options_class(**STRICT)
class EncodeOptions:
    """Options of stage encode.

    Attributes:
        encoders: Name → `_target_` and options of each frozen encoder.
        compute: How much of the machine it may use.
    """

    encoders: dict[str, dict[str, Any]]
    compute: Compute


def encode_project(root: Path, options: EncodeOptions, target: Path) -> None:
    """Encode a project's restored images, and write which encoders there are, if any."""
    target.mkdir(parents=True, exist_ok=True)
    index = json.dumps({"encoders": list(options.encoders)}, indent=2)
    (target / "index.json").write_text(f"{index}\n", encoding="utf-8")
    context = RunContext.of_project(root, options.compute)
    read = (root / "data/restored", root / "data/candidates")
    for name, encoder in options.encoders.items():
        from skiagram.steps.encode import encode  # imports torch

        encode(encoder, *read, target / name, context)
