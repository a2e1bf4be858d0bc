"""When a trial ends early, and which values it tries."""

import builtins
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.errors import OptionError
from skiagram.studies.search.space import Choice, Range, Space
from skiagram.studies.search.trials import Pruning, decode, distributions, load_optuna, propose

EARLIER = [(0.6, 0.8, 0.7), (0.7, 0.9, 0.8), (0.8, 0.8, 0.8)]


def test_a_bar_is_the_percentile_of_the_means_so_far() -> None:
    bars = Pruning(percentile=50.0, trials=3, folds=1).bars(EARLIER, 3)
    assert [bar and round(bar, 6) for bar in bars] == [0.7, 0.8, None]  # at last nothing is to save


def test_no_trial_is_judged_by_too_few_others_or_on_too_few_folds() -> None:
    assert Pruning(percentile=50.0, trials=4, folds=1).bars(EARLIER, 3) == (None, None, None)
    bars = Pruning(percentile=0.0, trials=3, folds=2).bars(EARLIER, 3)
    assert [bar and round(bar, 6) for bar in bars] == [None, 0.7, None]


SPACE = Space(
    options={
        "rate": Range(low=0.001, high=1.0, scale="log"),
        "depth": Range(low=1, high=12, scale="linear"),
        "selection": Choice(choices=(None, {"method": "mrmr", "keep": 20})),
    }
)


def trial(params: dict[str, Any], value: float | None) -> Any:
    library = load_optuna()
    state = "RUNNING" if value is None else "COMPLETE"
    return library.trial.create_trial(
        state=library.trial.TrialState[state],
        params=params,
        distributions=distributions(SPACE),
        value=value,
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), number=st.integers(1, 50))
def test_a_proposal_lies_in_the_space_and_has_three_digits(seed: int, number: int) -> None:
    found = decode(SPACE, propose(SPACE, [], 5, seed, "m", number))
    for name, value in found.items():
        assert SPACE.options[name].holds(value)
    assert float(f"{found['rate']:.3g}") == found["rate"]


def test_equal_trials_and_numbers_give_equal_proposals_and_others_do_not() -> None:
    earlier = [trial(propose(SPACE, [], 3, 0, "m", number), number / 10) for number in range(6)]
    one = propose(SPACE, earlier, 3, 0, "m", 6)
    assert propose(SPACE, earlier, 3, 0, "m", 6) == one
    assert propose(SPACE, earlier, 3, 0, "m", 7) != one
    assert propose(SPACE, earlier, 3, 1, "m", 6) != one


def test_after_the_start_proposals_gather_where_trials_were_good() -> None:
    """Depth 9 is best: half of 40 guided proposals lie within 2 of it, a fifth and more by luck."""
    earlier: list[Any] = []
    for number in range(60):
        params = propose(SPACE, earlier, 20, 0, "m", number)
        earlier.append(trial(params, 1 - abs(params["depth"] - 9) / 12))
    near = sum(abs(one.params["depth"] - 9) <= 2 for one in earlier[20:])
    assert near > 25


def test_trials_under_way_keep_a_round_apart() -> None:
    earlier: list[Any] = []
    for number in range(5):
        earlier.append(trial(propose(SPACE, earlier, 2, 0, "m", number), None))
    rates = [one.params["rate"] for one in earlier]
    assert len(set(rates)) == 5


def test_without_optuna_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *given: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "optuna":
            raise ImportError(name)
        return real(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(OptionError, match=r"pip install 'skiagram\[search\]'"):
        load_optuna()
