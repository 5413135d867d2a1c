"""Colours as rows (N,3): encoded, linear, in CIELAB, and how far apart they look."""

import numpy as np
import torch
from skimage.color import deltaE_ciede2000, xyz2lab
from skimage.color.colorconv import xyz_from_rgb

from physadv.calibration.chart import Array
from physadv.core import Encoded, Linear, decode, encode


def decoded(rows: Array) -> Array:
    """Undo the sRGB encoding of (N,3)."""
    image = torch.from_numpy(np.ascontiguousarray(rows.T))[None, :, :, None]
    linear: Array = decode(Encoded(image))[0, :, :, 0].T.numpy()
    return linear


def encoded(rows: Array) -> Array:
    """Encode linear (N,3) as sRGB."""
    image = torch.from_numpy(np.ascontiguousarray(rows.T))[None, :, :, None]
    values: Array = encode(Linear(image))[0, :, :, 0].T.numpy()
    return values


def lab(rows: Array) -> Array:
    """Return CIELAB (N,3) of encoded rows; the perfect white diffuser has L* = 100."""
    found: Array = xyz2lab(decoded(rows) @ xyz_from_rgb.T)
    return found


def de2000(one: Array, other: Array) -> Array:
    """Return the colour differences (N,) of encoded rows (CIE 142-2001, CIEDE2000)."""
    found: Array = deltaE_ciede2000(lab(one), lab(other))  # type: ignore[no-untyped-call]  # scikit-image has none
    return found
