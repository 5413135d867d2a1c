"""Objectives against closed forms: cross entropy, margin, total variation, printability."""

import math

import pytest
import torch
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from torch import Tensor

from physadv.core import Answer, Encoded, Ink, Photo, UserError, generator
from physadv.objectives import (
    Objective,
    cross_entropy,
    in_gamut,
    margin,
    non_printability,
    printable,
    read_palette,
    smooth,
    targeted,
    untargeted,
)
from tests.shared_data import DATA, needs_data

SCORES = torch.tensor([[2.0, 0.0, 1.0], [0.0, 5.0, -1.0]])


def photo(labels: tuple[int, ...] = (0, 1), ink: Ink | None = None) -> Photo:
    n = len(labels)
    return Photo(
        Encoded(torch.zeros(n, 3, 4, 4)),
        torch.zeros(n, 4, 2),
        torch.zeros(n, 4),
        torch.tensor(labels),
        ink,
    )


def ink(colour: Tensor, cover: Tensor | None = None) -> Ink:
    whole = torch.ones(1, 1, *colour.shape[-2:]) if cover is None else cover
    return Ink(Encoded(colour), whole)


def loss(objective: Objective, sticker: Ink) -> float:
    """Return a regulariser's one value; it is the same for every row."""
    values = objective.loss(Answer(SCORES), photo(ink=sticker)) + torch.zeros(2)
    assert bool((values == values[0]).all())
    return float(values[0])


def test_cross_entropy_is_minus_log_softmax() -> None:
    total = math.log(math.exp(2) + math.exp(0) + math.exp(1))
    found = cross_entropy(SCORES[:1], torch.tensor([2]))
    assert float(found) == pytest.approx(total - 1, abs=1e-6)


def test_margin_is_the_best_other_less_the_own() -> None:
    assert margin(SCORES, torch.tensor([0, 1])).tolist() == [-1.0, -5.0]
    assert margin(SCORES, torch.tensor([1, 2])).tolist() == [2.0, 6.0]


@settings(max_examples=30, deadline=None)
@over(st.integers(0, 2**20), st.integers(2, 9), st.floats(-50, 50))
def test_both_ignore_a_constant_and_agree_on_who_wins(seed: int, k: int, shift: float) -> None:
    scores = 5 * torch.randn(6, k, generator=generator(seed))
    label = torch.randint(k, (6,), generator=generator(seed + 1))
    for measure in (cross_entropy, margin):
        one, other = measure(scores, label), measure(scores + shift, label)
        torch.testing.assert_close(one, other, atol=1e-3, rtol=1e-3)
    assert torch.equal(margin(scores, label) < 0, scores.argmax(dim=1) == label)


def test_targeted_wants_one_class_and_untargeted_any_other() -> None:
    answer = Answer(SCORES)
    assert targeted(1).success(answer, photo()).tolist() == [False, True]
    assert untargeted().success(answer, photo()).tolist() == [False, False]
    assert untargeted().success(answer, photo((2, 2))).tolist() == [True, True]
    assert targeted(1, margin).loss(answer, photo()).tolist() == [2.0, -5.0]
    assert untargeted(margin).loss(answer, photo()).tolist() == [1.0, 5.0]
    torch.testing.assert_close(
        targeted(1).loss(answer, photo()), cross_entropy(SCORES, torch.tensor([1, 1]))
    )


def test_objectives_add_and_scale() -> None:
    answer, seen = Answer(SCORES), photo()
    one, other = targeted(1), untargeted()
    both = one + 2.0 * other * 0.5
    wanted = one.loss(answer, seen) + other.loss(answer, seen)
    torch.testing.assert_close(both.loss(answer, seen), wanted)
    torch.testing.assert_close((3 * one).loss(answer, seen), 3 * one.loss(answer, seen))
    assert (3 * one).success(answer, seen).tolist() == one.success(answer, seen).tolist()
    assert (one + targeted(0)).success(answer, seen).tolist() == [False, False]
    assert (one + smooth()).success(answer, seen).tolist() == [False, True]


def test_a_regulariser_adds_one_value_to_every_row() -> None:
    answer, sticker = Answer(SCORES), ink(torch.rand(1, 3, 6, 6, generator=generator(0)))
    seen = photo(ink=sticker)
    added = (targeted(1) + 2 * smooth()).loss(answer, seen) - targeted(1).loss(answer, seen)
    torch.testing.assert_close(added, torch.full((2,), 2 * loss(smooth(), sticker)))
    assert (targeted(1) + smooth()).loss(answer, photo()).shape == (2,)  # no ink, no loss


def test_total_variation_of_known_pictures() -> None:
    """A ramp changes by 1/7 a column; a checker by 1 between all neighbours."""
    ramp = (torch.arange(8) / 7).expand(1, 3, 8, 8)
    assert loss(smooth(), ink(ramp)) == pytest.approx(8 * 7 / 7 / 64)
    line = torch.arange(8) % 2
    checker = ((line[:, None] + line) % 2).float().expand(1, 3, 8, 8)
    assert loss(smooth(), ink(checker)) == pytest.approx(2 * 8 * 7 / 64)
    assert loss(smooth(), ink(torch.full((1, 3, 8, 8), 0.3))) == 0


def test_total_variation_ends_at_the_cover() -> None:
    cover = torch.zeros(1, 1, 8, 8)
    cover[..., 2:6, 2:6] = 1
    colour = 1 - cover.expand(1, 3, 8, 8)
    assert loss(smooth(), ink(colour, cover)) == 0


def test_non_printability_is_the_product_of_distances() -> None:
    palette = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    grey = torch.full((1, 3, 2, 2), 0.25)
    wanted = (0.25 * math.sqrt(3)) * (0.75 * math.sqrt(3))
    assert loss(printable(palette), ink(grey)) == pytest.approx(wanted, rel=1e-5)
    red = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1).expand(1, 3, 2, 2)
    assert loss(printable(palette), ink(red)) == pytest.approx(math.sqrt(2), rel=1e-5)


def test_non_printability_counts_only_what_is_covered() -> None:
    palette = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    colour, cover = torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)
    colour[..., 2:] = 0.5
    cover[..., :2] = 1
    assert loss(printable(palette), ink(colour, cover)) < 1e-5


def check_palette(palette: Tensor) -> None:
    """Hold that the score is 0 on the palette's own colours, and is not where they are not."""
    own = palette.T[None, :, :, None]
    assert float(non_printability(Encoded(own), palette).max()) < 1e-5
    assert loss(printable(palette), ink(own)) < 1e-5


def test_palette_colours_are_printable() -> None:
    check_palette(torch.rand(5, 3, generator=generator(1)))


@needs_data
@pytest.mark.parametrize("path", sorted((DATA / "rp2" / "colours").glob("*.txt")), ids=str)
def test_the_published_palettes(path: object) -> None:
    palette = read_palette(str(path))
    assert palette.shape == (30, 3)
    check_palette(palette)


def test_the_gamut_is_between_black_and_white() -> None:
    """4 % and 88 % reflectance are 0.2214 and 0.9446 in sRGB."""
    wanted = in_gamut(0.04, 0.88)
    for value, score in ((0.0, 0.22134), (0.5, 0.0), (1.0, 1 - 0.94498), (0.95, 0.95 - 0.94498)):
        found = loss(wanted, ink(torch.full((1, 3, 2, 2), value)))
        assert found == pytest.approx(score, abs=2e-3)
        assert (found == 0) == (score == 0)


@pytest.mark.parametrize("text", ["", "1,2", "0.1,0.2,x", "0.1,0.2,300"])
def test_what_is_no_palette_is_refused(text: str, tmp_path: object) -> None:
    path = f"{tmp_path}/palette.txt"
    with open(path, "w") as file:  # noqa: PTH123  # a path in a string is what users give
        file.write(text)
    with pytest.raises(UserError, match="palette: expected lines of r,g,b"):
        read_palette(path)
