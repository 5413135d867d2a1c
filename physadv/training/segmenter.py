"""The recipe of a patch segmenter: pictures that bear patches, taken by the camera, and where.

Liu et al., "Segment and Complete", CVPR 2022, train a U-Net with the binary cross-entropy of each
pixel, first on patches made to mislead a victim, then on patches that are made to hide from the
segmenter itself (self adversarial training), beside a share of pictures without one. Here patches
of noise and cuttings of other pictures are among them, there are several to a picture, and the
camera takes picture and patch together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, interpolate

from physadv.core import Encoded, check, generator, spawn
from physadv.core.check import above_zero, at_least_one
from physadv.generative import UNet, seeded
from physadv.training.augment import again, conditions, moved
from physadv.training.gtsrb_data import SIDE, SignCrops
from physadv.training.recogniser import Progress, one_cycle
from physadv.training.rectangles import content, masks
from physadv.training.robust.lesson import ascend
from physadv.victims import Victim, check_gradients
from physadv.victims.frozen import frozen

CELLS = 20
"""Along each side of a crop: what patches are searched in."""
Loss = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class SegmenterRecipe:
    """Settings of a training; sizes of patches are shares of the sign's box.

    Of the rows that bear patches a third is of noise or cuttings, a third searched against the
    victim and a third, after `self_after` of the steps, against the segmenter.
    """

    steps: int = 800
    batch: int = 32
    channels: int = 16
    clean: float = 0.3
    area_ratio: tuple[float, float] = (0.02, 0.15)
    pieces: int = 4
    search_steps: int = 4
    search_rate: float = 0.3
    self_after: float = 0.4
    rate: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        at_least_one(self, "steps", "channels", "pieces", "search_steps")
        above_zero(self, "rate", "search_rate")
        check(self.batch >= 4, "batch", expected="at least 4", got=self.batch)
        for name in ("clean", "self_after"):
            value = getattr(self, name)
            check(0 <= value <= 1, name, expected="a share", got=value)
        low, high = self.area_ratio
        check(0 < low <= high < 1, "area_ratio", expected="0 < low <= high < 1", got=(low, high))


RECIPE = SegmenterRecipe()


def train_patch_segmenter(
    crops: SignCrops,
    victim: Victim,
    recipe: SegmenterRecipe = RECIPE,
    *,
    progress: Progress = lambda *_: None,
) -> UNet:
    """Return a segmenter of the victim's size taught on crops whose classes the victim knows.

    Adam on the mean binary cross-entropy, one cycle of its step size. One seed gives the same
    weights again. Raises `UserError` for a black box, or without crops.
    """
    check_gradients(victim)
    check(len(crops) > 0, "crops", expected="at least one", got="none")
    net = cast(UNet, seeded(UNet, recipe.seed, recipe.channels))
    adam = torch.optim.Adam(net.parameters(), lr=recipe.rate)
    for step in range(recipe.steps):
        rng = generator(spawn(recipe.seed, "segmenter", step))
        chosen = torch.randint(len(crops), (recipe.batch,), generator=rng)
        done = step / recipe.steps
        with frozen(net):
            shown, where = pictures(crops.rows(chosen), victim, net, recipe, done, rng)
        for group in adam.param_groups:
            group["lr"] = one_cycle(done, recipe.rate)
        loss = binary_cross_entropy_with_logits(net(shown), where)
        adam.zero_grad()
        loss.backward()
        adam.step()
        progress(step + 1, recipe.steps, {"loss": float(loss.detach())})
    return net.eval().requires_grad_(False)


def pictures(
    crops: SignCrops,
    victim: Victim,
    net: UNet,
    recipe: SegmenterRecipe,
    done: float,
    rng: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Return photographs (B,3,h,w) of crops with patches, and where these are, (B,1,h,w), 0 or 1.

    First those of noise or cuttings, then those against the victim, those against `net`, and those
    without patches; `done` is the share of the training that is over.
    """
    size, given = victim.size_px, conditions(len(crops), rng)
    plain, ink = crops.pixels.float() / 255, content(crops.pixels, CELLS, rng)
    mask = masks(crops.boxes_px, recipe.area_ratio, recipe.pieces, rng)
    bearing = len(crops) - round(recipe.clean * len(crops))
    mask[bearing:] = 0
    where = (moved(crops, mask, size, given) > 0.5).float()

    def photos(rows: slice, patch: Tensor) -> Tensor:
        large = interpolate(patch, (SIDE, SIDE))
        shown = torch.where(mask[rows] > 0.5, large, plain[rows])
        first = {name: value[rows] for name, value in given.items()}
        few = crops.rows(torch.arange(len(crops))[rows])
        return again(few, Encoded(shown), size, first).clamp(0, 1)

    def fools_victim(rows: slice) -> Loss:
        labels = crops.classes[rows]
        return lambda patch: cross_entropy(victim(Encoded(photos(rows, patch))).scores, labels)

    def hides(rows: slice) -> Loss:
        aim = where[rows]
        return lambda patch: binary_cross_entropy_with_logits(net(photos(rows, patch)), aim)

    third = bearing // 3
    victims, own = slice(third, 2 * third), slice(2 * third, bearing)
    goals = ((victims, fools_victim), (own, hides if done >= recipe.self_after else fools_victim))
    made = ink.clone()
    for rows, goal in goals:
        some, rate, steps = ink[rows], recipe.search_rate, recipe.search_steps
        if len(some):
            still = torch.zeros_like(some)
            made[rows] = ascend(goal(rows), some, still, eps=1.0, rate=rate, steps=steps)
    with torch.no_grad():
        return photos(slice(None), made), where
