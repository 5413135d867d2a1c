"""Any torch network as a victim: resize, normalise, ask, and leave no trace on it."""

from collections.abc import Sequence

from torch import nn

from physadv.core import Answer, Encoded
from physadv.victims.door import check_scores
from physadv.victims.network import Network
from physadv.victims.prepare import Prepare


class Classifier(Network):
    """A network that gives one score a class, with what it needs to be asked.

    `size_px` is one number or (height, width); images are brought there by antialiased bilinear
    resizing of the encoded values, then `(image - mean) / std` goes in; `Classifier.of` takes all
    that `Prepare` can do. `labels` names the outputs.
    Raises `UserError` where an argument does not fit.
    """

    def __init__(
        self,
        module: nn.Module,
        labels: Sequence[str],
        *,
        size_px: int | tuple[int, int],
        mean: Sequence[float] = (0.0, 0.0, 0.0),
        std: Sequence[float] = (1.0, 1.0, 1.0),
        name: str = "classifier",
    ) -> None:
        """Wrap `module`; nothing about it is changed, now or later."""
        super().__init__(module, labels, Prepare(size_px, mean, std), name=name)

    @classmethod
    def of(
        cls,
        module: nn.Module,
        labels: Sequence[str],
        prepare: Prepare,
        *,
        name: str = "classifier",
    ) -> "Classifier":
        """Wrap a module whose images are prepared as `prepare` says."""
        made = cls(module, labels, size_px=prepare.size_px, name=name)
        made.prepare = prepare
        return made

    def __call__(self, images: Encoded) -> Answer:
        """Answer for (B,3,H,W) images in [0,1]; gradients reach the images, never the weights.

        Values are looked at in every call on the CPU, elsewhere in the first one only, since a
        look halts the device's queue. Raises `UserError` for what is no image or no score.
        """
        looks = self._looks(images)
        scores = self._ask(images)
        known = check_scores(scores, rows=len(images), classes=len(self.labels), values=looks)
        self._met = True
        return Answer(known.to(images.dtype))
