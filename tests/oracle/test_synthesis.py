"""Synthesis ends at the optimum in closed form, and is as sure as it says it is."""

from math import inf

import pytest
import torch

from physadv.attacks.digital import Rows, Step, Synthesis, synthesise
from physadv.attacks.digital.basis import Basis
from physadv.core import Answer, Encoded, UserError, generator, quantise
from physadv.objectives import margin, targeted
from physadv.victims import load_victim
from tests.victims import LinearVictim, linear_victim

SIZE = (8, 8)
GREY = Encoded(torch.full((2, 3, *SIZE), 0.5))


def victim() -> LinearVictim:
    """Return one with small weights, so that no image makes it sure."""
    plain = linear_victim(classes=2)
    return LinearVictim(0.01 * plain.weight, 0 * plain.bias)


def last(attack: Synthesis, rows: Rows | None = None) -> torch.Tensor:
    """Return the images that the victim was asked about last."""
    seen: list[Step] = []
    attack(victim(), GREY, targeted(1, margin), rows=rows or Rows(), seed=4, watch=seen.append)
    return seen[-1].images


def test_with_an_l2_prior_it_ends_at_grey_plus_the_weights() -> None:
    """w.x - decay |x - grey|²/n has its top at grey + w n / (2 decay) (Simonyan et al., eq. 1)."""
    weight = victim().margin_gradient(1, 0, SIZE)
    decay = 2.5 * float(weight.abs().max()) * weight.numel()
    top = 0.5 + weight * weight.numel() / (2 * decay)
    made = last(Synthesis(confidence=1.0, decay=decay, steps=250, rate=0.03))
    assert float((made - top).abs().max()) <= 1.5 / 255
    assert float((top - 0.5).abs().max()) > 0.19, "the prior is not all there is"


def test_without_a_prior_it_ends_at_the_ends() -> None:
    weight = victim().margin_gradient(1, 0, SIZE)
    made = last(Synthesis(confidence=1.0, steps=150, rate=0.2))
    clear = weight.expand_as(made).abs() > 0.05 * weight.abs().max()
    assert torch.equal(made[clear] > 0.5, (weight.expand_as(made) > 0)[clear])
    assert float((made - 0.5).abs()[clear].min()) > 0.45


def test_the_smoother_the_prior_the_less_neighbours_differ() -> None:
    rough, smooth = (
        last(Synthesis(confidence=1.0, steps=60, smooth=weight)) for weight in (0.0, 1e3)
    )
    apart = [float((one[..., 1:] - one[..., :-1]).abs().mean()) for one in (rough, smooth)]
    assert apart[1] < 0.5 * apart[0]


def test_it_is_as_sure_as_it_says_on_images_of_8_bits() -> None:
    known = load_victim("bundled")
    classes: list[str | int] = ["Stop", 1, 40]
    made = synthesise(known, classes, seed=1)
    assert torch.equal(made, quantise(made))
    sure = known(made).scores.softmax(dim=1)
    own = sure[torch.arange(3), torch.tensor([14, 1, 40])]
    assert float(own.min()) >= 0.99
    other = synthesise(known, classes, seed=2)
    assert not torch.equal(made, other)


def test_an_image_that_is_done_is_asked_about_no_more() -> None:
    asked: list[int] = []

    class Counted(LinearVictim):
        def __call__(self, images: Encoded) -> Answer:
            asked.append(len(images))
            return super().__call__(images)

    plain = linear_victim(classes=3)
    counted = Counted(plain.weight, plain.bias)
    synthesise(counted, [0, 1, 2], confidence=0.9, seed=0)
    assert asked[0] == 3
    assert asked == sorted(asked, reverse=True)
    assert len(asked) < 400


def test_it_begins_where_it_is_told() -> None:
    start = Encoded(torch.rand(2, 3, *SIZE, generator=generator(1)) * 0.9 + 0.05)
    for basis in ("pixels", "fourier"):
        made = last(Synthesis(confidence=1.0, steps=1, basis=basis), Rows(start=start))
        assert float((made - start).abs().max()) <= 0.5 / 255 + 1e-4


@pytest.mark.parametrize("size", [(8, 8), (9, 12), (16, 7)])
def test_the_fourier_basis_holds_every_image_and_low_bands_alone(size: tuple[int, int]) -> None:
    images = torch.rand(2, 3, *size, generator=generator(2)) * 0.98 + 0.01
    whole = Basis("fourier", 1.0, size)
    assert torch.allclose(whole.image(whole.numbers(images)), images, atol=1e-4)
    assert float(whole.scale.square().mean()) == pytest.approx(1.0, rel=1e-5)
    low = Basis("fourier", 0.5, size)
    parts = torch.fft.fft2(low.image(low.draw(images.shape, generator(3))).double().logit())
    down, across = (torch.fft.fftfreq(side).abs() for side in size)
    above = torch.maximum(down[:, None], across[None]) > 0.25 + 1e-9
    assert float(parts[..., above].abs().max()) < 1e-3 * float(parts.abs().max())
    assert float(parts[..., ~above].abs().max()) > 0


def test_low_frequencies_move_most() -> None:
    scale = Basis("fourier", 1.0, (16, 16)).scale
    assert float(scale[0, 1] / scale[0, 4]) == pytest.approx(4.0, rel=1e-5)
    assert float(scale[0, 0]) == float(scale[0, 1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"confidence": 0.0}, "confidence: expected a share above 0"),
        ({"steps": 0}, "steps: expected at least 1"),
        ({"rate": 0.0}, "rate: expected above 0"),
        ({"basis": "wavelets"}, "basis: expected one of pixels, fourier"),
        ({"band": 0.5}, "band: expected 1 with the basis pixels, got 0.5; take basis=fourier"),
        ({"smooth": inf}, "smooth: expected a number from 0 on"),
        ({"jitter_px": -1}, "jitter_px: expected a number from 0 on"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Synthesis(**settings)  # type: ignore[arg-type]  # wrong on purpose


def test_classes_that_there_are_not_are_refused() -> None:
    with pytest.raises(UserError, match="label: expected"):
        synthesise(linear_victim(), ["iguana"])
    with pytest.raises(UserError, match="classes: expected at least one"):
        synthesise(linear_victim(), [])
