"""Compile what restorations, features and evaluation call, so that no first run waits for it."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from option_files import ROOT
from skiagram.errors import DataError
from skiagram.evaluation import discrimination
from skiagram.evaluation.bootstrap import draw_patients
from skiagram.evaluation.curves import precision_recall_band, roc_band
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
    """Run every option file once on two small images: grey, in colour, or volumes."""
    generator = np.random.default_rng(0)
    films = generator.uniform(0, 255, (2, _SIDE, _SIDE)).astype(np.float32)
    for restoration in (
        options for options in _options("restoration") if hasattr(options, "restore")
    ):
        restoration.restore(films, films[0])  # one of several modalities calls the same steps
    plane = np.ones((len(films), 2))
    volumes = np.repeat(films[:, None, :, :, None], 4, axis=1)
    batches = (
        FeatureBatch(films, spacing=plane),
        FeatureBatch(np.stack([films] * 3, axis=-1), spacing=plane),
        FeatureBatch(volumes, spacing=np.ones((len(films), 3))),
    )
    for family in (options for options in _options("features") if hasattr(options, "extract")):
        for batch in batches:
            with suppress(DataError):  # a family refuses what it is not defined for
                family.extract(batch)
                break
    energy_entropy(np.ones((1, 2)), np.ones(1))  # by option alone
    _measure(generator.uniform(size=_SIDE), np.arange(_SIDE) % 2 == 0)


def _measure(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> None:
    draws = draw_patients(np.arange(_SIDE), _SIDE // 2, replicates=10, seed=0)
    weights = np.ones((1, _SIDE))
    for statistic in (
        discrimination.roc_auc,
        discrimination.partial_roc_auc,
        discrimination.average_precision,
    ):
        statistic(score, positive, weights)
    discrimination.risk_areas(*discrimination.tied_order(score), positive, weights)
    roc_band(score[None], positive, draws)
    precision_recall_band(score[None], positive, draws)


if __name__ == "__main__":
    main()
