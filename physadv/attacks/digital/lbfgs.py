"""Box-constrained L-BFGS: the first adversarial examples.

Szegedy, Zaremba, Sutskever, Bruna, Erhan, Goodfellow & Fergus, "Intriguing properties of neural
networks", ICLR 2014 (arXiv 1312.6199), section 4.1: minimise c |r| + loss(x + r) for x + r in
[0,1], and search along c for the smallest |r| that still succeeds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import UNKNOWN, Best, Rows, Step, Watch, check_door, ignore
from physadv.attacks.digital.descend import box, descend, succeeds
from physadv.attacks.digital.settings import setting
from physadv.core import Answer, Encoded, Photo, check
from physadv.objectives import Objective, wants_labels
from physadv.victims import Victim

FIRST, FACTOR = 1.0, 10.0
"""The first c, and what it is multiplied or divided by until one succeeds and one does not."""
TOLERANCE = 1e-6
"""An image's search ends where a step gains less than this share; losses are float32."""


@dataclass(frozen=True)
class LBFGS:
    """Settings of box-constrained L-BFGS; call it with a victim, images and an objective.

    The norm is squared: as c varies, |r|² and |r| have the same minimisers, and |r|² has a slope
    at 0. The paper's loss is the cross-entropy of a class that is wanted (`as_labelled`). Told to
    misread (`untargeted`), it is the cross-entropy of anything but the label, -log(1 - p), since
    of -(-log p) little is left to weigh c against before the boundary. Other objectives' losses
    are taken as they are.
    """

    about: ClassVar[About] = About("lbfgs", "gradients", "2", "Szegedy et al. 2014")

    rounds: int = setting(14, "values of c that are tried for each image")
    steps: int = setting(100, "steps of each of these searches, at most; twice as many slopes")
    memory: int = setting(10, "steps that L-BFGS remembers")

    def __post_init__(self) -> None:
        """Raise `UserError` for a budget that is none."""
        for name in ("rounds", "steps", "memory"):
            check(getattr(self, name) >= 1, name, expected="at least 1", got=getattr(self, name))

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
        """Return images (B,C,H,W) in [0,1]: the nearest (norm 2) met that succeeds.

        Where none does, the last one, which weighed the change least. Raises `UserError` where the
        victim has no gradient or images and rows do not fit.
        """
        check_door(victim, images, rows)
        rows = rows.spread(images)
        low, high = box(images, rows)
        begun = images if rows.start is None else rows.start.to(images)
        change = torch.clamp(begun - images, low, high)
        wanted = _anything_else if wants_labels(objective) is False else objective.loss
        least = torch.full((len(images),), torch.inf, device=images.device)
        found, line = images.clone(), _Line(len(images))
        for number in range(self.rounds):
            for k, c in enumerate(line.c.tolist()):
                one = rows.take(slice(k, k + 1))
                loss = _penalised(victim, wanted, images[k : k + 1], one, c)
                change[k] = self._minimum(loss, change[k], (low[k], high[k]))
            point = (images + change).clamp(0, 1)
            success = succeeds(victim, objective, rows, point)
            slope = descend(victim, Objective(((1.0, wanted),)), rows, point, Best(point))
            watch(Step(number / self.rounds, point, slope))
            norm = change.flatten(1).norm(dim=1)
            nearer = (success & (norm < least)) | least.isinf()
            found[nearer] = point[nearer]
            least = torch.where(success & nearer, norm, least)
            line.turn(success.cpu())
        return Encoded(found)

    def _minimum(
        self,
        loss: Callable[[Tensor], tuple[float, Tensor]],
        begun: Tensor,
        ends: tuple[Tensor, ...],
    ) -> Tensor:
        """Return the change (C,H,W) of least penalised loss between its ends, from another on."""
        from scipy.optimize import minimize  # here, as it takes a seventh of a second to load

        low, high = (end.flatten().double().cpu().numpy() for end in ends)

        def value(flat: np.ndarray) -> tuple[float, np.ndarray]:
            total, slope = loss(torch.from_numpy(flat).reshape(begun.shape))
            return total, slope.flatten().numpy()

        made = minimize(
            value,
            np.clip(begun.flatten().double().cpu().numpy(), low, high),
            jac=True,
            method="L-BFGS-B",
            bounds=np.stack([low, high], axis=1),
            options={
                "maxiter": self.steps,
                "maxfun": 2 * self.steps,
                "maxcor": self.memory,
                "ftol": TOLERANCE,
                "gtol": 0,
            },
        )
        return torch.from_numpy(made.x).reshape(begun.shape).to(begun)


class _Line:
    """The line search along c, one for each image: a factor at a time, then halving (log c)."""

    def __init__(self, count: int) -> None:
        self.c = torch.full((count,), FIRST, dtype=torch.float64)
        self.good = torch.zeros_like(self.c)
        self.bad = torch.full_like(self.c, torch.inf)

    def turn(self, success: Tensor) -> None:
        """Take a larger c, for smaller changes, where the last one succeeded."""
        self.good = torch.where(success, self.c, self.good)
        self.bad = torch.where(success, self.bad, self.c)
        further = torch.where(success, self.c * FACTOR, self.c / FACTOR)
        known = (self.good > 0) & self.bad.isfinite()
        self.c = torch.where(known, (self.good * self.bad).sqrt(), further)


def _penalised(
    victim: Victim,
    wanted: Callable[[Answer, Photo], Tensor],
    image: Tensor,
    rows: Rows,
    c: float,
) -> Callable[[Tensor], tuple[float, Tensor]]:
    """Return the function from a change (C,H,W), double, to c |r|² + loss(x + r) and its slope."""

    def value(change: Tensor) -> tuple[float, Tensor]:
        point = image + change.to(image)
        point = point.clamp(0, 1).requires_grad_()  # where r is at its bound the loss slopes, too
        photo = rows.photo(point)
        loss = wanted(victim(photo.pixels), photo).sum()
        (slope,) = torch.autograd.grad(loss, point)
        slope = slope.nan_to_num(0.0, 0.0, 0.0)[0].double().cpu()
        return float(loss.detach()) + c * float(change.square().sum()), slope + 2 * c * change

    return value


def _anything_else(answer: Answer, photo: Photo) -> Tensor:
    """Return -log(1 - p) of the photos' labels, (B,)."""
    labels = photo.labels.to(answer.scores.device)[:, None]
    others = answer.scores.scatter(1, labels, -torch.inf)
    return answer.scores.logsumexp(dim=1) - others.logsumexp(dim=1)
