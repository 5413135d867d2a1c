"""JPEG as a preprocessing defence, on the codec of physadv's camera."""

from typing import Any

from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from torch import Tensor

from physadv.defences import Jpeg
from physadv_art.frame import Frame, ends
from physadv_art.grey import in_colour


class JpegDefence(PreprocessorPyTorch):  # type: ignore[misc]  # ART has no types
    """Compresses images, RGB or grey, before the network sees them (Dziugaite et al. 2016).

    What a decoder shows (ITU-T T.81, chroma at half resolution), for any size and clip range.
    Rounding has no slope: `estimate_forward` and `estimate_gradient` let the gradient straight
    through (backward pass differentiable approximation), which an attacker would do as well.
    """

    params = ("quality", "clip_values", "channels_first")

    def __init__(
        self,
        quality: int = 75,
        clip_values: tuple[float, float] = (0.0, 1.0),
        *,
        channels_first: bool = True,
        **apply: bool,
    ) -> None:
        """Compress at a quality from 1 to 100. Raises `UserError` or `ValueError`."""
        super().__init__(device_type="gpu", is_fitted=True, **apply)
        self.coder = Jpeg(quality)
        self.quality, self.clip_values, self.channels_first = quality, clip_values, channels_first
        self.frame = Frame(channels_first, *ends(clip_values))

    def forward(self, x: Tensor, y: Any = None) -> tuple[Tensor, Any]:
        """Return the decoded images, and y as it came."""
        return self.frame.back(in_colour(self.coder.squeeze, self.frame.unit(x))).to(x.dtype), y
