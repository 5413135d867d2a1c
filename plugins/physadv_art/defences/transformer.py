"""A classifier that answers with the mean over photographs of what it is asked."""

from typing import Any

from art.defences.transformer.transformer import Transformer

from physadv.camera import Camera
from physadv.core import check
from physadv.evaluation import camera_of
from physadv.world import World
from physadv_art.estimators import PhysicalClassifier


class CameraSmoothing(Transformer):  # type: ignore[misc]  # ART has no types
    """Turns a classifier into its mean over `samples` photographs by a camera.

    Randomised smoothing's idea (Cohen et al. 2019) with a camera's variation for the noise, hence
    without a certificate. The result is a `PhysicalClassifier`, so attacks are adaptive: their
    gradients pass the camera.
    """

    params = ("samples", "seed")

    def __init__(
        self, classifier: Any, camera: Camera | World | str, samples: int = 8, seed: int = 0
    ) -> None:
        """Take the classifier that is to be transformed. Raises `UserError`."""
        super().__init__(classifier)
        check(samples >= 1, "samples", expected="at least 1", got=samples)
        self.camera, self.samples, self.seed = camera_of(camera), samples, seed
        self._is_fitted = True

    def __call__(self, x: Any = None, transformed_classifier: Any = None) -> PhysicalClassifier:
        """Return `transformed_classifier`, or the one given before, behind the camera.

        Nothing is trained, so x may be left out.
        """
        return PhysicalClassifier(
            transformed_classifier or self.classifier,
            self.camera,
            samples=self.samples,
            at_predict="mean",
            seed=self.seed,
        )

    def fit(self, x: Any, y: Any = None, **kwargs: Any) -> None:
        """Do nothing: there is nothing to fit."""
