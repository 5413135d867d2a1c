"""What `physadv attack --attack torchattacks:NAME` finds: torchattacks' attacks on our victims."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torchattacks
from torchattacks.attack import Attack

from physadv.attacks.digital import UNKNOWN, DigitalAttack, Plugin, Rows, Step, Watch, ignore
from physadv.core import Encoded, UserError, check
from physadv.core.check import one_of
from physadv.objectives import Objective, wants_labels
from physadv.victims import Asked, Victim

UNFIT = {"LGV", "MultiAttack"}
"""Attacks that need more than a model."""


@dataclass(frozen=True)
class Torchattack:
    """An attack of torchattacks as a digital attack of ours."""

    name: str
    settings: dict[str, Any]

    def __call__(
        self,
        victim: Victim,
        images: Encoded,
        objective: Objective,
        *,
        rows: Rows = UNKNOWN,
        seed: int = 0,
        watch: Watch = ignore,
    ) -> Encoded:
        """Return what the attack makes of images (B,C,H,W); raises `UserError`."""
        got = f"{victim.name}, a black box"
        check(victim.differentiable, "victim", expected="one with gradients", got=got)
        targeted = wants_labels(objective)
        if targeted is None or rows.labels is None:
            expected = "as_labelled or untargeted, with labels, which torchattacks knows"
            raise UserError("objective", expected=expected, got="another")
        chance = torch.get_rng_state()
        torch.manual_seed(seed)
        try:
            made = getattr(torchattacks, self.name)(Asked(victim).eval(), **self.settings)
            if targeted:
                made.set_mode_targeted_by_label(quiet=True)
            found = made(images, rows.labels)
        except Exception as error:
            text = f"{type(error).__name__}: {error}"
            expected = f"torchattacks:{self.name} to run"
            raise UserError("attack", expected=expected, got=text) from error
        finally:
            torch.set_rng_state(chance)
        watch(Step(1.0, images, torch.zeros_like(images)))
        return Encoded(torch.as_tensor(found).detach().clamp(0, 1))


def _fits(thing: Any) -> bool:
    if not inspect.isclass(thing) or not issubclass(thing, Attack) or thing is Attack:
        return False
    known = list(inspect.signature(thing).parameters.values())
    needed = [one for one in known if one.default is inspect.Parameter.empty]
    return [one.name for one in needed] == ["model"]


class _Torchattacks:
    """The attacks of torchattacks by name."""

    about = "torchattacks"

    def attacks(self) -> Sequence[str]:
        """List the attacks that can be made with a model alone."""
        found = [name for name, thing in vars(torchattacks).items() if _fits(thing)]
        return sorted(set(found) - UNFIT)

    def attack(self, name: str, settings: Mapping[str, object]) -> DigitalAttack:
        """Return one of torchattacks' attacks with constructor arguments; raises `UserError`."""
        one_of("attack", name, self.attacks())
        known = inspect.signature(getattr(torchattacks, name)).parameters
        for key in settings:
            one_of(f"torchattacks:{name} --set", key, [one for one in known if one != "model"])
        return Torchattack(name, dict(settings))


plugin: Plugin = _Torchattacks()
"""What the entry point leads to."""
