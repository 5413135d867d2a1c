"""CIEDE2000 against its authors' table, scikit-image and finite differences; what is gained."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab

from physadv.attacks.digital import Perceptual, Rows, Smallest, Step, perceptual_distance
from physadv.core import Encoded, UserError, ciede2000, generator, lab, quantise
from physadv.objectives import cross_entropy, untargeted
from tests.victims import linear_victim

TABLE = [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
    ((50, 3.1571, -77.2803), (50, 0, -82.7485), 2.8615),
    ((50, 2.8361, -74.0200), (50, 0, -82.7485), 3.4412),
    ((50, -1.3802, -84.2814), (50, 0, -82.7485), 1.0000),
    ((50, 0, 0), (50, -1, 2), 2.3669),
    ((50, -1, 2), (50, 0, 0), 2.3669),
    ((50, 2.49, -0.001), (50, -2.49, 0.0009), 7.1792),
    ((50, 2.49, -0.001), (50, -2.49, 0.0011), 7.2195),
    ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((50, 2.5, 0), (61, -5, 29), 22.8977),
    ((50, 2.5, 0), (56, -27, -3), 31.9030),
    ((50, 2.5, 0), (58, 24, 15), 19.4535),
]
"""Pairs of CIELAB colours and their difference: Sharma, Wu & Dalal 2005, table 1, in part."""


def test_the_formula_is_its_authors() -> None:
    one, other, wanted = (torch.tensor(part, dtype=torch.float64) for part in zip(*TABLE))  # noqa: B905  # rows have three
    assert torch.allclose(ciede2000(one, other), wanted, atol=5e-5)


def test_images_differ_as_scikit_image_says() -> None:
    one, other = torch.rand(2, 2, 3, 40, 40, generator=generator(0))
    other[0] = (one[0] + 0.02 * other[0]).clamp(0, 1)
    one[1, :, :5] = one[1, :1, :5]  # greys
    labs = [rgb2lab(each.double().numpy(), channel_axis=1) for each in (one, other)]
    assert np.allclose(lab(Encoded(one)), labs[0], atol=2e-2)
    wanted = deltaE_ciede2000(*labs, channel_axis=1)  # type: ignore[no-untyped-call]  # scikit-image has no types
    found = ciede2000(lab(Encoded(one)), lab(Encoded(other)))
    assert np.allclose(found, wanted, atol=2e-2)


def test_slopes_are_those_of_finite_differences() -> None:
    rng = generator(1)
    one = torch.rand(20, 3, generator=rng).double() * torch.tensor([100.0, 80.0, 80.0]) - 20
    other = one + 5 * torch.randn(20, 3, generator=rng).double()
    other.requires_grad_()
    assert torch.autograd.gradcheck(lambda each: ciede2000(one, each), other, atol=1e-4)


@pytest.mark.parametrize("colour", [(0.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.2, 0.7, 0.1)])
def test_slopes_have_an_end_where_nothing_differs(colour: tuple[float, ...]) -> None:
    image = torch.tensor(colour).reshape(1, 3, 1, 1)
    same = image.clone().requires_grad_()
    perceptual_distance(image, same).sum().backward()
    assert same.grad is not None
    assert bool(same.grad.isfinite().all())


def test_more_change_is_seen_less_than_of_the_smallest_one() -> None:
    """The paper's claim: beside the smallest change in RGB, larger in norm and less distant."""
    victim = linear_victim(classes=2)
    clean = Encoded(quantise(Encoded(0.2 + 0.6 * torch.rand(6, 3, 8, 8, generator=generator(2)))))
    labels = victim(clean).best
    rows, goal = Rows(labels=labels), untargeted(cross_entropy)
    made = Perceptual(steps=120, rate=0.3, colour_ratio=0.3)(victim, clean, goal, rows=rows)
    small = Smallest(2.0, rounds=7, steps=10)(victim, clean, goal, rows=rows)
    assert bool((victim(made).best != labels).all())
    assert torch.equal(made, quantise(made))
    seen, beside = perceptual_distance(clean, made), perceptual_distance(clean, small)
    assert float((seen / beside).mean()) < 0.9
    norms = [(each - clean).flatten(1).norm(dim=1) for each in (made, small)]
    assert float((norms[0] / norms[1]).mean()) > 1


def test_steps_fall_with_a_cosine_and_alternate() -> None:
    victim = linear_victim(classes=2)
    clean = Encoded(0.4 + 0.2 * torch.rand(1, 3, 8, 8, generator=generator(3)))
    labels = victim(clean).best
    seen: list[Step] = []
    how = Perceptual(steps=20, rate=0.4, colour_ratio=0.25)
    how(victim, clean, untargeted(), rows=Rows(labels=labels), watch=seen.append)
    assert how.sizes(0, clean) == pytest.approx((0.4, 0.1))
    assert how.sizes(20, clean) == pytest.approx((0.004, 0.01))
    for number, (step, after) in enumerate(pairwise(seen)):
        reached = bool(victim(Encoded(quantise(Encoded(step.images)))).best != labels)
        length = float((after.images - step.images).norm())
        assert length == pytest.approx(how.sizes(number, clean)[reached], rel=1e-3)


def test_settings_that_cannot_be_are_refused() -> None:
    for name in ("steps", "rate", "colour_ratio"):
        with pytest.raises(UserError, match=f"{name}: expected"):
            Perceptual(**{name: 0})
