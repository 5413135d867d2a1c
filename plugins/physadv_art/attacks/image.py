"""Attacks that change each image for itself, as ART attacks."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from art.attacks import EvasionAttack
from art.estimators.classification.classifier import ClassifierMixin
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from art.estimators.pytorch import PyTorchEstimator
from torch import Tensor

from physadv.attacks import digital
from physadv.core import Encoded, spawn
from physadv.judge import ImageReport
from physadv_art.attacks.settings import constructed_from, read
from physadv_art.attacks.store import write_images
from physadv_art.attacks.task import Task, Watcher, open_task
from physadv_art.frame import Array

RUNGS = 10
"""With `minimal`, radii of 1/10, 2/10, … of eps are tried in turn."""


class ImageAttack(EvasionAttack):  # type: ignore[misc]  # ART has no types
    """What these attacks share: calls in batches, our judging, and folders.

    With `minimal` each image is attacked with the least tenth of `eps` that succeeds, if the
    attack has such a setting. `asked` counts the images that an estimator was shown in the last
    call, where the attack only asks; where attacks are `together` all images of a call are one
    batch, whatever `batch_size` says.
    """

    settings: Any
    asked = 0
    together = False
    _estimator_requirements: tuple[type, ...] = (
        *(BaseEstimator, LossGradientsMixin, ClassifierMixin, PyTorchEstimator),
    )
    _last: tuple[Task, Encoded] | None = None

    def generate(
        self, x: Any, y: Any = None, mask: Any = None, x_init: Any = None, **kwargs: Any
    ) -> Array:
        """Return attacked images: float32, of the shape of x, in the estimator's clip_values.

        :param x: Images in the estimator's channel order and clip_values.
        :param y: True labels, or targets if targeted: one-hot (n,K), or classes (n,) or (n,1).
                  None, if untargeted, for what the estimator predicts.
        :param mask: Floats or bools that broadcast to x; what is 0 in it stays as it is.
        :param x_init: Where the search begins, as x; by default at random. Rows beyond those of
                       x are not looked at, as in ART.
        :param boxes: For an objective that asks where things are: (4,) or (n,4) in pixels of x,
                      x1y1x2y2; the whole image by default.
        :raises ValueError: for arrays that do not fit.
        """
        task = open_task(self, x, y, mask, x_init, kwargs.get("boxes"))
        several = self.minimal and hasattr(read(self), "eps")
        radii = [k / RUNGS for k in range(1, RUNGS + 1)] if several else [1.0]
        size = len(task.x) if self.together else self.batch_size
        batches, each = -(-len(task.x) // size), self._steps
        steps = None if each is None else each * len(radii) * batches
        watcher, found = Watcher(self, steps), task.images.clone()
        try:
            for number, where, part in task.parts(size):
                found[where] = self._climb(part, radii, number, watcher.of(number, part))
        finally:
            watcher.close()
            self.asked = task.victim.queries
        self._last = (task, Encoded(found))
        return task.array(found)

    def _climb(self, part: Task, radii: list[float], number: int, watcher: Watcher) -> Tensor:
        """Attack a batch with growing radii; images on which one succeeds take no larger one."""
        settings, found = read(self), part.images.clone()
        left = torch.arange(len(found), device=found.device)
        for share in radii:
            attack = _part(settings, share)
            seed, rows = spawn(self.seed, number), part.rows.take(left)
            images = Encoded(part.images[left])
            found[left] = attack(
                part.victim, images, part.objective, rows=rows, seed=seed, watch=watcher
            )
            if share == radii[-1]:
                break
            with torch.no_grad():
                photo = rows.photo(found[left])
                missed = ~part.objective.success(part.victim(photo.pixels), photo)
            left = left[missed]
            if not len(left):
                break
        return found

    @property
    def _steps(self) -> int | None:
        """How many steps a batch takes, None where that is not known before."""
        each = getattr(self, "rounds", getattr(self, "max_iter", None))
        return None if each is None else int(each * max(1, getattr(self, "num_random_init", 1)))

    @property
    def result(self) -> ImageReport:
        """What the judge says of the last call's images, rounded to 8 bits."""
        if self._last is None:
            raise ValueError("result: expected a call of generate before, got none")
        task, found = self._last
        return task.judged(found)

    def save(self, folder: str | Path) -> Path:
        """Write the last call's images as PNG and card.json; return the folder."""
        result = self.result
        assert self._last is not None
        return write_images(self, Path(folder), self._last[1], result)

    def _check_params(self) -> None:
        super()._check_params()
        read(self)


def _part(settings: Any, share: float) -> Any:
    """Return settings with a share of their radius, if they have one, and of their step."""
    if share == 1:
        return settings
    if getattr(settings, "norm", None) == 0:
        return replace(settings, eps=float(round(settings.eps * share)))
    rate = getattr(settings, "rate", None)
    scaled = {} if rate is None else {"rate": rate * share}
    return replace(settings, eps=settings.eps * share, **scaled)


@constructed_from(digital.PGD)
class PGD(ImageAttack):
    """physadv's projected gradient descent (Madry et al. 2018) on ART's estimators.

    Exact projections for the norms inf, 2, 1 and 0 (a number of pixels), cut by what images may
    be; for each image the best point that was met is returned, not the last.
    """


@constructed_from(digital.FastGradient)
class FastGradient(ImageAttack):
    """The fast gradient sign method and its relatives (Goodfellow et al. 2015)."""


@constructed_from(digital.Iterative)
class Iterative(ImageAttack):
    """The basic iterative method (Kurakin et al. 2017); with `decay` MI-FGSM (Dong et al. 2018)."""


@constructed_from(digital.LBFGS)
class LBFGS(ImageAttack):
    """Box-constrained L-BFGS (Szegedy et al. 2014), for the smallest change of norm 2."""


@constructed_from(digital.Smallest, attack=None)
class Smallest(ImageAttack):
    """The smallest radius for which projected gradient descent succeeds, for each image."""


@constructed_from(digital.Perceptual)
class Perceptual(ImageAttack):
    """Changes that are hard to see: loss and CIEDE2000 distance in turn (Zhao et al. 2020)."""


@constructed_from(digital.Disguise)
class Disguise(ImageAttack):
    """Images that look as they did, by structural similarity or CIEDE2000 (Rosen 1960)."""


@constructed_from(digital.Synthesis)
class Synthesis(ImageAttack):
    """Images from noise that the estimator is sure of (Nguyen et al. 2015); x says of which size.

    With `targeted` y says what they are to be read as.
    """
