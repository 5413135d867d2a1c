"""Ensembles against softmax written out, and what they refuse."""

import pytest
import torch
from torch import Tensor

from physadv.core import Encoded, UserError, generator
from physadv.objectives import cross_entropy, targeted
from physadv.victims import Ensemble, Prepare
from physadv.victims.classifier import Classifier
from tests.oracle.test_vanish import photo
from tests.victims import SmallNetwork, cell_detector, closed_victim, linear_victim, small_victim

IMAGES = Encoded(torch.rand(3, 3, 24, 32, generator=generator(0)))


def members() -> list[Classifier]:
    return [small_victim(seed=1), small_victim(seed=2), small_victim(seed=3)]


def softmax(scores: Tensor) -> Tensor:
    return scores.exp() / scores.exp().sum(dim=1, keepdim=True)


def test_means_of_logits_log_probabilities_and_probabilities() -> None:
    each = torch.stack([one(IMAGES).scores for one in members()])
    found = {
        mean: Ensemble(members(), mean=mean)(IMAGES).scores
        for mean in ("logits", "losses", "probabilities")
    }
    torch.testing.assert_close(found["logits"], each.mean(dim=0))
    logs = torch.stack([softmax(one).log() for one in each])
    torch.testing.assert_close(found["losses"], logs.mean(dim=0))
    torch.testing.assert_close(found["probabilities"].exp(), logs.exp().mean(dim=0))


def test_one_member_is_as_good_as_itself() -> None:
    alone = small_victim()
    for mean in ("logits", "losses", "probabilities"):
        together = Ensemble([alone], mean=mean)
        goal, where = targeted(2, cross_entropy), photo(torch.zeros(3, 4))
        wanted = goal.loss(alone(IMAGES), where)
        torch.testing.assert_close(goal.loss(together(IMAGES), where), wanted)


def test_each_member_prepares_the_images_in_its_own_way() -> None:
    large = Classifier.of(SmallNetwork(seed=2), small_victim().labels, Prepare(20, bgr=True))
    both = Ensemble([small_victim(seed=1), large])
    wanted = (small_victim(seed=1)(IMAGES).scores + large(IMAGES).scores) / 2
    torch.testing.assert_close(both(IMAGES).scores, wanted)
    assert both.size_px == (20, 20)


def test_the_digest_follows_the_members_and_the_mean() -> None:
    digests = {
        Ensemble(members()).digest(),
        Ensemble(members()[:2]).digest(),
        Ensemble(members(), mean="losses").digest(),
    }
    assert len(digests) == 3
    assert Ensemble(members()).digest() == Ensemble(members()).digest()


def test_a_black_box_among_them_is_said() -> None:
    mixed = Ensemble([small_victim(), closed_victim()])
    mixed(IMAGES)
    assert (mixed.differentiable, mixed.queries) == (False, 3)
    assert mixed.note == "black box, since these are: classifier"


def test_members_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(UserError, match=r"^victims: expected at least one"):
        Ensemble([])
    with pytest.raises(UserError, match=r"^victims: expected the labels of small in every"):
        Ensemble([small_victim(), linear_victim()])
    with pytest.raises(UserError, match=r"^mean: expected one of"):
        Ensemble(members(), mean="votes")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(UserError, match=r"^mean: expected 'losses', got 'logits'"):
        Ensemble([cell_detector()])(IMAGES)
    plain = Classifier.of(SmallNetwork(3), cell_detector().labels, Prepare(20))
    mixed = Ensemble([plain, cell_detector()], mean="losses")
    with pytest.raises(UserError, match=r"^victims: expected classifiers or detectors, not both"):
        mixed(IMAGES)
