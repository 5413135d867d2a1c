"""What rejects images, as ART's detectors of evasion."""

from typing import Any

import numpy as np
import torch
from art.defences.detector.evasion import EvasionDetector

from physadv.core import Encoded, check
from physadv.defences import REJECTED, Defence
from physadv_art.defences.preprocessor import JpegDefence
from physadv_art.defences.stand_in import check_kind
from physadv_art.frame import Array, frame_of
from physadv_art.victim import as_victim

EXPECTED = "one that rejects images, as FeatureSqueezing()"


class RejectionDetector(EvasionDetector):  # type: ignore[misc]  # ART has no types
    """A defence that rejects images: `FeatureSqueezing`, `MagNet`, `SafetyNet`, `QueryDetection`.

    An image is called adversarial where the defended classifier reads `rejected`. A classifier's
    own preprocessing is a part of what is guarded. `QueryDetection` remembers what it was shown
    from call to call, until `reset()`. The layer that a `SafetyNet` looks into is one of
    `classifier.model`.
    """

    defence_params = ("defence", "false_alarms")

    def __init__(self, classifier: Any, defence: Defence, false_alarms: float = 0.05) -> None:
        """Take the classifier that is to be guarded, and a defence. Raises `UserError`."""
        super().__init__()
        check_kind(defence, ("detector",), EXPECTED)
        good = 0 < false_alarms < 1
        check(good, "false_alarms", expected="a share between 0 and 1", got=false_alarms)
        self.victim, self.frame = as_victim(classifier), frame_of(classifier)
        self.defence, self.false_alarms = defence, false_alarms
        self.guarded = defence(self.victim)
        refuses, got = self.guarded.labels[-1] == REJECTED, type(defence).__name__
        check(refuses, "defence", expected=EXPECTED, got=got)

    def fit(
        self, x: Any, y: Any = None, batch_size: int = 128, nb_epochs: int = 1, **kwargs: Any
    ) -> None:
        """Set thresholds that a share `false_alarms` of clean images is above, where there are any.

        The share is that of each of the detectors of a `MagNet`. y and the epochs are not needed.
        """
        fitted = getattr(self.defence, "fitted", None)
        if fitted is not None:
            images = Encoded(self.frame.images(x))
            self.defence = fitted(self.victim, images, self.false_alarms)
            self.guarded = self.defence(self.victim)

    def reset(self) -> None:
        """Forget what was seen."""
        self.guarded.reset()

    @torch.no_grad()
    def detect(self, x: Any, batch_size: int = 128, **kwargs: Any) -> tuple[dict[str, Any], Array]:
        """Return a report with the suspicion of each image, and whether it is above 0."""
        parts = self.frame.images(x).split(batch_size)
        scores = torch.cat([self.guarded(Encoded(part)).scores for part in parts])
        suspicion = (scores[:, -1] - scores[:, :-1].amax(dim=1)).cpu().numpy()
        found: Array = suspicion > 0
        return {"scores": suspicion, "threshold": 0.0}, found


class SqueezeDetector(EvasionDetector):  # type: ignore[misc]  # ART has no types
    """Compares the answers for images and for the images compressed (Xu, Evans & Qi 2018).

    An image is called adversarial when the probabilities differ by more, in the 1-norm, than
    those of a share `false_alarms` of the clean images that it was fitted on.
    """

    defence_params = ("quality", "false_alarms")

    def __init__(self, classifier: Any, quality: int = 50, false_alarms: float = 0.05) -> None:
        """Take the classifier of RGB or grey images that is to be guarded. Raises `UserError`."""
        super().__init__()
        good = 0 < false_alarms < 1
        check(good, "false_alarms", expected="a share between 0 and 1", got=false_alarms)
        self.classifier, self.quality, self.false_alarms = classifier, quality, false_alarms
        frame = frame_of(classifier)
        self.squeeze = JpegDefence(
            quality, (frame.low, frame.high), channels_first=frame.channels_first
        )
        self.threshold: float | None = None

    def fit(
        self, x: Any, y: Any = None, batch_size: int = 128, nb_epochs: int = 1, **kwargs: Any
    ) -> None:
        """Set the threshold on clean images; y and the epochs are not needed."""
        scores = self.score(x, batch_size)
        self.threshold = float(np.quantile(scores, 1 - self.false_alarms, method="higher"))

    def detect(self, x: Any, batch_size: int = 128, **kwargs: Any) -> tuple[dict[str, Any], Array]:
        """Return a report with the scores and the threshold, and whether each is adversarial."""
        fix = "call fit with clean images first"
        check(self.threshold is not None, "detector", expected="a threshold", got="none", fix=fix)
        scores = self.score(x, batch_size)
        found: Array = scores > self.threshold
        return {"scores": scores, "threshold": self.threshold}, found

    def score(self, x: Any, batch_size: int = 128) -> Array:
        """Return how far the probabilities move, (n,), from 0 to 2."""
        images = np.asarray(x, dtype=np.float32)
        small, _ = self.squeeze(images)
        one, other = (
            _probabilities(self.classifier.predict(i, batch_size)) for i in (images, small)
        )
        moved: Array = np.abs(one - other).sum(axis=1)
        return moved


def _probabilities(scores: Array) -> Array:
    """Return softmax of logits; probabilities as they are."""
    if (scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        return scores
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    found: Array = powers / powers.sum(axis=1, keepdims=True)
    return found
