"""The light on a sign or a sheet in a photo, as numbers."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from physadv.core import Encoded, decode
from physadv.scene import Relight, SignDesign
from physadv.scene.relight import fit_light
from physadv.scoring.align import shift, shrunk
from physadv.scoring.pattern import Array, Picture

COMPARED_PX = 256
LUMINANCE = torch.tensor([0.2126, 0.7152, 0.0722])
"""Of linear RGB (ITU-R BT.709)."""
LEAST = 1e-4


@dataclass(frozen=True)
class Lit:
    """What a white diffuser beside the sign would be in the photo.

    `gain_ev` is its brightness against the photo's full scale, in stops; `red_ratio` and
    `blue_ratio` are its red and blue against green; `veil_ratio` is the share of it that black
    would show too (glare, haze, flare).
    """

    gain_ev: float
    red_ratio: float
    blue_ratio: float
    veil_ratio: float


def sign_light(photo: Picture, plane: Array, design: SignDesign) -> Lit:
    """Return the light on a sign that lies at `plane` (3,3), mm to px; see `scene.Relight`."""
    near, moved = shrunk(photo, plane, design.size_mm, COMPARED_PX)
    placed = torch.from_numpy(moved / moved[2, 2]).float()
    return _lit(fit_light(design, decode(_image(near)), placed))


def ink_light(photo: Picture, plane: Array, box_mm: Array, inks: tuple[float, float]) -> Lit:
    """Return the light on a sheet from a box (x1,y1,x2,y2) that holds black print on white paper.

    `inks` are the reflectances of black and of white. The darkest and the lightest sixth of the
    box count.
    """
    x1, y1, x2, y2 = box_mm
    px_mm = 48 / (x2 - x1)
    flat = np.diag([px_mm, px_mm, 1]) @ shift(-x1, -y1)
    matrix = shift(-0.5, -0.5) @ flat @ np.linalg.inv(plane) @ shift(0.5, 0.5)
    size = 48, round(48 * (y2 - y1) / (x2 - x1))
    cut = np.asarray(cv2.warpPerspective(photo, matrix, size), dtype=np.float32)
    ordered = decode(_image(cut))[0].flatten(1).sort(dim=1).values
    sixth = ordered.shape[1] // 6
    dark, pale = ordered[:, :sixth].median(dim=1).values, ordered[:, -sixth:].median(dim=1).values
    black, white = inks
    gain = (pale - dark) / (white - black)
    return _lit(Relight(gain.clamp_min(LEAST), (dark - black * gain).clamp_min(0)))


def _lit(found: Relight) -> Lit:
    white = (found.gain + found.offset).clamp_min(LEAST)
    level = math.log2(float((white * LUMINANCE).sum()))
    red, green, blue = white.tolist()
    veil = float(found.offset.sum() / white.sum())
    return Lit(level, red / green, blue / green, veil)


def _image(picture: Picture) -> Encoded:
    pixels: Tensor = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)
    return Encoded(pixels[None].clamp(0, 1).contiguous())
