"""What `physadv attack --attack foolbox:NAME` finds: Foolbox's attacks on our victims."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import foolbox
import torch
from foolbox.attacks.base import AttackWithDistance, FixedEpsilonAttack, MinimizationAttack
from foolbox.criteria import Misclassification, TargetedMisclassification

from physadv.attacks.digital import UNKNOWN, DigitalAttack, Plugin, Rows, Step, Watch, ignore
from physadv.core import Encoded, UserError
from physadv.core.check import one_of
from physadv.objectives import Objective, wants_labels
from physadv.victims import Victim
from physadv_foolbox.models import as_model

EPSILON = 8 / 255


@dataclass(frozen=True)
class FoolboxAttack:
    """A Foolbox attack as a digital attack of ours; images it fails on stay as they were."""

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
        """Return what Foolbox makes of images (B,C,H,W) within epsilon; raises `UserError`."""
        own = {key: value for key, value in self.settings.items() if key != "epsilon"}
        minimises = issubclass(getattr(foolbox.attacks, self.name), MinimizationAttack)
        epsilon = self.settings.get("epsilon", None if minimises else EPSILON)
        criterion = _criterion(objective, rows)
        chance = torch.get_rng_state()
        torch.manual_seed(seed)
        try:
            made = getattr(foolbox.attacks, self.name)(**own)
            _, clipped, success = made(as_model(victim), images, criterion, epsilons=epsilon)
        except (ValueError, TypeError, AssertionError, RuntimeError, NotImplementedError) as error:
            got = f"{type(error).__name__}: {error}"
            raise UserError("attack", expected=f"foolbox:{self.name} to run", got=got) from error
        finally:
            torch.set_rng_state(chance)
        found = torch.where(success.reshape(-1, 1, 1, 1), clipped, images) if minimises else clipped
        watch(Step(1.0, images, torch.zeros_like(images)))
        return Encoded(found.detach().clamp(0, 1))


def _fits(thing: Any) -> bool:
    if not inspect.isclass(thing) or inspect.isabstract(thing):
        return False
    if not issubclass(thing, AttackWithDistance) or thing.__name__ in ("DatasetAttack",):
        return False
    needed = [p for p in _parameters(thing).values() if p.default is inspect.Parameter.empty]
    return issubclass(thing, FixedEpsilonAttack | MinimizationAttack) and not needed


def _parameters(cls: Any) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(cls).parameters)


def _criterion(objective: Objective, rows: Rows) -> Any:
    targeted = wants_labels(objective)
    if targeted is None or rows.labels is None:
        expected = "as_labelled or untargeted, with labels, which Foolbox knows"
        raise UserError("objective", expected=expected, got="another")
    return (TargetedMisclassification if targeted else Misclassification)(rows.labels)


class _Foolbox:
    """Foolbox's attacks by name."""

    about = "Foolbox"

    def attacks(self) -> Sequence[str]:
        """List Foolbox's attacks that have a distance and can be made without arguments."""
        return sorted(name for name, thing in vars(foolbox.attacks).items() if _fits(thing))

    def attack(self, name: str, settings: Mapping[str, object]) -> DigitalAttack:
        """Return one of Foolbox's attacks; `epsilon` is a setting beside its own."""
        one_of("attack", name, self.attacks())
        known = [*_parameters(getattr(foolbox.attacks, name)), "epsilon"]
        for key in settings:
            one_of(f"foolbox:{name} --set", key, known)
        return FoolboxAttack(name, dict(settings))


plugin: Plugin = _Foolbox()
"""What the entry point leads to."""
