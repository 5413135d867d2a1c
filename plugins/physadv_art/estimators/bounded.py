"""A classifier of ART's whose answers are certified by bounds of its network."""

from typing import Any

import numpy as np
import torch
from art.estimators.classification import PyTorchClassifier
from art.preprocessing.standardisation_mean_std.numpy import StandardisationMeanStd
from art.preprocessing.standardisation_mean_std.pytorch import StandardisationMeanStdPyTorch
from art.utils import check_and_transform_label_format
from torch import Tensor, nn

from physadv.core import check
from physadv.defences.certify import Method, certify, reachable
from physadv_art.estimators.victim_classifier import VictimClassifier, as_set, settings_of
from physadv_art.frame import Array, frame_of


class BoundedClassifier(VictimClassifier):
    """A `PyTorchClassifier` of a sequential ReLU network, certified against the norm inf.

    By the convex outer adversarial polytope (Wong & Kolter 2018) and by intervals (Gowal et al.
    2018); see `physadv.defences.certify`. It shares the network, and all else is as it was. A
    mean and a standard deviation given as `preprocessing` are a part of what is bounded.
    """

    def __init__(self, classifier: Any) -> None:
        """Take the classifier; raises `UserError` for preprocessing that no bound is known for."""
        good, got = isinstance(classifier, PyTorchClassifier), type(classifier).__name__
        check(good, "classifier", expected="a PyTorchClassifier", got=got)
        self.frame = frame_of(classifier)
        self.original = classifier
        super().__init__(model=classifier.model, **settings_of(classifier))
        self._bounded()

    def certify(self, x: Any, y: Any, eps: float, method: Method = "both") -> tuple[Array, Array]:
        """Return (n,) whether labels hold for any change up to eps, and the margins (n,K).

        `eps` is in the units of the clip values, which bound the changed images; margins are lower
        bounds of the label's score less each other. Raises `UserError` for a layer that no bound
        is known for, by its name.
        """
        labels = check_and_transform_label_format(np.asarray(y), self.nb_classes).argmax(axis=1)
        found = certify(
            self._bounded(),
            self._images(x),
            torch.from_numpy(labels).to(self.device),
            eps,
            method=method,
            within=(self.frame.low, self.frame.high),
        )
        return found.holds.cpu().numpy(), found.margins.cpu().numpy()

    def predict_intervals(self, x: Any, eps: float, method: Method = "interval") -> Array:
        """Return the lowest and the highest scores within eps, (n,2,K), as ART's IBP does."""
        net, within = self._bounded(), (self.frame.low, self.frame.high)
        with torch.no_grad():
            ends = reachable(net, self._images(x), eps, method=method, within=within)[-1]
        return np.asarray(torch.stack(ends, dim=1).cpu().numpy())

    def clone_for_refitting(self) -> "BoundedClassifier":
        """Return the same with a clone of the classifier, whose weights are drawn anew."""
        return as_set(BoundedClassifier(self.original.clone_for_refitting()), self)

    def _images(self, x: Any) -> Tensor:
        values = np.clip(np.asarray(x, dtype=np.float32), self.frame.low, self.frame.high)
        return torch.from_numpy(values).to(self.device)

    def _bounded(self) -> nn.Module:
        """Return the network behind its mean and standard deviation."""
        steps: list[nn.Module] = []
        for one in self.preprocessing_operations:
            plain = isinstance(one, StandardisationMeanStd | StandardisationMeanStdPyTorch)
            fix = "leave the defence out; what it does to images has no bound"
            expected, got = "a mean and a standard deviation alone", type(one).__name__
            check(plain, "preprocessing", expected=expected, got=got, fix=fix)
            mean, std = (np.asarray(end, dtype=np.float32) for end in (one.mean, one.std))
            if mean.any() or (std != 1).any():
                steps.append(self._standardised(mean, std))
        return nn.Sequential(*steps, self.model)

    def _standardised(self, mean: Array, std: Array) -> nn.BatchNorm2d:
        shape = self.input_shape
        good = len(shape) == 3 and self.frame.channels_first
        check(good, "input_shape", expected="(C, H, W) where there is a mean", got=shape)
        layer = nn.BatchNorm2d(shape[0], eps=0.0, affine=False).eval().to(self.device)
        assert layer.running_mean is not None
        assert layer.running_var is not None
        layer.running_mean.copy_(torch.from_numpy(mean).flatten().expand(shape[0]))
        layer.running_var.copy_(torch.from_numpy(std).flatten().square().expand(shape[0]))
        return layer
