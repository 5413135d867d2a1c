"""Feature squeezing as a detector: answers that a little JPEG changes are suspicious."""

from typing import Any

import numpy as np
from art.defences.detector.evasion import EvasionDetector

from physadv.core import check
from physadv_art.defences.preprocessor import JpegDefence
from physadv_art.frame import Array, frame_of


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
