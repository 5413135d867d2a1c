"""The contract of patches: theta is a tensor that chance starts, limits hold, and light shows."""

import torch

from physadv.core import generator
from physadv.patch import Patch
from physadv.testing.contract import hold, near, no_chance_from_outside

WIDTH_PX = 96
OTHER = 2**16


def check_patch(patch: Patch, *, seed: int = 0) -> None:
    """Raise `ContractError` at the first clause that a patch breaks.

    Starts come from the generator alone and can be made; projecting twice is projecting once, and
    leaves what can be made as it is; what is made is the same on every call, differentiable and
    finite; controls have theta's shape, can be made, and differ from theta; doubts are sentences.
    """
    with no_chance_from_outside("a patch does not use the global generator"):
        theta = patch.start(generator(seed))
        controls = patch.controls(theta, generator(seed + OTHER))
    hold(theta.shape == patch.shape, "a start has the patch's shape", tuple(theta.shape))
    near(patch.start(generator(seed)), theta, "the same seed gives the same start", 0)
    other = patch.start(generator(seed + 1))
    hold(not torch.equal(other, theta), "another seed gives another start")
    near(patch.project(theta), theta, "a start can be made", 0)
    wild = 3 * torch.randn(patch.shape, generator=generator(seed))
    near(patch.project(patch.project(wild)), patch.project(wild), "projecting is idempotent", 0)
    _check_touch(patch, theta)
    hold(len(controls) >= 2, "there are controls", tuple(controls))
    for name, value in controls.items():
        hold(value.shape == theta.shape, f"control {name} has theta's shape", tuple(value.shape))
        near(patch.project(value), value, f"control {name} can be made", 1e-6)
        hold(not torch.equal(value, theta), f"control {name} is another theta")
    hold(all(isinstance(told, str) for told in patch.doubts(theta)), "doubts are sentences")


def _check_touch(patch: Patch, theta: torch.Tensor) -> None:
    free = theta.clone().requires_grad_()
    made = [value for value in _tensors(patch, free) if value.is_floating_point()]
    hold(all(bool(value.isfinite().all()) for value in made), "what is made is finite")
    for one, again in zip(made, _tensors(patch, free), strict=True):
        near(again.detach(), one.detach(), "the same theta makes the same", 0)
    total = torch.stack([value.sum() for value in made if value.requires_grad]).sum()
    (slope,) = torch.autograd.grad(total, free)
    hold(bool(slope.isfinite().all()), "what is made has a finite slope")


def _tensors(patch: Patch, theta: torch.Tensor) -> list[torch.Tensor]:
    made = vars(patch.touch(theta, WIDTH_PX)).values()
    return [value for value in made if isinstance(value, torch.Tensor)]
