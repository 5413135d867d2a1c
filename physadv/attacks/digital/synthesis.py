"""Images from nothing: what a network is sure of that shows nothing.

Nguyen, Yosinski & Clune, "Deep Neural Networks are Easily Fooled", CVPR 2015 (their gradient
ascent), and Simonyan, Vedaldi & Zisserman, "Deep Inside Convolutional Networks", ICLR workshop
2014, eq. 1 (the L2 prior); total variation after Mahendran & Vedaldi, CVPR 2015; the Fourier basis
after Olah, Mordvintsev & Schubert, "Feature Visualization", Distill 2017.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, ClassVar

import torch
from torch import Tensor

from physadv.attacks.digital.about import About
from physadv.attacks.digital.attack import UNKNOWN, Best, Rows, Step, Watch, check_door, ignore
from physadv.attacks.digital.basis import BASES, Basis
from physadv.attacks.digital.settings import setting
from physadv.core import Answer, Encoded, check, generator, quantise, spawn
from physadv.core.check import above_zero, one_of
from physadv.objectives import Objective, as_labelled, cross_entropy
from physadv.victims import Victim

GREY = 0.5


@dataclass(frozen=True)
class Synthesis:
    """Settings of synthesis; call it with a victim, images and an objective.

    Images say of which size, and what stays where a mask is 0; else nothing of them is used. The
    search begins with noise or the rows' start. Adam (Kingma & Ba 2015) climbs; the victim sees
    images of 8 bits only, whose rounding is straight through for gradients.
    """

    about: ClassVar[About] = About("synthesis", "gradients", "none", "Nguyen et al. 2015")

    confidence: float = setting(0.99, "probability of the class read at which an image is done")
    steps: int = setting(400, "steps of the search, at most")
    rate: float = setting(0.1, "step size of Adam, on the basis' own numbers")
    basis: str = setting("pixels", "pixels or fourier: what is searched; fourier is smoother")
    band: float = setting(1.0, "share of the frequencies up to Nyquist's that fourier has")
    decay: float = setting(0.0, "weight of the mean square distance from grey")
    smooth: float = setting(0.0, "weight of the total variation, a mean absolute difference")
    jitter_px: int = setting(0, "images are shifted at random by up to this in each step")

    def __post_init__(self) -> None:
        """Raise `UserError` for settings that cannot be."""
        good = 0 < self.confidence <= 1
        check(good, "confidence", expected="a share above 0, up to 1", got=self.confidence)
        check(self.steps >= 1, "steps", expected="at least 1", got=self.steps)
        above_zero(self, "rate")
        one_of("basis", self.basis, BASES)
        check(0 < self.band <= 1, "band", expected="a share above 0, up to 1", got=self.band)
        whole, fix = self.band == 1 or self.basis == "fourier", "take basis=fourier"
        check(whole, "band", expected="1 with the basis pixels", got=self.band, fix=fix)
        for name in ("decay", "smooth", "jitter_px"):
            value = getattr(self, name)
            good = isfinite(value) and value >= 0
            check(good, name, expected="a number from 0 on", got=value)

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
        """Return the images (B,C,H,W), 8 bits inside the mask, of the least loss and prior met.

        It ends once the objective succeeds on all with `confidence`. Raises `UserError` where the
        victim has no gradient or images and rows do not fit.
        """
        check_door(victim, images, rows)
        rows, rng = rows.spread(images), generator(spawn(seed, "synthesis"))
        basis = Basis(self.basis, self.band, (images.shape[-2], images.shape[-1]))
        start = rows.start
        theta = basis.draw(images.shape, rng) if start is None else basis.numbers(start)
        theta = theta.to(images).requires_grad_()
        adam = torch.optim.Adam([theta], lr=self.rate)
        best, now, left = Best(images), images.clone(), torch.arange(len(images))
        for step in range(self.steps):
            point, some = basis.image(theta[left]), rows.take(left)
            seen = _held(point, images[left], some)
            loss, found = self._ask(victim, objective, some, seen, rng)
            prior = self._prior(point)
            (slope,) = torch.autograd.grad((loss + prior).sum(), theta)
            now[left] = seen.detach()
            _offer(best, now, left, found, prior.detach())
            watch(Step(step / self.steps, now.clone(), slope))
            left = left[~found.done]
            if not len(left):
                break
            theta.grad = slope.nan_to_num(0.0, 0.0, 0.0)
            adam.step()
        return Encoded(best.images.clamp(0, 1))

    def _ask(
        self,
        victim: Victim,
        objective: Objective,
        rows: Rows,
        seen: Tensor,
        rng: torch.Generator,
    ) -> tuple[Tensor, "_Found"]:
        """Return the loss (B,) of images as they are shifted, and what they get as they are."""
        photo = rows.photo(_shifted(seen, self.jitter_px, rng))
        answer = victim(photo.pixels)
        loss = objective.loss(answer, photo)
        if self.jitter_px:
            photo = rows.photo(seen.detach())
            answer = victim(photo.pixels)
        success = objective.success(answer, photo).cpu()
        sure = success & (_sure(answer).cpu() >= self.confidence)
        return loss, _Found(objective.loss(answer, photo).detach(), success, sure)

    def _prior(self, point: Tensor) -> Tensor:
        """Return what images (B,C,H,W) themselves cost, (B,)."""
        decay = (point - GREY).square().flatten(1).mean(dim=1)
        down = (point[:, :, 1:] - point[:, :, :-1]).abs().flatten(1).mean(dim=1)
        across = (point[..., 1:] - point[..., :-1]).abs().flatten(1).mean(dim=1)
        return self.decay * decay + self.smooth * (down + across)


def synthesise(
    victim: Victim,
    classes: Sequence[str | int],
    *,
    seed: int = 0,
    watch: Watch = ignore,
    **settings: Any,
) -> Encoded:
    """Return an image for each class, (B,3,h,w) of the victim's size and 8 bits.

    Classes are names or numbers; `settings` are those of `Synthesis`. Raises `UserError` for a
    class that the victim does not have, a victim without gradients, and settings that cannot be.
    """
    labels = torch.tensor([victim.label(one) for one in classes])
    check(len(labels) > 0, "classes", expected="at least one", got="none")
    grey = Encoded(torch.full((len(labels), 3, *victim.size_px), GREY))
    goal, rows = as_labelled(cross_entropy), Rows(labels=labels)
    return Synthesis(**settings)(victim, grey, goal, rows=rows, seed=seed, watch=watch)


@dataclass(frozen=True, eq=False)
class _Found:
    """What images get as they are: loss, success, and whether they are done, each (B,)."""

    loss: Tensor
    success: Tensor
    done: Tensor


def _offer(best: Best, now: Tensor, left: Tensor, found: _Found, prior: Tensor) -> None:
    """Offer the images that are still searched; one that is done is better than all before it."""
    loss, success = torch.full_like(best.loss, torch.inf), torch.zeros_like(best.success)
    cost = torch.where(found.done.to(loss.device), -torch.inf, (found.loss + prior).to(loss))
    loss[left], success[left] = cost, found.success.to(success.device)
    best.offer(now, loss, success)


def _held(point: Tensor, images: Tensor, rows: Rows) -> Tensor:
    """Return the point in 8 bits, straight through for gradients, inside the mask alone."""
    seen = quantise(point) + (point - point.detach())
    return seen if rows.mask is None else torch.where(rows.mask != 0, seen, images)


def _shifted(images: Tensor, most_px: int, rng: torch.Generator) -> Tensor:
    """Shift all images by one random number of pixels down and across, around the border."""
    if most_px == 0:
        return images
    down, across = torch.randint(-most_px, most_px + 1, (2,), generator=rng).tolist()
    return images.roll((down, across), dims=(-2, -1))


def _sure(answer: Answer) -> Tensor:
    """Return the probability (B,) of the class read; 1 of a detector, which has none."""
    scores = answer.scores.detach()
    return scores.softmax(dim=1).amax(dim=1) if scores.ndim == 2 else scores.new_ones(len(scores))
