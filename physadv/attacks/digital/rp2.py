"""Robust physical perturbations (RP2).

Eykholt, Evtimov, Fernandes, Li, Rahmati, Xiao, Prakash, Kohno & Song, "Robust Physical-World
Attacks on Deep Learning Visual Classification", CVPR 2018, eq. 3: one masked perturbation for many
photos of a sign, as in the code published with it for LISA-CNN, whose settings are the defaults.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import UNKNOWN, Rows, Step, Watch, check_door, ignore
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check, generator, spawn
from physadv.objectives import Objective, non_printability, read_palette
from physadv.victims import Victim

NORMS = (2.0, 1.0)


@dataclass(frozen=True)
class RP2:
    """Settings of RP2; call it with a victim, photos of a sign and an objective.

    The rows' `mask`, values 0 to 1 for the noise to be multiplied by, says where the stickers are;
    without one they are everywhere. Photos are aligned by being cut out alike (the paper's
    alignment function is the identity, as in the published code).
    """

    about: ClassVar[About] = About("rp2", "gradients", "2, 1, in a mask", "Eykholt et al. 2018")
    together: ClassVar[bool] = True

    steps: int = setting(300, "steps of the search, each over all images")
    rate: float = setting(0.1, "step size of Adam", scales=True)
    weight: float = setting(0.02, "weight of the norm of the masked noise (the paper's lambda)")
    norm: float = setting(2.0, "norm of the masked noise that is kept small: 2 or 1")
    limit: float = setting(20.0, "noise is cut to plus and minus this", scales=True)
    printability: float = setting(0.0, "weight of the non-printability score; needs a palette")
    palette: str | None = setting(None, "file of printable colours, a line r,g,b in 0..1 each")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        check(self.steps >= 1, "steps", expected="at least 1", got=self.steps)
        check(self.norm in NORMS, "norm", expected="2 or 1", got=self.norm)
        for name in ("rate", "limit"):
            value = getattr(self, name)
            check(value > 0, name, expected="a number above 0", got=value)
        for name in ("weight", "printability"):
            value = getattr(self, name)
            check(value >= 0, name, expected="a number from 0 on", got=value)
        named = self.palette is not None or self.printability == 0
        check(named, "palette", expected="a file of printable colours", got="none")
        there = self.palette is None or Path(self.palette).is_file()
        check(there, "palette", expected="a file of printable colours", got=str(self.palette))

    def __call__(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Encoded:
        """Return images (B,C,H,W) in [0,1] that share one perturbation.

        Raises `UserError` where the victim has no gradient, images and rows do not fit, or the
        mask leaves no pixel.
        """
        noise = self.search(victim, images, objective, rows=rows, seed=seed, watch=watch)
        return self.laid(images, noise, rows)

    def search(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Tensor:
        """Return the noise (1,C,H,W) of least loss that Adam (Kingma & Ba 2015) met.

        The published code keeps the last one; near the end the two differ by rounding.
        """
        check_door(victim, images, rows)
        rows = _checked(rows.spread(images))
        noise = _start(images, rows, generator(spawn(seed, "rp2"))).requires_grad_()
        adam = torch.optim.Adam([noise], lr=self.rate, betas=(0.9, 0.999), eps=1e-8)
        best, least = noise.detach().clone(), torch.inf
        for step in range(self.steps + 1):
            loss, seen = self.loss(victim, images, noise, objective, rows)
            if float(loss.detach()) < least:
                best, least = noise.detach().clone(), float(loss.detach())
            if step == self.steps:
                break
            (slope,) = torch.autograd.grad(loss, noise)
            noise.grad = slope.nan_to_num(0.0, 0.0, 0.0)
            watch(Step(step / self.steps, seen.detach(), noise.grad))
            adam.step()
        return best.clamp(-self.limit, self.limit)

    def loss(
        self, victim: Victim, images: Encoded, noise: Tensor, objective: Objective, rows: Rows
    ) -> tuple[Tensor, Encoded]:
        """Return what is minimised, a scalar, and the images it was asked of.

        lambda ||M . delta|| + NPS(M . delta) + mean over the photos of J(f(x + M . delta), y).
        """
        seen = self.laid(images, noise, rows)
        photo = rows.photo(seen)
        wanted = objective.loss(victim(photo.pixels), photo).mean()
        return wanted + self.penalty(noise, rows), seen

    def penalty(self, noise: Tensor, rows: Rows) -> Tensor:
        """Return what the noise itself costs: its norm's part and its non-printability's.

        The score of Sharif et al. 2016 is the product of the distances to all printable colours,
        summed over the pixels.
        """
        masked = self._masked(noise, rows)
        cost: Tensor = self.weight * masked.flatten(1).norm(p=self.norm, dim=1).mean()
        if self._colours is None or self.printability == 0:
            return cost
        colours = self._colours.to(masked)
        score = non_printability(Encoded(masked), colours).flatten(1).sum(dim=1).mean()
        return cost + self.printability * score

    def laid(self, images: Encoded, noise: Tensor, rows: Rows = UNKNOWN) -> Encoded:
        """Return clip(images + mask * clip(noise, -limit, limit), 0, 1)."""
        rows = rows.spread(images)
        return Encoded((images + self._masked(noise, rows)).clamp(0, 1))

    @cached_property
    def _colours(self) -> Tensor | None:
        return None if self.palette is None else read_palette(self.palette)

    def _masked(self, noise: Tensor, rows: Rows) -> Tensor:
        """Return the noise under the mask of each image, or (1,C,H,W) where there is no mask."""
        cut = noise.clamp(-self.limit, self.limit)
        return cut if rows.mask is None else rows.mask * cut


def rp2(
    victim: Victim,
    images: Encoded,
    objective: Objective,
    *,
    rows: Rows = UNKNOWN,
    seed: int = 0,
    **settings: Any,
) -> Encoded:
    """Return attacked images: `RP2(**settings)(victim, images, objective, rows=…, seed=…)`."""
    return RP2(**settings)(victim, images, objective, rows=rows, seed=seed)


def _start(images: Tensor, rows: Rows, rng: torch.Generator) -> Tensor:
    """Return the first noise (1,C,H,W): uniform in [0,1), or what makes the rows' start."""
    if rows.start is not None:
        return (rows.start.to(images) - images).mean(dim=0, keepdim=True)
    return torch.rand(images[:1].shape, generator=rng).to(images)


def _checked(rows: Rows) -> Rows:
    """Return rows whose mask leaves something to change; raises `UserError`."""
    if rows.mask is not None:
        low, high = (float(end) for end in torch.aminmax(rows.mask))
        inside = low >= 0 and high <= 1
        check(inside, "mask", expected="values in [0,1]", got=f"{low:.3g} to {high:.3g}")
        check(high > 0, "mask", expected="a pixel that may change", got="a mask of zeros")
    return rows
