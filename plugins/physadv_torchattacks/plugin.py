"""What `physadv attack --attack torchattacks:NAME` finds: torchattacks' attacks on our victims."""

import inspect
from collections.abc import Mapping
from typing import Any

import torch
import torchattacks
from torch import Tensor
from torchattacks.attack import Attack

from physadv.attacks.digital import Framework, Plugin, Task
from physadv.victims import Asked
from physadv_torchattacks.abouts import abouts

UNFIT = {"LGV", "MultiAttack"}
"""Attacks that need more than a model."""


def _run(name: str, settings: Mapping[str, Any], task: Task) -> Tensor:
    """Return what the attack makes of the images."""
    made = getattr(torchattacks, name)(Asked(task.victim).eval(), **settings)
    if task.targeted:
        made.set_mode_targeted_by_label(quiet=True)
    return torch.as_tensor(made(task.images, task.labels))


def _fits(thing: Any) -> bool:
    """Whether it is an attack that can be made with a model alone."""
    if not inspect.isclass(thing) or not issubclass(thing, Attack) or thing is Attack:
        return False
    known = list(inspect.signature(thing).parameters.values())
    needed = [one for one in known if one.default is inspect.Parameter.empty]
    return [one.name for one in needed] == ["model"]


CLASSES = {k: one for k, one in vars(torchattacks).items() if _fits(one) and k not in UNFIT}
plugin: Plugin = Framework(
    "torchattacks",
    "torchattacks",
    CLASSES,
    _run,
    abouts=abouts(CLASSES),
)
"""What the entry point leads to."""
