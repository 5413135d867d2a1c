"""A drive towards a sign: the frames' poses follow from motion along a straight lane.

What belongs to the place, the day and the camera stays over an approach; what is new in each frame
is named in `FRESH`. Draw with `Approach.draw`, photograph with the world that `reaching` returns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor

from physadv.core import (
    Conditions,
    Sensor,
    Span,
    Varying,
    below,
    check,
    declared,
    draw,
    take,
    with_value,
)
from physadv.scene.pose import plane_map
from physadv.world import World

POSE, BLUR, OWN = "scene.pose", "camera.motion_blur", "approach."

FRESH = (
    "camera.framing.margin_ratio",
    "camera.framing.shift_x_ratio",
    "camera.framing.shift_y_ratio",
    "camera.noise.seed",
    "camera.rain.seed",
    "camera.rolling_shutter.pitch_rate_deg_per_s",
    "camera.rolling_shutter.yaw_rate_deg_per_s",
    "camera.shake.seed",
)
"""Conditions that are drawn anew for each frame: the crop, chance in the sensor, shake, rain."""


@dataclass(frozen=True)
class Approach:
    """A car drives straight on past a sign beside its lane, filming.

    Distances `from_m` to `to_m` run along the road from the camera to the sign's foot; the sign's
    centre is `offset_m` to the right of the camera's path and `height_m` above it. The face is
    turned by `yaw_deg` from looking straight down the road and by `roll_deg` on its post (signs as
    in `Pose`). The camera looks along the road, turned by `pan_deg` to the right and `tilt_deg`
    upwards, and shakes about that by `jitter_deg` (standard deviation, anew in each frame).
    """

    from_m: Span = Span.at(30.0)
    to_m: Span = Span.at(3.0)
    speed_m_per_s: Span = Span(6.0, 10.0)
    frames_per_s: Span = Span.at(10.0)
    exposure_s: Span = Span(1 / 2000, 1 / 200, log=True)
    offset_m: Span = Span(1.5, 4.0)
    height_m: Span = Span(0.5, 1.5)
    yaw_deg: Span = Span(-5.0, 5.0, neutral=0.0)
    roll_deg: Span = Span(-3.0, 3.0, neutral=0.0)
    pan_deg: Span = Span(-2.0, 2.0, neutral=0.0)
    tilt_deg: Span = Span(-2.0, 2.0, neutral=0.0)
    jitter_deg: Span = Span(0.0, 0.3, neutral=0.0)

    def draw(self, world: World, n: int, rng: torch.Generator) -> dict[str, Tensor]:
        """Draw the frames of n approaches as conditions of `world`, one row a frame.

        Rows run through the first approach from far to near, then the next. Beside the world's
        names there are `approach.which`, `.frame`, `.ahead_m` and `.speed_m_per_s`. Frames that do
        not hold the whole sign are left out. Raises `UserError` for a world without a pose.
        """
        names = world.declared()
        _check_street(names)
        drives = {name: value.double() for name, value in draw(declared(self), n, rng).items()}
        kept = draw({name: one for name, one in names.items() if name not in FRESH}, n, rng)
        which, frame = _frames(drives)
        run = take(drives, which) | {"frame": frame.double()}
        seen, visible = _see(run, world, torch.randn(2, len(which), generator=rng).double())
        rows = visible.nonzero()[:, 0]
        _check_seen(which[rows], n)
        anew = draw({name: one for name, one in names.items() if name in FRESH}, len(rows), rng)
        found = {name: value[rows].float() for name, value in seen.items()}
        ours = {name: v for name, v in found.items() if name in names or name.startswith(OWN)}
        return take(kept, which[rows]) | anew | ours | {f"{OWN}which": which[rows].float()}


def reaching(world: World, given: Conditions) -> World:
    """Return the world with a motion blur that reaches as far as the conditions ask."""
    name = f"{BLUR}.blur_px"
    longest = float(given[name].max()) if name in given else 0.0
    if longest <= getattr(world.declared().get(name), "high", longest):
        return world
    return with_value(world, name, Span(0.0, float(ceil(longest)), neutral=0.0))


def _check_street(names: Mapping[str, Varying]) -> None:
    street = "a street, whose sign is seen from a pose"
    got = "real photos, which have been taken already"
    check(f"{POSE}.distance_m" in names, "world", expected=street, got=got)


def _check_seen(which: Tensor, n: int) -> None:
    whole = "the whole sign in the picture somewhere on the way"
    fix = "start farther away, or choose a smaller offset_m or height_m"
    missing = n - len(which.unique())
    got = f"{missing} of {n} approaches that never show it"
    check(not missing, "approach", expected=whole, got=got, fix=fix)


def _frames(drives: Conditions) -> tuple[Tensor, Tensor]:
    """Return which approach each row belongs to, and its number there, both (R,)."""
    step = drives["speed_m_per_s"] / drives["frames_per_s"]
    count = ((drives["from_m"] - drives["to_m"]) / step + 1e-9).floor().long() + 1
    which = torch.arange(len(count)).repeat_interleave(count)
    return which, torch.arange(len(which)) - (count.cumsum(0) - count)[which]


def _see(run: Conditions, world: World, shake: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Return what the camera sees of each frame (R,), and whether it holds the whole sign.

    `shake` (2,R) are unit normal deviations of the camera's aim.
    """
    sensor, turn = world.camera.sensor, torch.deg2rad(shake * run["jitter_deg"])
    pan, tilt, yaw, roll = (torch.deg2rad(run[f"{n}_deg"]) for n in ("pan", "tilt", "yaw", "roll"))
    still = torch.zeros_like(pan)
    ahead = run["from_m"] - run["frame"] * run["speed_m_per_s"] / run["frames_per_s"]
    aim = _turned(pan + turn[0], tilt + turn[1], still)
    place = _towards(aim, torch.stack([run["offset_m"], -run["height_m"], ahead], dim=1))
    motion = _towards(aim, torch.stack([still, still, -run["speed_m_per_s"]], dim=1))
    seen = _pose(place, aim.mT @ _turned(yaw, still, roll), sensor)
    seen |= _smear(place, motion, run["exposure_s"] * sensor.focal_px)
    seen |= {f"{OWN}frame": run["frame"], f"{OWN}ahead_m": ahead}
    seen |= {f"{OWN}speed_m_per_s": run["speed_m_per_s"]}
    return seen, (place[:, 2] > 0) & _whole(seen, world)


def _whole(seen: Conditions, world: World) -> Tensor:
    """Return whether the sensor holds the sign's whole outline, (R,)."""
    sensor, face = world.camera.sensor, world.scene.face()
    pose = {name: value.float() for name, value in below(seen, POSE).items()}
    points = plane_map(face.size_mm, sensor, pose)(torch.tensor(face.outline_mm))
    size = torch.tensor([sensor.width_px, sensor.height_px])
    return ((points >= 0) & (points <= size)).all(dim=2).all(dim=1)


def _towards(aim: Tensor, vector: Tensor) -> Tensor:
    """Bring vectors (R,3) of the road into the axes of a camera turned by `aim`."""
    return (aim.mT @ vector[:, :, None])[:, :, 0]


def _pose(place: Tensor, turn: Tensor, sensor: Sensor) -> dict[str, Tensor]:
    """Return the pose of a sign at `place` (R,3) m, turned by (R,3,3), in the camera's axes.

    The inverse of `scene.pose.plane_map`: the turn is taken relative to the line of sight, so that
    the tilt of what stands above the camera is in its angles and no height is left.
    """
    x, y = place[:, 0] / place[:, 2], place[:, 1] / place[:, 2]
    gaze = _turned(x.atan(), -torch.atan2(y, (1 + x**2).sqrt()), torch.zeros_like(x))
    facing = gaze.mT @ turn
    angles = {
        "yaw": torch.atan2(facing[:, 0, 2], facing[:, 2, 2]),
        "pitch": -facing[:, 1, 2].clamp(-1, 1).asin(),
        "roll": torch.atan2(facing[:, 1, 0], facing[:, 1, 1]),
    }
    return {f"{POSE}.{name}_deg": torch.rad2deg(angle) for name, angle in angles.items()} | {
        f"{POSE}.distance_m": place.norm(dim=1),
        f"{POSE}.height_m": torch.zeros_like(x),
        f"{POSE}.x_ratio": x * sensor.focal_px / sensor.width_px,
        f"{POSE}.y_ratio": y * sensor.focal_px / sensor.height_px,
    }


def _smear(place: Tensor, motion: Tensor, reach: Tensor) -> dict[str, Tensor]:
    """Return how the sign's centre smears: its speed in the image, times exposure, times focal."""
    depth = place[:, 2:]
    path = (motion[:, :2] * depth - place[:, :2] * motion[:, 2:]) / depth**2 * reach[:, None]
    direction = torch.rad2deg(torch.atan2(path[:, 1], path[:, 0])) % 180
    return {f"{BLUR}.blur_px": path.norm(dim=1), f"{BLUR}.direction_deg": direction}


def _turned(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """Return rotations (R,3,3) by roll about z, then pitch about x, then yaw about y."""
    a, b, c = yaw.cos(), pitch.cos(), roll.cos()
    p, q, r = yaw.sin(), pitch.sin(), roll.sin()
    rows = [
        torch.stack([a * c + p * q * r, p * q * c - a * r, p * b], dim=1),
        torch.stack([b * r, b * c, -q], dim=1),
        torch.stack([a * q * r - p * c, p * r + a * q * c, a * b], dim=1),
    ]
    return torch.stack(rows, dim=1)
