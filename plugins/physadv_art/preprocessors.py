"""A world's camera as an ART preprocessor: expectation over transformation."""

from typing import Any

from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from torch import Tensor

from physadv.camera import Camera
from physadv.core import check
from physadv.evaluation import Retakes, camera_of
from physadv.world import World
from physadv_art.frame import Frame, ends
from physadv_art.grey import in_colour


class CameraPreprocessor(PreprocessorPyTorch):  # type: ignore[misc]  # ART has no types
    """Photographs each image `samples` times under fresh conditions, and repeats its label.

    As ART's own `EoTPyTorch`, image by image, but batched, seeded and right for every clip range:
    (n,…) becomes (n * samples,…). Conditions are keyed by (seed, call, row); `reset()` begins
    anew. The gradient is the camera's (JPEG's rounding lets it straight through).
    """

    params = ("clip_values", "channels_first", "samples", "seed")

    def __init__(
        self,
        camera: Camera | World | str,
        clip_values: tuple[float, float],
        *,
        channels_first: bool = True,
        samples: int = 1,
        seed: int = 0,
        **apply: bool,
    ) -> None:
        """Take a camera, that of a world, or that of a preset by name.

        `apply_fit` (False by default) and `apply_predict` (True) as in ART. Raises `UserError`
        or, for clip_values that are none, `ValueError`.
        """
        settings = {"apply_fit": False, "apply_predict": True} | apply
        super().__init__(device_type="gpu", is_fitted=True, **settings)
        check(samples >= 1, "samples", expected="at least 1", got=samples)
        self.clip_values, self.channels_first = clip_values, channels_first
        self.samples, self.seed = samples, seed
        self.frame = Frame(channels_first, *ends(clip_values))
        self.shots = Retakes(camera_of(camera), seed)

    def reset(self) -> None:
        """Begin the sequence of conditions anew."""
        self.shots.reset()

    def forward(self, x: Tensor, y: Any = None) -> tuple[Tensor, Any]:
        """Return photographs of x, differentiably, and the labels to them."""
        seen = in_colour(lambda one: self.shots.take(one, self.samples), self.frame.unit(x))
        labels = y if y is None or self.samples == 1 else y.repeat_interleave(self.samples, dim=0)
        return self.frame.back(seen).to(x.dtype), labels
