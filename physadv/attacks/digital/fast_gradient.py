"""The fast gradient sign method and its relatives of other norms.

Goodfellow, Shlens & Szegedy, "Explaining and Harnessing Adversarial Examples", ICLR 2015
(arXiv 1412.6572), section 4: one step to where the loss, taken as linear, is best in the ball.
"""

from dataclasses import dataclass
from math import inf
from typing import ClassVar

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import UNKNOWN, Best, Rows, Step, Watch, check_door, ignore
from physadv.attacks.digital.ball import check_ball, lowest
from physadv.attacks.digital.descend import box, descend
from physadv.attacks.digital.settings import setting
from physadv.core import Encoded
from physadv.objectives import Objective
from physadv.victims import Victim


@dataclass(frozen=True)
class FastGradient:
    """Settings of the fast gradient method; call it with a victim, images and an objective."""

    about: ClassVar[About] = About(
        "fast_gradient", "gradients", "inf, 2, 1, 0", "Goodfellow et al. 2015"
    )

    norm: float = setting(inf, "norm of the change: inf, 2, 1, or 0 for a number of pixels")
    eps: float = setting(8 / 255, "largest norm of the change; pixels for 0", scales=True)

    def __post_init__(self) -> None:
        """Raise `UserError` for a budget that is none."""
        check_ball(self.norm, self.eps)

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
        """Return images (B,C,H,W) in [0,1], a step of `eps` away, whether it helped or not.

        The step is eps * sign(slope) for inf, else along the slope itself (2) or the largest of
        its values (1, 0), in each case where ball and [0,1] meet: what one value has no room for
        goes to others. Raises `UserError` where the victim has no gradient or images and rows do
        not fit.
        """
        check_door(victim, images, rows)
        rows = rows.spread(images)
        slope = descend(victim, objective, rows, images, Best(images))
        watch(Step(0.0, images, slope))
        change = lowest(slope, *box(images, rows), self.eps, self.norm)
        return Encoded((images + change).clamp(0, 1))
