"""Which values a trial tries: a pure function of the trials of earlier rounds and of its number.

Optuna's tree-structured Parzen estimator (Bergstra et al. 2011) proposes. Each trial has a sampler
with a seed of its own, so a search that was stopped proposes what an undisturbed one would.
"""

import json
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from skiagram.errors import OptionError
from skiagram.seeding import derived_seed
from skiagram.studies.search.space import Choice, Dimension, Space, Whole

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

_DIGITS = 3  # of a proposed number: more of them mean nothing and are hard to read


def optuna() -> ModuleType:
    """Import Optuna, whose messages stay off the terminal.

    Raises:
        OptionError: It is not installed.
    """
    try:
        import optuna
    except ImportError as error:
        raise OptionError(
            "Optuna is not installed", where="study", remedy="pip install 'skiagram[search]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def distributions(space: Space) -> "dict[str, BaseDistribution]":
    """Return a space as Optuna knows it; values to choose from are written as JSON."""
    return {name: _distribution(one) for name, one in space.options.items()}


def _distribution(dimension: Dimension) -> "BaseDistribution":
    optuna()
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(dimension, Choice):
        return CategoricalDistribution([encoded(dimension, one) for one in dimension.choices])
    log = dimension.scale == "log"
    if isinstance(dimension, Whole):
        return IntDistribution(dimension.low, dimension.high, log=log)
    return FloatDistribution(dimension.low, dimension.high, log=log)


def encoded(dimension: Dimension, value: Any) -> Any:
    """Return an option's value as Optuna stores it."""
    return json.dumps(value, sort_keys=True) if isinstance(dimension, Choice) else value


def decoded(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options' values that Optuna stored, in the space's order."""
    return {
        name: json.loads(params[name]) if isinstance(one, Choice) else params[name]
        for name, one in space.options.items()
    }


def propose(
    space: Space, earlier: "Sequence[FrozenTrial]", startup: int, seed: int, *name: str | int
) -> dict[str, Any]:
    """Return the values, as Optuna stores them, that the next trial tries.

    Args:
        space: What may be chosen.
        earlier: All trials before it; those of its own round count as under way.
        startup: Trials drawn at random before earlier ones guide the search.
        seed: The study's seed.
        *name: Name of the random stream, with the trial's number.
    """
    library = optuna()
    sampler = library.samplers.TPESampler(
        n_startup_trials=startup, seed=derived_seed(seed, *name), constant_liar=True
    )
    memory = library.create_study(direction="maximize", sampler=sampler)
    memory.add_trials(earlier)
    params = memory.ask(distributions(space)).params
    return {option: _rounded(params[option]) for option in space.options}


def _rounded(value: Any) -> Any:
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
