"""All randomness comes from one seed through named, independent streams."""

import hashlib

import numpy as np


def _sequence(seed: int, name: tuple[str | int, ...]) -> np.random.SeedSequence:
    digest = hashlib.sha256("/".join(map(str, name)).encode()).digest()
    words = np.frombuffer(digest, dtype="<u4")
    return np.random.SeedSequence(entropy=seed, spawn_key=tuple(int(word) for word in words))


def stream(seed: int, *name: str | int) -> np.random.Generator:
    """Return the generator that belongs to a seed and a name.

    Equal arguments give equal draws on every machine; different names are independent, so adding
    a consumer never shifts the draws of another.

    Args:
        *name: Path of the consumer, for example `"folds", repeat`.
    """
    return np.random.default_rng(_sequence(seed, name))


def derived_seed(seed: int, *name: str | int) -> int:
    """Return a 32-bit seed for libraries that take an integer (scikit-learn, torch)."""
    return int(_sequence(seed, name).generate_state(1)[0])
