"""AdvGAN: the linear victim's optimum, bounds and masks, and what a black box is asked."""

import pytest
import torch

from physadv.attacks.digital import AdvGAN, Rows
from physadv.attacks.digital.distil import Substitute
from physadv.core import Encoded, UserError, generator
from physadv.objectives import margin, targeted, untargeted
from tests.victims import closed_victim, linear_victim, small_victim


def some(n: int, size: tuple[int, int] = (8, 8), seed: int = 0) -> Encoded:
    return Encoded(0.3 + 0.4 * torch.rand(n, 3, *size, generator=generator(seed)))


def test_it_comes_near_the_optimum_against_a_linear_victim() -> None:
    """Of all changes within eps the best is eps times the sign of the gradient, for any image.

    The perturber has to learn that sign pattern; it is judged on images it has not seen.
    """
    victim, eps = linear_victim(), 0.05
    attack = AdvGAN(eps=eps, steps=150, batch=16, rate=5e-3, gan_weight=0.0, hinge_weight=0.0)
    goal = targeted(1, margin)
    images, fresh = some(16), some(8, seed=1)
    made = attack.apply(attack.train(victim, images, goal), fresh)
    gaps = victim.weight[[0, 2]] - victim.weight[1]
    photo = Rows().photo(fresh)

    def loss(images: Encoded) -> torch.Tensor:
        return goal.loss(victim(images), photo)

    # the margin is the larger of two linear functions: no change beats both at their best
    scores = victim(fresh).scores
    each = scores[:, [0, 2]] - scores[:, 1:2]
    floor = (each - eps * gaps.flatten(1).abs().sum(dim=1)).amax(dim=1)
    drop, most = loss(fresh) - loss(made), loss(fresh) - floor
    assert bool((drop <= most + 1e-4).all())
    assert float((drop / most).mean()) > 0.7
    signs = torch.rand(fresh.shape, generator=generator(2)).round() * 2 - 1
    noisy = Encoded((fresh + eps * signs).clamp(0, 1))
    assert float((loss(fresh) - loss(noisy)).mean()) < 0.4 * float(drop.mean())


def test_changes_stay_within_eps_and_the_mask() -> None:
    victim, images = small_victim(), some(4, (12, 16))
    mask = torch.zeros(12, 16)
    mask[:5] = 1
    rows = Rows(labels=torch.zeros(4, dtype=torch.long), mask=mask)
    made = AdvGAN(eps=0.1, steps=3)(victim, images, untargeted(), rows=rows)
    assert float((made - images).abs().max()) <= 0.1 + 1e-6
    assert float((made - images)[..., 5:, :].abs().max()) == 0


def test_the_hinge_keeps_the_norm_small() -> None:
    victim, images = linear_victim(), some(8)
    free = AdvGAN(eps=0.2, steps=60, rate=5e-3, hinge_weight=0.0, gan_weight=0.0)
    bound = AdvGAN(eps=0.2, steps=60, rate=5e-3, hinge=0.3, hinge_weight=100.0, gan_weight=0.0)
    norms = [
        float((attack(victim, images, targeted(1, margin)) - images).flatten(1).norm(dim=1).mean())
        for attack in (free, bound)
    ]
    assert norms[0] > 0.8
    assert norms[1] < 0.4


def test_the_discriminator_keeps_attacked_images_like_the_others() -> None:
    """Told to please it alone, the perturber changes little against what it does for the victim."""
    victim, images = linear_victim(), some(8)
    rude = AdvGAN(eps=0.2, steps=60, rate=5e-3, hinge_weight=0.0, gan_weight=0.0)
    polite = AdvGAN(eps=0.2, steps=60, rate=5e-3, hinge_weight=0.0, gan_weight=300.0)
    sizes = [
        float((attack(victim, images, targeted(1, margin)) - images).abs().mean())
        for attack in (rude, polite)
    ]
    assert sizes[1] < 0.8 * sizes[0]


@pytest.mark.parametrize(("distil", "each"), [("static", 0), ("dynamic", 4)])
def test_a_black_box_is_asked_for_answers_alone(distil: str, each: int) -> None:
    """Once about each image, and with dynamic distillation about each attacked one on the way."""
    victim, images = closed_victim(), some(6, (12, 16))
    attack = AdvGAN(eps=0.1, steps=5, batch=4, distil=distil, distil_steps=3)
    made = attack(victim, images, targeted(1))
    assert made.shape == images.shape
    assert victim.queries == 6 + 5 * each
    with pytest.raises(UserError, match="victim: expected one with gradients"):
        AdvGAN(steps=2)(victim, images, targeted(1))


def test_what_it_must_be_told_follows_from_its_settings() -> None:
    assert (AdvGAN().needs, AdvGAN(distil="static").needs) == ("gradients", "scores")


def test_a_substitute_learns_the_box() -> None:
    """Its divergence from the box's probabilities falls to a small part of what it was."""
    box, images = closed_victim(), some(16, (12, 16))
    copy = Substitute(box, images, rate=3e-3)

    def apart() -> float:
        own = copy.victim(images).scores.log_softmax(dim=1)
        return float((copy.answers * (copy.answers.log() - own)).sum(dim=1).mean())

    before = apart()
    copy.study(60, lambda: torch.arange(16))
    assert apart() < 0.3 * before
    assert copy.asked == 16


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(UserError, match="eps: expected a number from 0 to 1"):
        AdvGAN(eps=8.0)
    with pytest.raises(UserError, match="distil: expected one of none, static, dynamic"):
        AdvGAN(distil="some")
    with pytest.raises(UserError, match="images: expected 8 px or more, got 7 px"):
        AdvGAN()(linear_victim(), some(2, (7, 9)), targeted(1))
