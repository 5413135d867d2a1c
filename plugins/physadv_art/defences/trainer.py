"""Adversarial training under a camera."""

from typing import Any

import numpy as np
import torch
from art.attacks import EvasionAttack
from art.defences.trainer import Trainer
from art.utils import check_and_transform_label_format
from tqdm.auto import trange

from physadv.camera import Camera
from physadv.core import check, spawn
from physadv.evaluation import Retakes, camera_of
from physadv.world import World
from physadv_art.frame import Array, frame_of
from physadv_art.grey import in_colour


class PhysicalTrainer(Trainer):  # type: ignore[misc]  # ART has no types
    """Trains a classifier on attacked images as a camera shows them (Madry et al. 2018).

    In each batch a share `ratio` of the images is attacked with the current weights; then all are
    photographed under fresh conditions, so that the classifier learns to resist what survives a
    camera, and the camera itself.
    """

    def __init__(
        self,
        classifier: Any,
        attack: EvasionAttack,
        camera: Camera | World | str,
        *,
        ratio: float = 0.5,
        seed: int = 0,
    ) -> None:
        """Take a classifier with an optimizer, an untargeted attack on it, and a camera."""
        super().__init__(classifier)
        check(0 < ratio <= 1, "ratio", expected="a share above 0, up to 1", got=ratio)
        check(not attack.targeted, "attack", expected="an untargeted one", got="a targeted one")
        self.attack, self.ratio, self.seed = attack, ratio, seed
        self.shots, self.frame = Retakes(camera_of(camera), seed), frame_of(classifier)

    def fit(
        self, x: Any, y: Any, batch_size: int = 128, nb_epochs: int = 20, **kwargs: Any
    ) -> None:
        """Train on images and their labels, one-hot or classes; `kwargs` go to the classifier."""
        images = np.asarray(x, dtype=np.float32)
        labels = check_and_transform_label_format(np.asarray(y), self.classifier.nb_classes)
        rng = np.random.default_rng(spawn(self.seed, "trainer"))
        for _ in trange(nb_epochs, desc="Physical training", disable=not kwargs.get("verbose")):
            order = rng.permutation(len(images))
            for first in range(0, len(order), batch_size):
                rows = order[first : first + batch_size]
                batch = self._batch(images[rows], labels[rows])
                self.classifier.fit(
                    batch, labels[rows], batch_size=len(rows), nb_epochs=1, **kwargs
                )

    def _batch(self, x: Array, y: Array) -> Array:
        """Attack a share of a batch and photograph all of it."""
        count, batch = max(1, round(self.ratio * len(x))), x.copy()
        batch[:count] = self.attack.generate(batch[:count], y=y[:count])
        with torch.no_grad():
            return self.frame.array(in_colour(self.shots.take, self.frame.images(batch)))
