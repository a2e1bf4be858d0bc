"""When a trial ends early."""

from skiagram.studies.search.trials import Pruning

EARLIER = [(0.6, 0.8, 0.7), (0.7, 0.9, 0.8), (0.8, 0.8, 0.8)]


def test_a_bar_is_the_percentile_of_the_means_so_far() -> None:
    bars = Pruning(percentile=50.0, trials=3, folds=1).bars(EARLIER, 3)
    assert [bar and round(bar, 6) for bar in bars] == [0.7, 0.8, None]  # at last nothing is to save


def test_no_trial_is_judged_by_too_few_others_or_on_too_few_folds() -> None:
    assert Pruning(percentile=50.0, trials=4, folds=1).bars(EARLIER, 3) == (None, None, None)
    bars = Pruning(percentile=0.0, trials=3, folds=2).bars(EARLIER, 3)
    assert [bar and round(bar, 6) for bar in bars] == [None, 0.7, None]
