"""The basic iterative method and, with momentum, MI-FGSM.

Kurakin, Goodfellow & Bengio, "Adversarial Examples in the Physical World", ICLR workshop 2017:
the fast gradient sign method in small steps. Dong, Liao, Pang, Su, Zhu, Hu & Li, "Boosting
Adversarial Attacks with Momentum", CVPR 2018: steps along a decaying sum of the slopes.
"""

from dataclasses import dataclass
from math import inf, isfinite
from typing import ClassVar

import torch

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import UNKNOWN, Best, Rows, Step, Watch, check_door, ignore
from physadv.attacks.digital.ball import check_ball, check_rate, project, steepest
from physadv.attacks.digital.descend import ask, box, descend
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded, check
from physadv.objectives import Objective
from physadv.victims import Victim


@dataclass(frozen=True)
class Iterative:
    """Settings of the iterative method; call it with a victim, images and an objective.

    `decay` 0 is the basic method of Kurakin et al., 1 the momentum of Dong et al.
    """

    about: ClassVar[About] = About(
        "iterative", "gradients", "inf, 2", "Kurakin et al. 2017; Dong et al. 2018"
    )

    norm: float = setting(inf, "norm of the change: inf or 2")
    eps: float = setting(8 / 255, "largest norm of the change", scales=True)
    rate: float | None = setting(None, "norm of each step; None for eps / steps", scales=True)
    steps: int = setting(10, "steps from the image on")
    decay: float = setting(0.0, "share of the earlier slopes that is kept (mu); 0 for none")

    def __post_init__(self) -> None:
        """Raise `UserError` for a budget that is none."""
        check_ball(self.norm, self.eps, (inf, 2.0))
        check_rate(self.rate)
        check(self.steps >= 1, "steps", expected="at least 1", got=self.steps)
        good = isfinite(self.decay) and self.decay >= 0
        check(good, "decay", expected="a number from 0 on", got=self.decay)

    def __call__(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,  # noqa: ARG002  # there is no chance
        watch: Watch = ignore,
    ) -> Encoded:
        """Return images (B,C,H,W) in [0,1] within `eps`: for each the best point that was met.

        Steps begin at the rows' `start`, or the image itself. Each slope is divided by the sum of
        its absolute values before it is added (Dong et al., eq. 6). Raises `UserError` where the
        victim has no gradient or images and rows do not fit.
        """
        check_door(victim, images, rows)
        rows = rows.spread(images)
        low, high = box(images, rows)
        rate = self.rate or self.eps / self.steps
        begun = images if rows.start is None else rows.start.to(images)
        change = project(begun - images, low, high, self.eps, self.norm)
        best, summed = Best(images), torch.zeros_like(images)
        for step in range(self.steps):
            point = images + change
            slope = descend(victim, objective, rows, point, best)
            watch(Step(step / self.steps, point, slope))
            summed = self.decay * summed + steepest(slope, 0.0)
            change = change - rate * steepest(summed, self.norm)
            change = project(change, low, high, self.eps, self.norm)
        ask(victim, objective, rows, images + change, best)
        return Encoded(best.images.clamp(0, 1))
