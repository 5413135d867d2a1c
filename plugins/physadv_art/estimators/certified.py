"""Classifiers of ART's that certify: by smoothing, against patches, by bounds of the network."""

from typing import Any

import numpy as np
import torch
from art.estimators.certification.randomized_smoothing.randomized_smoothing import (
    RandomizedSmoothingMixin,
)
from art.utils import check_and_transform_label_format
from torch import Tensor

from physadv.core import Encoded, check
from physadv.defences import DerandomizedSmoothing, PatchCleanser, RandomizedSmoothing
from physadv.victims import Victim
from physadv_art.estimators.victim_classifier import AnswerModule, VictimClassifier, defaults
from physadv_art.frame import Array, frame_of
from physadv_art.victim import as_victim


class SmoothedClassifier(RandomizedSmoothingMixin, VictimClassifier):  # type: ignore[misc]  # ART has no types
    """Randomized smoothing (Cohen et al. 2019) with the interface of ART's.

    Gradients are those of mean probabilities under noise (Salman et al. 2019), and noisy images
    are clipped to the clip values, as `physadv.defences.RandomizedSmoothing` has it. Its samples
    and sigma are `sample_size` and, in the units of the clip values, `scale`.
    """

    def __init__(
        self, classifier: Any, defence: RandomizedSmoothing, *, alpha: float = 0.001
    ) -> None:
        """Smooth a `PyTorchClassifier`, which is left as it is. Raises `UserError`."""
        _check_defence(defence, (RandomizedSmoothing,))
        check(0 < alpha < 1, "alpha", expected="a probability between 0 and 1", got=alpha)
        self.original, self.defence, self.inner = classifier, defence, _inner(classifier)
        self.frame = frame_of(classifier)
        super().__init__(
            defence.samples,
            scale=defence.sigma * self.frame.width,
            alpha=alpha,
            **_around(defence(self.inner), classifier),
        )

    def predict(self, x: Any, batch_size: int = 128, verbose: bool = False, **kwargs: Any) -> Array:
        """Return one-hot classes (n,K), zeros where it abstains unless `is_abstain` is False."""
        images, samples = self.frame.images(x), self.sample_size
        if kwargs.get("is_abstain", True):
            parts = [
                self.defence.predict(self.inner, Encoded(part), samples=samples, alpha=self.alpha)
                for part in images.split(batch_size)
            ]
            labels = torch.cat(parts).cpu().numpy()
        else:
            labels = VictimClassifier.predict(self, x, batch_size).argmax(axis=1)
        told: Array = labels[:, None] == np.arange(self.nb_classes)
        return told.astype(np.float32)

    def certify(self, x: Any, n: int, batch_size: int = 32) -> tuple[Array, Array]:
        """Return classes (m,), -1 where it abstains, and radii (m,) from n noisy copies each.

        Radii are in the norm 2, in the units of the clip values; each is wrong with a probability
        of `alpha` at most.
        """
        settings = {"select": self.sample_size, "estimate": n, "alpha": self.alpha}
        parts = [
            self.defence.certify(self.inner, Encoded(part), **settings)
            for part in self.frame.images(x).split(batch_size)
        ]
        labels, radii = (torch.cat([getattr(p, k) for p in parts]) for k in ("labels", "radius"))
        return labels.cpu().numpy(), radii.cpu().numpy() * self.frame.width

    def fit(
        self, x: Any, y: Any, batch_size: int = 128, nb_epochs: int = 10, **kwargs: Any
    ) -> None:
        """Train the classifier within on noisy images, new noise in each epoch."""
        images = self.frame.images(x)
        rng = torch.Generator().manual_seed(self.defence.seed)
        for _ in range(nb_epochs):
            noise = torch.randn(images.shape, generator=rng)
            noisy = self.frame.array(images + self.defence.sigma * noise)
            self.original.fit(noisy, y, batch_size=batch_size, nb_epochs=1, **kwargs)


class PatchCertifiedClassifier(VictimClassifier):
    """`DerandomizedSmoothing` or `PatchCleanser` around a classifier, with ART's interface.

    It answers with the defence's scores, and gradients are those of mean probabilities.
    """

    def __init__(self, classifier: Any, defence: DerandomizedSmoothing | PatchCleanser) -> None:
        """Guard a `PyTorchClassifier`, which is left as it is. Raises `UserError`."""
        _check_defence(defence, (DerandomizedSmoothing, PatchCleanser))
        self.original, self.defence, self.inner = classifier, defence, _inner(classifier)
        self.frame = frame_of(classifier)
        super().__init__(**_around(defence(self.inner), classifier))

    def certify(self, x: Any, size_to_certify: int, batch_size: int = 32) -> tuple[Array, Array]:
        """Return classes (n,), and (n,) whether they hold under any square patch of that side.

        A `PatchCleanser` certifies what its masks hide: `UserError` for larger patches.
        """
        parts = [
            self._certified(Encoded(part), size_to_certify)
            for part in self.frame.images(x).split(batch_size)
        ]
        labels, certified = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
        return labels, certified

    def eval_and_certify(
        self,
        x: Any,
        y: Any,
        size_to_certify: int,
        batch_size: int = 128,
        verbose: bool = True,
    ) -> tuple[Tensor, Tensor]:
        """Return the shares of images read right, and certified to be, as ART's does."""
        truth = check_and_transform_label_format(np.asarray(y), self.nb_classes).argmax(axis=1)
        labels, certified = self.certify(x, size_to_certify, batch_size)
        right = torch.from_numpy(labels == truth)
        return right.float().mean(), (right & torch.from_numpy(certified)).float().mean()

    def _certified(self, images: Encoded, side: int) -> tuple[Tensor, Tensor]:
        if isinstance(self.defence, DerandomizedSmoothing):
            found = self.defence.certify(self.inner, images, side)
        else:
            most = min(self.defence.budget_px(self.inner.size_px))
            fix = "give PatchCleanser a larger patch_px"
            fits, expected = 1 <= side <= most, f"1 to {most} px, what its masks hide"
            check(fits, "size_to_certify", expected=expected, got=side, fix=fix)
            found = self.defence.certify(self.inner, images)
        return found.labels, found.certified


def _around(victim: Victim, classifier: Any) -> dict[str, Any]:
    """Return what a `VictimClassifier` is made with that answers as a victim does."""
    frame = frame_of(classifier)
    module = AnswerModule(victim, frame)
    return {
        "model": module,
        "input_shape": tuple(classifier.input_shape),
        "nb_classes": len(victim.labels),
        "clip_values": (frame.low, frame.high),
        "channels_first": frame.channels_first,
        **defaults(module),
    }


def _inner(classifier: Any) -> Victim:
    victim = as_victim(classifier)
    got = type(classifier).__name__
    check(victim.differentiable, "classifier", expected="a PyTorchClassifier", got=got)
    return victim


def _check_defence(defence: Any, kinds: tuple[type, ...]) -> None:
    expected = " or ".join(kind.__name__ for kind in kinds)
    got = getattr(defence, "__name__", type(defence).__name__)
    check(isinstance(defence, kinds), "defence", expected=expected, got=got)
