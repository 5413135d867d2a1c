"""What each thing that a world file can set may be: the physically possible, and what computes."""

from math import inf

from physadv.core import UserError
from physadv.core.check import check

Bound = tuple[float, float]
"""The least and the largest, both allowed."""

SCENE: dict[str, Bound] = {
    "pose.distance_m": (1.0, 300.0),
    "pose.yaw_deg": (-80.0, 80.0),
    "pose.pitch_deg": (-80.0, 80.0),
    "pose.roll_deg": (-180.0, 180.0),
    "pose.x_ratio": (-0.5, 0.5),
    "pose.y_ratio": (-0.5, 0.5),
    "pose.height_m": (-20.0, 20.0),
    "light.slope_ev": (0.0, 4.0),
    "light.slope_deg": (-360.0, 360.0),
    "light.veil_ratio": (0.0, 1.0),
    "sun.azimuth_deg": (-90.0, 90.0),
    "sun.elevation_deg": (-90.0, 90.0),
    "sun.sun_ratio": (0.0, 1.0),
    "sun.sign_roughness_ratio": (0.02, 1.0),
    "sun.ink_roughness_ratio": (0.02, 1.0),
    "shadow.strength_ratio": (0.0, 1.0),
    "shadow.x_mm": (-5000.0, 5000.0),
    "shadow.y_mm": (-5000.0, 5000.0),
    "shadow.turn_deg": (-360.0, 360.0),
    "shadow.width_mm": (1.0, 1e5),
    "shadow.length_mm": (1.0, inf),
    "shadow.caster_m": (0.1, 100.0),
    "headlamps.level_ratio": (0.0, 100.0),
    "headlamps.ambient_ev": (-20.0, 10.0),
    "headlamps.below_m": (0.0, 3.0),
    "headlamps.side_m": (-3.0, 3.0),
    "headlamps.apart_m": (0.1, 3.0),
    "dirt.cover_ratio": (0.0, 1.0),
    "dirt.blot_mm": (5.0, 2000.0),
    "dirt.dryness_ratio": (0.0, 1.0),
    "bend.offset_x_mm": (-200.0, 200.0),
    "bend.offset_y_mm": (-200.0, 200.0),
    "bend.turn_deg": (-45.0, 45.0),
    "bend.bend_mm": (0.0, 50.0),
    "occlusion.cover_ratio": (0.0, 1.0),
    "occlusion.leaf_mm": (5.0, 2000.0),
    "occlusion.shine_ratio": (0.0, 1.0),
    "occlusion.pole_mm": (0.0, 2000.0),
    "occlusion.pole_x_mm": (-2000.0, 2000.0),
    "fog.visibility_m": (1.0, inf),
    "fog.airlight_ratio": (0.0, 10.0),
    "fog.background_m": (0.0, 1e4),
}

CAMERA: dict[str, Bound] = {
    "sensor.width_px": (64, 16384),
    "sensor.height_px": (64, 16384),
    "sensor.fov_deg": (1.0, 150.0),
    "lens.k1_ratio": (-1.0, 1.0),
    "lens.k2_ratio": (-1.0, 1.0),
    "lens.p1_ratio": (-0.1, 0.1),
    "lens.p2_ratio": (-0.1, 0.1),
    "rolling_shutter.row_time_s": (0.0, 2e-4),
    "rolling_shutter.yaw_rate_deg_per_s": (-180.0, 180.0),
    "rolling_shutter.pitch_rate_deg_per_s": (-180.0, 180.0),
    "rain.rate_ratio": (0.0, 1.0),
    "rain.angle_deg": (-90.0, 90.0),
    "rain.length_px": (1.0, 500.0),
    "rain.width_px": (0.5, 50.0),
    "rain.opacity_ratio": (0.0, 1.0),
    "rain.sky_ratio": (0.0, 10.0),
    "droplets.share_ratio": (0.0, 0.24),
    "droplets.radius_px": (1.0, 200.0),
    "vignette.strength_ratio": (0.0, 1.0),
    "diffraction.f_ratio": (0.0, 32.0),
    "diffraction.wavelength_mm": (3e-4, 1e-3),
    "diffraction.pixel_mm": (5e-4, 0.05),
    "defocus.blur_px": (0.0, 64.0),
    "motion_blur.blur_px": (0.0, 128.0),
    "motion_blur.direction_deg": (-360.0, 360.0),
    "shake.path_px": (0.0, 128.0),
    "exposure.gain_ev": (-20.0, 20.0),
    "exposure.meter_ratio": (0.0, 1.0),
    "white_balance.temperature_k": (2000.0, 25000.0),
    "white_balance.tint_ratio": (-0.5, 0.5),
    "colour_matrix.saturation_ratio": (0.0, 4.0),
    "colour_matrix.hue_deg": (-180.0, 180.0),
    "noise.gain_ratio": (0.0, 1000.0),
    "noise.full_well_e": (100.0, 1e6),
    "noise.read_e": (0.0, 1000.0),
    "noise.dark_e": (0.0, 1e5),
    "noise.black_e": (0.0, 1e5),
    "mosaic.which": (-1, 3),
    "denoise.strength_ratio": (0.0, 1.0),
    "denoise.noise_ratio": (1e-3, 1.0),
    "local_tone.strength_ratio": (0.0, 1.0),
    "local_tone.edge_ev": (0.01, 10.0),
    "tone.gamma_ratio": (0.2, 5.0),
    "sharpen.amount_ratio": (0.0, 10.0),
    "sharpen.radius_px": (0.3, 10.0),
    "jpeg.quality": (1.0, 100.0),
    "framing.margin_ratio": (0.0, 2.0),
    "framing.shift_x_ratio": (-1.0, 1.0),
    "framing.shift_y_ratio": (-1.0, 1.0),
    "framing.stretch_ratio": (0.0, 1.0),
}

APPROACH: dict[str, Bound] = {
    "from_m": (1.0, 500.0),
    "to_m": (1.0, 500.0),
    "speed_m_per_s": (0.5, 100.0),
    "frames_per_s": (0.1, 240.0),
    "exposure_s": (1e-6, 1.0),
    "offset_m": (-50.0, 50.0),
    "height_m": (-20.0, 20.0),
    "yaw_deg": (-80.0, 80.0),
    "roll_deg": (-180.0, 180.0),
    "pan_deg": (-80.0, 80.0),
    "tilt_deg": (-80.0, 80.0),
    "jitter_deg": (0.0, 10.0),
}

BOUNDS = {
    f"{part}.{name}": bound
    for part, bounds in {"scene": SCENE, "camera": CAMERA, "approach": APPROACH}.items()
    for name, bound in bounds.items()
}
"""The bounds of every number, by dotted name."""


def check_bounds(name: str, values: list[float]) -> None:
    """Raise `UserError` for a value that the name cannot be, endless only where it may be."""
    low, high = BOUNDS[name]
    expected = f"from {low:g} to {high:g}" if high < inf else f"at least {low:g}"
    for value in values:
        check(low <= value <= high, name, expected=expected, got=f"{value:g}")
    if len(values) > 1 and inf in values:
        raise UserError(name, expected="finite ends", got="inf", fix="give inf alone, or a number")
