"""Classifiers of ART's that certify: by smoothing, against patches."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from art.estimators.certification.randomized_smoothing.randomized_smoothing import (
    RandomizedSmoothingMixin,
)
from art.estimators.classification import PyTorchClassifier
from art.utils import check_and_transform_label_format
from torch import Tensor

from physadv.core import Encoded, check
from physadv.defences import DerandomizedSmoothing, PatchCleanser, RandomizedSmoothing
from physadv_art.estimators.guarded import guarded, take_over
from physadv_art.estimators.victim_classifier import VictimClassifier, as_set
from physadv_art.frame import Array, frame_of


class SmoothedClassifier(RandomizedSmoothingMixin, VictimClassifier):  # type: ignore[misc]  # ART has no types
    """Randomized smoothing (Cohen et al. 2019) with the interface of ART's.

    Gradients are those of mean probabilities under noise (Salman et al. 2019), and noisy images
    are clipped to the clip values, as `physadv.defences.RandomizedSmoothing` has it. Its samples
    and sigma are `sample_size` and, in the units of the clip values, `scale`. `fit` trains the
    classifier's network, in place, on noisy images. Noise comes before the preprocessing and its
    defences, also those that are set later, so that radii are of the images that are given.
    """

    estimator_params: ClassVar[list[str]] = [
        *PyTorchClassifier.estimator_params,
        *("sample_size", "scale", "alpha"),
    ]

    def __init__(
        self, classifier: Any, defence: RandomizedSmoothing, *, alpha: float = 0.001
    ) -> None:
        """Smooth a `PyTorchClassifier`, whose network is shared. Raises `UserError`."""
        settings = guarded(classifier, defence, (RandomizedSmoothing,))
        check(0 < alpha < 1, "alpha", expected="a probability between 0 and 1", got=alpha)
        self.original, self.frame = classifier, frame_of(classifier)
        width = self.frame.width
        super().__init__(defence.samples, scale=defence.sigma * width, alpha=alpha, **settings)
        self._update_preprocessing_operations()
        self._check_params()

    @property
    def defence(self) -> RandomizedSmoothing:
        """The noise."""
        noise: RandomizedSmoothing = self.model.asked.defence
        return noise

    @property
    def sample_size(self) -> int:
        """How many noisy copies an answer is made of."""
        return self.defence.samples

    @sample_size.setter
    def sample_size(self, samples: int) -> None:
        self.model.asked.defence = replace(self.defence, samples=samples)

    @property
    def scale(self) -> float:
        """The standard deviation of the noise, in the units of the clip values."""
        return self.defence.sigma * self.frame.width

    @scale.setter
    def scale(self, scale: float) -> None:
        self.model.asked.defence = replace(self.defence, sigma=scale / self.frame.width)

    def reset_noise(self) -> None:
        """Begin the sequence of noises anew: the same calls get the same answers."""
        self.model.asked.calls = 0

    def predict(self, x: Any, batch_size: int = 128, verbose: bool = False, **kwargs: Any) -> Array:
        """Return one-hot classes (n,K), zeros where it abstains unless `is_abstain` is False.

        Attacks by labels alone read class 0 where it abstains, as they do of ART's.
        """
        if kwargs.get("is_abstain", True):
            settings = {"samples": self.sample_size, "alpha": self.alpha}
            within = self.model.asked.within
            parts = [
                self.defence.predict(within, Encoded(part), **settings)
                for part in self.frame.images(x).split(batch_size)
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
        within = self.model.asked.within
        parts = [
            self.defence.certify(within, Encoded(part), **settings)
            for part in self.frame.images(x).split(batch_size)
        ]
        labels, radii = (torch.cat([getattr(p, k) for p in parts]) for k in ("labels", "radius"))
        return labels.cpu().numpy(), radii.cpu().numpy() * self.frame.width

    def fit(
        self, x: Any, y: Any, batch_size: int = 128, nb_epochs: int = 10, **kwargs: Any
    ) -> None:
        """Train on noisy images, with new noise in each batch; `kwargs` as ART's `fit` has them."""
        VictimClassifier.fit(self, x, y, batch_size=batch_size, nb_epochs=nb_epochs, **kwargs)

    def clone_for_refitting(self) -> "SmoothedClassifier":
        """Return the same around a clone of the classifier, whose weights are drawn anew."""
        inner = self.original.clone_for_refitting()
        return as_set(SmoothedClassifier(inner, self.defence, alpha=self.alpha), self)

    def _update_preprocessing_operations(self) -> None:
        super()._update_preprocessing_operations()
        take_over(self)


class PatchCertifiedClassifier(VictimClassifier):
    """`DerandomizedSmoothing` or `PatchCleanser` around a classifier, with ART's interface.

    It answers with the defence's scores, and gradients are those of mean probabilities. `fit`
    trains the classifier's network, in place, on what the defence shows it: one band of each
    image, drawn, as ART's derandomized smoothing does, or each behind two of the masks. Bands and
    masks come before the preprocessing and its defences, also those that are set later, which
    might spread a patch.
    """

    def __init__(self, classifier: Any, defence: DerandomizedSmoothing | PatchCleanser) -> None:
        """Guard a `PyTorchClassifier`, whose network is shared. Raises `UserError`."""
        settings = guarded(classifier, defence, (DerandomizedSmoothing, PatchCleanser))
        self.original, self.frame = classifier, frame_of(classifier)
        super().__init__(**settings)
        self._update_preprocessing_operations()
        self._check_params()

    @property
    def defence(self) -> DerandomizedSmoothing | PatchCleanser:
        """The bands or the masks."""
        hiding: DerandomizedSmoothing | PatchCleanser = self.model.asked.defence
        return hiding

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

    def clone_for_refitting(self) -> "PatchCertifiedClassifier":
        """Return the same around a clone of the classifier, whose weights are drawn anew."""
        inner = self.original.clone_for_refitting()
        return as_set(PatchCertifiedClassifier(inner, self.defence), self)

    def _update_preprocessing_operations(self) -> None:
        super()._update_preprocessing_operations()
        take_over(self)

    def _certified(self, images: Encoded, side: int) -> tuple[Tensor, Tensor]:
        within = self.model.asked.within
        if isinstance(self.defence, DerandomizedSmoothing):
            found = self.defence.certify(within, images, side)
        else:
            most = min(self.defence.budget_px(within.size_px))
            fix = "give PatchCleanser a larger patch_px"
            fits, expected = 1 <= side <= most, f"1 to {most} px, what its masks hide"
            check(fits, "size_to_certify", expected=expected, got=side, fix=fix)
            found = self.defence.certify(within, images)
        return found.labels, found.certified
