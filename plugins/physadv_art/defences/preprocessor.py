"""JPEG as a preprocessing defence, on the codec of physadv's camera."""

from typing import Any

import torch
from art.defences.preprocessor.preprocessor import PreprocessorPyTorch
from torch import Tensor
from torch.nn.functional import pad

from physadv.camera import Jpeg
from physadv.core import Encoded, Sensor, Span, Window, check
from physadv_art.frame import Frame, ends
from physadv_art.grey import in_colour

BLOCK = 16


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
        check(1 <= quality <= 100, "quality", expected="1 to 100", got=quality)
        self.quality, self.clip_values, self.channels_first = quality, clip_values, channels_first
        self.frame = Frame(channels_first, *ends(clip_values))

    def forward(self, x: Tensor, y: Any = None) -> tuple[Tensor, Any]:
        """Return the decoded images, and y as it came."""
        return self.frame.back(in_colour(self._coded, self.frame.unit(x))).to(x.dtype), y

    def _coded(self, images: Tensor) -> Tensor:
        """Compress RGB images (B,3,H,W) in [0,1], padded to whole blocks."""
        height, width = images.shape[-2:]
        fill = (0, -width % BLOCK, 0, -height % BLOCK)
        whole = pad(images, fill, mode="replicate") if any(fill) else images
        size = (whole.shape[-2], whole.shape[-1])
        window = Window(torch.zeros(len(whole), 2), size, Sensor())
        given = {"quality": torch.full((len(whole),), float(self.quality))}
        coded = Jpeg(Span.at(float(self.quality)))(Encoded(whole.clamp(0, 1)), given, window)
        return coded[..., :height, :width]
