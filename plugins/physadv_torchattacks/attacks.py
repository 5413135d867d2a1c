"""physadv's attacks as torchattacks."""

from math import inf
from typing import Any

import torch
from torch import Tensor, nn
from torchattacks.attack import Attack

from physadv.attacks import digital
from physadv.attacks.digital import Rows
from physadv.core import Answer, Encoded
from physadv.objectives import as_labelled, cross_entropy, untargeted


class PGD(Attack):  # type: ignore[misc]  # torchattacks has no types
    """physadv's projected gradient descent (Madry et al. 2018): `attack(images, labels)`.

    `set_mode_targeted_by_label` and torchattacks' other modes hold, `set_normalization_used` too.
    """

    def __init__(
        self,
        model: nn.Module,
        eps: float = 8 / 255,
        *,
        norm: float = inf,
        steps: int = 40,
        random_starts: int = 1,
        seed: int = 0,
    ) -> None:
        """Take a model and the settings of `physadv.attacks.digital.PGD`. Raises `UserError`."""
        super().__init__("PGD", model)
        self.supported_mode = ["default", "targeted"]
        self.settings = digital.PGD(float(norm), eps, None, steps, random_starts)
        self.seed = seed

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Return attacked images (B,C,H,W) in [0,1]; torchattacks calls it."""
        told = self.get_target_label(images, labels) if self.targeted else labels
        objective = as_labelled(cross_entropy) if self.targeted else untargeted(cross_entropy)
        rows, clean = Rows(labels=told.to(images.device).long()), Encoded(images.detach())
        return self.settings(_Logits(self), clean, objective, rows=rows, seed=self.seed)


class _Logits:
    """The attack's model, normalisation included, as a victim."""

    name, labels, size_px, differentiable = "model", (), (0, 0), True

    def __init__(self, attack: Any) -> None:
        self.attack = attack

    def __call__(self, images: Encoded) -> Answer:
        return Answer(torch.as_tensor(self.attack.get_logits(images)))

    def label(self, name_or_index: str | int) -> int:
        return int(name_or_index)
