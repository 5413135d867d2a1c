"""Patch segmentation: exhaustive squares, the paper's guarantee, finite differences, a toy."""

from itertools import product
from pathlib import Path

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from physadv.core import Encoded, UserError, generator
from physadv.defences import PatchSegmentation
from physadv.defences.patch.segmented import completed
from physadv.generative import UNet, load_network, save_network, seeded
from physadv.training import SegmenterRecipe, SignCrops, train_patch_segmenter
from physadv.training.augment import again, conditions, moved
from physadv.training.gtsrb_data import SIDE
from physadv.training.rectangles import content, masks
from physadv.victims import Classifier
from tests.victims import closed_victim, linear_victim, small_victim


class Known(nn.Module):
    """A perfect segmenter of grey pictures: a patch is where red is above green."""

    def __init__(self, gain: float = 40.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain))

    def forward(self, images: Tensor) -> Tensor:
        return self.gain * (images[:, :1] - images[:, 1:2] - 0.1)


def patched(n: int = 6, side: int = 3, size: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    """Return grey pictures (n,3,size,size), the same with a red square each, and where it is."""
    rng = generator(0)
    grey = torch.rand(n, 1, size, size, generator=rng).expand(-1, 3, -1, -1).clone()
    where = torch.zeros(n, 1, size, size)
    for mask in where:
        y, x = torch.randint(size - side + 1, (2,), generator=rng).tolist()
        mask[:, y : y + side, x : x + side] = 1
    red = torch.tensor([0.9, 0.1, 0.2])[None, :, None, None]
    return grey, torch.where(where > 0, red, grey), where


@pytest.mark.parametrize("sides_ratio", [(), (0.375,)])
def test_a_perfect_segmenter_has_the_patch_painted_exactly_where_it_is(
    sides_ratio: tuple[float, ...],
) -> None:
    grey, shown, where = patched()
    defence = PatchSegmentation(Known(), sides_ratio, fill=0.5)
    victim = linear_victim()
    victim_of = defence(victim)
    assert torch.equal(defence.marked(Encoded(shown)), where)
    wanted = victim(Encoded(torch.where(where > 0, 0.5, shown))).scores
    assert torch.allclose(victim_of(Encoded(shown)).scores, wanted, atol=1e-5)
    bare = victim(Encoded(grey)).scores
    assert torch.allclose(victim_of(Encoded(grey)).scores, bare, atol=1e-5)


def test_completion_is_the_union_of_all_near_squares() -> None:
    rng = generator(1)
    given = (
        torch.rand(16, 1, 7, 9, generator=rng) < torch.linspace(0.02, 0.6, 16)[:, None, None, None]
    )
    for sides, tolerance, rounds in product(([3], [2, 4]), (0.0, 0.3), (1, 6)):
        found = completed(given, sides, tolerance, rounds)
        for mask, one in zip(given[:, 0], found[:, 0], strict=True):
            assert torch.equal(one, slowly(mask, sides, tolerance, rounds))


def slowly(mask: Tensor, sides: list[int], tolerance: float, rounds: int) -> Tensor:
    """Return the union square by square, with the first gamma at which there is one."""
    height, width = mask.shape
    for k in range(rounds):
        gamma, whole = 1 - (1 - tolerance) * 0.7**k, torch.zeros_like(mask)
        for side in sides:
            for y, x in product(range(height - side + 1), range(width - side + 1)):
                square = torch.zeros_like(mask)
                square[y : y + side, x : x + side] = True
                if int((square != mask).sum()) <= gamma * side**2 + 1e-6:
                    whole |= square
        if bool(whole.any()):
            return whole
    return torch.zeros_like(mask)


def test_a_mask_within_the_distance_leaves_nothing_of_the_patch() -> None:
    rng, side, tolerance = generator(2), 5, 0.2
    most = int(tolerance * side**2)
    holes = 0
    for y, x in product(range(12 - side + 1), repeat=2):
        patch = torch.zeros(12, 12, dtype=torch.bool)
        patch[y : y + side, x : x + side] = True
        wrong = patch.flatten().clone()
        flipped = torch.randperm(144, generator=rng)[:most]
        flipped[:2] = (y * 12 + x) + torch.tensor([0, 13])  # inside the patch, at that
        wrong[flipped.unique()] ^= True
        mask = wrong.reshape(1, 1, 12, 12)
        holes += int((patch & ~mask[0, 0]).sum())
        found = completed(mask, [side], tolerance)
        assert bool((found[0, 0] | ~patch).all())
    assert holes >= 2 * 64


def test_the_slope_is_that_of_the_probabilities_by_finite_differences() -> None:
    _, shown, where = patched(2)
    network, victim = Known(3.0).double(), linear_victim(classes=2)
    defence = PatchSegmentation(network, (), fill=0.3)
    weights = victim.weight.double()[0] - victim.weight.double()[1]
    held = shown.double()
    kept = defence.marked(Encoded(held)).detach()
    assert torch.equal(kept, where.double())

    def surrogate(images: Tensor) -> Tensor:
        """The mask's step as its own value, plus how the probability moves beside it."""
        moved_by = network(images).sigmoid() - network(held).sigmoid()
        mask = kept + moved_by
        total: Tensor = ((images * (1 - mask) + 0.3 * mask) * weights).sum()
        return total

    point = held.clone().requires_grad_()
    mask = defence.marked(Encoded(point))
    (slope,) = torch.autograd.grad(((point * (1 - mask) + 0.3 * mask) * weights).sum(), point)
    rng = generator(3)
    for _ in range(12):
        way = torch.randn(held.shape, generator=rng, dtype=torch.float64)
        step = 1e-6
        with torch.no_grad():
            rise = (surrogate(held + step * way) - surrogate(held - step * way)) / (2 * step)
        assert float((slope * way).sum()) == pytest.approx(float(rise), rel=1e-6)
    through = shown.clone().requires_grad_()
    scores = PatchSegmentation(Known(3.0), (), fill=0.3)(victim)(Encoded(through)).scores
    (seen,) = torch.autograd.grad((scores[:, 0] - scores[:, 1]).sum(), through)
    assert torch.allclose(seen, slope.float(), atol=1e-4)


def test_softness_widens_the_slope_and_changes_no_answer() -> None:
    _, shown, _ = patched(2)
    network = Known(4000.0)
    for softness, steep in ((1.0, False), (4000.0, True)):
        point = shown.clone().requires_grad_()
        mask = PatchSegmentation(network, (), softness=softness).marked(Encoded(point))
        assert torch.equal(mask, PatchSegmentation(network, ()).marked(Encoded(shown)))
        (slope,) = torch.autograd.grad(mask.sum(), point)
        assert bool((slope.abs() > 0.1).any()) == steep


def test_masks_travel_with_the_picture() -> None:
    crops = toy_crops(16)
    mask = masks(crops.boxes_px, (0.1, 0.2), 2, generator(4))
    given = conditions(16, generator(5))
    for name in ("defocus.blur_px", "motion_blur.blur_px", "exposure.gain_ev", "noise.gain_ratio"):
        given[name] = torch.zeros(16)
    black = torch.zeros(16, 3, SIDE, SIDE)
    seen = again(crops, Encoded(torch.where(mask > 0.5, 1.0, black)), (24, 24), given)
    there = moved(crops, mask, (24, 24), given)
    sure = (there < 0.02) | (there > 0.98)
    assert float(sure.float().mean()) > 0.7
    bright = seen.mean(dim=1, keepdim=True) > 0.5
    assert torch.equal(bright[sure], there[sure] > 0.5)


def test_rectangles_have_the_area_that_is_asked_for() -> None:
    boxes = torch.tensor([[10.0, 8.0, 70.0, 72.0]]).repeat(200, 1)
    one = masks(boxes, (0.1, 0.1), 1, generator(6)).mean(dim=(1, 2, 3)) * SIDE**2
    assert float((one / (60 * 64)).mean()) == pytest.approx(0.1, rel=0.03)
    many = masks(boxes, (0.02, 0.15), 4, generator(7))
    outside = many.clone()
    outside[:, :, 8:72, 10:70] = 0
    assert float(outside.sum()) == 0
    assert float(many.mean(dim=(1, 2, 3)).max()) <= 0.16 * 60 * 64 / SIDE**2
    ink = content(torch.zeros(20, 3, SIDE, SIDE, dtype=torch.uint8), 20, generator(8))
    assert ink.shape == (20, 3, 20, 20)
    assert 2 <= int((ink.amax(dim=(1, 2, 3)) > 0).sum()) <= 18, "noise, and cuttings of black"


def toy_crops(n: int) -> SignCrops:
    """Return grey crops (n,3,SIDE,SIDE), smooth, in which only patches have colours."""
    rng = generator(9)
    grey = (60 + 120 * torch.rand(n, 1, 1, 1, generator=rng)).byte().expand(-1, 3, SIDE, SIDE)
    box = torch.tensor([[15.0, 15.0, 65.0, 65.0]]).repeat(n, 1)
    labels = torch.arange(n) % 3
    return SignCrops(grey.contiguous(), box, labels, labels)


def test_a_segmenter_of_a_toy_finds_patches_and_its_seed_decides() -> None:
    victim = linear_victim(size_px=(24, 24)).classifier()
    assert isinstance(victim, Classifier)
    recipe = SegmenterRecipe(
        steps=40, batch=8, channels=4, search_steps=1, rate=3e-2, area_ratio=(0.1, 0.25), pieces=1
    )
    told: list[int] = []
    crops = toy_crops(24)
    net = train_patch_segmenter(crops, victim, recipe, progress=lambda n, *_: told.append(n))
    assert told == list(range(1, 41))
    rng = generator(11)
    mask, given = masks(crops.boxes_px, (0.1, 0.25), 1, rng), conditions(24, rng)
    ink = torch.rand(24, 3, 4, 4, generator=rng).repeat_interleave(SIDE // 4, 2)
    shown = torch.where(mask > 0.5, ink.repeat_interleave(SIDE // 4, 3), crops.pixels / 255)
    seen = again(crops, Encoded(shown), (24, 24), given).clamp(0, 1)
    there = (moved(crops, mask, (24, 24), given) > 0.5).flatten().numpy()
    apart = roc_auc_score(there, net(seen).flatten().numpy())
    untaught = seeded(UNet, recipe.seed, 4).eval()(seen).detach().flatten().numpy()
    assert apart > 0.8 > roc_auc_score(there, untaught), apart
    short = SegmenterRecipe(steps=2, batch=6, channels=4, search_steps=1)
    one, same = (train_patch_segmenter(toy_crops(6), victim, short) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))


def test_a_unet_keeps_any_size_and_comes_back_from_its_file(tmp_path: Path) -> None:
    net = seeded(UNet, 0, 4, halvings=2).eval()
    assert isinstance(net, UNet)
    images = torch.rand(2, 3, 11, 18, generator=generator(12))
    assert net(images).shape == (2, 1, 11, 18)
    save_network(tmp_path / "net", net)
    assert torch.equal(load_network(tmp_path / "net")(images), net(images))


def test_what_cannot_be_trained_or_put_before_a_victim_is_refused() -> None:
    with pytest.raises(UserError, match="victim: expected one with gradients"):
        train_patch_segmenter(toy_crops(3), closed_victim())
    with pytest.raises(UserError, match="crops: expected at least one, got none"):
        train_patch_segmenter(toy_crops(3).rows(torch.arange(0)), small_victim())
    with pytest.raises(UserError, match="area_ratio: expected 0 < low <= high < 1"):
        SegmenterRecipe(area_ratio=(0.2, 0.1))
    with pytest.raises(
        UserError, match=r"segmenter: expected a network that makes \(1, 1, 12, 16\)"
    ):
        PatchSegmentation(nn.Conv2d(3, 2, 1))(small_victim())
