"""A camera in front of any PyTorch classifier of ART's, inside its module."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn

from physadv.camera import Camera
from physadv.core import check
from physadv.evaluation import Retakes, camera_of
from physadv.world import World
from physadv_art.estimators.victim_classifier import VictimClassifier, as_set, settings_of
from physadv_art.frame import Frame, frame_of
from physadv_art.graph import model_scores
from physadv_art.grey import in_colour

AtPredict = Literal["draw", "mean"]


class PhysicalModule(nn.Module):
    """A camera, then an estimator's preprocessing and defences, then its network.

    With gradients the scores are the mean over `samples` photographs of each image (so
    is the gradient of every score); without, over one (`draw`) or as many (`mean`).
    """

    def __init__(
        self, network: nn.Module, operations: Sequence[Any], frame: Frame, shots: Retakes
    ) -> None:
        """Hold the network itself, not a copy."""
        super().__init__()
        self.network, self.operations, self.frame = network, list(operations), frame
        self.shots, self.samples, self.at_predict = shots, 1, "draw"

    def forward(self, x: Tensor) -> Tensor:
        """Return scores (B,K) for a batch in the frame's order and range."""
        many = torch.is_grad_enabled() or self.at_predict == "mean"
        samples = self.samples if many else 1
        like = next(self.network.parameters(), x)
        images = self.frame.unit(x.to(like.dtype))
        seen = in_colour(lambda one: self.shots.take(one, samples), images)
        scores = model_scores(self.network, self.operations, self.frame.back(seen))
        return scores.reshape(len(x), samples, -1).mean(dim=1)


class PhysicalClassifier(VictimClassifier):
    """An ART classifier that sees every image through a camera.

    Conditions are fresh in every call and keyed by (seed, call, row): the same sequence of calls
    after `reset()` gives the same answers, in batches of any size. `loss_gradient` is the mean of
    the loss's gradients over `samples` photographs (expectation over transformation, Athalye et
    al. 2018); what builds a classifier of its own from `model` gets the gradient of the mean
    scores. The original's network, preprocessing and preprocessing defences lie in `model`, its
    postprocessing defences stay.
    """

    def __init__(
        self,
        classifier: PyTorchClassifier,
        camera: Camera | World | str,
        *,
        samples: int = 1,
        at_predict: AtPredict = "draw",
        seed: int = 0,
    ) -> None:
        """Put `camera`, or a world's, or a preset's by name, before a classifier of RGB or grey.

        `samples` photographs are averaged for gradients, and at predict time where `at_predict`
        is "mean". Raises `UserError`.
        """
        kind = type(classifier).__name__
        good = isinstance(classifier, PyTorchClassifier)
        check(good, "classifier", expected="a PyTorchClassifier", got=kind)
        check(samples >= 1, "samples", expected="at least 1", got=samples)
        known = at_predict in ("draw", "mean")
        check(known, "at_predict", expected="draw or mean", got=repr(at_predict))
        frame, shape = frame_of(classifier), tuple(classifier.input_shape)
        channels = shape[0] if frame.channels_first else shape[-1]
        good = len(shape) == 3 and channels in (1, 3)
        check(good, "classifier", expected="RGB or grey images", got=shape)
        self.original, self.camera, self.seed = classifier, camera_of(camera), seed
        module = PhysicalModule(
            classifier.model,
            classifier.preprocessing_operations,
            frame,
            Retakes(self.camera, seed),
        )
        module.samples, module.at_predict = samples, at_predict
        inside = {"preprocessing": (0.0, 1.0), "preprocessing_defences": None}
        super().__init__(model=module, **settings_of(classifier) | inside)

    def reset(self) -> None:
        """Begin the sequence of conditions anew."""
        self.model.shots.reset()

    def predict(self, x: Any, batch_size: int = 128, **kwargs: Any) -> Any:
        """Return the scores (B,K) of one photograph of each image, or of the mean."""
        with self.model.shots.one_call():
            return super().predict(x, batch_size=batch_size, **kwargs)

    def loss_gradient(self, x: Any, y: Any, training_mode: bool = False, **kwargs: Any) -> Any:
        """Return the mean over photographs of the loss's gradient with respect to the raw input."""
        module, samples = self.model, self.model.samples
        module.samples, found = 1, []
        try:
            for _ in range(samples):
                found.append(super().loss_gradient(x, y, training_mode=training_mode, **kwargs))
        finally:
            module.samples = samples
        if isinstance(found[0], Tensor):
            return torch.stack(found).mean(dim=0)
        return np.mean(found, axis=0, dtype=np.float64).astype(found[0].dtype)

    def clone_for_refitting(self) -> "PhysicalClassifier":
        """Return the same camera before a clone of the classifier."""
        module = self.model
        clone = PhysicalClassifier(
            self.original.clone_for_refitting(),
            self.camera,
            samples=module.samples,
            at_predict=module.at_predict,
            seed=self.seed,
        )
        return as_set(clone, self)
