"""Maps of interest against closed forms and hand computation; rectangles against brute force."""

from dataclasses import replace
from functools import partial
from itertools import count
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from physadv.attacks import Race, place, placement
from physadv.attacks.masks import (
    Learning,
    Sparse,
    class_activation_map,
    grad_cam,
    l1_map,
    learn,
    learnt,
    occlusion_map,
)
from physadv.attacks.masks.class_activation import _on_face
from physadv.attacks.masks.l1 import soft_threshold
from physadv.attacks.masks.saliency import white_succeeds
from physadv.attacks.placement import _Runner
from physadv.core import Conditions, Encoded, Face, Linear, Span, UserError, decode, generator
from physadv.objectives import Objective, margin, targeted, untargeted
from physadv.patch import Limits, Mask, Pixels, check_mask, on_cells, pack
from physadv.problem import Problem
from physadv.scene import sign
from physadv.scene.signs import render
from physadv.victims import Classifier, Victim
from physadv.world import World
from tests.victims import LinearVictim, closed_victim, linear_victim, small_victim
from tests.worlds import Dimmer, LinearWorld, linear_world, tiny_world, two_bars

CELLS = 8
GIVEN = {"dimmer.gain_ratio": torch.ones(36)}


def plain_face(side_mm: float, grey: float = 0.5) -> Face:
    """Return a bare grey square, all of it free for ink."""
    ones = torch.ones(1, 1, 64, 64)
    outline = ((0.0, 0.0), (side_mm, 0.0), (side_mm, side_mm), (0.0, side_mm))
    texture = decode(Encoded(torch.full((1, 3, 64, 64), grey)))
    return Face("plain", (side_mm, side_mm), texture, ones, 0 * ones, ones, outline)


def toy(victim: LinearVictim, grey: float = 0.5) -> Problem:
    """Return a linear victim that looks at 8x8 cells of a grey picture, in light that is even."""
    picture = Linear(torch.full((1, 3, CELLS, CELLS), grey))
    world = LinearWorld(picture, Dimmer(Span.at(1.0)))
    mask = two_bars((80.0, 80.0))
    return Problem(victim, targeted(1, margin), Pixels(mask, 10.0), cast(World, world))


@pytest.mark.parametrize("strength", [0.1, 0.4, 0.8])
def test_the_l1_map_is_the_soft_threshold_of_a_linear_victim_s_slope(strength: float) -> None:
    """A constant slope: every step adds what is above the threshold, until colours end."""
    victim, steps, rate = linear_victim(2, (CELLS, CELLS)), 6, 0.1
    slope = (victim.weight[0] - victim.weight[1]).abs()
    above = (slope / slope.max() - strength).clamp_min(0)
    settings = Sparse(strength, steps, rate, 10.0)
    found = l1_map(toy(victim), plain_face(80.0), seed=0, n=2, sparse=settings)
    expected = (steps * rate * above).clamp_max(0.5).sum(dim=0)
    torch.testing.assert_close(found.values[0, 0], expected, atol=1e-4, rtol=0)
    clear = (above == 0).all(dim=0) | (above > 1e-3).any(dim=0)
    assert torch.equal((found.values[0, 0] > 0)[clear], (above > 0).any(dim=0)[clear])
    assert found.queries == 2 * (steps + settings.first)


def test_the_soft_threshold_minimises_its_definition() -> None:
    """x minimises (x - v)^2 / 2 + t |x|: against a fine search of x."""
    values, grid = torch.linspace(-1, 1, 21), torch.linspace(-1.5, 1.5, 30001)
    cost = (grid - values[:, None]) ** 2 / 2 + 0.3 * grid.abs()
    torch.testing.assert_close(soft_threshold(values, 0.3), grid[cost.argmin(1)], atol=2e-4, rtol=0)


def test_occlusion_is_the_loss_of_each_square_directly() -> None:
    """Squares of two cells, half a square apart, one at a time and by hand."""
    victim, face, picture = linear_victim(2, (CELLS, CELLS)), plain_face(80.0), 0.2
    found = occlusion_map(toy(victim, picture), face, seed=0, n=2, side_mm=20.0)
    slope = (victim.weight[0] - victim.weight[1]).sum(dim=0)
    edges = torch.arange(CELLS) * 10.0
    expected = torch.zeros(CELLS, CELLS)
    for row in range(CELLS):
        for column in range(CELLS):
            y, x = row * 10.0 + 5, column * 10.0 + 5
            high, wide = (
                ((edges + 10).clamp_max(at + 10) - edges.clamp_min(at - 10)).clamp_min(0) / 10
                for at in (y, x)
            )
            share = high[:, None] * wide
            expected[row, column] = ((0.5 - picture) * share * slope).sum().abs()
    torch.testing.assert_close(found.values[0, 0], expected, atol=1e-4, rtol=1e-4)
    assert found.queries == 2 * (CELLS * CELLS + 1)


def test_occlusion_asks_a_black_box_and_counts() -> None:
    victim = closed_victim()
    problem = Problem(victim, untargeted(), Pixels(two_bars()), tiny_world(label=0))
    found = occlusion_map(problem, render(sign("stop"), 128), seed=0, n=2, side_mm=300.0)
    assert victim.queries == found.queries > 30
    assert float(found.values.max()) > 0


class TwoMaps(nn.Module):
    """Two feature maps by hand: red less green, and blue; two scores of their means."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(3, 2, 1, bias=False), nn.ReLU()
        self.pool, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(2, 2, bias=False)
        self.conv.weight.data = torch.tensor([[1.0, -1.0, 0.0], [0.0, 0.0, 1.0]])[..., None, None]
        self.head.weight.data = torch.tensor([[2.0, -1.0], [-3.0, 1.0]])

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.head(self.pool(self.relu(self.conv(images))).flatten(1))
        return scores


def test_grad_cam_by_hand() -> None:
    """The score's slope in map k is its weight over the 4 places: so are the alphas."""
    victim = Classifier(TwoMaps(), ["a", "b"], size_px=2)
    red, green, blue = [[0.9, 0.2], [0.5, 1.0]], [[0.1, 0.6], [0.5, 0.0]], [[0.0, 1.0], [0.4, 0.8]]
    image = Encoded(torch.tensor([red, green, blue])[None])
    first, second = torch.tensor([[0.8, 0.0], [0.0, 1.0]]), torch.tensor(blue)
    for label, (a, b) in enumerate([(2.0, -1.0), (-3.0, 1.0)]):
        expected = ((a * first + b * second) / 4).clamp_min(0)
        found = grad_cam(victim, image, torch.tensor([label]))
        torch.testing.assert_close(found[0, 0], expected)
    scores = victim(image).scores[0]
    own = grad_cam(victim, image, torch.tensor([-1]))
    assert torch.equal(own, grad_cam(victim, image, scores.argmax()[None]))


def test_grad_cam_leaves_the_network_alone() -> None:
    victim = small_victim()
    before = victim.digest()
    grad_cam(victim, Encoded(torch.rand(2, 3, 12, 16)), torch.tensor([0, 1]))
    assert victim.digest() == before
    assert victim.module.training
    assert all(not part._forward_hooks for part in victim.module.modules())
    assert all(parameter.grad is None for parameter in victim.module.parameters())


def test_a_map_over_the_picture_is_read_where_the_face_lies() -> None:
    """Head-on, a ramp of the picture's x or y is a ramp over the sign's box."""
    world, face = tiny_world(), render(sign("stop"), 128)
    given = world.draw(3, generator(0))
    level = {name: 0 * value for name, value in given.items() if name.startswith("scene.pose")}
    level["scene.pose.distance_m"] = given["scene.pose.distance_m"]
    photo = world.photograph(None, given | level, (48, 48))
    ramp = torch.arange(48) + 0.5
    for axis, seen in enumerate((ramp.expand(48, 48), ramp[:, None].expand(48, 48))):
        found = _on_face(seen.expand(3, 1, 48, 48).contiguous(), photo, face)[:, 0]
        low, high = photo.box_px[:, axis], photo.box_px[:, 2 + axis]
        share = (torch.arange(72) + 0.5) / 72
        expected = low[:, None] + share * (high - low)[:, None]
        torch.testing.assert_close(found.mean(dim=1 + axis), expected, atol=0.02, rtol=0)


def bumps(seed: int) -> Tensor:
    """Return what each of 8x8 cells is worth: two hills near the middle, on a low plain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:CELLS, 0:CELLS] + 0.5
    middles = zip((1.0, 0.7), rng.uniform(2, 6, (2, 2)), strict=True)
    hills = [height * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 2) for height, (cx, cy) in middles]
    return torch.from_numpy(sum(hills) + 0.05).float()


def whitens(worth: Tensor) -> LinearVictim:
    """Return a victim that white ink moves to class 1 by what each cell is worth."""
    weight = torch.stack([torch.zeros(3, CELLS, CELLS), worth.expand(3, CELLS, CELLS) / 3])
    return LinearVictim(weight, torch.tensor([1000.0, 0.0]))


def brute_force(worth: NDArray[np.float64], cells: int, least: int) -> float:
    """Return the most that one or two rectangles of whole cells can be worth."""
    sides = range(least, CELLS + 1)
    boxes = [
        (top, left, high, wide)
        for high in sides
        for wide in sides
        if high * wide <= cells
        for top in range(CELLS - high + 1)
        for left in range(CELLS - wide + 1)
    ]
    masks = np.zeros((len(boxes), CELLS, CELLS))
    for mask, (top, left, high, wide) in zip(masks, boxes, strict=True):
        mask[top : top + high, left : left + wide] = 1
    flat = masks.reshape(len(boxes), -1)
    value, size = flat @ worth.flatten(), flat.sum(axis=1)
    free = (flat @ flat.T == 0) & (size[:, None] + size <= cells)
    return float(max(value.max(), np.where(free, value[:, None] + value, 0).max()))


def worth_of(mask: Mask, worth: Tensor) -> float:
    """Return what a mask covers of the cells' worth."""
    return float((adaptive_avg_pool2d(mask.cover(512), (CELLS, CELLS))[0, 0] * worth).sum())


LIMITS = Limits(area_pct=100 * 12 / CELLS**2, pieces=2, min_mm=100.0)
"""Twelve of the cells, in at most two rectangles of at least two by two, on 400 mm."""


@pytest.mark.parametrize("seed", range(2))
def test_rectangles_against_brute_force(seed: int) -> None:
    """Packed or learnt, they cover at least 80 % of the worth of the best whole-cell rectangles."""
    worth, face = bumps(seed), plain_face(400.0)
    best = brute_force(worth.double().numpy(), 12, 2)
    packed = pack(face, on_cells(face, LIMITS, worth[None, None]), LIMITS)
    problem = replace(toy(whitens(worth), 0.0), patch=Pixels(packed, 50.0))
    found = learn(problem, face, LIMITS, seed=seed, how=Learning(2, 40, 2, 2, 0.05))
    for mask in (packed, found.mask):
        check_mask(mask, face, LIMITS)
        assert worth_of(mask, worth) >= 0.8 * best
    assert found.loss == min(found.losses)


def test_symmetric_rectangles_are_learnt_in_pairs() -> None:
    worth, face = bumps(0), plain_face(400.0)
    limits = replace(LIMITS, symmetric=True, pieces=3, min_mm=75.0)
    problem = toy(whitens(worth), 0.0)
    found = learn(problem, face, limits, seed=0, how=Learning(2, 20, 2, 2))
    check_mask(found.mask, face, limits)
    assert len(found.mask.pieces_mm) == 2


def test_rectangles_that_succeed_in_white_come_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least loss wins, but not where another start's rectangles need their colours."""
    problem, face, how = toy(whitens(bumps(0)), 0.0), plain_face(400.0), Learning(2, 20, 2, 2)
    found = learn(problem, face, LIMITS, seed=0, how=how)
    assert found.loss == min(found.losses)
    calls = count()

    def told(*_: object) -> bool:
        return found.losses[next(calls)] == found.loss

    monkeypatch.setattr(learnt, "white_succeeds", told)
    other = learn(problem, face, LIMITS, seed=0, how=how)
    assert other.losses == found.losses
    assert other.loss == max(found.losses) > found.loss


def test_white_succeeds_where_it_surely_does_in_more_than_a_twentieth() -> None:
    """Of 36 conditions 4 may be chance (Wilson's lower end 4.4 %), 5 may not (6.1 %)."""
    worth, mask = torch.full((CELLS, CELLS), 1e4), two_bars()
    for sign_ in (1.0, -1.0):
        problem = toy(whitens(sign_ * worth), 0.0)
        assert white_succeeds(problem, mask, GIVEN) == (sign_ > 0)
    for hits in (4, 5):
        some = replace(toy(whitens(worth), 0.0), objective=first(hits))
        assert white_succeeds(some, mask, GIVEN) == (hits == 5)


def first(hits: int) -> Objective:
    """Want class 1, and reach it in the first so many rows whatever is seen."""
    goal = (lambda answer, _: torch.arange(len(answer.scores)) < hits,)
    return replace(targeted(1, margin), goals=goal)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the race learn its rectangles in two steps."""
    monkeypatch.setattr(placement, "learn", partial(learn, how=Learning(1, 2, 2, 2)))


@pytest.mark.usefixtures("quick")
def test_the_race_leaves_out_places_where_white_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The winner's places are left out where white succeeds on them alone, not where on all."""
    problem, race = toy(whitens(bumps(0)), 0.0), Race(rounds=1, steps=2, batch=2, held_out=2)
    plain = place(problem, plain_face(400.0), LIMITS, seed=0, race=race)
    assert {"l1", "learnt", "salient", "middle"} <= plain.losses.keys()
    assert plain.losses[plain.name] == min(plain.losses.values())
    for white, name in ((plain.mask, None), ("any", plain.name)):

        def told(_: Problem, mask: Mask, __: Conditions, white: object = white) -> bool:
            return white == "any" or mask == white

        monkeypatch.setattr(placement, "white_succeeds", told)
        other = place(problem, plain_face(400.0), LIMITS, seed=0, race=race)
        assert (plain.name in other.losses) == (name is not None)
        assert other.name == (name or other.name)
        assert len(other.losses) == len(plain.losses) - (name is None)


@pytest.mark.usefixtures("quick")
def test_a_layout_that_a_control_equals_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """The least loss wins, but not where the other finalists need their picture."""
    problem, race = toy(whitens(bumps(0)), 0.0), Race(rounds=1, steps=2, batch=2, held_out=36)
    plain = place(problem, plain_face(400.0), LIMITS, seed=0, race=race)

    def told(runner: _Runner, *_: int) -> bool:
        return runner.problem.patch == Pixels(plain.mask)

    monkeypatch.setattr(_Runner, "equalled", told)
    other = place(problem, plain_face(400.0), LIMITS, seed=0, race=race)
    assert other.losses == plain.losses
    assert other.losses[other.name] == sorted(plain.losses.values())[1]


def test_controls_equal_a_success_that_they_share() -> None:
    """Each control's 36 rows come in five parts: one success in each is surely above 5 %."""
    for hits, equal in ((1, True), (0, False)):
        some = replace(toy(whitens(bumps(0)), 0.0), objective=first(hits))
        assert _Runner(some, Race(), 0).equalled(0, 36) == equal


@pytest.mark.usefixtures("quick")
def test_the_race_does_without_what_a_victim_refuses() -> None:
    """A victim that ink does not move has no L1 map; limits without room nothing to learn."""
    deaf = LinearVictim(torch.zeros(2, 3, CELLS, CELLS), torch.zeros(2))
    race = Race(rounds=1, steps=1, batch=2, held_out=2)
    found = place(toy(deaf), plain_face(400.0), LIMITS, seed=0, race=race)
    assert "l1" not in found.losses
    assert "middle" in found.losses


BLACK_BOX = Problem(closed_victim(), untargeted(), Pixels(two_bars()), tiny_world(label=0))
STOP = render(sign("stop"), 128)


def asked(victim: Victim, world: World | None = None) -> Problem:
    found = world or linear_world((CELLS, CELLS))
    return Problem(victim, targeted(1, margin), Pixels(two_bars()), found)


def test_what_needs_a_gradient_says_so() -> None:
    for find in (l1_map, class_activation_map):
        with pytest.raises(UserError, match="victim: expected one with gradients"):
            find(BLACK_BOX, STOP, seed=0)
    with pytest.raises(UserError, match="victim: expected one with gradients"):
        learn(BLACK_BOX, STOP, Limits(), seed=0)


def test_what_class_activation_needs_is_told() -> None:
    face, flat = plain_face(80.0), linear_victim(2, (CELLS, CELLS))
    with pytest.raises(UserError, match="expected a torch network, got linear; take --layout occ"):
        class_activation_map(asked(flat), face, seed=0, n=2)
    with pytest.raises(UserError, match="expected a network with convolutions"):
        class_activation_map(asked(flat.classifier()), face, seed=0, n=2)
    with pytest.raises(UserError, match="world: expected photos that tell at least four corners"):
        class_activation_map(asked(Classifier(TwoMaps(), ["a", "b"], size_px=2)), face, seed=0, n=2)


def test_a_victim_that_ink_does_not_move_is_refused() -> None:
    deaf = LinearVictim(torch.zeros(2, 3, CELLS, CELLS), torch.zeros(2))
    face = plain_face(80.0)
    with pytest.raises(UserError, match="expected one that answers to ink on the field"):
        l1_map(toy(deaf), face, seed=0, n=2)
    silent = occlusion_map(toy(deaf), face, seed=0, n=2, side_mm=20.0)
    with pytest.raises(UserError, match=r"interest: expected a map .* not all 0"):
        silent.packed(face, Limits(min_mm=20.0))


def test_no_place_allowed_is_told() -> None:
    closed = replace(plain_face(80.0), field=torch.zeros(1, 1, 64, 64))
    victim = linear_victim(2, (CELLS, CELLS))
    with pytest.raises(UserError, match="field: expected a face with room for a sticker"):
        occlusion_map(toy(victim), closed, seed=0, n=2, side_mm=20.0)
    with pytest.raises(UserError, match="a flat gradient"):
        l1_map(toy(victim), closed, seed=0, n=2)
    with pytest.raises(UserError, match="pieces: expected room for 1 of 60 mm in 1 %"):
        learn(toy(victim), plain_face(80.0), Limits(area_pct=1.0, min_mm=60.0), seed=0)
    with pytest.raises(UserError, match="side-mm: expected above 0 and up to 80 mm"):
        occlusion_map(toy(victim), closed, seed=0, side_mm=90.0)


@pytest.mark.parametrize("wrong", [{"strength": 1.0}, {"steps": 0}, {"rate": 0.0}])
def test_a_penalty_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match=next(iter(wrong))):
        replace(Sparse(), **wrong)  # type: ignore[arg-type]  # an int or a float, by name


def test_learning_nothing_is_refused() -> None:
    with pytest.raises(UserError, match="starts: expected at least 1"):
        Learning(starts=0)
