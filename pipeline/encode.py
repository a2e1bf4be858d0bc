"""Stage encode: frozen encoders' numbers of restored images, and of windows at candidates."""

import json
from typing import Any

from pydantic.dataclasses import dataclass

from entrypoint import stage
from option_files import ROOT
from outputs import publish
from skiagram.compute.pieces import PieceStore
from skiagram.compute.workers import Compute
from skiagram.features.windows import Windows
from skiagram.options import STRICT

ENCODINGS = "data/encodings"


@dataclass(**STRICT)
class Options:
    """Choices of the stage."""

    encoders: dict[str, dict[str, Any]]
    windows: Windows
    compute: Compute


@stage(Options)
def main(options: Options) -> None:
    """Encode the images of all cases that were not encoded before, by each chosen encoder."""
    store, read = PieceStore.of_project(ROOT), (ROOT / "data/restored", ROOT / "data/candidates")
    with publish(ENCODINGS) as staging:
        (staging / ENCODINGS).mkdir(parents=True)
        index = json.dumps({"encoders": list(options.encoders)}, indent=2)  # there may be none
        (staging / ENCODINGS / "index.json").write_text(f"{index}\n", encoding="utf-8")
        for name, chosen in options.encoders.items():
            from skiagram.steps.encode import encode  # imports torch

            target = staging / ENCODINGS / name
            encode(chosen, options.windows, *read, target, options.compute, store, print)


if __name__ == "__main__":
    main()
