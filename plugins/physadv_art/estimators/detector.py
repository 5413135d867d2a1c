"""A detector as an ART classifier, so that to make something vanish is an ordinary attack."""

from typing import Any

import torch
from torch import Tensor, nn

from physadv.core import Encoded, UserError
from physadv.victims import Detector, load_victim
from physadv_art.estimators.black_box import BlackBoxVictim
from physadv_art.estimators.reading import ReadDetector, Reading, Reduce
from physadv_art.estimators.victim_classifier import VictimClassifier, defaults
from physadv_art.frame import Array, Frame, ends
from physadv_art.victim import EstimatorDetector


class DetectorModule(nn.Module):
    """A physadv `Detector` as one module: range, channel order, preparation, network, reading.

    Batches of another type are cast to that of its idle buffer, float32.
    """

    kind: Tensor

    def __init__(self, victim: Detector, frame: Frame, reading: Reading) -> None:
        """Hold the detector's own network, not a copy."""
        super().__init__()
        self.network, self.victim = victim.module, victim
        self.frame, self.reading = frame, reading
        self.register_buffer("kind", torch.zeros((), device=victim.device), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (B,K+1) for a batch in the frame's order and range; see `Reading`."""
        images = self.frame.unit(x.to(self.kind.dtype))
        dense = self.victim.decode(self.network(self.victim.prepare(images)))
        return self.reading(dense)


class DetectorClassifier(VictimClassifier):
    """An ART classifier of what a detector finds in an image; made by `detector_classifier`."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its classes, the last of which is "nothing"."""
        return ReadDetector(self.model.victim, self.model.reading).labels

    @torch.no_grad()
    def detect(self, x: Any, score: float | None = None, iou: float = 0.45) -> list[dict[str, Any]]:
        """Return what is reported of each image, as ART's object detectors do.

        Dicts of arrays: "boxes" (n,4) x1y1x2y2 in pixels of x, "labels" (n,) the detector's own
        classes, "scores" (n,), best first: above `score` (by default the classifier's), after
        suppression at `iou` by class. Preprocessing and its defences are applied.
        """
        victim, found = EstimatorDetector(self), list[dict[str, Array]]()
        bar = self.model.reading.score if score is None else score
        for image in self.model.frame.images(x).split(1):
            (one,) = victim(Encoded(image)).final(bar, iou)
            told = {"boxes": one.boxes, "labels": one.labels, "scores": one.scores}
            found.append({name: value.numpy() for name, value in told.items()})
        return found


def detector_classifier(
    detector: Detector | str,
    label: str | int | None = None,
    *,
    score: float = 0.3,
    reduce: Reduce = "max",
    clip_values: tuple[float, float] = (0.0, 1.0),
    **kwargs: Any,
) -> DetectorClassifier | BlackBoxVictim:
    """Return a detector as an ART classifier of two classes: `label` is there, or "nothing" is.

    The detector is an object, or one that a spec names (`load_victim`).
    Class 0 scores the best candidate of the label anywhere in the image: its log-odds, less those
    of `score`; class 1, nothing, scores 0. So with "max" nothing is read exactly where no
    candidate's score for the label is above `score`, and any untargeted attack on class 0 makes it
    vanish; "logsumexp" takes the maximum smoothly, from above, by at most the logarithm of the
    number of candidates, and is the loss of `vanish(label, iou=None, score=score)`. Without a
    label there are all of the detector's classes in its order, then nothing.

    Gradients are with respect to the raw input. A detector without gradients becomes a
    `BlackBoxVictim`. `kwargs` go to `PyTorchClassifier`: channels_first, input_shape (by default
    the detector's own size), loss, preprocessing, defences. Raises `UserError`.
    """
    detector = _detector(detector)
    chosen = range(len(detector.labels)) if label is None else (detector.label(label),)
    reading = Reading(tuple(chosen), score, reduce)
    first = bool(kwargs.pop("channels_first", True))
    frame, (height, width) = Frame(first, *ends(clip_values)), detector.size_px
    shape = kwargs.pop("input_shape", (3, height, width) if first else (height, width, 3))
    if not detector.differentiable:
        read, last = ReadDetector(detector, reading), nn.Identity()
        return BlackBoxVictim(read, frame, input_shape=tuple(shape), last=last, **kwargs)
    module = DetectorModule(detector, frame, reading)
    return DetectorClassifier(
        model=module,
        input_shape=tuple(shape),
        nb_classes=len(reading.classes) + 1,
        clip_values=clip_values,
        channels_first=first,
        **defaults(module) | kwargs,
    )


def _detector(given: Any) -> Detector:
    """Return a detector, or the one that a spec names; raises `UserError` for anything else."""
    found = load_victim(given) if isinstance(given, str) else given
    fix = "from_victim takes other victims"
    if not isinstance(found, Detector):
        got = type(found).__name__
        raise UserError("detector", expected="a physadv Detector", got=got, fix=fix)
    return found
