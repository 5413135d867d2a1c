"""Pictures as data URIs, so that the page needs no other file."""

from base64 import b64encode
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SHOT_PX = 320
SIGN_PX = 720
"""Longest sides; larger pictures are reduced."""


def jpeg_uri(picture: NDArray[np.uint8]) -> str:
    """Return a photo (h,w,3) as JPEG, hardly compressed, colours at full resolution."""
    return _uri(_reduced(picture, SHOT_PX), "jpeg", quality=92, subsampling=0)


def png_uri(picture: NDArray[np.uint8]) -> str:
    """Return a picture (h,w,4) as PNG."""
    return _uri(_reduced(picture, SIGN_PX), "png", optimize=True)


def _reduced(picture: NDArray[np.uint8], longest: int) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(picture))
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    return image


def _uri(image: Image.Image, kind: str, **options: int) -> str:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return f"data:image/{kind};base64,{b64encode(buffer.getvalue()).decode()}"
