"""The camera: one effect a file, each a frozen dataclass with units in its names."""

from physadv.camera.binning import binned
from physadv.camera.camera import Camera
from physadv.camera.defocus import Defocus
from physadv.camera.exposure import Exposure
from physadv.camera.framing import Framing
from physadv.camera.jpeg import Jpeg
from physadv.camera.motion_blur import MotionBlur
from physadv.camera.noise import Noise
from physadv.camera.tone import Tone
from physadv.camera.vignette import Vignette
from physadv.camera.white_balance import WhiteBalance

__all__ = [
    "Camera",
    "Defocus",
    "Exposure",
    "Framing",
    "Jpeg",
    "MotionBlur",
    "Noise",
    "Tone",
    "Vignette",
    "WhiteBalance",
    "binned",
]
