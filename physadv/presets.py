"""Worlds by name: which distances, angles, light and cameras a sticker is judged under."""

from dataclasses import dataclass, replace

from physadv.camera import (
    Camera,
    Defocus,
    Exposure,
    Framing,
    Jpeg,
    MotionBlur,
    Noise,
    Tone,
    Vignette,
    WhiteBalance,
)
from physadv.core import Sensor, Span
from physadv.core.check import one_of
from physadv.scene import PhotoScene, Pose, SignLight, StreetScene
from physadv.world import World


@dataclass(frozen=True)
class Preset:
    """What a named world fixes; the sign and the backgrounds come from elsewhere."""

    about: str
    pose: Pose
    light: SignLight
    camera: Camera


LAB = Preset(
    about="3 to 12 m, yaw within ±30°, even light, a good camera held still",
    pose=Pose(
        distance_m=Span(3.0, 12.0),
        yaw_deg=Span(-30.0, 30.0, 0.0),
        pitch_deg=Span(-5.0, 5.0, 0.0),
        roll_deg=Span(-3.0, 3.0, 0.0),
        x_ratio=Span(-0.2, 0.2, 0.0),
        y_ratio=Span(-0.2, 0.2, 0.0),
    ),
    light=SignLight(slope_ev=Span(0.0, 0.4, 0.0), veil_ratio=Span(0.0, 0.04, 0.0)),
    camera=Camera(
        sensor=Sensor(1280, 960, 60.0),
        vignette=Vignette(Span(0.0, 0.6, 0.0)),
        defocus=Defocus(Span(0.0, 1.0, 0.0)),
        motion_blur=MotionBlur(Span(0.0, 1.0, 0.0)),
        exposure=Exposure(Span(-0.7, 0.7, 0.0)),
        white_balance=WhiteBalance(Span(4500.0, 7500.0, 6500.0)),
        noise=Noise(gain_ratio=Span(0.0, 4.0, 0.0)),
        tone=Tone(Span(0.9, 1.1)),
        jpeg=Jpeg(Span(75.0, 95.0)),
        framing=Framing(margin_ratio=Span(0.05, 0.2)),
    ),
)

STREET = Preset(
    about="3 to 20 m, yaw within ±40°, ±1.5 EV, 3500 to 8000 K, a moving camera's blur, JPEG",
    pose=Pose(),
    light=SignLight(),
    camera=Camera(
        sensor=Sensor(1280, 960, 60.0),
        defocus=Defocus(Span(0.0, 1.5, 0.0)),
        motion_blur=MotionBlur(Span(0.0, 3.0, 0.0)),
        exposure=Exposure(Span(-1.5, 1.5, 0.0)),
        white_balance=WhiteBalance(Span(3500.0, 8000.0, 6500.0)),
        jpeg=Jpeg(Span(50.0, 95.0)),
    ),
)

PRESETS = {"lab": LAB, "street": STREET}


def world(preset: str, scene: StreetScene, *, label: int = -1) -> World:
    """Return the world of a preset around a street scene.

    `label` is the class the victim should answer. Raises `UserError` for an unknown preset.
    """
    one_of("world", preset, PRESETS)
    chosen = PRESETS[preset]
    placed = replace(scene, pose=chosen.pose, light=chosen.light)
    return World(placed, camera=chosen.camera, label=label)


PHOTO_CAMERA = Camera(
    vignette=Vignette(Span.at(0.0, neutral=0.0)),
    defocus=Defocus(Span(0.0, 0.5, 0.0)),
    motion_blur=MotionBlur(Span.at(0.0, neutral=0.0), Span.at(0.0, neutral=0.0)),
    exposure=Exposure(Span(-0.5, 0.5, 0.0)),
    white_balance=WhiteBalance(Span(5500.0, 7500.0, 6500.0)),
    noise=Noise(gain_ratio=Span(0.0, 2.0, 0.0)),
    tone=Tone(Span(0.95, 1.05)),
    jpeg=Jpeg(Span(75.0, 95.0)),
    framing=Framing(
        margin_ratio=Span(0.0, 0.1),
        shift_x_ratio=Span(-0.03, 0.03, neutral=0.0),
        shift_y_ratio=Span(-0.03, 0.03, neutral=0.0),
    ),
)
"""What may still happen to a photo that a camera took already, and how a detector crops it."""


def photo_world(scene: PhotoScene, *, label: int = -1) -> World:
    """Return the world of real photos: another camera's small differences, no new lens or shake.

    `label` is the class the victim should answer.
    """
    return World(scene, camera=PHOTO_CAMERA, label=label)
