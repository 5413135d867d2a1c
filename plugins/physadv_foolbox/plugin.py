"""What `physadv attack --attack foolbox:NAME` finds: Foolbox's attacks on our victims."""

import inspect
from collections.abc import Mapping
from typing import Any

import foolbox
import torch
from foolbox.attacks.base import AttackWithDistance, FixedEpsilonAttack, MinimizationAttack
from foolbox.criteria import Misclassification, TargetedMisclassification
from torch import Tensor

from physadv.attacks.digital import Framework, Plugin, Task
from physadv_foolbox.abouts import abouts
from physadv_foolbox.models import as_model

EPSILON = 8 / 255


def _run(name: str, settings: Mapping[str, Any], task: Task) -> Tensor:
    """Return what Foolbox makes of images within `epsilon`; where it fails they stay as they were.

    `epsilon` is a setting beside the attack's own; those that seek the least change need none.
    """
    cls = getattr(foolbox.attacks, name)
    own = {key: value for key, value in settings.items() if key != "epsilon"}
    minimises = issubclass(cls, MinimizationAttack)
    epsilon = settings.get("epsilon", None if minimises else EPSILON)
    goal = (TargetedMisclassification if task.targeted else Misclassification)(task.labels)
    _, clipped, success = cls(**own)(as_model(task.victim), task.images, goal, epsilons=epsilon)
    found = torch.where(success.reshape(-1, 1, 1, 1), clipped, task.images)
    return found if minimises else torch.as_tensor(clipped)


def _fits(thing: Any) -> bool:
    """Whether it is an attack that has a distance and can be made without arguments."""
    if not inspect.isclass(thing) or inspect.isabstract(thing):
        return False
    if not issubclass(thing, AttackWithDistance) or thing.__name__ in ("DatasetAttack",):
        return False
    known = inspect.signature(thing).parameters.values()
    needed = [one for one in known if one.default is inspect.Parameter.empty]
    return issubclass(thing, FixedEpsilonAttack | MinimizationAttack) and not needed


CLASSES = {name: thing for name, thing in vars(foolbox.attacks).items() if _fits(thing)}
plugin: Plugin = Framework(
    "foolbox",
    "Foolbox",
    CLASSES,
    _run,
    filled=(),
    more=("epsilon",),
    eps="epsilon",
    abouts=abouts(CLASSES),
)
"""What the entry point leads to."""
