"""What models that score the same cases require together, and what gives a network its trainer."""

import pytest

from skiagram.models.contract import NO_REQUIREMENTS, Requirements, learner_of
from tests.models.classical.families import model
from tests.stand_ins import CPU


def test_models_of_the_same_cases_require_what_any_of_them_does() -> None:
    first = Requirements(columns=("a", "b"), reads_other=True)
    second = Requirements(columns=("b", "c"), shape=(8, 9), batch=4, whole_machine=True)
    both = Requirements.join([first, second])
    assert both == Requirements(
        ("a", "b", "c"), (8, 9), reads_other=True, batch=4, whole_machine=True
    )
    assert Requirements.join([NO_REQUIREMENTS] * 2) == NO_REQUIREMENTS
    assert Requirements.join([first, Requirements(refuses_sites=True)]).refuses_sites


@pytest.mark.slow
def test_a_classical_model_needs_no_trainer_tuned_or_not() -> None:
    for name in ("svm", "tuned_svm"):
        untrained = model(name)
        assert learner_of(untrained, CPU, threads=1) is untrained
        assert untrained.finds_in is None
