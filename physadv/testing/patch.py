"""The contract of patches: chance from the generator, a projection, gradients, fair controls."""

import torch
from torch import Tensor

from physadv.core import Film, Ink, Sensor, Touch, Window, generator
from physadv.patch import Patch
from physadv.testing.contract import hold, near, no_chance_from_outside

WIDTH_PX = 32
"""Columns of the rasters that are looked at."""
SENSOR = Sensor(64, 48, 60.0)
WINDOW = Window(torch.zeros(1, 2), (48, 64), SENSOR)


def check_patch(patch: Patch, *, seed: int = 0) -> None:
    """Raise `ContractError` at the first clause that `patch` breaks.

    theta has the patch's shape; all chance comes from the generator given; projecting twice is
    projecting once, and leaves what it made alone; what theta makes is in range, whatever the
    raster, and has a gradient; the controls are thetas that can be made, and not theta itself.
    """
    with no_chance_from_outside("a patch does not use the global generator"):
        theta = patch.start(generator(seed))
        others = patch.controls(theta, generator(seed + 1))
    hold(theta.shape == patch.shape, "`start` gives theta's shape", tuple(theta.shape))
    near(patch.start(generator(seed)), theta, "the same generator gives the same start", 0)
    hold(not torch.equal(patch.start(generator(seed + 1)), theta), "another gives another start")
    _check_projection(patch, theta)
    _check_touch(patch, patch.project(theta))
    _check_controls(patch, patch.project(theta), others, seed)
    hold(all(isinstance(told, str) for told in patch.doubts(theta)), "doubts are sentences")


def _check_projection(patch: Patch, theta: Tensor) -> None:
    kept = theta.clone()
    near(patch.project(theta), theta, "a start can be made", 0)
    near(theta, kept, "`project` writes to no argument", 0)
    for wild in (5 * theta - 2, torch.full_like(theta, 9.0), torch.full_like(theta, -9.0)):
        once = patch.project(wild)
        hold(once.shape == patch.shape, "`project` keeps the shape", tuple(once.shape))
        near(patch.project(once), once, "projecting twice is projecting once", 1e-6)


def _check_touch(patch: Patch, theta: Tensor) -> None:
    for width_px in (WIDTH_PX, 2 * WIDTH_PX):
        values = _values(patch.touch(theta, width_px))
        hold(bool(values.isfinite().all()), "what theta makes is finite")
        hold(float(values.min()) >= 0, "there is no negative ink or light", float(values.min()))
    near(
        _values(patch.touch(theta, WIDTH_PX)), _values(patch.touch(theta, WIDTH_PX)), "no chance", 0
    )
    moving = theta.clone().requires_grad_()
    values = _values(patch.touch(moving, WIDTH_PX))
    hold(values.requires_grad, "what theta makes is differentiable in theta")
    weights = torch.rand(values.shape, generator=generator(0))
    (slope,) = torch.autograd.grad((values * weights).sum(), moving)
    hold(bool(slope.isfinite().all()), "the gradient is finite")
    hold(bool((slope != 0).any()), "the gradient is not flat")


def _values(touch: Touch) -> Tensor:
    if isinstance(touch, Ink):
        return torch.cat([touch.colour * touch.cover, touch.cover], dim=1)
    return touch.layer(WINDOW) if isinstance(touch, Film) else touch.gain


def _check_controls(patch: Patch, theta: Tensor, others: dict[str, Tensor], seed: int) -> None:
    hold(len(others) > 0, "there is a control")
    again = patch.controls(theta, generator(seed + 1))
    hold(list(again) == list(others), "controls have the same names each time", list(again))
    for name, one in others.items():
        hold(one.shape == patch.shape, f"the control '{name}' has theta's shape", tuple(one.shape))
        near(patch.project(one), one, f"the control '{name}' can be made", 1e-6)
        near(again[name], one, f"the control '{name}' takes its chance from the generator", 0)
        hold(not torch.equal(one, theta), f"the control '{name}' is not theta itself")
