"""The presets: which distances, angles, light, weather and cameras stickers are judged under."""

from dataclasses import replace

from physadv.approach import Approach
from physadv.camera import (
    Camera,
    Defocus,
    Denoise,
    Droplets,
    Exposure,
    Framing,
    Jpeg,
    Lens,
    LocalTone,
    Mosaic,
    MotionBlur,
    Noise,
    Rain,
    RollingShutter,
    Shake,
    Sharpen,
    Tone,
    Vignette,
    WhiteBalance,
)
from physadv.core import Choice, Sensor, Span
from physadv.presets.preset import Preset
from physadv.scene import (
    Bend,
    Dirt,
    Fog,
    Headlamps,
    Pose,
    Shadow,
    SignLight,
    Sun,
)

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

DRIVE_BY = Preset(
    about="30 to 3 m on a drive past the sign, told as approaches; street's light and camera",
    pose=Pose(distance_m=Span(3.0, 30.0), yaw_deg=Span(-45.0, 45.0, 0.0)),
    light=SignLight(),
    camera=replace(
        STREET.camera,
        motion_blur=MotionBlur(Span(0.0, 8.0, 0.0)),
        rolling_shutter=RollingShutter(row_time_s=Span(1e-5, 3e-5, 0.0)),
    ),
    approach=Approach(),
)

NIGHT = Preset(
    about="4 to 25 m in the beam of headlamps: sheeting shines back, stickers hardly; noise",
    pose=Pose(distance_m=Span(4.0, 25.0), yaw_deg=Span(-25.0, 25.0, 0.0)),
    light=SignLight(slope_ev=Span(0.0, 0.3, 0.0), veil_ratio=Span(0.0, 0.02, 0.0)),
    headlamps=Headlamps(
        level_ratio=Span(5e-4, 4e-3, 0.0, log=True), ambient_ev=Span(-9.0, -6.0, 0.0)
    ),
    camera=replace(
        STREET.camera,
        motion_blur=MotionBlur(Span(0.0, 4.0, 0.0)),
        exposure=Exposure(Span(0.0, 2.0, 0.0), meter_ratio=Span(0.1, 0.3, 0.0)),
        white_balance=WhiteBalance(Span(2800.0, 5000.0, 6500.0)),
        noise=Noise(gain_ratio=Span(4.0, 16.0, 0.0)),
    ),
)

RAIN = Preset(
    about="3 to 20 m in rain: streaks, drops on the glass, haze, a wet sign, flat light",
    pose=Pose(),
    light=SignLight(slope_ev=Span(0.0, 0.3, 0.0), veil_ratio=Span(0.02, 0.12, 0.0)),
    dirt=Dirt(cover_ratio=Span(0.0, 0.05, 0.0)),
    fog=Fog(visibility_m=Span(100.0, 1000.0, Fog().visibility_m.neutral, log=True)),
    camera=replace(
        STREET.camera,
        rain=Rain(rate_ratio=Span(0.1, 0.8, 0.0)),
        droplets=Droplets(share_ratio=Span(0.0, 0.15, 0.0)),
        exposure=Exposure(Span(-1.5, 0.5, 0.0)),
        white_balance=WhiteBalance(Span(5500.0, 9000.0, 6500.0)),
    ),
)

PHONE = Preset(
    about="2 to 10 m from the hand: sun and shadow, a shaking hand, sharpening, tone mapping",
    pose=Pose(
        distance_m=Span(2.0, 10.0), pitch_deg=Span(-15.0, 15.0, 0.0), roll_deg=Span(-8.0, 8.0, 0.0)
    ),
    light=SignLight(),
    sun=Sun(sun_ratio=Span(0.0, 0.7, 0.0)),
    shadow=Shadow(strength_ratio=Span(0.0, 0.5, 0.0)),
    bend=Bend(bend_mm=Span(0.0, 3.0, 0.0)),
    camera=Camera(
        sensor=Sensor(1440, 1080, 65.0),
        lens=Lens(Span(-0.03, 0.03, 0.0), Span.at(0.0, 0.0), Span.at(0.0, 0.0), Span.at(0.0, 0.0)),
        vignette=Vignette(Span(0.0, 0.6, 0.0)),
        defocus=Defocus(Span(0.0, 2.0, 0.0)),
        motion_blur=MotionBlur(Span(0.0, 1.0, 0.0)),
        shake=Shake(path_px=Span(0.0, 4.0, 0.0)),
        exposure=Exposure(Span(-0.7, 0.7, 0.0), meter_ratio=Span(0.3, 0.7, 0.0)),
        white_balance=WhiteBalance(Span(4500.0, 8000.0, 6500.0), Span(-0.05, 0.05, 0.0)),
        noise=Noise(gain_ratio=Span(0.5, 6.0, 0.0)),
        denoise=Denoise(Span(0.2, 0.8, 0.0)),
        local_tone=LocalTone(Span(0.0, 0.5, 0.0)),
        sharpen=Sharpen(Span(0.2, 1.0, 0.0)),
        jpeg=Jpeg(Span(80.0, 96.0)),
    ),
)

DASHCAM = Preset(
    about="4 to 25 m behind a windscreen: a wide bent lens, rolling shutter, mosaic, strong JPEG",
    pose=Pose(
        distance_m=Span(4.0, 25.0),
        x_ratio=Span(-0.42, 0.42, 0.0),
        y_ratio=Span(-0.35, 0.35, 0.0),
    ),
    light=SignLight(),
    sun=Sun(sun_ratio=Span(0.0, 0.7, 0.0)),
    shadow=Shadow(strength_ratio=Span(0.0, 0.5, 0.0)),
    dirt=Dirt(cover_ratio=Span(0.0, 0.05, 0.0)),
    camera=replace(
        STREET.camera,
        sensor=Sensor(1920, 1080, 80.0),
        lens=Lens(Span(-0.08, 0.0, 0.0), Span(-0.01, 0.01, 0.0)),
        rolling_shutter=RollingShutter(row_time_s=Span(1e-5, 3e-5, 0.0)),
        droplets=Droplets(share_ratio=Span(0.0, 0.05, 0.0)),
        motion_blur=MotionBlur(Span(0.0, 4.0, 0.0)),
        exposure=Exposure(Span(-1.0, 1.0, 0.0), meter_ratio=Span(0.2, 0.6, 0.0)),
        mosaic=Mosaic(Choice((0.0, 1.0, 2.0, 3.0), neutral=-1.0)),
        sharpen=Sharpen(Span(0.0, 0.8, 0.0)),
        jpeg=Jpeg(Span(40.0, 85.0)),
    ),
)

PRESETS = {
    "lab": LAB,
    "street": STREET,
    "drive_by": DRIVE_BY,
    "night": NIGHT,
    "rain": RAIN,
    "phone": PHONE,
    "dashcam": DASHCAM,
}
ANY = "any"
"""The world that draws each photo from one of the others, all through the first one's sensor."""
NAMES = (*PRESETS, ANY)

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
