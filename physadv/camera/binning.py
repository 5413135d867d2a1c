"""Binning: the same camera with pixels k times as large, a k-th of them in each direction.

Used while searching, where a near sign has many more pixels than the recogniser looks at: what
is averaged anyway is averaged before it is computed. The judge never bins.
"""

from torch import Tensor

from physadv.core import Conditions

POWERS = {
    "defocus.blur_px": 1,
    "diffraction.f_ratio": 1,
    "motion_blur.blur_px": 1,
    "noise.gain_ratio": 2,
    "shake.path_px": 1,
}
"""Lengths in pixels shrink with k; k^2 joined pixels hold k^2 times the electrons (their read
noise adds up too, which `Noise` takes from the window's pitch)."""


def binned(given: Conditions, pitch: Tensor) -> Conditions:
    """Return the camera's conditions (B,) as they are in pixels of `pitch` (B,) or (1,)."""
    scaled = {name: given[name] / pitch**power for name, power in POWERS.items() if name in given}
    return {**given, **scaled}
