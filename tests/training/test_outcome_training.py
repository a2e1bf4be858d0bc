"""Losses of outcomes are those of the field, and their cut-offs are learned with the network."""

import numpy as np
import pytest
import torch

from skiagram.errors import ModelFailure
from skiagram.tasks.grade import Grade
from skiagram.tasks.number import Number
from skiagram.tasks.time import TimeToEvent
from skiagram.training.outcome_training import check_training
from tests.models.deep.spots import training
from tests.statistics.times import EVENT, RISK, TIME, UNTIED

pytestmark = pytest.mark.slow
NOTHING = torch.zeros(0)
GRADE = Grade(column="grade", grades=("low", "middle", "high"), shares=(0.5, 0.3, 0.2))


def cox_loss(score, target):
    return TimeToEvent(column="time", unit="days").loss(score, target, NOTHING)


@pytest.mark.parametrize(("time", "mean"), [(TIME, 3.0959334373), (UNTIED, 2.9441599846)])
def test_the_loss_is_that_of_torchsurv(time, mean):
    target = torch.from_numpy(np.stack([time, EVENT], axis=1))
    found = float(cox_loss(torch.from_numpy(RISK), target)) * EVENT.sum()
    # Of torchsurv 0.2.0, in float32; its mean is over times of events, not over events.
    assert found == pytest.approx(mean * len(np.unique(time[EVENT])), rel=1e-7)


def test_a_batch_without_an_event_teaches_nothing():
    score = torch.ones(4, requires_grad=True)
    target = torch.stack([torch.arange(4.0), torch.zeros(4)], dim=1)
    (gradient,) = torch.autograd.grad(cox_loss(score, target), score)
    assert float(gradient.abs().sum()) == 0


def test_the_loss_of_a_number_is_its_absolute_error():
    score, target = torch.tensor([0.0, 1.0, -2.0]), torch.tensor([[1.0], [1.0], [0.0]])
    assert float(Number(column="size").loss(score, target, NOTHING)) == pytest.approx(1.0)


def test_the_loss_of_a_grade_sums_the_cross_entropy_of_its_cut_offs():
    score, cuts = torch.tensor([0.3, -1.0]), torch.logit(torch.tensor([0.5, 0.8]))
    target = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    chance = torch.sigmoid(score[:, None] - cuts)
    terms = target * chance.log() + (1 - target) * (1 - chance).log()
    begun = torch.from_numpy(GRADE.learned_with_loss())
    assert float(GRADE.loss(score, target, begun)) == pytest.approx(
        float(-terms.sum(dim=1).mean()), rel=1e-6
    )


def test_cut_offs_of_a_grade_move_apart_and_not_along():
    """Cut-offs that move along made scores of two fits lie around different places."""
    score, target = torch.tensor([0.3, -1.0]), torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    cuts = torch.from_numpy(GRADE.learned_with_loss())
    before = float(GRADE.loss(score, target, cuts))
    assert float(GRADE.loss(score, target, cuts + 5.0)) == pytest.approx(before, rel=1e-5)
    apart = cuts + torch.tensor([0.0, 1.0])
    assert float(GRADE.loss(score, target, apart)) != pytest.approx(before, rel=1e-2)


def test_a_mean_of_networks_of_several_findings_is_refused():
    """The members' probabilities are averaged as those of classes, which exclude one another."""
    means = training(class_weights=None, members=3)
    check_training(means, "Small network", 1)
    check_training(training(class_weights=None), "Small network", 14)
    with pytest.raises(ModelFailure, match="a mean of networks is for classes"):
        check_training(means, "Small network", 14)
