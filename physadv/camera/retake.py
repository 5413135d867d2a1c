"""Photographs of pictures: what a camera does to an image that is already one."""

import torch
import torch.nn.functional as F

from physadv.camera.camera import Camera
from physadv.core import Conditions, Encoded, Varying, Window, declared, decode

BLOCK = 16
"""JPEG codes squares of this many pixels."""
APART = ("lens.", "rolling_shutter.", "framing.")


def retaken(camera: Camera, image: Encoded, given: Conditions) -> Encoded:
    """Return what a camera makes of pictures (B,3,H,W) of any size under conditions (B,).

    The pictures are taken as light, which passes the camera's effects in their order. Those that
    move points or choose a crop (lens, rolling shutter, framing) are the scene's and stay away;
    the window is the middle of the sensor. Differentiable as `Camera.develop` is.
    """
    height, width = image.shape[-2:]
    pad = (0, -width % BLOCK, 0, -height % BLOCK)
    padded = F.pad(image, pad, mode="replicate") if any(pad) else image
    size = (padded.shape[-2], padded.shape[-1])
    sensor = camera.sensor
    corner = torch.tensor([(sensor.width_px - size[1]) / 2, (sensor.height_px - size[0]) / 2])
    window = Window(corner.round().repeat(len(image), 1), size, sensor)
    light = decode(Encoded(padded.clamp(0, 1)))
    return Encoded(camera.develop(light, given, window)[..., :height, :width])


def retaking(camera: Camera) -> dict[str, Varying]:
    """List what varies in it, by dotted name."""
    return {name: one for name, one in declared(camera).items() if not name.startswith(APART)}
