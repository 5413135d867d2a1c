"""Any torch detector as a victim: its dense output, decoded, before anything is suppressed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from torch import nn

from physadv.core import Detections, Encoded
from physadv.victims.door import check_detections
from physadv.victims.network import Network
from physadv.victims.prepare import Prepare

Decode = Callable[[Any], Detections]
"""Takes what a network gives for B images; returns its candidates, boxes in the network's pixels.

Candidates are in the same order for the same image size, and differentiable.
"""


class Detector(Network):
    """A network that gives candidate boxes, with what it needs to be asked and understood.

    `prepare` says how it wants its images, `decode` what its output means (`fastestdet`,
    `nanodet`, `yolo`, or a function of yours: see `Decode`); `labels` names the classes.
    """

    def __init__(
        self,
        module: nn.Module,
        labels: Sequence[str],
        prepare: Prepare,
        decode: Decode,
        *,
        name: str = "detector",
    ) -> None:
        """Wrap `module`; nothing about it is changed, now or later."""
        super().__init__(module, labels, prepare, name=name)
        self.decode = decode

    def __call__(self, images: Encoded) -> Detections:
        """Return all candidates for (B,3,H,W) images in [0,1], boxes in pixels of these images.

        Gradients of scores and boxes reach the images, never the weights. Values are looked at
        as a `Classifier` does. Raises `UserError` for what is no image or no detection.
        """
        looks = self._looks(images)
        dense = self.decode(self._ask(images))
        check_detections(dense, rows=len(images), classes=len(self.labels), values=looks)
        self._met = True
        boxes = self.prepare.back(dense.boxes, *images.shape[2:])
        return replace(dense, boxes=boxes.to(images.dtype), scores=dense.scores.to(images.dtype))
