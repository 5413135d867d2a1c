"""How likely the simulation holds a success at the pose a photo was taken from."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from physadv.core import Rate, Sensor, Span, Varying, generator, wilson
from physadv.problem import Problem
from physadv.scoring.pose import LEVEL, Seen

ZOOM = 3
"""How many times what the victim takes a simulated sign is large, at most; a camera that sees it
larger gets larger pixels, which only saves time."""
PREFIX = "scene.pose."


def predicted(
    problem: Problem, theta: Tensor, seen: Seen, sensor: Sensor, *, n: int, seed: int
) -> Rate | None:
    """Return the share of successes in n simulated photos from a measured pose.

    The photos are taken with the photo's own `sensor`; all but the pose varies as the world says.
    The pose's angles are to the line of sight, so that no height is left to tilt the sign by.
    None where the world has no pose, as that of real photos.
    """
    measured = {PREFIX + name: value for name, value in (seen.conditions() | LEVEL).items()}
    if not measured.keys() <= problem.declared().keys():
        return None
    share = min(1.0, ZOOM * max(problem.victim.size_px) / seen.side_px)
    size = max(16, round(sensor.width_px * share)), max(16, round(sensor.height_px * share))
    camera = replace(problem.world.camera, sensor=Sensor(*size, sensor.fov_deg))
    there = replace(problem, world=replace(problem.world, camera=camera))
    fixed = {name: torch.full((n,), value) for name, value in measured.items()}
    given = there.draw(n, generator(seed)) | fixed
    return wilson(int(there.judge(theta, given).success.sum()), n)


def beyond(declared: Mapping[str, Varying], seen: Seen) -> tuple[str, ...]:
    """Return the names of the measured values that the world's spans do not hold.

    Angles are held where they are at one of the heights above the camera that the world has.
    """
    height = declared.get(PREFIX + "height_m")
    ends = (height.low, height.high) if isinstance(height, Span) else (0.0, 0.0)
    low, high = (seen.above(end).conditions() for end in ends)
    spans = {name: declared.get(PREFIX + name) for name in low}
    return tuple(
        name
        for name, span in spans.items()
        if isinstance(span, Span)
        and not (span.low <= max(low[name], high[name]) and min(low[name], high[name]) <= span.high)
    )
