"""One perturbation for all images of a call, as ART attacks: RP2 and the universal one."""

from pathlib import Path
from typing import Any

import torch
from art.attacks import EvasionAttack
from art.estimators.classification.classifier import ClassifierMixin
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from art.estimators.pytorch import PyTorchEstimator
from torch import Tensor

from physadv.attacks import digital
from physadv.core import Encoded, generator, spawn
from physadv.judge import ImageReport
from physadv.patch import controls
from physadv_art.attacks.settings import constructed_from, read
from physadv_art.attacks.store import write_images
from physadv_art.attacks.task import Task, Watcher, open_task
from physadv_art.frame import Array


class SharedNoise(EvasionAttack):  # type: ignore[misc]  # ART has no types
    """One perturbation, inside the mask, for all images of a call, whatever `batch_size` says.

    With `minimal`, images on which it does not succeed stay as they are.
    """

    _estimator_requirements = (BaseEstimator, LossGradientsMixin, ClassifierMixin, PyTorchEstimator)
    _last: tuple[Task, Tensor, Encoded] | None = None

    def generate(
        self, x: Any, y: Any = None, mask: Any = None, x_init: Any = None, **kwargs: Any
    ) -> Array:
        """Return attacked images: float32, of the shape of x, in the estimator's clip_values.

        :param x: Images in the estimator's channel order and clip_values.
        :param y: True labels, or targets if targeted: one-hot (n,K), or classes (n,) or (n,1).
                  None, if untargeted, for what the estimator predicts.
        :param mask: Floats from 0 to 1, or bools, that broadcast to x: the noise is multiplied by
                     them.
        :param x_init: Images whose mean difference to x the search begins with.
        :param boxes: For an objective that asks where things are: (4,) or (n,4) in pixels of x,
                      x1y1x2y2; the whole image by default.
        :raises ValueError: for arrays that do not fit.
        """
        task, settings = open_task(self, x, y, mask, x_init, kwargs.get("boxes")), read(self)
        watcher, seed = Watcher(self, settings.steps), spawn(self.seed, 0)
        victim, images, rows = task.victim, task.images, task.rows
        try:
            watch = watcher.of(0, task)
            noise = settings.search(
                victim, images, task.objective, rows=rows, seed=seed, watch=watch
            )
        finally:
            watcher.close()
        attacked = settings.laid(images, noise, rows)
        if self.minimal:
            with torch.no_grad():
                photo = rows.photo(attacked)
                success = task.objective.success(victim(photo.pixels), photo)
            keep = success.reshape(-1, *[1] * (images.ndim - 1))
            attacked = Encoded(torch.where(keep, attacked, images))
        self._last = (task, noise, attacked)
        return task.array(attacked)

    @property
    def result(self) -> ImageReport:
        """What the judge says of the last call's images, beside five controls of the noise."""
        task, noise, attacked = self._known()
        if noise.ndim != 4:
            return task.judged(attacked)
        mask, settings = task.rows.mask, read(self)
        used = torch.ones(noise.shape[-2:], dtype=torch.bool)
        if mask is not None:
            used = (mask > 0).flatten(0, 1).any(dim=0).cpu()
        drawn = controls(noise[0].cpu().clamp(-1, 1), used, generator(spawn(self.seed, "controls")))
        laid = {
            name: settings.laid(task.images, one[None].to(noise), task.rows)
            for name, one in drawn.items()
        }
        return task.judged(attacked, laid)

    def save(self, folder: str | Path) -> Path:
        """Write the last call's images as PNG and card.json; return the folder."""
        result = self.result
        return write_images(self, Path(folder), self._known()[2], result)

    def _known(self) -> tuple[Task, Tensor, Encoded]:
        if self._last is None:
            raise ValueError("result: expected a call of generate before, got none")
        return self._last

    def _check_params(self) -> None:
        super()._check_params()
        read(self)


@constructed_from(digital.RP2)
class RP2(SharedNoise):
    """Robust physical perturbations (Eykholt et al. 2018), with the published code's settings."""


@constructed_from(digital.Universal)
class Universal(SharedNoise):
    """A universal perturbation by stochastic descent over batches (Shafahi et al. 2020)."""
