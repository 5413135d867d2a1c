"""The camera: one effect a file, each a frozen dataclass with units in its names."""

from physadv.camera.binning import binned
from physadv.camera.camera import Camera
from physadv.camera.colour_matrix import ColourMatrix
from physadv.camera.defocus import Defocus, disc_px
from physadv.camera.denoise import Denoise
from physadv.camera.diffraction import Diffraction
from physadv.camera.droplets import Droplets
from physadv.camera.exposure import Exposure
from physadv.camera.framing import Framing
from physadv.camera.jpeg import Jpeg
from physadv.camera.lens import Lens
from physadv.camera.local_tone import LocalTone
from physadv.camera.mosaic import Mosaic
from physadv.camera.motion_blur import MotionBlur
from physadv.camera.noise import Noise
from physadv.camera.retake import retaken, retaking
from physadv.camera.rolling_shutter import RollingShutter
from physadv.camera.shake import Shake
from physadv.camera.sharpen import Sharpen
from physadv.camera.streaks import Rain
from physadv.camera.tone import Tone
from physadv.camera.vignette import Vignette
from physadv.camera.white_balance import WhiteBalance

__all__ = [
    "Camera",
    "ColourMatrix",
    "Defocus",
    "Denoise",
    "Diffraction",
    "Droplets",
    "Exposure",
    "Framing",
    "Jpeg",
    "Lens",
    "LocalTone",
    "Mosaic",
    "MotionBlur",
    "Noise",
    "Rain",
    "RollingShutter",
    "Shake",
    "Sharpen",
    "Tone",
    "Vignette",
    "WhiteBalance",
    "binned",
    "disc_px",
    "retaken",
    "retaking",
]
