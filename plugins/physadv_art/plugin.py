"""What `physadv attack --attack art:NAME` finds: ART's attacks on our victims."""

import inspect
from collections.abc import Mapping
from typing import Any

import art.attacks.evasion as evasion
import numpy as np
import torch
from torch import Tensor

from physadv.attacks.digital import Framework, Plugin, Task
from physadv.core import UserError
from physadv_art.abouts import abouts
from physadv_art.estimators import from_victim
from physadv_art.limits import BLACK_BOX, PROBABILITIES, SINGLE, UNFIT, fitting


def _run(name: str, settings: Mapping[str, Any], task: Task) -> Tensor:
    """Return what ART's attack makes of the images, in float32 at the border (numpy 2 needs it)."""
    size = (task.images.shape[-2], task.images.shape[-1])
    estimator = from_victim(task.victim, input_px=size, probabilities=name in PROBABILITIES)
    made = _made(name, settings, estimator, task)
    x, labels = task.images.detach().cpu().numpy().astype(np.float32), None
    if task.labels is not None:
        labels = np.eye(estimator.nb_classes, dtype=np.float32)[task.labels.cpu().numpy()]
    each = 1 if name in SINGLE else len(x)
    parts = [slice(k, k + each) for k in range(0, len(x), each)]
    found = [made.generate(x[p].copy(), None if labels is None else labels[p]) for p in parts]
    return torch.from_numpy(np.concatenate(found).astype(np.float32))


def _made(name: str, settings: Mapping[str, Any], estimator: Any, task: Task) -> Any:
    """Return the attack, told whether it is targeted; raises `UserError` where it cannot be."""
    cls = getattr(evasion, name)
    known = inspect.signature(cls).parameters
    if task.targeted and "targeted" not in known:
        got, fix = f"art:{name}, which is untargeted", "leave --target out"
        raise UserError("attack", expected="a targeted one", got=got, fix=fix)
    values = {"verbose": False, "targeted": task.targeted} | dict(settings)
    if name == "DeepFool":  # with gradients of fewer classes it takes scores of the wrong ones
        values.setdefault("nb_grads", estimator.nb_classes)
    return cls(estimator, **{key: value for key, value in values.items() if key in known})


CLASSES = {name: getattr(evasion, name) for name in fitting()}
plugin: Plugin = Framework(
    "art",
    "the Adversarial Robustness Toolbox",
    CLASSES,
    _run,
    filled=("self", "estimator"),
    black_box=frozenset(BLACK_BOX),
    unlabelled=True,
    abouts=abouts(CLASSES),
    unfit=UNFIT,
)
"""What the entry point leads to: a few attacks have a generator of their own that takes no seed."""
