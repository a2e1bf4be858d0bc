"""Compiles what stages call, so that no test waits for it.

Usage: `python -m tests.pipeline.compile_loops`.
"""

import gc
import re
from contextlib import suppress
from importlib import import_module

import numpy as np

from skiagram.compute.workers import ALL_PROCESSORS
from skiagram.errors import DataError
from skiagram.evaluation.curves import precision_recall_band, roc_band
from skiagram.features.batch import FeatureBatch
from skiagram.features.family import TextureFamily
from skiagram.near_duplicates.nearest import Tree
from skiagram.near_duplicates.registration import Guess, details_of, register
from skiagram.options import build, read_option_file
from skiagram.projects.files import shipped_root
from skiagram.statistics import discrimination
from skiagram.statistics.bootstrap import draw_patients
from skiagram.statistics.froc import RATES, FreeResponse, Ratings

_CONF = shipped_root() / "conf"
_SIDE = 32
_OTHERS = ("audit", "evaluation")  # what is called without a config
_FIRST = "features/first_order.yaml"


def main():
    """Run every config once, as many at a time as there are processors."""
    files = [
        path
        for group in ("restoration", "features")
        for path in sorted((_CONF / group).glob("*.yaml"))
    ]
    pieces = [*_OTHERS, *(f"{path.parent.name}/{path.name}" for path in files)]
    # Families of textures share loops, which two processes would compile twice.
    texture = []
    for path in files:
        targets = re.findall(r"_target_: (.+)\.(\w+)", path.read_text(encoding="utf-8"))
        classes = [getattr(import_module(module), name) for module, name in targets]
        if any(issubclass(named, TextureFamily) for named in classes):
            texture.append(f"{path.parent.name}/{path.name}")
    rest = [(piece,) for piece in pieces if piece not in texture]
    # What follows is forked from this process: it has what every loop needs of Numba at hand.
    _compile(_FIRST)
    for _ in ALL_PROCESSORS.map_fits(_compile_all, [tuple(texture), *rest]):
        pass
    _compile_all(tuple(pieces))  # of two that keep one loop at once, one may have been too late


def _compile_all(pieces):
    gc.disable()  # Numba leaves little behind, and looking for it takes a tenth of the time
    try:
        for piece in pieces:
            _compile(piece)
    finally:
        gc.enable()


def _compile(piece):
    """Run a config on two small images, grey, in colour or volumes; or another stage."""
    generator = np.random.default_rng(0)
    if piece == "audit":
        details = details_of(generator.uniform(size=(2, _SIDE, _SIDE)))
        register(details, details[::-1], Guess())
        like = generator.uniform(size=(_SIDE, _SIDE)).astype(np.float32)
        Tree.grow(like, 0).like(like, like, 0.0)
        return
    if piece == "evaluation":
        score, positive = generator.uniform(size=_SIDE), np.arange(_SIDE) % 2 == 0
        draws = draw_patients(np.arange(_SIDE), _SIDE // 2, replicates=10, seed=0)
        weights = np.ones((1, _SIDE))
        discrimination.roc_auc(score, positive, weights)
        discrimination.partial_roc_auc(score, positive, weights)
        discrimination.average_precision(score, positive, weights)
        discrimination.risk_areas(*discrimination.tied_order(score), positive, weights)
        roc_band(score[None], positive, draws)
        precision_recall_band(score[None], positive, draws)
        ratings = Ratings(score, np.arange(_SIDE), score, np.arange(_SIDE))
        FreeResponse((ratings,), np.arange(_SIDE)).share_found(RATES)(weights)
        return
    group, _, name = piece.partition("/")
    values = read_option_file(_CONF / piece)
    if not values["_target_"].startswith(f"skiagram.{group}."):  # a network may need a download
        return
    options = build(values, name)
    films = generator.uniform(0, 255, (2, _SIDE, _SIDE)).astype(np.float32)
    if hasattr(options, "restore"):
        options.restore(films, films[0])  # one of several modalities calls the same steps
    if hasattr(options, "extract"):
        plane = np.ones((len(films), 2))
        volumes = np.repeat(films[:, None, :, :, None], 4, axis=1)
        batches = (
            FeatureBatch(films, spacing=plane),
            FeatureBatch(np.stack([films] * 3, axis=-1), spacing=plane),
            FeatureBatch(volumes, spacing=np.ones((len(films), 3))),
        )
        for batch in batches:
            with suppress(DataError):  # a family refuses what it is not defined for
                options.extract(batch)
                return


if __name__ == "__main__":
    main()
