"""An ART classifier's network as a training method has it: from images in [0,1] to logits."""

from typing import Any

from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from physadv.core import check
from physadv_art.answers import logits
from physadv_art.frame import frame_of
from physadv_art.graph import model_scores


class Learner(nn.Module):
    """The network of a `PyTorchClassifier` behind its range, channel order and preprocessing."""

    def __init__(self, classifier: Any) -> None:
        """Hold the network itself, not a copy. Raises `UserError` for another classifier."""
        super().__init__()
        good, got = isinstance(classifier, PyTorchClassifier), type(classifier).__name__
        check(good, "classifier", expected="a PyTorchClassifier", got=got)
        self.network, self.frame = classifier.model, frame_of(classifier)
        self.operations = list(classifier.preprocessing_operations)

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B,K) for images (B,C,h,w) in [0,1]."""
        return logits(model_scores(self.network, self.operations, self.frame.back(images)))
