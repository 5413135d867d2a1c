"""physadv's attacks as Foolbox attacks."""

from math import inf
from typing import Any

import torch
from eagerpy.astensor import astensor, astensor_
from foolbox.attacks.base import FixedEpsilonAttack, get_criterion
from foolbox.criteria import Misclassification, TargetedMisclassification
from foolbox.distances import Distance, l1, l2, linf
from torch import Tensor

from physadv.attacks import digital
from physadv.attacks.digital import Rows
from physadv.core import Encoded, UserError
from physadv.objectives import as_labelled, cross_entropy, untargeted
from physadv_foolbox.models import as_victim

DISTANCES: dict[float, Distance] = {inf: linf, 2.0: l2, 1.0: l1}


class PGD(FixedEpsilonAttack):
    """physadv's projected gradient descent (Madry et al. 2018) for Foolbox.

    Called as all of Foolbox's attacks, `attack(model, inputs, criterion, epsilons=…)`, it returns
    the triple (raw, clipped, success). Epsilons are in the units of the model's bounds.
    """

    def __init__(
        self, norm: float = inf, *, steps: int = 40, random_starts: int = 1, seed: int = 0
    ) -> None:
        """Take the settings of `physadv.attacks.digital.PGD`. Raises `UserError`."""
        self.settings = digital.PGD(norm=float(norm), steps=steps, random_starts=random_starts)
        self.seed = seed

    @property
    def distance(self) -> Distance:
        """What epsilons are measured in."""
        return DISTANCES[self.settings.norm]

    def run(self, model: Any, inputs: Any, criterion: Any, *, epsilon: float, **kwargs: Any) -> Any:
        """Return attacked inputs within epsilon; Foolbox calls it."""
        x, restore = astensor_(inputs)
        low, high = model.bounds
        goal = get_criterion(criterion)
        targeted, labels = _goal(goal)
        settings, images = self.settings, (torch.as_tensor(x.raw) - low) / (high - low)
        attack = digital.PGD(
            settings.norm,
            epsilon / (high - low),
            steps=settings.steps,
            random_starts=settings.random_starts,
        )
        with torch.no_grad():
            classes = torch.as_tensor(astensor(model(inputs)).raw).shape[-1]
        size = (int(images.shape[-2]), int(images.shape[-1]))
        victim = as_victim(model, [f"class {k}" for k in range(classes)], size)
        objective = as_labelled(cross_entropy) if targeted else untargeted(cross_entropy)
        rows = Rows(labels=labels)
        found = attack(victim, Encoded(images), objective, rows=rows, seed=self.seed)
        return restore(astensor(found * (high - low) + low))


def _goal(criterion: Any) -> tuple[bool, Tensor]:
    """Return whether a criterion is targeted, and its classes."""
    if isinstance(criterion, Misclassification):
        return False, torch.as_tensor(criterion.labels.raw).long()
    if isinstance(criterion, TargetedMisclassification):
        return True, torch.as_tensor(criterion.target_classes.raw).long()
    expected = "Misclassification or TargetedMisclassification"
    raise UserError("criterion", expected=expected, got=type(criterion).__name__)
