"""JPEG compression, differentiable while searching and libjpeg's own when judging."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from kornia.enhance import jpeg_codec_differentiable
from torch import Tensor

from physadv.core import Conditions, Encoded, Span, Window


@dataclass(frozen=True)
class Jpeg:
    """Compress at `quality` 1..100, chroma at half resolution (ITU-T T.81, JFIF).

    The soft form runs kornia's codec forwards and lets the gradient straight through; the hard
    form encodes and decodes with libjpeg.
    """

    quality: Span = Span(50.0, 95.0)

    def __call__(self, image: Encoded, given: Conditions, _window: Window) -> Encoded:
        """Compress (B,3,H,W), H and W multiples of 16; the gradient goes straight through."""
        with torch.no_grad():
            coded = jpeg_codec_differentiable(image.detach(), given["quality"])
        return Encoded(image + (coded - image).detach())

    def hard(self, image: Encoded, given: Conditions) -> Encoded:
        """Compress 8-bit pictures (B,3,H,W) with libjpeg. No gradient."""
        rows = zip(image, given["quality"].round().int().tolist(), strict=True)
        return Encoded(torch.stack([_libjpeg(picture, quality) for picture, quality in rows]))


def _libjpeg(picture: Tensor, quality: int) -> Tensor:
    pixels = (picture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, code = cv2.imencode(".jpg", np.ascontiguousarray(pixels[:, :, ::-1]), flags)
    decoded = np.asarray(cv2.imdecode(code, cv2.IMREAD_COLOR))
    return torch.from_numpy(decoded[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
