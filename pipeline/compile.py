"""Compile what restorations and feature families call, so that no first run waits for it."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from entrypoint import ROOT
from skiagram.errors import DataError
from skiagram.features.batch import FeatureBatch
from skiagram.features.wavelet import energy_entropy
from skiagram.options import build, read_option_file

_SIDE = 32


def _options(group: str) -> Iterator[Any]:
    for path in sorted((ROOT / "conf" / group).glob("*.yaml")):
        values = read_option_file(path)
        if values["_target_"].startswith(f"skiagram.{group}."):  # a network may need a download
            yield build(values, path.stem)


def main() -> None:
    """Run every option file once on two small images, those of colour on colours."""
    generator = np.random.default_rng(0)
    films = generator.uniform(0, 255, (2, _SIDE, _SIDE)).astype(np.float32)
    for restoration in _options("restoration"):
        restoration.restore(films, films[0])
    for family in (one for one in _options("features") if hasattr(one, "extract")):
        try:
            family.extract(FeatureBatch(films))
        except DataError:
            family.extract(FeatureBatch(np.stack([films] * 3, axis=-1)))
    energy_entropy(np.ones((1, 2)), np.ones(1))  # by option alone


if __name__ == "__main__":
    main()
