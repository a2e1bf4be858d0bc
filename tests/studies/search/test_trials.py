"""When a trial ends early, and which values it tries."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from skiagram.seeding import derived_seed
from skiagram.studies.search.space import Choice, Range, Space
from skiagram.studies.search.trials import Pruning, load_optuna, suggest, values_of

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


def asked(seed: int, number: int, earlier: list[tuple[dict[str, Any], float | None]]) -> Any:
    """Return a trial of a search that has made some trials; those without a value are under way."""
    optuna = load_optuna()
    sampler = optuna.samplers.TPESampler(
        n_startup_trials=3, seed=derived_seed(seed, "m", number), constant_liar=True
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for params, value in earlier:
        study.enqueue_trial(params)
        trial = study.ask()
        suggest(trial, SPACE)
        if value is not None:
            study.tell(trial, value)
    trial = study.ask()
    suggest(trial, SPACE)
    return trial


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_values_lie_in_the_space_and_have_three_digits(seed: int) -> None:
    found = values_of(asked(seed, 1, [(asked(seed, 0, []).params, 0.5)]), SPACE)
    for name, value in found.items():
        assert SPACE.options[name].holds(value)
    assert float(f"{found['rate']:.3g}") == found["rate"]


def test_equal_trials_and_numbers_give_equal_values_and_others_do_not() -> None:
    earlier: list[Any] = [(asked(0, k, []).params, k / 10) for k in range(6)]
    one = asked(0, 6, earlier).params
    assert asked(0, 6, earlier).params == one
    assert asked(0, 7, earlier).params != one
    assert asked(1, 6, earlier).params != one


def test_trials_under_way_keep_a_round_apart() -> None:
    earlier: list[Any] = []
    for number in range(5):
        earlier.append((asked(0, number, earlier).params, None))
    assert len({params["rate"] for params, _ in earlier}) == 5
