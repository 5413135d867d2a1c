"""What `physadv attack --attack art:NAME` finds: ART's attacks on our victims."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import art.attacks.evasion as evasion
import numpy as np
import torch
from art.attacks import EvasionAttack

from physadv.attacks.digital import UNKNOWN, DigitalAttack, Plugin, Rows, Step, Watch, ignore
from physadv.core import Encoded, UserError
from physadv.core.check import one_of
from physadv.objectives import Objective, wants_labels
from physadv.victims import Victim
from physadv_art.estimators import from_victim
from physadv_art.frame import Array
from physadv_art.limits import BLACK_BOX, PROBABILITIES, SINGLE, UNFIT, fitting


@dataclass(frozen=True)
class ArtAttack:
    """An ART attack as a digital attack of ours, in float32 at the border (numpy 2 needs it)."""

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
        """Return what ART's attack makes of images (B,3,H,W); raises `UserError` for its errors.

        ART draws from numpy's global generator, which is seeded for it and put back; a few of its
        attacks have a generator of their own that takes no seed.
        """
        if not victim.differentiable and self.name not in BLACK_BOX:
            expected, got = f"gradients, which art:{self.name} needs", f"{victim.name}, a black box"
            fix = "take one of " + ", ".join(f"art:{name}" for name in sorted(BLACK_BOX))
            raise UserError("victim", expected=expected, got=got, fix=fix)
        size = (images.shape[-2], images.shape[-1])
        asked = self.name in PROBABILITIES
        estimator = from_victim(victim, input_px=size, probabilities=asked)
        x = images.detach().cpu().numpy().astype(np.float32)
        before, chance = np.random.get_state(), torch.get_rng_state()  # ART reads it
        np.random.seed(seed % 2**32)  # ART reads it
        torch.manual_seed(seed)
        try:
            found = self._run(estimator, x, rows, objective)
        except UserError:
            raise
        except Exception as error:
            got = f"{type(error).__name__}: {error}"
            raise UserError("attack", expected=f"art:{self.name} to run", got=got) from error
        finally:
            np.random.set_state(before)  # ART reads it
            torch.set_rng_state(chance)
        watch(Step(1.0, images, torch.zeros_like(images)))
        return Encoded(torch.from_numpy(found).to(images).clamp(0, 1))

    def _run(self, estimator: Any, x: Array, rows: Rows, objective: Objective) -> Array:
        cls, targeted = getattr(evasion, self.name), wants_labels(objective)
        if targeted is None:
            expected = "as_labelled or untargeted, which ART's attacks know"
            raise UserError("objective", expected=expected, got="another")
        settings = {"verbose": False, "targeted": targeted} | self.settings
        known = inspect.signature(cls).parameters
        settings = {key: value for key, value in settings.items() if key in known}
        if targeted and "targeted" not in known:
            got, fix = f"art:{self.name}, which is untargeted", "leave --target out"
            raise UserError("attack", expected="a targeted one", got=got, fix=fix)
        made: EvasionAttack = cls(estimator, **settings)
        labels = None
        if rows.labels is not None:
            labels = np.eye(estimator.nb_classes, dtype=np.float32)[rows.labels.cpu().numpy()]
        size = 1 if self.name in SINGLE else len(x)
        parts = [slice(k, k + size) for k in range(0, len(x), size)]
        made_of = [made.generate(x[p].copy(), None if labels is None else labels[p]) for p in parts]
        found = np.concatenate(made_of).astype(np.float32)
        if found.shape != x.shape:
            expected = f"images of shape {x.shape}"
            raise UserError("attack", expected=expected, got=f"{found.shape} from art:{self.name}")
        return found


class _Art:
    """ART's evasion attacks by name."""

    about = "the Adversarial Robustness Toolbox"

    def attacks(self) -> Sequence[str]:
        """List ART's evasion attacks that run on image classifiers and return images."""
        return fitting()

    def attack(self, name: str, settings: Mapping[str, object]) -> DigitalAttack:
        """Return one of ART's evasion attacks with constructor arguments; raises `UserError`."""
        if name in UNFIT:
            raise UserError(
                "attack", expected="one that can run", got=f"art:{name}", fix=UNFIT[name]
            )
        one_of("attack", name, self.attacks())
        known = inspect.signature(getattr(evasion, name)).parameters
        for key in settings:
            one_of(
                f"art:{name} --set", key, [one for one in known if one not in ("self", "estimator")]
            )
        return ArtAttack(name, dict(settings))


plugin: Plugin = _Art()
"""What the entry point leads to."""
